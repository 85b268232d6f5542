// SPDX-License-Identifier: Apache-2.0
#include "ops/physical.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "error/error.h"
#include "kernels/physical_values.h"

namespace geoloom::ops {
namespace {

bool finite(float value) {
  return std::fabs(value) <= std::numeric_limits<float>::max();
}

}  // namespace

raster::Band measured_band(std::string name, std::string unit) {
  raster::Band band;
  band.name = std::move(name);
  band.type = raster::PixelType::float32;
  band.unit = std::move(unit);
  band.nodata = std::numeric_limits<double>::quiet_NaN();
  return band;
}

void require_measures(const raster::CubeSchema& input, std::string_view op) {
  for (const auto& band : input.bands)
    if (band.kind == raster::BandKind::category)
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: band '{}' holds classes, which are no numbers to compute with",
                              op, band.name))
          .hint(
              "load only measured bands, or make numbers of classes with reclass: {kind: measure}");
}

void read_physical(const raster::Block& block, const raster::Band& schema, size_t band,
                   size_t slice, std::span<float> out) {
  const auto scale = static_cast<float>(schema.scale), offset = static_cast<float>(schema.offset);
  const auto valid = block.validity(slice, band);
  raster::visit(block.type(band), [&]<class T>(T) {
    const auto from = block.plane<T>(band, slice);
    kernels::physical_values(from.data(), from.size(), scale, offset, out.data());
  });
  for (size_t i = 0; i < valid.size(); ++i)
    out[i] = valid[i] != 0 && finite(out[i]) ? out[i] : kNothing;
}

void write_measured(std::span<const float> values, raster::Block& out, size_t band, size_t slice) {
  const auto to = out.plane<float>(band, slice);
  const auto valid = out.validity(slice, band);
  const bool shared = band > 0 && !out.validity_per_band();
  for (size_t i = 0; i < values.size(); ++i) {
    const bool good = finite(values[i]);
    to[i] = good ? values[i] : 0;
    valid[i] = good && (!shared || valid[i] != 0) ? 1 : 0;
  }
}

}  // namespace geoloom::ops
