// SPDX-License-Identifier: Apache-2.0
#include "serve/served_maps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "error/error.h"
#include "error/spelling.h"
#include "http/query.h"
#include "http/url.h"
#include "serve/map_requests.h"
#include "store/checksum.h"

namespace geoloom::serve {
namespace {

using nlohmann::ordered_json;

constexpr const char* kRoot = "/maps";
constexpr const char* kWmts = "/wmts";
constexpr const char* kWmtsDocument = "/wmts/1.0.0/WMTSCapabilities.xml";

http::Answer json_answer(const ordered_json& body) {
  return {200,
          "application/json",
          body.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n",
          {{"Cache-Control", "no-cache"}}};
}

bool plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 128 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
                  c == '.';
         });
}

// What may stand in an address that is sent back.
bool plain_host(const std::string& host) {
  return !host.empty() && host.size() <= 256 && std::all_of(host.begin(), host.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == ':' ||
           c == '[' || c == ']';
  });
}

ordered_json band_json(const raster::Band& band) {
  ordered_json json{{"name", band.name}, {"type", raster::name(band.type)}};
  if (!band.unit.empty()) json["unit"] = band.unit;
  if (band.scale != 1 || band.offset != 0) {
    json["scale"] = band.scale;
    json["offset"] = band.offset;
  }
  if (band.nodata && std::isfinite(*band.nodata)) json["nodata"] = *band.nodata;
  ordered_json classes = ordered_json::array();
  for (const auto& [value, name] : band.class_names) {
    ordered_json entry{{"value", value}, {"name", name}};
    if (value >= 0 && static_cast<size_t>(value) < band.colours.size())
      entry["colour"] = raster::text(band.colours[static_cast<size_t>(value)]);
    classes.push_back(std::move(entry));
  }
  if (!classes.empty()) json["classes"] = std::move(classes);
  return json;
}

ordered_json bounds_json(const render::MapBounds& bounds) {
  return {bounds.west, bounds.south, bounds.east, bounds.north};
}

std::string with_query(const std::string& address, const std::string& query) {
  return query.empty() ? address : address + "?" + query;
}

// Names and values that are plain in an address: a client's text is not sent back as it came.
std::string query_text(const Query& query) {
  std::string text;
  for (const auto& [name, value] : query)
    text +=
        (text.empty() ? "" : "&") + http::percent_encode(name) + "=" + http::percent_encode(value);
  return text;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

}  // namespace

ServedMaps::ServedMaps(std::vector<NamedMap> maps, std::string public_url)
    : public_url_(std::move(public_url)) {
  for (auto& each : maps) {
    if (!plain_name(each.name))
      throw Error(ErrorCode::invalid, fmt::format("'{}' cannot be a map's name", each.name))
          .hint("letters, digits, '-', '_' and '.' may be in it: --map NAME=PATH");
    const auto name = each.name;
    if (!maps_.emplace(name, std::move(each)).second)
      throw Error(ErrorCode::invalid, fmt::format("two maps are called '{}'", name))
          .hint("name them: --map NAME=PATH");
  }
}

bool ServedMaps::serves(const std::string& path) const {
  return path == kRoot || path == kWmts || path == kWmtsDocument ||
         path.starts_with(std::string(kRoot) + "/");
}

const NamedMap& ServedMaps::find(const std::string& name) const {
  const auto found = maps_.find(name);
  if (found != maps_.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, map] : maps_) names.push_back(known);
  throw Error(ErrorCode::missing, fmt::format("there is no map '{}'", name))
      .hint(spelling_hint(name, names));
}

std::string ServedMaps::base_of(const http::IncomingRequest& request) const {
  if (!public_url_.empty()) return public_url_;
  const auto& host = request.header("host");
  return plain_host(host) ? "http://" + host : "";
}

http::Answer ServedMaps::get(const http::IncomingRequest& request) const {
  const auto base = base_of(request);
  if (request.path == kRoot || request.path == std::string(kRoot) + "/") return list(base);
  if (request.path == kWmts) return wmts(request, base);
  if (request.path == kWmtsDocument)
    return {
        200, "application/xml", wmts_capabilities(maps_, base), {{"Cache-Control", "no-cache"}}};
  const auto rest = request.path.substr(std::string(kRoot).size() + 1);
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto& map = find(rest.substr(0, slash));
  const auto what = rest.substr(std::min(slash + 1, rest.size()));
  if (what.empty()) return description(map, base);
  if (what == "tilejson.json") return tile_json(map, request, base);
  if (what == "values") return values(map, request);
  if (what.starts_with("tiles/")) return tile(map, what.substr(6), request.query, request);
  throw Error(ErrorCode::missing, "there is nothing at this path")
      .hint("a map has tilejson.json, tiles/{z}/{x}/{y}.png and values");
}

http::Answer ServedMaps::list(const std::string& base) const {
  ordered_json all = ordered_json::array();
  for (const auto& [name, each] : maps_)
    all.push_back({{"name", name},
                   {"bounds", bounds_json(each.map->bounds())},
                   {"href", fmt::format("{}{}/{}", base, kRoot, name)},
                   {"tilejson", fmt::format("{}{}/{}/tilejson.json", base, kRoot, name)}});
  return json_answer({{"maps", std::move(all)}});
}

http::Answer ServedMaps::description(const NamedMap& map, const std::string& base) const {
  ordered_json bands = ordered_json::array(), usual = ordered_json::array(),
               limits = ordered_json::array();
  for (const auto& band : map.map->bands()) bands.push_back(band_json(band));
  for (const size_t band : map.map->usual_bands()) usual.push_back(map.map->bands()[band].name);
  for (const auto& each : map.map->usual_limits()) limits.push_back({each.min, each.max});
  return json_answer(
      {{"name", map.name},
       {"bounds", bounds_json(map.map->bounds())},
       {"minzoom", map.map->least_zoom()},
       {"maxzoom", map.map->most_zoom()},
       {"files", map.map->file_count()},
       {"bands", std::move(bands)},
       {"usual_bands", std::move(usual)},
       {"usual_limits", std::move(limits)},
       {"tiles", fmt::format("{}{}/{}/tiles/{{z}}/{{x}}/{{y}}.png", base, kRoot, map.name)},
       {"tilejson", fmt::format("{}{}/{}/tilejson.json", base, kRoot, map.name)}});
}

// TileJSON 3.0.0. A style that is asked for goes into the addresses of the tiles.
http::Answer ServedMaps::tile_json(const NamedMap& map, const http::IncomingRequest& request,
                                   const std::string& base) const {
  const auto query = http::parse_query(request.query);
  (void)style_request(*map.map, query);
  const auto& bounds = map.map->bounds();
  return json_answer(
      {{"tilejson", "3.0.0"},
       {"name", map.name},
       {"scheme", "xyz"},
       {"tiles",
        {with_query(fmt::format("{}{}/{}/tiles/{{z}}/{{x}}/{{y}}.png", base, kRoot, map.name),
                    query_text(query))}},
       {"minzoom", map.map->least_zoom()},
       {"maxzoom", map.map->most_zoom()},
       {"bounds", bounds_json(bounds)},
       {"center",
        {(bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2,
         map.map->least_zoom()}}});
}

http::Answer ServedMaps::tile(const NamedMap& map, const std::string& address,
                              const std::string& query,
                              const http::IncomingRequest& request) const {
  const auto asked = tile_request(address);
  const auto styled = style_request(*map.map, http::parse_query(query));
  std::vector<std::pair<std::string, std::string>> headers{{"Cache-Control", "public, max-age=60"}};
  if (const auto version = map.map->version(asked.tile)) {
    const auto hash = store::sha256_hex(*version + address + "?" + query).substr(0, 32);
    headers.emplace_back("ETag", "\"" + hash + "\"");
    if (request.header("if-none-match").find(hash) != std::string::npos)
      return {304, "", "", std::move(headers)};
  }
  const auto block = map.map->tile(asked.tile, asked.pixels, styled.bands);
  const auto picture = render::draw(block, map.map->bands()[styled.bands[0]], styled.style);
  return {200, "image/png", render::encode_png(picture), std::move(headers)};
}

http::Answer ServedMaps::values(const NamedMap& map, const http::IncomingRequest& request) const {
  const auto query = http::parse_query(request.query);
  const auto coordinate = [&](const char* name, double most) {
    const auto given = query.find(name);
    if (given == query.end() || query.size() != 2)
      throw Error(ErrorCode::invalid, "a place is ?lon=...&lat=... in degrees, and nothing else");
    const double value = number_of(given->second, name);
    if (std::abs(value) > most)
      throw Error(ErrorCode::invalid, fmt::format("{}: {} is not on the Earth", name, value));
    return value;
  };
  const double lon = coordinate("lon", 180), lat = coordinate("lat", 90);
  ordered_json all = ordered_json::array();
  // Beyond its edge nothing is on the web's map.
  if (std::abs(lat) <= geo::kWebMercatorLatitude)
    for (const auto& value : map.map->values_at(lon, lat)) {
      ordered_json bands = ordered_json::object();
      for (size_t b = 0; b < value.stored.size(); ++b) {
        const auto& band = map.map->bands()[b];
        ordered_json entry{{"stored", nullptr}};
        if (value.stored[b] && std::isfinite(*value.stored[b])) {
          entry["stored"] = *value.stored[b];
          entry["value"] = *value.stored[b] * band.scale + band.offset;
          const auto name = band.class_names.find(static_cast<int64_t>(*value.stored[b]));
          if (name != band.class_names.end()) entry["class"] = name->second;
        }
        bands[band.name] = std::move(entry);
      }
      // The folder is of no concern to clients.
      all.push_back({{"file", value.file.substr(value.file.rfind('/') + 1)},
                     {"column", value.column},
                     {"row", value.row},
                     {"bands", std::move(bands)}});
    }
  return json_answer({{"lon", lon}, {"lat", lat}, {"pixels", std::move(all)}});
}

// WMTS by key and value: names without regard to case.
http::Answer ServedMaps::wmts(const http::IncomingRequest& request, const std::string& base) const {
  Query query;
  for (auto& [name, value] : http::parse_query(request.query)) query[upper(name)] = value;
  const auto wanted = [&](const char* name) {
    const auto found = query.find(name);
    if (found == query.end())
      throw Error(ErrorCode::invalid, fmt::format("the WMTS request lacks {}", name));
    return found->second;
  };
  if (upper(wanted("SERVICE")) != "WMTS")
    throw Error(ErrorCode::invalid, "only SERVICE=WMTS is served here");
  const auto what = upper(wanted("REQUEST"));
  if (what == "GETCAPABILITIES")
    return {
        200, "application/xml", wmts_capabilities(maps_, base), {{"Cache-Control", "no-cache"}}};
  if (what != "GETTILE")
    throw Error(ErrorCode::invalid, "REQUEST: takes GetCapabilities and GetTile");
  if (wanted("FORMAT") != "image/png")
    throw Error(ErrorCode::invalid, "FORMAT: tiles are image/png");
  if (wanted("TILEMATRIXSET") != "GoogleMapsCompatible")
    throw Error(ErrorCode::invalid, "TILEMATRIXSET: there is GoogleMapsCompatible");
  return tile(
      find(wanted("LAYER")),
      fmt::format("{}/{}/{}.png", wanted("TILEMATRIX"), wanted("TILECOL"), wanted("TILEROW")), "",
      request);
}

}  // namespace geoloom::serve
