// SPDX-License-Identifier: Apache-2.0
#include "ops/series/wanted_dates.h"

#include <fmt/format.h>

#include "error/error.h"
#include "ops/series/dated_series.h"

namespace geoloom::ops {

void WantedDates::declare(workflow::Parameters& parameters) {
  cells_.declare(parameters);
  parameters
      .add("dates", &dates_,
           "Dates to give values for, ascending: [2018-05-01, 2018-05-11]; instead of `every`")
      .not_recipe();
}

void WantedDates::check(std::string_view op) const {
  cells_.check(op);
  if (cells_.given() && !dates_.empty())
    throw Error(ErrorCode::invalid,
                fmt::format("{}.dates: dates are given by `every` and by `dates`", op))
        .hint("keep one of them");
  for (size_t i = 1; i < dates_.size(); ++i) {
    if (dates_[i - 1].start < dates_[i].start) continue;
    throw Error(ErrorCode::invalid, fmt::format("{}.dates[{}]: {} does not come after {}", op, i,
                                                geo::format_date(dates_[i].start),
                                                geo::format_date(dates_[i - 1].start)));
  }
}

std::vector<raster::Slice> WantedDates::slices(const raster::CubeSchema& input,
                                               std::string_view op) const {
  std::vector<raster::Slice> out;
  const auto add = [&](geo::TimeMs time) {
    out.push_back({.period = {time, time}, .timed = true, .label = geo::format_date(time)});
  };
  if (!dates_.empty()) {
    for (const auto& date : dates_) add(date.start);
  } else if (cells_.given()) {
    const auto cells = cells_.cells(input, op);
    for (const auto& cell : cells)
      if (cell.slice.timed) add(cell.slice.period.start);
  } else {
    const auto dates = dates_of(input, op);
    for (size_t d = 0; d < dates.size(); ++d) out.push_back(input.slices[dates.first[d]]);
  }
  return out;
}

std::vector<double> milliseconds(const std::vector<raster::Slice>& slices) {
  std::vector<double> out;
  for (const auto& slice : slices) out.push_back(static_cast<double>(slice.period.start));
  return out;
}

}  // namespace geoloom::ops
