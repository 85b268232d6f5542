// SPDX-License-Identifier: Apache-2.0
#include "serve/map_requests.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "error/error.h"

namespace geoloom::serve {
namespace {

constexpr size_t kMostColours = 64;

std::vector<std::string> list_of(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.empty()) return std::nullopt;
  return value;
}

std::vector<size_t> bands_of(const render::Map& map, const std::string& text) {
  std::vector<std::string> names;
  for (const auto& band : map.bands()) names.push_back(band.name);
  std::vector<size_t> bands;
  for (const auto& wanted : list_of(text)) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end())
      throw Error(ErrorCode::invalid, fmt::format("bands: there is no band '{}'", wanted))
          .hint(fmt::format("there are {}", fmt::join(names, ", ")));
    bands.push_back(static_cast<size_t>(found - names.begin()));
  }
  if (bands.size() != 1 && bands.size() != 3)
    throw Error(ErrorCode::invalid, "bands: give one, or three as red, green and blue");
  return bands;
}

render::Ramp ramp_of(const std::string& text) {
  const auto& named = render::named_ramps();
  if (const auto found = named.find(text); found != named.end()) return found->second;
  render::Ramp ramp;
  const auto parts = list_of(text);
  const bool list = text.find(',') != std::string::npos && parts.size() <= kMostColours;
  if (list)
    for (const auto& part : parts)
      ramp.push_back(raster::colour_of(part.starts_with('#') ? part : "#" + part));
  if (ramp.size() < 2)
    throw Error(ErrorCode::invalid, fmt::format("colours: '{}' is not known", text))
        .hint("grey, viridis, vegetation, or a list such as 0000ff,ffffff,ff0000");
  return ramp;
}

void set_limits(const Query& query, const std::string& name, double render::Limits::*which,
                std::vector<render::Limits>& limits) {
  const auto given = query.find(name);
  if (given == query.end()) return;
  const auto parts = list_of(given->second);
  if (parts.size() != 1 && parts.size() != limits.size())
    throw Error(ErrorCode::invalid, fmt::format("{}: give one number, or one for each of {} bands",
                                                name, limits.size()));
  for (size_t i = 0; i < limits.size(); ++i)
    limits[i].*which = number_of(parts.size() == 1 ? parts[0] : parts[i], name);
}

}  // namespace

double number_of(std::string_view text, const std::string& what) {
  double value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value))
    throw Error(ErrorCode::invalid, fmt::format("{}: '{}' is no number", what, text));
  return value;
}

TileRequest tile_request(std::string_view text) {
  const auto nothing = [] {
    return Error(ErrorCode::missing, "there is no such tile")
        .hint("tiles are {z}/{x}/{y}.png or {z}/{x}/{y}@2x.png, as the web's maps count them");
  };
  TileRequest request;
  if (!text.ends_with(".png")) throw nothing();
  text.remove_suffix(4);
  if (text.ends_with("@2x")) {
    text.remove_suffix(3);
    request.pixels = 512;
  }
  const auto first = text.find('/'), second = text.find('/', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) throw nothing();
  const auto zoom = whole_number(text.substr(0, first)),
             column = whole_number(text.substr(first + 1, second - first - 1)),
             row = whole_number(text.substr(second + 1));
  if (!zoom || !column || !row || *zoom < 0 || *zoom > geo::kMostZoom) throw nothing();
  request.tile = {static_cast<int>(*zoom), *column, *row};
  if (!request.tile.exists()) throw nothing();
  return request;
}

StyledBands style_request(const render::Map& map, const Query& query) {
  static const std::vector<std::string> known{"bands", "min", "max", "colours", "gamma"};
  for (const auto& [name, value] : query)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw Error(ErrorCode::invalid, fmt::format("'{}' is no parameter of tiles", name))
          .hint(fmt::format("there are {}", fmt::join(known, ", ")));
  StyledBands styled{map.usual_bands(), {}};
  const auto bands = query.find("bands");
  if (bands != query.end()) styled.bands = bands_of(map, bands->second);
  auto& style = styled.style;
  style.limits = bands == query.end() ? map.usual_limits() : map.limits_of(styled.bands);
  const bool asked = query.contains("min") || query.contains("max") || query.contains("colours");
  // A class map is drawn as numbers where that is asked for.
  if (style.limits.empty() && asked) style.limits.resize(styled.bands.size());
  set_limits(query, "min", &render::Limits::min, style.limits);
  set_limits(query, "max", &render::Limits::max, style.limits);
  for (const auto& limits : style.limits)
    if (!(limits.min < limits.max))
      throw Error(ErrorCode::invalid,
                  fmt::format("min {} is not below max {}", limits.min, limits.max));
  style.ramp = render::named_ramps().at("grey");
  if (const auto colours = query.find("colours"); colours != query.end()) {
    if (styled.bands.size() != 1)
      throw Error(ErrorCode::invalid, "colours: are of one band").hint("name it: bands=...");
    style.ramp = ramp_of(colours->second);
  }
  if (const auto gamma = query.find("gamma"); gamma != query.end()) {
    style.gamma = number_of(gamma->second, "gamma");
    if (style.gamma < 0.1 || style.gamma > 10)
      throw Error(ErrorCode::invalid, "gamma: takes 0.1 to 10");
  }
  return styled;
}

}  // namespace geoloom::serve
