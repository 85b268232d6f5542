// SPDX-License-Identifier: Apache-2.0
#include "http/google_credentials.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "error/error.h"
#include "http/push_token.h"
#include "http/test_server.h"

namespace geoloom::http {
namespace {

// The environment of one test.
class Credentials : public ::testing::Test {
 protected:
  void SetUp() override {
    clear();
    std::string pattern =
        (std::filesystem::temp_directory_path() / "geoloom-account-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override {
    clear();
    std::filesystem::remove_all(folder_);
  }
  static void clear() {
    for (const char* name : {"GEOLOOM_PUBSUB_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS",
                             "CPL_MACHINE_IS_GCE", "GCE_METADATA_HOST"})
      ::unsetenv(name);
  }
  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::filesystem::path folder_;
  Client client_;
  Surroundings surroundings_ = real_surroundings();
};

std::string pem_of(EVP_PKEY* key, bool secret) {
  std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  if (secret)
    PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  else
    PEM_write_bio_PUBKEY(memory.get(), key);
  char bytes[8192];
  const int size = BIO_read(memory.get(), bytes, sizeof bytes);
  return {bytes, bytes + std::max(size, 0)};
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::internal;
}

TEST_F(Credentials, NoneIsAnError) {
  EXPECT_EQ(code_of([] { google_credentials("s"); }), ErrorCode::denied);
  EXPECT_EQ(no_credentials()->token(client_, surroundings_), "");
}

TEST_F(Credentials, OfTheEnvironment) {
  set("GEOLOOM_PUBSUB_TOKEN", "t1");
  EXPECT_EQ(google_credentials("s")->token(client_, surroundings_), "t1");
}

TEST_F(Credentials, OfTheMetadataServerAreCachedAndRenewed) {
  std::string head;
  int served = 0;
  TestServer server([&](const TestServer::Received& received) {
    head = received.head;
    return TestServer::answer(200, R"({"access_token": "t)" + std::to_string(++served) +
                                       R"(", "expires_in": 120, "token_type": "Bearer"})");
  });
  set("GCE_METADATA_HOST", server.url().substr(7));
  auto now = std::chrono::system_clock::now();
  surroundings_.wall_clock = [&] { return now; };
  const auto credentials = google_credentials("s");
  EXPECT_EQ(credentials->token(client_, surroundings_), "t1");
  now += std::chrono::seconds(59);
  EXPECT_EQ(credentials->token(client_, surroundings_), "t1");
  now += std::chrono::seconds(2);
  EXPECT_EQ(credentials->token(client_, surroundings_), "t2");
  EXPECT_NE(head.find("Metadata-Flavor: Google\r\n"), std::string::npos);
  EXPECT_TRUE(head.starts_with("GET /computeMetadata/v1/instance/service-accounts/default/token"));
}

TEST_F(Credentials, OfAServiceAccountAreAskedForWithASignedRequest) {
  const std::unique_ptr<EVP_PKEY, FreeKey> key(EVP_RSA_gen(2048));
  std::string body;
  int status = 200;
  TestServer server([&](const TestServer::Received& received) {
    body = received.body;
    return TestServer::answer(status, R"({"access_token": "granted", "expires_in": 3599})");
  });
  const auto uri = server.url() + "/token";
  const nlohmann::json account{{"type", "service_account"},
                               {"client_email", "me@project"},
                               {"private_key", pem_of(key.get(), true)},
                               {"private_key_id", "k1"},
                               {"token_uri", uri}};
  set("GOOGLE_APPLICATION_CREDENTIALS", file("account.json", account.dump()));
  EXPECT_EQ(google_credentials("the-scope")->token(client_, surroundings_), "granted");
  const auto at = body.find("&assertion=");
  ASSERT_TRUE(body.starts_with(
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="))
      << body;
  const TokenVerifier verifier(
      {file("public.pem", pem_of(key.get(), false)), {"me@project"}, {uri}, {}});
  const auto claims = verifier.verify(body.substr(at + 11), std::chrono::system_clock::now());
  EXPECT_EQ(claims.issuer, "me@project");
  status = 401;
  EXPECT_EQ(code_of([&] { google_credentials("s")->token(client_, surroundings_); }),
            ErrorCode::denied);
}

TEST_F(Credentials, WrongKeyFiles) {
  set("GOOGLE_APPLICATION_CREDENTIALS", (folder_ / "absent").string());
  EXPECT_EQ(code_of([] { google_credentials("s"); }), ErrorCode::missing);
  for (const char* text :
       {"", "{}", "[]", R"({"client_email": "a", "token_uri": "b", "private_key": "c"})"}) {
    set("GOOGLE_APPLICATION_CREDENTIALS", file("wrong.json", text));
    EXPECT_EQ(code_of([] { google_credentials("s"); }), ErrorCode::invalid) << text;
  }
}

}  // namespace
}  // namespace geoloom::http
