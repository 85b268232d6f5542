// SPDX-License-Identifier: Apache-2.0
// The one table of error codes, and the one exception that carries them. Every layer uses it: a
// message says what was wrong, a place says where, a hint says what to do.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace geoloom {

enum class ErrorCode {
  invalid,      // the input is wrong: document, parameter, file that is not what it should be
  missing,      // something named does not exist
  empty,        // nothing to do: no scene lies in the area and the period
  corrupt,      // bytes are there but cannot be decoded, or a checksum differs
  unavailable,  // a service or a disk did not answer; may work later
  denied,       // no permission, or outside the allowed roots; never read as "missing"
  resource,     // memory budget, disk space, handles
  lost,         // the process or worker died
  cancelled,    // somebody asked to stop
  internal,     // a defect of Geoloom
};

// Whether a failed item is tried again by itself.
enum class RetryClass { never, with_backoff, pause_run };

struct ErrorTraits {
  ErrorCode code;
  std::string_view name;
  RetryClass retry;
  bool counts_as_attempt;
  int exit_code;
  int http_status;
};

const ErrorTraits& traits(ErrorCode code);
// The code of that name; `internal` for a name that is not in the table.
ErrorCode error_code_of(std::string_view name);

// Process exit codes that do not come from a single error.
inline constexpr int kExitSuccess = 0;
inline constexpr int kExitItemsFailed = 3;  // the run ended, some items failed
inline constexpr int kExitNothingToDo = 4;  // all items were empty; also the code of `empty`
inline constexpr int kExitPaused = 11;      // by the breaker, or by `geoloom runs pause`
inline constexpr int kExitWaiting = 12;     // for a file or a person; all else is done
inline constexpr int kExitCancelled = 13;   // by `geoloom runs cancel`
inline constexpr int kExitDeadline = 14;    // a deadline passed before all was done
inline constexpr int kExitInterrupted = 130;
inline constexpr int kExitTerminated = 143;

// Where it happened. Empty members are left out of the printed text.
struct Place {
  std::string file;  // document or data file
  int line = 0;      // 1-based; 0 = unknown
  int column = 0;
  std::string key;  // dotted path of a document key
  std::string step;
  std::string item;
  std::string scene;

  std::string text() const;  // "cropland.yaml:12:5, steps.map.over, item 2048_0"
};

class Error : public std::exception {
 public:
  // All texts are kept without_secrets().
  Error(ErrorCode code, std::string message);

  Error& at(Place place);         // fills only the members of the place that are still empty
  Error& hint(std::string text);  // what to do; the first hint wins
  Error& cause(std::string text);

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  const std::string& cause() const { return cause_; }
  const Place& place() const { return place_; }

  // "place: message (cause). Hint: ..." on one line.
  const char* what() const noexcept override;

 private:
  ErrorCode code_;
  std::string message_, hint_, cause_;
  Place place_;
  mutable std::string what_;
};

}  // namespace geoloom
