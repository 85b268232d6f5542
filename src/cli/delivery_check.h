// SPDX-License-Identifier: Apache-2.0
// Whether the settings of a push subscription, the platform and the work fit together: attempts,
// deadlines, time-outs. benchmarks/push-load has the measurements behind the rules.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace geoloom::cli {

struct Backoff {
  double shortest_s = 10, longest_s = 600;
};

struct DeliverySettings {
  double ack_deadline_s = 10;      // 10 to 600; a push delivery cannot extend it
  std::optional<int> attempts;     // of the dead-letter policy; nullopt: none, for ever
  bool dead_letters_read = false;  // the dead-letter topic has a subscription
  std::optional<Backoff> backoff;  // of the retry policy; nullopt: delivered again at once
  double request_timeout_s = 300;  // of the platform
  double task_s = 60;              // 99 of 100 tasks take less
  size_t tasks = 1000;             // published together
  size_t instances = 50, per_instance = 1;
};

struct Finding {
  bool serious = false;  // items will be lost or made twice; else it is worth changing
  std::string what, change;
};
std::vector<Finding> check_delivery(const DeliverySettings& settings);

// Attempts that survive the refusals of `tasks` that come at once, with half as much time again,
// and five failures beside. nullopt without a back-off: no number is enough for sure.
std::optional<int> attempts_needed(const DeliverySettings& settings);

}  // namespace geoloom::cli
