// SPDX-License-Identifier: Apache-2.0
// Which runs of a store are to go by a policy: what `geoloom runs clean --keep-last --older-than`
// means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"

namespace geoloom::engine {

struct Retention {
  // So many of the last runs stay. Trials do not count: a small run after the last whole one must
  // not take its place. Those that are younger than the oldest run kept stay.
  std::optional<size_t> keep_last;
  std::optional<int64_t> older_than_s;  // younger runs stay
};

struct RunAge {
  std::string id;
  int64_t created_s = 0;  // since 1970
  bool trial = false;
};

// Of `runs`, oldest first, those that no rule keeps. Without a rule none goes.
std::vector<std::string> expired(const std::vector<RunAge>& runs, const Retention& retention,
                                 int64_t now_s);
// The same of a store, now. Throws Error(invalid) for a record that cannot be read.
std::vector<std::string> expired_runs(const store::Store& store, const Retention& retention);

}  // namespace geoloom::engine
