// SPDX-License-Identifier: Apache-2.0
// Who may send tasks: whoever knows a shared secret, or has a token that an identity provider
// signed for this service. Where both are set up, either will do.
#pragma once

#include <optional>
#include <string>

#include "http/push_token.h"
#include "http/server.h"

namespace geoloom::serve {

class Authentication {
 public:
  // Nobody is asked when both are absent.
  Authentication(std::optional<http::SharedSecret> secret, std::optional<http::TokenRules> rules);
  bool required() const { return secret_.has_value() || verifier_.has_value(); }
  // Empty: let in. Otherwise why not, for the journal; the sender learns only that it was refused.
  std::string refusal(const http::IncomingRequest& head) const;

 private:
  std::optional<http::SharedSecret> secret_;
  std::optional<http::TokenVerifier> verifier_;
};

}  // namespace geoloom::serve
