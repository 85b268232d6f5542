// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and SIGTERM: the first asks to stop, the second ends the process at once.
#pragma once

#include <atomic>

namespace geoloom::cli {

// From here on signals set the flag, which is returned. `text` is printed at the first one.
const std::atomic<bool>& stop_on_signals(const char* text);
// Which signal set it; 0: none.
int stop_signal();

}  // namespace geoloom::cli
