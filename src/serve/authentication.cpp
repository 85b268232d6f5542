// SPDX-License-Identifier: Apache-2.0
#include "serve/authentication.h"

#include "error/error.h"

namespace geoloom::serve {

Authentication::Authentication(std::optional<http::SharedSecret> secret,
                               std::optional<http::TokenRules> rules)
    : secret_(std::move(secret)) {
  if (rules) verifier_.emplace(std::move(*rules));
}

std::string Authentication::refusal(const http::IncomingRequest& head) const {
  if (!required()) return {};
  const auto token = http::bearer_token(head.header("authorization"));
  if (!token) return "no bearer token";
  if (secret_ && secret_->matches(*token)) return {};
  if (!verifier_) return "another bearer token";
  try {
    (void)verifier_->verify(*token, std::chrono::system_clock::now());
    return {};
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace geoloom::serve
