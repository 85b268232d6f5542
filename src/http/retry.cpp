// SPDX-License-Identifier: Apache-2.0
#include "http/retry.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <random>
#include <thread>

#include "error/error.h"
#include "error/message_log.h"

namespace geoloom::http {

using std::chrono::milliseconds;

Verdict verdict_of(int status) {
  if (status >= 200 && status < 300) return Verdict::success;
  if (status == 429 || status == 503) return Verdict::flow_control;
  if (status == 401 || status == 403) return Verdict::denied;
  if (status == 408 || status == 425 || status >= 500) return Verdict::transient;
  return Verdict::permanent;
}

milliseconds full_jitter(const BackoffRules& rules, int failures, double random) {
  const double doubled =
      std::ldexp(static_cast<double>(rules.first.count()), std::clamp(failures - 1, 0, 60));
  const double ceiling = std::min(doubled, static_cast<double>(rules.longest.count()));
  return milliseconds(static_cast<int64_t>(random * ceiling));
}

std::optional<milliseconds> retry_after(const std::string& value,
                                        std::chrono::system_clock::time_point now) {
  constexpr milliseconds kLongest = std::chrono::hours(24);
  if (value.empty()) return std::nullopt;
  if (value.find_first_not_of("0123456789") == std::string::npos) {
    if (value.size() > 6) return kLongest;
    return std::min(kLongest, milliseconds(std::stoll(value) * 1000));
  }
  const auto date = curl_getdate(value.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  const auto wait =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::from_time_t(date) - now);
  return std::clamp(wait, milliseconds(0), kLongest);
}

milliseconds wait_after(const Response& response, const BackoffRules& rules, int failures,
                        double random, std::chrono::system_clock::time_point now) {
  const auto jitter = full_jitter(rules, failures, random);
  const auto asked = retry_after(response.header("retry-after"), now);
  return asked ? *asked + jitter : jitter;
}

Surroundings real_surroundings() {
  struct Generator {
    std::mutex mutex;
    std::mt19937_64 engine{std::random_device{}()};
  };
  const auto generator = std::make_shared<Generator>();
  Surroundings surroundings;
  surroundings.random = [generator] {
    const std::lock_guard lock(generator->mutex);
    return std::uniform_real_distribution<double>(0, 1)(generator->engine);
  };
  surroundings.now = [] { return Surroundings::Clock::now(); };
  surroundings.wall_clock = [] { return std::chrono::system_clock::now(); };
  surroundings.sleep = [](milliseconds time, const std::atomic<bool>* cancel) {
    const auto until = Surroundings::Clock::now() + time;
    constexpr milliseconds kLook{20};
    while (!cancel || !cancel->load()) {
      const auto left = until - Surroundings::Clock::now();
      if (left <= left.zero()) return;
      std::this_thread::sleep_for(std::min<Surroundings::Clock::duration>(left, kLook));
    }
  };
  return surroundings;
}

namespace {

// One request that is sent until it succeeds or patience ends.
class Patience {
 public:
  Patience(const RetryRules& rules, const Surroundings& surroundings,
           const std::atomic<bool>* cancel)
      : rules_(rules),
        surroundings_(surroundings),
        cancel_(cancel),
        give_up_(surroundings.now() + rules.give_up_after) {}

  // Waits, and returns true; or returns false, because nothing is left to wait for. `answer` is
  // null after an error of the connection.
  bool again(const Response* answer) {
    const bool refused = answer && verdict_of(answer->status) == Verdict::flow_control;
    ++setbacks_;
    if (!refused) ++failures_;
    if (failures_ >= rules_.attempts) return false;
    const double random = surroundings_.random();
    const auto wait =
        answer ? wait_after(*answer, rules_.backoff, setbacks_, random, surroundings_.wall_clock())
               : full_jitter(rules_.backoff, setbacks_, random);
    if (surroundings_.now() + wait > give_up_) return false;
    surroundings_.sleep(wait, cancel_);
    return !cancel_ || !cancel_->load();
  }

 private:
  const RetryRules& rules_;
  const Surroundings& surroundings_;
  const std::atomic<bool>* const cancel_;
  const Surroundings::Clock::time_point give_up_;
  int failures_ = 0;
  int setbacks_ = 0;  // failures and refusals
};

}  // namespace

Response send_with_retries(Client& client, const Request& request, const RetryRules& rules,
                           const Surroundings& surroundings, const std::atomic<bool>* cancel) {
  Patience patience(rules, surroundings, cancel);
  for (;;) {
    try {
      auto response = client.send(request, cancel);
      const auto verdict = verdict_of(response.status);
      const bool repeatable = verdict == Verdict::flow_control || verdict == Verdict::transient;
      if (!repeatable || !patience.again(&response)) return response;
      tell(MessageLevel::note,
           fmt::format("{}: sent again after status {}", request.url, response.status));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unavailable || !patience.again(nullptr)) throw;
      tell(MessageLevel::note, std::string("sent again after: ") + error.what());
    }
  }
}

}  // namespace geoloom::http
