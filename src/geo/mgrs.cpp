// SPDX-License-Identifier: Apache-2.0
#include "geo/mgrs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace geoloom::geo {
namespace {

constexpr double kSquareMetres = 100000;
constexpr double kFalseNorthing = 10000000;
// Sentinel-2's coarsest pixel, on whose multiples granules begin.
constexpr double kGranuleStep = 60;

constexpr std::string_view kBands = "CDEFGHJKLMNPQRSTUVWX";
constexpr std::string_view kRowLetters = "ABCDEFGHJKLMNPQRSTUV";
// Column letters repeat every three zones.
constexpr std::array<std::string_view, 3> kColumnLetters{"STUVWXYZ", "ABCDEFGH", "JKLMNPQR"};

// Row letters of even zones begin five letters later.
int row_letter_offset(const UtmZone& zone) {
  return zone.number % 2 == 0 ? 5 : 0;
}

char band_of(double latitude) {
  const auto band = static_cast<int>(std::floor((latitude - kUtmSouth) / 8));
  return kBands[static_cast<size_t>(std::clamp(band, 0, 19))];
}

char band_of(const MgrsSquare& square) {
  const LonLat centre =
      to_lon_lat(Crs::parse(square.zone.crs_code()), (square.column + 0.5) * kSquareMetres,
                 (square.row + 0.5) * kSquareMetres);
  return band_of(centre.lat);
}

struct Columns {
  bool north;
  int first_row, last_row, first_zone, last_zone;
  int first_column, last_column;  // first > last: none
};

// ESA's list of granules as a rule; a later line overrides earlier ones. Rows of an odd number of
// columns have one more at the western end of zone 1 and one less at the eastern end of zone 60,
// because granules do not cross the antimeridian. Zones 31 to 37 follow the exceptions around
// Norway and Svalbard.
constexpr std::array kGranuleColumns{
    Columns{true, 0, 28, 1, 60, 2, 8},    Columns{true, 0, 28, 1, 1, 1, 8},
    Columns{true, 0, 28, 60, 60, 2, 7},   Columns{true, 29, 46, 1, 60, 2, 7},
    Columns{true, 47, 59, 1, 60, 3, 7},   Columns{true, 47, 59, 1, 1, 2, 7},
    Columns{true, 47, 59, 60, 60, 3, 6},  Columns{true, 60, 70, 1, 60, 3, 6},
    Columns{true, 63, 69, 31, 31, 3, 5},  Columns{true, 63, 70, 32, 32, 2, 6},
    Columns{true, 71, 80, 1, 60, 4, 6},   Columns{true, 71, 80, 1, 1, 3, 6},
    Columns{true, 71, 80, 60, 60, 4, 5},  Columns{true, 79, 80, 31, 31, 4, 7},
    Columns{true, 79, 80, 32, 36, 5, 6},  Columns{true, 80, 93, 32, 36, 1, 0},
    Columns{true, 79, 80, 33, 33, 3, 7},  Columns{true, 79, 80, 35, 35, 3, 7},
    Columns{true, 79, 80, 37, 37, 3, 6},  Columns{true, 81, 90, 1, 31, 4, 5},
    Columns{true, 81, 90, 37, 60, 4, 5},  Columns{true, 81, 90, 31, 31, 4, 6},
    Columns{true, 81, 85, 33, 33, 3, 6},  Columns{true, 81, 85, 35, 35, 3, 6},
    Columns{true, 81, 85, 37, 37, 3, 5},  Columns{true, 86, 90, 33, 33, 4, 6},
    Columns{true, 86, 90, 35, 35, 4, 6},  Columns{true, 91, 93, 1, 31, 5, 5},
    Columns{true, 91, 93, 38, 59, 5, 5},  Columns{true, 91, 93, 1, 1, 4, 5},
    Columns{true, 91, 93, 33, 33, 4, 5},  Columns{true, 91, 93, 35, 35, 4, 5},
    Columns{true, 91, 93, 37, 37, 4, 5},  Columns{false, 7, 8, 1, 59, 5, 5},
    Columns{false, 7, 8, 1, 1, 4, 5},     Columns{false, 9, 18, 1, 60, 4, 5},
    Columns{false, 19, 28, 1, 60, 4, 6},  Columns{false, 19, 28, 1, 1, 3, 6},
    Columns{false, 19, 28, 60, 60, 4, 5}, Columns{false, 29, 39, 1, 60, 3, 6},
    Columns{false, 40, 52, 1, 60, 3, 7},  Columns{false, 40, 52, 1, 1, 2, 7},
    Columns{false, 40, 52, 60, 60, 3, 6}, Columns{false, 53, 70, 1, 60, 2, 7},
    Columns{false, 71, 99, 1, 60, 2, 8},  Columns{false, 71, 99, 1, 1, 1, 8},
    Columns{false, 71, 99, 60, 60, 2, 7}};

}  // namespace

std::string UtmZone::name() const {
  return fmt::format("{:02}{}", number, north ? 'N' : 'S');
}

std::string UtmZone::crs_code() const {
  return fmt::format("EPSG:{}", (north ? 32600 : 32700) + number);
}

Box UtmZone::strip_box() const {
  return {west(), north ? 0 : kUtmSouth, west() + 6, north ? kUtmNorth : 0};
}

std::vector<XY> UtmZone::strip() const {
  const Box box = strip_box();
  std::vector<XY> ring;
  for (double x = box.min_x; x < box.max_x; ++x) ring.push_back({x, box.min_y});
  for (double y = box.min_y; y < box.max_y; ++y) ring.push_back({box.max_x, y});
  for (double x = box.max_x; x > box.min_x; --x) ring.push_back({x, box.max_y});
  for (double y = box.max_y; y > box.min_y; --y) ring.push_back({box.min_x, y});
  ring.push_back(ring.front());
  return ring;
}

std::vector<UtmZone> all_utm_zones() {
  std::vector<UtmZone> zones;
  for (const bool north : {true, false})
    for (int number = 1; number <= 60; ++number) zones.push_back({number, north});
  return zones;
}

std::string MgrsSquare::name() const {
  const auto column_letter =
      kColumnLetters[static_cast<size_t>(zone.number % 3)][static_cast<size_t>(column - 1)];
  const auto row_letter = kRowLetters[static_cast<size_t>((row + row_letter_offset(zone)) % 20)];
  return fmt::format("{:02}{}{}{}", zone.number, band_of(*this), column_letter, row_letter);
}

std::optional<MgrsSquare> parse_square(std::string_view name) {
  if (name.size() == 6 && name.front() == 'T') name.remove_prefix(1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (name.size() != 5 || !is_digit(name[0]) || !is_digit(name[1])) return std::nullopt;
  const int number = (name[0] - '0') * 10 + (name[1] - '0');
  const size_t band = kBands.find(name[2]);
  const size_t row_letter = kRowLetters.find(name[4]);
  if (number < 1 || number > 60 || band == std::string_view::npos ||
      row_letter == std::string_view::npos)
    return std::nullopt;
  MgrsSquare square{{number, name[2] >= 'N'}, 1, 0};
  const size_t column = kColumnLetters[static_cast<size_t>(number % 3)].find(name[3]);
  if (column == std::string_view::npos) return std::nullopt;
  square.column = static_cast<int>(column) + 1;
  // Row letters repeat every 2000 km; the band tells which of them is meant.
  const int first = (static_cast<int>(row_letter) - row_letter_offset(square.zone) + 20) % 20;
  for (square.row = first; square.row < 100; square.row += 20)
    if (band_of(square) == name[2]) return square;
  return std::nullopt;
}

XY granule_corner(const MgrsSquare& square) {
  const double x = square.column * kSquareMetres, top = (square.row + 1) * kSquareMetres;
  const double equator = square.zone.north ? 0 : kFalseNorthing;
  return {std::floor(x / kGranuleStep) * kGranuleStep,
          equator + std::ceil((top - equator) / kGranuleStep) * kGranuleStep};
}

Box granule_box(const MgrsSquare& square) {
  const XY corner = granule_corner(square);
  return {corner.x, corner.y - kGranuleMetres, corner.x + kGranuleMetres, corner.y};
}

std::optional<std::pair<int, int>> granule_columns(const UtmZone& zone, int row) {
  const auto found =
      std::find_if(kGranuleColumns.rbegin(), kGranuleColumns.rend(), [&](const Columns& line) {
        return line.north == zone.north && line.first_row <= row && row <= line.last_row &&
               line.first_zone <= zone.number && zone.number <= line.last_zone;
      });
  if (found == kGranuleColumns.rend() || found->first_column > found->last_column)
    return std::nullopt;
  return std::pair(found->first_column, found->last_column);
}

}  // namespace geoloom::geo
