// SPDX-License-Identifier: Apache-2.0
// All operations of this build; the definition is generated from the add_op lines.
#pragma once

#include <string_view>

#include "workflow/registry.h"

namespace geoloom::ops {

void add_all(workflow::Registry& registry);
// The text scene that shows an op at work; empty if it has none.
std::string_view example_of(std::string_view op);

}  // namespace geoloom::ops
