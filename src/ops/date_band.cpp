// SPDX-License-Identifier: Apache-2.0
#include "ops/date_band.h"

#include <fmt/format.h>

#include <limits>

#include "error/error.h"
#include "geo/calendar.h"

namespace geoloom::ops {

raster::Band date_band(std::string name) {
  raster::Band band;
  band.name = std::move(name);
  band.type = raster::PixelType::uint16;
  band.kind = raster::BandKind::count;
  band.unit = "days since 1970-01-01";
  band.nodata = 0;
  return band;
}

int64_t day_of(geo::TimeMs time) {
  return geo::floor_div(time, geo::kDayMs);
}

void require_day(const raster::Slice& slice, std::string_view who, const std::string& hint) {
  if (!slice.timed)
    throw Error(ErrorCode::invalid, fmt::format("{}: slice '{}' has no time", who, slice.label))
        .hint(hint);
  const int64_t day = day_of(slice.period.start);
  if (day < 1 || day >= std::numeric_limits<uint16_t>::max())
    throw Error(ErrorCode::invalid,
                fmt::format("{}: slice '{}' is not of 1970-01-02 to 2149", who, slice.label))
        .hint(hint);
}

void require_days(const raster::CubeSchema& input, std::string_view who, const std::string& hint) {
  for (const auto& slice : input.slices) require_day(slice, who, hint);
}

}  // namespace geoloom::ops
