// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_shapes.h"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/href.h"
#include "error/error.h"
#include "gdal/vector_file.h"
#include "ops/load/shape_placement.h"
#include "store/checksum.h"

namespace geoloom::ops {
namespace {

using gdal::Geometry;

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

// The features of a file on one zone.
class ShapesOfZone {
 public:
  ShapesOfZone(const VectorRule& rule, std::string name, const geo::Grid& grid)
      : rule_(rule), name_(std::move(name)), grid_(grid), buffer_(buffer_of(rule, grid, name_)) {
    if (!grid.crs.known())
      throw Error(ErrorCode::invalid, name_ + ".vector: needs an area whose CRS is known");
  }

  void add(const gdal::VectorLayer& layer) {
    const auto crs =
        gdal::crs_of(layer, rule_.crs, rule_.file, "mask: {vector: {file: ..., crs: EPSG:4326}}");
    const ShapePlacement placement(crs, grid_, buffer_);
    for (const auto& feature : layer.features) {
      try {
        add(feature.geometry, placement);
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
  void add(Geometry shape, const ShapePlacement& placement) {
    const bool area = shape.all_polygons();
    if (!area && !(buffer_ > 0))
      throw Error(ErrorCode::invalid, "points and lines hold no pixels")
          .hint("give a buffer, as in mask: {vector: {file: roads.gpkg, buffer: 10 m}}");
    if (!placement.may_touch(shape)) return;
    if (area && !shape.why_invalid().empty()) shape = shape.repaired();
    const auto here = placement.placed(placement.cut(shape));
    for (const auto& polygon : here.polygons()) polygons.push_back(polygon.wkt());
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
