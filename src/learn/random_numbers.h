// SPDX-License-Identifier: Apache-2.0
// Numbers that look random and are the same on every machine and with every standard library, for
// whatever is drawn: samples, folds, trees. The distributions of <random> differ from one library
// to the next and are not used for results.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace geoloom::learn {

// SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"): a
// counter and a mixing function, so every seed is a good one.
class RandomNumbers {
 public:
  explicit RandomNumbers(uint64_t seed) : state_(seed) {}
  // Of a seed and a name: what is drawn for a tile depends on these alone.
  RandomNumbers(uint64_t seed, std::string_view name);

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    return mixed(state_);
  }
  // 0 .. bound - 1, each equally often (Lemire 2019, "Fast random integer generation in an
  // interval"). bound > 0.
  uint64_t below(uint64_t bound);
  // 0 .. 1, without 1; a multiple of 2^-53.
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // Fisher and Yates.
  template <class T>
  void shuffle(std::span<T> values) {
    for (size_t left = values.size(); left > 1; --left)
      std::swap(values[left - 1], values[below(left)]);
  }
  // `count` different numbers of 0 .. size - 1, rising (Floyd's algorithm; Bentley 1987). All of
  // them when count >= size.
  std::vector<uint64_t> choose(uint64_t size, uint64_t count);

  // A bijection of 64 bit that leaves no trace of order: ranks places without a sequence.
  static uint64_t mixed(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

}  // namespace geoloom::learn
