// SPDX-License-Identifier: Apache-2.0
#include "ops/load/cloud_shadow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error/error.h"

namespace geoloom::ops {
namespace {

constexpr double kHighestCloud_m = 20'000;
constexpr size_t kMostHeights = 256;

int64_t whole(double pixels) {
  constexpr double kParts = 1024;
  return std::llround(std::round(pixels * kParts) / kParts);
}

geo::GridDirection away_from_sun(const geo::SunPosition& sun, const geo::Grid& grid) {
  const auto box = grid.box();
  const auto middle =
      geo::to_lon_lat(grid.crs, (box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2);
  const auto away = geo::azimuth_on_grid(sun.azimuth_deg + 180, middle, grid);
  const double length = std::tan((90 - sun.elevation_deg) * geo::kDegree);
  return {away.columns * length, away.rows * length};
}

geo::GridDirection by_elevation(const geo::SunPosition& sun, const geo::Grid& grid) {
  if (grid.crs.geographic())
    throw Error(ErrorCode::invalid,
                "formula: tan_elevation needs a mask whose pixels are in metres")
        .hint("leave it out");
  const double zenith_deg = 90 - sun.elevation_deg, a_deg = sun.azimuth_deg + 90;
  const double length = std::tan((90 - zenith_deg) * geo::kDegree) / grid.crs.metres_per_unit();
  return {std::cos(a_deg * geo::kDegree) * length / grid.pixel_width,
          std::sin(a_deg * geo::kDegree) * length / grid.pixel_height};
}

}  // namespace

void CloudShadowRule::declare(workflow::Parameters& parameters) {
  parameters
      .add("clouds", &clouds,
           "What casts shadows: a rule about a band of the same scene, with its own `clean`")
      .required();
  parameters
      .add("heights", &heights,
           "Heights of clouds above the ground: a list, or {from: 500, to: 4000, step: 500}, the "
           "default")
      .unit("m");
  parameters
      .add(
          "formula", &formula,
          "How long shadows are: `tan_zenith`, which is right, or `tan_elevation`, to compare with "
          "results of scripts that have it so")
      .choices({"tan_zenith", "tan_elevation"});
  parameters.add("dark", &dark,
                 "Only where this condition on the loaded bands holds, as in \"nir < 0.15\"");
  // Where the sun stood is part of each scene's identity.
  parameters
      .add("overpass", &overpass,
           "For scenes whose time has no hour: when the satellite passes, in local solar time, as "
           "in 10:30")
      .not_identity();
}

std::optional<int64_t> time_of_day_ms(std::string_view text) {
  const auto digit = [&](size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return std::nullopt;
  const int hours = (text[0] - '0') * 10 + text[1] - '0';
  const int minutes = (text[3] - '0') * 10 + text[4] - '0';
  if (hours > 23 || minutes > 59) return std::nullopt;
  return (hours * 60 + minutes) * int64_t{60'000};
}

void CloudShadowRule::check(const std::string& name) const {
  if (!overpass.empty() && !time_of_day_ms(overpass))
    throw Error(ErrorCode::invalid,
                fmt::format("{}.overpass: '{}' is no time of day", name, overpass))
        .hint("hours and minutes, as in 10:30");
  clouds.check(name + ".clouds");
  if (heights.metres.empty() || heights.metres.size() > kMostHeights)
    throw Error(ErrorCode::invalid, fmt::format("{}.heights: needs 1 to {} heights, not {}", name,
                                                kMostHeights, heights.metres.size()));
  for (const double height : heights.metres)
    if (!(height > 0 && height <= kHighestCloud_m))
      throw Error(ErrorCode::invalid,
                  fmt::format("{}.heights: no cloud is {} m high", name, height))
          .hint(fmt::format("heights are in metres, above 0 and at most {}", kHighestCloud_m));
}

std::vector<kernels::PixelShift> shadow_shifts(const CloudShadowRule& rule,
                                               const geo::SunPosition& sun, const geo::Grid& grid) {
  if (!grid.crs.known())
    throw Error(ErrorCode::invalid, "shadows of clouds need scenes whose CRS is known");
  const auto per_metre =
      rule.formula == "tan_elevation" ? by_elevation(sun, grid) : away_from_sun(sun, grid);
  std::vector<kernels::PixelShift> shifts;
  for (const double height : rule.heights.metres) {
    const double columns = height * per_metre.columns, rows = height * per_metre.rows;
    if (!(std::max(std::abs(columns), std::abs(rows)) <=
          static_cast<double>(kLongestShadow_pixels)))
      throw Error(ErrorCode::invalid,
                  fmt::format("clouds at {} m cast shadows {:.0f} columns and {:.0f} rows away on "
                              "the pixels of band '{}', with the sun at {} degrees",
                              height, columns, rows, rule.clouds.band, sun.elevation_deg))
          .hint(fmt::format("at most {} are possible: take lower clouds, a coarser mask, or leave "
                            "out scenes with such a sun",
                            kLongestShadow_pixels));
    const kernels::PixelShift shift{whole(columns), whole(rows)};
    if (std::find(shifts.begin(), shifts.end(), shift) == shifts.end()) shifts.push_back(shift);
  }
  return shifts;
}

}  // namespace geoloom::ops

namespace geoloom::workflow {
namespace {

struct HeightRange {
  double from = 0, to = 0, step = 0;
  void declare(Parameters& parameters) {
    parameters.add("from", &from, "The lowest").required();
    parameters.add("to", &to, "The highest").required();
    parameters.add("step", &step, "From one to the next").required();
  }
};

}  // namespace

void ParameterType<ops::CloudHeights>::parse(const Value& value, const Parameter& parameter,
                                             const std::string& name, ops::CloudHeights& out) {
  if (value.kind != Value::Kind::map)
    return ParameterType<std::vector<double>>::parse(value, parameter, name, out.metres);
  HeightRange range;
  ParameterType<HeightRange>::parse(value, parameter, name, range);
  const double steps = (range.to - range.from) / range.step;
  if (!(range.step > 0) || !(steps >= 0) || !(steps < 1000))
    throw value.error(fmt::format("{}: no heights from {} to {} in steps of {}", name, range.from,
                                  range.to, range.step));
  out.metres.clear();
  // A hair more, so that 0.1 three times is 0.3.
  for (int i = 0; i <= static_cast<int>(std::floor(steps + 1e-9)); ++i)
    out.metres.push_back(range.from + i * range.step);
}

Json ParameterType<ops::CloudHeights>::to_json(const ops::CloudHeights& value) {
  return ParameterType<std::vector<double>>::to_json(value.metres);
}

OrderedJson ParameterType<ops::CloudHeights>::schema(const Parameter& parameter) {
  return {{"anyOf", OrderedJson::array({ParameterType<std::vector<double>>::schema(parameter),
                                        ParameterType<HeightRange>::schema(parameter)})}};
}

}  // namespace geoloom::workflow
