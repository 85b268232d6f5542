// SPDX-License-Identifier: Apache-2.0
#include "http/signing_keys.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "error/error.h"
#include "http/base64.h"

namespace geoloom::http {
namespace {

using Json = nlohmann::json;

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;  // beyond that, verifying is a way to keep a server busy
constexpr size_t kLargestFileBytes = size_t{1} << 20;
constexpr size_t kCoordinateBytes = 32;

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, FreeKey>;
using Memory = std::unique_ptr<BIO, Free<BIO_free>>;

Error wrong_keys(const std::string& why) {
  return Error(ErrorCode::invalid, "not a set of public keys: " + why)
      .hint("a JWK set {\"keys\": [...]} or PEM public keys, RSA of 2048 bits or more or P-256");
}

const unsigned char* bytes_of(std::string_view text) {
  const void* any = text.data();
  return static_cast<const unsigned char*>(any);
}

// Which algorithm a key is for; nullopt when it is for none of ours.
std::optional<Algorithm> algorithm_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA")) {
    const int bits = EVP_PKEY_get_bits(key);
    if (bits < kLeastRsaBits || bits > kMostRsaBits) return std::nullopt;
    return Algorithm::rs256;
  }
  if (EVP_PKEY_is_a(key, "EC")) {
    char group[64] = "";
    size_t length = 0;
    if (EVP_PKEY_get_group_name(key, group, sizeof group, &length) != 1) return std::nullopt;
    const std::string_view name(group, length);
    if (name == "prime256v1" || name == "P-256") return Algorithm::es256;
  }
  return std::nullopt;
}

KeyHandle key_from(const char* type, OSSL_PARAM_BLD* parameters) {
  const std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>> list(
      OSSL_PARAM_BLD_to_param(parameters));
  const std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>> context(
      EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (list && context && EVP_PKEY_fromdata_init(context.get()) == 1)
    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, list.get());
  return KeyHandle(key);
}

using Parameters = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;

// A member of a JWK, decoded; empty when it is not there or not base64url.
std::string bytes_member(const Json& jwk, const char* name) {
  const auto found = jwk.find(name);
  if (found == jwk.end() || !found->is_string()) return {};
  return decode_base64(found->get_ref<const std::string&>(), Base64::url).value_or("");
}

KeyHandle rsa_key(const Json& jwk) {
  const auto modulus = bytes_member(jwk, "n"), exponent = bytes_member(jwk, "e");
  if (modulus.empty() || exponent.empty() || modulus.size() > kMostRsaBits / 8 + 1 ||
      exponent.size() > 8)
    return {};
  const Number n(BN_bin2bn(bytes_of(modulus), static_cast<int>(modulus.size()), nullptr));
  const Number e(BN_bin2bn(bytes_of(exponent), static_cast<int>(exponent.size()), nullptr));
  const Parameters parameters(OSSL_PARAM_BLD_new());
  if (!n || !e || !parameters ||
      OSSL_PARAM_BLD_push_BN(parameters.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(parameters.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return {};
  return key_from("RSA", parameters.get());
}

KeyHandle ec_key(const Json& jwk) {
  if (jwk.value("crv", Json()) != Json("P-256")) return {};
  const auto x = bytes_member(jwk, "x"), y = bytes_member(jwk, "y");
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) return {};
  const std::string point = "\x04" + x + y;
  const Parameters parameters(OSSL_PARAM_BLD_new());
  if (!parameters ||
      OSSL_PARAM_BLD_push_utf8_string(parameters.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
                                      0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(parameters.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return {};
  return key_from("EC", parameters.get());  // fails when the point is not on the curve
}

bool meant_for_verifying(const Json& jwk) {
  if (jwk.contains("use") && jwk["use"] != "sig") return false;
  const auto operations = jwk.find("key_ops");
  if (operations == jwk.end()) return true;
  return operations->is_array() &&
         std::find(operations->begin(), operations->end(), "verify") != operations->end();
}

std::optional<PublicKey> key_of(const Json& jwk) {
  if (!jwk.is_object() || !meant_for_verifying(jwk)) return std::nullopt;
  const auto type = jwk.value("kty", Json());
  PublicKey key;
  key.key = type == "RSA" ? rsa_key(jwk) : type == "EC" ? ec_key(jwk) : nullptr;
  if (!key.key) return std::nullopt;
  const auto algorithm = algorithm_of(key.key.get());
  if (!algorithm) return std::nullopt;
  key.algorithm = *algorithm;
  const char* const name = key.algorithm == Algorithm::rs256 ? "RS256" : "ES256";
  if (jwk.contains("alg") && jwk["alg"] != name) return std::nullopt;
  const auto id = jwk.find("kid");
  if (id != jwk.end() && id->is_string()) key.id = id->get<std::string>();
  return key;
}

std::vector<PublicKey> keys_of_set(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw wrong_keys("it begins as JSON, and is not");
  const auto list = json.find("keys");
  if (!json.is_object() || list == json.end() || !list->is_array())
    throw wrong_keys("the JSON has no list \"keys\"");
  std::vector<PublicKey> keys;
  for (const auto& jwk : *list)
    if (auto key = key_of(jwk)) keys.push_back(std::move(*key));
  if (keys.empty())
    throw wrong_keys(fmt::format("of {} keys none is for RS256 or ES256", list->size()));
  return keys;
}

// Public keys and certificates of a PEM text, in order.
std::vector<PublicKey> keys_of_pem(std::string_view text) {
  const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!memory) throw std::bad_alloc();
  std::vector<PublicKey> keys;
  char *name = nullptr, *header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;
  while (PEM_read_bio(memory.get(), &name, &header, &data, &length) == 1) {
    const auto free = [](void* block) { OPENSSL_free(block); };
    const std::unique_ptr<void, decltype(free)> own_name(name, free), own_header(header, free),
        own_data(data, free);
    const std::string_view kind(name);
    const unsigned char* at = data;
    PublicKey key;
    if (kind == "PUBLIC KEY") {
      key.key.reset(d2i_PUBKEY(nullptr, &at, length));
    } else if (kind == "CERTIFICATE") {
      const std::unique_ptr<X509, Free<X509_free>> certificate(d2i_X509(nullptr, &at, length));
      if (certificate) key.key.reset(X509_get_pubkey(certificate.get()));
    } else if (kind.find("PRIVATE") != std::string_view::npos) {
      throw wrong_keys("it holds a private key")
          .hint("a service that verifies needs the public key");
    }
    const auto algorithm = key.key ? algorithm_of(key.key.get()) : std::nullopt;
    if (!algorithm) throw wrong_keys(fmt::format("cannot use its \"{}\"", kind));
    key.algorithm = *algorithm;
    keys.push_back(std::move(key));
  }
  if (keys.empty()) throw wrong_keys("it is neither JSON nor PEM");
  return keys;
}

// The DER form that OpenSSL verifies, from r and s.
std::string der_signature(std::string_view raw) {
  if (raw.size() != 2 * kCoordinateBytes) return {};
  Number r(BN_bin2bn(bytes_of(raw), kCoordinateBytes, nullptr));
  Number s(BN_bin2bn(bytes_of(raw.substr(kCoordinateBytes)), kCoordinateBytes, nullptr));
  const std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>> signature(ECDSA_SIG_new());
  if (!r || !s || !signature) throw std::bad_alloc();
  ECDSA_SIG_set0(signature.get(), r.release(), s.release());
  unsigned char* bytes = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &bytes);
  if (length <= 0) return {};
  const void* any = bytes;
  std::string der(static_cast<const char*>(any), static_cast<size_t>(length));
  OPENSSL_free(bytes);
  return der;
}

}  // namespace

void FreeKey::operator()(EVP_PKEY* key) const {
  EVP_PKEY_free(key);
}

bool PublicKey::verifies(std::string_view signed_text, std::string_view signature) const {
  const std::string der = algorithm == Algorithm::es256 ? der_signature(signature) : std::string();
  if (algorithm == Algorithm::es256) signature = der;
  if (signature.empty()) return false;
  const std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  if (!context) throw std::bad_alloc();
  const bool right =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(signed_text),
                       signed_text.size()) == 1;
  ERR_clear_error();  // a wrong signature leaves messages that the next user would take for its own
  return right;
}

std::vector<PublicKey> parse_keys(std::string_view text) {
  if (text.size() > kLargestFileBytes) throw wrong_keys("it is larger than a megabyte");
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) throw wrong_keys("it is empty");
  auto keys = text[first] == '{' ? keys_of_set(text) : keys_of_pem(text);
  ERR_clear_error();
  return keys;
}

KeyFile::KeyFile(std::string path) : path_(std::move(path)) {
  read_version_ = version();
  keys_ = read();
}

bool KeyFile::Version::operator==(const Version& other) const {
  return inode == other.inode && bytes == other.bytes && changed.tv_sec == other.changed.tv_sec &&
         changed.tv_nsec == other.changed.tv_nsec;
}

KeyFile::Version KeyFile::version() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0)
    throw Error(errno == EACCES ? ErrorCode::denied : ErrorCode::missing,
                fmt::format("the key file '{}' cannot be read", path_))
        .cause(std::strerror(errno));
  return {status.st_ino, status.st_size, status.st_mtim};
}

KeyFile::Keys KeyFile::read() const {
  std::ifstream file(path_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw Error(ErrorCode::denied, fmt::format("the key file '{}' cannot be read", path_));
  try {
    return std::make_shared<const std::vector<PublicKey>>(parse_keys(text));
  } catch (Error& error) {
    error.at({.file = path_});
    throw;
  }
}

KeyFile::Keys KeyFile::keys() {
  const std::lock_guard lock(mutex_);
  try {
    const auto now = version();
    if (keys_ && now == read_version_) return keys_;
    keys_.reset();
    keys_ = read();
    read_version_ = now;
    return keys_;
  } catch (const Error& error) {
    keys_.reset();
    throw Error(ErrorCode::unavailable, "the keys for verifying tokens cannot be read now")
        .cause(error.what());
  }
}

}  // namespace geoloom::http
