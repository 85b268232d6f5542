// SPDX-License-Identifier: Apache-2.0
#include "store/checksum.h"

#include <openssl/evp.h>
#define XXH_STATIC_LINKING_ONLY
#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <vector>

#include "error/error.h"

namespace geoloom::store {
namespace {

struct DigestDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FileCloser {
  void operator()(std::FILE* file) const {
    std::fclose(file);  // NOLINT(cppcoreguidelines-owning-memory): this is the owner
  }
};

}  // namespace

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, DigestDeleter> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->context || EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1)
    throw Error(ErrorCode::internal, "SHA-256 is not available");
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::add(const void* data, size_t bytes) {
  EVP_DigestUpdate(state_->context.get(), data, bytes);
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 sha;
  sha.add(bytes.data(), bytes.size());
  return sha.hex();
}

namespace {

// Gives the bytes of a file to `add`, piece by piece.
template <typename Add>
void read_through(const std::string& path, const Add& add) {
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  if (!file) {
    const bool absent = errno == ENOENT || errno == ENOTDIR;
    const bool denied = errno == EACCES || errno == EPERM;
    throw Error(absent   ? ErrorCode::missing
                : denied ? ErrorCode::denied
                         : ErrorCode::unavailable,
                "cannot open the file to check it")
        .at({.file = path})
        .cause(std::generic_category().message(errno));
  }
  std::vector<char> buffer(size_t{1} << 18);
  while (const size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get()))
    add(buffer.data(), got);
  if (std::ferror(file.get()))
    throw Error(ErrorCode::unavailable, "cannot read the file to check it").at({.file = path});
}

std::string hex_of(const unsigned char* digest, unsigned size) {
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace

std::string sha256_hex_of_file(const std::string& path) {
  Sha256 sha;
  read_through(path, [&sha](const char* data, size_t bytes) { sha.add(data, bytes); });
  return sha.hex();
}

std::string md5_hex_of_file(const std::string& path) {
  const std::unique_ptr<EVP_MD_CTX, DigestDeleter> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) != 1)
    throw Error(ErrorCode::internal, "MD5 is not available");
  read_through(path, [&context](const char* data, size_t bytes) {
    EVP_DigestUpdate(context.get(), data, bytes);
  });
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  return hex_of(digest.data(), size);
}

struct PixelHash::State {
  XXH3_state_t xxh;
};

PixelHash::PixelHash() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->xxh);
}
PixelHash::PixelHash(PixelHash&&) noexcept = default;
PixelHash& PixelHash::operator=(PixelHash&&) noexcept = default;
PixelHash::~PixelHash() = default;

void PixelHash::add(const void* data, size_t bytes) {
  XXH3_128bits_update(&state_->xxh, data, bytes);
}

std::string PixelHash::hex() const {
  const auto hash = XXH3_128bits_digest(&state_->xxh);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

uint64_t xxh3_64(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Hash128 xxh3_128(const void* data, size_t bytes) {
  const auto hash = XXH3_128bits(data, bytes);
  return {hash.low64, hash.high64};
}

}  // namespace geoloom::store
