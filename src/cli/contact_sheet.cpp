// SPDX-License-Identifier: Apache-2.0
#include "cli/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "cli/bitmap_text.h"
#include "error/error.h"

namespace geoloom::cli {
namespace {

constexpr int64_t kGap = 4;
constexpr int64_t kTextLine = kGlyphHeight + 4;
constexpr int64_t kMostPixels = 32768;
constexpr std::array<uint8_t, 3> kPaper{255, 255, 255}, kInk{0, 0, 0}, kInvalid{30, 40, 90};

class Sheet {
 public:
  Sheet(int64_t width, int64_t height) {
    picture_.width = width;
    picture_.height = height;
    for (const uint8_t value : kPaper)
      picture_.planes.emplace_back(static_cast<size_t>(width * height), value);
  }
  void set(int64_t x, int64_t y, const std::array<uint8_t, 3>& colour) {
    const auto at = static_cast<size_t>(y * picture_.width + x);
    for (size_t plane = 0; plane < 3; ++plane) picture_.planes[plane][at] = colour[plane];
  }
  void write(int64_t x, int64_t y, std::string_view text, int64_t width) {
    const auto shown = static_cast<size_t>(std::max<int64_t>(0, width / kGlyphAdvance));
    draw_text(text.substr(0, shown), x, y,
              [this](int64_t ink_x, int64_t ink_y) { set(ink_x, ink_y, kInk); });
  }
  Picture take() { return std::move(picture_); }

 private:
  Picture picture_;
};

struct Stretch {
  float low = 0, span = 1;
  uint8_t operator()(float value) const {
    return static_cast<uint8_t>(std::clamp(255 * (value - low) / span, 0.0F, 255.0F));
  }
};

Stretch stretch_of(const std::vector<Thumbnail>& thumbnails, size_t plane) {
  std::vector<float> sorted;
  for (const auto& thumbnail : thumbnails)
    for (const float value : thumbnail.planes[plane])
      if (std::isfinite(value)) sorted.push_back(value);
  if (sorted.empty()) return {};
  std::sort(sorted.begin(), sorted.end());
  const float low = sorted[sorted.size() * 2 / 100], high = sorted[(sorted.size() - 1) * 98 / 100];
  return {low, high > low ? high - low : 1};
}

bool valid_at(const Thumbnail& thumbnail, size_t pixel) {
  return std::all_of(thumbnail.planes.begin(), thumbnail.planes.end(),
                     [&](const auto& plane) { return std::isfinite(plane[pixel]); });
}

}  // namespace

Picture contact_sheet(const std::vector<Thumbnail>& thumbnails, int64_t columns) {
  if (thumbnails.empty()) throw Error(ErrorCode::invalid, "there is no date to draw");
  const auto& first = thumbnails.front();
  const auto count = static_cast<int64_t>(thumbnails.size());
  // Wide enough for a date, however narrow the pictures are.
  const int64_t cell_width = std::max<int64_t>(first.width, 10 * kGlyphAdvance);
  const int64_t cell_height = first.height + kTextLine;
  if (columns == 0)
    columns = static_cast<int64_t>(std::ceil(
        std::sqrt(static_cast<double>(count * cell_height) / static_cast<double>(cell_width))));
  columns = std::clamp<int64_t>(columns, 1, count);
  const int64_t rows = (count + columns - 1) / columns;
  const int64_t width = columns * (cell_width + kGap) + kGap;
  const int64_t height = rows * (cell_height + kGap) + kGap;
  if (width > kMostPixels || height > kMostPixels)
    throw Error(ErrorCode::invalid,
                fmt::format("a sheet of {} x {} pixels is too large to look at", width, height))
        .hint("make the pictures smaller with --size, or choose a shorter period");
  std::vector<Stretch> stretches;
  for (size_t plane = 0; plane < first.planes.size(); ++plane)
    stretches.push_back(stretch_of(thumbnails, plane));
  Sheet sheet(width, height);
  for (int64_t i = 0; i < count; ++i) {
    const auto& thumbnail = thumbnails[static_cast<size_t>(i)];
    const int64_t left = kGap + i % columns * (cell_width + kGap);
    const int64_t top = kGap + i / columns * (cell_height + kGap);
    for (int64_t y = 0; y < thumbnail.height; ++y)
      for (int64_t x = 0; x < thumbnail.width; ++x) {
        const auto at = static_cast<size_t>(y * thumbnail.width + x);
        std::array<uint8_t, 3> colour = kInvalid;
        if (valid_at(thumbnail, at))
          for (size_t c = 0; c < 3; ++c) {
            const size_t plane = std::min(c, thumbnail.planes.size() - 1);
            colour[c] = stretches[plane](thumbnail.planes[plane][at]);
          }
        sheet.set(left + x, top + y, colour);
      }
    sheet.write(left, top + thumbnail.height + 2, thumbnail.text, cell_width);
  }
  return sheet.take();
}

}  // namespace geoloom::cli
