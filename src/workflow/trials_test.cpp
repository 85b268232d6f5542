// SPDX-License-Identifier: Apache-2.0
#include "workflow/trials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace geoloom::workflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TrialSet trials(const std::string& text) {
  return trial_sets_from(parse_yaml("tuning: " + text, "trials.yaml")).front();
}

std::vector<std::string> labels(const TrialSet& set) {
  std::vector<std::string> out;
  for (const auto& trial : set.axis.values) out.push_back(trial.label);
  return out;
}

double number(const TrialSet& set, size_t trial, const std::string& parameter) {
  return set.axis.values[trial].value.find(parameter)->number;
}

TEST(Trials, OfAGridAreAllCombinationsTheLastKeyFastest) {
  const auto set = trials("{grid: {stat: [median, max], least: 1..3}, tolerate: 2}");
  EXPECT_THAT(labels(set),
              ElementsAre("median-1", "median-2", "median-3", "max-1", "max-2", "max-3"));
  EXPECT_THAT(set.parameters, ElementsAre("stat", "least"));
  EXPECT_EQ(set.tolerate, 2u);
  EXPECT_EQ(set.axis.values[4].value.find("least")->integer, 2);
}

TEST(Trials, OfAListAreThoseInIt) {
  const auto set = trials("{list: [{a: 1, b: x}, {a: 0.25, b: y}]}");
  EXPECT_THAT(labels(set), ElementsAre("1-x", "0_25-y"));
  EXPECT_THROW(trials("{list: [{a: 1}, {b: 2}]}"), Error);
  EXPECT_THROW(trials("{list: [{a: 1}, {a: 1}]}"), Error);
}

TEST(Trials, DrawnStayWhenMoreAreDrawn) {
  const std::string of =
      "of: {rate: {range: 0.001..0.1, scale: log}, least: 1..9, stat: [min, max]}}}";
  const auto few = labels(trials("{random: {count: 5, seed: 42, " + of));
  const auto many = labels(trials("{random: {count: 50, seed: 42, " + of));
  EXPECT_EQ(few, std::vector<std::string>(many.begin(), many.begin() + 5));
  EXPECT_NE(few, labels(trials("{random: {count: 5, seed: 43, " + of)));
}

TEST(Trials, DrawnLieInTheirRangesAndFillThem) {
  const auto set = trials(
      "{random: {count: 2000, seed: 7, of: {rate: {range: 0.001..0.1, scale: log}, share: "
      "0.5..1.5, least: 1..4}}}");
  double below = 0, share = 0;
  std::vector<int> seen(5);
  for (size_t t = 0; t < set.axis.values.size(); ++t) {
    const double rate = number(set, t, "rate");
    ASSERT_GE(rate, 0.001);
    ASSERT_LE(rate, 0.1);
    below += rate < 0.01 ? 1 : 0;
    share += number(set, t, "share");
    ++seen.at(static_cast<size_t>(number(set, t, "least")));
  }
  // Half of the logarithms lie below that of 0.01; 2000 draws are within five standard errors.
  EXPECT_NEAR(below / 2000, 0.5, 5 * std::sqrt(0.25 / 2000));
  EXPECT_NEAR(share / 2000, 1.0, 5 * std::sqrt(1.0 / 12 / 2000));
  for (int least = 1; least <= 4; ++least)
    EXPECT_NEAR(seen[static_cast<size_t>(least)], 500, 5 * std::sqrt(2000 * 0.25 * 0.75));
}

TEST(Trials, HaveLabelsThatCanNameFiles) {
  const auto set = trials("{list: [{a: 'data/one two'}, {a: data_one_two}, {a: -1}, {a: " +
                          std::string(80, 'x') + "}]}");
  for (const auto& label : labels(set)) {
    EXPECT_LE(label.size(), 40u);
    EXPECT_EQ(label.find_first_of("./ "), std::string::npos) << label;
    EXPECT_NE(label.front(), '-');
  }
}

TEST(Trials, TheFirstOfEqualScoresIsTheBest) {
  auto set = trials("{grid: {least: [1, 2, 3]}, tolerate: 1}");
  EXPECT_EQ(outcome_of(set, {0.5, 0.5, 0.25})->best, "1");
  set.maximize = false;
  EXPECT_EQ(outcome_of(set, {0.5, 0.25, 0.25})->best, "2");
}

TEST(Trials, ThatFailAreToleratedUpToANumber) {
  const auto set = trials("{grid: {least: [1, 2, 3]}, tolerate: 1}");
  const auto outcome = outcome_of(set, {std::nullopt, 0.5, 0.75});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->best, "3");
  EXPECT_EQ(outcome->failed(), 1u);
  EXPECT_TRUE(outcome->gave_up("1"));
  EXPECT_FALSE(outcome->gave_up("2"));
  EXPECT_FALSE(outcome_of(set, {std::nullopt, std::nullopt, 0.75}));
  const auto back = trial_outcome_from_json(Json::parse(to_json(*outcome).dump()));
  EXPECT_EQ(back.best, "3");
  EXPECT_EQ(back.trials[1].score, 0.5);
  EXPECT_FALSE(back.trials[0].score);
}

TEST(Trials, AreRefusedWithThePlace) {
  for (const auto& [text, says] :
       {std::pair("{grid: {least: []}}", "has no values"),
        std::pair("{grid: {least: 0.1..0.5}}", "whole numbers"),
        std::pair("{grid: {}}", "no parameters"),
        std::pair("{grid: {a: 1..200, b: 1..200}}", "more than 10000"),
        std::pair("{random: {count: 2, seed: 1, of: {a: {range: 0..1, scale: log}}}}",
                  "above zero"),
        std::pair("{random: {count: 2, seed: 1, of: {a: {range: 2..1}}}}", "goes down"),
        std::pair("{grid: {a: [1, 2]}, maximize: 3}", "refers to what a step")}) {
    try {
      (void)trials(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(says));
      EXPECT_EQ(error.place().file, "trials.yaml");
    }
  }
}

}  // namespace
}  // namespace geoloom::workflow
