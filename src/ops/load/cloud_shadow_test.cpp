// SPDX-License-Identifier: Apache-2.0
#include "ops/load/cloud_shadow.h"

#include "ops/load/scene_sun.h"
#include "ops/op_test.h"

namespace geoloom::ops {
namespace {

using kernels::PixelShift;
using testing::ElementsAre;
using testing::HasSubstr;

// Pixels of 10 m around a place in UTM zone 31, whose middle meridian is 3 degrees east.
geo::Grid around(double lon, double lat) {
  const auto crs = geo::Crs::parse("EPSG:32631");
  const auto middle = geo::from_lon_lat(crs, lon, lat);
  return {crs, middle.x - 5000, middle.y + 5000, 10, 10, 1000, 1000};
}

CloudShadowRule rule(const std::string& text) {
  CloudShadowRule out;
  workflow::Parameters parameters;
  parameters.add("cloud_shadow", &out, "");
  parameters.bind(workflow::parse_yaml(
                      "{cloud_shadow: {clouds: {band: CLD, above: 40}" + text + "}}", "t.yaml"),
                  "mask");
  out.check("mask.cloud_shadow");
  return out;
}

std::vector<PixelShift> shifts(const std::string& text, const geo::SunPosition& sun,
                               const geo::Grid& grid = around(3, 50)) {
  return shadow_shifts(rule(text), sun, grid);
}

// A cloud 1000 m up, and the sun 45 degrees high: its shadow is 1000 m away, on the other side.
TEST(CloudShadow, FallsAwayFromTheSun) {
  const std::string one = ", heights: 1000";
  EXPECT_THAT(shifts(one, {180, 45}), ElementsAre(PixelShift{0, -100}));  // from the south: north
  EXPECT_THAT(shifts(one, {0, 45}), ElementsAre(PixelShift{0, 100}));
  EXPECT_THAT(shifts(one, {90, 45}), ElementsAre(PixelShift{-100, 0}));  // from the east: west
  EXPECT_THAT(shifts(one, {135, 45}), ElementsAre(PixelShift{-71, -71}));
  // 30 degrees high: tan(60 degrees) = 1.732 times the height.
  EXPECT_THAT(shifts(one, {270, 30}), ElementsAre(PixelShift{173, 0}));
  EXPECT_THAT(shifts(", heights: [400, 1200]", {180, 60}),
              ElementsAre(PixelShift{0, -23}, PixelShift{0, -69}));
}

// 3 degrees east of the middle meridian, at 60 degrees north, the grid's north is 2.6 degrees off.
TEST(CloudShadow, GoesByTrueNorth) {
  const auto east = shifts(", heights: 10000", {180, 45}, around(6, 60)).front();
  EXPECT_NEAR(static_cast<double>(east.columns), -1000 * 0.0453, 1.0);
  EXPECT_NEAR(static_cast<double>(east.rows), -999, 1.0);
  const auto west = shifts(", heights: 10000", {180, 45}, around(0, 60)).front();
  EXPECT_EQ(west.columns, -east.columns);
  // In degrees pixels are narrower than high: at 60 degrees by half, by the ellipsoid a bit less.
  const geo::Grid degrees{geo::Crs::parse("EPSG:4326"), 9, 61, 0.001, 0.001, 2000, 2000};
  const auto slanted = shifts(", heights: 10000", {225, 45}, degrees).front();
  EXPECT_NEAR(static_cast<double>(slanted.columns), 10000 * 0.70711 / 55.80, 1);
  EXPECT_NEAR(static_cast<double>(slanted.rows), -10000 * 0.70711 / 111.41, 1);
}

// (cos a, sin a) * h * tan(90 - zenith), a = azimuth + 90: with the sun at 150 degrees and 30 from
// the zenith, (cos 240, sin 240) * 1000 m * tan 60 = (-866.0, -1500.0) m.
TEST(CloudShadow, MayFollowTheFormulaOfScripts) {
  const std::string formula = ", formula: tan_elevation, heights: ";
  EXPECT_THAT(shifts(formula + "1000", {150, 60}, around(6, 60)),
              ElementsAre(PixelShift{-87, -150}));
  // With the sun halfway up both formulas agree, but for the grid's north.
  EXPECT_EQ(shifts(formula + "3000", {150, 45}), shifts(", heights: 3000", {150, 45}));
  EXPECT_THAT(error_of([&] {
                shifts(formula + "1000", {150, 60},
                       {geo::Crs::parse("EPSG:4326"), 9, 61, 0.001, 0.001, 2000, 2000});
              }),
              HasSubstr("pixels are in metres"));
}

TEST(CloudShadow, HeightsAreAListOrARange) {
  EXPECT_THAT(rule("").heights.metres, ElementsAre(500, 1000, 1500, 2000, 2500, 3000, 3500, 4000));
  EXPECT_THAT(rule(", heights: {from: 200, to: 1000, step: 250}").heights.metres,
              ElementsAre(200, 450, 700, 950));
  const auto said = [](const std::string& text) {
    return workflow::ParameterType<CloudShadowRule>::to_json(rule(text)).dump();
  };
  EXPECT_EQ(said(", heights: {from: 500, to: 1500, step: 500}"),
            said(", heights: [500,1000,1500]"));
  EXPECT_THAT(error_of([] { rule(", heights: {from: 500, to: 100, step: 50}"); }),
              HasSubstr("no heights from 500 to 100"));
  EXPECT_THAT(error_of([] { rule(", heights: []"); }), HasSubstr("1 to 256 heights"));
  EXPECT_THAT(error_of([] { rule(", heights: [30000]"); }), HasSubstr("no cloud is 30000 m high"));
  EXPECT_THAT(error_of([] { rule(", formula: tan"); }), HasSubstr("tan_zenith"));
  EXPECT_THAT(error_of([] { rule(", overpass: noon"); }), HasSubstr("no time of day"));
}

TEST(CloudShadow, TooFarIsRefused) {
  EXPECT_THAT(error_of([] {
                shifts(", heights: [500, 20000]", {180, 15});
              }),
              testing::AllOf(HasSubstr("clouds at 20000 m"), HasSubstr("at most 4096"),
                             HasSubstr("15 degrees")));
}

TEST(SceneSun, IsToldByPropertiesOrComputed) {
  const auto grid = around(3.02, 50.82);
  catalog::Scene scene;
  scene.id = "s2";
  scene.time = geo::parse_time("2018-06-20T10:52:11Z");
  const auto computed = sun_of(scene, grid);
  EXPECT_TRUE(computed.computed);
  EXPECT_NEAR(computed.position.elevation_deg, 60.4, 0.7);
  scene.properties = {{"view:sun_azimuth", 153.661}, {"view:sun_elevation", 60.477}};
  EXPECT_FALSE(sun_of(scene, grid).computed);
  EXPECT_EQ(sun_of(scene, grid).position, (geo::SunPosition{153.661, 60.477}));
  scene.properties = {{"s2:mean_solar_azimuth", 153.661}, {"s2:mean_solar_zenith", 29.5}};
  EXPECT_EQ(sun_of(scene, grid).position, (geo::SunPosition{153.661, 60.5}));
  scene.properties = {{"SUN_AZIMUTH", -30}, {"SUN_ELEVATION", 12}};  // as Landsat counts
  EXPECT_EQ(sun_of(scene, grid).position, (geo::SunPosition{330, 12}));
  scene.properties = {{"view:sun_azimuth", 153.661}};  // one angle alone is not enough
  EXPECT_TRUE(sun_of(scene, grid).computed);
  for (const auto& [name, value] : scene.properties)
    EXPECT_THAT(sun_properties(), testing::Contains(name));
}

TEST(SceneSun, WhatCannotBeKnownIsAnError) {
  const auto grid = around(3, 50);
  catalog::Scene scene;
  scene.id = "S2_20180503";
  scene.time = geo::parse_time("2018-05-03");
  EXPECT_THAT(error_of([&] { sun_of(scene, grid); }),
              testing::AllOf(HasSubstr("its time has no hour"), HasSubstr("S2_20180503"),
                             HasSubstr("view:sun_azimuth")));
  // 3 degrees of longitude are 12 minutes.
  EXPECT_EQ(sun_of(scene, grid, time_of_day_ms("10:30")).position,
            geo::sun_position(*geo::parse_time("2018-05-03T10:18:00Z"), {3, 50}));
  EXPECT_FALSE(time_of_day_ms("24:00"));
  EXPECT_FALSE(time_of_day_ms("9:30"));
  scene.properties = {{"view:sun_azimuth", 153.661}};
  EXPECT_THAT(error_of([&] { sun_of(scene, grid); }), HasSubstr("only one of its two angles"));
  scene.properties = {{"view:sun_azimuth", "north"}, {"view:sun_elevation", 12}};
  EXPECT_THAT(error_of([&] { sun_of(scene, grid); }),
              HasSubstr("view:sun_azimuth is \"north\", no angle"));
  scene.properties = {{"view:sun_azimuth", 12}, {"s2:mean_solar_zenith", 200}};
  EXPECT_THAT(error_of([&] { sun_of(scene, grid); }), HasSubstr("s2:mean_solar_zenith is 200"));
}

}  // namespace
}  // namespace geoloom::ops
