// SPDX-License-Identifier: Apache-2.0
#include "http/push_token.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "error/error.h"

namespace geoloom::http {
namespace {

using Json = nlohmann::json;

// Made by tests/servers/tokens.py with another implementation.
const Json& vectors() {
  static const Json json = Json::parse(std::ifstream(GEOLOOM_TOKEN_VECTORS));
  return json;
}

std::string text_of(const char* name) {
  return vectors().at(name).get<std::string>();
}

class KeyFolder {
 public:
  KeyFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "geoloom-keys-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  KeyFolder(const KeyFolder&) = delete;
  KeyFolder& operator=(const KeyFolder&) = delete;
  ~KeyFolder() { std::filesystem::remove_all(path_); }
  // As a rotation should do it: a new file takes the place of the old one at once.
  std::string write(const std::string& text) const {
    std::ofstream(path_ / "next") << text;
    std::filesystem::rename(path_ / "next", path_ / "keys");
    return (path_ / "keys").string();
  }
  std::filesystem::path path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TokenRules rules_with(const std::string& key_file) {
  return {key_file, {"https://x", text_of("issuer")}, {text_of("audience")}, {}};
}

TokenVerifier::Time now() {
  return TokenVerifier::Time(std::chrono::seconds(vectors().at("now").get<int64_t>()));
}

// Why the token is refused; empty when it is not.
std::string refusal(const TokenVerifier& verifier, const std::string& token) {
  try {
    static_cast<void>(verifier.verify(token, now()));
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::denied) << error.what();
    return error.message();
  }
}

TEST(PushToken, AgreesWithTheVectors) {
  const KeyFolder folder;
  for (const auto& entry : vectors().at("cases")) {
    auto rules = rules_with(folder.write(text_of(entry.at("keys").get<std::string>().c_str())));
    if (entry.at("email").get<bool>()) rules.emails = {text_of("email")};
    const TokenVerifier verifier(rules);
    const auto wanted = entry.at("refused").get<std::string>();
    const auto got = refusal(verifier, entry.at("token").get<std::string>());
    EXPECT_EQ(got.empty(), wanted.empty()) << entry.at("name") << ": " << got;
    EXPECT_NE(got.find(wanted), std::string::npos) << entry.at("name") << ": " << got;
  }
  EXPECT_GT(vectors().at("cases").size(), 50U);
}

std::string token_named(const char* name) {
  for (const auto& entry : vectors().at("cases"))
    if (entry.at("name") == name) return entry.at("token").get<std::string>();
  throw std::runtime_error(name);
}

TEST(PushToken, GivesTheClaims) {
  const KeyFolder folder;
  const TokenVerifier verifier(rules_with(folder.write(text_of("jwks"))));
  const auto claims = verifier.verify(token_named("RS256"), now());
  EXPECT_EQ(claims.issuer, text_of("issuer"));
  EXPECT_EQ(claims.subject, "1234567890");
  EXPECT_EQ(claims.email, text_of("email"));
  EXPECT_EQ(claims.expires, now() + std::chrono::hours(1));
}

TEST(PushToken, EveryChangedByteIsRefused) {
  const KeyFolder folder;
  const TokenVerifier verifier(rules_with(folder.write(text_of("jwks"))));
  const auto token = token_named("ES256");
  for (size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(refusal(verifier, changed), "") << i;
    EXPECT_NE(refusal(verifier, token.substr(0, i)), "") << i;
  }
}

TEST(PushToken, KeysAreRotatedWithoutARestart) {
  const KeyFolder folder;
  const TokenVerifier verifier(rules_with(folder.write(text_of("jwks"))));
  const auto token = token_named("RS256"), other = token_named("forged: another key of that id");
  EXPECT_EQ(refusal(verifier, token), "");
  folder.write(text_of("other_jwks"));
  EXPECT_NE(refusal(verifier, token), "") << "its key was withdrawn";
  EXPECT_EQ(refusal(verifier, other), "");
  // While the file is unreadable nobody gets in, and nobody is told that the token is wrong.
  for (const bool removed : {false, true}) {
    if (removed)
      std::filesystem::remove(folder.path() / "keys");
    else
      folder.write("{\"keys\": [");
    try {
      static_cast<void>(verifier.verify(other, now()));
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unavailable);
    }
  }
  folder.write(text_of("jwks"));
  EXPECT_EQ(refusal(verifier, token), "");
}

TEST(SigningKeys, WrongFilesSayWhatIsWrong) {
  const std::pair<std::string, const char*> texts[] = {
      {"", "empty"},
      {"  \n", "empty"},
      {"hello", "neither JSON nor PEM"},
      {"{\"keys\": 1}", "no list"},
      {"{}", "no list"},
      {"{\"keys\": []}", "none is for"},
      {"{\"keys\": [1, {}, {\"kty\": \"oct\", \"k\": \"AAAA\"}, {\"kty\": \"RSA\"}]}",
       "of 4 keys none"},
      {"{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\", \"e\": \"AQAB\"}]}", "of 1 keys none"},
      {"{\"keys\"", "is not"},
      {text_of("weak_pem"), "cannot use"},
      {text_of("p384_pem"), "cannot use"},
      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "private key"},
      {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot use"},
      {std::string(2 << 20, 'x'), "larger"},
  };
  for (const auto& [text, wanted] : texts) {
    try {
      static_cast<void>(parse_keys(text));
      ADD_FAILURE() << wanted;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid);
      EXPECT_NE(error.message().find(wanted), std::string::npos) << error.message();
    }
  }
}

TEST(SigningKeys, KeysForOtherUsesAreLeftOut) {
  auto set = Json::parse(text_of("jwks"));
  EXPECT_EQ(parse_keys(set.dump()).size(), 2U) << "not P-384";
  set["keys"][0]["use"] = "enc";
  EXPECT_EQ(parse_keys(set.dump()).size(), 1U);
  set["keys"][0].erase("use");
  set["keys"][0]["alg"] = "PS256";
  EXPECT_EQ(parse_keys(set.dump()).size(), 1U);
  set["keys"][0].erase("alg");
  set["keys"][0]["key_ops"] = {"sign"};
  EXPECT_EQ(parse_keys(set.dump()).size(), 1U);
  set["keys"][0]["key_ops"] = {"verify"};
  EXPECT_EQ(parse_keys(set.dump()).size(), 2U);
  set["keys"][1]["x"] = set["keys"][1]["y"];  // not on the curve
  EXPECT_EQ(parse_keys(set.dump()).size(), 1U);
}

TEST(TokenRules, WhatWouldLetAnybodyInIsRefused) {
  const KeyFolder folder;
  const auto file = folder.write(text_of("jwks"));
  EXPECT_THROW(TokenVerifier({file, {}, {"a"}, {}}), Error);
  EXPECT_THROW(TokenVerifier({file, {"i"}, {}, {}}), Error);
  EXPECT_THROW(TokenVerifier({file, {"i"}, {"a", ""}, {}}), Error);
  EXPECT_THROW(TokenVerifier({(folder.path() / "absent").string(), {"i"}, {"a"}, {}}), Error);
}

TEST(BearerToken, IsReadFromTheHeader) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bEARER a.b.c"), "a.b.c");
  for (const char* text : {"", "Bearer", "Bearer ", "Bearer a b", "Bearer  a", "Basic abc", "abc"})
    EXPECT_EQ(bearer_token(text), std::nullopt) << text;
}

TEST(SharedSecret, MatchesItselfOnly) {
  const SharedSecret secret("0123456789abcdef");
  EXPECT_TRUE(secret.matches("0123456789abcdef"));
  for (const char* text : {"", "0123456789abcdeF", "0123456789abcde", "0123456789abcdef "})
    EXPECT_FALSE(secret.matches(text)) << text;
  EXPECT_THROW(SharedSecret("short"), Error);
  EXPECT_THROW(SharedSecret("long enough, but with blanks"), Error);
}

}  // namespace
}  // namespace geoloom::http
