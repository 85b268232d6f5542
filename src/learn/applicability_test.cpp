// SPDX-License-Identifier: Apache-2.0
#include "learn/applicability.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "error/error.h"
#include "learn/training_test.h"

namespace geoloom::learn {
namespace {

std::vector<float> dissimilarity_of(const Applicability& area, const std::vector<float>& pixel) {
  std::vector<const float*> planes;
  for (const auto& value : pixel) planes.push_back(&value);
  return area.dissimilarity(planes, 1);
}

TEST(Applicability, IsAsThePaperHasIt) {
  // One feature: rows at 0, 1, 2, 3, in folds 0 1 0 1. Standardised distances are 1 / sd apart.
  MadeRows rows{1, 0, {0, 1, 2, 3}, {}, {0, 0, 0, 1}};
  const std::vector<int32_t> folds{0, 1, 0, 1};
  const auto area = area_of_applicability(rows.view(), std::vector{1.0}, folds);
  const double sd = std::sqrt(5.0 / 3);  // of a sample
  const double mean = (1 + 2 + 3 + 1 + 2 + 1) / 6.0 / sd;
  EXPECT_NEAR(area.mean_distance, mean, 1e-6);
  EXPECT_EQ(area.training.size(), 4U);
  for (const double index : area.training) EXPECT_NEAR(index, 1 / sd / mean, 1e-6);
  EXPECT_NEAR(area.threshold, 1 / sd / mean, 1e-6);
  EXPECT_NEAR(dissimilarity_of(area, {5})[0], 2 / sd / mean, 1e-6);
  EXPECT_EQ(dissimilarity_of(area, {2})[0], 0);
}

TEST(Applicability, UnimportantFeaturesTellNoDistance) {
  auto rows = made_classes(200, 3, 2, 1);
  const auto area =
      area_of_applicability(rows.view(), std::vector{1.0, 0.5, -0.1}, made_folds(200, 4, 2));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto near = dissimilarity_of(area, {rows.features[0], rows.features[1], 1e6F});
  EXPECT_EQ(near[0], 0);
  EXPECT_GT(dissimilarity_of(area, {50, 0, 0})[0], area.threshold);
  EXPECT_TRUE(std::isnan(dissimilarity_of(area, {nan, 0, 0})[0]));
}

TEST(Applicability, OutliersDoNotSetTheThreshold) {
  auto rows = made_classes(300, 2, 2, 3);
  const auto folds = made_folds(300, 3, 4);
  const auto before = area_of_applicability(rows.view(), std::vector{1.0, 1.0}, folds);
  EXPECT_LT(before.threshold, *std::max_element(before.training.begin(), before.training.end()));
}

TEST(Applicability, GoesThroughItsFile) {
  const auto rows = made_classes(50, 3, 2, 5);
  auto area = area_of_applicability(rows.view(), std::vector{1.0, 2.0, 3.0}, made_folds(50, 2, 6));
  area.features = {"red", "nir", "slope"};
  const auto bytes = applicability_file_bytes(area);
  const auto again = read_applicability_file(bytes, "a");
  EXPECT_EQ(applicability_file_bytes(again), bytes);
  for (size_t length = 0; length < bytes.size(); length += 7)
    EXPECT_THROW(read_applicability_file(std::string_view(bytes).substr(0, length), "a"), Error);
}

TEST(Applicability, SaysWhatItNeeds) {
  const auto rows = made_classes(20, 2, 2, 7);
  EXPECT_THROW(
      area_of_applicability(rows.view(), std::vector{1.0, 1.0}, std::vector<int32_t>(20, 0)),
      Error);
  auto same = rows;
  std::fill(same.features.begin(), same.features.end(), 1.0F);
  EXPECT_THROW(area_of_applicability(same.view(), std::vector{1.0, 1.0}, made_folds(20, 2, 8)),
               Error);
}

TEST(Applicability, ManyRowsAreDrawnFrom) {
  const auto rows = made_classes(500, 2, 2, 9);
  const auto area = area_of_applicability(rows.view(), std::vector{1.0, 1.0},
                                          made_folds(500, 4, 10), {.most_rows = 100, .seed = 3});
  EXPECT_EQ(area.rows(), 100U);
}

}  // namespace
}  // namespace geoloom::learn
