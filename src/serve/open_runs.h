// SPDX-License-Identifier: Apache-2.0
// The runs a worker has open. Opening one reads its record and all receipts of its store, so the
// last few are kept.
#pragma once

#include <atomic>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "engine/run_session.h"
#include "workflow/registry.h"

namespace geoloom::serve {

struct OpenRun {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<workflow::Run> run;
  std::unique_ptr<engine::RunSession> session;
  std::unique_ptr<engine::ControlPoll> control;  // whether somebody holds the run
  std::mutex adopting;
};

class OpenRuns {
 public:
  OpenRuns(const workflow::Registry& registry, engine::Machine& machine,
           const std::atomic<bool>& stop, size_t kept = 8)
      : registry_(registry), machine_(machine), stop_(stop), kept_(kept) {}
  // Thread-safe; callers that want one run at a time open it once. Throws Error: denied (the store
  // is outside of the allowed roots), missing (no such run), resource (an item of the run does not
  // fit this worker's memory), corrupt, unavailable.
  std::shared_ptr<OpenRun> open(const std::string& store, const std::string& run);
  // The same, read again unless somebody did so since `stale` was opened.
  std::shared_ptr<OpenRun> reopen(const std::string& store, const std::string& run,
                                  const std::shared_ptr<OpenRun>& stale);

 private:
  using Opening = std::shared_future<std::shared_ptr<OpenRun>>;
  struct Entry {
    std::string store, run;
    Opening opening;
  };
  std::shared_ptr<OpenRun> opened(const std::string& store, const std::string& run) const;
  void forget(const std::string& store, const std::string& run);

  const workflow::Registry& registry_;
  engine::Machine& machine_;
  const std::atomic<bool>& stop_;
  const size_t kept_;
  std::mutex mutex_;
  std::list<Entry> recent_;  // most recently used first
};

}  // namespace geoloom::serve
