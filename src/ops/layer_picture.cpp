// SPDX-License-Identifier: Apache-2.0
#include "ops/layer_picture.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/error.h"
#include "ops/layer_file.h"
#include "ops/layer_gaps.h"

namespace geoloom::ops {
namespace {

constexpr int64_t kStripRows = 256;

void require_one_slice(const raster::CubeSchema& schema, const std::string& what) {
  if (schema.slices.size() <= 1) return;
  throw Error(ErrorCode::invalid,
              fmt::format("{} has {} slices: a map has one", what, schema.slices.size()))
      .hint("reduce it to one before it is saved, or save one layer for each");
}

}  // namespace

LayerPicture::LayerPicture(const workflow::TaskContext& context, const std::string& layer,
                           const std::vector<std::string>& bands, const std::string& op)
    : context_(&context) {
  const auto& whole = context.layers->info(layer).schema;
  require_one_slice(whole, fmt::format("layer '{}'", layer));
  for (const auto& name : bands) bands_.push_back(static_cast<size_t>(whole.band_index(name)));
  if (bands.empty()) bands_ = all_bands(whole.bands.size());
  for (const size_t band : bands_) schema_.bands.push_back(whole.bands[band]);
  schema_.slices.resize(1);
  schema_.validity_per_band = bands_.size() > 1;
  LayerGaps gaps(layer);
  for (auto& entry : context.layers->files(layer, context.item)) {
    if (entry.item.window.intersect(context.selected).empty()) continue;
    gaps.add(entry);
    if (!entry.file || entry.file->empty) continue;
    require_one_slice(entry.file->schema, fmt::format("an item of layer '{}'", layer));
    files_.push_back(std::move(*entry.file));
  }
  gaps.refuse(fmt::format("{}: it looks at the map as a whole", op));
}

raster::Block LayerPicture::read(const geo::Window& window) const {
  raster::Block block(schema_, window, 0, 1);
  for (const auto& file : files_) {
    const auto part = file.item.window.intersect(window);
    if (part.empty()) continue;
    raster::Block piece(schema_, part, 0, 1);
    read_layer_file(file, context_->grid, 0, bands_, piece, 0, *context_->pool);
    block.copy_from(piece);
  }
  return block;
}

void LayerPicture::for_strips(const std::function<void(const raster::Block& strip)>& use) const {
  const auto& whole = context_->selected;
  for (int64_t top = whole.y; top < whole.bottom(); top += kStripRows) {
    stop_if_cancelled(*context_);
    use(read({whole.x, top, whole.width, std::min(kStripRows, whole.bottom() - top)}));
  }
}

void LayerPicture::for_rows(
    const std::function<void(const raster::Block& strip, size_t row, int64_t y)>& use) const {
  for_strips([&](const raster::Block& strip) {
    for (int64_t row = 0; row < strip.window().height; ++row)
      use(strip, static_cast<size_t>(row), strip.window().y + row);
  });
}

const raster::Band& class_band(const workflow::LayerInfo& info, const std::string& name,
                               const std::string& parameter) {
  workflow::require_pixels(info, parameter);
  require_one_slice(info.schema, fmt::format("{}: layer '{}'", parameter, info.name));
  if (name.empty() && info.schema.bands.size() != 1)
    throw Error(ErrorCode::invalid, fmt::format("{}: layer '{}' has {} bands", parameter, info.name,
                                                info.schema.bands.size()))
        .hint("name the one that holds the classes with `band`");
  const auto& band = name.empty()
                         ? info.schema.bands.front()
                         : info.schema.bands[static_cast<size_t>(info.schema.band_index(name))];
  if (band.type == raster::PixelType::float32)
    throw Error(ErrorCode::invalid, fmt::format("{}: band '{}' of layer '{}' is float32: classes "
                                                "are whole numbers",
                                                parameter, band.name, info.name))
        .hint("make classes of it with `reclass`");
  return band;
}

void stop_if_cancelled(const workflow::TaskContext& context) {
  if (context.cancelled && context.cancelled()) throw Error(ErrorCode::cancelled, "stopped");
}

}  // namespace geoloom::ops
