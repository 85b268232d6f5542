// SPDX-License-Identifier: Apache-2.0
#include "cli/delivery_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace geoloom::cli {
namespace {

constexpr double kLongestDeadline = 600;
constexpr int kMostAttempts = 100;
constexpr int kSpareAttempts = 5;
constexpr double kSpareTime = 1.5;

size_t capacity_of(const DeliverySettings& s) {
  return std::max<size_t>(1, s.instances * s.per_instance);
}

// How long a task may wait for a place: the waves before the last one.
double longest_wait(const DeliverySettings& s) {
  const size_t waves = (s.tasks + capacity_of(s) - 1) / capacity_of(s);
  return static_cast<double>(std::max<size_t>(waves, 1) - 1) * s.task_s;
}

void check_times(const DeliverySettings& s, std::vector<Finding>& found) {
  if (s.task_s > s.ack_deadline_s)
    found.push_back(
        {true,
         fmt::format("a task takes up to {:g} s, and is delivered again after {:g} s, while it "
                     "still runs",
                     s.task_s, s.ack_deadline_s),
         s.task_s * kSpareTime <= kLongestDeadline
             ? fmt::format("set the acknowledgement deadline to {:g} s",
                           std::min(kLongestDeadline, s.task_s * 2))
             : "use smaller tiles: 600 s is the longest deadline"});
  if (s.request_timeout_s < s.task_s)
    found.push_back({true,
                     fmt::format("the platform ends requests after {:g} s, and a task takes up to "
                                 "{:g} s",
                                 s.request_timeout_s, s.task_s),
                     fmt::format("set its request time-out to {:g} s",
                                 std::max(s.ack_deadline_s, s.task_s * 2))});
  else if (s.request_timeout_s < s.ack_deadline_s)
    found.push_back({false,
                     fmt::format("the platform ends requests after {:g} s, before the deadline of "
                                 "{:g} s",
                                 s.request_timeout_s, s.ack_deadline_s),
                     fmt::format("set its request time-out to {:g} s or more", s.ack_deadline_s)});
}

void check_dead_letters(const DeliverySettings& s, std::vector<Finding>& found) {
  if (!s.attempts)
    found.push_back({false,
                     "there is no dead-letter policy: what cannot succeed is delivered for days",
                     "set one, with a topic that has a subscription (`geoloom up` does)"});
  else if (!s.dead_letters_read)
    found.push_back({true,
                     "the dead-letter topic has no subscription: what is given up is discarded",
                     "give it one, and read it with `geoloom dead list`"});
}

void check_attempts(const DeliverySettings& s, std::vector<Finding>& found) {
  const size_t capacity = capacity_of(s);
  const bool crowded = s.tasks > capacity;
  if (!s.backoff) {
    found.push_back(
        {crowded && s.attempts.has_value(),
         "there is no retry policy: a message that was refused comes back at once" +
             (crowded && s.attempts
                  ? fmt::format(
                        ", so that {} of {} tasks may use up {} attempts while {} are at work",
                        s.tasks - capacity, s.tasks, *s.attempts, capacity)
                  : std::string()),
         "set a retry policy of 10 s to 600 s"});
    return;
  }
  const auto needed = attempts_needed(s);
  if (s.attempts && needed && *s.attempts < *needed) {
    found.push_back(
        {longest_wait(s) > 0,
         fmt::format("{} attempts; {} tasks on {} places wait up to {:g} s, and every refusal "
                     "counts as one",
                     *s.attempts, s.tasks, capacity, longest_wait(s)),
         *needed > kMostAttempts ? "publish fewer tasks at once, or allow more instances"
                                 : fmt::format("set {} attempts or more", *needed)});
  }
}

}  // namespace

std::optional<int> attempts_needed(const DeliverySettings& s) {
  if (!s.backoff) return std::nullopt;
  const double wanted = longest_wait(s) * kSpareTime;
  double waited = 0, wait = std::max(0.001, s.backoff->shortest_s);
  int refusals = 0;
  // Beyond this many the policy's limit is passed anyway.
  for (; waited < wanted && refusals <= kMostAttempts; ++refusals) {
    waited += wait;
    wait = std::min(wait * 2, s.backoff->longest_s);
  }
  return refusals + kSpareAttempts;
}

std::vector<Finding> check_delivery(const DeliverySettings& settings) {
  std::vector<Finding> found;
  check_times(settings, found);
  check_dead_letters(settings, found);
  check_attempts(settings, found);
  return found;
}

}  // namespace geoloom::cli
