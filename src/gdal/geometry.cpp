// SPDX-License-Identifier: Apache-2.0
#include "gdal/geometry.h"

#include <fmt/format.h>
#include <ogr_api.h>
#include <ogr_geometry.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "gdal/handles.h"

namespace geoloom::gdal {
namespace {

constexpr int kQuarterSegments = 16;

Geometry owned(OGRGeometry* geometry) {
  return Geometry(std::shared_ptr<const OGRGeometry>(geometry, [](const OGRGeometry* g) {
    OGRGeometryFactory::destroyGeometry(const_cast<OGRGeometry*>(g));
  }));  // OGR's destroy takes what it will not change
}

// The result of an OGR function that returns null when GEOS gives up.
Geometry result(OGRGeometry* geometry, const Capture& capture, const char* what) {
  if (geometry == nullptr)
    throw Error(ErrorCode::invalid, fmt::format("the {} of a shape cannot be computed", what))
        .cause(capture.text())
        .hint("repair the shape, for example with ST_MakeValid or QGIS's \"Fix geometries\"");
  return owned(geometry);
}

const OGRGeometry& empty_shape() {
  static const OGRGeometryCollection none;
  return none;
}

const OGRGeometry& shape_of(const Geometry& geometry) {
  return geometry.ogr() == nullptr ? empty_shape() : *geometry.ogr();
}

OGRPolygon rectangle(const geo::Box& box) {
  OGRLinearRing ring;
  ring.addPoint(box.min_x, box.min_y);
  ring.addPoint(box.min_x, box.max_y);
  ring.addPoint(box.max_x, box.max_y);
  ring.addPoint(box.max_x, box.min_y);
  ring.addPoint(box.min_x, box.min_y);
  OGRPolygon polygon;
  polygon.addRing(&ring);
  return polygon;
}

// Calls a function with the coordinates of every point, line and ring, which it may change.
template <typename Change>
class EachCurve : public OGRDefaultGeometryVisitor {
 public:
  explicit EachCurve(const Change& change) : change_(change) {}
  using OGRDefaultGeometryVisitor::visit;
  void visit(OGRPoint* point) override {
    if (point->IsEmpty()) return;
    std::vector<double> x{point->getX()}, y{point->getY()};
    change_(x, y);
    point->setX(x[0]);
    point->setY(y[0]);
  }
  void visit(OGRLineString* line) override {
    const auto count = static_cast<size_t>(line->getNumPoints());
    std::vector<double> x(count), y(count);
    for (size_t i = 0; i < count; ++i) {
      x[i] = line->getX(static_cast<int>(i));
      y[i] = line->getY(static_cast<int>(i));
    }
    change_(x, y);
    for (size_t i = 0; i < count; ++i) line->setPoint(static_cast<int>(i), x[i], y[i]);
  }
  void visit(OGRLinearRing* ring) override { visit(static_cast<OGRLineString*>(ring)); }

 private:
  const Change& change_;
};

template <typename Change>
void each_curve(OGRGeometry& geometry, const Change& change) {
  EachCurve<Change> visitor(change);
  geometry.accept(&visitor);
}

Geometry changed(const Geometry& geometry, const auto& change) {
  if (geometry.empty()) return geometry;
  std::unique_ptr<OGRGeometry> copy(shape_of(geometry).clone());
  change(*copy);
  return owned(copy.release());
}

std::unique_ptr<OGRSpatialReference> reference_of(const std::string& definition) {
  auto out = std::make_unique<OGRSpatialReference>();
  out->SetFromUserInput(definition.c_str());
  out->SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  return out;
}

// A thread's own, made once per CRS: making one costs as much as thousands of points.
OGRCoordinateTransformation* way_to_lon_lat(const std::string& wkt) {
  constexpr size_t kMost = 256;
  thread_local std::map<std::string, std::unique_ptr<OGRCoordinateTransformation>> ways;
  if (ways.size() > kMost) ways.clear();
  auto& way = ways[wkt];
  if (!way)
    way.reset(OGRCreateCoordinateTransformation(reference_of(wkt).get(),
                                                reference_of("EPSG:4326").get()));
  return way.get();
}

void collect_polygons(const OGRGeometry& shape, std::vector<Geometry>& out) {
  if (wkbFlatten(shape.getGeometryType()) == wkbPolygon) {
    if (!shape.IsEmpty()) out.push_back(owned(shape.clone()));
    return;
  }
  if (OGR_GT_IsSubClassOf(wkbFlatten(shape.getGeometryType()), wkbGeometryCollection) == 0) return;
  for (const auto* part : *shape.toGeometryCollection()) collect_polygons(*part, out);
}

}  // namespace

Geometry Geometry::box(const geo::Box& box) {
  return owned(rectangle(box).clone());
}

Geometry Geometry::polygon(const std::vector<geo::XY>& points) {
  OGRLinearRing ring;
  for (const auto& point : points) ring.addPoint(point.x, point.y);
  OGRPolygon polygon;
  polygon.addRing(&ring);
  return owned(polygon.clone());
}

Geometry Geometry::of_rings(const std::vector<std::vector<std::vector<geo::XY>>>& parts) {
  auto all = std::make_unique<OGRMultiPolygon>();
  for (const auto& rings : parts) {
    auto polygon = std::make_unique<OGRPolygon>();
    for (const auto& points : rings) {
      auto ring = std::make_unique<OGRLinearRing>();
      ring->setNumPoints(static_cast<int>(points.size()));
      for (size_t i = 0; i < points.size(); ++i)
        ring->setPoint(static_cast<int>(i), points[i].x, points[i].y);
      ring->closeRings();
      polygon->addRingDirectly(ring.release());
    }
    if (parts.size() == 1) return owned(polygon.release());
    all->addGeometryDirectly(polygon.release());
  }
  return owned(all.release());
}

Geometry Geometry::from_wkt(std::string_view wkt) {
  const Capture capture("");
  const std::string text(wkt);
  OGRGeometry* geometry = nullptr;
  if (OGRGeometryFactory::createFromWkt(text.c_str(), nullptr, &geometry) != OGRERR_NONE ||
      geometry == nullptr)
    throw Error(ErrorCode::invalid, fmt::format("'{}' is no shape in WKT", text.substr(0, 60)))
        .cause(capture.text());
  geometry->flattenTo2D();
  return owned(geometry);
}

Geometry Geometry::united(const std::vector<Geometry>& parts) {
  const Capture capture("");
  OGRMultiPolygon polygons;
  OGRGeometryCollection others;
  for (const auto& part : parts) {
    for (const auto& polygon : part.polygons()) polygons.addGeometry(polygon.ogr());
    if (!part.empty() && !part.all_polygons()) others.addGeometry(part.ogr());
  }
  if (polygons.IsEmpty() && others.IsEmpty()) return {};
  Geometry areas =
      polygons.IsEmpty() ? Geometry() : result(polygons.UnionCascaded(), capture, "union");
  if (others.IsEmpty()) return areas;
  return result(others.Union(&shape_of(areas)), capture, "union");
}

bool Geometry::empty() const {
  return !ogr_ || ogr_->IsEmpty();
}

geo::Box Geometry::bounds() const {
  if (empty()) return {};
  OGREnvelope envelope;
  ogr_->getEnvelope(&envelope);
  return {envelope.MinX, envelope.MinY, envelope.MaxX, envelope.MaxY};
}

double Geometry::area() const {
  double sum = 0;
  for (const auto& polygon : polygons()) sum += polygon.ogr()->toPolygon()->get_Area();
  return sum;
}

bool Geometry::all_polygons() const {
  if (empty()) return true;
  const auto type = wkbFlatten(ogr_->getGeometryType());
  return type == wkbPolygon || type == wkbMultiPolygon;
}

std::string Geometry::wkt() const {
  return shape_of(*this).exportToWkt();
}

double Geometry::longest_x_step() const {
  double longest = 0;
  if (empty()) return 0;
  const std::unique_ptr<OGRGeometry> copy(ogr_->clone());
  each_curve(*copy, [&](std::vector<double>& x, std::vector<double>&) {
    for (size_t i = 1; i < x.size(); ++i) longest = std::max(longest, std::abs(x[i] - x[i - 1]));
  });
  return longest;
}

std::vector<Geometry> Geometry::polygons() const {
  std::vector<Geometry> out;
  if (!empty()) collect_polygons(*ogr_, out);
  return out;
}

std::string Geometry::why_invalid() const {
  if (empty()) return {};
  const Capture capture("");
  if (ogr_->IsValid()) return {};
  return capture.text().empty() ? std::string("it breaks the rules of polygons") : capture.text();
}

Geometry Geometry::repaired() const {
  if (empty()) return *this;
  const Capture capture("");
  const Geometry valid = result(ogr_->MakeValid(), capture, "repair");
  // What was a spike or a doubled edge comes back as a line.
  return united(valid.polygons());
}

Geometry Geometry::intersection(const Geometry& other) const {
  if (empty() || other.empty()) return {};
  const Capture capture("");
  return result(ogr_->Intersection(other.ogr()), capture, "intersection");
}

Geometry Geometry::difference(const Geometry& other) const {
  if (empty() || other.empty()) return *this;
  const Capture capture("");
  return result(ogr_->Difference(other.ogr()), capture, "difference");
}

bool Geometry::intersects(const Geometry& other) const {
  return !empty() && !other.empty() && ogr_->Intersects(other.ogr());
}

Geometry Geometry::buffered(double distance) const {
  if (empty()) return *this;
  const Capture capture("");
  return result(ogr_->Buffer(distance, kQuarterSegments), capture, "buffer");
}

Geometry Geometry::simplified(double tolerance) const {
  if (empty()) return *this;
  const Capture capture("");
  return result(ogr_->SimplifyPreserveTopology(tolerance), capture, "simplification");
}

Geometry Geometry::densified(double longest_edge) const {
  return changed(*this, [&](OGRGeometry& shape) { shape.segmentize(longest_edge); });
}

double longest_straight_edge(const geo::Crs& crs) {
  constexpr double kDegrees = 0.05, kMetres = 5000;
  return crs.geographic() ? kDegrees : kMetres / crs.metres_per_unit();
}

Geometry Geometry::moved(double dx, double dy) const {
  return changed(*this, [&](OGRGeometry& shape) {
    each_curve(shape, [&](std::vector<double>& x, std::vector<double>& y) {
      for (auto& value : x) value += dx;
      for (auto& value : y) value += dy;
    });
  });
}

Geometry Geometry::transformed(const geo::CoordinateOperation& operation) const {
  if (operation.identity()) return *this;
  return changed(*this, [&](OGRGeometry& shape) {
    each_curve(shape, [&](std::vector<double>& x, std::vector<double>& y) {
      const auto from_x = x, from_y = y;
      operation.forward(x, y);
      for (size_t i = 0; i < x.size(); ++i)
        if (!std::isfinite(x[i]) || !std::isfinite(y[i]))
          throw Error(ErrorCode::invalid,
                      fmt::format("the point ({}, {}) of a shape has no place in "
                                  "the other coordinate reference system",
                                  from_x[i], from_y[i]))
              .hint("a pole, or the far side of the map: choose a grid that is defined there");
    });
  });
}

Geometry Geometry::to_lon_lat(const geo::Crs& crs) const {
  if (empty()) return *this;
  const Capture capture("");
  OGRCoordinateTransformation* const transformation = way_to_lon_lat(crs.wkt());
  if (transformation == nullptr)
    throw Error(ErrorCode::invalid, "no way from " + crs.name() + " to longitude and latitude")
        .cause(capture.text());
  Options options;
  options.set("WRAPDATELINE", "YES");
  return result(OGRGeometryFactory::transformWithOptions(ogr_.get(), transformation, options.get()),
                capture, "longitude and latitude");
}

struct PreparedGeometry::Impl {
  Geometry geometry;
  OGRPreparedGeometryUniquePtr prepared;
};

PreparedGeometry::PreparedGeometry(Geometry geometry) : impl_(std::make_unique<Impl>()) {
  impl_->geometry = std::move(geometry);
  // OGR's C interface takes geometries without const and leaves them as they are.
  auto* const shape = OGRGeometry::ToHandle(const_cast<OGRGeometry*>(&shape_of(impl_->geometry)));
  impl_->prepared.reset(OGRCreatePreparedGeometry(shape));
  if (!impl_->prepared)
    throw Error(ErrorCode::resource, "a shape cannot be made ready for comparisons");
}
PreparedGeometry::PreparedGeometry(PreparedGeometry&&) noexcept = default;
PreparedGeometry& PreparedGeometry::operator=(PreparedGeometry&&) noexcept = default;
PreparedGeometry::~PreparedGeometry() = default;

geo::Overlap PreparedGeometry::overlap(const geo::Box& box) const {
  OGRPolygon polygon = rectangle(box);
  auto* const handle = OGRGeometry::ToHandle(&polygon);
  if (OGRPreparedGeometryIntersects(impl_->prepared.get(), handle) == 0) return geo::Overlap::none;
  return OGRPreparedGeometryContains(impl_->prepared.get(), handle) != 0 ? geo::Overlap::all
                                                                         : geo::Overlap::some;
}

}  // namespace geoloom::gdal
