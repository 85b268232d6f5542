// SPDX-License-Identifier: Apache-2.0
// For tests of tasks on whole maps: layers drawn as lists of numbers and cut into tiles.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op_test.h"
#include "raster/asset_reader.h"

namespace geoloom::ops {

class MapTest : public testing::Test {
 protected:
  explicit MapTest(geo::Grid grid) : area_(std::move(grid)) {
    context_.layers = &layers_;
    context_.grid = area_;
    context_.selected = area_.window();
    context_.scratch_folder = folder_.path();
    context_.memory_bytes = size_t{256} << 20;
    context_.pool = &pool_;
    context_.notes = &notes_;
  }

  // NaN is invalid. The layer's files are tiles of that many pixels each way.
  void add_layer(const std::string& name, const raster::Band& band, const Numbers& values,
                 int64_t tile = 1 << 20) {
    raster::CubeSchema schema;
    schema.bands = {band};
    schema.slices = {{.timed = false}};
    std::vector<workflow::Layers::Entry> entries;
    for (int64_t y = 0; y < area_.height; y += tile)
      for (int64_t x = 0; x < area_.width; x += tile)
        entries.push_back(entry_of(name, schema, values,
                                   geo::Window{x, y, tile, tile}.intersect(area_.window())));
    layers_.add({name, "make", {workflow::Domain::Extent::tiles, {}}, schema, {}, {}},
                std::move(entries));
  }

  workflow::Product run(std::unique_ptr<workflow::Op> op, const std::string& yaml) {
    return bound<workflow::TaskOp>(std::move(op), yaml)->run(context_);
  }

  // The first band of a raster.
  static Numbers read(const workflow::Product& product) {
    const auto asset = raster::Asset::open(product.scratch_path);
    const auto& band = product.schema->bands[0];
    raster::Block block(*product.schema, product.grid.window(), 0, 1);
    raster::read_asset(asset, raster::place_asset(asset.info(), product.grid),
                       product.grid.window(), {{1, band.type, band.nodata}},
                       {block.raw_plane(0, 0)}, {block.validity(0).data()});
    return numbers(block, 0);
  }

  TestFolder folder_;
  const geo::Grid area_;
  FakeLayers layers_;
  raster::AssetPool pool_{4};
  std::vector<std::string> notes_;
  workflow::TaskContext context_;

 private:
  workflow::Layers::Entry entry_of(const std::string& name, const raster::CubeSchema& schema,
                                   const Numbers& values, const geo::Window& window) {
    workflow::Item item;
    item.name = std::to_string(window.x) + "_" + std::to_string(window.y);
    item.window = window;
    item.grid = area_.sub(window);
    Numbers pixels;
    const double nodata = schema.bands[0].nodata.value_or(0);
    for (int64_t y = window.y; y < window.bottom(); ++y)
      for (int64_t x = window.x; x < window.right(); ++x) {
        const double value = values.at(static_cast<size_t>(y * area_.width + x));
        pixels.push_back(std::isnan(value) ? nodata : value);
      }
    workflow::LayerFile file;
    file.item = item;
    file.path = folder_ / (name + "_" + item.name + ".tif");
    file.schema = schema;
    file.grid = item.grid;
    write_tif(file.path, {.grid = item.grid,
                          .type = schema.bands[0].type,
                          .bands = {pixels},
                          .nodata = schema.bands[0].nodata});
    return {item, file};
  }
};

inline raster::Band classes_band(const std::string& name = "class") {
  return {.name = name,
          .type = raster::PixelType::uint8,
          .kind = raster::BandKind::category,
          .nodata = 255};
}

}  // namespace geoloom::ops
