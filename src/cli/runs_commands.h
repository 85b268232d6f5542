// SPDX-License-Identifier: Apache-2.0
// The commands of `geoloom runs`, each of which registers itself with it.
#pragma once

#include "cli/commands.h"

namespace geoloom::cli {

void add_runs_report(CLI::App& runs, Commands& commands);

}  // namespace geoloom::cli
