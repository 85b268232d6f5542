// SPDX-License-Identifier: Apache-2.0
// Tiles that are being filled in, by any threads, within a bound of memory: beyond it those that
// were left alone for longest wait in a scratch file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "raster/tile.h"
#include "tiff/scratch_file.h"

namespace geoloom::raster {

// Thread-safe. Throws Error(resource) when the disk is full.
class OpenTiles {
 public:
  // Several `images` of one size have their tiles numbered one image after another: tile n of image
  // i has the number i * pyramid.tiles() + n.
  OpenTiles(const TileShape& shape, const Pyramid& pyramid, const std::string& scratch_folder,
            size_t memory_bytes, size_t images = 1);

  // The tile, new or as it was left. It stays where it is until it is let go; threads may hold it
  // together, and write to different pixels.
  Tile& hold(size_t number);
  // Gives it back with `samples` more filled in (level 0: of pixels and bands; overviews: pixels).
  // The tile itself when that was the last, else null; it is then closed for good. Throws
  // Error(internal) when more is filled in than the tile has.
  std::unique_ptr<Tile> let_go(size_t number, uint64_t samples);
  // Memory of a closed tile that is done with, for the next new one.
  void reuse(std::unique_ptr<Tile> tile);
  bool closed(size_t number) const;
  // Samples that are still to be filled in.
  uint64_t missing(size_t number) const;

 private:
  struct Entry {
    std::unique_ptr<Tile> tile;  // null: in the scratch file
    int64_t slot = -1;           // of the scratch file, once it was there
    unsigned holders = 0;
    uint64_t missing = 0;
    uint64_t used = 0;  // when it was let go last
  };
  Pyramid::Position position(size_t number) const;
  uint64_t samples_of(size_t number) const;
  void make_room();
  void put_aside(Entry& entry);

  const TileShape shape_;
  const Pyramid& pyramid_;
  const size_t memory_bytes_;
  mutable std::mutex mutex_;  // of everything below
  std::unordered_map<size_t, Entry> entries_;
  std::vector<bool> closed_;
  size_t held_bytes_ = 0;
  std::unique_ptr<std::byte[]> spare_;
  uint64_t clock_ = 0;
  std::vector<int64_t> free_slots_;
  int64_t slots_ = 0;
  tiff::ScratchFile scratch_;
};

}  // namespace geoloom::raster
