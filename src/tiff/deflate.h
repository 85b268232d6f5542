// SPDX-License-Identifier: Apache-2.0
// DEFLATE of whole buffers, for formats beside TIFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace geoloom::tiff {

// A zlib stream (RFC 1950); `level` from 1 (fast) to 12 (small).
std::string zlib_stream(std::span<const uint8_t> bytes, int level);
// That of PNG, gzip and zip.
uint32_t crc32(std::string_view bytes);

}  // namespace geoloom::tiff
