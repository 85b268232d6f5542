// SPDX-License-Identifier: Apache-2.0
// The log of attempts of a run, below runs/<id>/attempts/: one checksummed record for each attempt
// at an item, whoever made it. It is of use to people; no result depends on it.
#pragma once

#include <string>
#include <vector>

#include "error/error.h"
#include "store/segments.h"
#include "store/store.h"
#include "workflow/parameters.h"

namespace geoloom::engine {

// What happened to one attempt.
struct AttemptRecord {
  std::string time;  // RFC 3339, of its end
  std::string step, item;
  int attempt = 1;
  std::string state;  // "done", "empty", "failed"
  double wall_seconds = 0;
  std::string error_code, message, place, hint, cause;  // failed ones

  // The attempt failed, by that error.
  void fail(const Error& error);
};
workflow::Json to_json(const AttemptRecord& record);
AttemptRecord attempt_from_json(const workflow::Json& json);

// Where the segments of a run's attempts are.
std::string attempts_folder(const std::string& run_id);

// Attempts of a run, as the segments tell, in order of time.
std::vector<AttemptRecord> read_attempts(const store::Store& store, const std::string& run_id);
// Those that failed: of a large run few lines of its log.
std::vector<AttemptRecord> read_failed_attempts(const store::Store& store,
                                                const std::string& run_id);

// Attempts that other processes log while a run goes on.
class AttemptReader {
 public:
  // Begins with those that are logged from now on.
  AttemptReader(const store::Store& store, const std::string& run_id);
  std::vector<AttemptRecord> read_new();

 private:
  store::SegmentReader segments_;
};

}  // namespace geoloom::engine
