// SPDX-License-Identifier: Apache-2.0
// The directories of a TIFF file (classic and BigTIFF, both byte orders): tags as they stand, and
// what they say about an image. Sources: TIFF 6.0, and "The BigTIFF File Format" of AWare Systems.
// Files are not trusted: every count and offset is checked before memory is taken for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gdal/random_access_file.h"
#include "tiff/block_format.h"

namespace geoloom::tiff {

enum class TagNumber : uint16_t {
  subfile_type = 254,
  width = 256,
  height = 257,
  bits_per_sample = 258,
  compression = 259,
  photometric = 262,
  fill_order = 266,
  strip_offsets = 273,
  samples_per_pixel = 277,
  rows_per_strip = 278,
  strip_sizes = 279,
  planar_configuration = 284,
  predictor = 317,
  colour_map = 320,
  tile_width = 322,
  tile_height = 323,
  tile_offsets = 324,
  tile_sizes = 325,
  extra_samples = 338,
  sample_format = 339,
  jpeg_tables = 347,
  ycbcr_subsampling = 530,
  reference_black_white = 532,
  gdal_nodata = 42113,
  lerc_parameters = 50674,
};

struct Tag {
  uint16_t number = 0;
  uint16_t type = 0;  // as in TIFF: 1 byte, 2 ASCII, 3 short, 4 long, 12 double, 16 long8 ...
  uint64_t count = 0;
  // The values in the processor's byte order. Empty for block offsets and sizes, which may be many:
  // they are read when an image is.
  std::vector<std::byte> bytes;
  uint64_t position = 0;  // of the values in the file

  // Throws Error(corrupt) for a tag that is not a whole number or has fewer values.
  uint64_t whole_number(size_t index = 0) const;
};
size_t byte_size_of_type(uint16_t tag_type);  // 0: no such type

struct TagList {
  std::vector<Tag> tags;
  const Tag* find(TagNumber number) const;
};

// What a file says at its beginning, and the tags of all its directories in file order.
struct TagFile {
  bool big_endian = false;
  bool big = false;  // BigTIFF
  std::vector<TagList> directories;
  // The file's first bytes, where block tables often are: a remote file is asked once.
  std::vector<std::byte> start;
  uint64_t end = 0;  // of the directories and all they refer to but blocks
  // Of all tags but block offsets and sizes: files that agree in it are described alike.
  std::string digest;
};
// Throws Error(invalid) when it is no TIFF, and Error(corrupt) when directories are cut or refer
// to each other in a circle.
TagFile read_tags(const gdal::RandomAccessFile& file);

// One image (main image, overview or mask) as this reader can take it.
struct Directory {
  int64_t width = 0, height = 0;
  int samples = 1;            // bands
  bool planes_apart = false;  // each band has blocks of its own
  bool reduced = false;       // an overview
  bool mask = false;
  bool strips = false;  // blocks are strips: the last of them ends with the image
  BlockFormat block;    // `samples` is 1 where planes are apart
  int64_t blocks_across = 0, blocks_down = 0;
  Tag offsets, sizes;

  int64_t blocks() const { return blocks_across * blocks_down * (planes_apart ? samples : 1); }
};

// What blocks an image has. Offset or size 0: there is none (its pixels are nodata).
struct BlockTable {
  std::vector<uint64_t> offsets;
  std::vector<uint64_t> sizes;
};

// An image that can be read without GDAL, or why not: a compression, a sample type, a layout that
// is left to it.
struct Readable {
  std::optional<Directory> directory;
  std::string why_not;
};
Readable interpret(const TagFile& file, const TagList& tags);
// Throws Error(corrupt) when the tables are cut.
BlockTable read_block_table(const gdal::RandomAccessFile& file, const TagFile& header,
                            const Directory& directory);

}  // namespace geoloom::tiff
