// SPDX-License-Identifier: Apache-2.0
// Writing STAC: write_stac_item() and write_item_collection() of stac_item.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "catalog/href.h"
#include "catalog/json_number.h"
#include "catalog/stac_item.h"
#include "error/error.h"

namespace geoloom::catalog {
namespace {

using nlohmann::ordered_json;

constexpr int kPointsPerEdge = 8;  // straight edges of a grid are curves in degrees

using Ring = std::vector<geo::LonLat>;

// The outline of a grid, counterclockwise from its lower left corner, not closed. Longitudes run on
// beyond 180 where it crosses the antimeridian.
Ring outline(const geo::Grid& grid) {
  const geo::Box box = grid.box();
  const double corners[4][2] = {{box.min_x, box.min_y},
                                {box.max_x, box.min_y},
                                {box.max_x, box.max_y},
                                {box.min_x, box.max_y}};
  Ring ring;
  for (int side = 0; side < 4; ++side) {
    const double* from = corners[side];
    const double* to = corners[(side + 1) % 4];
    for (int i = 0; i < kPointsPerEdge; ++i) {
      const double share = static_cast<double>(i) / kPointsPerEdge;
      geo::LonLat point = geo::to_lon_lat(grid.crs, from[0] + (to[0] - from[0]) * share,
                                          from[1] + (to[1] - from[1]) * share);
      if (!ring.empty()) {
        point.lon += 360 * std::round((ring.back().lon - point.lon) / 360);
      }
      ring.push_back(point);
    }
  }
  return ring;
}

// The part of a ring on one side of a meridian.
Ring clip(const Ring& ring, double meridian, bool keep_east) {
  const auto inside = [&](const geo::LonLat& p) {
    return keep_east ? p.lon >= meridian : p.lon <= meridian;
  };
  Ring result;
  for (size_t i = 0; i < ring.size(); ++i) {
    const geo::LonLat& a = ring[i];
    const geo::LonLat& b = ring[(i + 1) % ring.size()];
    if (inside(a)) result.push_back(a);
    if (inside(a) != inside(b)) {
      const double share = (meridian - a.lon) / (b.lon - a.lon);
      result.push_back({meridian, a.lat + (b.lat - a.lat) * share});
    }
  }
  return result;
}

// A hundredth of a metre is enough; more digits would be noise of the transformation.
double rounded(double degrees) {
  return std::round(degrees * 1e7) / 1e7;
}

ordered_json ring_json(const Ring& ring, double shift) {
  ordered_json points = ordered_json::array();
  for (const geo::LonLat& p : ring) points.push_back({rounded(p.lon + shift), rounded(p.lat)});
  points.push_back(points.front());
  return points;
}

struct Footprint {
  ordered_json geometry;  // null when the grid has no place on Earth
  ordered_json bbox;
};

Footprint footprint_of(const geo::Grid& grid) {
  if (!grid.crs.known()) return {};
  Ring ring;
  try {
    ring = outline(grid);
  } catch (const Error&) {
    return {};  // beyond what the projection can say
  }
  const auto [west, east] = std::minmax_element(
      ring.begin(), ring.end(), [](const auto& a, const auto& b) { return a.lon < b.lon; });
  const auto [south, north] = std::minmax_element(
      ring.begin(), ring.end(), [](const auto& a, const auto& b) { return a.lat < b.lat; });
  double meridian = 0;
  if (west->lon < -180) meridian = -180;
  if (east->lon > 180) meridian = 180;
  Footprint result;
  if (meridian == 0) {
    result.geometry = {{"type", "Polygon"},
                       {"coordinates", ordered_json::array({ring_json(ring, 0)})}};
    result.bbox = {rounded(west->lon), rounded(south->lat), rounded(east->lon),
                   rounded(north->lat)};
    return result;
  }
  // Two polygons, one on each side, and a bbox whose west is east of its east (RFC 7946).
  const double shift = meridian > 0 ? -360 : 360;
  const Ring eastern = clip(ring, meridian, true);
  const Ring western = clip(ring, meridian, false);
  const double east_shift = meridian > 0 ? shift : 0;
  const double west_shift = meridian > 0 ? 0 : shift;
  result.geometry = {{"type", "MultiPolygon"},
                     {"coordinates", ordered_json::array(
                                         {ordered_json::array({ring_json(western, west_shift)}),
                                          ordered_json::array({ring_json(eastern, east_shift)})})}};
  result.bbox = {rounded(west->lon + west_shift), rounded(south->lat),
                 rounded(east->lon + east_shift), rounded(north->lat)};
  return result;
}

ordered_json number(double value) {
  return json_number(value);
}

ordered_json statistics_json(const raster::BandStatistics& s) {
  ordered_json result;
  if (s.valid > 0) {
    result["minimum"] = number(s.minimum);
    result["maximum"] = number(s.maximum);
    result["mean"] = number(s.mean);
    result["stddev"] = number(s.deviation);
  }
  result["count"] = s.valid;
  result["valid_percent"] =
      s.total == 0 ? 0.0 : 100.0 * static_cast<double>(s.valid) / static_cast<double>(s.total);
  return result;
}

std::string upper_case(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

// The extension wants a name without blanks, and a title for people.
std::string machine_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool fits = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      c == '-' || c == '_';
    if (fits)
      out += c;
    else if (out.empty() || out.back() != '_')
      out += '_';
  }
  return out.empty() ? "class" : out;
}

ordered_json classes_json(const raster::Band& band) {
  ordered_json classes = ordered_json::array();
  for (const auto& [value, name] : band.class_names) {
    classes.push_back({{"value", value}, {"name", machine_name(name)}, {"title", name}});
    if (value >= 0 && static_cast<size_t>(value) < band.colours.size())
      classes.back()["color_hint"] =
          upper_case(raster::text(band.colours[static_cast<size_t>(value)]).substr(1));
  }
  return classes;
}

bool names_classes(const OutputItem& item) {
  return std::any_of(item.schema.bands.begin(), item.schema.bands.end(),
                     [](const raster::Band& band) { return !band.class_names.empty(); });
}

ordered_json bands_json(const OutputItem& item) {
  ordered_json bands = ordered_json::array();
  for (size_t slice = 0; slice < item.schema.slices.size(); ++slice) {
    for (size_t i = 0; i < item.schema.bands.size(); ++i) {
      const raster::Band& band = item.schema.bands[i];
      ordered_json to;
      to["name"] = raster::file_band_name(item.schema, slice, i);
      to["data_type"] = raster::name(band.type);
      if (band.nodata && !item.cog.mask_band) to["nodata"] = number(*band.nodata);
      if (!band.unit.empty()) to["unit"] = band.unit;
      if (band.scale != 1 || band.offset != 0) {
        to["raster:scale"] = number(band.scale);
        to["raster:offset"] = number(band.offset);
      }
      if (!band.class_names.empty()) to["classification:classes"] = classes_json(band);
      if (bands.size() < item.cog.bands.size()) {
        to["statistics"] = statistics_json(item.cog.bands[bands.size()]);
      }
      bands.push_back(std::move(to));
    }
  }
  return bands;
}

void add_times(const OutputItem& item, ordered_json& properties) {
  if (!item.period) {
    properties["datetime"] = item.created;
  } else {
    properties["datetime"] = geo::format_time(item.period->start);
    if (item.period->end > item.period->start) {
      properties["start_datetime"] = geo::format_time(item.period->start);
      // STAC includes the end, periods do not.
      properties["end_datetime"] = geo::format_time(item.period->end - 1);
    }
  }
  properties["created"] = item.created;
}

// By version 1.1 of the extension: proj:epsg is what GDAL up to 3.10 looks for, and later readers
// know it; the proj:code of version 2 must not stand beside it.
void add_projection(const geo::Grid& grid, ordered_json& properties) {
  constexpr std::string_view kEpsg = "EPSG:";
  const auto& code = grid.crs.code();
  if (code.starts_with(kEpsg)) {
    properties["proj:epsg"] = std::stol(code.substr(kEpsg.size()));
  } else {
    properties["proj:epsg"] = nullptr;
    if (grid.crs.known()) properties["proj:wkt2"] = grid.crs.wkt();
  }
  const geo::Box box = grid.box();
  properties["proj:bbox"] = {number(box.min_x), number(box.min_y), number(box.max_x),
                             number(box.max_y)};
  properties["proj:shape"] = {grid.height, grid.width};
  properties["proj:transform"] = {number(grid.pixel_width),   0,
                                  number(grid.origin_x),      0,
                                  number(-grid.pixel_height), number(grid.origin_y)};
}

ordered_json properties_json(const OutputItem& item) {
  ordered_json properties;
  add_times(item, properties);
  properties["title"] = item.layer;
  add_projection(item.grid, properties);
  if (!item.lineage.empty()) properties["processing:lineage"] = item.lineage;
  properties["processing:software"] = {{"geoloom", item.software_version}};
  ordered_json scenes = ordered_json::array();
  for (const std::string& source : item.derived_from) {
    if (source.find('/') == std::string::npos) scenes.push_back(source);
  }
  if (!scenes.empty()) properties["geoloom:scenes"] = std::move(scenes);
  return properties;
}

ordered_json links_json(const OutputItem& item) {
  ordered_json links = ordered_json::array();
  for (const std::string& source : item.derived_from) {
    if (source.find('/') == std::string::npos) continue;
    links.push_back({{"rel", "derived_from"}, {"href", source}});
  }
  return links;
}

ordered_json asset_json(const OutputItem& item) {
  ordered_json asset;
  asset["href"] = item.href;
  asset["type"] = item.media_type;
  asset["title"] = item.layer;
  asset["roles"] = {"data"};
  asset["bands"] = bands_json(item);
  asset["raster:sampling"] = "area";
  asset["file:size"] = item.cog.bytes;
  // A multihash: 12 is SHA-256, 20 its length of 32 bytes.
  if (!item.cog.sha256.empty()) asset["file:checksum"] = "1220" + item.cog.sha256;
  return asset;
}

}  // namespace

ordered_json write_stac_item(const OutputItem& item) {
  const Footprint footprint = footprint_of(item.grid);
  ordered_json result;
  result["type"] = "Feature";
  result["stac_version"] = "1.1.0";
  result["stac_extensions"] = {"https://stac-extensions.github.io/projection/v1.1.0/schema.json",
                               "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
                               "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
                               "https://stac-extensions.github.io/file/v2.1.0/schema.json"};
  if (names_classes(item))
    result["stac_extensions"].push_back(
        "https://stac-extensions.github.io/classification/v2.0.0/schema.json");
  result["id"] = item.id;
  result["geometry"] = footprint.geometry;
  if (!footprint.geometry.is_null()) result["bbox"] = footprint.bbox;
  result["properties"] = properties_json(item);
  result["links"] = links_json(item);
  result["assets"][item.layer] = asset_json(item);
  return result;
}

ordered_json write_item_collection(const std::string& layer, const std::vector<OutputItem>& items) {
  ordered_json result;
  result["type"] = "FeatureCollection";
  result["title"] = layer;
  result["features"] = ordered_json::array();
  for (const OutputItem& item : items) result["features"].push_back(write_stac_item(item));
  return result;
}

}  // namespace geoloom::catalog
