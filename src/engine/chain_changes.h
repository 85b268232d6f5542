// SPDX-License-Identifier: Apache-2.0
// How one op chain differs from another, in words.
#pragma once

#include <string>
#include <vector>

#include "workflow/parameters.h"

namespace geoloom::engine {

// Of identities as Chain::identity() gives them: "reclass.rules[0].to: 100 -> 150", or other ops:
// "other ops: load > save -> load > reduce > save". Versions are left out. Values are shortened.
std::vector<std::string> chain_changes(const workflow::Json& then, const workflow::Json& now);

// Of texts as Step::chain_text() gives them: "reduce is version 2, was 1". Nothing where the ops
// are others.
std::vector<std::string> version_changes(const std::string& then, const std::string& now);

}  // namespace geoloom::engine
