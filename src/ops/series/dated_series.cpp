// SPDX-License-Identifier: Apache-2.0
#include "ops/series/dated_series.h"

#include <cmath>
#include <limits>

#include "ops/composite/linear_power.h"
#include "ops/physical.h"
#include "ops/time_cells.h"

namespace geoloom::ops {

SeriesDates dates_of(const raster::CubeSchema& input, std::string_view op) {
  require_ordered_times(input, op);
  SeriesDates dates;
  const auto& slices = input.slices;
  for (size_t s = 0; s < slices.size(); ++s) {
    const auto time = slices[s].period.start;
    if (s > 0 && time == dates.times.back()) {
      for (const auto& band : input.bands)
        require_linear(band, op, "mean of slices of one instant");
      continue;
    }
    dates.times.push_back(time);
    dates.first.push_back(s);
  }
  dates.first.push_back(slices.size());
  return dates;
}

const float* DatedSamples::read(const raster::Block& block, const raster::Band& band,
                                size_t index) {
  const size_t pixels = block.pixels();
  // Without dates too there is an address, which is counted from by pixels.
  values_.resize(std::max<size_t>(1, dates_.size() * pixels));
  for (size_t d = 0; d < dates_.size(); ++d) {
    if (dates_.first[d + 1] - dates_.first[d] > 1)
      read_mean(block, band, index, d);
    else
      read_physical(block, band, index, dates_.first[d], {values_.data() + d * pixels, pixels});
  }
  return values_.data();
}

void DatedSamples::read_mean(const raster::Block& block, const raster::Band& band, size_t index,
                             size_t date) {
  const size_t pixels = block.pixels();
  slice_.resize(pixels);
  sum_.assign(pixels, 0);
  count_.assign(pixels, 0);
  for (size_t s = dates_.first[date]; s < dates_.first[date + 1]; ++s) {
    read_physical(block, band, index, s, slice_);
    for (size_t p = 0; p < pixels; ++p) {
      if (std::isnan(slice_[p])) continue;
      sum_[p] += slice_[p];
      ++count_[p];
    }
  }
  float* to = values_.data() + date * pixels;
  for (size_t p = 0; p < pixels; ++p)
    to[p] = count_[p] == 0 ? std::numeric_limits<float>::quiet_NaN()
                           : static_cast<float>(sum_[p] / count_[p]);
}

raster::Band whole_number_band(std::string name, raster::PixelType type, raster::BandKind kind,
                               std::optional<double> nodata) {
  raster::Band band;
  band.name = std::move(name);
  band.type = type;
  band.kind = kind;
  band.nodata = nodata;
  return band;
}

std::vector<size_t> places_of(const std::vector<std::string>& names,
                              const std::vector<std::string>& all) {
  std::vector<size_t> places;
  for (const auto& name : names)
    places.push_back(static_cast<size_t>(std::find(all.begin(), all.end(), name) - all.begin()));
  return places;
}

void write_whole_numbers(std::span<const float> values, raster::Block& out, size_t band,
                         size_t slice) {
  const auto valid = out.validity(slice, band);
  const bool starts = band == 0 || out.validity_per_band();
  raster::visit(out.type(band), [&]<class T>(T) {
    const auto to = out.plane<T>(band, slice);
    for (size_t p = 0; p < values.size(); ++p) {
      const bool there = !std::isnan(values[p]);
      to[p] = there ? static_cast<T>(values[p]) : T{0};
      valid[p] = there && (starts || valid[p] != 0) ? 1 : 0;
    }
  });
}

}  // namespace geoloom::ops
