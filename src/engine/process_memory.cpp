// SPDX-License-Identifier: Apache-2.0
#include "engine/process_memory.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

namespace geoloom::engine {

size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Not getrusage(): its peak begins with that of the program that started this one.
size_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    size_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  return resident_bytes();
}

size_t machine_memory_bytes() {
  size_t bytes =
      static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (const auto* limit_file :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(limit_file);
    size_t limit = 0;
    if (file >> limit && limit > 0)
      bytes = std::min(bytes, limit);  // "max" does not parse: no limit
  }
  return bytes;
}

unsigned available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  double cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = std::max(1, CPU_COUNT(&set));
  std::ifstream quota_file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (quota_file >> quota >> period && period > 0)
    cores = std::min(cores, std::ceil(quota / period));
  return std::max(1U, static_cast<unsigned>(cores));
}

}  // namespace geoloom::engine
