// SPDX-License-Identifier: Apache-2.0
#include "learn/sampling_design.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "error/error.h"
#include "learn/random_numbers.h"

namespace geoloom::learn {
namespace {

double deviation(const StratumPlan& stratum) {
  const double accuracy = stratum.expected_accuracy;
  if (!(accuracy >= 0 && accuracy <= 1))
    throw Error(ErrorCode::invalid,
                fmt::format("an expected accuracy of {} is not between 0 and 1", accuracy));
  return std::sqrt(accuracy * (1 - accuracy));
}

double weight(const StratumPlan& stratum, Allocation allocation) {
  if (stratum.units <= 0) return 0;
  switch (allocation) {
    case Allocation::equal:
      return 1;
    case Allocation::proportional:
      return stratum.units;
    case Allocation::optimal:
      break;
  }
  return stratum.units * deviation(stratum);
}

uint64_t whole_units(const StratumPlan& stratum) {
  return stratum.units > 0 ? static_cast<uint64_t>(stratum.units) : 0;
}

// Shares `total` out among the open strata, by weight.
std::vector<uint64_t> shared_out(const std::vector<double>& weights, const std::vector<bool>& open,
                                 uint64_t total) {
  double sum = 0;
  for (size_t h = 0; h < weights.size(); ++h) sum += open[h] ? weights[h] : 0;
  std::vector<uint64_t> counts(weights.size());
  if (!(sum > 0)) return counts;
  std::vector<double> remainders(weights.size(), -1);
  uint64_t given = 0;
  for (size_t h = 0; h < weights.size(); ++h) {
    if (!open[h] || weights[h] <= 0) continue;
    const double exact = static_cast<double>(total) * weights[h] / sum;
    counts[h] = static_cast<uint64_t>(std::floor(exact));
    remainders[h] = exact - std::floor(exact);
    given += counts[h];
  }
  std::vector<size_t> order(weights.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return remainders[a] > remainders[b]; });
  for (size_t i = 0; i < order.size() && given < total; ++i) {
    if (remainders[order[i]] < 0) break;
    ++counts[order[i]];
    ++given;
  }
  return counts;
}

}  // namespace

uint64_t sample_size(std::span<const StratumPlan> strata, double target_standard_error) {
  if (!(target_standard_error > 0))
    throw Error(ErrorCode::invalid, "the target standard error is not above 0");
  double population = 0, first = 0, second = 0;
  for (const auto& stratum : strata) population += std::max(0.0, stratum.units);
  if (!(population > 0)) throw Error(ErrorCode::invalid, "the strata have no units");
  for (const auto& stratum : strata) {
    const double share = std::max(0.0, stratum.units) / population, sd = deviation(stratum);
    first += share * sd;
    second += share * sd * sd;
  }
  const double size =
      first * first / (target_standard_error * target_standard_error + second / population);
  return static_cast<uint64_t>(std::ceil(std::min(size, population) - 1e-9));
}

// Strata whose share would be below the minimum, or above what they have, get just that; the others
// share what is left. Settling one can push others over, so it goes on until none is.
std::vector<uint64_t> allocate(std::span<const StratumPlan> strata, uint64_t total,
                               Allocation allocation, uint64_t minimum) {
  std::vector<double> weights;
  std::vector<bool> open(strata.size(), true);
  std::vector<uint64_t> counts(strata.size());
  for (const auto& stratum : strata) weights.push_back(weight(stratum, allocation));
  for (bool settled = false; !settled;) {
    settled = true;
    uint64_t left = total;
    for (size_t h = 0; h < strata.size(); ++h)
      if (!open[h]) left -= std::min(left, counts[h]);
    const auto shares = shared_out(weights, open, left);
    for (size_t h = 0; h < strata.size(); ++h) {
      if (!open[h]) continue;
      const uint64_t most = whole_units(strata[h]), least = std::min(minimum, most);
      counts[h] = std::clamp(shares[h], least, most);
      if (counts[h] == shares[h]) continue;
      open[h] = false;
      settled = false;
    }
  }
  return counts;
}

StratifiedDraw::StratifiedDraw(uint64_t seed, std::vector<uint64_t> units_of_strata)
    : seed_(RandomNumbers::mixed(seed)), strata_(units_of_strata.size()) {
  for (size_t h = 0; h < strata_.size(); ++h) strata_[h].wanted = units_of_strata[h];
}

void StratifiedDraw::offer(uint32_t stratum, uint32_t zone, int64_t x, int64_t y) {
  DrawnUnit unit{0, zone, x, y};
  uint64_t rank = RandomNumbers::mixed(seed_ + zone);
  rank = RandomNumbers::mixed(rank ^ static_cast<uint64_t>(x));
  unit.rank = RandomNumbers::mixed(rank + static_cast<uint64_t>(y));
  ++strata_[stratum].offered;
  keep(strata_[stratum], unit);
}

void StratifiedDraw::keep(Stratum& stratum, const DrawnUnit& unit) {
  auto& lowest = stratum.lowest;
  if (lowest.size() < stratum.wanted) {
    lowest.push_back(unit);
    std::push_heap(lowest.begin(), lowest.end());
  } else if (!lowest.empty() && unit < lowest.front()) {
    std::pop_heap(lowest.begin(), lowest.end());
    lowest.back() = unit;
    std::push_heap(lowest.begin(), lowest.end());
  }
}

void StratifiedDraw::merge(const StratifiedDraw& part) {
  for (size_t h = 0; h < strata_.size(); ++h) {
    strata_[h].offered += part.strata_[h].offered;
    for (const auto& unit : part.strata_[h].lowest) keep(strata_[h], unit);
  }
}

std::vector<DrawnUnit> StratifiedDraw::drawn(uint32_t stratum) const {
  auto units = strata_[stratum].lowest;
  std::sort(units.begin(), units.end());
  return units;
}

}  // namespace geoloom::learn
