// SPDX-License-Identifier: Apache-2.0
// What ops along time share: the dates of a cube, a band's samples by date as physical values, and
// the strips in which a block is worked through.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "raster/cube.h"
#include "workflow/op.h"

namespace geoloom::ops {

// The distinct dates of a cube, ascending: a slice stands at its start. Slices [first[d],
// first[d + 1]) stand at times[d].
struct SeriesDates {
  std::vector<geo::TimeMs> times;
  std::vector<size_t> first;  // one more than dates

  size_t size() const { return times.size(); }
  std::vector<double> milliseconds() const { return {times.begin(), times.end()}; }
};

// Throws Error(invalid) where a slice has no time or is earlier than the one before it, and where
// slices in decibels would have to be averaged.
SeriesDates dates_of(const raster::CubeSchema& input, std::string_view op);

// One band in some pixels: the value of date d and pixel p is values[d * pixels + p], NaN where
// nothing is valid. Slices of one date are averaged: the sum of those that are valid, in their
// order and in double, divided by their number and rounded to float.
class DatedSamples {
 public:
  explicit DatedSamples(SeriesDates dates) : dates_(std::move(dates)) {}
  static size_t bytes_per_pixel(size_t dates) { return dates * sizeof(float) + 16; }

  const float* read(const raster::Block& block, const raster::Band& band, size_t index);
  const SeriesDates& dates() const { return dates_; }

 private:
  void read_mean(const raster::Block& block, const raster::Band& band, size_t index, size_t date);

  SeriesDates dates_;
  std::vector<float> values_, slice_;
  std::vector<double> sum_;
  std::vector<uint32_t> count_;
};

// A band of whole numbers that are no measure: a count, a date, a class.
raster::Band whole_number_band(std::string name, raster::PixelType type, raster::BandKind kind,
                               std::optional<double> nodata);

// Writes values that are whole numbers of the band's type; NaN is invalid. Bands that share
// validity are valid where all of them are; write band 0 first.
void write_whole_numbers(std::span<const float> values, raster::Block& out, size_t band,
                         size_t slice);

// Where each name stands among `all`, which holds it.
std::vector<size_t> places_of(const std::vector<std::string>& names,
                              const std::vector<std::string>& all);

// Calls body(inputs, output) for strips of whole rows of about so many pixels, so that what it
// holds stays in the CPU's caches.
template <class Body>
void for_each_strip(const workflow::BlockCall& call, Body body) {
  constexpr int64_t kStripPixels = 2048;
  const auto window = call.outputs[0]->window();
  const int64_t rows = std::max<int64_t>(1, kStripPixels / std::max<int64_t>(1, window.width));
  for (int64_t row = 0; row < window.height; row += rows) {
    const int64_t count = std::min(rows, window.height - row);
    std::vector<raster::Block> inputs;
    for (const auto* input : call.inputs) {
      raster::Block whole = *input;
      inputs.push_back(whole.strip(row, count));
    }
    raster::Block out = call.outputs[0]->strip(row, count);
    body(inputs, out);
  }
}

}  // namespace geoloom::ops
