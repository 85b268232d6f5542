// SPDX-License-Identifier: Apache-2.0
#include "raster/chunked_cube.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "error/error.h"
#include "gdal/dataset.h"
#include "raster/exact_statistics.h"
#include "raster/open_tiles.h"
#include "raster/pixel_hash.h"
#include "raster/tile_samples.h"
#include "store/checksum.h"
#include "tiff/block_decoder.h"
#include "tiff/block_encoder.h"

namespace geoloom::raster {
namespace {

// Bound of the chunks that are being filled in, all bands together; beyond it they wait in scratch.
constexpr size_t kOpenChunkBytes = size_t{48} << 20;

TileShape shape_of(const Band& band, const ChunkLayout& layout) {
  return {.type = band.type, .bands = 1, .mask = false, .size = layout.side, .nodata = band.nodata};
}

// A chunk is one block as TIFF knows it: a deflate block is a zlib stream, a zstd block a frame.
tiff::BlockFormat format_of(const Band& band, const ChunkLayout& layout) {
  tiff::BlockFormat format;
  format.width = format.height = static_cast<int>(layout.side);
  format.bits = static_cast<int>(8 * byte_size(band.type));
  format.sample_format = band.type == PixelType::float32 ? tiff::SampleFormat::floating_point
                         : band.type == PixelType::int16 ? tiff::SampleFormat::signed_integer
                                                         : tiff::SampleFormat::unsigned_integer;
  format.compression =
      layout.codec == Codec::zstd ? tiff::Compression::zstd : tiff::Compression::deflate;
  return format;
}

size_t chunks_of(const geo::Grid& grid, const ChunkLayout& layout) {
  const auto parts = [&](int64_t pixels) {
    return static_cast<size_t>((pixels + layout.side - 1) / layout.side);
  };
  return parts(grid.width) * parts(grid.height);
}

// For each band: a row of chunks of all slices, as images written from top to bottom need them.
size_t open_bytes(const geo::Grid& grid, const CubeSchema& schema, const Band& band,
                  const ChunkLayout& layout) {
  const size_t chunk = shape_of(band, layout).bytes();
  const size_t all = chunks_of(grid, layout) * schema.slices.size() * chunk;
  return std::max(2 * chunk, std::min(all, kOpenChunkBytes / schema.bands.size()));
}

size_t encoder_bytes(const Band& band, const ChunkProfile& profile) {
  const auto format = format_of(band, profile.layout);
  return tiff::BlockEncoder::memory_bytes(format, {.level = profile.level}) +
         2 * shape_of(band, profile.layout).bytes() +
         static_cast<size_t>(profile.layout.side * profile.layout.side);
}

bool can_name_a_folder(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-+=.").find(c) != std::string_view::npos;
  };
  return !name.empty() && !name.starts_with('.') && std::all_of(name.begin(), name.end(), fits);
}

void check_band(const Band& band) {
  if (!can_name_a_folder(band.name))
    throw Error(ErrorCode::invalid,
                fmt::format("a band of a cube cannot be called '{}'", band.name))
        .hint("bands name folders: use letters, digits, '_', '-', '+', '=' and '.'");
  for (const auto* const taken : {"x", "y", "time", "time_bnds", "label", "spatial_ref"})
    if (band.name == taken)
      throw Error(ErrorCode::invalid,
                  fmt::format("a band of a cube cannot be called '{}'", band.name))
          .hint("that is the name of a coordinate; rename the band");
  if (!band.nodata)
    throw Error(ErrorCode::invalid,
                fmt::format("band '{}' needs a value for invalid pixels: arrays of {} have no mask",
                            band.name, name(band.type)));
  if (!holds(band.type, *band.nodata))
    throw Error(ErrorCode::invalid, fmt::format("nodata {} of band '{}' is not a value of {}",
                                                *band.nodata, band.name, name(band.type)));
}

}  // namespace

std::string chunk_name(const std::string& band, size_t slice, int64_t row, int64_t column) {
  return fmt::format("{}/{}.{}.{}", band, slice, row, column);
}

void check_chunked(const CubeSchema& schema, const ChunkProfile& profile) {
  if (profile.layout.codec != Codec::deflate && profile.layout.codec != Codec::zstd)
    throw Error(ErrorCode::invalid, fmt::format("chunks of a cube cannot be compressed by {}",
                                                name(profile.layout.codec)))
        .hint("choose compress: deflate or zstd");
  for (const auto& band : schema.bands) check_band(band);
  const auto timed = std::count_if(schema.slices.begin(), schema.slices.end(),
                                   [](const Slice& slice) { return slice.timed; });
  const bool all = timed == static_cast<std::ptrdiff_t>(schema.slices.size());
  if (!all && (timed > 0 || schema.slices.size() > 1))
    throw Error(ErrorCode::invalid, "slices without a time cannot stand on the time axis of a cube")
        .hint("give the scenes times (`load: {time: ...}`), or reduce them to one slice");
}

struct ChunkedCubeWriter::Impl {
  Impl(std::string folder_in, const std::string& scratch_folder, const geo::Grid& grid_in,
       const CubeSchema& schema_in, const ChunkProfile& profile_in)
      : folder(std::move(folder_in)),
        grid(grid_in),
        schema(schema_in),
        profile(profile_in),
        pyramid(grid.width, grid.height, profile.layout.side),
        collisions(schema.bands.size() * schema.slices.size()),
        hasher(grid.width, grid.height) {
    std::error_code error;
    for (const auto& band : schema.bands) {
      open.push_back(std::make_unique<OpenTiles>(
          shape_of(band, profile.layout), pyramid, scratch_folder,
          open_bytes(grid, schema, band, profile.layout), schema.slices.size()));
      std::filesystem::create_directories(folder + "/" + band.name, error);
      if (error)
        throw Error(ErrorCode::resource, "cannot make a folder for chunks")
            .at({.file = folder + "/" + band.name})
            .cause(error.message());
    }
    for (size_t slice = 0; slice < schema.slices.size(); ++slice)
      for (const auto& band : schema.bands) statistics.emplace_back(band.type);
  }

  size_t file_band(size_t slice, size_t band) const { return slice * schema.bands.size() + band; }
  void write_part(const Block& block, size_t slice, size_t band, size_t tile,
                  const geo::Window& part);
  void complete(std::unique_ptr<Tile> tile, size_t band, size_t number);
  void describe(Tile& tile, size_t band, size_t slice);
  void complete_the_rest();

  const std::string folder;
  const geo::Grid grid;
  const CubeSchema schema;
  const ChunkProfile profile;
  const Pyramid pyramid;                         // of which only level 0 is written
  std::vector<std::unique_ptr<OpenTiles>> open;  // by band; images are its slices
  std::vector<std::atomic<uint64_t>> collisions;
  std::mutex mutex;  // of what follows
  std::vector<ExactStatistics> statistics;
  PixelHasher hasher;
  std::map<std::string, ChunkObject> objects;  // by name: the order of the list
};

void ChunkedCubeWriter::Impl::write_part(const Block& block, size_t slice, size_t band, size_t tile,
                                         const geo::Window& part) {
  const size_t image = block.first_slice() + slice;
  const size_t number = image * pyramid.tiles() + tile;
  Tile& chunk = open[band]->hold(number);
  const geo::Window& window = block.window();
  visit(schema.bands[band].type, [&]<class T>(T) {
    const T fill = static_cast<T>(*schema.bands[band].nodata);
    const auto count = static_cast<size_t>(part.width);
    for (int64_t y = part.y; y < part.bottom(); ++y) {
      const auto from = static_cast<size_t>((y - window.y) * window.width + part.x - window.x);
      const auto to = static_cast<size_t>((y - chunk.window().y) * profile.layout.side + part.x -
                                          chunk.window().x);
      const T* const values = block.plane<T>(band, slice).data() + from;
      const uint8_t* const valid = block.validity(slice, band).data() + from;
      copy_row(values, valid, count, fill, chunk.plane<T>(0) + to);
      if (const uint64_t found = collisions_in(values, valid, count, fill); found > 0)
        collisions[file_band(image, band)] += found;
    }
  });
  if (auto full = open[band]->let_go(number, static_cast<uint64_t>(part.pixels())))
    complete(std::move(full), band, number);
}

void ChunkedCubeWriter::Impl::describe(Tile& tile, size_t band, size_t slice) {
  const auto stride = static_cast<size_t>(profile.layout.side);
  std::vector<uint8_t> valid(stride * tile.height());
  ExactStatistics counted(schema.bands[band].type);
  PixelHasher hashed(grid.width, grid.height);
  visit(schema.bands[band].type, [&]<class T>(T) {
    const T* const plane = tile.plane<T>(0);
    validity_of(plane, valid.size(), schema.bands[band].nodata, valid.data());
    for (size_t y = 0; y < tile.height(); ++y)
      counted.add(plane + y * stride, valid.data() + y * stride, tile.width());
    hashed.add(tile.window(), file_band(slice, band), plane, valid.data(), stride);
  });
  const std::lock_guard lock(mutex);
  statistics[file_band(slice, band)].merge(counted);
  hasher.merge(hashed);
}

// What lies beyond the item keeps the nodata that a new tile is full of: in a cube it may be where
// no item is.
void ChunkedCubeWriter::Impl::complete(std::unique_ptr<Tile> tile, size_t band, size_t number) {
  const size_t slice = number / pyramid.tiles();
  const auto at = pyramid.position(number % pyramid.tiles());
  describe(*tile, band, slice);
  const auto format = format_of(schema.bands[band], profile.layout);
  std::vector<std::byte> encoded;
  const std::byte* const plane = tile->raw_plane(0);
  tiff::BlockEncoder().encode(format, {.level = profile.level}, {&plane, 1}, encoded);
  open[band]->reuse(std::move(tile));
  const std::string_view bytes(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  ChunkObject object{chunk_name(schema.bands[band].name, slice, at.row, at.column),
                     static_cast<int64_t>(bytes.size()), store::sha256_hex(bytes)};
  gdal::write_file(folder + "/" + object.name, bytes);
  const std::lock_guard lock(mutex);
  objects[object.name] = std::move(object);
}

void ChunkedCubeWriter::Impl::complete_the_rest() {
  for (size_t band = 0; band < schema.bands.size(); ++band)
    for (size_t slice = 0; slice < schema.slices.size(); ++slice)
      for (size_t tile = 0; tile < pyramid.levels().front().tiles(); ++tile) {
        const size_t number = slice * pyramid.tiles() + tile;
        const uint64_t missing = open[band]->missing(number);
        if (missing == 0) continue;
        open[band]->hold(number);
        complete(open[band]->let_go(number, missing), band, number);
      }
}

ChunkedCubeWriter::ChunkedCubeWriter(const std::string& scratch_folder, const std::string& stem,
                                     const geo::Grid& grid, const CubeSchema& schema,
                                     const ChunkProfile& profile) {
  check_chunked(schema, profile);
  const int64_t side = profile.layout.side;
  if (side % PixelHasher::kCell != 0 && (grid.width > side || grid.height > side))
    throw Error(ErrorCode::invalid,
                fmt::format("an item of {} x {} pixels cannot be cut into chunks of {} pixels",
                            grid.width, grid.height, side))
        .hint("choose a multiple of 16, or the size of a whole tile");
  impl_ =
      std::make_unique<Impl>(scratch_folder + "/" + stem, scratch_folder, grid, schema, profile);
}

ChunkedCubeWriter::~ChunkedCubeWriter() = default;

void ChunkedCubeWriter::write(const Block& block) {
  Impl& impl = *impl_;
  const geo::Window& window = block.window();
  if (window.empty()) return;
  bool fits = impl.grid.window().contains(window) && block.bands() == impl.schema.bands.size() &&
              block.first_slice() + block.slices() <= impl.schema.slices.size();
  for (size_t band = 0; fits && band < block.bands(); ++band)
    fits = block.type(band) == impl.schema.bands[band].type;
  if (!fits)
    throw Error(ErrorCode::internal,
                fmt::format("block {} does not fit the cube being written", window.text()));
  const int64_t side = impl.profile.layout.side;
  for (int64_t row = window.y / side; row * side < window.bottom(); ++row)
    for (int64_t column = window.x / side; column * side < window.right(); ++column) {
      const Pyramid::Position at{0, column, row};
      const auto part = impl.pyramid.window(at).intersect(window);
      for (size_t slice = 0; slice < block.slices(); ++slice)
        for (size_t band = 0; band < block.bands(); ++band)
          impl.write_part(block, slice, band, impl.pyramid.number(at), part);
    }
}

ChunkedSummary ChunkedCubeWriter::finish() {
  Impl& impl = *impl_;
  impl.complete_the_rest();
  ChunkedSummary out;
  auto& summary = out.summary;
  nlohmann::ordered_json list{{"geoloom_chunks", 1},
                              {"side", impl.profile.layout.side},
                              {"codec", name(impl.profile.layout.codec)},
                              {"chunks", nlohmann::ordered_json::array()}};
  for (const auto& [object_name, object] : impl.objects) {
    list["chunks"].push_back(
        {{"name", object.name}, {"bytes", object.bytes}, {"sha256", object.sha256}});
    summary.bytes += object.bytes;
    out.objects.push_back(object);
  }
  const auto text = list.dump(1) + "\n";
  summary.path = impl.folder;
  summary.sha256 = store::sha256_hex(text);
  gdal::write_file(impl.folder + "/" + kChunkList, text);
  out.objects.push_back({kChunkList, static_cast<int64_t>(text.size()), summary.sha256});
  std::vector<PixelType> types;
  for (size_t slice = 0; slice < impl.schema.slices.size(); ++slice)
    for (size_t band = 0; band < impl.schema.bands.size(); ++band) {
      const size_t at = impl.file_band(slice, band);
      types.push_back(impl.schema.bands[band].type);
      summary.bands.push_back(
          impl.statistics[at].result(static_cast<uint64_t>(impl.grid.window().pixels())));
      summary.bands.back().nodata_collisions = impl.collisions[at];
    }
  summary.pixel_hash = impl.hasher.hex(types);
  return out;
}

size_t ChunkedCubeWriter::memory_bytes(const geo::Grid& grid, const CubeSchema& schema,
                                       const ChunkProfile& profile) {
  static const size_t threads = std::max(1U, std::thread::hardware_concurrency());
  size_t open = 0, encoder = 0, statistics = 0;
  for (const auto& band : schema.bands) {
    open += open_bytes(grid, schema, band, profile.layout);
    encoder = std::max(encoder, encoder_bytes(band, profile));
    statistics += schema.slices.size() *
                  (sizeof(ExactStatistics) + (band.type == PixelType::float32 ? 16384 : 64));
  }
  const size_t list =
      chunks_of(grid, profile.layout) * schema.bands.size() * schema.slices.size() * 512;
  return open + threads * encoder + statistics + list;
}

namespace {

std::vector<std::byte> decoded(const ChunkedItem& item, const Band& band, const std::string& path) {
  const auto format = format_of(band, item.layout);
  // Compressed bytes may be more than pixels, but not by much.
  const auto stored = gdal::read_file(path, format.bytes() + format.bytes() / 8 + 1024);
  std::vector<std::byte> pixels(format.bytes());
  try {
    tiff::BlockDecoder().decode(format, std::as_bytes(std::span(stored)), pixels);
  } catch (Error& error) {
    error.at({.file = path});
    throw;
  }
  return pixels;
}

// Where the columns (or rows) of a window lie in an item: -1 outside.
std::vector<int64_t> places(int64_t first, int64_t count, int64_t size, auto&& source) {
  std::vector<int64_t> out;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = source(first + i);
    out.push_back(at >= 0 && at < size ? at : -1);
  }
  return out;
}

}  // namespace

void read_chunks(const ChunkedItem& item, const Band& band, size_t slice, const geo::Grid& target,
                 const geo::Window& window, void* values, uint8_t* valid) {
  if (const auto why = geo::why_not_nested(target, item.grid); !why.empty())
    throw Error(ErrorCode::invalid, "the cube lies on another pixel grid")
        .at({.file = item.folder})
        .cause(why);
  const auto mapping = geo::nearest_mapping(target, item.grid);
  const auto columns = places(window.x, window.width, item.grid.width,
                              [&](int64_t c) { return mapping.source_column(c); });
  const auto rows = places(window.y, window.height, item.grid.height,
                           [&](int64_t r) { return mapping.source_row(r); });
  const int64_t side = item.layout.side;
  const auto width = static_cast<size_t>(window.width);
  std::fill_n(valid, width * rows.size(), uint8_t{0});
  visit(band.type, [&]<class T>(T) {
    T* const to = static_cast<T*>(values);
    std::fill_n(to, width * rows.size(), T{});
    std::vector<uint8_t> chunk_valid(static_cast<size_t>(side * side));
    // Chunk by chunk, so that each is decoded once.
    const auto wanted = mapping.source_window(window).intersect(item.grid.window());
    if (wanted.empty()) return;
    for (int64_t row = wanted.y / side; row * side < wanted.bottom(); ++row)
      for (int64_t column = wanted.x / side; column * side < wanted.right(); ++column) {
        const auto pixels =
            decoded(item, band, item.folder + "/" + chunk_name(band.name, slice, row, column));
        const T* const from = reinterpret_cast<const T*>(pixels.data());
        validity_of(from, chunk_valid.size(), band.nodata, chunk_valid.data());
        for (size_t y = 0; y < rows.size(); ++y) {
          if (rows[y] < 0 || rows[y] / side != row) continue;
          for (size_t x = 0; x < width; ++x) {
            if (columns[x] < 0 || columns[x] / side != column) continue;
            const auto at = static_cast<size_t>((rows[y] % side) * side + columns[x] % side);
            if (chunk_valid[at] == 0) continue;
            to[y * width + x] = from[at];
            valid[y * width + x] = 1;
          }
        }
      }
  });
}

}  // namespace geoloom::raster
