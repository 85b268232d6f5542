// SPDX-License-Identifier: Apache-2.0
#include "ops/sample/left_out.h"

#include <fmt/format.h>

#include "learn/sample_table.h"

namespace geoloom::ops {

void LeftOut::add(std::span<const Reason> reasons, std::span<const int64_t> groups) {
  Counts pixels;
  std::map<int64_t, Counts> by_group;
  for (size_t i = 0; i < reasons.size(); ++i) {
    ++pixels[reasons[i]];
    // A neighbour's pixels in the window of a polygon say nothing of the neighbour.
    if (!groups.empty() && groups[i] != learn::kNoGroup && reasons[i] != kOtherGroup)
      ++by_group[groups[i]][reasons[i]];
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [reason, count] : pixels) pixels_[reason] += count;
  for (const auto& [group, counts] : by_group) {
    if (groups_.size() >= kMostGroups && !groups_.contains(group)) continue;
    for (const auto& [reason, count] : counts) groups_[group][reason] += count;
  }
}

std::string LeftOut::described(const Counts& counts) const {
  std::string text;
  for (const auto& [reason, count] : counts) {
    if (reason == kTaken) continue;
    text += fmt::format("{}{} ", text.empty() ? "" : ", ", count);
    if (reason == kUnlabelled)
      text += "without a label";
    else if (reason == kExcluded)
      text += "of a label in `exclude`";
    else if (reason == kMasked)
      text += "by the mask";
    else if (reason == kOtherGroup)
      text += "of another group";
    else
      text += "without " + features_.at(reason - kLacks);
  }
  return text;
}

std::vector<std::string> LeftOut::lines() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  uint64_t all = 0;
  for (const auto& [reason, count] : pixels_) all += count;
  const auto taken = pixels_.find(kTaken);
  if (taken != pixels_.end() && taken->second == all) return lines;
  if (all == 0) return lines;
  lines.push_back(fmt::format("sample: left out of {} pixels: {}", all, described(pixels_)));
  for (const auto& [group, counts] : groups_)
    if (!counts.contains(kTaken))
      lines.push_back(
          fmt::format("sample: group {} gives no sample: {}", group, described(counts)));
  return lines;
}

}  // namespace geoloom::ops
