// SPDX-License-Identifier: Apache-2.0
#include "ops/sample/shape_samples.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "error/error.h"

namespace geoloom::ops {
namespace {

// Of the numbers that are not NaN; NaN without any.
double middle(std::vector<double> values, bool mean) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (mean) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

void ShapeSamples::add(const learn::ItemPart& part, std::span<const int64_t> groups) {
  std::vector<Pixel> pixels;
  for (size_t i = 0; i < part.eligible.size(); ++i) {
    if (part.eligible[i] == 0) continue;
    Pixel pixel;
    const auto row = static_cast<int64_t>(i) / part.width,
               column = static_cast<int64_t>(i) % part.width;
    pixel.position = static_cast<uint64_t>((part.y + row) * width_ + part.x + column);
    if (!groups.empty()) pixel.group = groups[i];
    if (!part.classes.empty()) pixel.class_label = part.classes[i];
    if (!part.numbers.empty()) pixel.number_label = part.numbers[i];
    pixel.features.resize(features_);
    part.features_at(i, pixel.features);
    pixels.push_back(std::move(pixel));
  }
  const std::lock_guard lock(mutex_);
  if (pixels_.size() + pixels.size() > kMostPixels)
    throw Error(ErrorCode::resource, "sample: an item has more than 4 million labelled pixels")
        .hint("draw some of them, or run over windows of the shapes");
  std::move(pixels.begin(), pixels.end(), std::back_inserter(pixels_));
}

learn::DrawnSamples ShapeSamples::finish(const std::string& value, learn::LabelType label_type,
                                         uint64_t seed) {
  learn::DrawnSamples samples;
  const bool by_pixel = value == "pixel";
  std::sort(pixels_.begin(), pixels_.end(), [&](const Pixel& a, const Pixel& b) {
    return by_pixel ? a.position < b.position
                    : std::pair(a.group, a.position) < std::pair(b.group, b.position);
  });
  if (!by_pixel)
    std::erase_if(pixels_, [](const Pixel& pixel) { return pixel.group == learn::kNoGroup; });
  std::map<int64_t, uint64_t> counts;
  for (size_t first = 0; first < pixels_.size();) {
    size_t last = first + 1;
    while (!by_pixel && last < pixels_.size() && pixels_[last].group == pixels_[first].group)
      ++last;
    take(std::span<const Pixel>(pixels_).subspan(first, last - first), value, label_type, samples);
    first = last;
  }
  for (const auto& pixel : pixels_) ++counts[pixel.class_label];
  samples.record.seed = seed;
  samples.record.method = by_pixel ? "all" : value;
  for (const auto& [code, count] : counts) samples.record.rates.push_back({code, count, count});
  pixels_.clear();
  return samples;
}

void ShapeSamples::take(std::span<const Pixel> pixels, const std::string& value,
                        learn::LabelType label_type, learn::DrawnSamples& samples) {
  const bool mean = value == "mean";
  std::vector<double> values(pixels.size());
  const auto put = [&](const auto& of_pixel) {
    for (size_t i = 0; i < pixels.size(); ++i) values[i] = of_pixel(pixels[i]);
  };
  for (size_t feature = 0; feature < features_; ++feature) {
    put([&](const Pixel& pixel) { return static_cast<double>(pixel.features[feature]); });
    samples.features.push_back(static_cast<float>(middle(values, mean)));
  }
  if (label_type == learn::LabelType::number) {
    put([](const Pixel& pixel) { return pixel.number_label; });
    samples.number_labels.push_back(middle(values, mean));
  } else if (label_type == learn::LabelType::classes) {
    std::map<int64_t, size_t> counts;
    for (const auto& pixel : pixels) ++counts[pixel.class_label];
    samples.class_labels.push_back(
        std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
          return a.second < b.second;
        })->first);
  }
  put([&](const Pixel& pixel) {
    return static_cast<double>(pixel.position % static_cast<uint64_t>(width_)) + 0.5;
  });
  columns_.push_back(middle(values, true));
  put([&](const Pixel& pixel) {
    return static_cast<double>(pixel.position / static_cast<uint64_t>(width_)) + 0.5;
  });
  rows_.push_back(middle(values, true));
  samples.x.push_back(static_cast<int64_t>(columns_.back()));
  samples.y.push_back(static_cast<int64_t>(rows_.back()));
  samples.weight.push_back(static_cast<double>(pixels.size()));
}

double ShapeSamples::x_of(size_t row, const geo::Grid& grid) const {
  return grid.origin_x + columns_[row] * grid.pixel_width;
}
double ShapeSamples::y_of(size_t row, const geo::Grid& grid) const {
  return grid.origin_y - rows_[row] * grid.pixel_height;
}

}  // namespace geoloom::ops
