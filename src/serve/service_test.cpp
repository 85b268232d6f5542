// SPDX-License-Identifier: Apache-2.0
#include "serve/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <random>

#include "error/error.h"
#include "gdal/dataset.h"
#include "http/client.h"

namespace geoloom::serve {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// Does what the payload says: {"id": n, "do": "hold" or an error's name}.
class Puppet final : public TaskRoute {
 public:
  std::string path() const override { return "/puppet"; }
  Job accept(const Delivery& delivery) override {
    const auto what = delivery.payload.value("do", "");
    if (what == "unacceptable") throw Error(ErrorCode::invalid, "not acceptable").hint("be good");
    Job job;
    job.key = delivery.payload.at("id").dump();
    job.facts = {{"id", job.key}};
    job.work = [this, what]() -> workflow::OrderedJson {
      ++started;
      if (what == "hold") released.wait();
      if (what == "crash") throw std::runtime_error("a defect");
      if (!what.empty() && what != "hold") throw Error(error_code_of(what), "it is " + what);
      return {{"outcome", "done"}};
    };
    return job;
  }
  void release() { promise_.set_value(); }
  std::atomic<int> started{0};

 private:
  std::promise<void> promise_;
  std::shared_future<void> released{promise_.get_future()};
};

// Shows its query; "missing" is not there, "crash" is a defect.
class Picture final : public Resource {
 public:
  bool serves(const std::string& path) const override { return path == "/picture"; }
  http::Answer get(const http::IncomingRequest& request) const override {
    if (request.query == "missing") throw Error(ErrorCode::missing, "nothing there");
    if (request.query == "crash") throw std::runtime_error("/a/place/of/this/machine");
    return {200, "text/plain", request.query, {}};
  }
};

class Services : public testing::Test {
 protected:
  void SetUp() override {
    gdal::initialise();
    options.port = 0;
  }
  void start(std::optional<http::SharedSecret> secret = {}, RefusalRecord* refusals = nullptr) {
    who = std::make_unique<Authentication>(std::move(secret), std::nullopt);
    auto route = std::make_unique<Puppet>();
    puppet = route.get();
    std::vector<std::unique_ptr<TaskRoute>> routes;
    routes.push_back(std::move(route));
    std::vector<std::unique_ptr<Resource>> resources;
    resources.push_back(std::make_unique<Picture>());
    service = std::make_unique<Service>(options, *who, std::move(routes), std::move(resources),
                                        refusals, journal);
  }
  http::Response send(const std::string& body, const std::string& path = "/puppet",
                      const std::string& token = "", const std::string& method = "POST") const {
    http::Client client;
    http::Request request;
    request.method = method;
    request.url = "http://127.0.0.1:" + std::to_string(service->port()) + path;
    request.body = body;
    if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
    return client.send(request);
  }
  void wait_for(const std::function<bool()>& condition) const {
    for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(5ms);
    ASSERT_TRUE(condition());
  }
  std::string journal_text() {
    const std::lock_guard lock(mutex);
    return lines;
  }

  std::mutex mutex;
  std::string lines;
  Journal journal{[this](const std::string& line) {
    const std::lock_guard lock(mutex);
    lines += line + "\n";
  }};
  ServiceOptions options;
  std::unique_ptr<Authentication> who;
  std::unique_ptr<Service> service;
  Puppet* puppet = nullptr;
};

TEST_F(Services, AnswersByTheTable) {
  start();
  EXPECT_EQ(send(R"({"id": 1})").status, 204);
  EXPECT_EQ(send("rubbish").status, 400);
  EXPECT_EQ(send("").status, 400);
  EXPECT_EQ(send(R"({"id": 2, "do": "unacceptable"})").status, 422);
  for (const auto* permanent : {"invalid", "missing", "corrupt", "denied"})
    EXPECT_EQ(send(std::string(R"({"id": 3, "do": ")") + permanent + "\"}").status, 422);
  for (const auto* passing : {"unavailable", "resource", "lost", "internal", "crash"})
    EXPECT_EQ(send(std::string(R"({"id": 4, "do": ")") + passing + "\"}").status, 500);
  const auto cancelled = send(R"({"id": 5, "do": "cancelled"})");
  EXPECT_EQ(cancelled.status, 503);
  EXPECT_FALSE(cancelled.header("retry-after").empty());
  EXPECT_EQ(send("{}", "/elsewhere").status, 404);
  EXPECT_EQ(send("", "/puppet", "", "GET").status, 405);
  const auto body = send(R"({"id": 2, "do": "unacceptable"})").body;
  EXPECT_THAT(body, HasSubstr(R"("message":"not acceptable")"));
  EXPECT_THAT(body, HasSubstr(R"("hint":"be good")"));
}

TEST_F(Services, ResourcesAreLookedAt) {
  start();
  const auto got = send("", "/picture?a=1", "", "GET");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "a=1");
  EXPECT_EQ(got.header("access-control-allow-origin"), "*");
  EXPECT_EQ(got.header("x-content-type-options"), "nosniff");
  EXPECT_EQ(send("", "/picture?missing", "", "GET").status, 404);
  EXPECT_EQ(send("{}", "/picture").status, 405);
  EXPECT_EQ(send("", "/picture", "", "OPTIONS").status, 204);
  const auto crashed = send("", "/picture?crash", "", "GET");
  EXPECT_EQ(crashed.status, 500);
  EXPECT_THAT(crashed.body, Not(HasSubstr("this/machine")));
  EXPECT_THAT(journal_text(), HasSubstr("this/machine"));
}

TEST_F(Services, ResourcesAreForThoseWhoKnowTheSecret) {
  start(http::SharedSecret("0123456789abcdef-secret"));
  EXPECT_EQ(send("", "/picture", "", "GET").status, 401);
  EXPECT_EQ(send("", "/picture", "0123456789abcdef-secret", "GET").status, 200);
}

TEST_F(Services, HealthIsForEverybodyAndTasksForThoseWhoKnowTheSecret) {
  start(http::SharedSecret("0123456789abcdef-secret"));
  EXPECT_EQ(send("", "/healthz", "", "GET").status, 200);
  EXPECT_EQ(send("", "/readyz", "", "GET").status, 200);
  const auto refused = send(R"({"id": 1})");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("www-authenticate"), "Bearer");
  EXPECT_EQ(send(R"({"id": 1})", "/puppet", "0123456789abcdef-secreT").status, 401);
  // Who is not let in does not learn which paths there are.
  EXPECT_EQ(send(R"({"id": 1})", "/elsewhere").status, 401);
  EXPECT_EQ(puppet->started.load(), 0);
  EXPECT_EQ(send(R"({"id": 1})", "/puppet", "0123456789abcdef-secret").status, 204);
  EXPECT_THAT(journal_text(), Not(HasSubstr("secreT")));
}

TEST_F(Services, OneTaskSentThriceAtATimeIsDoneOnce) {
  options.gate.running = 3;
  start();
  std::vector<std::thread> senders;
  std::atomic<int> done{0};
  for (int i = 0; i < 3; ++i)
    senders.emplace_back([&] { done += send(R"({"id": 7, "do": "hold"})").status == 204; });
  wait_for([&] { return puppet->started.load() == 1; });
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(puppet->started.load(), 1);
  puppet->release();
  for (auto& sender : senders) sender.join();
  EXPECT_EQ(done.load(), 3);
}

TEST_F(Services, WaitsBrieflyAndThenRefuses) {
  options.gate = {1, 1, 100ms};
  start();
  std::thread holder([&] { EXPECT_EQ(send(R"({"id": 0, "do": "hold"})").status, 204); });
  wait_for([&] { return puppet->started.load() == 1; });
  const auto waited = send(R"({"id": 1})");
  EXPECT_EQ(waited.status, 429);
  EXPECT_FALSE(waited.header("retry-after").empty());
  puppet->release();
  holder.join();
  EXPECT_EQ(send(R"({"id": 1})").status, 204);
}

TEST_F(Services, StoppingEndsWhatRunsAndRefusesTheRest) {
  options.gate = {1, 4, 60s};
  start();
  std::thread holder([&] { EXPECT_EQ(send(R"({"id": 0, "do": "hold"})").status, 204); });
  wait_for([&] { return puppet->started.load() == 1; });
  std::thread waiter([&] { EXPECT_EQ(send(R"({"id": 1})").status, 503); });
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(service->drain(TaskGate::Clock::now() + 50ms));
  EXPECT_EQ(send(R"({"id": 2})").status, 503);
  EXPECT_EQ(send("", "/readyz", "", "GET").status, 503);
  EXPECT_EQ(send("", "/healthz", "", "GET").status, 200);
  puppet->release();
  EXPECT_TRUE(service->drain(TaskGate::Clock::now() + 10s));
  holder.join();
  waiter.join();
  EXPECT_EQ(puppet->started.load(), 1);
}

TEST_F(Services, PermanentFailuresAreAcknowledgedOnceRecorded) {
  const auto folder = testing::TempDir() + "refusals-" + std::to_string(std::random_device{}());
  const auto store = store::open_store(folder);
  RefusalRecord refusals(*store);
  options.acknowledge_permanent = true;
  start({}, &refusals);
  EXPECT_EQ(send(R"({"id": 1, "do": "invalid"})").status, 200);
  EXPECT_EQ(send(R"({"id": 2, "do": "unacceptable"})").status, 200);
  // These may pass, or are for somebody to mend.
  EXPECT_EQ(send(R"({"id": 3, "do": "unavailable"})").status, 500);
  EXPECT_EQ(send(R"({"id": 4, "do": "denied"})").status, 422);
  const auto recorded = store::read_segments(*store, "refused").payloads;
  ASSERT_EQ(recorded.size(), 2U);
  EXPECT_THAT(recorded[0], HasSubstr("it is invalid"));
  EXPECT_THAT(recorded[1], HasSubstr("unacceptable"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace geoloom::serve
