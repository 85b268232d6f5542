// SPDX-License-Identifier: Apache-2.0
#include "ops/load/terrain_rule.h"

#include "ops/load/mask_rules.h"
#include "ops/op_test.h"

namespace geoloom::ops {
namespace {

using testing::HasSubstr;

MaskRules rules(const std::string& text) {
  MaskRules out;
  workflow::Parameters parameters;
  parameters.add("mask", &out, "");
  parameters.bind(workflow::parse_yaml("{mask: " + text + "}", "t.yaml"), "load");
  out.check();
  return out;
}

TerrainShadowRule rule(const std::string& text) {
  return rules("{terrain_shadow: " + text + "}").rules.front().terrain_shadow.value();
}

TEST(TerrainRule, ReachesAsManyPixelsAsItIsLong) {
  const geo::Grid utm{geo::Crs::parse("EPSG:32631"), 500000, 5000000, 20, 20, 100, 100};
  EXPECT_EQ(rule("dem.tif").reach_on(utm), 500);  // 10 km by default
  EXPECT_EQ(rule("{elevation: dem.tif, reach: 1.01 km}").reach_on(utm), 51);
  EXPECT_EQ(rule("{elevation: dem.tif, reach: 77 px}").reach_on(utm), 77);
  // At 60 degrees north a pixel of 0.001 degrees is 55.6 m wide.
  const geo::Grid degrees{geo::Crs::parse("EPSG:4326"), 9, 61, 0.001, 0.001, 2000, 2000};
  EXPECT_EQ(rule("{elevation: dem.tif, reach: 5 km}").reach_on(degrees), 90);
  EXPECT_THAT(error_of([&] { rule("{elevation: dem.tif, reach: 100 km}").reach_on(utm); }),
              testing::AllOf(HasSubstr("5000 pixels"), HasSubstr("at most 4096")));
}

TEST(TerrainRule, IsNotKnownByThePathOfItsModel) {
  const auto said = [](const std::string& text) {
    return workflow::ParameterType<MaskRules>::to_json(rules(text)).dump();
  };
  EXPECT_EQ(said("{terrain_shadow: a.tif}"), said("{terrain_shadow: {elevation: [b.tif, c.tif]}}"));
  EXPECT_NE(said("{terrain_shadow: a.tif}"),
            said("{terrain_shadow: {elevation: a.tif, reach: 1 km}}"));
  EXPECT_NE(said("{terrain_shadow: a.tif}"),
            said("{terrain_shadow: {elevation: a.tif, missing: 0}}"));
}

TEST(TerrainRule, SaysWhatIsWrong) {
  EXPECT_THAT(error_of([] { rule("{reach: 3 km}"); }), HasSubstr("either `elevation` or `source`"));
  EXPECT_THAT(error_of([] { rule("{elevation: dem.tif, reach: 0 m}"); }), HasSubstr("above 0"));
  EXPECT_THAT(error_of([] { rule("{elevation: dem.tif, source: {scenes: x, mask: {band: a}}}"); }),
              HasSubstr("either"));
  EXPECT_THAT(error_of([] { rule("{source: {scenes: x, mask: {band: a, drop: 1}}}"); }),
              HasSubstr("not masked"));
  EXPECT_THAT(error_of([] { rules("{terrain_shadow: dem.tif, band: SCL, drop: 1}"); }),
              HasSubstr("nothing else but `clean`"));
  EXPECT_THAT(error_of([] {
                rules(
                    "[{terrain_shadow: {elevation: a.tif, overpass: \"10:30\"}},"
                    " {cloud_shadow: {clouds: {band: a, drop: 1}, overpass: \"9:30\"}}]");
              }),
              HasSubstr("'9:30' is no time of day"));
  EXPECT_THAT(error_of([] {
                rules(
                    "[{terrain_shadow: {elevation: a.tif, overpass: \"10:30\"}},"
                    " {cloud_shadow: {clouds: {band: a, drop: 1}, overpass: \"09:30\"}}]");
              }),
              HasSubstr("10:30 in another rule"));
}

}  // namespace
}  // namespace geoloom::ops
