// SPDX-License-Identifier: Apache-2.0
// The commands of `geoloom runs`, each of which registers itself with it.
#pragma once

#include "cli/commands.h"

namespace geoloom::cli {

void add_runs_show(CLI::App& runs, Commands& commands);  // list, show, missing
void add_runs_why(CLI::App& runs, Commands& commands);
void add_runs_logs(CLI::App& runs, Commands& commands);
void add_runs_lineage(CLI::App& runs, Commands& commands);
void add_runs_control(CLI::App& runs, Commands& commands);  // pause, cancel, approve
void add_runs_metrics(CLI::App& runs, Commands& commands);
void add_runs_report(CLI::App& runs, Commands& commands);
void add_runs_export(CLI::App& runs, Commands& commands);  // export, replay

}  // namespace geoloom::cli
