// SPDX-License-Identifier: Apache-2.0
// Single blocks through libtiff, for the compressions that are not called directly: LZW, JPEG and
// LERC; and DEFLATE blocks that libdeflate refuses. libtiff is shown a file in memory that consists
// of one strip with the block's format, so it never sees a directory that somebody else has
// written.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "tiff/block_format.h"

namespace geoloom::tiff {

// What an encoder may choose, by compression; the others are not looked at.
struct EncodingOptions {
  int level = 6;           // deflate 1..12, zstd 1..22
  int quality = 90;        // jpeg 1..100
  double max_z_error = 0;  // lerc: largest difference of a value, in its own unit; 0 = lossless
};

// One thread at a time; keep one per thread. The set-up for a format is kept until another comes.
class LibtiffCodec {
 public:
  LibtiffCodec();
  LibtiffCodec(LibtiffCodec&&) noexcept;
  LibtiffCodec& operator=(LibtiffCodec&&) noexcept;
  ~LibtiffCodec();

  static bool handles(Compression compression);

  // Decodes a block into exactly format.bytes() bytes: predictor undone, samples in the processor's
  // byte order, YCbCr as RGB. Throws Error(corrupt) with libtiff's message, also for what libtiff
  // would only warn of, such as a JPEG stream that ends early; `pixels` are then unspecified.
  // Nothing outside of `pixels` is written, whatever the input.
  void decode(const BlockFormat& format, std::span<const std::byte> encoded,
              std::span<std::byte> pixels);

  // Encodes format.bytes() bytes in the processor's byte order, and applies the predictor. Blocks
  // of JPEG are complete streams (no jpeg_tables); ycbcr expects RGB. LERC holds no NaN. The bytes
  // depend on the arguments and the libraries only. Throws Error(internal) when the format cannot
  // be encoded.
  void encode(const BlockFormat& format, const EncodingOptions& options,
              std::span<const std::byte> pixels, std::vector<std::byte>& encoded);

 private:
  struct Decoder;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace geoloom::tiff
