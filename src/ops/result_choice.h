// SPDX-License-Identifier: Apache-2.0
// Parameters that list which results of an op are wanted: `outputs`, `measures`, `stat`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace geoloom::ops {

// Throws Error(invalid) where the list is empty or names one twice; `parameter` ("trend.outputs")
// is what messages call it.
void check_choice(std::string_view parameter, const std::vector<std::string>& names);

}  // namespace geoloom::ops
