// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace geoloom::store {

std::unique_ptr<Store> open_local_store(const std::string& folder);

// Throws Error(denied) for a name that is not as store.h says.
void check_name(const std::string& name);

}  // namespace geoloom::store
