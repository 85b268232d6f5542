// SPDX-License-Identifier: Apache-2.0
#include "engine/retention.h"

#include <algorithm>
#include <chrono>

#include "error/error.h"
#include "geo/time.h"
#include "workflow/run_record.h"

namespace geoloom::engine {

std::vector<std::string> expired(const std::vector<RunAge>& runs, const Retention& retention,
                                 int64_t now_s) {
  if (!retention.keep_last && !retention.older_than_s) return {};
  size_t whole = 0;  // runs from the first one kept on stay
  size_t first_kept = runs.size();
  if (retention.keep_last) {
    while (first_kept > 0 && whole < *retention.keep_last) {
      --first_kept;
      whole += runs[first_kept].trial ? 0 : 1;
    }
    // Fewer than are to be kept.
    if (whole < *retention.keep_last) return {};
    // Of runs of one second nobody knows which came first, so none of them goes.
    while (first_kept > 0 && first_kept < runs.size() &&
           runs[first_kept - 1].created_s == runs[first_kept].created_s)
      --first_kept;
  }
  std::vector<std::string> gone;
  for (size_t i = 0; i < first_kept; ++i) {
    const bool old =
        !retention.older_than_s || now_s - runs[i].created_s >= *retention.older_than_s;
    if (old) gone.push_back(runs[i].id);
  }
  return gone;
}

std::vector<std::string> expired_runs(const store::Store& store, const Retention& retention) {
  std::vector<RunAge> runs;
  for (const auto& id : workflow::list_runs(store)) {
    const auto record = workflow::read_run_record(store, id);
    const auto created = geo::parse_time(record.created);
    if (!created)
      throw Error(ErrorCode::invalid, "run " + id + " does not tell when it was created");
    runs.push_back({id, *created / 1000, record.trial()});
  }
  // Ids tell the second only, and what comes after it is no order.
  std::stable_sort(runs.begin(), runs.end(),
                   [](const RunAge& a, const RunAge& b) { return a.created_s < b.created_s; });
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  return expired(runs, retention, now);
}

}  // namespace geoloom::engine
