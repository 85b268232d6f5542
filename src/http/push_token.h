// SPDX-License-Identifier: Apache-2.0
// Who may send tasks: a shared secret, or a token that an identity provider signed for each request
// (JWT, RFC 7519, as OpenID Connect and Google's push subscriptions use it).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/signing_keys.h"

namespace geoloom::http {

// The token of an "Authorization: Bearer ..." header's value; nullopt for anything else.
std::optional<std::string_view> bearer_token(std::string_view authorization);

// A secret that both sides know. Comparing takes the same time whatever was sent.
class SharedSecret {
 public:
  // Throws Error(invalid) for one that is shorter than 16 bytes or that no header carries.
  explicit SharedSecret(std::string secret);
  bool matches(std::string_view token) const;

 private:
  std::string secret_;
};

struct TokenRules {
  std::string key_file;                // JWK set or PEM
  std::vector<std::string> issuers;    // "iss" must be one of these; not empty
  std::vector<std::string> audiences;  // "aud" must name one of these; not empty
  std::vector<std::string> emails;     // if any: "email" must be one, and be verified
  std::chrono::seconds leeway{60};     // for clocks that differ: exp, nbf, iat
};

struct TokenClaims {
  std::string issuer, subject, email;
  std::chrono::system_clock::time_point expires;
};

class TokenVerifier {
 public:
  using Time = std::chrono::system_clock::time_point;
  // Throws Error: invalid (rules that would let anybody in, a wrong key file), missing, denied.
  explicit TokenVerifier(TokenRules rules);
  // Thread-safe. The algorithm is RS256 or ES256 and must be that of the key, so that neither
  // "none" nor a public key taken for a shared secret gets through; "kid" selects the key.
  // Throws Error(denied) with the reason, for logs: the sender need not learn it. No message holds
  // any part of the token. Error(unavailable) while the key file cannot be read.
  TokenClaims verify(std::string_view token, Time now) const;

 private:
  TokenRules rules_;
  mutable KeyFile keys_;
};

}  // namespace geoloom::http
