// SPDX-License-Identifier: Apache-2.0
#include "learn/pixel_sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <thread>

#include "error/error.h"

namespace geoloom::learn {
namespace {

constexpr int64_t kWidth = 90, kHeight = 70;

// Features of a pixel are its column and row, so that samples tell whether they are what they say.
// Classes are stripes: 0 left, 1 in the middle, 2 in one column.
int64_t class_at(int64_t x) {
  return x == 50 ? 2 : x > 60 ? 1 : 0;
}
bool eligible_at(int64_t x, int64_t y) {
  return (x + y) % 11 != 0;
}

struct Setting {
  std::string item = "0_0";
  int64_t part_width = kWidth, part_height = kHeight;
  bool backwards = false;
  unsigned threads = 1;
  LabelType label = LabelType::classes;
};

ItemPart part_at(int64_t x, int64_t y, const Setting& setting, std::vector<uint8_t>& eligible,
                 std::vector<int64_t>& classes, std::vector<double>& numbers) {
  ItemPart part{x, y, std::min(setting.part_width, kWidth - x),
                std::min(setting.part_height, kHeight - y)};
  for (int64_t row = 0; row < part.height; ++row)
    for (int64_t column = 0; column < part.width; ++column) {
      eligible.push_back(eligible_at(x + column, y + row));
      if (setting.label == LabelType::classes) classes.push_back(class_at(x + column));
      if (setting.label == LabelType::number) numbers.push_back(static_cast<double>(x + column));
    }
  part.eligible = eligible;
  part.classes = classes;
  part.numbers = numbers;
  part.features_at = [part](size_t index, std::span<float> to) {
    to[0] = static_cast<float>(part.x + static_cast<int64_t>(index) % part.width);
    to[1] = static_cast<float>(part.y + static_cast<int64_t>(index) / part.width);
  };
  return part;
}

DrawnSamples drawn(const DrawRule& rule, const Setting& setting = {}) {
  PixelSampler sampler(rule, setting.item, kWidth, kHeight, 2, setting.label);
  std::vector<std::pair<int64_t, int64_t>> corners;
  for (int64_t y = 0; y < kHeight; y += setting.part_height)
    for (int64_t x = 0; x < kWidth; x += setting.part_width) corners.emplace_back(x, y);
  if (setting.backwards) std::reverse(corners.begin(), corners.end());
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < setting.threads; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = t; i < corners.size(); i += setting.threads) {
        std::vector<uint8_t> eligible;
        std::vector<int64_t> classes;
        std::vector<double> numbers;
        sampler.add(
            part_at(corners[i].first, corners[i].second, setting, eligible, classes, numbers));
      }
    });
  for (auto& thread : threads) thread.join();
  return sampler.finish();
}

void expect_same(const DrawnSamples& a, const DrawnSamples& b) {
  EXPECT_EQ(a.x, b.x);
  EXPECT_EQ(a.y, b.y);
  EXPECT_EQ(a.features, b.features);
  EXPECT_EQ(a.class_labels, b.class_labels);
  EXPECT_EQ(a.number_labels, b.number_labels);
  EXPECT_EQ(a.weight, b.weight);
  EXPECT_EQ(a.record, b.record);
  EXPECT_EQ(a.incomplete, b.incomplete);
}

std::vector<DrawRule> rules() {
  return {{.number = 100},
          {.method = DrawMethod::fraction, .fraction = 0.1},
          {.method = DrawMethod::fraction, .fraction_of_class = {{0, 0.01}, {2, 1}}},
          {.method = DrawMethod::per_class, .number = 30, .number_of_class = {{1, 5}}},
          {.method = DrawMethod::grid, .stride_rows = 7, .stride_columns = 4},
          {.block_height = 3, .block_width = 2, .number = 25},
          {.method = DrawMethod::fraction, .block_height = 2, .block_width = 2, .fraction = 0.05},
          {.method = DrawMethod::grid,
           .block_height = 2,
           .block_width = 3,
           .stride_rows = 5,
           .stride_columns = 5},
          {.method = DrawMethod::per_class, .number = 30, .min_distance_pixels = 6},
          {.block_height = 3, .block_width = 3, .number = 20, .min_distance_pixels = 5}};
}

TEST(PixelSampling, DrawsTheSameWhateverTheBlocksAndThreads) {
  for (const auto& rule : rules()) {
    const auto once = drawn(rule);
    ASSERT_GT(once.rows(), 0U);
    for (const auto& setting :
         {Setting{.part_width = 16, .part_height = 16},
          Setting{.part_width = 16, .part_height = 16, .backwards = true},
          Setting{.part_width = 1, .part_height = 70}, Setting{.part_width = 90, .part_height = 1},
          Setting{.part_width = 13, .part_height = 5, .threads = 4}})
      expect_same(drawn(rule, setting), once);
  }
}

TEST(PixelSampling, SamplesAreWhatTheySay) {
  for (const auto& rule : rules()) {
    const auto samples = drawn(rule, {.part_width = 16, .part_height = 16});
    const auto pixels = static_cast<size_t>(rule.block_height * rule.block_width);
    ASSERT_EQ(samples.features.size(), samples.rows() * pixels * 2);
    ASSERT_EQ(samples.class_labels.size(), samples.rows() * pixels);
    std::set<std::pair<int64_t, int64_t>> places;
    for (size_t i = 0; i < samples.rows(); ++i) {
      EXPECT_TRUE(places.emplace(samples.y[i], samples.x[i]).second);
      for (size_t p = 0; p < pixels; ++p) {
        const int64_t x = samples.x[i] + static_cast<int64_t>(p) % rule.block_width;
        const int64_t y = samples.y[i] + static_cast<int64_t>(p) / rule.block_width;
        EXPECT_TRUE(eligible_at(x, y));
        EXPECT_EQ(samples.features[(i * pixels + p) * 2], static_cast<float>(x));
        EXPECT_EQ(samples.features[(i * pixels + p) * 2 + 1], static_cast<float>(y));
        EXPECT_EQ(samples.class_labels[i * pixels + p], class_at(x));
      }
    }
    EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
  }
}

TEST(PixelSampling, DrawsAsManyAsAsked) {
  EXPECT_EQ(drawn({.number = 100}).rows(), 100U);
  EXPECT_EQ(drawn({.block_height = 3, .block_width = 2, .number = 25}).rows(), 25U);
  const auto all = drawn({.number = 1'000'000});
  EXPECT_EQ(all.rows(), all.record.rates[0].available + all.record.rates[1].available +
                            all.record.rates[2].available);
  const auto shares = drawn({.method = DrawMethod::fraction, .fraction = 0.1});
  for (const auto& rate : shares.record.rates)
    EXPECT_EQ(rate.drawn,
              static_cast<uint64_t>(std::nearbyint(static_cast<double>(rate.available) * 0.1)));
  const auto classes =
      drawn({.method = DrawMethod::per_class, .number = 30, .number_of_class = {{1, 5}}});
  EXPECT_EQ(classes.record.rates[0].drawn, 30U);
  EXPECT_EQ(classes.record.rates[1].drawn, 5U);
  EXPECT_EQ(classes.record.rates[2].drawn, 30U);
  for (size_t i = 0; i < classes.rows(); ++i) {
    const auto& rate = classes.record.rates[static_cast<size_t>(classes.class_labels[i])];
    EXPECT_DOUBLE_EQ(classes.weight[i], 1 / rate.rate());
  }
  const auto grid = drawn({.method = DrawMethod::grid, .stride_rows = 7, .stride_columns = 4});
  EXPECT_EQ(grid.rows() + grid.incomplete, 10U * 23U);
}

TEST(PixelSampling, KeepsItsDistance) {
  const auto samples =
      drawn({.method = DrawMethod::per_class, .number = 40, .min_distance_pixels = 6});
  // Within a class; of one column 70 pixels high not all 40 have room.
  EXPECT_GT(samples.too_near, 0U);
  for (size_t i = 0; i < samples.rows(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (samples.class_labels[i] == samples.class_labels[j]) {
        EXPECT_GE(std::hypot(samples.x[i] - samples.x[j], samples.y[i] - samples.y[j]), 6);
      }
}

TEST(PixelSampling, DependsOnSeedAndNameAlone) {
  const DrawRule rule{.number = 50};
  const auto first = drawn(rule);
  EXPECT_NE(drawn(rule, {.item = "0_1"}).x, first.x);
  EXPECT_NE(drawn({.seed = 1, .number = 50}).x, first.x);
  // The same on every machine.
  EXPECT_EQ(std::vector<int64_t>(first.x.begin(), first.x.begin() + 4),
            (std::vector<int64_t>{44, 47, 27, 22}));
}

TEST(PixelSampling, IsEven) {
  std::vector<int> counts(3, 0);
  for (int item = 0; item < 200; ++item) {
    const auto samples =
        drawn({.number = 60}, {.item = std::to_string(item), .label = LabelType::number});
    for (const int64_t x : samples.x) ++counts[static_cast<size_t>(x / 30)];
  }
  for (const int count : counts) EXPECT_NEAR(count, 4000, 200);
}

TEST(PixelSampling, TakesNumbersAsLabels) {
  const auto samples = drawn({.number = 10}, {.label = LabelType::number});
  for (size_t i = 0; i < samples.rows(); ++i)
    EXPECT_EQ(samples.number_labels[i], static_cast<double>(samples.x[i]));
  EXPECT_EQ(samples.record.rates.size(), 1U);
  EXPECT_EQ(samples.record.rates[0].code, kNoClass);
  EXPECT_TRUE(drawn({.number = 10}, {.label = LabelType::none}).class_labels.empty());
}

TEST(PixelSampling, RefusesWhatCannotBeMeant) {
  for (const DrawRule& rule :
       std::vector<DrawRule>{{},
                             {.method = DrawMethod::fraction},
                             {.method = DrawMethod::fraction, .fraction = 1.5},
                             {.method = DrawMethod::fraction, .fraction = std::nan("")},
                             {.method = DrawMethod::per_class},
                             {.method = DrawMethod::per_class, .block_height = 2, .number = 5},
                             {.method = DrawMethod::grid, .stride_rows = 0},
                             {.block_height = 0, .number = 5},
                             {.number = 5, .min_distance_pixels = -1}})
    EXPECT_THROW(check(rule), Error);
  EXPECT_THROW(drawn({.method = DrawMethod::per_class, .number = 5}, {.label = LabelType::number}),
               Error);
  // Items smaller than a block have none.
  EXPECT_EQ(drawn({.block_height = 100, .block_width = 100, .number = 5}).rows(), 0U);
}

}  // namespace
}  // namespace geoloom::learn
