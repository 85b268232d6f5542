// SPDX-License-Identifier: Apache-2.0
#include "kernels/outlines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "kernels/components.h"

namespace geoloom::kernels {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Rings = std::vector<LatticeRing>;

// Drawn as lines of digits and letters; '.' is outside.
std::vector<std::pair<uint32_t, Rings>> outlines_of(const std::vector<std::string>& picture) {
  std::vector<std::pair<uint32_t, Rings>> found;
  const auto use = [&](uint32_t label, Rings rings) {
    found.emplace_back(label, std::move(rings));
  };
  OutlineSweep sweep(picture.front().size());
  for (const auto& line : picture) {
    std::vector<uint32_t> row;
    for (const char c : line) row.push_back(c == '.' ? 0 : static_cast<uint32_t>(c - '0'));
    sweep.add_row(row.data(), use);
  }
  sweep.close(use);
  EXPECT_EQ(sweep.bytes(), 0U);
  return found;
}

TEST(Outlines, OfOnePixel) {
  const auto found = outlines_of({"...", ".1.", "..."});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].first, 1U);
  // To the left with y pointing up: down first.
  EXPECT_THAT(found[0].second, ElementsAre(LatticeRing{{1, 1}, {1, 2}, {2, 2}, {2, 1}}));
}

TEST(Outlines, HolesTurnTheOtherWay) {
  const auto found = outlines_of({"111", "1.1", "111"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].second, ElementsAre(LatticeRing{{0, 0}, {0, 3}, {3, 3}, {3, 0}},
                                           LatticeRing{{1, 1}, {2, 1}, {2, 2}, {1, 2}}));
}

TEST(Outlines, AHoleThatReachesTheRimInAPointIsAHole) {
  // The falling and the rising diagonal.
  EXPECT_THAT(outlines_of({"11.", "1.1", "111"})[0].second,
              ElementsAre(LatticeRing{{0, 0}, {0, 3}, {3, 3}, {3, 1}, {2, 1}, {2, 0}},
                          LatticeRing{{1, 1}, {2, 1}, {2, 2}, {1, 2}}));
  EXPECT_THAT(outlines_of({".11", "1.1", "111"})[0].second,
              ElementsAre(LatticeRing{{1, 0}, {1, 1}, {0, 1}, {0, 3}, {3, 3}, {3, 0}},
                          LatticeRing{{1, 1}, {2, 1}, {2, 2}, {1, 2}}));
}

TEST(Outlines, HolesThatMeetInAPointAreTwo) {
  const auto found = outlines_of({"1111", "1.11", "11.1", "1111"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].second.size(), 3U);
}

TEST(Outlines, AreasComeWhenTheyEnd) {
  const auto found = outlines_of({"12", "13", "..", "4."});
  std::vector<uint32_t> order;
  for (const auto& [label, rings] : found) order.push_back(label);
  EXPECT_THAT(order, ElementsAre(2, 1, 3, 4));
}

TEST(Outlines, NothingHasNone) {
  EXPECT_THAT(outlines_of({"..", ".."}), IsEmpty());
  OutlineSweep sweep(3);
  sweep.close([](uint32_t, Rings) { FAIL(); });
}

// A pixel is inside where a ray to the left crosses an odd number of the rings' edges.
bool inside(const Rings& rings, uint32_t x, uint32_t y) {
  bool in = false;
  for (const auto& ring : rings)
    for (size_t i = 0; i < ring.size(); ++i) {
      const auto& a = ring[i];
      const auto& b = ring[(i + 1) % ring.size()];
      if (a.x == b.x && a.x <= x && std::min(a.y, b.y) <= y && y < std::max(a.y, b.y)) in = !in;
    }
  return in;
}

void expect_simple(const Rings& rings) {
  for (const auto& ring : rings) {
    std::set<std::pair<uint32_t, uint32_t>> points;
    for (size_t i = 0; i < ring.size(); ++i) {
      points.insert({ring[i].x, ring[i].y});
      const auto& next = ring[(i + 1) % ring.size()];
      EXPECT_EQ(ring[i].x == next.x, i % 2 == (ring[0].x == ring[1].x ? 0U : 1U));
    }
    EXPECT_EQ(points.size(), ring.size()) << "a ring meets itself";
  }
}

TEST(Outlines, BurnBackToTheSamePixels) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const size_t width = 1 + random() % 24, height = 1 + random() % 24;
    std::vector<uint8_t> values(width * height), valid(width * height);
    for (auto& value : values) value = static_cast<uint8_t>(random() % (round % 3 + 1));
    for (auto& flag : valid) flag = random() % 8 != 0 ? 1 : 0;
    std::vector<uint32_t> labels(width * height);
    const auto count = label_components(values.data(), valid.data(), width, height,
                                        Connectivity::edges, labels.data());
    std::map<uint32_t, Rings> found;
    const auto use = [&](uint32_t label, Rings rings) {
      EXPECT_TRUE(found.emplace(label, std::move(rings)).second) << label << " came twice";
    };
    OutlineSweep sweep(width);
    for (size_t y = 0; y < height; ++y) sweep.add_row(labels.data() + y * width, use);
    sweep.close(use);
    EXPECT_EQ(found.size(), count);
    for (const auto& [label, rings] : found) {
      expect_simple(rings);
      for (uint32_t y = 0; y < height; ++y)
        for (uint32_t x = 0; x < width; ++x)
          ASSERT_EQ(inside(rings, x, y), labels[y * width + x] == label);
    }
  }
}

}  // namespace
}  // namespace geoloom::kernels
