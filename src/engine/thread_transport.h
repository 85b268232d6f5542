// SPDX-License-Identifier: Apache-2.0
// The transport of one process: threads over a queue, retries by error class.
#pragma once

#include <atomic>

#include "engine/runner.h"
#include "http/retry.h"

namespace geoloom::engine {

// As many items at once as there are cores; tickets of the memory budget decide how many of them
// hold pixels.
class ThreadTransport final : public Transport {
 public:
  // `retry` is for steps that do not say. `stop`, which the session watches, is set when items
  // under way are to end.
  ThreadTransport(unsigned threads, workflow::RetryPolicy retry, std::atomic<bool>& stop)
      : threads_(threads), retry_(std::move(retry)), stop_(stop) {}

  void carry_out(RunSession& session, size_t step, RunProgress& progress) override;
  const char* name() const override { return "threads"; }
  bool elsewhere() const override { return false; }

 private:
  void execute_one(RunSession& session, WorkQueue& queue, const WorkMessage& message,
                   unsigned in_flight, RunProgress& progress) const;
  void failed(const workflow::RetryPolicy& retry, WorkQueue& queue, const WorkMessage& message,
              ItemEvent event, const Error& error, RunProgress& progress) const;

  const unsigned threads_;
  const workflow::RetryPolicy retry_;
  const http::Surroundings surroundings_ = http::real_surroundings();
  std::atomic<bool>& stop_;
};

}  // namespace geoloom::engine
