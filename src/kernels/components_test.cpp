// SPDX-License-Identifier: Apache-2.0
#include "kernels/components.h"

#include <gmock/gmock.h>

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

using testing::ElementsAre;

struct Map {
  size_t width, height;
  std::vector<uint8_t> values, valid;
};

Map random_map(size_t width, size_t height, unsigned seed) {
  std::mt19937 random(seed);
  Map map{width, height, std::vector<uint8_t>(width * height),
          std::vector<uint8_t>(width * height)};
  for (auto& value : map.values) value = static_cast<uint8_t>(random() % (2 + seed % 3));
  for (auto& valid : map.valid) valid = random() % 10 != 0;
  return map;
}

TEST(Components, AreTheReferencesAtOnceAndRowByRow) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    const auto map = random_map(1 + seed % 37, 1 + seed * 5 % 31, seed);
    const auto connectivity = seed % 2 == 0 ? Connectivity::edges : Connectivity::corners;
    const uint8_t* const valid = seed % 5 == 0 ? nullptr : map.valid.data();
    std::vector<uint32_t> expected(map.values.size()), got(expected);
    const auto count = reference::label_components(map.values.data(), valid, map.width, map.height,
                                                   connectivity, expected.data());
    EXPECT_EQ(
        label_components(map.values.data(), valid, map.width, map.height, connectivity, got.data()),
        count);
    EXPECT_EQ(got, expected) << "seed " << seed;

    ComponentSweep<uint8_t> sweep(map.width, connectivity);
    const auto row_of = [&](const uint8_t* plane, size_t y) {
      return plane == nullptr ? nullptr : plane + y * map.width;
    };
    for (size_t y = 0; y < map.height; ++y)
      sweep.add_row(row_of(map.values.data(), y), row_of(valid, y), 0.5);
    sweep.close();
    ASSERT_EQ(sweep.sizes().size(), count + 1);
    for (uint32_t area = 1; area <= count; ++area)
      EXPECT_EQ(sweep.sizes()[area],
                0.5 * static_cast<double>(std::count(expected.begin(), expected.end(), area)));
    for (int again = 0; again < 2; ++again) {
      sweep.rewind();
      for (size_t y = 0; y < map.height; ++y)
        sweep.label_row(row_of(map.values.data(), y), row_of(valid, y), got.data() + y * map.width);
      EXPECT_EQ(got, expected) << "seed " << seed;
    }
  }
}

TEST(Components, TouchThroughCornersOnlyWhereThatIsMeant) {
  const std::vector<uint8_t> values{1, 2, 2, 1};
  std::vector<uint32_t> labels(4);
  EXPECT_EQ(label_components(values.data(), nullptr, 2, 2, Connectivity::edges, labels.data()), 4U);
  EXPECT_EQ(label_components(values.data(), nullptr, 2, 2, Connectivity::corners, labels.data()),
            2U);
  EXPECT_THAT(labels, ElementsAre(1, 2, 2, 1));
  EXPECT_EQ(label_components(values.data(), nullptr, 0, 0, Connectivity::edges, labels.data()), 0U);
}

std::vector<uint32_t> takers(const std::vector<uint8_t>& values, size_t width, double smallest) {
  const size_t height = values.size() / width;
  ComponentSweep<uint8_t> sweep(width, Connectivity::edges);
  for (size_t y = 0; y < height; ++y) sweep.add_row(values.data() + y * width, nullptr, 1);
  sweep.close();
  SmallAreas small(sweep.sizes(), Connectivity::edges);
  std::vector<uint32_t> above(width), row(width);
  for (size_t y = 0; y < height; ++y) {
    sweep.label_row(values.data() + y * width, nullptr, row.data());
    small.add_row(y == 0 ? nullptr : above.data(), row.data(), width);
    std::swap(above, row);
  }
  return small.taken_over_by(smallest);
}

TEST(SmallAreas, GoToTheLargestNeighbour) {
  const std::vector<uint8_t> map{1, 1, 1, 2, 3, 3,  //
                                 1, 1, 1, 2, 3, 3};
  EXPECT_THAT(takers(map, 6, 2), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(takers(map, 6, 3), ElementsAre(0, 0, 1, 0));
}

TEST(SmallAreas, OfEquallyLargeTakersTheFirstIsTaken) {
  EXPECT_THAT(takers({1, 1, 2, 3, 3}, 5, 2), ElementsAre(0, 0, 1, 0));
}

TEST(SmallAreas, AmongSmallOnesStay) {
  EXPECT_THAT(takers({1, 2, 3, 4}, 4, 2), ElementsAre(0, 0, 0, 0, 0));
}

TEST(SmallAreas, GoWhereTheirTakersGo) {
  // The largest neighbour of the 3 is 2, which goes to 1.
  EXPECT_THAT(takers({1, 1, 1, 2, 2, 3}, 6, 3), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(takers({3, 2, 2, 1, 1, 1}, 6, 3), ElementsAre(0, 3, 3, 0));
  // 3 and 2, its largest neighbour, are each other's; 4 goes where 3 does: nowhere.
  EXPECT_THAT(takers({2, 2, 3, 3, 3, 4}, 6, 4), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace geoloom::kernels
