// SPDX-License-Identifier: Apache-2.0
// Which CPU instruction set the kernels run on. Every kernel is compiled once per target and the
// best one is chosen at the first call; results never depend on the choice, only speed does.
#pragma once

#include <string_view>
#include <vector>

namespace geoloom::kernels {

// Targets that are compiled in and that this CPU can run, best first. Forcing does not change it.
std::vector<std::string_view> supported_targets();

// The target kernels run on now, as reported by a kernel itself.
std::string_view chosen_target();

// Makes every following kernel call run on the named target. Throws std::invalid_argument, with the
// names that are possible, for a name that supported_targets() does not list. For start-up and
// tests: calls already running in other threads finish on the target they began with.
void force_target(std::string_view name);

// Forces the target named by the environment variable GEOLOOM_CPU_TARGET; does nothing when it is
// unset or empty. The program calls it once at start-up. Throws as force_target does.
void force_target_from_environment();

// Back to the best target.
void reset_target();

}  // namespace geoloom::kernels
