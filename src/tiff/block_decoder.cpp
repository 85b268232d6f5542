// SPDX-License-Identifier: Apache-2.0
#include "tiff/block_decoder.h"

#include <fmt/format.h>
#include <libdeflate.h>
#include <zstd.h>

#include <cstring>
#include <new>

#include "error/error.h"
#include "tiff/libtiff_codec.h"
#include "tiff/predictor.h"

namespace geoloom::tiff {
namespace {

struct FreeInflater {
  void operator()(libdeflate_decompressor* p) const { libdeflate_free_decompressor(p); }
};
struct FreeZstdDecoder {
  void operator()(ZSTD_DCtx* p) const { ZSTD_freeDCtx(p); }
};

}  // namespace

struct BlockDecoder::Impl {
  std::unique_ptr<libdeflate_decompressor, FreeInflater> inflater;
  std::unique_ptr<ZSTD_DCtx, FreeZstdDecoder> zstd;
  LibtiffCodec libtiff;
  std::vector<std::byte> row;

  bool inflate(std::span<const std::byte> stored, std::span<std::byte> block) {
    if (!inflater) inflater.reset(libdeflate_alloc_decompressor());
    if (!inflater) throw std::bad_alloc();
    return libdeflate_zlib_decompress(inflater.get(), stored.data(), stored.size(), block.data(),
                                      block.size(), nullptr) == LIBDEFLATE_SUCCESS;
  }

  void decode_zstd(std::span<const std::byte> stored, std::span<std::byte> block) {
    if (!zstd) zstd.reset(ZSTD_createDCtx());
    if (!zstd) throw std::bad_alloc();
    const size_t got =
        ZSTD_decompressDCtx(zstd.get(), block.data(), block.size(), stored.data(), stored.size());
    if (ZSTD_isError(got) != 0)
      throw Error(ErrorCode::corrupt, "a block cannot be decoded").cause(ZSTD_getErrorName(got));
    if (got != block.size())
      throw Error(ErrorCode::corrupt,
                  fmt::format("a block holds {} bytes instead of {}", got, block.size()));
  }

  // Samples in the processor's order, for codecs that neither predict nor swap by themselves.
  void finish(const BlockFormat& format, std::span<std::byte> block) {
    if (format.bits == 1) return;
    if (format.predictor != Predictor::none || (format.big_endian && format.bits > 8))
      undo_predictor(format, block.data(), row);
  }
};

BlockDecoder::BlockDecoder() : impl_(std::make_unique<Impl>()) {}
BlockDecoder::BlockDecoder(BlockDecoder&&) noexcept = default;
BlockDecoder& BlockDecoder::operator=(BlockDecoder&&) noexcept = default;
BlockDecoder::~BlockDecoder() = default;

void BlockDecoder::decode(const BlockFormat& format, std::span<const std::byte> stored,
                          std::span<std::byte> block) {
  switch (format.compression) {
    case Compression::none:
      if (stored.size() < block.size())
        throw Error(ErrorCode::corrupt, fmt::format("a block holds {} bytes instead of {}",
                                                    stored.size(), block.size()));
      std::memcpy(block.data(), stored.data(), block.size());
      return impl_->finish(format, block);
    case Compression::deflate:
      // What libdeflate refuses (data after the block's end) libtiff may still take.
      if (!impl_->inflate(stored, block)) return impl_->libtiff.decode(format, stored, block);
      return impl_->finish(format, block);
    case Compression::zstd:
      impl_->decode_zstd(stored, block);
      return impl_->finish(format, block);
    case Compression::lzw:
    case Compression::jpeg:
    case Compression::lerc:
      return impl_->libtiff.decode(format, stored, block);
  }
}

}  // namespace geoloom::tiff
