// SPDX-License-Identifier: Apache-2.0
#include "learn/tree_ensemble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "error/error.h"

namespace geoloom::learn {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// One split of feature 0 at 0.5: -1 on the left, 2 on the right.
TreeEnsemble stump() {
  TreeEnsemble ensemble;
  ensemble.features = {"ndvi", "slope"};
  ensemble.leaf_values = {-1, 2};
  Tree tree;
  tree.nodes = {{.feature = 0, .left = 1, .right = 2, .threshold = 0.5}, {.leaf = 0}, {.leaf = 1}};
  ensemble.trees = {tree};
  return ensemble;
}

double sum(const TreeEnsemble& ensemble, float x) {
  const std::array<float, 2> pixel{x, 0};
  double value = 0;
  sums_of(ensemble, pixel, {&value, 1});
  return value;
}

void expect_refused(const TreeEnsemble& ensemble, const std::string& words) {
  try {
    validate(ensemble, "model.txt");
    FAIL() << "accepted: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corrupt);
    EXPECT_THAT(error.what(), testing::HasSubstr(words));
    EXPECT_THAT(error.what(), testing::HasSubstr("model.txt"));
  }
}

TEST(TreeEnsemble, ComparesAsItsLibraryDoes) {
  auto ensemble = stump();
  EXPECT_EQ(sum(ensemble, 0.5F), -1);
  ensemble.comparison = Comparison::less;
  EXPECT_EQ(sum(ensemble, 0.5F), 2);
  EXPECT_EQ(sum(ensemble, std::nextafter(0.5F, 0.0F)), -1);
}

TEST(TreeEnsemble, MissingValuesGoWhereTheNodeSays) {
  auto ensemble = stump();
  auto& root = ensemble.trees[0].nodes[0];
  EXPECT_EQ(sum(ensemble, kNaN), 2);
  root.missing_left = true;
  EXPECT_EQ(sum(ensemble, kNaN), -1);
  root.threshold = -1;
  EXPECT_EQ(sum(ensemble, 0.0F), 2);
  root.missing = MissingRule::nan_or_zero;
  EXPECT_EQ(sum(ensemble, 0.0F), -1);
  EXPECT_EQ(sum(ensemble, 1e-36F), -1);
  EXPECT_EQ(sum(ensemble, 1e-34F), 2);
  EXPECT_EQ(sum(ensemble, kNaN), -1);
  root.missing = MissingRule::nan_is_zero;
  EXPECT_EQ(sum(ensemble, kNaN), 2);
}

TEST(TreeEnsemble, CategoriesAreBitsAndNothingElseIsAMember) {
  auto ensemble = stump();
  ensemble.category_sets = {{.bits = {0b1001U, 1U}}};
  ensemble.trees[0].nodes[0].categories = 0;
  for (const float member : {0.0F, 3.0F, 3.9F, 32.0F, -0.5F}) EXPECT_EQ(sum(ensemble, member), -1);
  for (const float other : {1.0F, 33.0F, 64.0F, -1.0F, 1e30F, kNaN})
    EXPECT_EQ(sum(ensemble, other), 2);
  ensemble.category_sets[0].members_left = false;
  EXPECT_EQ(sum(ensemble, 3.0F), 2);
  EXPECT_EQ(sum(ensemble, 64.0F), -1);
}

TEST(TreeEnsemble, SumsInTheTypeOfItsLibraryAndInTreeOrder) {
  auto ensemble = stump();
  ensemble.leaf_values = {1e-9, 1e-9};
  ensemble.base_scores = {1};
  ensemble.trees.resize(3, ensemble.trees[0]);
  EXPECT_EQ(sum(ensemble, 0), 1 + 1e-9 + 1e-9 + 1e-9);
  ensemble.sum_type = SumType::float32;
  EXPECT_EQ(sum(ensemble, 0), 1);
  ensemble.base_is_first = false;
  ensemble.divisor = 3;
  EXPECT_EQ(sum(ensemble, 0), 1);
}

TEST(TreeEnsemble, LinksGiveProbabilities) {
  auto ensemble = stump();
  ensemble.task = Task::classification;
  ensemble.class_values = {0, 1};
  ensemble.link = Link::logistic;
  validate(ensemble);
  std::array<double, 2> two{};
  apply_link(ensemble, std::array{2.0}, two);
  EXPECT_NEAR(two[1], 0.88079707797788, 1e-14);
  EXPECT_EQ(two[0], 1 - two[1]);
  ensemble.link = Link::softmax;
  apply_link(ensemble, std::array{1000.0, 1001.0}, two);
  EXPECT_NEAR(two[1], 0.73105857863, 1e-11);
  ensemble.link = Link::signed_square;
  ensemble.task = Task::regression;
  std::array<double, 1> one{};
  apply_link(ensemble, std::array{-3.0}, one);
  EXPECT_EQ(one[0], -9);
}

TEST(TreeEnsemble, RefusesWhatCannotBeWalked) {
  validate(stump());
  auto broken = stump();
  broken.trees[0].nodes[0].right = 0;
  expect_refused(broken, "two parents");
  broken = stump();
  broken.trees[0].nodes[0].left = 7;
  expect_refused(broken, "a child at 7");
  broken = stump();
  broken.trees[0].nodes[0].feature = 2;
  expect_refused(broken, "feature 2 of 2");
  broken = stump();
  broken.trees[0].nodes[1].leaf = 2;
  expect_refused(broken, "leaf row 2");
  broken = stump();
  broken.trees[0].nodes.push_back({.leaf = 0});
  expect_refused(broken, "no path reaches");
  broken = stump();
  broken.trees[0].nodes[0].threshold = std::numeric_limits<double>::quiet_NaN();
  expect_refused(broken, "not a number");
  broken = stump();
  broken.trees[0].output = 1;
  expect_refused(broken, "output 1");
  broken = stump();
  broken.trees.clear();
  expect_refused(broken, "no trees");
  broken = stump();
  broken.task = Task::classification;
  broken.class_values = {1, 2, 3};
  expect_refused(broken, "3 classes");
}

TEST(TreeEnsemble, DepthIsThatOfTheDeepestLeaf) {
  EXPECT_EQ(depth_of(stump().trees[0]), 1U);
  EXPECT_EQ(depth_of(Tree{.nodes = {{.leaf = 0}}}), 0U);
}

}  // namespace
}  // namespace geoloom::learn
