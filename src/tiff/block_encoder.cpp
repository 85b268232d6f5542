// SPDX-License-Identifier: Apache-2.0
#include "tiff/block_encoder.h"

#include <fmt/format.h>
#include <libdeflate.h>
#include <zstd.h>

#include <cstdint>
#include <cstring>

#include "error/error.h"
#include "tiff/predictor.h"

namespace geoloom::tiff {
namespace {

struct FreeDeflate {
  void operator()(libdeflate_compressor* compressor) const {
    libdeflate_free_compressor(compressor);
  }
};
struct FreeZstdEncoder {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// One row of one band, from its plane to every `stride`-th sample of the block; with kDifference
// the horizontal predictor in the same pass.
template <class T, bool kDifference>
void spread_row(const T* from, T* to, size_t width, size_t stride) {
  T before = 0;
  for (size_t x = 0; x < width; ++x) {
    to[x * stride] = kDifference ? static_cast<T>(from[x] - before) : from[x];
    before = from[x];
  }
}

// Three bands at once, as most pictures have them: each line of the cache is written once.
template <class T, bool kDifference>
void interleave_three(const T* a, const T* b, const T* c, T* to, size_t width) {
  T before_a = 0, before_b = 0, before_c = 0;
  for (size_t x = 0; x < width; ++x, to += 3) {
    to[0] = kDifference ? static_cast<T>(a[x] - before_a) : a[x];
    to[1] = kDifference ? static_cast<T>(b[x] - before_b) : b[x];
    to[2] = kDifference ? static_cast<T>(c[x] - before_c) : c[x];
    before_a = a[x];
    before_b = b[x];
    before_c = c[x];
  }
}

template <class T, bool kDifference>
void interleave(const BlockFormat& format, std::span<const std::byte* const> planes, T* block) {
  const auto width = static_cast<size_t>(format.width);
  const size_t samples = planes.size();
  const auto plane = [&](size_t s) { return reinterpret_cast<const T*>(planes[s]); };
  for (size_t y = 0; y < static_cast<size_t>(format.height); ++y, block += width * samples) {
    const size_t at = y * width;
    if (samples == 3) {
      interleave_three<T, kDifference>(plane(0) + at, plane(1) + at, plane(2) + at, block, width);
      continue;
    }
    for (size_t s = 0; s < samples; ++s)
      spread_row<T, kDifference>(plane(s) + at, block + s, width, samples);
  }
}

template <class T>
void interleave(const BlockFormat& format, std::span<const std::byte* const> planes,
                std::byte* block) {
  T* const samples = reinterpret_cast<T*>(block);
  if (format.predictor == Predictor::horizontal)
    interleave<T, true>(format, planes, samples);
  else
    interleave<T, false>(format, planes, samples);
}

// The memory that ZSTD takes for a source of this size; measured for 1.5, rounded up.
size_t zstd_memory(int level) {
  return level <= 9 ? size_t{16} << 20 : level <= 19 ? size_t{48} << 20 : size_t{96} << 20;
}

}  // namespace

struct BlockEncoder::Impl {
  void pack(const BlockFormat& format, std::span<const std::byte* const> planes);
  void deflate(int level, std::vector<std::byte>& encoded);
  void zstd(int level, std::vector<std::byte>& encoded);

  std::vector<std::byte> block, row;
  std::unique_ptr<libdeflate_compressor, FreeDeflate> deflate_compressor;
  int deflate_level = 0;
  std::unique_ptr<ZSTD_CCtx, FreeZstdEncoder> zstd_context;
  LibtiffCodec libtiff;
};

void BlockEncoder::Impl::pack(const BlockFormat& format, std::span<const std::byte* const> planes) {
  block.resize(format.bytes());
  switch (format.bits) {
    case 8:
      interleave<uint8_t>(format, planes, block.data());
      break;
    case 16:
      interleave<uint16_t>(format, planes, block.data());
      break;
    case 32:
      interleave<uint32_t>(format, planes, block.data());
      break;
    default:
      interleave<uint64_t>(format, planes, block.data());
  }
  if (format.predictor == Predictor::floating_point) apply_predictor(format, block.data(), row);
}

void BlockEncoder::Impl::deflate(int level, std::vector<std::byte>& encoded) {
  if (!deflate_compressor || deflate_level != level) {
    deflate_compressor.reset(libdeflate_alloc_compressor(level));
    deflate_level = level;
  }
  if (!deflate_compressor) throw Error(ErrorCode::resource, "no memory for a compressor");
  encoded.resize(libdeflate_zlib_compress_bound(deflate_compressor.get(), block.size()));
  encoded.resize(libdeflate_zlib_compress(deflate_compressor.get(), block.data(), block.size(),
                                          encoded.data(), encoded.size()));
}

void BlockEncoder::Impl::zstd(int level, std::vector<std::byte>& encoded) {
  if (!zstd_context) zstd_context.reset(ZSTD_createCCtx());
  if (!zstd_context) throw Error(ErrorCode::resource, "no memory for a compressor");
  encoded.resize(ZSTD_compressBound(block.size()));
  const size_t size = ZSTD_compressCCtx(zstd_context.get(), encoded.data(), encoded.size(),
                                        block.data(), block.size(), level);
  if (ZSTD_isError(size) != 0)
    throw Error(ErrorCode::resource, "a block cannot be encoded").cause(ZSTD_getErrorName(size));
  encoded.resize(size);
}

BlockEncoder::BlockEncoder() : impl_(std::make_unique<Impl>()) {}
BlockEncoder::BlockEncoder(BlockEncoder&&) noexcept = default;
BlockEncoder& BlockEncoder::operator=(BlockEncoder&&) noexcept = default;
BlockEncoder::~BlockEncoder() = default;

void BlockEncoder::encode(const BlockFormat& format, const EncodingOptions& options,
                          std::span<const std::byte* const> planes,
                          std::vector<std::byte>& encoded) {
  if (planes.size() != static_cast<size_t>(format.samples))
    throw Error(ErrorCode::internal,
                fmt::format("{} planes for {} samples", planes.size(), format.samples));
  Impl& impl = *impl_;
  impl.pack(format, planes);
  switch (format.compression) {
    case Compression::none:
      encoded.assign(impl.block.begin(), impl.block.end());
      return;
    case Compression::deflate:
      return impl.deflate(options.level, encoded);
    case Compression::zstd:
      return impl.zstd(options.level, encoded);
    default:
      break;
  }
  BlockFormat packed = format;
  packed.predictor = Predictor::none;  // has been applied
  impl.libtiff.encode(packed, options, impl.block, encoded);
}

size_t BlockEncoder::memory_bytes(const BlockFormat& format, const EncodingOptions& options) {
  const size_t block = format.bytes();
  switch (format.compression) {
    case Compression::deflate:
      return 2 * block + block / 16 + (size_t{options.level >= 10 ? 9U : 2U} << 20);
    case Compression::zstd:
      return 2 * block + block / 16 + zstd_memory(options.level);
    case Compression::none:
      return 2 * block;
    default:
      return 4 * block + (size_t{2} << 20);  // libtiff holds its file as well
  }
}

}  // namespace geoloom::tiff
