// SPDX-License-Identifier: Apache-2.0
// Windows of a TIFF image straight from its blocks: each block that a window touches is read once,
// decoded into a scratch that stays in the processor's cache, and split into planes. There is no
// block cache in between: who asks for whole blocks gets each of them decoded once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gdal/random_access_file.h"
#include "geo/grid.h"
#include "tiff/block_decoder.h"
#include "tiff/directory.h"

namespace geoloom::tiff {

// Blocks that are fetched together from a server, which answers one request for this much as fast
// as for a little. On a disk there is nothing to be won by asking for more than a block.
inline constexpr size_t kMostRequestedBytes = size_t{4} << 20;

// What one reading thread keeps from call to call. Grows to one decoded block and to the stored
// bytes of what is fetched at once.
struct ReadScratch {
  BlockDecoder decoder;
  std::vector<std::byte> stored;
  std::vector<std::byte> block;
};

// One image of a file: immutable, so that threads can share it.
class Image {
 public:
  Image(Directory directory, BlockTable blocks)
      : directory_(std::move(directory)), blocks_(std::move(blocks)) {}

  const Directory& directory() const { return directory_; }
  size_t table_bytes() const { return 16 * blocks_.offsets.size(); }

  // Where a band of a window goes: dense samples of the image's own type, rows row_stride_bytes
  // apart.
  struct Plane {
    int band = 0;  // 0-based
    std::byte* pixels = nullptr;
    double fill = 0;  // of blocks that are not there; a value of the sample type
  };
  // The window lies inside the image. Throws Error(corrupt|unavailable|...) that says which block.
  void read(const gdal::RandomAccessFile& file, const geo::Window& window,
            const std::vector<Plane>& planes, size_t row_stride_bytes, ReadScratch& scratch) const;
  // Of an image of one band with 1 or 8 bits: 255 where it is not 0.
  void read_mask(const gdal::RandomAccessFile& file, const geo::Window& window, uint8_t* mask,
                 size_t row_stride_bytes, ReadScratch& scratch) const;

 private:
  struct BlockPlace;
  struct Batch;
  std::vector<BlockPlace> blocks_of(const geo::Window& window,
                                    const std::vector<int>& planes) const;
  static Batch batch_from(const gdal::RandomAccessFile& file, const std::vector<BlockPlace>& places,
                          size_t first);
  BlockFormat format_of(const BlockPlace& place) const;
  template <class Use>
  void for_each_block(const gdal::RandomAccessFile& file, const std::vector<BlockPlace>& places,
                      ReadScratch& scratch, Use use) const;

  Directory directory_;
  BlockTable blocks_;
};

}  // namespace geoloom::tiff
