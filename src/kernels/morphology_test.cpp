// SPDX-License-Identifier: Apache-2.0
#include "kernels/morphology.h"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <string>

#include "kernels/mask_rules.h"

namespace geoloom::kernels {
namespace {

std::vector<uint8_t> drawn(const std::vector<std::string>& rows) {
  std::vector<uint8_t> mask;
  for (const auto& row : rows)
    for (const char c : row) mask.push_back(c == '#' ? 1 : 0);
  return mask;
}

std::vector<uint8_t> random_mask(size_t pixels, unsigned seed, unsigned set_of_256) {
  std::mt19937 random(seed);
  std::vector<uint8_t> mask(pixels);
  for (auto& pixel : mask) pixel = random() % 256 < set_of_256 ? 255 : 0;
  return mask;
}

TEST(Disk, HoldsTheCentresWithinTheRadius) {
  EXPECT_EQ(disk(0, 10, 10).half_widths, (std::vector<int32_t>{0}));
  EXPECT_EQ(disk(40, 20, 20).half_widths, (std::vector<int32_t>{2, 1, 0}));
  EXPECT_EQ(disk(100, 20, 20).half_widths, (std::vector<int32_t>{5, 4, 4, 4, 3, 0}));
  EXPECT_EQ(disk(40, 20, 10).half_widths, (std::vector<int32_t>{2, 1, 1, 1, 0}));
  EXPECT_EQ(disk(19, 20, 20).half_widths, (std::vector<int32_t>{0}));
  EXPECT_EQ(disk(0.3, 0.1, 0.1).reach_x(), 3);  // 0.3 / 0.1 is a little less than 3
  EXPECT_THROW(disk(-1, 10, 10), std::invalid_argument);
  EXPECT_THROW(disk(1e9, 10, 10), std::invalid_argument);
}

TEST(Morphology, EqualsItsDefinition) {
  unsigned seed = 0;
  for (const double radius : {0.0, 1.0, 1.5, 2.0, 3.7}) {
    for (const Morphology operation :
         {Morphology::open, Morphology::close, Morphology::erode, Morphology::dilate}) {
      const std::vector<CleaningStep> steps{{operation, disk(radius, 1, 1)},
                                            {Morphology::dilate, disk(1, 1, 2)}};
      for (const unsigned density : {20U, 128U, 240U}) {
        auto mask = random_mask(23 * 17, ++seed, density), expected = mask;
        clean_mask(mask.data(), 23, 17, steps);
        reference::clean_mask(expected.data(), 23, 17, steps);
        ASSERT_EQ(mask, expected) << radius;
      }
    }
  }
}

TEST(Morphology, WideDisksCountTheirPixels) {
  std::vector<uint8_t> mask(700 * 3, 0), expected = mask;
  mask[700 + 350] = expected[700 + 350] = 1;
  const std::vector<CleaningStep> steps{{Morphology::dilate, disk(300, 1, 200)}};
  clean_mask(mask.data(), 700, 3, steps);
  reference::clean_mask(expected.data(), 700, 3, steps);
  EXPECT_EQ(mask, expected);
  EXPECT_EQ(mask[700 + 50], 1);
  EXPECT_EQ(mask[700 + 49], 0);
}

TEST(Morphology, TilesWithAHaloGiveTheWhole) {
  constexpr int64_t kWidth = 90, kHeight = 70;
  const std::vector<CleaningStep> steps{{Morphology::open, disk(2, 1, 1)},
                                        {Morphology::close, disk(3, 1, 1)},
                                        {Morphology::dilate, disk(5, 1, 1)}};
  const auto halo = cleaning_halo(steps);
  EXPECT_EQ(halo.columns, 15);
  const auto image = random_mask(kWidth * kHeight, 9, 150);
  auto whole = image;
  clean_mask(whole.data(), kWidth, kHeight, steps);
  for (const int64_t size : {16, 33}) {
    for (int64_t y = 0; y < kHeight; y += size) {
      for (int64_t x = 0; x < kWidth; x += size) {
        const int64_t w = size + 2 * halo.columns, h = size + 2 * halo.rows;
        std::vector<uint8_t> tile(static_cast<size_t>(w * h));
        const auto inside = [](int64_t column, int64_t row) {
          return column >= 0 && row >= 0 && column < kWidth && row < kHeight;
        };
        for (int64_t j = 0; j < h; ++j)
          for (int64_t i = 0; i < w; ++i)
            if (inside(x + i - halo.columns, y + j - halo.rows))
              tile[static_cast<size_t>(j * w + i)] =
                  image[static_cast<size_t>((y + j - halo.rows) * kWidth + x + i - halo.columns)];
        clean_mask(tile.data(), static_cast<size_t>(w), static_cast<size_t>(h), steps);
        for (int64_t j = 0; j < size; ++j) {
          for (int64_t i = 0; i < size; ++i) {
            if (!inside(x + i, y + j)) continue;
            ASSERT_EQ(tile[static_cast<size_t>((j + halo.rows) * w + i + halo.columns)],
                      whole[static_cast<size_t>((y + j) * kWidth + x + i)]);
          }
        }
      }
    }
  }
}

TEST(Morphology, TheOutsideIsClearAndGrowthMayComeBack) {
  auto mask = drawn({"##...", "##...", "....."});
  clean_mask(mask.data(), 5, 3, std::vector<CleaningStep>{{Morphology::erode, disk(1, 1, 1)}});
  EXPECT_EQ(mask, drawn({".....", ".....", "....."}));
  mask = drawn({"##...", "##...", "....."});
  clean_mask(mask.data(), 5, 3, std::vector<CleaningStep>{{Morphology::close, disk(2, 1, 1)}});
  EXPECT_EQ(mask, drawn({"##...", "##...", "....."}));
  mask = drawn({"#.#", "###", "#.#"});
  clean_mask(mask.data(), 3, 3, std::vector<CleaningStep>{{Morphology::open, disk(1, 1, 1)}});
  EXPECT_EQ(mask, drawn({"...", "...", "..."}));
}

TEST(MaskRules, BitsFieldsAndRanges) {
  const uint16_t qa[] = {0, 1 << 3, 1 << 5, (1 << 3) | (1 << 5), 2 << 8, 3 << 8};
  const auto run = [&](auto rule) {
    std::vector<uint8_t> unusable(6, 0);
    rule(unusable.data());
    return unusable;
  };
  using Bytes = std::vector<uint8_t>;
  EXPECT_EQ(run([&](uint8_t* out) { mask_bits(qa, 6, 1 << 3, 0, out); }),
            (Bytes{0, 1, 0, 1, 0, 0}));
  EXPECT_EQ(run([&](uint8_t* out) { mask_bits(qa, 6, 0, (1 << 3) | (1 << 5), out); }),
            (Bytes{1, 1, 1, 0, 1, 1}));
  EXPECT_EQ(run([&](uint8_t* out) { mask_field(qa, 6, 8, 2, 0b1100, false, out); }),
            (Bytes{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(run([&](uint8_t* out) { mask_field(qa, 6, 8, 2, 0b0001, true, out); }),
            (Bytes{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(run([&](uint8_t* out) { mask_range(qa, 6, 8, 40, out); }), (Bytes{0, 1, 1, 1, 0, 0}));
  EXPECT_EQ(run([&](uint8_t* out) { mask_outside(qa, 6, 8, 40, out); }), (Bytes{1, 0, 0, 0, 1, 1}));
  const int16_t negative[] = {-1};
  uint8_t out = 0;
  mask_bits(negative, 1, 1 << 15, 0, &out);
  EXPECT_EQ(out, 1);
}

}  // namespace
}  // namespace geoloom::kernels
