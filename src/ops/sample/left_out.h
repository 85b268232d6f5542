// SPDX-License-Identifier: Apache-2.0
// Why pixels of an item did not become samples: counted by reason, and told one by one of groups
// (polygons) of which nothing is left.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace geoloom::ops {

// Thread-safe. Parts may come in any order; what is told does not depend on it.
class LeftOut {
 public:
  // Of a pixel. From kLacks on: kLacks + the place of the first feature that it lacks.
  using Reason = uint32_t;
  static constexpr Reason kTaken = 0, kUnlabelled = 1, kExcluded = 2, kMasked = 3, kOtherGroup = 4,
                          kLacks = 5;
  // Groups beyond these are not told of one by one.
  static constexpr size_t kMostGroups = 100'000;

  // The names are those of all columns of the table.
  explicit LeftOut(std::vector<std::string> features) : features_(std::move(features)) {}

  // Of each pixel its reason and, unless empty, its group; kNoGroup is no group.
  void add(std::span<const Reason> reasons, std::span<const int64_t> groups);
  // One line of all pixels, and one for each group without a pixel; none where all were taken.
  std::vector<std::string> lines() const;

 private:
  using Counts = std::map<Reason, uint64_t>;  // of pixels, kTaken too
  std::string described(const Counts& counts) const;

  const std::vector<std::string> features_;
  mutable std::mutex mutex_;
  Counts pixels_;
  std::map<int64_t, Counts> groups_;
};

}  // namespace geoloom::ops
