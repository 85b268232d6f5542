// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_shapes.h"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/href.h"
#include "error/error.h"
#include "gdal/shape_mask.h"
#include "gdal/vector_file.h"
#include "kernels/validity.h"
#include "ops/load/plane_window.h"
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

kernels::CleaningHalo halo_of(const MaskRule& rule, const geo::Grid& grid) {
  return kernels::cleaning_halo(cleaning_on(rule.clean, grid, "pixels of the area"));
}

// How far beyond a zone shapes matter to it, in units of its CRS.
double margin_of(const MaskRule& rule, const geo::Grid& grid) {
  const auto halo = halo_of(rule, grid);
  return std::max(static_cast<double>(halo.columns) * grid.pixel_width,
                  static_cast<double>(halo.rows) * grid.pixel_height);
}

constexpr int64_t kDrawnPart = 1024;  // pixels of a side that is made at a time

// As many pixels more on every side, in whole cells of the lattice in which pixels are decided.
int64_t rim_of(const kernels::CleaningHalo& halo) {
  const int64_t most = std::max(halo.columns, halo.rows);
  return (most + gdal::kMaskCell - 1) / gdal::kMaskCell * gdal::kMaskCell;
}

// The features of a file on one zone.
class ShapesOfZone {
 public:
  ShapesOfZone(const MaskRule& rule, std::string name, const geo::Grid& grid)
      : rule_(rule.vector.value()),
        name_(std::move(name)),
        grid_(grid),
        buffer_(buffer_of(rule_, grid, name_)),
        margin_(margin_of(rule, grid)) {
    if (!grid.crs.known())
      throw Error(ErrorCode::invalid, name_ + ".vector: needs an area whose CRS is known");
  }

  void add(const gdal::VectorLayer& layer) {
    const auto crs =
        gdal::crs_of(layer, rule_.crs, rule_.file, "mask: {vector: {file: ..., crs: EPSG:4326}}");
    const ShapePlacement placement(crs, grid_, buffer_, margin_);
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
  const double buffer_, margin_;
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
      ShapesOfZone shapes(rules.rules[r], rules.name(r), zones[z].grid);
      for (const auto& layer : layers) shapes.add(layer);
      frozen.push_back({r, z, std::move(shapes.polygons)});
    }
  }
  return frozen;
}

MaskShapes::MaskShapes(const MaskRules& rules, const std::vector<FrozenShapes>& frozen,
                       const std::vector<workflow::Zone>& zones) {
  for (const auto& shapes : frozen) {
    const auto& rule = rules.rules.at(shapes.rule);
    const auto& zone = zones.at(shapes.zone).grid;
    Layer layer;
    layer.zone = shapes.zone;
    layer.inside_is_kept = rule.vector.value().keep == "inside";
    layer.file = rule.vector->file;
    layer.cleaning = cleaning_on(rule.clean, zone, "pixels of the area");
    layer.rim = rim_of(kernels::cleaning_halo(layer.cleaning));
    layer.grid =
        zone.sub({-layer.rim, -layer.rim, zone.width + 2 * layer.rim, zone.height + 2 * layer.rim});
    std::vector<BurnedShape> burned;
    std::string text;
    for (const auto& wkt : shapes.polygons) {
      burned.push_back({Geometry::from_wkt(wkt), 1, {}});
      text += wkt + '\n';
    }
    layer.checksum = store::sha256_hex(text);
    layer.shapes = ZoneShapes(layer.grid, std::move(burned));
    layers_.push_back(std::move(layer));
  }
}

// In bands of the lattice, so that little is held beside the result.
std::vector<uint8_t> MaskShapes::Layer::inside(const geo::Window& window) const {
  std::vector<uint8_t> covered(static_cast<size_t>(window.pixels()), 0);
  const geo::Window here{window.x + rim, window.y + rim, window.width, window.height};
  std::vector<double> values;
  for (int64_t y = here.y; y < here.bottom();) {
    const int64_t below =
        std::max<int64_t>(0, y) / gdal::kMaskCell * gdal::kMaskCell + gdal::kMaskCell;
    const geo::Window part{here.x, y, here.width, std::min(below, here.bottom()) - y};
    values.resize(static_cast<size_t>(part.pixels()));
    const std::span<uint8_t> rows(covered.data() + (y - here.y) * here.width, values.size());
    burn_shapes(shapes.touching(part), {}, grid, part, values, rows);
    y = part.bottom();
  }
  return covered;
}

std::vector<uint8_t> MaskShapes::Layer::taken_out(const geo::Window& window) const {
  const auto halo = kernels::cleaning_halo(cleaning);
  const geo::Window wide{window.x - halo.columns, window.y - halo.rows,
                         window.width + 2 * halo.columns, window.height + 2 * halo.rows};
  auto plane = inside(wide);
  for (auto& pixel : plane) pixel = (pixel != 0) == inside_is_kept ? 0 : 1;
  kernels::clean_mask(plane.data(), static_cast<size_t>(wide.width),
                      static_cast<size_t>(wide.height), cleaning);
  return part_of(plane, wide, window);
}

// In squares, so that little is held beside the result.
void MaskShapes::Layer::erase(const geo::Window& window, uint8_t* usable) const {
  for (int64_t y = window.y; y < window.bottom(); y += kDrawnPart)
    for (int64_t x = window.x; x < window.right(); x += kDrawnPart) {
      const auto part = geo::Window{x, y, kDrawnPart, kDrawnPart}.intersect(window);
      const auto out = taken_out(part);
      for (int64_t row = 0; row < part.height; ++row) {
        uint8_t* to = usable + (y - window.y + row) * window.width + x - window.x;
        const uint8_t* from = out.data() + row * part.width;
        for (int64_t i = 0; i < part.width; ++i) to[i] &= static_cast<uint8_t>(from[i] ^ 1U);
      }
    }
}

size_t MaskShapes::scratch_bytes(size_t zone, const geo::Window& largest) const {
  const int64_t columns = std::min(kDrawnPart, largest.width),
                rows = std::min(kDrawnPart, largest.height);
  size_t most = 0;
  for (const auto& layer : layers_) {
    if (layer.zone != zone) continue;
    const auto halo = kernels::cleaning_halo(layer.cleaning);
    const auto wide = static_cast<size_t>(columns + 2 * halo.columns);
    const auto high = static_cast<size_t>(rows + 2 * halo.rows);
    const size_t values = wide * std::min<size_t>(high, gdal::kMaskCell) * sizeof(double);
    const size_t cleaned =
        layer.cleaning.empty() ? 0 : kernels::cleaning_bytes(wide, high, layer.cleaning);
    most = std::max(most, wide * high + std::max(values, cleaned));
  }
  return most;
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
    layer.erase(window, plane->data());
  }
  burned_.push_front({zone, window, plane});
  if (burned_.size() > kBurnedWindows) burned_.pop_back();
  return plane;
}

void MaskShapes::erase(size_t zone, const geo::Window& window, uint8_t* valid) const {
  const auto plane = usable(zone, window);
  kernels::keep_where(plane->data(), plane->size(), valid);
}

std::string MaskShapes::reason(size_t zone, int64_t x, int64_t y) const {
  for (const auto& layer : layers_) {
    if (layer.zone != zone) continue;
    if (layer.taken_out({x, y, 1, 1}).front() == 0) continue;
    const bool inside = layer.inside({x, y, 1, 1}).front() != 0;
    if (inside == layer.inside_is_kept)
      return fmt::format("{} the shapes of {}, but masked pixels are near",
                         inside ? "inside" : "outside of", layer.file);
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
