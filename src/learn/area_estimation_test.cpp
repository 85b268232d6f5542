// SPDX-License-Identifier: Apache-2.0
#include "learn/area_estimation.h"

#include <gmock/gmock.h>

#include "error/error.h"

namespace geoloom::learn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<LabelledUnit> units_of(const std::vector<std::vector<int>>& counts) {
  std::vector<LabelledUnit> sample;
  for (uint32_t i = 0; i < counts.size(); ++i)
    for (uint32_t j = 0; j < counts[i].size(); ++j)
      sample.insert(sample.end(), static_cast<size_t>(counts[i][j]), {i, i, j});
  return sample;
}

// Olofsson et al. 2014, section 5, tables 8 and 9: 10 million pixels of 30 m. The half widths of
// two producer's accuracies are printed as 0.23 and 0.01; equation 7 gives 0.25 and 0.02, as does
// the other method.
TEST(AreaEstimation, WorkedExampleOfOlofsson) {
  const std::vector<std::string> classes{"deforestation", "forest gain", "stable forest",
                                         "stable non-forest"};
  const std::vector<double> units{200'000, 150'000, 3'200'000, 6'450'000};
  const auto sample = units_of({{66, 0, 5, 4}, {0, 55, 8, 12}, {1, 0, 153, 11}, {2, 1, 9, 313}});
  const auto result = estimate_by_map_classes(classes, units, sample);
  EXPECT_TRUE(result.notes.empty());
  EXPECT_NEAR(*result.overall.value, 0.95, 0.005);
  EXPECT_NEAR(*result.overall.half_width_95(), 0.02, 0.005);
  const double users[] = {0.88, 0.73, 0.93, 0.96}, users_95[] = {0.07, 0.10, 0.04, 0.02};
  const double producers[] = {0.75, 0.85, 0.93, 0.96}, producers_95[] = {0.21, 0.25, 0.03, 0.02};
  // Hectares, with the half widths of their intervals.
  const double areas[] = {21'158, 11'686, 285'770, 581'386};
  const double areas_95[] = {6'158, 3'756, 15'510, 16'282};
  for (size_t c = 0; c < classes.size(); ++c) {
    SCOPED_TRACE(classes[c]);
    const auto& of = result.classes[c];
    EXPECT_NEAR(*of.users.value, users[c], 0.005);
    EXPECT_NEAR(*of.users.half_width_95(), users_95[c], 0.006);
    EXPECT_NEAR(*of.producers.value, producers[c], 0.005);
    EXPECT_NEAR(*of.producers.half_width_95(), producers_95[c], 0.006);
    EXPECT_NEAR(*of.area_share.value * 900'000, areas[c], 1);
    EXPECT_NEAR(*of.area_share.half_width_95() * 900'000, areas_95[c], 2);
  }
  EXPECT_NEAR(result.error_matrix[0], 0.0176, 1e-9);
  EXPECT_EQ(result.counts[2 * 4 + 2], 153U);

  std::vector<Stratum> strata;
  for (size_t c = 0; c < classes.size(); ++c) strata.push_back({classes[c], units[c]});
  const auto other = estimate_by_strata(classes, strata, sample);
  for (size_t c = 0; c < classes.size(); ++c)
    EXPECT_NEAR(*other.classes[c].producers.standard_error,
                *result.classes[c].producers.standard_error, 1e-4);
}

std::vector<LabelledUnit> sample_of(std::string_view strata, std::string_view mapped,
                                    std::string_view reference) {
  std::vector<LabelledUnit> sample;
  for (size_t i = 0; i < strata.size(); ++i)
    sample.push_back({static_cast<uint32_t>(strata[i] - 'A'),
                      static_cast<uint32_t>(mapped[i] - 'A'),
                      static_cast<uint32_t>(reference[i] - 'A')});
  return sample;
}

const std::vector<std::string> kLetters{"A", "B", "C", "D"};
const std::vector<Stratum> kStrata{{"1", 40000}, {"2", 30000}, {"3", 20000}, {"4", 10000}};
const std::vector<LabelledUnit> kStehman = sample_of("AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDD",
                                                     "AAAAAAABBBABBBBBBBBBBBCCCCCCBBDDDDDDDDDD",
                                                     "AAAAACBABCABBBBBAABBCCCCCDDBBADDDDDDDCCB");

// Stehman 2014, section 4, table 2.
TEST(AreaEstimation, WorkedExampleOfStehman) {
  const auto result = estimate_by_strata(kLetters, kStrata, kStehman);
  EXPECT_NEAR(*result.classes[0].area_share.value, 0.35, 1e-9);
  EXPECT_NEAR(*result.classes[0].area_share.standard_error, 0.082, 0.0005);
  EXPECT_NEAR(*result.classes[2].area_share.value, 0.20, 1e-9);
  EXPECT_NEAR(*result.classes[2].area_share.standard_error, 0.064, 0.0005);
  EXPECT_NEAR(*result.overall.value, 0.63, 1e-9);
  EXPECT_NEAR(*result.overall.standard_error, 0.085, 0.0005);
  EXPECT_NEAR(*result.classes[1].users.value, 0.574, 0.0005);
  EXPECT_NEAR(*result.classes[1].users.standard_error, 0.125, 0.0005);
  EXPECT_NEAR(*result.classes[1].producers.value, 0.794, 0.0005);
  EXPECT_NEAR(*result.classes[1].producers.standard_error, 0.117, 0.0005);
  EXPECT_NEAR(result.error_matrix[1 * 4 + 2], 0.08, 1e-9);
}

TEST(AreaEstimation, BothMethodsAgreeWhereStrataAreClasses) {
  const std::vector<std::string> classes{"crop", "other"};
  const auto sample = units_of({{40, 10}, {5, 95}});
  const std::vector<double> units{1e9, 4e9};
  const auto a = estimate_by_map_classes(classes, units, sample);
  const std::vector<Stratum> strata{{"crop", 1e9}, {"other", 4e9}};
  const auto b = estimate_by_strata(classes, strata, sample);
  EXPECT_NEAR(*a.overall.value, *b.overall.value, 1e-12);
  EXPECT_NEAR(*a.overall.standard_error, *b.overall.standard_error, 1e-9);
  for (size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(*a.classes[c].users.value, *b.classes[c].users.value, 1e-12);
    EXPECT_NEAR(*a.classes[c].users.standard_error, *b.classes[c].users.standard_error, 1e-8);
    EXPECT_NEAR(*a.classes[c].producers.value, *b.classes[c].producers.value, 1e-12);
    EXPECT_NEAR(*a.classes[c].producers.standard_error, *b.classes[c].producers.standard_error,
                1e-9);
    EXPECT_NEAR(*a.classes[c].area_share.standard_error, *b.classes[c].area_share.standard_error,
                1e-9);
  }
}

TEST(AreaEstimation, ASingleUnitGivesNoInterval) {
  const std::vector<std::string> classes{"crop", "other"};
  const std::vector<double> units{1000, 9000};
  const auto result = estimate_by_map_classes(classes, units, units_of({{1, 0}, {2, 18}}));
  EXPECT_NEAR(*result.overall.value, 0.91, 1e-12);
  EXPECT_FALSE(result.overall.standard_error);
  EXPECT_FALSE(result.classes[0].users.standard_error);
  EXPECT_TRUE(result.classes[1].users.standard_error);
  EXPECT_FALSE(result.classes[1].area_share.half_width_95());
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("'crop' has a single labelled unit")));

  const std::vector<Stratum> strata{{"near", 100}, {"far", 100}};
  const std::vector<LabelledUnit> sample{{0, 0, 0}, {1, 0, 0}, {1, 1, 1}};
  const auto other = estimate_by_strata(classes, strata, sample);
  EXPECT_TRUE(other.overall.value);
  EXPECT_FALSE(other.overall.standard_error);
}

TEST(AreaEstimation, AStratumWithoutUnitsGivesNoMapAccuracy) {
  const std::vector<std::string> classes{"crop", "other"};
  const std::vector<double> units{1000, 9000};
  const auto result = estimate_by_map_classes(classes, units, units_of({{0, 0}, {2, 18}}));
  EXPECT_FALSE(result.overall.value);
  EXPECT_FALSE(result.classes[0].area_share.value);
  EXPECT_FALSE(result.classes[0].users.value);
  EXPECT_TRUE(result.classes[1].users.value);
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("'crop' has no labelled unit")));
  // A class that the map does not have needs none.
  const std::vector<double> other_units{0, 9000};
  EXPECT_TRUE(estimate_by_map_classes(classes, other_units, units_of({{0, 0}, {2, 18}}))
                  .classes[0]
                  .area_share.standard_error);
}

TEST(AreaEstimation, RefusesWhatDoesNotFit) {
  const std::vector<std::string> classes{"crop", "other"};
  const std::vector<double> units{1000, 9000}, no_crop{0, 9000};
  const std::vector<LabelledUnit> none, elsewhere{{0, 1, 1}}, unknown{{0, 0, 7}}, crop{{0, 0, 0}};
  EXPECT_THROW(estimate_by_map_classes(classes, units, none), Error);
  EXPECT_THROW(estimate_by_map_classes(classes, units, elsewhere), Error);
  EXPECT_THROW(estimate_by_map_classes(classes, units, unknown), Error);
  EXPECT_THROW(estimate_by_map_classes(classes, no_crop, crop), Error);
  const std::vector<Stratum> small{{"all", 1}};
  const std::vector<LabelledUnit> two{{0, 0, 0}, {0, 1, 1}};
  EXPECT_THROW(estimate_by_strata(classes, small, two), Error);
}

}  // namespace
}  // namespace geoloom::learn
