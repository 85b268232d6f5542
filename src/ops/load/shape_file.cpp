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
#include "ops/load/shape_placement.h"
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

BurnedShape brought(const ValuedShape& shape, const ShapePlacement& placement,
                    const ShapeQuery& query) {
  BurnedShape out;
  out.value = shape.value;
  out.identity = store::sha256_hex(fmt::format("{} {}", shape.value, shape.geometry.wkt()));
  try {
    out.geometry = placement.placed(shape.geometry);
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
    const auto crs =
        gdal::crs_of(layer, query.crs.value_or(""), query.file, "rasterize: {crs: EPSG:4326}");
    const auto of_layer = valued(layer, query, file);
    for (size_t z = 0; z < zones.size(); ++z) {
      const auto& grid = zones[z].grid;
      const auto placement =
          choose ? ShapePlacement(crs, grid, query.buffer)
                 : ShapePlacement(crs, grid, query.buffer, 0,
                                  geo::CoordinateOperation::parse(operations.at(next++)));
      if (choose) operations.push_back(placement.operation().text());
      for (const auto& shape : of_layer) {
        if (!placement.may_touch(shape.geometry)) continue;
        auto here = brought(shape, placement, query);
        if (!here.geometry.empty()) shapes[z].push_back(std::move(here));
      }
    }
  }
  for (size_t z = 0; z < zones.size(); ++z)
    file.zones.emplace_back(zones[z].grid, std::move(shapes[z]));
  return file;
}

}  // namespace geoloom::ops
