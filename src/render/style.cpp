// SPDX-License-Identifier: Apache-2.0
#include "render/style.h"

#include <algorithm>
#include <cmath>

#include "kernels/elementary.h"

namespace geoloom::render {
namespace {

constexpr size_t kShades = 1024;

// Where a value lies between the limits, in steps that are finer than a screen's.
class Scale {
 public:
  explicit Scale(const Limits& limits)
      : min_(limits.min), steps_((kShades - 1) / (limits.max - limits.min)) {}
  // Whatever the numbers are, requests choose them: no NaN becomes a place.
  size_t operator()(double value) const {
    const double step = (value - min_) * steps_;
    if (!(step > 0)) return 0;
    return step < kShades - 1 ? static_cast<size_t>(step + 0.5) : kShades - 1;
  }

 private:
  double min_, steps_;
};

double brightness(size_t step, double gamma) {
  const double share = static_cast<double>(step) / (kShades - 1);
  return gamma == 1 ? share : kernels::power(share, 1 / gamma);
}

std::vector<raster::Colour> shades_of(const Style& style) {
  std::vector<raster::Colour> shades;
  for (size_t step = 0; step < kShades; ++step)
    shades.push_back(colour_on(style.ramp, brightness(step, style.gamma)));
  return shades;
}

void draw_ramp(const raster::Block& block, const Style& style, Picture& picture) {
  const auto shades = shades_of(style);
  const Scale scale(style.limits.front());
  const auto valid = block.validity(0, 0);
  raster::visit(block.type(0), [&]<class T>(T) {
    const auto values = block.plane<T>(0, 0);
    for (size_t i = 0; i < values.size(); ++i) {
      if (valid[i] == 0) continue;
      const auto& colour = shades[scale(static_cast<double>(values[i]))];
      picture.pixels[i] = {colour[0], colour[1], colour[2], 255};
    }
  });
}

void draw_three(const raster::Block& block, const Style& style, Picture& picture) {
  std::vector<uint8_t> shades;
  for (size_t step = 0; step < kShades; ++step)
    shades.push_back(static_cast<uint8_t>(std::nearbyint(255 * brightness(step, style.gamma))));
  for (auto& pixel : picture.pixels) pixel[3] = 255;
  for (size_t band = 0; band < 3; ++band) {
    const Scale scale(style.limits[band]);
    const auto valid = block.validity(0, band);
    raster::visit(block.type(band), [&]<class T>(T) {
      const auto values = block.plane<T>(band, 0);
      for (size_t i = 0; i < values.size(); ++i) {
        if (valid[i] == 0)
          picture.pixels[i][3] = 0;
        else
          picture.pixels[i][band] = shades[scale(static_cast<double>(values[i]))];
      }
    });
  }
  // One colour for all that is transparent, which is smaller in a file.
  for (auto& pixel : picture.pixels)
    if (pixel[3] == 0) pixel = {};
}

void draw_classes(const raster::Block& block, const raster::Band& band, Picture& picture) {
  const auto valid = block.validity(0, 0);
  raster::visit(block.type(0), [&]<class T>(T) {
    const auto values = block.plane<T>(0, 0);
    for (size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      if (valid[i] == 0 || !(value >= 0 && value < static_cast<double>(band.colours.size())))
        continue;
      const auto& colour = band.colours[static_cast<size_t>(value)];
      picture.pixels[i] = {colour[0], colour[1], colour[2], 255};
    }
  });
}

}  // namespace

Picture draw(const raster::Block& block, const raster::Band& first_band, const Style& style) {
  Picture picture{block.window().width, block.window().height, {}};
  picture.pixels.resize(block.pixels());
  if (style.limits.empty())
    draw_classes(block, first_band, picture);
  else if (style.limits.size() == 3)
    draw_three(block, style, picture);
  else
    draw_ramp(block, style, picture);
  return picture;
}

std::optional<Limits> usual_limits(std::vector<float> values) {
  std::erase_if(values, [](float value) { return !std::isfinite(value); });
  if (values.empty()) return std::nullopt;
  const auto at = [&](size_t percent) {
    const auto place = values.begin() + static_cast<ptrdiff_t>((values.size() - 1) * percent / 100);
    std::nth_element(values.begin(), place, values.end());
    return double{*place};
  };
  const double min = at(2), max = at(98);
  return min < max ? Limits{min, max} : Limits{min - 0.5, min + 0.5};
}

}  // namespace geoloom::render
