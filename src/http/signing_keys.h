// SPDX-License-Identifier: Apache-2.0
// Public keys that tokens are verified with, from a file that may be replaced while the service
// runs.
#pragma once

#include <openssl/types.h>

#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom::http {

enum class Algorithm {
  rs256,  // RSA of at least 2048 bits, PKCS #1 v1.5, SHA-256
  es256   // ECDSA on P-256, SHA-256
};

struct FreeKey {
  void operator()(EVP_PKEY* key) const;
};

struct PublicKey {
  std::string id;  // "kid"; empty for keys from PEM
  Algorithm algorithm = Algorithm::rs256;
  std::unique_ptr<EVP_PKEY, FreeKey> key;

  // `signature` as tokens carry it: for ES256 r and s, 32 bytes each.
  bool verifies(std::string_view signed_text, std::string_view signature) const;
};

// A JWK set {"keys": [...]}, or PEM: public keys and certificates, any number. In a set, keys for
// other uses, types and algorithms are left out; a set without any key left is an error. Throws
// Error(invalid) that says what is wrong, without the text.
std::vector<PublicKey> parse_keys(std::string_view text);

// The keys of a file. It is looked at before each use, and read again when it was replaced or
// written: keys can be rotated, or withdrawn, without a restart.
class KeyFile {
 public:
  using Keys = std::shared_ptr<const std::vector<PublicKey>>;
  // Throws Error: missing, denied, invalid.
  explicit KeyFile(std::string path);
  // Thread-safe. Throws Error(unavailable) while the file cannot be read, which is not the fault of
  // who asks; keys read before are then not used any more, since they may have been withdrawn.
  Keys keys();

 private:
  struct Version {
    ino_t inode = 0;
    off_t bytes = -1;
    timespec changed{};
    bool operator==(const Version& other) const;
  };
  Version version() const;
  Keys read() const;

  const std::string path_;
  std::mutex mutex_;
  Version read_version_;
  Keys keys_;
};

}  // namespace geoloom::http
