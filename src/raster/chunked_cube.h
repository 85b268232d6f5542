// SPDX-License-Identifier: Apache-2.0
// One item of a cube as chunks: files of one band, one slice and a square of pixels each, which are
// the chunks of a Zarr array as they stand. An item's chunks know nothing of the cube they will be
// part of, so items are made, retried and kept independently; raster/zarr_metadata.h joins them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "raster/cog.h"
#include "raster/cube.h"

namespace geoloom::raster {

// The part of the layout that readers need.
struct ChunkLayout {
  int64_t side = 512;  // pixels; at the right and lower edge chunks are filled up with nodata
  Codec codec = Codec::deflate;  // or zstd
  friend bool operator==(const ChunkLayout&, const ChunkLayout&) = default;
};

struct ChunkProfile {
  ChunkLayout layout;
  int level = 6;  // deflate 1..12, zstd 1..22
};

// One file of an item, by its name in the item's folder.
struct ChunkObject {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;
};

// "red/3.0.1": band, slice, row and column of the chunk.
std::string chunk_name(const std::string& band, size_t slice, int64_t row, int64_t column);
// The file that lists an item's chunks with their sizes and checksums. Its own checksum stands for
// all of them.
inline constexpr const char* kChunkList = "chunks.json";

// Throws Error(invalid) when a band has no nodata, one that is not a value of its type, or a name
// that cannot be a folder's, or when slices with and without time are mixed.
void check_chunked(const CubeSchema& schema, const ChunkProfile& profile);

struct ChunkedSummary {
  // The path is that of the folder, bytes are those of all chunks, and the checksum is that of the
  // list. Bands are in the order of slices, and of bands within.
  CogSummary summary;
  std::vector<ChunkObject> objects;  // the list last: once it is there, all are
};

// Writes the chunks of one item from blocks that arrive in any order. Bands may differ in type.
// Invalid pixels are stored as the band's nodata. The bytes depend on pixels, schema and profile
// only.
class ChunkedCubeWriter {
 public:
  // Makes the folder "<scratch_folder>/<stem>". Throws Error(invalid) as check_chunked() does, and
  // for an item wider or higher than a chunk whose side is no multiple of 16.
  ChunkedCubeWriter(const std::string& scratch_folder, const std::string& stem,
                    const geo::Grid& grid, const CubeSchema& schema, const ChunkProfile& profile);
  ChunkedCubeWriter(const ChunkedCubeWriter&) = delete;
  ChunkedCubeWriter& operator=(const ChunkedCubeWriter&) = delete;
  ~ChunkedCubeWriter();
  // Thread-safe. The block's window lies in the grid; every pixel is written at most once in all.
  void write(const Block& block);
  // Pixels that were never written are invalid. Call once, after all write()s.
  ChunkedSummary finish();
  static size_t memory_bytes(const geo::Grid& grid, const CubeSchema& schema,
                             const ChunkProfile& profile);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads the part of `window` (on `target`) that an item covers, by nearest where pixel sizes
// nest: values of the band's type and validity (1 or 0), both dense rows of the window. What the
// item does not cover is invalid; values are 0 there. Throws Error: missing, corrupt (with the
// chunk as place), invalid (grids that do not nest).
struct ChunkedItem {
  std::string folder;  // path
  geo::Grid grid;
  ChunkLayout layout;
};
void read_chunks(const ChunkedItem& item, const Band& band, size_t slice, const geo::Grid& target,
                 const geo::Window& window, void* values, uint8_t* valid);

}  // namespace geoloom::raster
