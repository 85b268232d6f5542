// SPDX-License-Identifier: Apache-2.0
#include "geo/box_index.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace geoloom::geo {
namespace {

std::vector<uint32_t> one_by_one(const std::vector<Box>& boxes, const Box& box) {
  std::vector<uint32_t> found;
  for (size_t i = 0; i < boxes.size(); ++i)
    if (boxes[i].intersects(box)) found.push_back(static_cast<uint32_t>(i));
  return found;
}

// Corners on a coarse raster, so that many edges touch.
class RandomBoxes {
 public:
  explicit RandomBoxes(unsigned seed) : random_(seed) {}

  Box box(int largest) {
    const double x = whole(0, 200) / 2.0, y = whole(0, 100) / 2.0;
    return {x, y, x + whole(0, largest) / 2.0, y + whole(0, largest) / 2.0};
  }
  int whole(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }

 private:
  std::mt19937 random_;
};

TEST(BoxIndex, FindsWhatLookingAtAllFinds) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    RandomBoxes random(seed);
    std::vector<Box> boxes;
    const int count = random.whole(1, 400);
    // Mostly small, with a few that reach far; or all of a size.
    for (int i = 0; i < count; ++i)
      boxes.push_back(random.box(seed % 2 == 0 && i % 50 == 0 ? 300 : 8));
    const BoxIndex index(boxes);
    size_t found = 0;
    for (int i = 0; i < 200; ++i) {
      const Box box = random.box(i % 10 == 0 ? 250 : 6);
      const auto touching = index.touching(box);
      EXPECT_EQ(touching, one_by_one(boxes, box)) << seed;
      found += touching.size();
    }
    EXPECT_GT(found, 0U);
  }
}

TEST(BoxIndex, OddBoxes) {
  EXPECT_TRUE(BoxIndex().touching({0, 0, 1, 1}).empty());
  EXPECT_TRUE(BoxIndex(std::vector<Box>()).touching({0, 0, 1, 1}).empty());
  constexpr double far = 1e300, endless = std::numeric_limits<double>::infinity();
  // Points, a line, and what reaches over everything.
  const std::vector<Box> boxes{{1, 1, 1, 1}, {2, 2, 2, 2}, {0, 3, 9, 3}, {-far, -far, far, far}};
  const BoxIndex index(boxes);
  for (const Box& box : {Box{0, 0, 3, 4}, Box{1, 1, 2, 2}, Box{-far, 0, far, 2.5},
                         Box{-endless, -endless, endless, endless}, Box{5, 5, 6, 6}})
    EXPECT_EQ(index.touching(box), one_by_one(boxes, box));
  const BoxIndex same(std::vector<Box>(2, {4, 4, 4, 4}));
  EXPECT_EQ(same.touching({3, 3, 5, 5}).size(), 2U);
}

}  // namespace
}  // namespace geoloom::geo
