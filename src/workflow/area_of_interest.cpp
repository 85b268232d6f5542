// SPDX-License-Identifier: Apache-2.0
#include "workflow/area_of_interest.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "catalog/href.h"
#include "gdal/vector_file.h"

namespace geoloom::workflow {
namespace {

using gdal::Geometry;

// Beyond this distance from its centre the plane in which a buffer is drawn is off by 2 percent.
constexpr double kMostBufferedMetres = 2'000'000;

geo::Crs wgs84() {
  return geo::Crs::parse("EPSG:4326");
}

void declare_sources(AreaOfInterestParameter& given, Parameters& p) {
  p.add("file", &given.file,
        "Vector file: GeoJSON, GeoPackage, Shapefile, FlatGeobuf, KML, or CSV with a column of WKT")
      .main()
      .meaning(Meaning::path);
  p.add("bbox", &given.bbox,
        "Instead of a file: west, south, east, north; west > east reaches over the antimeridian");
  p.add("crs", &given.crs,
        "CRS of the bbox (default EPSG:4326), or of a file that does not tell its own");
  p.add("layer", &given.layer, "Of a file with several; default: all");
  p.add("where", &given.where, "Which features: a condition on columns, as in SQL");
}

// The features of a file: each shape with what messages call it.
struct Features {
  std::vector<Geometry> shapes;
  std::vector<std::string> names;
  geo::Crs crs;
};

Features read_file(const AreaOfInterestParameter& given, const Value& value) {
  const auto layers = gdal::read_vectors(
      catalog::gdal_path(*given.file),
      {.layer = given.layer.value_or(""), .where = given.where.value_or(""), .columns = {}});
  Features out;
  for (const auto& layer : layers) {
    const auto crs = gdal::crs_of(layer, given.crs.value_or(""), *given.file,
                                  "`aoi: {file: ..., crs: EPSG:4326}`");
    if (out.crs.known() && !(out.crs == crs))
      throw value
          .error(fmt::format("aoi: the layers of {} have several coordinate reference "
                             "systems",
                             *given.file))
          .hint("name one with `layer:`");
    out.crs = crs;
    for (const auto& feature : layer.features) {
      out.shapes.push_back(feature.geometry);
      out.names.push_back(fmt::format("feature {} of layer '{}'", feature.id, layer.name));
    }
  }
  if (out.shapes.empty())
    throw value.error(fmt::format("aoi: {} holds no shape{}", *given.file,
                                  given.where ? " that meets `where`" : ""));
  return out;
}

Features read_bbox(const AreaOfInterestParameter& given, const Value& value) {
  const auto& b = given.bbox;
  if (b.size() != 4) throw value.error("aoi.bbox needs four numbers: west, south, east, north");
  Features out;
  out.crs = given.crs ? geo::Crs::parse(*given.crs) : wgs84();
  const bool over = out.crs.geographic() && b[0] > b[2];
  const geo::Box box{b[0], b[1], over ? b[2] + 360 : b[2], b[3]};
  if (!(box.min_x < box.max_x) || !(box.min_y < box.max_y))
    throw value.error(fmt::format("aoi.bbox [{}, {}, {}, {}] is empty", b[0], b[1], b[2], b[3]))
        .hint("the order is west, south, east, north");
  Geometry shape = Geometry::box(box);
  // The numbers leave no doubt which way round the Earth an edge goes.
  if (out.crs.geographic()) shape = shape.densified(1);
  out.shapes.push_back(shape);
  out.names.emplace_back("the bbox");
  return out;
}

void check_validity(Features& features, bool repair, const Value& value) {
  for (size_t i = 0; i < features.shapes.size(); ++i) {
    const std::string why = features.shapes[i].why_invalid();
    if (why.empty()) continue;
    if (!repair)
      throw value.error(fmt::format("aoi: {} is not valid: {}", features.names[i], why))
          .hint("mend it, or say `repair: true` in aoi");
    features.shapes[i] = features.shapes[i].repaired();
  }
}

[[noreturn]] void refuse_degrees(const geo::Box& box, const Value& value) {
  throw value
      .error(fmt::format("aoi: x from {} to {} and y from {} to {} are no longitudes and "
                         "latitudes",
                         box.min_x, box.max_x, box.min_y, box.max_y))
      .hint("GeoJSON is WGS84 unless it says otherwise; check the file's CRS");
}

// Degrees within -180..180, cut at the antimeridian.
Geometry within_180(const Geometry& shape, const Value& value) {
  const geo::Box box = shape.bounds();
  constexpr double kNoise = 1e-9;
  if (box.min_y < -90 - kNoise || box.max_y > 90 + kNoise || box.min_x < -540 || box.max_x > 540)
    refuse_degrees(box, value);
  const bool whole_world = box.max_x - box.min_x > 360 - 1e-6;
  if (shape.longest_x_step() > 180 && !whole_world)
    throw value
        .error(
            "aoi: an edge is longer than 180 degrees of longitude: it may or may not be meant to "
            "cross the antimeridian")
        .hint("cut the shape at 180 degrees, or let longitudes go on beyond it (190 for -170)");
  if (box.min_x >= -180 && box.max_x <= 180) return shape;
  std::vector<Geometry> parts;
  for (const double turn : {-360.0, 0.0, 360.0}) {
    const auto part = shape.intersection(Geometry::box({turn - 180, -90, turn + 180, 90}));
    if (!part.empty()) parts.push_back(part.moved(-turn, 0));
  }
  return Geometry::united(parts);
}

geo::Crs plane_around(const geo::Box& box) {
  return geo::Crs::parse(fmt::format("+proj=aeqd +lat_0={:.6f} +lon_0={:.6f} +datum=WGS84 +units=m",
                                     (box.min_y + box.max_y) / 2, (box.min_x + box.max_x) / 2));
}

// Applies a change in metres to each part of a shape in degrees, in a plane around that part.
template <typename Change>
Geometry changed_in_metres(const std::vector<Geometry>& parts, const Value& value,
                           const Change& change) {
  std::vector<Geometry> out;
  for (const auto& part : parts) {
    const auto plane = plane_around(part.bounds());
    const auto there = geo::CoordinateOperation::between(wgs84(), plane);
    const Geometry flat = part.densified(gdal::longest_straight_edge(wgs84())).transformed(there);
    const geo::Box box = flat.bounds();
    if (std::max(box.max_x - box.min_x, box.max_y - box.min_y) > 2 * kMostBufferedMetres)
      throw value
          .error("aoi: `buffer` and `simplify` need shapes in degrees to be smaller than 4000 km")
          .hint("give the area in a projected coordinate reference system");
    const Geometry done = change(flat);
    if (!done.empty()) out.push_back(done.to_lon_lat(plane));
  }
  return Geometry::united(out);
}

template <typename Change>
void change_in_metres(AreaOfInterest& aoi, const std::vector<Geometry>& parts, const Value& value,
                      const Change& change) {
  if (aoi.crs.geographic()) {
    aoi.shape = changed_in_metres(parts, value, [&](const Geometry& s) { return change(s, 1.0); });
  } else {
    std::vector<Geometry> out;
    for (const auto& part : parts) out.push_back(change(part, 1 / aoi.crs.metres_per_unit()));
    aoi.shape = Geometry::united(out);
  }
}

// Polygons one by one, anything else as it stands.
std::vector<Geometry> parts_of(const AreaOfInterest& aoi) {
  if (aoi.shape.all_polygons()) return aoi.shape.polygons();
  return {aoi.shape};
}

void buffer_and_simplify(AreaOfInterest& aoi, const AreaOfInterestParameter& given,
                         const Value& value) {
  if (given.buffer) {
    const double metres = parse_metres(*given.buffer, value);
    change_in_metres(aoi, parts_of(aoi), value,
                     [&](const Geometry& s, double scale) { return s.buffered(metres * scale); });
  }
  if (given.simplify) {
    const double metres = parse_metres(*given.simplify, value);
    change_in_metres(aoi, parts_of(aoi), value,
                     [&](const Geometry& s, double scale) { return s.simplified(metres * scale); });
  }
}

// Of the polygons of a mixed shape: points and lines have no area to map.
void check_area(AreaOfInterest& aoi, const Value& value) {
  const auto polygons = aoi.shape.polygons();
  if (polygons.empty())
    throw value.error(fmt::format("aoi: {} covers no area", aoi.source))
        .hint("points and lines need a `buffer`; a negative buffer may have left nothing");
  aoi.shape = Geometry::united(polygons);
}

}  // namespace

void AreaOfInterestParameter::declare(Parameters& p) {
  declare_sources(*this, p);
  p.add("buffer", &buffer, "Widens the area, as in '500 m'; negative: narrows it");
  p.add("simplify", &simplify, "Leaves out vertices that matter less than this, as in '50 m'");
  p.add("repair", &repair, "Mend invalid polygons instead of refusing them");
  p.add("outside", &outside, "What to do with parts that the grid cannot show, as near the poles")
      .choices({"refuse", "drop"});
}

Length parse_length(std::string_view text, const Value& value) {
  Length length;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, length.value);
  std::string_view unit(end, static_cast<size_t>(last - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  length.pixels = unit == "px";
  if (unit == "km") length.value *= 1000;
  if (error != std::errc() || !std::isfinite(length.value) ||
      (unit != "m" && unit != "km" && unit != "px"))
    throw value.error(fmt::format("'{}' is no length", text))
        .hint("write a number and a unit, like '120 m', '5 km' or '12 px'");
  return length;
}

double parse_metres(std::string_view text, const Value& value) {
  const Length length = parse_length(text, value);
  if (length.pixels)
    throw value.error(fmt::format("'{}' must be in metres here", text)).hint("like '120 m'");
  return length.value;
}

Geometry AreaOfInterest::in(const geo::Crs& target) const {
  if (target == crs) return shape;
  // A shape in metres that crosses the antimeridian would be torn across a map that ends there.
  const geo::Box degrees = lon_lat.bounds();
  const bool cut = degrees.min_x < -180 + 1e-9 && degrees.max_x > 180 - 1e-9;
  Geometry from = lon_lat;
  if (!crs.geographic())
    from = cut ? shape.densified(gdal::longest_straight_edge(crs)).to_lon_lat(crs) : shape;
  const auto from_crs = crs.geographic() || cut ? wgs84() : crs;
  const Geometry there = from.densified(gdal::longest_straight_edge(from_crs))
                             .transformed(geo::CoordinateOperation::between(from_crs, target));
  return there.why_invalid().empty() ? there : there.repaired();
}

// In a projected CRS a shape may cross the antimeridian unseen; its degrees then jump.
void refuse_jumps(const AreaOfInterest& aoi, const Value& value) {
  const double step = gdal::longest_straight_edge(aoi.crs);
  for (const auto& shape : {aoi.lon_lat, aoi.shape.densified(step).to_lon_lat(aoi.crs)}) {
    const geo::Box box = shape.bounds();
    if (shape.longest_x_step() > 180 && box.max_x - box.min_x < 360 - 1e-6)
      throw value
          .error(fmt::format("aoi: {} crosses the antimeridian or a pole in {}", aoi.source,
                             aoi.crs.name()))
          .hint("give it in longitude and latitude, cut at 180 degrees");
  }
}

AreaOfInterest resolve_area_of_interest(const AreaOfInterestParameter& given, const Value& value) {
  if (given.file.has_value() == !given.bbox.empty())
    throw value.error("aoi needs either a file or a bbox");
  AreaOfInterest aoi;
  aoi.source = given.file.value_or("the bbox");
  aoi.drop_outside = given.outside == "drop";
  auto features = given.file ? read_file(given, value) : read_bbox(given, value);
  check_validity(features, given.repair, value);
  aoi.crs = features.crs;
  if (aoi.crs.geographic()) {
    const auto to_wgs84 = geo::CoordinateOperation::between(aoi.crs, wgs84());
    for (auto& shape : features.shapes) shape = within_180(shape, value).transformed(to_wgs84);
    aoi.crs = wgs84();
  }
  aoi.shape = Geometry::united(features.shapes);
  buffer_and_simplify(aoi, given, value);
  check_area(aoi, value);
  aoi.lon_lat = aoi.crs.geographic() ? aoi.shape : aoi.shape.to_lon_lat(aoi.crs);
  if (!aoi.crs.geographic()) refuse_jumps(aoi, value);
  return aoi;
}

}  // namespace geoloom::workflow
