// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "error/error.h"
#include "error/spelling.h"
#include "geo/tiling.h"

namespace geoloom::geo {
namespace {

// The grids of Open Data Cube's statistics tools; origins in metres, chosen there so that no tile
// of the area has a negative index.
struct Known {
  std::string_view name;
  const char* crs;
  double tile, origin_x, origin_y;
  std::array<double, 4> pixels;  // 0: fewer sizes
};
constexpr std::array kKnown{
    Known{"africa", "EPSG:6933", 96000, -181 * 96000.0, -77 * 96000.0, {10, 20, 30, 60}},
    Known{"global", "EPSG:6933", 96000, -181 * 96000.0, -77 * 96000.0, {10, 20, 30, 60}},
    Known{"au", "EPSG:3577", 96000, -28 * 96000.0, -57 * 96000.0, {10, 20, 30, 60}},
    Known{"au_extended", "EPSG:3577", 96000, -46 * 96000.0, -72 * 96000.0, {10, 20, 30, 60}},
    Known{"albers_au", "EPSG:3577", 100000, 0, 0, {25, 0, 0, 0}}};

[[noreturn]] void refuse(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& grid : kKnown)
    for (const double pixel : grid.pixels)
      if (pixel > 0) names.push_back(fmt::format("{}_{}", grid.name, pixel));
  std::string hint = spelling_hint(std::string(name), names);
  if (hint.empty())
    hint = fmt::format("known are {}, or CRS;pixel;pixels per tile as in 'epsg:6933;10;9600'",
                       fmt::join(names, ", "));
  throw Error(ErrorCode::invalid, fmt::format("'{}' is no grid", name)).hint(std::move(hint));
}

GridPreset preset_of(LatticeDefinition lattice, double pixel_width, double pixel_height) {
  GridPreset preset;
  preset.scheme = lattice_tiling(lattice);
  preset.lattice = std::move(lattice);
  preset.pixel_width = pixel_width;
  preset.pixel_height = pixel_height;
  return preset;
}

// "10", or "-10x20": height and width, the sign of the height being the direction of rows.
std::optional<std::pair<double, double>> height_and_width(std::string_view text) {
  std::array<double, 2> values{};
  size_t count = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (count < 2) {
    const auto [next, error] = std::from_chars(at, end, values[count]);
    if (error != std::errc()) return std::nullopt;
    ++count;
    at = next;
    if (at == end) break;
    if (*at++ != 'x') return std::nullopt;
  }
  if (at != end) return std::nullopt;
  const double height = std::abs(values[0]), width = std::abs(count == 2 ? values[1] : values[0]);
  if (!(height > 0) || !(width > 0)) return std::nullopt;
  return std::pair(height, width);
}

GridPreset custom(std::string_view name) {
  const size_t first = name.find(';');
  const size_t second = name.find(';', first + 1);
  if (second == std::string_view::npos) refuse(name);
  const auto pixel = height_and_width(name.substr(first + 1, second - first - 1));
  const auto shape = height_and_width(name.substr(second + 1));
  if (!pixel || !shape || shape->first != std::floor(shape->first) ||
      shape->second != std::floor(shape->second))
    refuse(name);
  LatticeDefinition lattice;
  lattice.crs_code = std::string(name.substr(0, first));
  lattice.width = pixel->second * shape->second;
  lattice.height = pixel->first * shape->first;
  return preset_of(std::move(lattice), pixel->second, pixel->first);
}

}  // namespace

GridPreset grid_preset(std::string_view name) {
  if (name.find(';') != std::string_view::npos) return custom(name);
  std::string wanted(name);
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  for (const auto& grid : kKnown)
    for (const double pixel : grid.pixels)
      if (pixel > 0 && wanted == fmt::format("{}_{}", grid.name, pixel))
        return preset_of({grid.crs, grid.origin_x, grid.origin_y, grid.tile, grid.tile}, pixel,
                         pixel);
  refuse(name);
}

}  // namespace geoloom::geo
