// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include "gdal/vector_file.h"
#include "ops/assess/sample_design.h"
#include "ops/map_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_design();

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double n = kInvalid;

struct Unit {
  std::string number, stratum, mapped, probability, label, design;
  geo::Box place;
};

std::vector<Unit> units_of(const workflow::Product& product) {
  std::vector<Unit> units;
  const auto layers = gdal::read_vectors(
      product.scratch_path,
      {.layer = "sample",
       .columns = {"unit", "stratum", "mapped", "probability", "label", "design"}});
  for (const auto& feature : layers.at(0).features) {
    const auto& v = feature.values;
    units.push_back({v[0], v[1], v[2], v[3], v[4], v[5], feature.geometry.bounds()});
  }
  return units;
}

// 100 x 50 pixels: 1 in the first 10 columns, 2 elsewhere, a row invalid.
class DesignTest : public MapTest {
 protected:
  DesignTest() : MapTest(grid_of(100, 50)) {
    for (int y = 0; y < 50; ++y)
      for (int x = 0; x < 100; ++x) {
        map_.push_back(y == 20 ? n : x < 10 ? 1 : 2);
        halves_.push_back(y < 25 ? 5 : 6);
      }
    add_layer("map", classes_band(), map_, 32);
    add_layer("halves", classes_band("half"), halves_);
  }
  Numbers map_, halves_;
};

TEST_F(DesignTest, DrawsByClass) {
  const auto units =
      units_of(run(make_design(), "{layer: map, classes: {1: crop}, total: 200, minimum: 30}"));
  ASSERT_EQ(units.size(), 200U);
  std::map<std::string, int> of_stratum;
  std::set<std::pair<double, double>> places;
  for (const auto& unit : units) {
    ++of_stratum[unit.stratum];
    EXPECT_EQ(unit.stratum, unit.mapped);
    EXPECT_EQ(unit.label, "");
    const auto x = static_cast<int>((unit.place.min_x - area_.origin_x) / 10);
    const auto y = static_cast<int>((area_.origin_y - unit.place.min_y) / 10);
    EXPECT_EQ(map_[static_cast<size_t>(y * 100 + x)], unit.stratum == "crop" ? 1 : 2);
    places.insert({unit.place.min_x, unit.place.min_y});
  }
  EXPECT_EQ(places.size(), units.size());
  EXPECT_EQ(of_stratum["crop"], 30);
  EXPECT_EQ(of_stratum["2"], 170);
  EXPECT_NEAR(std::stod(units[0].probability),
              units[0].stratum == "crop" ? 30.0 / 490 : 170.0 / 4410, 1e-12);
  const auto design = SampleDesign::parse(units[0].design);
  EXPECT_TRUE(design.by_class);
  EXPECT_THAT(design.classes, ElementsAre("crop", "2"));
  EXPECT_EQ(design.strata[0].units, 490U);
  EXPECT_NEAR(design.strata[0].square_metres, 49'000, 100);
  EXPECT_THAT(notes_, ElementsAre("200 units drawn from 2 strata"));
}

TEST_F(DesignTest, TheSeedDecidesAndTilesDoNot) {
  const std::string yaml = "{layer: map, total: 60, minimum: 5";
  const auto expected = run(make_design(), yaml + "}").summary.sha256;
  EXPECT_NE(run(make_design(), yaml + ", seed: 2}").summary.sha256, expected);
  add_layer("map", classes_band(), map_, 7);
  EXPECT_EQ(run(make_design(), yaml + "}").summary.sha256, expected);
}

TEST_F(DesignTest, OtherStrata) {
  const auto units =
      units_of(run(make_design(),
                   "{layer: map, strata: halves, strata_names: {5: north, 6: south}, total: 100, "
                   "allocation: equal}"));
  ASSERT_EQ(units.size(), 100U);
  std::set<std::string> mapped;
  for (const auto& unit : units) {
    const auto x = (unit.place.min_x - area_.origin_x) / 10;
    const auto y = (area_.origin_y - unit.place.min_y) / 10;
    EXPECT_EQ(unit.stratum, y < 25 ? "north" : "south");
    EXPECT_EQ(unit.mapped, x < 10 ? "1" : "2");
    mapped.insert(unit.mapped);
  }
  EXPECT_EQ(mapped.size(), 2U);
  EXPECT_FALSE(SampleDesign::parse(units[0].design).by_class);
}

TEST_F(DesignTest, SizeForATargetError) {
  // Both classes 0.8: (0.4 / 0.02)^2 = 400, less the correction for a finite map.
  const auto units = units_of(run(make_design(), "{layer: map, target_error: 0.02}"));
  EXPECT_NEAR(static_cast<double>(units.size()), 400.0 / (1 + 400.0 / 4900), 2);
}

TEST_F(DesignTest, RefusesWhatDoesNotFit) {
  EXPECT_THAT(error_of([&] { run(make_design(), "{layer: map}"); }), HasSubstr("either `total`"));
  context_.grid.crs = geo::Crs::parse("EPSG:4326");
  EXPECT_THAT(error_of([&] { run(make_design(), "{layer: map, total: 10}"); }),
              HasSubstr("degrees"));
}

TEST(SampleDesign, RefusesOtherTexts) {
  EXPECT_THAT(error_of([] { SampleDesign::parse("label me"); }), HasSubstr("column 'design'"));
  EXPECT_THAT(error_of([] { SampleDesign::parse(R"({"geoloom_design": 99})"); }),
              HasSubstr("newer"));
  SampleDesign design{"map", true, 7, {"a"}, {{"a", 10, 3, 1000}}};
  EXPECT_EQ(SampleDesign::parse(design.text()).text(), design.text());
  design.strata[0].sampled = 11;
  EXPECT_THAT(error_of([&] { SampleDesign::parse(design.text()); }), HasSubstr("more sampled"));
}

}  // namespace
}  // namespace geoloom::ops
