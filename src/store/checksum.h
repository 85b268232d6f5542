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
// What object stores call the ETag of what went up in one piece. Errors as above.
std::string md5_hex_of_file(const std::string& path);

// Streaming SHA-256; hex() gives 64 digits, once.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();
  void add(const void* data, size_t bytes);
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

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

struct Hash128 {
  uint64_t low = 0, high = 0;
};
Hash128 xxh3_128(const void* data, size_t bytes);

}  // namespace geoloom::store
