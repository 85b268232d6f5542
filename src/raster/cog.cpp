// SPDX-License-Identifier: Apache-2.0
#include "raster/cog.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "error/error.h"
#include "gdal/class_names.h"
#include "raster/asset_reader.h"
#include "raster/cog_layout.h"
#include "raster/exact_statistics.h"
#include "raster/open_tiles.h"
#include "raster/pixel_hash.h"
#include "raster/tile_samples.h"
#include "tiff/block_encoder.h"
#include "tiff/block_store.h"
#include "tiff/cog_file.h"

namespace geoloom::raster {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Bounds of what waits in memory; beyond them it waits in scratch files.
constexpr size_t kCompressedBytes = size_t{8} << 20;
constexpr size_t kOpenTileBytes = size_t{48} << 20;
// Tiles that are worked on at once, whatever their size and however many threads there are.
constexpr size_t kWorkBytes = size_t{64} << 20;

// What a thread needs to finish a tile.
struct Workspace {
  tiff::BlockEncoder encoder;
  std::vector<std::byte> encoded, mask_bits;
  std::vector<uint8_t> valid;  // of one band
};

size_t workspace_bytes(const CogLayout& layout) {
  const size_t tiles = 2 * layout.shape.bytes();  // the one at work, and its parent
  return tiles + layout.shape.plane_pixels() +
         tiff::BlockEncoder::memory_bytes(layout.block, layout.encoding) +
         (layout.shape.mask ? size_t{2} << 20 : 0);
}

size_t workspaces_at_most(const CogLayout& layout) {
  // Asking opens a file of the system, and plans ask for every tile.
  static const size_t threads = std::max(1U, std::thread::hardware_concurrency());
  return std::clamp<size_t>(kWorkBytes / workspace_bytes(layout), 1, threads);
}

// Workspaces are made as they are needed, up to a number; then threads wait for each other.
class Workspaces {
 public:
  explicit Workspaces(size_t at_most) : left_(at_most) {}

  class Lease {
   public:
    Lease(Workspaces& from, std::unique_ptr<Workspace> workspace)
        : from_(from), workspace_(std::move(workspace)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { from_.give_back(std::move(workspace_)); }
    Workspace& operator*() const { return *workspace_; }

   private:
    Workspaces& from_;
    std::unique_ptr<Workspace> workspace_;
  };

  Lease lease() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return left_ > 0 || !idle_.empty(); });
    if (idle_.empty()) {
      --left_;
      return {*this, std::make_unique<Workspace>()};
    }
    auto workspace = std::move(idle_.back());
    idle_.pop_back();
    return {*this, std::move(workspace)};
  }

 private:
  void give_back(std::unique_ptr<Workspace> workspace) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(workspace));
    freed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable freed_;
  size_t left_;
  std::vector<std::unique_ptr<Workspace>> idle_;
};

// Enough for a row of tiles on every level, which is what images written from top to bottom need.
size_t open_tile_bytes(const CogLayout& layout, const Pyramid& pyramid) {
  size_t tiles = 0;
  for (const auto& level : pyramid.levels())
    tiles += std::min<size_t>(level.tiles(), static_cast<size_t>(level.across) + 2);
  const size_t tile = layout.shape.bytes();
  return std::max(2 * tile, std::min(tiles * tile, std::max(4 * tile, kOpenTileBytes)));
}

size_t compressed_bytes(const CogLayout& layout, const Pyramid& pyramid) {
  return std::min(kCompressedBytes, pyramid.tiles() * (layout.shape.bytes() + 1024));
}

void pack_bits(const uint8_t* valid, std::vector<std::byte>& bits, size_t pixels) {
  bits.resize(pixels / 8);
  for (size_t i = 0; i < bits.size(); ++i) {
    unsigned byte = 0;
    for (size_t b = 0; b < 8; ++b) byte = byte << 1 | valid[8 * i + b];
    bits[i] = static_cast<std::byte>(byte);
  }
}

}  // namespace

struct CogWriter::Impl {
  Impl(const std::string& folder, const std::string& stem, const geo::Grid& grid_in,
       const CubeSchema& schema_in, const CogProfile& profile, Pairs metadata_in)
      : grid(grid_in),
        schema(schema_in),
        layout(layout_of(grid_in, schema_in, profile)),
        always_big(profile.always_big_tiff),
        metadata(std::move(metadata_in)),
        path(fmt::format("{}/{}.tif", folder, stem)),
        pyramid(grid.width, grid.height, layout.shape.size),
        open(layout.shape, pyramid, folder, open_tile_bytes(layout, pyramid)),
        store(folder, compressed_bytes(layout, pyramid)),
        workspaces(workspaces_at_most(layout)),
        places(pyramid.tiles()),
        mask_places(layout.shape.mask ? pyramid.tiles() : 0),
        collisions(layout.shape.bands),
        statistics(layout.shape.bands, ExactStatistics(layout.shape.type)),
        hasher(grid.width, grid.height) {}

  void check_block(const Block& block) const;
  void write_tile_part(const Block& block, size_t number, const geo::Window& part);
  template <class T>
  void fill_in(const Block& block, const geo::Window& part, Tile& tile);
  template <class T>
  void fill_in_row(const Block& block, size_t from, size_t to, size_t count, Tile& tile,
                   std::vector<uint8_t>& common);
  void complete(std::unique_ptr<Tile> tile, size_t number);
  template <class T>
  void describe(Tile& tile, Workspace& workspace);
  std::unique_ptr<Tile> halve(Tile& tile, const Pyramid::Position& at, size_t& parent_number);
  void encode(Tile& tile, size_t number, Workspace& workspace);
  void complete_the_rest();
  std::vector<BandStatistics> results() const;
  tiff::CogDescription description(const std::vector<BandStatistics>& bands) const;

  const geo::Grid grid;
  const CubeSchema schema;
  const CogLayout layout;
  const bool always_big;
  const Pairs metadata;
  const std::string path;
  const Pyramid pyramid;
  OpenTiles open;
  tiff::BlockStore store;
  Workspaces workspaces;
  tiff::TilePlaces places, mask_places;           // by tile number; each written by one thread
  std::vector<std::atomic<uint64_t>> collisions;  // by band of the file
  std::mutex mutex;                               // of what follows
  std::vector<ExactStatistics> statistics;
  PixelHasher hasher;
};

void CogWriter::Impl::check_block(const Block& block) const {
  bool fits = grid.window().contains(block.window()) && block.bands() == schema.bands.size() &&
              block.first_slice() + block.slices() <= schema.slices.size() &&
              (!layout.shape.mask || block.slices() == schema.slices.size());
  for (size_t band = 0; fits && band < block.bands(); ++band)
    fits = block.type(band) == layout.shape.type;
  if (!fits)
    throw Error(ErrorCode::internal,
                fmt::format("block {} does not fit the file being written", block.window().text()));
}

// One row of all bands of a block: `from` counts pixels in the block's planes, `to` in the tile's.
template <class T>
void CogWriter::Impl::fill_in_row(const Block& block, size_t from, size_t to, size_t count,
                                  Tile& tile, std::vector<uint8_t>& common) {
  const TileShape& shape = layout.shape;
  const size_t first_band = block.first_slice() * schema.bands.size();
  const T fill = static_cast<T>(shape.fill());
  if (shape.mask) {
    common.assign(count, 1);
    for (size_t slice = 0; slice < block.slices(); ++slice)
      for (size_t band = 0; band < block.bands(); ++band)
        keep_good(block.plane<T>(band, slice).data() + from,
                  block.validity(slice, band).data() + from, count, common.data());
    std::copy(common.begin(), common.end(), tile.mask() + to);
  }
  for (size_t slice = 0; slice < block.slices(); ++slice)
    for (size_t band = 0; band < block.bands(); ++band) {
      const size_t file_band = first_band + slice * schema.bands.size() + band;
      const T* const values = block.plane<T>(band, slice).data() + from;
      const uint8_t* const valid =
          shape.mask ? common.data() : block.validity(slice, band).data() + from;
      copy_row(values, valid, count, fill, tile.plane<T>(file_band) + to);
      if (!shape.nodata) continue;
      if (const uint64_t found = collisions_in(values, valid, count, fill); found > 0)
        collisions[file_band] += found;
    }
}

template <class T>
void CogWriter::Impl::fill_in(const Block& block, const geo::Window& part, Tile& tile) {
  const geo::Window& window = block.window();
  std::vector<uint8_t> common;
  for (int64_t y = part.y; y < part.bottom(); ++y) {
    const auto from = static_cast<size_t>((y - window.y) * window.width + part.x - window.x);
    const auto to =
        static_cast<size_t>((y - tile.window().y) * layout.shape.size + part.x - tile.window().x);
    fill_in_row<T>(block, from, to, static_cast<size_t>(part.width), tile, common);
  }
}

void CogWriter::Impl::write_tile_part(const Block& block, size_t number, const geo::Window& part) {
  Tile& tile = open.hold(number);
  visit(layout.shape.type, [&]<class T>(T) { fill_in<T>(block, part, tile); });
  const size_t bands = block.slices() * block.bands();
  if (auto full = open.let_go(number, static_cast<uint64_t>(part.pixels()) * bands))
    complete(std::move(full), number);
}

// Statistics and pixel hash of a tile of the image itself.
template <class T>
void CogWriter::Impl::describe(Tile& tile, Workspace& workspace) {
  const auto stride = static_cast<size_t>(layout.shape.size);
  PixelHasher hashed(grid.width, grid.height);
  for (size_t band = 0; band < layout.shape.bands; ++band) {
    const T* const plane = tile.plane<T>(band);
    const uint8_t* valid = layout.shape.mask ? tile.mask() : workspace.valid.data();
    if (!layout.shape.mask) {
      workspace.valid.resize(layout.shape.plane_pixels());
      valid = workspace.valid.data();
      validity_of(plane, stride * tile.height(), layout.shape.nodata, workspace.valid.data());
    }
    ExactStatistics counted(layout.shape.type);
    for (size_t y = 0; y < tile.height(); ++y)
      counted.add(plane + y * stride, valid + y * stride, tile.width());
    hashed.add(tile.window(), band, plane, valid, stride);
    const std::lock_guard lock(mutex);
    statistics[band].merge(counted);
  }
  const std::lock_guard lock(mutex);
  hasher.merge(hashed);
}

// The parent when this was its last quarter.
std::unique_ptr<Tile> CogWriter::Impl::halve(Tile& tile, const Pyramid::Position& at,
                                             size_t& parent_number) {
  if (at.level + 1 == pyramid.levels().size()) return nullptr;
  parent_number = pyramid.number({at.level + 1, at.column / 2, at.row / 2});
  Tile& parent = open.hold(parent_number);
  halve_into(parent, tile, layout.shape, layout.halving);
  const auto columns = static_cast<uint64_t>((tile.window().width + 1) / 2);
  const auto rows = static_cast<uint64_t>((tile.window().height + 1) / 2);
  return open.let_go(parent_number, columns * rows);
}

void CogWriter::Impl::encode(Tile& tile, size_t number, Workspace& workspace) {
  tile.pad(layout.shape);
  std::vector<const std::byte*> planes;
  for (size_t band = 0; band < layout.shape.bands; ++band) planes.push_back(tile.raw_plane(band));
  workspace.encoder.encode(layout.block, layout.encoding, planes, workspace.encoded);
  places[number] = store.add(workspace.encoded);
  if (!layout.shape.mask) return;
  pack_bits(tile.mask(), workspace.mask_bits, layout.shape.plane_pixels());
  planes = {workspace.mask_bits.data()};
  workspace.encoder.encode(mask_format(layout.block), {}, planes, workspace.encoded);
  mask_places[number] = store.add(workspace.encoded);
}

void CogWriter::Impl::complete(std::unique_ptr<Tile> tile, size_t number) {
  const Workspaces::Lease lease = workspaces.lease();
  while (tile) {
    const Pyramid::Position at = pyramid.position(number);
    if (at.level == 0) visit(layout.shape.type, [&]<class T>(T) { describe<T>(*tile, *lease); });
    size_t parent_number = 0;
    std::unique_ptr<Tile> parent = halve(*tile, at, parent_number);
    encode(*tile, number, *lease);
    open.reuse(std::move(tile));
    tile = std::move(parent);
    number = parent_number;
  }
}

// Tiles with pixels that were never written.
void CogWriter::Impl::complete_the_rest() {
  for (size_t number = 0; number < pyramid.levels().front().tiles(); ++number) {
    const uint64_t missing = open.missing(number);
    if (missing == 0) continue;
    open.hold(number);
    complete(open.let_go(number, missing), number);
  }
  for (const auto& place : places)
    if (place.size == 0)
      throw Error(ErrorCode::internal, "a file is finished before all of its blocks are written");
}

std::vector<BandStatistics> CogWriter::Impl::results() const {
  std::vector<BandStatistics> all;
  for (size_t band = 0; band < layout.shape.bands; ++band) {
    all.push_back(statistics[band].result(static_cast<uint64_t>(grid.window().pixels())));
    all.back().nodata_collisions = collisions[band];
  }
  return all;
}

tiff::CogDescription CogWriter::Impl::description(const std::vector<BandStatistics>& bands) const {
  std::vector<gdal::MetadataItems> band_items;
  for (size_t i = 0; i < bands.size(); ++i) {
    band_items.push_back(statistics_items(bands[i]));
    const auto& names = schema.bands[i % schema.bands.size()].class_names;
    if (!names.empty())
      band_items.back().emplace_back(gdal::kClassNamesItem, gdal::class_names_text(names));
  }
  tiff::CogDescription description;
  description.block = layout.block;
  description.tags = tiff::descriptive_tags(gdal::described_geotiff(
      grid, described_bands(schema, layout), metadata, band_items, colour_table(schema, layout)));
  description.always_big = always_big;
  for (const auto& level : pyramid.levels()) {
    const auto of_level = [&](const tiff::TilePlaces& all) {
      if (all.empty()) return tiff::TilePlaces{};
      const auto first = all.begin() + static_cast<ptrdiff_t>(level.first);
      return tiff::TilePlaces(first, first + static_cast<ptrdiff_t>(level.tiles()));
    };
    description.levels.push_back(
        {level.width, level.height, of_level(places), of_level(mask_places)});
  }
  return description;
}

CogWriter::CogWriter(const std::string& scratch_folder, const std::string& stem,
                     const geo::Grid& grid, const CubeSchema& schema, const CogProfile& profile,
                     const Pairs& metadata)
    : impl_(std::make_unique<Impl>(scratch_folder, stem, grid, schema, profile, metadata)) {}

CogWriter::~CogWriter() = default;

void CogWriter::write(const Block& block) {
  const geo::Window& window = block.window();
  if (window.empty()) return;
  Impl& impl = *impl_;
  impl.check_block(block);
  const int64_t size = impl.layout.shape.size;
  for (int64_t row = window.y / size; row * size < window.bottom(); ++row)
    for (int64_t column = window.x / size; column * size < window.right(); ++column) {
      const Pyramid::Position at{0, column, row};
      impl.write_tile_part(block, impl.pyramid.number(at),
                           impl.pyramid.window(at).intersect(window));
    }
}

CogSummary CogWriter::finish() {
  Impl& impl = *impl_;
  impl.complete_the_rest();
  CogSummary summary;
  summary.path = impl.path;
  summary.mask_band = impl.layout.shape.mask;
  summary.bands = impl.results();
  summary.pixel_hash =
      impl.hasher.hex(std::vector(impl.layout.shape.bands, impl.layout.shape.type));
  const auto written = tiff::write_cog(impl.path, impl.description(summary.bands), impl.store);
  summary.bytes = static_cast<int64_t>(written.bytes);
  summary.sha256 = written.sha256;
  return summary;
}

size_t CogWriter::memory_bytes(const geo::Grid& grid, const CubeSchema& schema,
                               const CogProfile& profile) {
  const CogLayout layout = layout_of(grid, schema, profile);
  const Pyramid pyramid(grid.width, grid.height, layout.shape.size);
  const size_t statistics_bytes =
      layout.shape.bands *
      (sizeof(ExactStatistics) + (layout.shape.type == PixelType::float32 ? 16384 : 64));
  const size_t tables = pyramid.tiles() * 128;
  const size_t file_buffers = size_t{3} << 20;
  return open_tile_bytes(layout, pyramid) + compressed_bytes(layout, pyramid) +
         workspaces_at_most(layout) * (workspace_bytes(layout) + layout.shape.bytes()) +
         statistics_bytes + tables + file_buffers;
}

std::string pixel_hash_of_file(const std::string& path) {
  constexpr int64_t kWindow = 512;
  const Asset asset = Asset::open(path);
  const gdal::RasterInfo& info = asset.info();
  AssetPlacement placement;
  placement.raster = {0, 0, info.width, info.height};
  std::vector<PixelType> types;
  for (const gdal::BandInfo& band : info.bands) {
    types.push_back(pixel_type_of(band.type));
    placement.masked.push_back(band.has_mask_band);
  }
  PixelHasher hasher(info.width, info.height);
  std::vector<float> values(kWindow * kWindow);  // wide enough for every type
  std::vector<uint8_t> valid(values.size());
  for (int64_t y = 0; y < info.height; y += kWindow)
    for (int64_t x = 0; x < info.width; x += kWindow) {
      const auto window = geo::Window{x, y, kWindow, kWindow}.intersect(placement.raster);
      for (size_t band = 0; band < types.size(); ++band) {
        const AssetBand source{static_cast<int>(band) + 1, types[band], info.bands[band].nodata};
        read_asset(asset, placement, window, {source}, {values.data()}, {valid.data()});
        visit(types[band], [&]<class T>(T) {
          hasher.add(window, band, static_cast<const T*>(static_cast<const void*>(values.data())),
                     valid.data(), static_cast<size_t>(window.width));
        });
      }
    }
  return hasher.hex(types);
}

}  // namespace geoloom::raster
