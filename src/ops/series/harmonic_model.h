// SPDX-License-Identifier: Apache-2.0
// The model of a series that comes again each year: a mean, maybe a trend, and waves of one, a
// half, a third of a period. What `harmonic` fits and `breaks` expects.
#pragma once

#include <algorithm>
#include <optional>
#include <span>

#include "geo/calendar.h"
#include "geo/time.h"
#include "kernels/least_squares.h"

namespace geoloom::ops {

inline constexpr double kJulianYearMs = 365.25 * static_cast<double>(geo::kDayMs);

struct HarmonicModel {
  size_t harmonics = 1;  // 0: none
  bool trend = false;
  // Length of the longest wave; nullopt: the calendar year, whatever days it has.
  std::optional<double> period_ms;
  geo::TimeMs reference = 0;  // where time is 0 for trend and waves of a period in days
  // Where the trend's column is 0 and what it is divided by, so that columns are of one size.
  double centre_ms = 0, scale_ms = 1;

  size_t columns() const { return 1 + (trend ? 1 : 0) + 2 * harmonics; }
  // So many samples say more of a pixel than the coefficients: half as many again.
  size_t usual_count() const { return std::max(columns() + 1, (columns() * 3 + 1) / 2); }
  size_t first_wave() const { return trend ? 2 : 1; }  // column of cos 1, then sin 1, cos 2 ...
  // Sets centre and scale to the middle and half the length of these times.
  void centre_on(std::span<const geo::TimeMs> times);
  kernels::Regressors regressors(std::span<const geo::TimeMs> times) const;

 private:
  double turns(geo::TimeMs time) const;  // of the longest wave since its start
};

}  // namespace geoloom::ops
