// SPDX-License-Identifier: Apache-2.0
#include "http/base64.h"

#include <gtest/gtest.h>

namespace geoloom::http {
namespace {

TEST(Base64, VectorsOfTheStandard) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
      {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(encode_base64(bytes, Base64::standard), text);
    EXPECT_EQ(decode_base64(text, Base64::standard), bytes);
  }
  EXPECT_EQ(encode_base64("\xfb\xff", Base64::standard), "+/8=");
  EXPECT_EQ(encode_base64("\xfb\xff", Base64::url), "-_8");
}

TEST(Base64, EveryByteAndLengthComesBack) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) {
    for (const auto alphabet : {Base64::standard, Base64::url})
      ASSERT_EQ(decode_base64(encode_base64(bytes, alphabet), alphabet), bytes);
    bytes += static_cast<char>(i * 7);
  }
}

TEST(Base64, RefusesOtherTexts) {
  for (const char* text : {"Z", "Zg=", "Z===", "=", "Zg==Zg==", "Zm9v=", "Zm9v====", "Zm 9v",
                           "Zm9v\n", "Zm9-", "Zh==", "Zm9=", "%%%%"})
    EXPECT_EQ(decode_base64(text, Base64::standard), std::nullopt) << text;
  for (const char* text : {"Zg==", "Zm9+", "Z", "Zh"})
    EXPECT_EQ(decode_base64(text, Base64::url), std::nullopt) << text;
  EXPECT_EQ(decode_base64("Zg", Base64::standard), "f") << "padding may be left out";
}

}  // namespace
}  // namespace geoloom::http
