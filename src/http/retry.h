// SPDX-License-Identifier: Apache-2.0
// When a request is sent again: exponential back-off with full jitter, Retry-After honoured, and
// refusals for want of room (429, 503) told apart from failures.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "http/client.h"

namespace geoloom::http {

// What an answer means for who may send the request again.
enum class Verdict {
  success,       // 2xx
  flow_control,  // 429, 503: no room now; nothing was tried, so no attempt is spent
  transient,     // 408, 425, 500, 502, 504 and others of 5xx: may work later
  denied,        // 401, 403: others would fare alike
  permanent      // all else: the same request will fail again
};
Verdict verdict_of(int status);

struct BackoffRules {
  std::chrono::milliseconds first{500};
  std::chrono::milliseconds longest{60'000};
};
// Uniform between 0 and min(longest, first * 2^(failures - 1)), so that senders that failed
// together do not come back together. `failures` counts from 1; `random` is in [0, 1).
std::chrono::milliseconds full_jitter(const BackoffRules& rules, int failures, double random);

// The wait that a Retry-After header asks for: seconds, or a date (RFC 9110, all three forms).
// nullopt for anything else; never negative, at most a day.
std::optional<std::chrono::milliseconds> retry_after(const std::string& value,
                                                     std::chrono::system_clock::time_point now);
// The wait before the next attempt: what the answer asks for, or else the back-off. The jitter is
// added to what is asked for, since all who were refused are told the same.
std::chrono::milliseconds wait_after(const Response& response, const BackoffRules& rules,
                                     int failures, double random,
                                     std::chrono::system_clock::time_point now);

// Time and chance, for tests to replace.
struct Surroundings {
  using Clock = std::chrono::steady_clock;
  std::function<double()> random;  // in [0, 1); thread-safe
  std::function<Clock::time_point()> now;
  std::function<std::chrono::system_clock::time_point()> wall_clock;
  // Returns early when `cancel` is set.
  std::function<void(std::chrono::milliseconds, const std::atomic<bool>* cancel)> sleep;
};
Surroundings real_surroundings();

struct RetryRules {
  int attempts = 5;  // that failed; refusals for want of room do not count
  std::chrono::milliseconds give_up_after{600'000};  // with all waits
  BackoffRules backoff;
};

// Sends until the answer is neither transient nor flow control, or attempts or time are used up;
// then gives the last answer. Errors of the connection count as transient; the last is thrown.
// For requests that may be repeated.
Response send_with_retries(Client& client, const Request& request, const RetryRules& rules,
                           const Surroundings& surroundings,
                           const std::atomic<bool>* cancel = nullptr);

}  // namespace geoloom::http
