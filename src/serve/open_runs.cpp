// SPDX-License-Identifier: Apache-2.0
#include "serve/open_runs.h"

#include <algorithm>

namespace geoloom::serve {

std::shared_ptr<OpenRun> OpenRuns::open(const std::string& store, const std::string& run) {
  std::promise<std::shared_ptr<OpenRun>> promise;
  Opening opening;
  bool mine = false;
  {
    const std::lock_guard lock(mutex_);
    const auto known = std::find_if(recent_.begin(), recent_.end(), [&](const Entry& entry) {
      return entry.store == store && entry.run == run;
    });
    if (known != recent_.end()) {
      recent_.splice(recent_.begin(), recent_, known);
    } else {
      recent_.push_front({store, run, promise.get_future().share()});
      mine = true;
      if (recent_.size() > kept_) recent_.pop_back();
    }
    opening = recent_.front().opening;
  }
  if (!mine) return opening.get();
  try {
    promise.set_value(opened(store, run));
  } catch (...) {
    // Others may be waiting for it; who comes later tries anew.
    forget(store, run);
    promise.set_exception(std::current_exception());
  }
  return opening.get();
}

std::shared_ptr<OpenRun> OpenRuns::reopen(const std::string& store, const std::string& run,
                                          const std::shared_ptr<OpenRun>& stale) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(recent_, [&](const Entry& entry) {
      const bool ready =
          entry.opening.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
      return entry.store == store && entry.run == run && ready && entry.opening.get() == stale;
    });
  }
  return open(store, run);
}

void OpenRuns::forget(const std::string& store, const std::string& run) {
  const std::lock_guard lock(mutex_);
  std::erase_if(recent_,
                [&](const Entry& entry) { return entry.store == store && entry.run == run; });
}

std::shared_ptr<OpenRun> OpenRuns::opened(const std::string& store, const std::string& run) const {
  auto out = std::make_shared<OpenRun>();
  out->store = store::open_store(store);
  out->run = workflow::Run::open(workflow::read_run_record(*out->store, run), registry_);
  const auto& options = machine_.options();
  engine::check_memory(*out->run, options.memory_bytes, options.threads, options.reads);
  out->session = std::make_unique<engine::RunSession>(*out->run, *out->store, machine_, stop_);
  out->control = std::make_unique<engine::ControlPoll>(*out->store, run, engine::kControlInterval);
  return out;
}

}  // namespace geoloom::serve
