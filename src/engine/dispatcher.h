// SPDX-License-Identifier: Apache-2.0
// The transport over HTTP: sends the items of a step to workers, and believes their receipts only.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "engine/runner.h"
#include "engine/task_message.h"
#include "http/client.h"
#include "http/retry.h"
#include "http/url.h"

namespace geoloom::engine {

struct DispatchOptions {
  std::vector<std::string> workers;  // "http(s)://host[:port][/prefix]", each takes POST .../tasks
  std::string token;                 // sent as bearer token; empty = none
  bool token_in_plain_http = false;  // else a token goes by https, or stays on the machine
  unsigned in_flight = 16;           // requests at once, over all workers
  int attempts = 5;                  // of an item; refusals for want of room cost none
  std::chrono::milliseconds request_timeout{900'000};  // longer than the longest task
  // Gives up when no item has ended for that long.
  std::chrono::milliseconds patience{1'800'000};
  http::BackoffRules backoff{std::chrono::milliseconds(250), std::chrono::milliseconds(10'000)};
  std::string certificate_authorities;  // PEM file; empty = the system's
};

// What an answer that is not 2xx tells: code, message, place and hint of its body when it is one of
// our errors, else what its status means. `host` is for the message.
Error error_of_answer(const http::Response& response, const std::string& host);

class Dispatcher final : public Transport {
 public:
  // Throws Error(invalid) for addresses that are none, or a token that would travel readable.
  explicit Dispatcher(DispatchOptions options,
                      http::Surroundings surroundings = http::real_surroundings());
  ~Dispatcher() override;

  // All items of the step that have no receipt. When `progress` is stopped no further request is
  // made, and those under way are waited for.
  void carry_out(RunSession& session, size_t step, RunProgress& progress) override;
  const char* name() const override { return "http"; }
  bool elsewhere() const override { return true; }
  // Only these items.
  void send(RunSession& session, size_t step, const std::vector<size_t>& items,
            RunProgress& progress);

 private:
  struct Worker {
    http::Url tasks;
    unsigned in_flight = 0;
    http::Surroundings::Clock::time_point rests_until{};
  };
  class Sending;
  friend class Sending;

  size_t take_worker();
  void release_worker(size_t worker, std::chrono::milliseconds rest);

  const DispatchOptions options_;
  const http::Surroundings surroundings_;
  http::Client client_;
  std::mutex mutex_;
  std::vector<Worker> workers_;
};

// The store's address as a worker needs it: absolute for folders.
std::string address_for_workers(const store::Store& store);

// Reports the items that have a receipt in the store, as `cached`, and gives the others. Reads what
// other processes committed first.
std::vector<size_t> items_left(RunSession& session, size_t step, const std::vector<size_t>& items,
                               RunProgress& progress);

}  // namespace geoloom::engine
