// SPDX-License-Identifier: Apache-2.0
#include "kernels/target.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/target.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

int64_t compiled_target() {
  return HWY_TARGET;
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(compiled_target);

// Highway's own answer changes once a target is forced, so it is asked once, before that.
const std::vector<int64_t>& runnable_targets() {
  static const std::vector<int64_t> targets = [] {
    const int64_t bits = (hwy::SupportedTargets() | HWY_STATIC_TARGET) & HWY_TARGETS;
    std::vector<int64_t> found;
    // A lower bit is a better target.
    for (int64_t rest = bits; rest != 0; rest &= rest - 1) found.push_back(rest & -rest);
    return found;
  }();
  return targets;
}

}  // namespace

std::vector<std::string_view> supported_targets() {
  std::vector<std::string_view> names;
  for (const int64_t target : runnable_targets()) names.emplace_back(hwy::TargetName(target));
  return names;
}

std::string_view chosen_target() {
  return hwy::TargetName(HWY_DYNAMIC_DISPATCH(compiled_target)());
}

void force_target(std::string_view name) {
  std::string known;
  for (const int64_t target : runnable_targets()) {
    if (name == hwy::TargetName(target)) {
      hwy::SetSupportedTargetsForTest(target);
      return;
    }
    known += known.empty() ? "" : ", ";
    known += hwy::TargetName(target);
  }
  throw std::invalid_argument("unknown CPU target '" + std::string(name) +
                              "'; this machine can run: " + known);
}

void force_target_from_environment() {
  const char* name = std::getenv("GEOLOOM_CPU_TARGET");
  if (name != nullptr && *name != '\0') force_target(name);
}

void reset_target() {
  runnable_targets();
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
