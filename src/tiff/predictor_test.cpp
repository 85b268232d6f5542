// SPDX-License-Identifier: Apache-2.0
#include "tiff/predictor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>

namespace geoloom::tiff {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(Predictor, SumsEachBandAlongItsRow) {
  const BlockFormat format{
      .width = 3, .height = 2, .samples = 2, .bits = 8, .predictor = Predictor::horizontal};
  auto block = bytes_of({10, 100, 1, 255, 250, 2, 1, 2, 3, 4, 5, 6});
  std::vector<std::byte> row;
  undo_predictor(format, block.data(), row);
  EXPECT_EQ(block, bytes_of({10, 100, 11, 99, 5, 101, 1, 2, 4, 6, 9, 12}));
}

TEST(Predictor, SwapsTheSamplesOfABigEndianFileFirst) {
  const BlockFormat format{.width = 2,
                           .height = 1,
                           .samples = 1,
                           .bits = 16,
                           .predictor = Predictor::horizontal,
                           .big_endian = true};
  auto block = bytes_of({1, 0, 0, 2});
  std::vector<std::byte> row;
  undo_predictor(format, block.data(), row);
  EXPECT_EQ(block, bytes_of({0, 1, 2, 1}));
}

TEST(Predictor, WritesFloatsByTheSignificanceOfTheirBytes) {
  const BlockFormat format{.width = 2,
                           .height = 1,
                           .samples = 1,
                           .bits = 32,
                           .sample_format = SampleFormat::floating_point,
                           .predictor = Predictor::floating_point};
  const float values[2] = {1.0F, 2.0F};  // 3f800000, 40000000
  std::vector<std::byte> block(8), row;
  std::memcpy(block.data(), values, 8);
  apply_predictor(format, block.data(), row);
  EXPECT_EQ(block, bytes_of({0x3f, 1, 0x40, 0x80, 0, 0, 0, 0}));
}

TEST(Predictor, UndoesWhatItApplies) {
  std::mt19937 random(7);
  for (const int bits : {8, 16, 32, 64}) {
    for (const int samples : {1, 2, 3, 4, 7}) {
      for (const auto predictor :
           {Predictor::none, Predictor::horizontal, Predictor::floating_point}) {
        if (bits == 8 && predictor == Predictor::floating_point) continue;
        const BlockFormat format{
            .width = 13, .height = 3, .samples = samples, .bits = bits, .predictor = predictor};
        std::vector<std::byte> block(format.bytes()), row;
        for (auto& byte : block) byte = static_cast<std::byte>(random());
        const auto original = block;
        apply_predictor(format, block.data(), row);
        EXPECT_EQ(block == original, predictor == Predictor::none);
        undo_predictor(format, block.data(), row);
        EXPECT_EQ(block, original) << bits << " bits, " << samples << " samples";
      }
    }
  }
}

}  // namespace
}  // namespace geoloom::tiff
