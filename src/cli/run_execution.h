// SPDX-License-Identifier: Apache-2.0
// Executes a run with progress, signals and the closing lines; `run` and `runs retry` share it.
#pragma once

#include <CLI/CLI.hpp>
#include <iostream>

#include "engine/runner.h"

namespace geoloom::cli {

// How often a run looks for `runs pause` and `runs cancel`.
struct ControlArguments {
  double interval_s = 2;

  void add_to(CLI::App& command);
  std::chrono::milliseconds interval() const;
};

// What is told of a run that somebody paused or cancelled, with its exit code; nullopt: nobody did.
// What the breaker left for workers is cleared away.
std::optional<int> refuse_if_held(store::Store& store, const std::string& run_id, bool json);

// By a transport, or in this process when there is none. What the run made, or its summary as JSON,
// goes to `results`. A run that is held is not carried out.
int execute_and_report(const workflow::Run& run, store::Store& store,
                       const engine::RunnerOptions& options, bool json, bool quiet,
                       engine::Transport* transport = nullptr, std::ostream& results = std::cout);

}  // namespace geoloom::cli
