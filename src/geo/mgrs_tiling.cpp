// SPDX-License-Identifier: Apache-2.0
// Schemes that lie on the 100 km squares of MGRS.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "error/error.h"
#include "geo/tiling.h"
#include "geo/tiling_schemes.h"

namespace geoloom::geo {
namespace {

constexpr int64_t kRowsOfSquares = 100;

int64_t floor_divide(int64_t value, int64_t divisor) {
  const int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

// Every square is cut into cells_per_edge^2 cells from its upper left corner, which is the
// granule's or the square's own. Column and row of a cell are those of its square times
// cells_per_edge, plus its place in the square; both count from the south west.
class MgrsTiling : public TilingScheme {
 public:
  struct Definition {
    double cell_m = 0;
    int64_t cells_per_edge = 1;
    bool from_granule_corner = true;
    bool numbered = true;       // names end in "_column_row"
    bool drops_covered = true;  // cells that the next zone covers
  };
  explicit MgrsTiling(const Definition& definition) : definition_(definition) {
    for (const auto& zone : all_utm_zones()) zones_.push_back({zone.name(), zone.crs_code(), zone});
  }

  const std::vector<TilingZone>& zones() const override { return zones_; }
  bool ordered_by_name() const override { return true; }
  CellRange range_over(size_t zone, const Box& box) const override;
  Box cell_box(size_t zone, int64_t column, int64_t row) const override;
  std::string cell_name(size_t zone, int64_t column, int64_t row) const override;
  bool has_cell(size_t zone, int64_t column, int64_t row) const override;

 private:
  MgrsSquare square_of(size_t zone, int64_t column, int64_t row) const {
    const int64_t n = definition_.cells_per_edge;
    return {*zones_[zone].strip, static_cast<int>(floor_divide(column, n)),
            static_cast<int>(floor_divide(row, n))};
  }
  XY corner_of(const MgrsSquare& square) const {
    if (definition_.from_granule_corner) return granule_corner(square);
    return {square.column * 100000.0, (square.row + 1) * 100000.0};
  }
  bool covered_in(const UtmZone& zone, const XY& point) const;
  bool covered_by_next(size_t zone, int64_t column, int64_t row) const;

  Definition definition_;
  std::vector<TilingZone> zones_;
};

CellRange MgrsTiling::range_over(size_t, const Box& box) const {
  // Squares begin up to 60 m outside of their 100 km, and their cells reach over the next square.
  const double reach = definition_.cell_m + 60;
  const int64_t n = definition_.cells_per_edge;
  const auto square = [](double position) { return cell_position(position / 100000.0); };
  CellRange range;
  range.first_column = std::clamp<int64_t>(square(box.min_x - reach), 1, 9) * n;
  range.last_column = std::clamp<int64_t>(square(box.max_x + 60) + 1, 0, 9) * n - 1;
  range.first_row = std::clamp<int64_t>(square(box.min_y - 60), 0, kRowsOfSquares) * n;
  range.last_row = std::clamp<int64_t>(square(box.max_y + reach) + 1, 0, kRowsOfSquares) * n - 1;
  return range;
}

Box MgrsTiling::cell_box(size_t zone, int64_t column, int64_t row) const {
  const MgrsSquare square = square_of(zone, column, row);
  const int64_t n = definition_.cells_per_edge;
  const XY corner = corner_of(square);
  const auto east = static_cast<double>(column - square.column * n) * definition_.cell_m;
  const auto south = static_cast<double>(n - 1 - (row - square.row * n)) * definition_.cell_m;
  return {corner.x + east, corner.y - south - definition_.cell_m,
          corner.x + east + definition_.cell_m, corner.y - south};
}

std::string MgrsTiling::cell_name(size_t zone, int64_t column, int64_t row) const {
  const MgrsSquare square = square_of(zone, column, row);
  const int64_t n = definition_.cells_per_edge;
  if (!definition_.numbered) return square.name();
  return fmt::format("{}_{}_{}", square.name(), column - square.column * n,
                     n - 1 - (row - square.row * n));
}

bool MgrsTiling::has_cell(size_t zone, int64_t column, int64_t row) const {
  const MgrsSquare square = square_of(zone, column, row);
  const auto columns = granule_columns(square.zone, square.row);
  if (!columns || square.column < columns->first || square.column > columns->second) return false;
  return !definition_.drops_covered || !covered_by_next(zone, column, row);
}

// Whether the cells of a zone cover a point given in its CRS.
bool MgrsTiling::covered_in(const UtmZone& zone, const XY& point) const {
  const double edge = static_cast<double>(definition_.cells_per_edge) * definition_.cell_m;
  const int64_t nearest = cell_position(point.y / 100000.0);
  for (int64_t row = std::max<int64_t>(0, nearest - 1); row <= nearest + 1; ++row) {
    const auto columns = granule_columns(zone, static_cast<int>(row));
    if (!columns) continue;
    const XY first = corner_of({zone, columns->first, static_cast<int>(row)});
    const XY last = corner_of({zone, columns->second, static_cast<int>(row)});
    if (point.y <= first.y && point.y >= first.y - edge && point.x >= first.x &&
        point.x <= last.x + edge)
      return true;
  }
  return false;
}

// Edges are followed in steps of at most 2.5 km, between which a meridian's curve is flat enough.
bool MgrsTiling::covered_by_next(size_t zone, int64_t column, int64_t row) const {
  const Box box = cell_box(zone, column, row);
  const UtmZone here = *zones_[zone].strip;
  const Crs crs = Crs::parse(here.crs_code());
  // North of 72 degrees some zones have no squares, and the one after next is the neighbour.
  std::array<UtmZone, 2> next{here, here};
  std::array<Crs, 2> next_crs;
  for (size_t i = 0; i < next.size(); ++i) {
    next[i].number = (here.number - 1 + static_cast<int>(i) + 1) % 60 + 1;
    next_crs[i] = Crs::parse(next[i].crs_code());
  }
  const auto covered = [&](double x, double y) {
    const LonLat place = to_lon_lat(crs, x, y);
    for (size_t i = 0; i < next.size(); ++i)
      if (covered_in(next[i], from_lon_lat(next_crs[i], place.lon, place.lat))) return true;
    return false;
  };
  const int steps = std::max(4, static_cast<int>(std::ceil(definition_.cell_m / 2500)));
  for (int i = 0; i <= steps; ++i) {
    const double share = static_cast<double>(i) / steps;
    const double x = box.min_x + share * (box.max_x - box.min_x);
    const double y = box.min_y + share * (box.max_y - box.min_y);
    if (!covered(box.min_x, y) || !covered(box.max_x, y) || !covered(x, box.min_y) ||
        !covered(x, box.max_y))
      return false;
  }
  return true;
}

}  // namespace

std::shared_ptr<const TilingScheme> batch_tiling(int64_t id) {
  switch (id) {
    case 0:
      return std::make_shared<MgrsTiling>(
          MgrsTiling::Definition{.cell_m = 20040, .cells_per_edge = 5});
    case 1:
      return std::make_shared<MgrsTiling>(MgrsTiling::Definition{
          .cell_m = 10000, .cells_per_edge = 10, .from_granule_corner = false});
    case 2:
      return std::make_shared<MgrsTiling>(MgrsTiling::Definition{.cell_m = 100080});
    case 3:
      return degree_tiling();
    case 6:
      return europe_tiling(100);
    case 7:
      return europe_tiling(20);
    default:
      throw Error(ErrorCode::invalid, fmt::format("there is no batch grid {}", id))
          .hint(
              "known are 0 (20 km), 1 (10 km), 2 (100 km), 3 (1 degree), 6 (100 km) and 7 (20 km) "
              "of EPSG:3035");
  }
}

std::shared_ptr<const TilingScheme> granule_tiling() {
  return std::make_shared<MgrsTiling>(
      MgrsTiling::Definition{.cell_m = kGranuleMetres, .numbered = false, .drops_covered = false});
}

}  // namespace geoloom::geo
