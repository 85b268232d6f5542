// SPDX-License-Identifier: Apache-2.0
#include "ops/time_cells.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/error.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;
using raster::Slice;

TimeCell whole(const CubeSchema& input) {
  TimeCell cell;
  cell.count = input.slices.size();
  cell.slice.timed = false;
  for (const auto& slice : input.slices) {
    if (!slice.timed) continue;
    auto& period = cell.slice.period;
    period.start =
        cell.slice.timed ? std::min(period.start, slice.period.start) : slice.period.start;
    period.end = cell.slice.timed ? std::max(period.end, slice.period.end) : slice.period.end;
    cell.slice.timed = true;
  }
  return cell;
}

}  // namespace

void TimeCells::declare(workflow::Parameters& parameters) {
  parameters
      .add("every", &every_,
           "One result per period: month, 10 days, dekad, season, year; {length: 3 months, step: "
           "month} for rolling windows; {S1: 2019-01..2019-06, ...} for periods by name")
      // Periods by name are dates: the same ones of another year make the same features.
      .recipe_as([this] {
        workflow::Json rule;
        if (every_) rule = every_->listed() ? "by name" : every_->text();
        return rule;
      });
  parameters
      .add("within", &within_,
           "The periods of `every` are those of this time, whether there are scenes or not. "
           "Default: "
           "from the first scene to the last, which may differ from item to item")
      .identity_if_changed()
      .not_recipe();
}

void TimeCells::check(std::string_view op) const {
  if (within_ && !every_)
    throw Error(ErrorCode::invalid, fmt::format("{}.within: is for `every` only", op))
        .hint("choose scenes by time with load: {period: ...}");
  if (within_ && every_->listed())
    throw Error(ErrorCode::invalid,
                fmt::format("{}.within: `every` lists its periods already", op));
}

void require_ordered_times(const CubeSchema& input, std::string_view who) {
  const auto& slices = input.slices;
  for (size_t i = 0; i < slices.size(); ++i) {
    if (!slices[i].timed)
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: slice '{}' has no time", who, slices[i].label))
          .hint("say where file names hold it: load: {date_pattern: \"*_%Y%m%d.tif\"}");
    if (i > 0 && slices[i].period.start < slices[i - 1].period.start)
      throw Error(ErrorCode::invalid, fmt::format("{}: slice '{}' is earlier than '{}' before it",
                                                  who, slices[i].label, slices[i - 1].label))
          .hint("give the scenes in the order of time");
  }
}

std::vector<TimeCell> TimeCells::cells(const CubeSchema& input, std::string_view op) const {
  if (!every_) return {whole(input)};
  const auto& slices = input.slices;
  require_ordered_times(input, fmt::format("{}.every", op));
  std::vector<TimeCell> out;
  if (slices.empty() && !within_ && !every_->listed()) return {whole(input)};
  const auto starts_before = [](const Slice& slice, geo::TimeMs t) {
    return slice.period.start < t;
  };
  const auto place = [&](geo::TimeMs t) {
    return static_cast<size_t>(std::lower_bound(slices.begin(), slices.end(), t, starts_before) -
                               slices.begin());
  };
  geo::Period range;
  if (within_)
    range = *within_;
  else if (!slices.empty())
    range = {slices.front().period.start, slices.back().period.start + 1};
  for (const auto& [label, period] : every_->periods(range)) {
    const size_t first = place(period.start);
    out.push_back({{period, true, label}, first, place(period.end) - first});
  }
  return out;
}

}  // namespace geoloom::ops
