// SPDX-License-Identifier: Apache-2.0
#include "kernels/distance.h"

#include "kernels/kernel_test.h"

namespace geoloom::kernels {
namespace {

std::vector<float> distances(const std::vector<uint8_t>& set, size_t width, size_t height,
                             const DistanceReach& reach) {
  std::vector<float> out(width * height);
  distance_to_set(set.data(), width, height, reach, out.data());
  return out;
}

TEST(Distance, ByHand) {
  // A row of four with a rim of two; one pixel is set, two rows above the first.
  std::vector<uint8_t> set(8 * 5);
  set[2] = 7;
  EXPECT_EQ(distances(set, 4, 1, {2, 2, 1, 1, 3}),
            (std::vector<float>{2, std::sqrt(5.0F), std::sqrt(8.0F), 3}));
  EXPECT_EQ(distances(set, 4, 1, {2, 2, 10, 20, 45}),
            (std::vector<float>{40, std::sqrt(1700.0F), std::sqrt(2000.0F), 45}));
  set[2 * 8 + 3] = 1;
  EXPECT_EQ(distances(set, 4, 1, {2, 2, 1, 1, 3}), (std::vector<float>{1, 0, 1, 2}));
}

TEST(Distance, NothingSetIsTheMaximum) {
  EXPECT_EQ(distances(std::vector<uint8_t>(25), 1, 1, {2, 2, 1, 1, 2.5}),
            (std::vector<float>{2.5}));
}

TEST(Distance, SameBytesAsTheReference) {
  std::mt19937 random(9);
  for (const auto& reach : {DistanceReach{0, 0, 1, 1, 0.5}, DistanceReach{3, 3, 1, 1, 3},
                            DistanceReach{7, 4, 10, 17.3, 75.2}}) {
    for (const size_t width : kPixelCounts) {
      const size_t height = 6;
      for (const unsigned one_of : {1U, 5U, 60U}) {
        std::vector<uint8_t> set((width + 2 * reach.columns) * (height + 2 * reach.rows));
        for (auto& byte : set) byte = random() % one_of == 0 ? 200 : 0;
        std::vector<float> expected(width * height);
        reference::distance_to_set(set.data(), width, height, reach, expected.data());
        expect_same_bytes(distances(set, width, height, reach), expected);
      }
    }
  }
}

}  // namespace
}  // namespace geoloom::kernels
