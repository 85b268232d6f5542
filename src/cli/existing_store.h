// SPDX-License-Identifier: Apache-2.0
// What several of the `runs` commands need.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "store/store.h"

namespace geoloom::cli {

// The store named, or else that of the last run; Error(missing) when there is none.
std::unique_ptr<store::Store> open_existing_store(const std::string& url);
void add_runs_clean(CLI::App& runs, Commands& commands);

}  // namespace geoloom::cli
