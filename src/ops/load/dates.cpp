// SPDX-License-Identifier: Apache-2.0
#include "ops/load/dates.h"

#include <algorithm>
#include <map>

#include "geo/crs.h"
#include "geo/solar_day.h"

namespace geoloom::ops {
namespace {

raster::Slice slice_of(const FrozenScene& scene) {
  raster::Slice slice;
  slice.timed = scene.scene.time.has_value();
  if (slice.timed) slice.period = {*scene.scene.time, *scene.scene.time};
  slice.label = scene.label;
  return slice;
}

// Baselines are written with leading zeros, so texts order as numbers do; none is the oldest.
bool comes_first(const FrozenScene& a, const FrozenScene& b) {
  if (a.baseline != b.baseline) return a.baseline > b.baseline;
  return a.label < b.label;
}

double lon_of(const FrozenScene& scene, double item_lon) {
  return geo::longitude_near(scene.centre_lon.value_or(item_lon), item_lon);
}

int64_t day_of(const FrozenScene& scene, double item_lon) {
  return geo::observed_day(*scene.scene.time, lon_of(scene, item_lon));
}

bool has_day(const geo::Period& period, int64_t day) {
  return day * geo::kDayMs < period.end && (day + 1) * geo::kDayMs > period.start;
}

}  // namespace

std::optional<double> centre_lon(const geo::Grid& grid) {
  if (!grid.crs.known()) return std::nullopt;
  const auto box = grid.box();
  return geo::to_lon_lat(grid.crs, (box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2).lon;
}

bool on_a_day_of(const geo::Period& period, const FrozenScene& scene, double lon) {
  return !scene.scene.time || has_day(period, day_of(scene, lon));
}

std::vector<DateScenes> scene_by_scene(const FrozenSeries& series,
                                       const std::vector<size_t>& scenes) {
  std::vector<DateScenes> dates;
  for (const size_t s : scenes) dates.push_back({{s}, slice_of(series.scenes[s]), {}});
  return dates;
}

std::vector<DateScenes> by_solar_day(const FrozenSeries& series, const std::vector<size_t>& scenes,
                                     double item_lon, const std::optional<geo::Period>& period) {
  std::vector<DateScenes> dates;
  std::map<int64_t, std::vector<size_t>> days;
  for (const size_t s : scenes) {
    const auto& scene = series.scenes[s];
    if (!scene.scene.time) {
      dates.push_back({{s}, slice_of(scene), {}});
      continue;
    }
    const auto day = day_of(scene, item_lon);
    if (!period || has_day(*period, day)) days[day].push_back(s);
  }
  for (auto& [day, members] : days) {
    geo::TimeMs earliest = *series.scenes[members.front()].scene.time;
    for (const size_t s : members) earliest = std::min(earliest, *series.scenes[s].scene.time);
    std::sort(members.begin(), members.end(),
              [&](size_t a, size_t b) { return comes_first(series.scenes[a], series.scenes[b]); });
    raster::Slice slice;
    slice.period = {earliest, earliest};
    slice.label = geo::format_date(day * geo::kDayMs);
    const bool as_told = std::any_of(members.begin(), members.end(), [&](size_t s) {
      const auto& scene = series.scenes[s];
      return geo::solar_day(*scene.scene.time, lon_of(scene, item_lon)) != day;
    });
    dates.push_back({std::move(members), slice, as_told ? slice.label : std::string()});
  }
  return dates;
}

}  // namespace geoloom::ops
