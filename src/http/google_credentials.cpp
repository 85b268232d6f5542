// SPDX-License-Identifier: Apache-2.0
#include "http/google_credentials.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "error/error.h"
#include "http/base64.h"
#include "http/signing_keys.h"
#include "http/url.h"

namespace geoloom::http {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

constexpr seconds kSpare{60};
constexpr seconds kAssertionLife{3600};
constexpr size_t kLargestAnswerBytes = size_t{64} << 10;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Tokens come quickly or not at all.
const RetryRules kRetries{.attempts = 4, .give_up_after = seconds(60), .backoff = {}};

AccessToken token_of(const Response& response, const char* who,
                     std::chrono::system_clock::time_point now) {
  const auto json = Json::parse(response.body, nullptr, false);
  const bool usable = response.ok() && json.is_object() && json.contains("access_token") &&
                      json["access_token"].is_string();
  if (!usable)
    throw Error(verdict_of(response.status) == Verdict::transient ? ErrorCode::unavailable
                                                                  : ErrorCode::denied,
                fmt::format("{} gives no access token (status {})", who, response.status))
        .hint("check the service account and its rights");
  const auto life = json.contains("expires_in") && json["expires_in"].is_number()
                        ? json["expires_in"].get<int64_t>()
                        : 300;
  return {json["access_token"].get<std::string>(), now + seconds(life)};
}

class FixedToken final : public GoogleCredentials {
 public:
  explicit FixedToken(std::string token) : token_(std::move(token)) {}

 protected:
  AccessToken fetch(Client&, const Surroundings&) override {
    return {token_, std::chrono::system_clock::time_point::max()};
  }

 private:
  std::string token_;
};

class MetadataServer final : public GoogleCredentials {
 public:
  explicit MetadataServer(std::string host) : host_(std::move(host)) {}

 protected:
  AccessToken fetch(Client& client, const Surroundings& surroundings) override {
    Request request;
    request.url = "http://" + host_ + "/computeMetadata/v1/instance/service-accounts/default/token";
    request.headers = {{"Metadata-Flavor", "Google"}};
    request.timeouts.connect = std::chrono::milliseconds(3000);
    request.timeouts.total = std::chrono::milliseconds(10'000);
    request.largest_answer_bytes = kLargestAnswerBytes;
    return token_of(send_with_retries(client, request, kRetries, surroundings),
                    "the metadata server", surroundings.wall_clock());
  }

 private:
  std::string host_;
};

class ServiceAccount final : public GoogleCredentials {
 public:
  ServiceAccount(const std::string& path, std::string scope) : scope_(std::move(scope)) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file)
      throw Error(ErrorCode::missing, "the service account's key file cannot be read")
          .at({.file = path})
          .hint("GOOGLE_APPLICATION_CREDENTIALS names it");
    const auto json = Json::parse(text, nullptr, false);
    const auto member = [&](const char* name) {
      const auto found = json.is_object() ? json.find(name) : json.end();
      return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    email_ = member("client_email");
    token_uri_ = member("token_uri");
    key_id_ = member("private_key_id");
    const auto pem = member("private_key");
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
    key_.reset(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (email_.empty() || token_uri_.empty() || !key_ || !EVP_PKEY_is_a(key_.get(), "RSA"))
      throw Error(ErrorCode::invalid, "this is not the key file of a service account")
          .at({.file = path})
          .hint("it has client_email, private_key (RSA) and token_uri");
  }

 protected:
  AccessToken fetch(Client& client, const Surroundings& surroundings) override {
    Request request;
    request.method = "POST";
    request.url = token_uri_;
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = "grant_type=" + percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer") +
                   "&assertion=" + assertion(surroundings.wall_clock());
    request.largest_answer_bytes = kLargestAnswerBytes;
    return token_of(send_with_retries(client, request, kRetries, surroundings), "the token server",
                    surroundings.wall_clock());
  }

 private:
  std::string assertion(std::chrono::system_clock::time_point now) const {
    const auto issued = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
    const Json header{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", key_id_}};
    const Json claims{{"iss", email_},
                      {"scope", scope_},
                      {"aud", token_uri_},
                      {"iat", issued},
                      {"exp", issued + kAssertionLife.count()}};
    const auto text =
        encode_base64(header.dump(), Base64::url) + "." + encode_base64(claims.dump(), Base64::url);
    return text + "." + encode_base64(signature(text), Base64::url);
  }

  std::string signature(const std::string& text) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    std::string bytes(static_cast<size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    size_t size = bytes.size();
    const void* from = text.data();
    void* to = bytes.data();
    if (!context ||
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), static_cast<unsigned char*>(to), &size,
                       static_cast<const unsigned char*>(from), text.size()) != 1)
      throw Error(ErrorCode::internal, "the request for an access token cannot be signed");
    bytes.resize(size);
    return bytes;
  }

  std::string scope_, email_, token_uri_, key_id_;
  std::unique_ptr<EVP_PKEY, FreeKey> key_;
};

}  // namespace

std::string GoogleCredentials::token(Client& client, const Surroundings& surroundings) {
  const std::lock_guard lock(mutex_);
  if (cached_.text.empty() || surroundings.wall_clock() + kSpare >= cached_.expires)
    cached_ = fetch(client, surroundings);
  return cached_.text;
}

std::unique_ptr<GoogleCredentials> google_credentials(const std::string& scope) {
  if (auto token = environment("GEOLOOM_PUBSUB_TOKEN"); !token.empty())
    return std::make_unique<FixedToken>(std::move(token));
  if (const auto path = environment("GOOGLE_APPLICATION_CREDENTIALS"); !path.empty())
    return std::make_unique<ServiceAccount>(path, scope);
  const auto host = environment("GCE_METADATA_HOST");
  if (!host.empty() || environment("CPL_MACHINE_IS_GCE") == "YES")
    return std::make_unique<MetadataServer>(host.empty() ? "metadata.google.internal" : host);
  throw Error(ErrorCode::denied, "there are no credentials for Google's services")
      .hint(
          "set GEOLOOM_PUBSUB_TOKEN, or GOOGLE_APPLICATION_CREDENTIALS to a key file, or "
          "CPL_MACHINE_IS_GCE=YES on a Google machine; PUBSUB_EMULATOR_HOST needs none");
}

std::unique_ptr<GoogleCredentials> no_credentials() {
  return std::make_unique<FixedToken>("");
}

}  // namespace geoloom::http
