// SPDX-License-Identifier: Apache-2.0
#include "ops/load/pixel_reason.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace geoloom::ops {
namespace {

// One stored sample.
struct Sample {
  std::string name;
  FrozenBand band;
  double stored = 0;
  bool valid = false;
  bool inside = false;
};

Sample read_sample(const FrozenBand& band, const raster::AssetPlacement& placement, int64_t x,
                   int64_t y, const raster::Asset& asset) {
  Sample sample;
  sample.band = band;
  const geo::Window pixel{x, y, 1, 1};
  sample.inside = !placement.mapping.source_window(pixel).intersect(placement.raster).empty();
  raster::visit(band.type, [&]<class T>(T) {
    T value{};
    uint8_t valid = 0;
    raster::read_asset(asset, placement, pixel, {{band.number, band.type, band.nodata}}, {&value},
                       {&valid});
    sample.stored = static_cast<double>(value);
    sample.valid = valid != 0;
  });
  return sample;
}

std::string reason_of_validity(const Sample& sample) {
  if (sample.valid) return {};
  if (!sample.inside) return "outside of the scene";
  const auto& nodata = sample.band.nodata;
  if (std::isnan(sample.stored)) return sample.name + " is NaN";
  if (nodata && *nodata == sample.stored)
    return fmt::format("{} is nodata ({})", sample.name, *nodata);
  return sample.name + " is masked in its file";
}

std::string reason_of_mask(const Sample& sample, const ClassMask& mask) {
  const auto& listed = mask.listed();
  const auto value = static_cast<int64_t>(sample.stored);
  const bool found = std::find(listed.begin(), listed.end(), value) != listed.end();
  if (found == mask.listed_are_kept()) return {};
  return fmt::format("{} is {}, which is {}", sample.name, value,
                     mask.listed_are_kept() ? "not kept" : "dropped");
}

std::string reason_of_rejection(const Sample& sample, const Reject& reject) {
  const auto& values = reject.any_band_in;
  const bool rejected = std::any_of(values.begin(), values.end(), [&](double value) {
    return sample.band.type == raster::PixelType::float32
               ? static_cast<double>(static_cast<float>(value)) == sample.stored
               : value == sample.stored;
  });
  return rejected ? fmt::format("{} is {}, which is rejected", sample.name, sample.stored)
                  : std::string();
}

std::string reason_of(const std::vector<Sample>& samples, const LoadParameters& parameters) {
  const auto first = [&](auto&& rule) {
    for (const auto& sample : samples)
      if (auto reason = rule(sample); !reason.empty()) return reason;
    return std::string();
  };
  auto reason = first(reason_of_validity);
  if (reason.empty())
    reason = first([&](const Sample& sample) {
      return sample.band.target == kMaskTarget ? reason_of_mask(sample, *parameters.mask)
                                               : std::string();
    });
  if (reason.empty() && parameters.reject)
    reason = first([&](const Sample& sample) {
      return sample.band.target == kMaskTarget ? std::string()
                                               : reason_of_rejection(sample, *parameters.reject);
    });
  return reason;
}

}  // namespace

workflow::PixelReport explain_pixel(const FrozenScene& scene,
                                    const std::vector<raster::AssetPlacement>& placements,
                                    const std::vector<raster::Band>& series,
                                    const LoadParameters& parameters, int64_t x, int64_t y,
                                    raster::AssetPool& pool) {
  std::vector<Sample> samples;
  for (size_t f = 0; f < scene.files.size(); ++f) {
    auto lease = pool.lease(scene.files[f].path);
    for (const auto& band : scene.files[f].bands) {
      auto sample = read_sample(band, placements[f], x, y, *lease);
      const bool mask = band.target == kMaskTarget;
      sample.name = mask ? parameters.mask->band : series[band.target].name;
      samples.push_back(std::move(sample));
    }
  }
  // Bands in the order asked for, the mask last.
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Sample& a, const Sample& b) { return a.band.target < b.band.target; });
  workflow::PixelReport report;
  for (const auto& sample : samples)
    report.values.emplace_back(sample.name, sample.stored * sample.band.gain + sample.band.shift);
  report.reason = reason_of(samples, parameters);
  report.valid = report.reason.empty();
  return report;
}

}  // namespace geoloom::ops
