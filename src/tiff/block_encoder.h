// SPDX-License-Identifier: Apache-2.0
// Encoding one block of a TIFF: from planes of samples to compressed bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "tiff/block_format.h"
#include "tiff/libtiff_codec.h"

namespace geoloom::tiff {

// Holds what codecs need beside the block; one per thread at a time.
class BlockEncoder {
 public:
  BlockEncoder();
  BlockEncoder(BlockEncoder&&) noexcept;
  BlockEncoder& operator=(BlockEncoder&&) noexcept;
  ~BlockEncoder();

  // One plane for each of format.samples: width x height samples, dense, in the processor's byte
  // order. They are interleaved, differenced as the predictor says and compressed; `encoded` is
  // replaced. The bytes depend on the arguments and the libraries only. Throws Error(resource) when
  // memory is short and Error(internal) when the format cannot be encoded.
  void encode(const BlockFormat& format, const EncodingOptions& options,
              std::span<const std::byte* const> planes, std::vector<std::byte>& encoded);

  // Bytes that an encoder holds, its result included.
  static size_t memory_bytes(const BlockFormat& format, const EncodingOptions& options);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoloom::tiff
