// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom::http {
namespace {

TEST(Url, IsTakenApart) {
  const auto url = parse_url("https://Worker.Example.org:8443/tasks?key=1");
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.host, "worker.example.org");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.origin(), "https://worker.example.org:8443");
  EXPECT_EQ(parse_url("http://h").port, 80);
  EXPECT_EQ(parse_url("https://h/").origin(), "https://h");
}

TEST(Url, KnowsWhatStaysOnTheMachine) {
  for (const char* text :
       {"http://localhost:1", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]:80"})
    EXPECT_TRUE(parse_url(text).loopback()) << text;
  for (const char* text : {"http://localhost.example.org", "http://10.0.0.1", "http://[::2]"})
    EXPECT_FALSE(parse_url(text).loopback()) << text;
}

TEST(Url, RefusesOthersWithoutRepeatingThem) {
  for (const char* text :
       {"", "host", "ftp://host/", "file:///etc/passwd", "http://", "http:///path",
        "https://u:geheim@host/", "http://host/a b", "http://host/\r\nX: 1", "http://host:99999/",
        "http://host/#part", "gopher://h"}) {
    try {
      static_cast<void>(parse_url(text));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid) << text;
      EXPECT_EQ(std::string(error.what()).find("geheim"), std::string::npos) << error.what();
    }
  }
}

TEST(PercentEncode, KeepsUnreservedBytesOnly) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b/ü&="), "a%20b%2F%C3%BC%26%3D");
}

}  // namespace
}  // namespace geoloom::http
