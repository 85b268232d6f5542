// SPDX-License-Identifier: Apache-2.0
#include "raster/warp.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

namespace geoloom::raster {
namespace {

constexpr std::array<std::string_view, 5> kNames{"nearest", "bilinear", "cubic", "average", "mode"};

// Positions this close to an edge between pixels are on it: the arithmetic of coordinate systems
// is not better than that.
constexpr double kEdgeUnits = 1 << 20;

// Weights by method and scale, kept for the process: a run meets a handful.
std::shared_ptr<const kernels::AxisWeights> shared_weights(Resampling method, double scale) {
  static std::mutex mutex;
  static std::map<std::pair<Resampling, double>, std::shared_ptr<const kernels::AxisWeights>> known;
  constexpr size_t kMostKept = 256;
  const std::lock_guard lock(mutex);
  if (known.size() >= kMostKept) known.clear();
  auto& weights = known[{method, scale}];
  if (!weights)
    weights = std::make_shared<const kernels::AxisWeights>(kernels::axis_weights(method, scale));
  return weights;
}

// Positions in whole 1024ths of a pixel; the half up.
double in_places(double position) {
  return std::floor(position * kernels::kPlaceUnits + 0.5);
}

double pixel_of(double position) {
  return std::floor(std::floor(position * kEdgeUnits + 0.5) / kEdgeUnits);
}

// Of the pixels that positions lie in, the lowest and highest; NaN is left out.
std::pair<double, double> range_of(const std::vector<double>& positions) {
  double lowest = HUGE_VAL, highest = -HUGE_VAL;
  for (const double position : positions) {
    lowest = position < lowest ? position : lowest;
    highest = position > highest ? position : highest;
  }
  return {pixel_of(lowest), pixel_of(highest)};
}

}  // namespace

std::string_view name(Resampling method) {
  return kNames[static_cast<size_t>(method)];
}

std::optional<Resampling> resampling_of(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Resampling>(found - kNames.begin());
}

Warp::Warp(const geo::Grid& target, const geo::Grid& source,
           const geo::CoordinateOperation& operation, const geo::PixelScale& scale)
    : mapping_(target, source, operation), image_(source.window()), scale_(scale) {}

geo::Window Warp::rough_source_window(const geo::Window& target) const {
  const geo::Window rough = mapping_.rough_source_window(target);
  if (rough.empty()) return rough;
  // The widest kernel, cubic, reaches two target pixels to each side.
  const auto reach = [](double scale) {
    return 2 + static_cast<int64_t>(2 * std::max(1.0, scale));
  };
  const int64_t x = reach(scale_.columns), y = reach(scale_.rows);
  return geo::Window{rough.x - x, rough.y - y, rough.width + 2 * x, rough.height + 2 * y}.intersect(
      image_);
}

std::vector<geo::Window> Warp::parts(const geo::Window& target, int64_t source_pixels) const {
  constexpr int64_t kSmallest = 64;
  std::vector<geo::Window> out, open{target};
  while (!open.empty()) {
    const geo::Window part = open.back();
    open.pop_back();
    const bool small = part.width <= kSmallest && part.height <= kSmallest;
    if (small || rough_source_window(part).pixels() <= source_pixels) {
      out.push_back(part);
      continue;
    }
    geo::Window first = part, second = part;
    if (part.width > part.height) {
      first.width = part.width / 2;
      second.x += first.width;
      second.width -= first.width;
    } else {
      first.height = part.height / 2;
      second.y += first.height;
      second.height -= first.height;
    }
    open.push_back(second);
    open.push_back(first);
  }
  return out;
}

WarpedWindow::WarpedWindow(const Warp& warp, const geo::Window& target,
                           std::span<const Resampling> methods)
    : image_(warp.image()),
      scale_(warp.scale()),
      target_pixels_(static_cast<size_t>(target.pixels())) {
  bool nearest = false, weighted = false;
  for (const Resampling method : methods) {
    (method == Resampling::nearest ? nearest : weighted) = true;
    if (method == Resampling::nearest) continue;
    // One more than the pixels that get weight, for places that are rounded to the next pixel.
    margin_x_ = std::max<int64_t>(margin_x_, shared_weights(method, scale_.columns)->taps / 2 + 1);
    margin_y_ = std::max<int64_t>(margin_y_, shared_weights(method, scale_.rows)->taps / 2 + 1);
  }
  const auto positions = warp.mapping().positions(target);
  source_ = needed(positions);
  if (source_.empty()) return;
  if (nearest) place_nearest(positions);
  if (weighted) place_weighted(positions);
}

// All pixels that get weight from target pixels on the image or within a kernel's reach of it.
// Pixels further away get no place, so that the window does not reach further either.
geo::Window WarpedWindow::needed(const geo::PixelPositions& positions) const {
  const auto span = [](const std::vector<double>& along, int64_t length, int64_t margin) {
    const auto [lowest, highest] = range_of(along);
    const auto first = static_cast<double>(-margin),
               last = static_cast<double>(length + margin - 1);
    if (!(lowest <= highest) || highest < first || lowest > last)
      return std::pair<int64_t, int64_t>(0, 0);
    const auto start = static_cast<int64_t>(std::max(lowest, first)) - margin;
    const auto end = static_cast<int64_t>(std::min(highest, last)) + margin + 1;
    return std::pair(start, end - start);
  };
  const auto [x, width] = span(positions.columns, image_.width, margin_x_);
  const auto [y, height] = span(positions.rows, image_.height, margin_y_);
  const geo::Window window{x, y, width, height};
  return window.empty() || window.intersect(image_).empty() ? geo::Window{} : window;
}

void WarpedWindow::place_nearest(const geo::PixelPositions& positions) {
  nearest_.resize(target_pixels_);
  const auto right = static_cast<double>(image_.width), bottom = static_cast<double>(image_.height);
  for (size_t i = 0; i < target_pixels_; ++i) {
    const double column = pixel_of(positions.columns[i]), row = pixel_of(positions.rows[i]);
    nearest_[i] = -1;
    if (!(column >= 0 && row >= 0 && column < right && row < bottom)) continue;  // NaN too
    nearest_[i] = static_cast<int32_t>((static_cast<int64_t>(row) - source_.y) * source_.width +
                                       static_cast<int64_t>(column) - source_.x);
  }
}

void WarpedWindow::place_weighted(const geo::PixelPositions& positions) {
  columns_.resize(target_pixels_);
  rows_.resize(target_pixels_);
  const auto reached = [](double position, int64_t length, int64_t margin) {
    const double pixel = pixel_of(position);
    return pixel >= static_cast<double>(-margin) && pixel < static_cast<double>(length + margin);
  };
  const auto x0 = static_cast<double>(source_.x * kernels::kPlaceUnits);
  const auto y0 = static_cast<double>(source_.y * kernels::kPlaceUnits);
  for (size_t i = 0; i < target_pixels_; ++i) {
    const bool there = reached(positions.columns[i], image_.width, margin_x_) &&
                       reached(positions.rows[i], image_.height, margin_y_);
    columns_[i] =
        there ? static_cast<int32_t>(in_places(positions.columns[i]) - x0) : kernels::kNowhere;
    rows_[i] = there ? static_cast<int32_t>(in_places(positions.rows[i]) - y0) : 0;
  }
}

template <class T>
void WarpedWindow::resample_as(Resampling method, const T* values, const uint8_t* valid, T* out,
                               uint8_t* valid_out, ResampleScratch& scratch) const {
  const auto stride = static_cast<size_t>(source_.width);
  if (method == Resampling::nearest)
    return kernels::pick_nearest<T>({values, valid, stride}, nearest_.data(), target_pixels_, out,
                                    valid_out);
  const auto columns = shared_weights(method, scale_.columns);
  const auto rows = shared_weights(method, scale_.rows);
  const kernels::Places places{columns_.data(), rows_.data(), target_pixels_};
  if (method == Resampling::mode)
    return kernels::resample_mode<T>({values, valid, stride}, *columns, *rows, places, out,
                                     valid_out);
  const auto pixels = static_cast<size_t>(source_.pixels());
  if (scratch.count < 2 * pixels) {
    scratch.numbers.reset();
    scratch.numbers = std::make_unique_for_overwrite<float[]>(2 * pixels);
    scratch.count = 2 * pixels;
  }
  float* const numbers = scratch.numbers.get();
  const bool all = kernels::prepare_plane(values, valid, pixels, numbers, numbers + pixels);
  kernels::resample<T>({numbers, all ? nullptr : numbers + pixels, stride}, *columns, *rows, places,
                       out, valid_out);
}

void WarpedWindow::resample(Resampling method, PixelType type, const void* values,
                            const uint8_t* valid, void* out, uint8_t* valid_out,
                            ResampleScratch& scratch) const {
  visit(type, [&]<class T>(T) {
    auto* to = static_cast<T*>(out);
    if (!source_.empty())
      return resample_as(method, static_cast<const T*>(values), valid, to, valid_out, scratch);
    std::fill_n(to, target_pixels_, T{0});
    std::fill_n(valid_out, target_pixels_, uint8_t{0});
  });
}

}  // namespace geoloom::raster
