// SPDX-License-Identifier: Apache-2.0
// Probability samples of a map: how many units, how many of each stratum, and which. Everybody can
// draw the same sample again, in any order of tiles.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace geoloom::learn {

enum class Allocation : uint8_t {
  equal,         // as many of each stratum
  proportional,  // to the strata's sizes
  optimal,       // to size times standard deviation: Neyman's, for the overall accuracy
};

struct StratumPlan {
  double units = 0;  // of the map
  // User's accuracy that is expected: for the sample's size and the optimal allocation.
  double expected_accuracy = 0.8;
};

// How many units give the overall accuracy that standard error: Cochran (1977) equation 5.25, as
// Olofsson et al. (2014) equation 13 has it for large maps, rounded up. Throws Error(invalid) for a
// target that is not above 0 and accuracies outside of 0 .. 1.
uint64_t sample_size(std::span<const StratumPlan> strata, double target_standard_error);

// How many units of each stratum: `total` shared out, but no fewer than `minimum` of each that has
// so many. Whole numbers by the largest remainders, of equal ones the first stratum. More than
// `total` only where the minima are. Never more than a stratum has.
std::vector<uint64_t> allocate(std::span<const StratumPlan> strata, uint64_t total,
                               Allocation allocation, uint64_t minimum);

// A pixel of a zone of the map.
struct DrawnUnit {
  uint64_t rank = 0;  // what decides; units of a stratum are ordered by it
  uint32_t zone = 0;
  int64_t x = 0, y = 0;
  friend auto operator<=>(const DrawnUnit&, const DrawnUnit&) = default;
};

// Draws a given number of the units of each stratum, all with the same probability and without
// replacement: those with the lowest ranks. A rank is a hash of the seed and the unit's place, so
// tiles may be shown in any order, and a longer draw contains a shorter one. Memory grows with the
// sample.
class StratifiedDraw {
 public:
  StratifiedDraw(uint64_t seed, std::vector<uint64_t> units_of_strata);

  // Each unit of the map once. Not thread-safe; draws of parts are merged.
  void offer(uint32_t stratum, uint32_t zone, int64_t x, int64_t y);
  void merge(const StratifiedDraw& part);

  // By rank; how many were offered.
  std::vector<DrawnUnit> drawn(uint32_t stratum) const;
  uint64_t offered(uint32_t stratum) const { return strata_[stratum].offered; }

 private:
  struct Stratum {
    uint64_t wanted = 0, offered = 0;
    std::vector<DrawnUnit> lowest;  // a heap, the highest rank on top
  };
  void keep(Stratum& stratum, const DrawnUnit& unit);

  uint64_t seed_;
  std::vector<Stratum> strata_;
};

}  // namespace geoloom::learn
