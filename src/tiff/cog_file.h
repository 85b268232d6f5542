// SPDX-License-Identifier: Apache-2.0
// The container of a Cloud Optimized GeoTIFF: from compressed tiles to one file, in one pass and in
// one order whatever order the tiles came in. Layout and names as in "Cloud Optimized GeoTIFF" of
// GDAL's COG driver: header, structural metadata, all directories, then tiles, the smallest
// overview first. A tile lies between its size and a copy of its last four bytes, and is followed
// by the mask's tile, so that GDAL can read both at once and without the tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tiff/block_format.h"
#include "tiff/block_store.h"
#include "tiff/directory.h"

namespace geoloom::tiff {

// The tags of a file's first directory, but for those that describe its size and blocks. For small
// files of our own making, classic and little-endian: throws Error(internal) for others.
std::vector<Tag> descriptive_tags(const std::string& tiff_file);

// Tiles of one image, row by row.
using TilePlaces = std::vector<BlockStore::Place>;

struct CogLevel {
  int64_t width = 0, height = 0;  // pixels
  TilePlaces tiles;
  TilePlaces mask_tiles;  // empty: the file has no mask
};

struct CogDescription {
  BlockFormat block;             // of the image's tiles; masks are 1 bit, deflated, in tiles alike
  std::vector<Tag> tags;         // of the main image, beside what follows from `block`
  std::vector<CogLevel> levels;  // the main image first, then ever smaller overviews
  bool always_big = false;       // BigTIFF even where 4 GiB suffice
};

struct WrittenFile {
  uint64_t bytes = 0;
  std::string sha256;
};

// Writes the file at `path` and hashes it on the way. Throws Error(resource) when the disk is full,
// and removes what was written.
WrittenFile write_cog(const std::string& path, const CogDescription& description,
                      const BlockStore& store);

}  // namespace geoloom::tiff
