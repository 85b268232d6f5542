// SPDX-License-Identifier: Apache-2.0
#include "engine/tensorboard_events.h"

#include <gtest/gtest.h>

#include <cstring>

namespace geoloom::engine {
namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += kDigits[static_cast<unsigned char>(c) >> 4U];
    text += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

// As TensorFlow's own writer puts it, for a wall time of 0.
TEST(TensorboardEvents, BeginsWithTheVersion) {
  const auto file = tensorboard_events({});
  EXPECT_EQ(hex(file.substr(0, 8)), "1800000000000000") << "24 bytes";
  EXPECT_EQ(hex(file.substr(8, 4)), "a37f4b22") << "masked CRC-32C of that length";
  EXPECT_EQ(file.substr(12 + 11, 13), "brain.Event:2");
  EXPECT_EQ(file.size(), 12U + 24 + 4);
}

TEST(TensorboardEvents, PointsFollow) {
  const auto empty = tensorboard_events({});
  const auto file = tensorboard_events({{"loss", 300, 0, 0.5F}});
  EXPECT_EQ(file.substr(0, empty.size()), empty);
  // wall_time 0, step 300 (two bytes), summary{value{tag, simple_value}}
  EXPECT_EQ(hex(file.substr(empty.size() + 12)).substr(0, 2 * 27),
            "090000000000000000"
            "10ac02"
            "2a0d0a0b"
            "0a046c6f7373"
            "150000003f");
}

TEST(TensorboardEvents, NamesAreThoseLookedFor) {
  EXPECT_EQ(tensorboard_file_name(17, "host"), "events.out.tfevents.17.host");
}

}  // namespace
}  // namespace geoloom::engine
