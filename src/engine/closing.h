// SPDX-License-Identifier: Apache-2.0
// What follows a run: the ops of `finally`, however it ended.
#pragma once

#include "engine/run_progress.h"
#include "engine/run_session.h"

namespace geoloom::engine {

// Carries out the document's `finally`, each op whether or not those before it failed, all of them
// within its time; they are told how the run ended, which began at `started`. Attempts go to the
// run's log under the step `finally`. Returns what went wrong, in words: the run's result stays
// what it is.
std::vector<std::string> close_run(RunSession& session, const RunSummary& summary,
                                   const std::string& started);

}  // namespace geoloom::engine
