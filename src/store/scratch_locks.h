// SPDX-License-Identifier: Apache-2.0
// Who works in a store: a process holds a lock on its scratch folder for as long as it lives.
#pragma once

#include <string>

namespace geoloom::store {

// Whether a live process of this machine has a scratch folder in `parent` (see scratch_parent).
bool scratch_in_use(const std::string& parent);

}  // namespace geoloom::store
