// SPDX-License-Identifier: Apache-2.0
#include "geo/tiling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "error/error.h"
#include "geo/tiling_schemes.h"

namespace geoloom::geo {
namespace {

// The last cell that begins before `position`; the first when the extent is a point.
int64_t last_index(double position, int64_t first) {
  return std::max(first, static_cast<int64_t>(std::ceil(position)) - 1);
}

CellRange clamped(CellRange range, const CellRange& limits) {
  range.first_column = std::max(range.first_column, limits.first_column);
  range.last_column = std::min(range.last_column, limits.last_column);
  range.first_row = std::max(range.first_row, limits.first_row);
  range.last_row = std::min(range.last_row, limits.last_row);
  return range;
}

// Cells from south west to north east at whole multiples of their size.
class LatticeTiling : public TilingScheme {
 public:
  LatticeTiling(double origin_x, double origin_y, double width, double height,
                std::vector<TilingZone> zones)
      : origin_x_(origin_x),
        origin_y_(origin_y),
        width_(width),
        height_(height),
        zones_(std::move(zones)) {
    if (!(width > 0) || !(height > 0) || !std::isfinite(width) || !std::isfinite(height) ||
        !std::isfinite(origin_x) || !std::isfinite(origin_y))
      throw Error(ErrorCode::invalid, "the tiles of a grid need a positive size and an origin");
  }

  const std::vector<TilingZone>& zones() const override { return zones_; }
  CellRange range_over(size_t, const Box& box) const override {
    CellRange range;
    range.first_column = cell_position((box.min_x - origin_x_) / width_);
    range.last_column = last_index((box.max_x - origin_x_) / width_, range.first_column);
    range.first_row = cell_position((box.min_y - origin_y_) / height_);
    range.last_row = last_index((box.max_y - origin_y_) / height_, range.first_row);
    return limits_ ? clamped(range, *limits_) : range;
  }
  Box cell_box(size_t, int64_t column, int64_t row) const override {
    return {origin_x_ + static_cast<double>(column) * width_,
            origin_y_ + static_cast<double>(row) * height_,
            origin_x_ + static_cast<double>(column + 1) * width_,
            origin_y_ + static_cast<double>(row + 1) * height_};
  }
  std::string cell_name(size_t, int64_t column, int64_t row) const override {
    return fmt::format("x{:03}y{:03}", column, row);
  }
  bool has_cell(size_t, int64_t, int64_t) const override { return true; }

 protected:
  void limit(const CellRange& limits) { limits_ = limits; }

 private:
  double origin_x_, origin_y_, width_, height_;
  std::vector<TilingZone> zones_;
  std::optional<CellRange> limits_;
};

class UtmTiling : public LatticeTiling {
 public:
  UtmTiling(double width_m, double height_m, double offset_x_m, double offset_y_m)
      : LatticeTiling(offset_x_m, offset_y_m, width_m, height_m, utm_zones()) {}
  std::string cell_name(size_t zone, int64_t column, int64_t row) const override {
    return fmt::format("{}_{}_{}", zones()[zone].name, column, row);
  }
  bool divides_area_by_strip() const override { return true; }

 private:
  static std::vector<TilingZone> utm_zones() {
    std::vector<TilingZone> zones;
    for (const auto& zone : all_utm_zones()) zones.push_back({zone.name(), zone.crs_code(), zone});
    return zones;
  }
};

// The whole Earth in cells of one degree.
class DegreeTiling : public LatticeTiling {
 public:
  DegreeTiling() : LatticeTiling(0, 0, 1, 1, {{"EPSG:4326", "EPSG:4326", std::nullopt}}) {
    limit({-180, 179, -90, 89});
  }
  std::string cell_name(size_t, int64_t column, int64_t row) const override {
    return fmt::format("{}{:02}{}{:03}", row < 0 ? 'S' : 'N', std::abs(row), column < 0 ? 'W' : 'E',
                       std::abs(column));
  }
};

// The European reference grid: cells are called by their size and the coordinates of their
// south-western corner without the zeros that all of them end with.
class EuropeTiling : public LatticeTiling {
 public:
  explicit EuropeTiling(int64_t kilometres)
      : LatticeTiling(0, 0, static_cast<double>(kilometres) * 1000,
                      static_cast<double>(kilometres) * 1000,
                      {{"EPSG:3035", "EPSG:3035", std::nullopt}}),
        kilometres_(kilometres),
        units_per_cell_(kilometres == 100 ? 1 : kilometres / 10) {}
  std::string cell_name(size_t, int64_t column, int64_t row) const override {
    return fmt::format("{}kmE{}N{}", kilometres_, column * units_per_cell_, row * units_per_cell_);
  }

 private:
  int64_t kilometres_, units_per_cell_;
};

// Rows count northward here as everywhere; names have them from the north.
class WebMercatorTiling : public LatticeTiling {
 public:
  explicit WebMercatorTiling(int64_t zoom)
      : LatticeTiling(-kHalfWorld, -kHalfWorld, size(zoom), size(zoom),
                      {{"EPSG:3857", "EPSG:3857", std::nullopt}}),
        zoom_(zoom),
        last_(static_cast<int64_t>(tiles(zoom)) - 1) {
    limit({0, last_, 0, last_});
  }
  std::string cell_name(size_t, int64_t column, int64_t row) const override {
    return fmt::format("{}_{}_{}", zoom_, column, last_ - row);
  }

 private:
  // Half the equator of a sphere with WGS84's equatorial radius.
  static constexpr double kHalfWorld = std::numbers::pi * 6378137.0;
  static double tiles(int64_t zoom) { return std::ldexp(1.0, static_cast<int>(zoom)); }
  static double size(int64_t zoom) { return 2 * kHalfWorld / tiles(zoom); }
  int64_t zoom_, last_;
};

}  // namespace

std::shared_ptr<const TilingScheme> utm_tiling(double width_m, double height_m, double offset_x_m,
                                               double offset_y_m) {
  return std::make_shared<UtmTiling>(width_m, height_m, offset_x_m, offset_y_m);
}

std::shared_ptr<const TilingScheme> lattice_tiling(const LatticeDefinition& lattice) {
  const Crs crs = Crs::parse(lattice.crs_code);
  const std::string name = crs.code().empty() ? std::string("grid") : crs.code();
  return std::make_shared<LatticeTiling>(
      lattice.origin_x, lattice.origin_y, lattice.width, lattice.height,
      std::vector<TilingZone>{{name, lattice.crs_code, std::nullopt}});
}

std::shared_ptr<const TilingScheme> degree_tiling() {
  return std::make_shared<DegreeTiling>();
}

std::shared_ptr<const TilingScheme> europe_tiling(int64_t kilometres) {
  return std::make_shared<EuropeTiling>(kilometres);
}

std::shared_ptr<const TilingScheme> web_mercator_tiling(int64_t zoom) {
  if (zoom < 0 || zoom > 24)
    throw Error(ErrorCode::invalid, fmt::format("zoom {} is not one from 0 to 24", zoom));
  return std::make_shared<WebMercatorTiling>(zoom);
}

namespace {

// A block of cells and what is found in it.
struct Cover {
  const TilingScheme& scheme;
  size_t zone;
  const std::function<Overlap(const Box&)>& overlap;
  std::vector<CellRun> runs;

  Box box_of(const CellRange& range) const {
    const Box low = scheme.cell_box(zone, range.first_column, range.first_row);
    const Box high = scheme.cell_box(zone, range.last_column, range.last_row);
    return {std::min(low.min_x, high.min_x), std::min(low.min_y, high.min_y),
            std::max(low.max_x, high.max_x), std::max(low.max_y, high.max_y)};
  }

  void take(const CellRange& range) {
    for (int64_t column = range.first_column; column <= range.last_column; ++column)
      runs.push_back({column, range.first_row, range.last_row});
  }

  void visit(const CellRange& range) {
    const Overlap found = overlap(box_of(range));
    if (found == Overlap::none) return;
    const bool single =
        range.first_column == range.last_column && range.first_row == range.last_row;
    if (found == Overlap::all || single) return take(range);
    const bool wide = range.last_column - range.first_column >= range.last_row - range.first_row;
    CellRange lower = range, upper = range;
    if (wide) {
      lower.last_column = range.first_column + (range.last_column - range.first_column) / 2;
      upper.first_column = lower.last_column + 1;
    } else {
      lower.last_row = range.first_row + (range.last_row - range.first_row) / 2;
      upper.first_row = lower.last_row + 1;
    }
    visit(lower);
    visit(upper);
  }

  // In order, runs that follow each other as one.
  std::vector<CellRun> merged() {
    std::sort(runs.begin(), runs.end(), [](const CellRun& a, const CellRun& b) {
      return std::pair(a.column, a.first_row) < std::pair(b.column, b.first_row);
    });
    std::vector<CellRun> out;
    for (const auto& run : runs) {
      if (!out.empty() && out.back().column == run.column &&
          out.back().last_row + 1 == run.first_row)
        out.back().last_row = run.last_row;
      else
        out.push_back(run);
    }
    return out;
  }

  void drop_missing() {
    std::vector<CellRun> kept;
    for (const auto& run : runs)
      for (int64_t row = run.first_row; row <= run.last_row; ++row)
        if (scheme.has_cell(zone, run.column, row)) kept.push_back({run.column, row, row});
    runs = std::move(kept);
  }
};

}  // namespace

std::vector<CellRun> cover(const TilingScheme& scheme, size_t zone, const CellRange& range,
                           const std::function<Overlap(const Box&)>& overlap) {
  if (range.empty()) return {};
  Cover state{scheme, zone, overlap, {}};
  state.visit(range);
  if (scheme.ordered_by_name()) state.drop_missing();
  return state.merged();
}

}  // namespace geoloom::geo
