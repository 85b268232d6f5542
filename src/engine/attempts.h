// SPDX-License-Identifier: Apache-2.0
// Attempts at the items of a run, whoever made them. Of one that made its item the receipt tells;
// those that failed are in a log below runs/<id>/attempts/, one checksummed record each, with the
// ops of `finally`. The log is of use to people; no result depends on it.
#pragma once

#include <string>
#include <vector>

#include "error/error.h"
#include "error/message_log.h"
#include "store/segments.h"
#include "store/store.h"
#include "workflow/parameters.h"

namespace geoloom::engine {

struct Receipt;

// Wall time of the stages of an attempt; computing and encoding overlap, and share their time by
// what threads did.
struct StageSeconds {
  double read = 0, compute = 0, encode = 0;
};

// What an attempt was told while it went on, see MessageLog.
struct AttemptLog {
  std::vector<Message> messages;
  size_t left_out = 0;  // further messages, which are not kept
  bool empty() const { return messages.empty() && left_out == 0; }
};
// {"messages": [{"after_seconds", "level", "text", "times"}], "left_out"}
workflow::Json to_json(const AttemptLog& log);
AttemptLog attempt_log_from_json(const workflow::Json& json);

// What happened to one attempt.
struct AttemptRecord {
  std::string time;  // RFC 3339, of its end
  std::string step, item;
  int attempt = 1;
  std::string state;  // "done", "empty", "failed"
  double wall_seconds = 0;
  StageSeconds seconds;
  size_t memory_bytes = 0;                              // the item's ticket
  std::string error_code, message, place, hint, cause;  // failed ones
  AttemptLog log;

  // The attempt failed, by that error.
  void fail(const Error& error);
};
workflow::Json to_json(const AttemptRecord& record);
AttemptRecord attempt_from_json(const workflow::Json& json);
// The attempt that a receipt was written for; its notes, and the scenes that were left out, are in
// its log.
AttemptRecord attempt_of(const Receipt& receipt);

// Where the segments of a run's log of attempts are.
std::string attempts_folder(const std::string& run_id);

enum class AttemptsWanted { all, failed };

// Reads the attempts of a run again and again, each time what is new.
class AttemptReader {
 public:
  AttemptReader(const store::Store& store, const std::string& run_id, AttemptsWanted wanted);
  std::vector<AttemptRecord> read_new();  // in order of time

 private:
  const std::string run_id_;
  const AttemptsWanted wanted_;
  store::SegmentReader failures_, receipts_;
};

// All attempts of a run, in order of time: reads all receipts of the store.
std::vector<AttemptRecord> read_attempts(const store::Store& store, const std::string& run_id);
// Those that failed: of a large run few.
std::vector<AttemptRecord> read_failed_attempts(const store::Store& store,
                                                const std::string& run_id);

}  // namespace geoloom::engine
