// SPDX-License-Identifier: Apache-2.0
// Decoding one block of a TIFF, from compressed bytes to samples in the processor's byte order.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "tiff/block_format.h"

namespace geoloom::tiff {

// Holds what codecs need beside the block; one per thread at a time.
class BlockDecoder {
 public:
  BlockDecoder();
  BlockDecoder(BlockDecoder&&) noexcept;
  BlockDecoder& operator=(BlockDecoder&&) noexcept;
  ~BlockDecoder();

  // Fills format.bytes() bytes: rows of interleaved samples, the predictor undone. Masks of 1 bit
  // stay packed. Throws Error(corrupt) when `stored` is not exactly such a block.
  void decode(const BlockFormat& format, std::span<const std::byte> stored,
              std::span<std::byte> block);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoloom::tiff
