// SPDX-License-Identifier: Apache-2.0
// Executes a run with progress, signals and the closing lines; `run` and `runs retry` share it.
#pragma once

#include "engine/runner.h"

namespace geoloom::cli {

// By a transport, or in this process when there is none.
int execute_and_report(const workflow::Run& run, store::Store& store,
                       const engine::RunnerOptions& options, bool json, bool quiet,
                       engine::Transport* transport = nullptr);

}  // namespace geoloom::cli
