// SPDX-License-Identifier: Apache-2.0
// How the bytes of one block (a tile or a strip) of a TIFF are encoded: all that a codec has to
// know, for reading and for writing. The values of the enums are those of the TIFF tags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace geoloom::tiff {

enum class Compression : uint16_t {
  none = 1,
  lzw = 5,
  jpeg = 7,
  deflate = 8,  // tag 32946 means the same
  lerc = 34887,
  zstd = 50000,
};

enum class Predictor : uint16_t { none = 1, horizontal = 2, floating_point = 3 };

enum class SampleFormat : uint16_t { unsigned_integer = 1, signed_integer = 2, floating_point = 3 };

enum class Photometric : uint16_t {
  min_is_white = 0,
  min_is_black = 1,
  rgb = 2,
  palette = 3,
  mask = 4,
  ycbcr = 6,
};

struct BlockFormat {
  int width = 0;  // pixels
  int height = 0;
  int samples = 1;  // interleaved in one block: 1 when bands are stored apart
  int bits = 8;     // of a sample: 8, 16, 32 or 64; 1 in masks, rows start at whole bytes
  SampleFormat sample_format = SampleFormat::unsigned_integer;
  Compression compression = Compression::none;
  Predictor predictor = Predictor::none;
  bool big_endian = false;
  Photometric photometric = Photometric::min_is_black;  // JPEG: ycbcr is decoded to RGB
  // What the blocks of a JPEG file share; empty when each is complete.
  std::string jpeg_tables;

  size_t row_bytes() const {
    return (static_cast<size_t>(width) * static_cast<size_t>(samples) * static_cast<size_t>(bits) +
            7) /
           8;
  }
  size_t bytes() const { return row_bytes() * static_cast<size_t>(height); }
};

}  // namespace geoloom::tiff
