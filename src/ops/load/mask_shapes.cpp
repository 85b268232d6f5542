// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "catalog/href.h"
#include "error/error.h"
#include "gdal/vector_file.h"
#include "store/checksum.h"

namespace geoloom::ops {
namespace {

using gdal::Geometry;

// Edges are followed in steps that deviate from their straight line by less than a metre.
constexpr double kStepDegrees = 0.05, kStepMetres = 5000;
constexpr double kOutlineSteps = 64;  // of a zone's side, to see where it lies in another CRS

double step_of(const geo::Crs& crs) {
  return crs.geographic() ? kStepDegrees : kStepMetres / crs.metres_per_unit();
}

// In units of the zone's CRS.
double buffer_of(const VectorRule& rule, const geo::Grid& grid, const std::string& name) {
  if (!rule.buffer) return 0;
  const Distance& distance = *rule.buffer;
  if (distance.pixels) return distance.value * grid.pixel_width;
  if (grid.crs.geographic())
    throw Error(ErrorCode::invalid,
                fmt::format("{}.vector.buffer: pixels of this area are in degrees", name))
        .hint("give the buffer in pixels, as in 3 px, or buffer the shapes beforehand");
  return distance.value / grid.crs.metres_per_unit();
}

// The extent of a zone in the file's CRS, with room for the buffer.
geo::Box extent_in(const geo::Grid& grid, double buffer, const geo::Crs& crs) {
  geo::Box box = grid.box();
  const double margin = buffer + grid.pixel_width + grid.pixel_height;
  box = {box.min_x - margin, box.min_y - margin, box.max_x + margin, box.max_y + margin};
  if (grid.crs == crs) return box;
  const double side = std::max(box.max_x - box.min_x, box.max_y - box.min_y);
  const auto outline = Geometry::box(box).densified(side / kOutlineSteps);
  geo::Box there = outline.transformed(geo::CoordinateOperation::between(grid.crs, crs)).bounds();
  // Between the steps the outline may bulge a little.
  const double bulge = std::max(there.max_x - there.min_x, there.max_y - there.min_y) / 16;
  return {there.min_x - bulge, there.min_y - bulge, there.max_x + bulge, there.max_y + bulge};
}

geo::Crs crs_of(const gdal::VectorLayer& layer, const VectorRule& rule, const std::string& name) {
  if (layer.crs.known()) return layer.crs;
  if (!rule.crs.empty()) return geo::Crs::parse(rule.crs);
  throw Error(
      ErrorCode::invalid,
      fmt::format("{}.vector: {} does not tell its coordinate reference system", name, rule.file))
      .hint("say which one, as in mask: {vector: {file: ..., crs: EPSG:4326}}");
}

// The features of a file on one zone.
class ShapesOfZone {
 public:
  ShapesOfZone(const VectorRule& rule, std::string name, const geo::Grid& grid)
      : rule_(rule), name_(std::move(name)), grid_(grid), buffer_(buffer_of(rule, grid, name_)) {
    if (!grid.crs.known())
      throw Error(ErrorCode::invalid, name_ + ".vector: needs an area whose CRS is known");
  }

  void add(const gdal::VectorLayer& layer) {
    const auto crs = crs_of(layer, rule_, name_);
    const auto near = extent_in(grid_, buffer_, crs);
    const auto to_zone = geo::CoordinateOperation::between(crs, grid_.crs);
    for (const auto& feature : layer.features) {
      try {
        add(feature.geometry, near, crs, to_zone);
      } catch (Error& error) {
        throw Error(error.code(),
                    fmt::format("{}.vector: feature {} of layer '{}' of {}: {}", name_, feature.id,
                                layer.name, rule_.file, error.message()))
            .cause(error.cause())
            .hint(error.hint());
      }
    }
  }

  std::vector<std::string> polygons;  // as WKT

 private:
  void add(Geometry shape, const geo::Box& near, const geo::Crs& crs,
           const geo::CoordinateOperation& to_zone) {
    const bool area = shape.all_polygons();
    if (!area && !(buffer_ > 0))
      throw Error(ErrorCode::invalid, "points and lines hold no pixels")
          .hint("give a buffer, as in mask: {vector: {file: roads.gpkg, buffer: 10 m}}");
    if (area && !shape.why_invalid().empty()) shape = shape.repaired();
    const auto window = Geometry::box(near);
    if (!shape.intersects(window)) return;
    shape = shape.intersection(window).densified(step_of(crs)).transformed(to_zone);
    if (buffer_ != 0) shape = shape.buffered(buffer_);
    for (const auto& polygon : shape.polygons()) polygons.push_back(polygon.wkt());
  }

  const VectorRule& rule_;
  const std::string name_;
  const geo::Grid& grid_;
  const double buffer_;
};

}  // namespace

std::vector<FrozenShapes> freeze_shapes(const MaskRules& rules,
                                        const std::vector<workflow::Zone>& zones) {
  std::vector<FrozenShapes> frozen;
  for (size_t r = 0; r < rules.rules.size(); ++r) {
    const auto& rule = rules.rules[r].vector;
    if (!rule) continue;
    const auto layers =
        gdal::read_vectors(catalog::gdal_path(rule->file),
                           {.layer = rule->layer, .where = rule->where, .columns = {}});
    for (size_t z = 0; z < zones.size(); ++z) {
      ShapesOfZone shapes(*rule, rules.name(r), zones[z].grid);
      for (const auto& layer : layers) shapes.add(layer);
      frozen.push_back({r, z, std::move(shapes.polygons)});
    }
  }
  return frozen;
}

MaskShapes::MaskShapes(const MaskRules& rules, const std::vector<FrozenShapes>& frozen,
                       const std::vector<workflow::Zone>& zones) {
  for (const auto& shapes : frozen) {
    const auto& rule = rules.rules.at(shapes.rule).vector.value();
    const auto& grid = zones.at(shapes.zone).grid;
    std::vector<BurnedShape> burned;
    std::string text;
    for (const auto& wkt : shapes.polygons) {
      burned.push_back({Geometry::from_wkt(wkt), 1, {}});
      text += wkt + '\n';
    }
    layers_.push_back({shapes.zone, rule.keep == "inside", rule.file, store::sha256_hex(text), grid,
                       ZoneShapes(grid, std::move(burned))});
  }
}

std::vector<uint8_t> MaskShapes::Layer::inside(const geo::Window& window) const {
  std::vector<uint8_t> covered(static_cast<size_t>(window.pixels()), 0);
  std::vector<double> values(covered.size());
  burn_shapes(shapes.touching(window), {}, grid, window, values, covered);
  return covered;
}

MaskShapes::Plane MaskShapes::usable(size_t zone, const geo::Window& window) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(burned_.begin(), burned_.end(), [&](const Burned& each) {
    return each.zone == zone && each.window == window;
  });
  if (found != burned_.end()) {
    burned_.splice(burned_.begin(), burned_, found);
    return found->usable;
  }
  auto plane =
      std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(window.pixels()), uint8_t{1});
  for (const auto& layer : layers_) {
    if (layer.zone != zone) continue;
    const auto inside = layer.inside(window);
    const uint8_t kept = layer.inside_is_kept ? 1 : 0;
    for (size_t i = 0; i < inside.size(); ++i)
      (*plane)[i] &= static_cast<uint8_t>(inside[i] == kept);
  }
  burned_.push_front({zone, window, plane});
  if (burned_.size() > kBurnedWindows) burned_.pop_back();
  return plane;
}

void MaskShapes::erase(size_t zone, const geo::Window& window, uint8_t* valid) const {
  const auto plane = usable(zone, window);
  for (size_t i = 0; i < plane->size(); ++i) valid[i] &= (*plane)[i];
}

std::string MaskShapes::reason(size_t zone, int64_t x, int64_t y) const {
  for (const auto& layer : layers_) {
    if (layer.zone != zone) continue;
    const bool inside = layer.inside({x, y, 1, 1}).front() != 0;
    if (inside != layer.inside_is_kept)
      return fmt::format("{} the shapes of {}", inside ? "inside" : "outside of", layer.file);
  }
  return {};
}

std::string MaskShapes::identity(size_t zone) const {
  std::string text;
  for (const auto& layer : layers_)
    if (layer.zone == zone) text += " shapes " + layer.checksum;
  return text;
}

}  // namespace geoloom::ops
