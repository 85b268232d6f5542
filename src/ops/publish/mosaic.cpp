// SPDX-License-Identifier: Apache-2.0
// One map from the tiles of a layer: the plan's own item list, never a listing of files.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "error/error.h"
#include "ops/export/profile.h"
#include "ops/layer_file.h"
#include "ops/layer_gaps.h"
#include "raster/cog.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;
using workflow::LayerFile;

const workflow::OpDescription kDescription{
    .name = "mosaic",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "Join the tiles of a layer into one Cloud Optimized GeoTIFF",
    .documentation =
        R"(Reads the files of a layer for all items of this run and writes them as one file, window by window in
bounded memory, several at a time. With a selection of tiles it covers their bounding box; pixels of no tile are invalid.

**Gaps.** An item without a result is a gap. `gaps: refuse` ends with an error that names them;
`gaps: mark` leaves them invalid and says so in the receipt. An item that had nothing to do (no
scene) is no gap: its pixels are invalid.

**Types** are those of the layer; nothing is resampled or converted. All files must have the bands of
the layer. Slices are matched by label, so a month that a tile has no scene for is invalid there.
Choose `profile: {compress: jpeg}` here, at the end, and save the tiles without loss.

The result is a layer named by `as:`, by default `<layer>_mosaic`.)",
    .inputs = {},
    .outputs = {{"map", "the whole layer"}}};

constexpr size_t kBytesPerThread = size_t{16} << 20;
constexpr size_t kReadScratchBytes = size_t{4} << 20;  // of each thread
constexpr int64_t kLeastSide = 64;
constexpr int64_t kWindowsPerThread = 4;

// Which slice of the layer each slice of a file is.
std::vector<size_t> slices_of(const LayerFile& file, const CubeSchema& layer) {
  const auto& here = file.schema.slices;
  if (here.size() == 1 && layer.slices.size() == 1) return {0};  // periods differ by tile
  std::vector<size_t> out;
  for (const auto& slice : here) {
    const auto found = std::find_if(layer.slices.begin(), layer.slices.end(),
                                    [&](const auto& s) { return s.label == slice.label; });
    if (found == layer.slices.end())
      throw Error(ErrorCode::corrupt,
                  fmt::format("it has a slice '{}' that the layer has not", slice.label))
          .at({.file = file.path, .item = file.item.name});
    out.push_back(static_cast<size_t>(found - layer.slices.begin()));
  }
  return out;
}

bool same_bands(const CubeSchema& a, const CubeSchema& b) {
  return std::equal(
      a.bands.begin(), a.bands.end(), b.bands.begin(), b.bands.end(),
      [](const auto& x, const auto& y) { return x.name == y.name && x.type == y.type; });
}

struct Tile {
  LayerFile file;
  std::vector<size_t> slices;
};

// Joins tiles over the selected window of the area.
class Joining {
 public:
  Joining(const workflow::TaskContext& context, const CubeSchema& schema, std::vector<Tile> tiles,
          const raster::CogProfile& profile)
      : context_(context),
        schema_(schema),
        tiles_(std::move(tiles)),
        out_grid_(context.grid.sub(context.selected)),
        profile_(profile) {}

  raster::CogSummary write(const std::string& layer) {
    raster::CogWriter writer(context_.scratch_folder, layer, out_grid_, schema_, profile_,
                             context_.provenance);
    const auto windows = windows_in_row_order();
    std::atomic<size_t> done{0};
    context_.for_each_index(windows.size(), [&](size_t i) {
      if (context_.cancelled && context_.cancelled()) throw Error(ErrorCode::cancelled, "stopped");
      write_window(windows[i], writer);
      if (context_.progress)
        context_.progress(static_cast<double>(++done) / static_cast<double>(windows.size()));
    });
    return writer.finish();
  }

 private:
  // Pixels of one window: as many as memory allows for one on each thread, but few enough for all
  // threads to have something to do, unless they would be less than a block of the file.
  int64_t window_pixels() const {
    const size_t spent = raster::CogWriter::memory_bytes(out_grid_, schema_, profile_) +
                         context_.threads * kReadScratchBytes;
    const size_t left = context_.memory_bytes > spent ? context_.memory_bytes - spent : 0;
    // A window is held twice: as a whole, and a tile's part of it.
    const size_t pixel = 2 * schema_.bytes_per_pixel(schema_.slices.size());
    const auto affordable = static_cast<int64_t>(
        std::max(left / context_.threads / pixel, size_t{kLeastSide} * kLeastSide));
    const int64_t block = profile_.block_size;
    const int64_t share =
        out_grid_.window().pixels() / (kWindowsPerThread * static_cast<int64_t>(context_.threads));
    return std::min(affordable, std::max(share, block * block));
  }

  // In whole blocks of the file where it can be.
  std::vector<geo::Window> windows_in_row_order() const {
    const int64_t pixels = window_pixels(), block = profile_.block_size;
    int64_t width = out_grid_.width, height = pixels / std::max<int64_t>(1, width);
    if (height >= block) {
      height = height / block * block;
    } else {
      height = std::min({block, out_grid_.height, std::max<int64_t>(16, pixels / block)});
      width = std::max<int64_t>(16, pixels / height);
      if (width > block) width = width / block * block;
    }
    std::vector<geo::Window> windows;
    for (int64_t y = 0; y < out_grid_.height; y += height)
      for (int64_t x = 0; x < out_grid_.width; x += width)
        windows.push_back(geo::Window{x, y, width, height}.intersect(out_grid_.window()));
    return windows;
  }

  void write_window(const geo::Window& window, raster::CogWriter& writer) const {
    raster::Block block(schema_, window, 0, schema_.slices.size());
    for (const auto& tile : tiles_) {
      // Items lie on the area's grid, windows on that of the selection.
      geo::Window place = tile.file.item.window;
      place.x -= context_.selected.x;
      place.y -= context_.selected.y;
      const auto part = place.intersect(window);
      if (part.empty()) continue;
      raster::Block piece(schema_, part, 0, schema_.slices.size());
      const auto bands = all_bands(schema_.bands.size());
      for (size_t s = 0; s < tile.slices.size(); ++s)
        read_layer_file(tile.file, out_grid_, s, bands, piece, tile.slices[s], *context_.pool);
      block.copy_from(piece);
    }
    writer.write(block);
  }

  const workflow::TaskContext& context_;
  const CubeSchema& schema_;
  const std::vector<Tile> tiles_;
  const geo::Grid out_grid_;
  const raster::CogProfile profile_;
};

class Mosaic : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "The layer to join")
        .main()
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("gaps", &gaps_, "What to do about items without a result")
        .choices({"refuse", "mark"});
    parameters.add("profile", &profile_, "How the file is encoded");
  }

  void set_result_name(const std::string& layer) override { result_ = layer; }

  void check() override {
    check_layer_name("mosaic.as", layer_made());
    cog_ = profile_.cog();
  }

  std::string layer_made() const override { return result_.empty() ? layer_ + "_mosaic" : result_; }
  std::vector<std::string> layers_read() const override { return {layer_}; }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    workflow::LayerInfo info = layers.info(layer_);
    workflow::require_pixels(info, "mosaic.layer");
    info.name = layer_made();
    info.domain = {};
    info.schema = as_stored(std::move(info.schema), cog_, info.name);
    return info;
  }

  std::optional<std::string> values_of_layer() const override { return layer_; }

  // Without the layer's schema: what a wide one of four float32 bands takes.
  size_t memory_bytes(const geo::Grid& grid) const override {
    CubeSchema schema;
    schema.bands.resize(4, {.name = "band", .type = raster::PixelType::float32});
    schema.slices.resize(1);
    raster::CogProfile lossless = cog_;
    if (lossless.codec == raster::Codec::jpeg) lossless.codec = raster::Codec::deflate;
    const size_t threads = std::max(1U, std::thread::hardware_concurrency());
    return raster::CogWriter::memory_bytes(grid, schema, lossless) + threads * kBytesPerThread;
  }

  workflow::Product run(const workflow::TaskContext& context) const override;

 private:
  std::vector<Tile> tiles(const workflow::TaskContext& context, const CubeSchema& schema) const;

  std::string layer_, result_;
  std::string gaps_ = "refuse";
  Profile profile_;
  raster::CogProfile cog_;
};

std::vector<Tile> Mosaic::tiles(const workflow::TaskContext& context,
                                const CubeSchema& schema) const {
  std::vector<Tile> out;
  LayerGaps gaps(layer_);
  for (auto& entry : context.layers->files(layer_, context.item)) {
    if (entry.item.window.intersect(context.selected).empty()) continue;
    gaps.add(entry);
    if (!entry.file || entry.file->empty) continue;
    if (!same_bands(entry.file->schema, schema))
      throw Error(ErrorCode::corrupt,
                  fmt::format("the file does not have the bands of layer '{}'", layer_))
          .at({.file = entry.file->path, .item = entry.item.name})
          .hint("run the step that makes it again");
    auto slices = slices_of(*entry.file, schema);
    out.push_back({std::move(*entry.file), std::move(slices)});
  }
  if (gaps_ == "refuse") gaps.refuse("mosaic: {gaps: mark} to leave them invalid");
  gaps.note("left invalid", context);
  return out;
}

workflow::Product Mosaic::run(const workflow::TaskContext& context) const {
  const auto info = plan(*context.layers);
  workflow::Product product;
  product.layer = info.name;
  product.summary =
      Joining(context, info.schema, tiles(context, info.schema), cog_).write(info.name);
  product.scratch_path = product.summary.path;
  product.extension = ".tif";
  product.media_type = kCogMediaType;
  product.schema = info.schema;
  product.grid = context.grid.sub(context.selected);
  return product;
}

}  // namespace

std::unique_ptr<workflow::Op> make_mosaic() {
  return std::make_unique<Mosaic>();
}

}  // namespace geoloom::ops
