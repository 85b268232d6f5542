// SPDX-License-Identifier: Apache-2.0
// A task as it travels to a worker: which item of which step of which run in which store. The run
// record in the store holds everything else.
#pragma once

#include <string>

#include "workflow/run.h"

namespace geoloom::engine {

inline constexpr int kTaskMessageVersion = 1;
// Where workers take tasks, and where they take granule median requests.
inline constexpr const char* kTaskPath = "/tasks";
inline constexpr const char* kMedianPath = "/median";

struct TaskMessage {
  std::string store;  // "s3://bucket/prefix", or an absolute path that sender and worker share
  std::string run;
  std::string step;
  std::string item;
  int attempt = 1;

  // One per item, however often it is sent: "20261121T101500Z-1a2b3c4d/composite/2048_0".
  std::string deduplication_id() const { return run + "/" + step + "/" + item; }
};

workflow::Json to_json(const TaskMessage& task);
// Unknown keys are ignored. Throws Error(invalid) for a newer version, and for missing, empty or
// mistyped values.
TaskMessage task_message_from_json(const workflow::Json& json);

// Where the task is in a run; throws Error(invalid) for a step or item that the run has not.
struct TaskPlace {
  size_t step = 0, item = 0;
};
TaskPlace place_in(const workflow::Run& run, const TaskMessage& task);

}  // namespace geoloom::engine
