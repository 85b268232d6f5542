// SPDX-License-Identifier: Apache-2.0
// Asking before something is done that cannot be undone.
#pragma once

#include <string>

namespace geoloom::cli {

// On a terminal prints `what` and reads yes or no; Error(cancelled) for no. Elsewhere nobody can
// answer: Error(invalid) that names --yes.
void confirm(const std::string& what);

}  // namespace geoloom::cli
