// SPDX-License-Identifier: Apache-2.0
#include "ops/export/layer_sinks.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "ops/export/profile.h"
#include "ops/layer_file.h"

namespace geoloom::ops {
namespace {

// What stored values of one scale and offset are in another.
struct Rescaling {
  double scale = 1, offset = 0, to_scale = 1, to_offset = 0;
  bool none() const { return scale == to_scale && offset == to_offset; }
  double operator()(double stored) const {
    return none() ? stored : (stored * scale + offset - to_offset) / to_scale;
  }
};

// Rounds half to even, whatever the processor's mode: the default mode is never changed.
template <class In, class Out>
uint64_t convert_plane(const In* from, const uint8_t* valid, size_t pixels,
                       const Rescaling& rescaled, Out* to) {
  constexpr double lowest = std::numeric_limits<Out>::lowest();
  constexpr double highest = std::numeric_limits<Out>::max();
  uint64_t clipped = 0;
  for (size_t i = 0; i < pixels; ++i) {
    if (valid[i] == 0) continue;
    if constexpr (std::is_same_v<Out, float>) {
      to[i] = static_cast<float>(rescaled(static_cast<double>(from[i])));
    } else {
      const double value = std::nearbyint(rescaled(static_cast<double>(from[i])));
      clipped += value < lowest || value > highest ? 1 : 0;
      to[i] = static_cast<Out>(std::clamp(value, lowest, highest));
    }
  }
  return clipped;
}

uint64_t convert(const raster::Block& from, size_t from_band, size_t slice,
                 const Rescaling& rescaled, raster::Block& to, size_t to_band) {
  return raster::visit(from.type(from_band), [&]<class In>(In) {
    return raster::visit(to.type(to_band), [&]<class Out>(Out) {
      return convert_plane<In, Out>(from.plane<In>(from_band, slice).data(),
                                    from.validity(slice, from_band).data(), from.pixels(), rescaled,
                                    to.plane<Out>(to_band, slice).data());
    });
  });
}

// Blocks of the input as blocks of the layer. Thread-safe.
class Conversion {
 public:
  explicit Conversion(const LayerPixels& pixels)
      : pixels_(pixels),
        as_is_(unchanged()),
        clipped_(pixels.output.bands.size() * pixels.output.slices.size()) {}

  // In parts, so that copies need little memory beside the block.
  template <class Write>
  void apply(const raster::Block& block, const Write& write) {
    if (as_is_) return write(block);
    constexpr int64_t kPartPixels = int64_t{1} << 16;
    raster::Block from = block;
    const auto window = block.window();
    const int64_t rows = std::max<int64_t>(1, kPartPixels / std::max<int64_t>(1, window.width));
    for (int64_t row = 0; row < window.height; row += rows)
      write(converted(from.strip(row, std::min(rows, window.height - row))));
  }

  void add_clipped(std::vector<raster::BandStatistics>& bands) const {
    for (size_t i = 0; i < std::min(clipped_.size(), bands.size()); ++i)
      bands[i].clipped += clipped_[i];
  }

 private:
  bool unchanged() const {
    if (pixels_.bands != all_bands(pixels_.input.bands.size())) return false;
    for (size_t i = 0; i < pixels_.bands.size(); ++i)
      if (pixels_.input.bands[i].type != pixels_.output.bands[i].type || !rescaling(i).none())
        return false;
    return true;
  }

  Rescaling rescaling(size_t band) const {
    const auto& from = pixels_.input.bands[pixels_.bands[band]];
    const auto& to = pixels_.output.bands[band];
    return {from.scale, from.offset, to.scale, to.offset};
  }

  raster::Block converted(const raster::Block& from) {
    const auto& bands = pixels_.bands;
    raster::Block to(pixels_.output, from.window(), from.first_slice(), from.slices());
    for (size_t slice = 0; slice < from.slices(); ++slice) {
      for (size_t i = 0; i < bands.size(); ++i) {
        const auto valid = from.validity(slice, bands[i]);
        std::copy(valid.begin(), valid.end(), to.validity(slice, i).begin());
        const size_t file_band = (from.first_slice() + slice) * bands.size() + i;
        clipped_[file_band] += convert(from, bands[i], slice, rescaling(i), to, i);
      }
    }
    return to;
  }

  const LayerPixels& pixels_;
  const bool as_is_;
  std::vector<std::atomic<uint64_t>> clipped_;  // by band of the file
};

workflow::Product product_of(const LayerPixels& pixels, const geo::Grid& grid,
                             raster::CogSummary summary, const Conversion& conversion) {
  workflow::Product product;
  product.layer = pixels.layer;
  product.summary = std::move(summary);
  conversion.add_clipped(product.summary.bands);
  product.scratch_path = product.summary.path;
  product.schema = pixels.output;
  product.grid = grid;
  return product;
}

class CogSink : public workflow::Sink {
 public:
  CogSink(LayerPixels pixels, const workflow::SinkContext& context,
          const raster::CogProfile& profile)
      : pixels_(std::move(pixels)),
        grid_(context.grid),
        conversion_(pixels_),
        writer_(context.scratch_folder, fmt::format("{}_{}", pixels_.layer, context.item),
                context.grid, pixels_.output, profile, context.provenance) {}

  void write(const raster::Block& block) override {
    conversion_.apply(block, [this](const raster::Block& part) { writer_.write(part); });
  }

  workflow::Product finish() override {
    auto product = product_of(pixels_, grid_, writer_.finish(), conversion_);
    product.extension = ".tif";
    product.media_type = kCogMediaType;
    return product;
  }

 private:
  const LayerPixels pixels_;
  const geo::Grid grid_;
  Conversion conversion_;
  raster::CogWriter writer_;
};

class ChunkSink : public workflow::Sink {
 public:
  ChunkSink(LayerPixels pixels, const workflow::SinkContext& context,
            const raster::ChunkProfile& profile)
      : pixels_(std::move(pixels)),
        grid_(context.grid),
        layout_(profile.layout),
        conversion_(pixels_),
        writer_(context.scratch_folder, fmt::format("{}_{}", pixels_.layer, context.item),
                context.grid, pixels_.output, profile) {}

  void write(const raster::Block& block) override {
    conversion_.apply(block, [this](const raster::Block& part) { writer_.write(part); });
  }

  workflow::Product finish() override {
    auto chunked = writer_.finish();
    auto product = product_of(pixels_, grid_, std::move(chunked.summary), conversion_);
    product.media_type = kZarrMediaType;
    product.chunks = layout_;
    product.objects = std::move(chunked.objects);
    return product;
  }

 private:
  const LayerPixels pixels_;
  const geo::Grid grid_;
  const raster::ChunkLayout layout_;
  Conversion conversion_;
  raster::ChunkedCubeWriter writer_;
};

}  // namespace

std::unique_ptr<workflow::Sink> open_cog_sink(LayerPixels pixels,
                                              const workflow::SinkContext& context,
                                              const raster::CogProfile& profile) {
  return std::make_unique<CogSink>(std::move(pixels), context, profile);
}

std::unique_ptr<workflow::Sink> open_chunk_sink(LayerPixels pixels,
                                                const workflow::SinkContext& context,
                                                const raster::ChunkProfile& profile) {
  return std::make_unique<ChunkSink>(std::move(pixels), context, profile);
}

}  // namespace geoloom::ops
