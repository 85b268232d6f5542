// SPDX-License-Identifier: Apache-2.0
// Every execution of a run and how it ended: a small log below runs/<id>/executions/, checksummed
// like receipts. An execution that has no end is under way, or its process died.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/segments.h"
#include "store/store.h"

namespace geoloom::engine {

struct RunExecution {
  std::string id;  // of the execution
  // Counts up; two that began at a time may have the same. 0: the log could not be read then.
  int64_t number = 0;
  std::string started;  // RFC 3339, by the clock of who started it, which may be wrong
  std::string by;       // "user@host"
  std::string build;
  std::string transport;  // "threads", "http", "pubsub"
  // Of its process, to tell whether it lives.
  std::string host;
  int64_t process = 0;
  std::string process_start;  // tells a process from a later one of that number

  std::string ended;   // RFC 3339; empty: no end is known
  std::string ending;  // "done", "failed", "paused", "waiting", "cancelled", "interrupted",
                       // "past_deadline"
  std::string reason;  // or empty

  // Its ending; of one without: "under way", or "ended without a word" when its process is gone. Of
  // a process of another machine nothing is known: "under way, or ended without a word on HOST".
  std::string state() const;
};

// In the order in which they were started.
std::vector<RunExecution> read_executions(const store::Store& store, const std::string& run_id);

// What became of a run, in words: the state of its last execution, "not started", or that somebody
// holds it.
std::string state_of_run(const store::Store& store, const std::string& run_id);

// Writes the log of one execution: its start, durable when this is constructed, and its end. A
// store that refuses stops no run: the log is of use, but no result depends on it.
class ExecutionLog {
 public:
  ExecutionLog(store::Store& store, const std::string& run_id, const std::string& transport);
  ExecutionLog(const ExecutionLog&) = delete;
  ExecutionLog& operator=(const ExecutionLog&) = delete;
  // Durable when this returns. Without it the execution ended without a word.
  void ended(const std::string& ending, const std::string& reason);

  // What went wrong so far; or empty.
  const std::string& problem() const { return problem_; }

 private:
  void put(const std::string& record);

  store::Store& store_;
  // One object of the execution alone, put again at its end.
  std::string name_, records_;
  std::string problem_;
  std::string id_;
};

}  // namespace geoloom::engine
