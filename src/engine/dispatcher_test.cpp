// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatcher.h"

#include <gtest/gtest.h>

namespace geoloom::engine {
namespace {

http::Response answer(int status, std::string body = {}) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

TEST(ErrorOfAnswer, TakesOverOurErrors) {
  const auto error = error_of_answer(
      answer(422, R"({"error": {"code": "corrupt", "message": "a torn block", "place": "scene a",
                      "hint": "fetch it again"}})"),
      "https://w");
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
  EXPECT_EQ(error.message(), "a torn block");
  EXPECT_EQ(error.hint(), "fetch it again");
  EXPECT_EQ(error.cause(), "scene a");
}

TEST(ErrorOfAnswer, ReadsTheStatusOfStrangers) {
  const std::pair<int, ErrorCode> statuses[] = {
      {401, ErrorCode::denied},      {403, ErrorCode::denied},     {404, ErrorCode::missing},
      {400, ErrorCode::invalid},     {302, ErrorCode::invalid},    {429, ErrorCode::unavailable},
      {500, ErrorCode::unavailable}, {503, ErrorCode::unavailable}};
  for (const auto& [status, code] : statuses) {
    for (const char* body :
         {"", "<html>", "[]", "{\"error\": 1}", "{\"error\": {\"message\": 1}}"}) {
      const auto error = error_of_answer(answer(status, body), "https://w");
      EXPECT_EQ(error.code(), code) << status;
      EXPECT_NE(error.message().find(std::to_string(status)), std::string::npos);
    }
  }
}

TEST(Dispatcher, RefusesToSendATokenReadable) {
  const auto made = [](const char* worker, const char* token, bool allowed) {
    DispatchOptions options;
    options.workers = {worker};
    options.token = token;
    options.token_in_plain_http = allowed;
    const Dispatcher dispatcher(options);
  };
  EXPECT_THROW(made("http://worker.example.org", "t", false), Error);
  EXPECT_NO_THROW(made("http://worker.example.org", "t", true));
  EXPECT_NO_THROW(made("http://worker.example.org", "", false));
  EXPECT_NO_THROW(made("http://127.0.0.1:8080/", "t", false));
  EXPECT_NO_THROW(made("https://worker.example.org/prefix/", "t", false));
  EXPECT_THROW(made("worker.example.org", "", false), Error);
  EXPECT_THROW(Dispatcher({}), Error);
}

}  // namespace
}  // namespace geoloom::engine
