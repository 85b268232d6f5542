// SPDX-License-Identifier: Apache-2.0
#include "error/secrets.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom {
namespace {

TEST(Secrets, AddressesLoseWhatSignsThem) {
  EXPECT_EQ(without_secrets("https://h/a.tif?sv=2024&sig=ab%2Fc%3D&se=2026"),
            "https://h/a.tif?sv=2024&sig=***&se=2026");
  EXPECT_EQ(without_secrets("see https://h/a?X-Amz-Credential=AK/1&X-Amz-Signature=0f, then"),
            "see https://h/a?X-Amz-Credential=***&X-Amz-Signature=*** then");
  EXPECT_EQ(without_secrets("'https://me:word@h/a' and s3://b/k?x=@"),
            "'https://***@h/a' and s3://b/k?x=@");
  EXPECT_EQ(without_secrets("https://h/a?subscription-key=1&limit=10"),
            "https://h/a?subscription-key=***&limit=10");
}

TEST(Secrets, HeadersLoseTheirs) {
  EXPECT_EQ(without_secrets("Authorization: AWS4 x y\nHost: h"), "Authorization:***\nHost: h");
  EXPECT_EQ(without_secrets("sent 'Bearer abc.def' twice"), "sent 'Bearer ***' twice");
  EXPECT_EQ(without_secrets("x-amz-security-token:abc\nb"), "x-amz-security-token:***\nb");
}

TEST(Secrets, OtherTextStays) {
  for (const char* text : {"", "a?b", "steps.map: what? yes & no = maybe", "user@host", "a=b&c",
                           "https://h/a@b.tif", "is it the key? ask me = yes"})
    EXPECT_EQ(without_secrets(text), text);
}

TEST(Secrets, ErrorsHoldNone) {
  Error error(ErrorCode::denied, "no https://h/a?sig=one");
  error.at({.file = "https://h/a?sig=two", .scene = "https://h/a?sig=six"})
      .cause("token https://h/?token=three")
      .hint("try https://me:four@h/");
  for (const char* secret : {"one", "two", "three", "four", "six"})
    EXPECT_EQ(std::string(error.what()).find(secret), std::string::npos) << error.what();
}

}  // namespace
}  // namespace geoloom
