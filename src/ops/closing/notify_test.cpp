// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "http/test_server.h"
#include "ops/op_test.h"
#include "workflow/closing_op.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_notify();

namespace {

using http::TestServer;
using testing::HasSubstr;
using workflow::OrderedJson;

class NotifyTest : public testing::Test {
 protected:
  NotifyTest() {
    ending_.state = "failed";
    ending_.report = {
        {"run", "20261121T101500Z-1a2b3c4d"},
        {"document", "cropland"},
        {"state", "failed"},
        {"reason", ""},
        {"steps", {{{"name", "map"}, {"items", 12}, {"failed", 2}, {"not_started", 1}}}},
        {"failures", {{{"cause", "missing"}, {"message", "no file"}}}}};
  }

  void notify(const std::string& yaml, std::chrono::milliseconds time_left = minute_) {
    bound<workflow::ClosingOp>(make_notify(), yaml)->run({ending_, time_left, stop_});
  }

  TestServer::Reply answer(const TestServer::Received& received) {
    heads_.push_back(received.head);
    bodies_.push_back(received.body);
    const int status = statuses_.empty() ? 200 : statuses_.front();
    if (!statuses_.empty()) statuses_.erase(statuses_.begin());
    return TestServer::answer(status, "");
  }

  static constexpr std::chrono::milliseconds minute_ = std::chrono::minutes(1);
  std::vector<std::string> heads_, bodies_;
  std::vector<int> statuses_;  // of the answers; then 200
  workflow::EndedRun ending_;
  std::atomic<bool> stop_{false};
  TestServer server_{[this](const auto& received) { return answer(received); }};
};

TEST_F(NotifyTest, SendsHowTheRunEnded) {
  notify("{webhook: \"" + server_.url() + "/hook?key=1\"}");
  ASSERT_EQ(bodies_.size(), 1U);
  EXPECT_THAT(heads_[0], HasSubstr("POST /hook?key=1 HTTP/1.1"));
  EXPECT_THAT(heads_[0], HasSubstr("application/json"));
  const auto body = OrderedJson::parse(bodies_[0]);
  EXPECT_EQ(body["text"],
            "cropland 20261121T101500Z-1a2b3c4d: failed. 3 of 12 items have no result. missing: "
            "no file");
  EXPECT_EQ(body["steps"][0]["failed"], 2);
}

TEST_F(NotifyTest, TheAddressMayBeASecret) {
  ::setenv("GEOLOOM_SECRET_TEST_HOOK", (server_.url() + "/secret").c_str(), 1);
  notify("{webhook: {secret: TEST_HOOK}}");
  ::unsetenv("GEOLOOM_SECRET_TEST_HOOK");
  ASSERT_EQ(heads_.size(), 1U);
  EXPECT_THAT(heads_[0], HasSubstr("POST /secret"));
}

TEST_F(NotifyTest, OnlyForSomeStates) {
  notify("{webhook: \"" + server_.url() + "\", on: [done, paused]}");
  EXPECT_TRUE(bodies_.empty());
  notify("{webhook: \"" + server_.url() + "\", on: failed}");
  EXPECT_EQ(bodies_.size(), 1U);
}

TEST_F(NotifyTest, AsksAgain) {
  statuses_ = {500};
  notify("{webhook: \"" + server_.url() + "\"}");
  EXPECT_EQ(bodies_.size(), 2U);
}

TEST_F(NotifyTest, FailuresNameTheHostOnly) {
  statuses_ = {403};
  const auto text =
      error_of([&] { notify("{webhook: \"" + server_.url() + "/s3cr3t\"}"); }, ErrorCode::denied);
  EXPECT_THAT(text, HasSubstr("answered 403"));
  EXPECT_THAT(text, testing::Not(HasSubstr("s3cr3t")));
  statuses_ = {404};
  error_of([&] { notify("{webhook: \"" + server_.url() + "\"}"); });
}

TEST_F(NotifyTest, WrongParameters) {
  EXPECT_THAT(error_of([&] { notify("{}"); }), HasSubstr("webhook"));
  EXPECT_THAT(error_of([&] { notify("{webhook: {}}"); }), HasSubstr("either url or secret"));
  EXPECT_THAT(error_of([&] { notify("{webhook: {url: \"http://a\", secret: B}}"); }),
              HasSubstr("either url or secret"));
  EXPECT_THAT(error_of([&] { notify("{webhook: \"ftp://a\"}"); }), HasSubstr("http"));
  EXPECT_THAT(error_of([&] { notify("{webhook: \"http://a\", on: [gone]}"); }), HasSubstr("gone"));
}

}  // namespace
}  // namespace geoloom::ops
