// SPDX-License-Identifier: Apache-2.0
// Tokens, key sets, addresses and Base64 as strangers send them: nothing gets in without a
// signature, whatever the claims say. Built with libFuzzer from this file, src/http and src/error.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "error/error.h"
#include "http/base64.h"
#include "http/push_token.h"
#include "http/url.h"

namespace {

namespace http = geoloom::http;

void require(bool condition) {
  if (!condition) std::abort();
}

template <class Action>
bool accepted(geoloom::ErrorCode otherwise, const Action& action) {
  try {
    action();
    return true;
  } catch (const geoloom::Error& error) {
    require(error.code() == otherwise);
    return false;
  }
}

// A key of this process, and a verifier that knows its public half.
class Signer {
 public:
  Signer() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")) {
    std::string path = "/tmp/geoloom-fuzz-XXXXXX";
    const int descriptor = ::mkstemp(path.data());
    std::FILE* file = ::fdopen(descriptor, "w");
    require(file != nullptr && PEM_write_PUBKEY(file, key_.get()) == 1);
    std::fclose(file);
    verifier_ = std::make_unique<http::TokenVerifier>(
        http::TokenRules{path, {"issuer"}, {"audience"}, {"e@mail"}});
    path_ = path;
  }
  ~Signer() { ::unlink(path_.c_str()); }
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  bool accepts(std::string_view token) const {
    return accepted(geoloom::ErrorCode::denied, [&] {
      const auto claims =
          verifier_->verify(token, http::TokenVerifier::Time(std::chrono::seconds(1'900'000'000)));
      require(claims.issuer == "issuer" && claims.email == "e@mail");
      require(claims.expires.time_since_epoch() > std::chrono::seconds(1'899'999'939));
    });
  }

  std::string token(std::string_view claims) const {
    const auto text = http::encode_base64(R"({"alg":"ES256"})", http::Base64::url) + "." +
                      http::encode_base64(claims, http::Base64::url);
    return text + "." + http::encode_base64(signature(text), http::Base64::url);
  }

 private:
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::string signature(const std::string& text) const {
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    unsigned char der[128];
    size_t size = sizeof der;
    const void* any = text.data();
    require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
            EVP_DigestSign(context.get(), der, &size, static_cast<const unsigned char*>(any),
                           text.size()) == 1);
    const unsigned char* at = der;
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size));
    unsigned char raw[64];
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32);
    ECDSA_SIG_free(pair);
    return {raw, raw + 64};
  }

  std::unique_ptr<EVP_PKEY, http::FreeKey> key_;
  std::string path_;
  std::unique_ptr<http::TokenVerifier> verifier_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Signer signer;
  const std::string text(data, data + size);
  require(!signer.accepts(text));
  if (size < 4096) signer.accepts(signer.token(text));
  accepted(geoloom::ErrorCode::invalid, [&] { require(!http::parse_keys(text).empty()); });
  accepted(geoloom::ErrorCode::invalid, [&] { require(!http::parse_url(text).host.empty()); });
  for (const auto alphabet : {http::Base64::standard, http::Base64::url}) {
    require(http::decode_base64(http::encode_base64(text, alphabet), alphabet) == text);
    if (const auto bytes = http::decode_base64(text, alphabet))
      require(http::encode_base64(*bytes, alphabet).starts_with(text));
  }
  return 0;
}
