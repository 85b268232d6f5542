// SPDX-License-Identifier: Apache-2.0
#include "learn/random_numbers.h"

#include <algorithm>
#include <unordered_set>

#include "store/checksum.h"

namespace geoloom::learn {
namespace {

// High and low half of a product of 64 bit numbers, from products of 32 bit halves.
struct Product {
  uint64_t high, low;
};
Product product(uint64_t a, uint64_t b) {
  const uint64_t a0 = a & 0xffffffffU, a1 = a >> 32, b0 = b & 0xffffffffU, b1 = b >> 32;
  const uint64_t low = a0 * b0, left = a1 * b0, right = a0 * b1;
  const uint64_t middle = (low >> 32) + (left & 0xffffffffU) + (right & 0xffffffffU);
  return {a1 * b1 + (left >> 32) + (right >> 32) + (middle >> 32), a * b};
}

}  // namespace

RandomNumbers::RandomNumbers(uint64_t seed, std::string_view name)
    : state_(mixed(seed + 0x9e3779b97f4a7c15U) ^ store::xxh3_64(name)) {}

uint64_t RandomNumbers::below(uint64_t bound) {
  auto drawn = product(next(), bound);
  if (drawn.low < bound) {
    const uint64_t uneven = (0 - bound) % bound;  // 2^64 mod bound
    while (drawn.low < uneven) drawn = product(next(), bound);
  }
  return drawn.high;
}

std::vector<uint64_t> RandomNumbers::choose(uint64_t size, uint64_t count) {
  std::vector<uint64_t> chosen;
  count = std::min(size, count);
  chosen.reserve(count);
  std::unordered_set<uint64_t> taken;
  for (uint64_t last = size - count; last < size; ++last) {
    const uint64_t at = below(last + 1);
    chosen.push_back(taken.insert(at).second ? at : last);
    if (chosen.back() == last) taken.insert(last);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace geoloom::learn
