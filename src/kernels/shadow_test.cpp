// SPDX-License-Identifier: Apache-2.0
#include "kernels/shadow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace geoloom::kernels {
namespace {

TEST(Shadow, FallsWhereTheShiftsLead) {
  const std::vector<uint8_t> casting{0, 0, 0, 0, 0,  //
                                     0, 0, 9, 0, 0,  //
                                     0, 0, 0, 0, 1};
  std::vector<uint8_t> shadows(15, 7);
  const std::vector<PixelShift> shifts{{-1, 0}, {-2, -1}, {3, 3}};
  cast_shadows(casting.data(), 5, 3, shifts, shadows.data());
  EXPECT_THAT(shadows, testing::ElementsAre(1, 0, 0, 0, 0,  //
                                            0, 1, 1, 0, 0,  //
                                            0, 0, 0, 1, 0));
  EXPECT_EQ(shadow_halo(shifts), (ShadowHalo{3, 3, 2, 1}));
  cast_shadows(casting.data(), 5, 3, {}, shadows.data());
  EXPECT_THAT(shadows, testing::Each(0));
}

TEST(Shadow, EqualsTheReferenceForAnySizeAndShift) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const size_t width = random() % 70, height = random() % 40;
    std::vector<uint8_t> casting(width * height), got(width * height, 3), wanted(width * height, 5);
    for (auto& each : casting) each = random() % 9 == 0 ? static_cast<uint8_t>(random()) : 0;
    std::vector<PixelShift> shifts(random() % 5);
    for (auto& shift : shifts)
      shift = {static_cast<int64_t>(random() % 161) - 80, static_cast<int64_t>(random() % 99) - 49};
    cast_shadows(casting.data(), width, height, shifts, got.data());
    reference::cast_shadows(casting.data(), width, height, shifts, wanted.data());
    ASSERT_EQ(got, wanted) << width << " x " << height;
  }
}

// A part with its halo gets what the whole gets there.
TEST(Shadow, PartsWithTheirHaloAreThoseOfTheWhole) {
  std::mt19937 random(2);
  const size_t width = 60, height = 50;
  std::vector<uint8_t> casting(width * height), whole(width * height);
  for (auto& each : casting) each = random() % 20 == 0 ? 1 : 0;
  const std::vector<PixelShift> shifts{{-4, 7}, {-9, 3}, {2, 1}};
  cast_shadows(casting.data(), width, height, shifts, whole.data());
  const auto halo = shadow_halo(shifts);
  const int64_t x = 20, y = 15, columns = 13, rows = 11;
  const auto wide = static_cast<size_t>(columns + halo.left + halo.right);
  const auto high = static_cast<size_t>(rows + halo.top + halo.bottom);
  std::vector<uint8_t> part(wide * high), shadows(wide * high);
  for (size_t r = 0; r < high; ++r)
    for (size_t c = 0; c < wide; ++c)
      part[r * wide + c] = casting[(static_cast<size_t>(y - halo.top) + r) * width +
                                   static_cast<size_t>(x - halo.left) + c];
  cast_shadows(part.data(), wide, high, shifts, shadows.data());
  for (size_t r = 0; r < static_cast<size_t>(rows); ++r)
    for (size_t c = 0; c < static_cast<size_t>(columns); ++c)
      ASSERT_EQ(
          shadows[(r + static_cast<size_t>(halo.top)) * wide + c + static_cast<size_t>(halo.left)],
          whole[(static_cast<size_t>(y) + r) * width + static_cast<size_t>(x) + c]);
}

}  // namespace
}  // namespace geoloom::kernels
