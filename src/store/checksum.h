// SPDX-License-Identifier: Apache-2.0
// Identities of bytes: SHA-256 where others read them (STAC file:checksum, fingerprints), XXH3
// where only speed counts (pixel hashes, segment records).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace geoloom::store {

std::string sha256_hex(std::string_view bytes);
std::string sha256_hex_of_file(const std::string& path);  // streamed; throws Error

// Streaming XXH3 128 bit; hex() gives 32 digits.
class PixelHash {
 public:
  PixelHash();
  PixelHash(PixelHash&&) noexcept;
  PixelHash& operator=(PixelHash&&) noexcept;
  ~PixelHash();
  void add(const void* data, size_t bytes);
  void add(std::string_view text) { add(text.data(), text.size()); }
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

uint64_t xxh3_64(std::string_view bytes);

}  // namespace geoloom::store
