// SPDX-License-Identifier: Apache-2.0
// POST /tasks: one item of one step of a run that a store holds (engine/task_message.h).
#pragma once

#include "serve/job.h"
#include "serve/open_runs.h"

namespace geoloom::serve {

class RunTasks final : public TaskRoute {
 public:
  // `at_once` tasks share the machine's memory.
  RunTasks(OpenRuns& runs, unsigned at_once) : runs_(runs), at_once_(at_once) {}
  std::string path() const override;
  Job accept(const Delivery& delivery) override;

 private:
  OpenRuns& runs_;
  const unsigned at_once_;
};

}  // namespace geoloom::serve
