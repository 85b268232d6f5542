// SPDX-License-Identifier: Apache-2.0
#include "ops/load/shape_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "catalog/href.h"
#include "error/error.h"
#include "gdal/dataset.h"
#include "gdal/shape_mask.h"
#include "gdal/vector_file.h"
#include "store/checksum.h"

namespace geoloom::ops {
namespace {

constexpr size_t kLargestRemoteFile = size_t{1} << 30;

int64_t cell_of(int64_t pixel) {
  return pixel / gdal::kMaskCell;  // reaches are cut to the grid, so never negative
}

std::optional<double> number_of(const std::string& text) {
  double number = 0;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

geo::Crs crs_of(const gdal::VectorLayer& layer, const ShapeQuery& query) {
  if (layer.crs.known()) return layer.crs;
  if (!query.crs)
    throw Error(ErrorCode::invalid, "the file does not tell its coordinate reference system")
        .at({.file = query.file})
        .hint("say which one: rasterize: {crs: EPSG:4326}");
  return geo::Crs::parse(*query.crs);
}

// Where shapes of a file have to be to touch a zone, in the file's coordinates; nullopt where that
// cannot be said, as around a pole.
std::optional<geo::Box> near_zone(const geo::Grid& grid, const geo::Crs& crs, double buffer) {
  try {
    auto box = grid.box();
    const double more = std::abs(buffer) + std::max(grid.pixel_width, grid.pixel_height);
    box = {box.min_x - more, box.min_y - more, box.max_x + more, box.max_y + more};
    const double step = std::max(box.max_x - box.min_x, box.max_y - box.min_y) / 16;
    const auto outline = gdal::Geometry::box(box).densified(step).transformed(
        geo::CoordinateOperation::between(grid.crs, crs));
    auto bounds = outline.bounds();
    const double margin_x = (bounds.max_x - bounds.min_x) / 20;
    const double margin_y = (bounds.max_y - bounds.min_y) / 20;
    // Turned around by the antimeridian.
    if (crs.geographic() && bounds.max_x - bounds.min_x > 180) return std::nullopt;
    return geo::Box{bounds.min_x - margin_x, bounds.min_y - margin_y, bounds.max_x + margin_x,
                    bounds.max_y + margin_y};
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool apart(const geo::Box& a, const geo::Box& b) {
  return a.max_x < b.min_x || b.max_x < a.min_x || a.max_y < b.min_y || b.max_y < a.min_y;
}

struct ValuedShape {
  gdal::Geometry geometry;
  double value = 0;
  std::string name;  // for messages
};

// The shapes of one layer with a value, in the file's CRS.
std::vector<ValuedShape> valued(const gdal::VectorLayer& layer, const ShapeQuery& query,
                                ShapeFile& file) {
  std::vector<ValuedShape> shapes;
  for (const auto& feature : layer.features) {
    ++file.shapes;
    ValuedShape shape{feature.geometry, query.value,
                      fmt::format("feature {} of layer '{}'", feature.id, layer.name)};
    if (!query.column.empty()) {
      const auto& text = feature.values.front();
      if (text.empty()) {
        ++file.without_value;
        continue;
      }
      const auto number = number_of(text);
      if (!number)
        throw Error(ErrorCode::invalid, fmt::format("column '{}' of {} is '{}', not a number",
                                                    query.column, shape.name, text))
            .at({.file = query.file})
            .hint("name a column of numbers, or choose features with `where`");
      shape.value = *number;
    }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

BurnedShape brought(const ValuedShape& shape, const geo::CoordinateOperation& operation,
                    const ShapeQuery& query) {
  BurnedShape out;
  out.value = shape.value;
  out.identity = store::sha256_hex(fmt::format("{} {}", shape.value, shape.geometry.wkt()));
  try {
    out.geometry = operation.identity() ? shape.geometry : shape.geometry.transformed(operation);
    if (query.buffer != 0) out.geometry = out.geometry.buffered(query.buffer);
  } catch (const Error& error) {
    throw Error(ErrorCode::invalid, fmt::format("{} cannot be brought onto the grid", shape.name))
        .at({.file = query.file})
        .cause(error.message())
        .hint("mend it, or choose features with `where`");
  }
  return out;
}

}  // namespace

ZoneShapes::ZoneShapes(const geo::Grid& grid, std::vector<BurnedShape> shapes)
    : shapes_(std::move(shapes)) {
  for (size_t i = 0; i < shapes_.size(); ++i) {
    const auto reach = reach_of(shapes_[i].geometry, grid);
    reach_.push_back(reach);
    if (reach.empty()) continue;
    for (int64_t row = cell_of(reach.y); row <= cell_of(reach.bottom() - 1); ++row)
      for (int64_t column = cell_of(reach.x); column <= cell_of(reach.right() - 1); ++column)
        cells_[{row, column}].push_back(i);
  }
}

std::vector<const BurnedShape*> ZoneShapes::touching(const geo::Window& window) const {
  std::set<size_t> found;
  for (int64_t row = cell_of(std::max<int64_t>(0, window.y)); row <= cell_of(window.bottom() - 1);
       ++row)
    for (int64_t column = cell_of(std::max<int64_t>(0, window.x));
         column <= cell_of(window.right() - 1); ++column)
      if (const auto cell = cells_.find({row, column}); cell != cells_.end())
        for (const size_t shape : cell->second)
          if (!reach_[shape].intersect(window).empty()) found.insert(shape);
  std::vector<const BurnedShape*> shapes;
  for (const size_t shape : found) shapes.push_back(&shapes_[shape]);
  return shapes;
}

std::string vector_file_hash(const std::string& file) {
  const auto path = catalog::gdal_path(file);
  std::vector<std::string> paths{path};
  if (path.ends_with(".shp"))
    for (const char* ending : {"dbf", "prj", "cpg"}) {
      const auto companion = path.substr(0, path.size() - 3) + ending;
      if (gdal::file_status(companion)) paths.push_back(companion);
    }
  std::string all;
  for (const auto& each : paths)
    all += gdal::is_remote(each) ? store::sha256_hex(gdal::read_file(each, kLargestRemoteFile))
                                 : store::sha256_hex_of_file(each);
  return paths.size() == 1 ? all : store::sha256_hex(all);
}

ShapeFile read_shapes(const ShapeQuery& query, const std::vector<workflow::Zone>& zones,
                      std::vector<std::string>& operations) {
  gdal::VectorQuery wanted{.layer = query.layer, .where = query.where, .columns = {}};
  if (!query.column.empty()) wanted.columns = {query.column};
  const auto layers = gdal::read_vectors(catalog::gdal_path(query.file), wanted);
  ShapeFile file;
  std::vector<std::vector<BurnedShape>> shapes(zones.size());
  const bool choose = operations.empty();
  size_t next = 0;
  for (const auto& layer : layers) {
    const auto crs = crs_of(layer, query);
    const auto of_layer = valued(layer, query, file);
    for (size_t z = 0; z < zones.size(); ++z) {
      const auto& grid = zones[z].grid;
      if (choose)
        operations.push_back(crs == grid.crs
                                 ? geo::CoordinateOperation().text()
                                 : geo::CoordinateOperation::between(crs, grid.crs).text());
      const auto operation = geo::CoordinateOperation::parse(operations.at(next++));
      const auto near = near_zone(grid, crs, query.buffer);
      for (const auto& shape : of_layer) {
        if (near && apart(shape.geometry.bounds(), *near)) continue;
        auto here = brought(shape, operation, query);
        if (!here.geometry.empty()) shapes[z].push_back(std::move(here));
      }
    }
  }
  for (size_t z = 0; z < zones.size(); ++z)
    file.zones.emplace_back(zones[z].grid, std::move(shapes[z]));
  return file;
}

}  // namespace geoloom::ops
