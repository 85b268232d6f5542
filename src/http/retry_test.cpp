// SPDX-License-Identifier: Apache-2.0
#include "http/retry.h"

#include <gtest/gtest.h>

#include "error/error.h"
#include "http/test_server.h"

namespace geoloom::http {
namespace {

using std::chrono::milliseconds;

// Time that passes only by sleeping, chance that is always the same.
struct Stage {
  Surroundings::Clock::time_point time{};
  std::chrono::system_clock::time_point wall{std::chrono::seconds(1'900'000'000)};
  std::vector<int64_t> sleeps_ms;
  double chance = 0.5;

  Surroundings surroundings() {
    return {[this] { return chance; }, [this] { return time; }, [this] { return wall; },
            [this](milliseconds wait, const std::atomic<bool>*) {
              sleeps_ms.push_back(wait.count());
              time += wait;
              wall += wait;
            }};
  }
};

TEST(Verdict, OfEachStatus) {
  for (const int status : {200, 201, 204}) EXPECT_EQ(verdict_of(status), Verdict::success);
  for (const int status : {429, 503}) EXPECT_EQ(verdict_of(status), Verdict::flow_control);
  for (const int status : {408, 425, 500, 502, 504, 507, 599})
    EXPECT_EQ(verdict_of(status), Verdict::transient) << status;
  for (const int status : {401, 403}) EXPECT_EQ(verdict_of(status), Verdict::denied);
  for (const int status : {100, 301, 302, 400, 404, 409, 410, 413, 415, 422})
    EXPECT_EQ(verdict_of(status), Verdict::permanent) << status;
}

TEST(FullJitter, DoublesUpToTheLongest) {
  const BackoffRules rules{milliseconds(500), milliseconds(60'000)};
  EXPECT_EQ(full_jitter(rules, 1, 0.5).count(), 250);
  EXPECT_EQ(full_jitter(rules, 2, 0.5).count(), 500);
  EXPECT_EQ(full_jitter(rules, 4, 0.999).count(), 3996);
  EXPECT_EQ(full_jitter(rules, 8, 0.5).count(), 30'000);
  EXPECT_EQ(full_jitter(rules, 1'000'000, 0.5).count(), 30'000);
  EXPECT_EQ(full_jitter(rules, 3, 0).count(), 0);
  EXPECT_EQ(full_jitter(rules, 0, 0.5).count(), 250);
}

TEST(FullJitter, SpreadsSendersOut) {
  const auto real = real_surroundings();
  double sum = 0;
  int low = 0;
  constexpr int kCount = 4000;
  for (int i = 0; i < kCount; ++i) {
    const double random = real.random();
    ASSERT_TRUE(random >= 0 && random < 1);
    sum += random;
    low += random < 0.1;
  }
  EXPECT_NEAR(sum / kCount, 0.5, 0.03);
  EXPECT_NEAR(static_cast<double>(low) / kCount, 0.1, 0.03);
}

TEST(RetryAfter, SecondsAndDates) {
  const auto now = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37
  EXPECT_EQ(retry_after("0", now), milliseconds(0));
  EXPECT_EQ(retry_after("120", now), milliseconds(120'000));
  for (const char* date : {"Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT",
                           "Sun Nov  6 08:50:37 1994"})
    EXPECT_EQ(retry_after(date, now), milliseconds(60'000)) << date;
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), milliseconds(0)) << "past";
  EXPECT_EQ(retry_after("999999999999999999999", now), std::chrono::hours(24));
  EXPECT_EQ(retry_after("Sun, 06 Nov 2094 08:00:00 GMT", now), std::chrono::hours(24));
  for (const char* text : {"", "soon", "-5", "1.5", "12 minutes ago, roughly"})
    EXPECT_EQ(retry_after(text, now), std::nullopt) << text;
}

TEST(WaitAfter, AddsJitterToWhatIsAskedFor) {
  Response response;
  const BackoffRules rules{milliseconds(1000), milliseconds(60'000)};
  EXPECT_EQ(wait_after(response, rules, 1, 0.5, {}).count(), 500);
  response.headers["retry-after"] = "7";
  EXPECT_EQ(wait_after(response, rules, 1, 0.5, {}).count(), 7500);
}

// A server that goes through the statuses, and stays at the last.
class Statuses {
 public:
  explicit Statuses(std::vector<int> statuses, std::string headers = {})
      : statuses_(std::move(statuses)), server_([this, headers](const TestServer::Received&) {
          const auto at = std::min(static_cast<size_t>(served_++), statuses_.size() - 1);
          if (statuses_[at] == 0) return TestServer::Reply{"", {}, {}, true};
          return TestServer::answer(statuses_[at], "", headers);
        }) {}
  Response send(const RetryRules& rules, Stage& stage) {
    Client client;
    Request request;
    request.url = server_.url();
    return send_with_retries(client, request, rules, stage.surroundings());
  }
  int served() const { return served_.load(); }

 private:
  std::vector<int> statuses_;
  std::atomic<int> served_{0};
  TestServer server_;
};

TEST(SendWithRetries, GoesOnUntilSuccess) {
  Stage stage;
  Statuses server({500, 502, 204});
  EXPECT_EQ(server.send({}, stage).status, 204);
  EXPECT_EQ(stage.sleeps_ms, (std::vector<int64_t>{250, 500}));
}

TEST(SendWithRetries, PermanentAnswersEndIt) {
  for (const int status : {400, 401, 403, 404, 422}) {
    Stage stage;
    Statuses server({status, 204});
    EXPECT_EQ(server.send({}, stage).status, status);
    EXPECT_TRUE(stage.sleeps_ms.empty());
  }
}

TEST(SendWithRetries, AttemptsAreLimited) {
  Stage stage;
  Statuses server({500});
  EXPECT_EQ(server.send({.attempts = 3}, stage).status, 500);
  EXPECT_EQ(server.served(), 3);
}

TEST(SendWithRetries, RefusalsCostNoAttempt) {
  Stage stage;
  std::vector<int> statuses(50, 429);
  statuses.push_back(503);
  statuses.push_back(200);
  Statuses server(statuses, "Retry-After: 1\r\n");
  RetryRules rules{.attempts = 1, .give_up_after = std::chrono::hours(2)};
  EXPECT_EQ(server.send(rules, stage).status, 200);
  EXPECT_EQ(server.served(), 52);
  for (const auto wait : stage.sleeps_ms) EXPECT_GE(wait, 1000);
}

TEST(SendWithRetries, RefusalsCostTime) {
  Stage stage;
  Statuses server({429}, "Retry-After: 10\r\n");
  EXPECT_EQ(server.send({.attempts = 1, .give_up_after = milliseconds(35'000)}, stage).status, 429);
  EXPECT_EQ(server.served(), 4) << "0, 10, 20 and 30 s, with jitter";
  EXPECT_LE(stage.time.time_since_epoch(), milliseconds(35'000));
}

TEST(SendWithRetries, BrokenConnectionsAreFailures) {
  Stage stage;
  Statuses recovering({0, 0, 200});
  EXPECT_EQ(recovering.send({}, stage).status, 200);
  Statuses gone({0});
  EXPECT_THROW(gone.send({.attempts = 2}, stage), Error);
  EXPECT_EQ(gone.served(), 2);
}

TEST(RealSurroundings, SleepEndsWhenCancelled) {
  const auto real = real_surroundings();
  const std::atomic<bool> cancel{true};
  const auto start = real.now();
  real.sleep(std::chrono::minutes(5), &cancel);
  real.sleep(milliseconds(5), nullptr);
  EXPECT_LT(real.now() - start, std::chrono::seconds(5));
  EXPECT_GE(real.now() - start, milliseconds(5));
}

}  // namespace
}  // namespace geoloom::http
