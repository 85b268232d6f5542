// SPDX-License-Identifier: Apache-2.0
// Times as the CF conventions write them: numbers of a unit since an instant, "days since
// 2018-05-01 12:00:00" (CF 1.11, section 4.4).
#pragma once

#include <string_view>

#include "geo/time.h"

namespace geoloom::geo {

class CfTimeUnits {
 public:
  // Whether a unit is one of time; others are lengths, angles, ...
  static bool are_time_units(std::string_view units);

  // Units are weeks, days, hours, minutes, seconds, milli-, micro- and nanoseconds, and their
  // abbreviations; a month or a year has no length. Without a zone the instant is in UTC. Calendars
  // are "" and "standard" and "gregorian" (the Julian calendar before 1582-10-15) and
  // "proleptic_gregorian". Throws Error(invalid) for others and for what cannot be read.
  CfTimeUnits(std::string_view units, std::string_view calendar);

  // Rounded to the nearest millisecond. Throws Error(invalid) for NaN and outside of the years
  // 1900 to 2200.
  TimeMs at(double value) const;

 private:
  double unit_ms_ = 0;
  double reference_ms_ = 0;  // whole; years far outside of those of data are usual
};

}  // namespace geoloom::geo
