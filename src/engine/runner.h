// SPDX-License-Identifier: Apache-2.0
// Runs a whole run: steps in order, the items of each by a transport.
#pragma once

#include <atomic>
#include <chrono>

#include "engine/run_control.h"
#include "engine/run_progress.h"
#include "engine/run_session.h"

namespace geoloom::engine {

struct RunnerOptions : MachineOptions {
  // Between two looks for who pauses or cancels the run; 0: none.
  std::chrono::milliseconds control_interval = kControlInterval;
  // Of items whose step does not say.
  workflow::RetryPolicy retry;
};

// How the items of a step reach who carries them out.
class Transport {
 public:
  virtual ~Transport() = default;
  // Reports the end of every item, and returns when there is none left to wait for or
  // progress.stopped(). What it reports as done has a receipt that the session has, or will have
  // after refresh().
  virtual void carry_out(RunSession& session, size_t step, RunProgress& progress) = 0;
  // "threads", "http", "pubsub"
  virtual const char* name() const = 0;
  // Whether other processes make receipts.
  virtual bool elsewhere() const = 0;
};

// The steps of a run in order, by any transport: receipts that are there already are taken over,
// and a step's friendly names are published when it has ended. What steps wait for is put into the
// run, and into its record in the store, when it is known. `stop` ends it early.
RunSummary carry_out_run(workflow::Run& run, store::Store& store, Machine& machine,
                         Transport& transport, RunObserver& observer, const std::atomic<bool>& stop,
                         std::chrono::milliseconds control_interval = kControlInterval);

// In this process.
RunSummary execute_run(workflow::Run& run, store::Store& store, const RunnerOptions& options,
                       RunObserver& observer, const std::atomic<bool>& stop);

}  // namespace geoloom::engine
