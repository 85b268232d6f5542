// SPDX-License-Identifier: Apache-2.0
// What a service did, one JSON object per line on standard error, in the keys that log collectors
// know ("time", "severity", "message"). Never the body, the headers or the query of a request.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "error/error.h"
#include "workflow/parameters.h"

namespace geoloom::serve {

enum class Severity { debug, info, warning, error };

class Journal {
 public:
  // `write` gets each line without its end; default: standard error.
  explicit Journal(std::function<void(const std::string&)> write = {});
  // `facts` are further keys. Thread-safe.
  void log(Severity severity, const std::string& message, workflow::OrderedJson facts = {});

 private:
  std::mutex mutex_;
  std::function<void(const std::string&)> write_;
};

// {"code", "message", "place", "hint"}, as answers and records hold an error. Causes come from
// libraries and servers and stay in the log.
workflow::OrderedJson error_json(const Error& error);

}  // namespace geoloom::serve
