// SPDX-License-Identifier: Apache-2.0
#include "http/push_token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "error/error.h"
#include "http/base64.h"
#include "http/json_member.h"

namespace geoloom::http {
namespace {

using Json = nlohmann::json;
using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

constexpr size_t kLargestTokenBytes = size_t{16} << 10;
constexpr size_t kShortestSecretBytes = 16;

Digest digest_of(std::string_view text) {
  Digest digest;
  const void* any = text.data();
  SHA256(static_cast<const unsigned char*>(any), text.size(), digest.data());
  return digest;
}

Error refused(const std::string& why) {
  return Error(ErrorCode::denied, "the token is refused: " + why);
}

Json object_of(std::string_view part, const char* what) {
  const auto text = decode_base64(part, Base64::url);
  auto json = text ? Json::parse(*text, nullptr, false) : Json(Json::value_t::discarded);
  if (!json.is_object()) throw refused(std::string("its ") + what + " is not a JSON object");
  return json;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

struct Parts {
  std::string_view header, claims, signature, signed_text;
};

Parts split(std::string_view token) {
  if (token.size() > kLargestTokenBytes) throw refused("it is too long");
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    throw refused("it does not have three parts");
  return {token.substr(0, first), token.substr(first + 1, second - first - 1),
          token.substr(second + 1), token.substr(0, second)};
}

Algorithm algorithm_of(const Json& header) {
  // Extensions that must be understood; none is.
  if (header.contains("crit")) throw refused("it asks for extensions");
  const auto name = text_member(header, "alg");
  if (name == "RS256") return Algorithm::rs256;
  if (name == "ES256") return Algorithm::es256;
  throw refused("its algorithm is neither RS256 nor ES256");
}

// A key with an id serves only tokens that name it, or that name none when it is the only one of
// its algorithm. Keys without id (PEM) are all tried.
void check_signature(const Parts& parts, const Json& header, const KeyFile::Keys& keys) {
  const auto algorithm = algorithm_of(header);
  const auto signature = decode_base64(parts.signature, Base64::url);
  if (!signature) throw refused("its signature is not base64");
  const auto id = text_member(header, "kid");
  const auto fitting = std::count_if(
      keys->begin(), keys->end(), [&](const PublicKey& key) { return key.algorithm == algorithm; });
  bool tried = false;
  for (const auto& key : *keys) {
    const bool meant = key.id.empty() || key.id == id || (id.empty() && fitting == 1);
    if (key.algorithm != algorithm || !meant) continue;
    tried = true;
    if (key.verifies(parts.signed_text, *signature)) return;
  }
  throw refused(tried ? "its signature is wrong" : "no key of its id and algorithm is known");
}

// Seconds since 1970; nullopt when the claim is not there.
std::optional<double> time_claim(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::nullopt;
  constexpr double kLargest = 1e11;
  const double time = found->is_number() ? found->get<double>() : -1;
  if (!(time >= 0 && time < kLargest))
    throw refused(std::string("its '") + name + "' is not a time");
  return time;
}

// Returns when the token expires.
double check_times(const Json& claims, double now, double leeway) {
  const auto expires = time_claim(claims, "exp");
  if (!expires) throw refused("it never expires");
  if (now >= *expires + leeway) throw refused("it has expired");
  const auto not_before = time_claim(claims, "nbf"), issued = time_claim(claims, "iat");
  if (not_before && now < *not_before - leeway) throw refused("it is not valid yet");
  if (issued && now < *issued - leeway) throw refused("it was issued in the future");
  return *expires;
}

bool names_audience(const Json& claims, const std::vector<std::string>& audiences) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return false;
  if (found->is_string()) return contains(audiences, found->get<std::string>());
  return found->is_array() && std::any_of(found->begin(), found->end(), [&](const Json& one) {
           return one.is_string() && contains(audiences, one.get<std::string>());
         });
}

}  // namespace

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  for (size_t i = 0; i < kScheme.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(authorization[i])) != kScheme[i])
      return std::nullopt;
  const auto token = authorization.substr(kScheme.size());
  if (token.find_first_of(" \t") != std::string_view::npos) return std::nullopt;
  return token;
}

SharedSecret::SharedSecret(std::string secret) : secret_(std::move(secret)) {
  if (secret_.size() < kShortestSecretBytes)
    throw Error(ErrorCode::invalid, "the shared token is shorter than 16 characters")
        .hint("make one: openssl rand -hex 32");
  // Other characters would not get through an Authorization header (RFC 6750).
  const bool sendable = std::all_of(secret_.begin(), secret_.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("-._~+/=").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (!sendable)
    throw Error(ErrorCode::invalid, "the shared token has characters that no header carries")
        .hint("use letters, digits and -._~+/=, as openssl rand -hex 32 makes them");
}

bool SharedSecret::matches(std::string_view token) const {
  // Digests have one length, so that neither it nor the first difference can be timed.
  const auto wanted = digest_of(secret_), got = digest_of(token);
  return CRYPTO_memcmp(wanted.data(), got.data(), wanted.size()) == 0;
}

TokenVerifier::TokenVerifier(TokenRules rules) : rules_(std::move(rules)), keys_(rules_.key_file) {
  const auto empty = [](const std::vector<std::string>& list) {
    return list.empty() || contains(list, "");
  };
  if (empty(rules_.issuers) || empty(rules_.audiences))
    throw Error(ErrorCode::invalid, "signed tokens need an issuer and an audience to be checked")
        .hint("without them a token that the same issuer made for another service gets in");
}

TokenClaims TokenVerifier::verify(std::string_view token, Time now) const {
  const auto parts = split(token);
  const auto header = object_of(parts.header, "header");
  check_signature(parts, header, keys_.keys());
  const auto claims = object_of(parts.claims, "claims");
  const double now_seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  const double expires =
      check_times(claims, now_seconds, static_cast<double>(rules_.leeway.count()));
  TokenClaims result;
  result.issuer = text_member(claims, "iss");
  result.subject = text_member(claims, "sub");
  result.email = text_member(claims, "email");
  result.expires = Time(std::chrono::duration_cast<Time::duration>(
      std::chrono::duration<double>(std::floor(expires))));
  if (!contains(rules_.issuers, result.issuer)) throw refused("another issuer made it");
  if (!names_audience(claims, rules_.audiences)) throw refused("it is meant for another audience");
  if (!rules_.emails.empty()) {
    const auto verified = claims.find("email_verified");
    if (verified == claims.end() || *verified != true || !contains(rules_.emails, result.email))
      throw refused("its e-mail is not verified, or not one of those allowed");
  }
  return result;
}

}  // namespace geoloom::http
