// SPDX-License-Identifier: Apache-2.0
#include "tiff/deflate.h"

#include <libdeflate.h>

#include <map>
#include <memory>

#include "error/error.h"

namespace geoloom::tiff {
namespace {

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const {
    libdeflate_free_compressor(compressor);
  }
};

libdeflate_compressor& compressor_of(int level) {
  thread_local std::map<int, std::unique_ptr<libdeflate_compressor, FreeCompressor>> kept;
  auto& compressor = kept[level];
  if (!compressor) compressor.reset(libdeflate_alloc_compressor(level));
  if (!compressor) throw Error(ErrorCode::resource, "no memory to compress with");
  return *compressor;
}

}  // namespace

std::string zlib_stream(std::span<const uint8_t> bytes, int level) {
  auto& compressor = compressor_of(level);
  std::string out(libdeflate_zlib_compress_bound(&compressor, bytes.size()), '\0');
  const size_t size =
      libdeflate_zlib_compress(&compressor, bytes.data(), bytes.size(), out.data(), out.size());
  if (size == 0) throw Error(ErrorCode::internal, "a buffer could not be compressed");
  out.resize(size);
  return out;
}

uint32_t crc32(std::string_view bytes) {
  return libdeflate_crc32(0, bytes.data(), bytes.size());
}

}  // namespace geoloom::tiff
