// SPDX-License-Identifier: Apache-2.0
// What the machine has and what this process uses.
#pragma once

#include <cstddef>

namespace geoloom::engine {

size_t resident_bytes();        // now
size_t peak_resident_bytes();   // since the start
size_t machine_memory_bytes();  // the smaller of physical memory and the cgroup's limit
unsigned available_cores();     // by affinity and cgroup quota, at least 1

}  // namespace geoloom::engine
