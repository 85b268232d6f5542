// SPDX-License-Identifier: Apache-2.0
// Executes a run with progress, signals and the closing lines; `run` and `runs retry` share it.
#pragma once

#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "engine/runner.h"

namespace geoloom::cli {

// How often a run looks for `runs pause` and `runs cancel`.
struct ControlArguments {
  double interval_s = 2;

  void add_to(CLI::App& command);
  std::chrono::milliseconds interval() const;
};

// What a run came to, for who asked for it.
struct ExecutionReport {
  int exit_code = 0;
  workflow::OrderedJson summary;
  std::vector<std::string> paths;  // one per layer
};
// Tells, on stderr too, of a run that somebody paused or cancelled, and is not to be carried out;
// nullopt: nobody did. What the breaker left for workers is cleared away.
std::optional<ExecutionReport> refuse_if_held(store::Store& store, const std::string& run_id);

// By a transport, or in this process when there is none. A run that is held is not carried out.
// Tells how it goes on stderr.
ExecutionReport execute_and_tell(workflow::Run& run, store::Store& store,
                                 const engine::RunnerOptions& options, bool quiet,
                                 engine::Transport* transport = nullptr);
// The summary as JSON, or the paths, to `results`; returns the exit code.
int print_report(const ExecutionReport& report, bool json, std::ostream& results = std::cout);
// Both.
int execute_and_report(workflow::Run& run, store::Store& store,
                       const engine::RunnerOptions& options, bool json, bool quiet,
                       engine::Transport* transport = nullptr, std::ostream& results = std::cout);

}  // namespace geoloom::cli
