// SPDX-License-Identifier: Apache-2.0
#include "ops/object/map_task.h"

namespace geoloom::ops {

void MapTask::check() {
  check_layer_name(description().name + ".as", layer_made());
  cog_ = profile_.cog();
}

void MapTask::declare_profile(workflow::Parameters& parameters) {
  parameters.add("profile", &profile_, "How the file is encoded");
}

workflow::LayerInfo MapTask::plan(const workflow::Layers& layers) const {
  workflow::LayerInfo info = layers.info(layer_);
  info.name = layer_made();
  info.domain = {};
  info.schema.bands = {band_made(layers)};
  info.schema.slices.resize(1);
  info.schema.validity_per_band = false;
  info.schema = as_stored(std::move(info.schema), cog_, info.name);
  return info;
}

size_t MapTask::writing_bytes(const geo::Grid& grid, size_t bytes_per_pixel) const {
  raster::CubeSchema schema;
  schema.bands = {{.name = "band", .type = raster::PixelType::float32}};
  schema.slices.resize(1);
  constexpr size_t kStripRows = 256, kFixedBytes = size_t{16} << 20;
  return raster::CogWriter::memory_bytes(grid, schema, cog_) + kFixedBytes +
         static_cast<size_t>(grid.width) * kStripRows * bytes_per_pixel;
}

MapTask::Output::Output(const MapTask& task, const workflow::TaskContext& context)
    : context_(context), info_(task.plan(*context.layers)) {
  writer_ = std::make_unique<raster::CogWriter>(context.scratch_folder, info_.name,
                                                context.grid.sub(context.selected), info_.schema,
                                                task.cog_, context.provenance);
}

raster::Block MapTask::Output::block(const geo::Window& window) const {
  return {info_.schema, window, 0, 1};
}

void MapTask::Output::write(raster::Block& block) {
  block.move_window(block.window().x - context_.selected.x, block.window().y - context_.selected.y);
  writer_->write(block);
}

workflow::Product MapTask::Output::finish() {
  workflow::Product product;
  product.layer = info_.name;
  product.summary = writer_->finish();
  product.scratch_path = product.summary.path;
  product.extension = ".tif";
  product.media_type = kCogMediaType;
  product.schema = info_.schema;
  product.grid = context_.grid.sub(context_.selected);
  return product;
}

}  // namespace geoloom::ops
