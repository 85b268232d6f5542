// SPDX-License-Identifier: Apache-2.0
// Dates as pixels: whole days since 1970-01-01 in UTC, as uint16, 0 where a pixel is invalid.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "raster/cube.h"

namespace geoloom::ops {

// A mean of dates, or the most frequent one, is no date of what is shown: the band is of the kind
// whose overviews take one of the pixels they stand for.
raster::Band date_band(std::string name);

// Rounded down, also before 1970.
int64_t day_of(geo::TimeMs time);

// Throws Error(invalid) where the slice has no time, or its day cannot be told from an invalid one
// (0, and 65535 where `save` chooses the value of counts) or is not a uint16.
void require_day(const raster::Slice& slice, std::string_view who, const std::string& hint);
void require_days(const raster::CubeSchema& input, std::string_view who, const std::string& hint);

}  // namespace geoloom::ops
