// SPDX-License-Identifier: Apache-2.0
// The subcommands, one file each. Every add_... registers a subcommand whose callback leaves the
// process's exit code in `exit_code` or throws Error.
#pragma once

#include <CLI/CLI.hpp>

#include "workflow/registry.h"

namespace geoloom::cli {

struct Commands {
  const workflow::Registry& registry;
  int exit_code = 0;
  bool json = false;  // errors as JSON on stdout too
};

void add_run(CLI::App& app, Commands& commands);
void add_plan(CLI::App& app, Commands& commands);
void add_graph(CLI::App& app, Commands& commands);
void add_grid(CLI::App& app, Commands& commands);
void add_validate(CLI::App& app, Commands& commands);
void add_schema(CLI::App& app, Commands& commands);
void add_ops(CLI::App& app, Commands& commands);
void add_init(CLI::App& app, Commands& commands);
void add_indices(CLI::App& app, Commands& commands);
void add_sensors(CLI::App& app, Commands& commands);
void add_runs(CLI::App& app, Commands& commands);
void add_models(CLI::App& app, Commands& commands);
void add_inspect(CLI::App& app, Commands& commands);
void add_view(CLI::App& app, Commands& commands);
void add_pixel(CLI::App& app, Commands& commands);
void add_plot(CLI::App& app, Commands& commands);
void add_diff(CLI::App& app, Commands& commands);
void add_doctor(CLI::App& app, Commands& commands);
void add_store(CLI::App& app, Commands& commands);
void add_dead(CLI::App& app, Commands& commands);
void add_up(CLI::App& app, Commands& commands);
void add_down(CLI::App& app, Commands& commands);
void add_dispatch(CLI::App& app, Commands& commands);
void add_serve(CLI::App& app, Commands& commands);

// Parses the command line, runs the subcommand and turns errors into messages and exit codes.
int run_command_line(int argc, char** argv);

}  // namespace geoloom::cli
