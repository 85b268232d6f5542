// SPDX-License-Identifier: Apache-2.0
#include "gdal/web_file.h"

#include <cpl_conv.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "error/error.h"
#include "gdal/dataset.h"
#include "http/test_server.h"

namespace geoloom::gdal {
namespace {

using http::TestServer;
using testing::HasSubstr;

// A file of 100 000 bytes, byte i being i % 251.
constexpr size_t kSize = 100'000;
std::byte byte_at(size_t i) {
  return static_cast<std::byte>(i % 251);
}

std::string content() {
  std::string bytes(kSize, ' ');
  for (size_t i = 0; i < kSize; ++i) bytes[i] = static_cast<char>(i % 251);
  return bytes;
}

// What a request asks for, as in "Range: bytes=5-9".
std::pair<size_t, size_t> asked(const TestServer::Received& request) {
  const size_t at = request.head.find("bytes=");
  const size_t dash = request.head.find('-', at);
  const auto last = static_cast<size_t>(std::stoul(request.head.substr(dash + 1)));
  return {static_cast<size_t>(std::stoul(request.head.substr(at + 6))), std::min(last, kSize - 1)};
}

TestServer::Reply part(size_t first, size_t last, const std::string& tag = "one") {
  return TestServer::answer(
      206, content().substr(first, last - first + 1),
      fmt::format("ETag: \"{}\"\r\nContent-Range: bytes {}-{}/{}\r\n", tag, first, last, kSize));
}

TestServer::Reply good(const TestServer::Received& request) {
  const auto [first, last] = asked(request);
  return part(first, last);
}

class WebFiles : public testing::Test {
 protected:
  WebFiles() {
    initialise();
    CPLSetConfigOption("GDAL_HTTP_RETRY_DELAY", "0.01");
  }
  ~WebFiles() override { CPLSetConfigOption("GDAL_HTTP_RETRY_DELAY", "0.5"); }

  static std::shared_ptr<const WebFile> open(const TestServer& server) {
    return WebFile::open("/vsicurl/" + server.url() + "/a.tif");
  }
  // The error of reading a part whose answer `spoil` makes, after a good header.
  static Error error_of(const std::function<TestServer::Reply(size_t, size_t)>& spoil) {
    std::atomic<int> requests{0};
    const TestServer server([&](const TestServer::Received& request) {
      if (requests++ == 0) return good(request);
      const auto [first, last] = asked(request);
      return spoil(first, last);
    });
    const auto file = open(server);
    std::array<std::byte, 100> bytes{};
    const ByteRange range{50'000, bytes.size(), bytes.data()};
    try {
      file->read({&range, 1});
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::internal, "nothing was thrown"};
  }
};

TEST_F(WebFiles, OneRequestForTheHeaderAndOneForEachRange) {
  std::atomic<int> requests{0};
  const TestServer server([&](const TestServer::Received& request) {
    ++requests;
    return good(request);
  });
  const auto file = open(server);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->size(), kSize);
  EXPECT_THAT(file->version(), HasSubstr("one"));
  EXPECT_EQ(open(server), file);
  std::array<std::byte, 64> near{};
  std::vector<std::byte> far(30'000), end(1);
  const std::array<ByteRange, 3> ranges{{{10, near.size(), near.data()},
                                         {40'000, far.size(), far.data()},
                                         {kSize - 1, 1, end.data()}}};
  file->read(ranges);
  EXPECT_EQ(near[5], byte_at(15));
  EXPECT_EQ(far.back(), byte_at(69'999));
  EXPECT_EQ(end[0], byte_at(kSize - 1));
  EXPECT_EQ(requests, 3);
}

TEST_F(WebFiles, AreLeftToGdalWhereItKnowsMore) {
  const TestServer elsewhere(
      [](const auto&) { return TestServer::answer(302, "", "Location: /b.tif\r\n"); });
  EXPECT_EQ(open(elsewhere), nullptr);
  const TestServer asks([](const auto&) { return TestServer::answer(401, ""); });
  EXPECT_EQ(open(asks), nullptr);
  EXPECT_EQ(WebFile::open("/vsis3/bucket/a.tif"), nullptr);
  const TestServer server(good);
  CPLSetConfigOption("GDAL_HTTP_HEADERS", "X: y");
  EXPECT_EQ(open(server), nullptr);
  CPLSetConfigOption("GDAL_HTTP_HEADERS", nullptr);
  EXPECT_NE(open(server), nullptr);
}

TEST_F(WebFiles, PassingFaultsAreRetried) {
  std::atomic<int> requests{0};
  const TestServer server([&](const TestServer::Received& request) {
    return ++requests == 1 ? TestServer::answer(500, "") : good(request);
  });
  EXPECT_NE(open(server), nullptr);
  EXPECT_EQ(requests, 2);
}

TEST_F(WebFiles, SayWhatIsWrongWithAnAnswer) {
  EXPECT_EQ(error_of([](size_t, size_t) { return TestServer::answer(404, ""); }).code(),
            ErrorCode::missing);
  EXPECT_EQ(error_of([](size_t, size_t) { return TestServer::answer(403, ""); }).code(),
            ErrorCode::denied);
  EXPECT_EQ(error_of([](size_t, size_t) { return TestServer::answer(500, ""); }).code(),
            ErrorCode::unavailable);
  const auto other = error_of([](size_t first, size_t last) { return part(first - 1, last - 1); });
  EXPECT_EQ(other.code(), ErrorCode::corrupt);
  EXPECT_THAT(other.message(), HasSubstr("bytes 49999-50098 instead of 50000-50099"));
  const auto changed = error_of([](size_t first, size_t last) { return part(first, last, "two"); });
  EXPECT_EQ(changed.code(), ErrorCode::corrupt);
  EXPECT_THAT(changed.message(), HasSubstr("changed"));
  const auto whole = error_of([](size_t, size_t) { return TestServer::answer(200, content()); });
  EXPECT_EQ(whole.code(), ErrorCode::corrupt);
  const auto unsaid = error_of([](size_t, size_t) { return TestServer::answer(206, "x"); });
  EXPECT_THAT(unsaid.message(), HasSubstr("does not say which part"));
  const auto packed = error_of(
      [](size_t, size_t) { return TestServer::answer(206, "x", "Content-Encoding: gzip\r\n"); });
  EXPECT_THAT(packed.message(), HasSubstr("gzip"));
}

}  // namespace
}  // namespace geoloom::gdal
