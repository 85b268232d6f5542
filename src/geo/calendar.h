// SPDX-License-Identifier: Apache-2.0
// Days and months as numbers, in the Gregorian calendar.
#pragma once

#include <cstdint>

#include "geo/time.h"

namespace geoloom::geo {

inline constexpr int64_t kDayMs = int64_t{24} * 60 * 60 * 1000;

struct Date {
  int year = 0;
  int month = 1;
  int day = 1;
};

int64_t floor_div(int64_t a, int64_t b);
int64_t days_since_epoch(const Date& date);  // since 1970-01-01
Date date_of(int64_t days);
// Months counted from January of year 0.
int64_t month_index(TimeMs t);
TimeMs start_of_month(int64_t index);

}  // namespace geoloom::geo
