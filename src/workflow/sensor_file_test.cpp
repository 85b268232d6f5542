// SPDX-License-Identifier: Apache-2.0
#include "workflow/sensor_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/scene_search.h"

namespace geoloom::workflow {
namespace {

using catalog::OffsetChoice;
using catalog::OffsetPolicy;
using catalog::OffsetReport;
using catalog::Scene;
using testing::HasSubstr;

Error error_of(const std::string& text) {
  try {
    parse_sensor(text, "mine.yaml");
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::internal, "");
}

// A scene with one asset and band per key.
Scene scene_of(const std::string& id, std::vector<std::string> keys,
               std::map<std::string, Json> properties = {}) {
  Scene scene;
  scene.id = id;
  scene.collection = "c";
  scene.time = geo::parse_time("2022-03-01T10:00:00Z");
  scene.properties = std::move(properties);
  for (auto& key : keys) {
    catalog::Asset asset;
    asset.key = key;
    catalog::AssetBand band;
    band.name = key;
    asset.bands.push_back(band);
    scene.assets.push_back(asset);
  }
  return scene;
}

TEST(SensorFile, AllThatComeWithTheProgram) {
  const auto names = sensor_names();
  for (const char* name : {"sentinel-2-l1c", "sentinel-2-l2a", "landsat-c2-l2", "landsat-8-c1-sr",
                           "sentinel-1-grd", "modis-13q1", "modis-09a1", "cop-dem", "generic"}) {
    ASSERT_THAT(names, testing::Contains(name));
    EXPECT_EQ(find_sensor(name).name, name);
  }
  const auto s2 = find_sensor("sentinel-2-l2a");
  EXPECT_EQ(s2.find("nir")->name, "B08");
  EXPECT_EQ(s2.find("NIR08")->name, "B8A");
  EXPECT_EQ(s2.find("SCL_20m")->name, "SCL");
  EXPECT_EQ(s2.find("B05")->resolution_m, 20);
  EXPECT_EQ(s2.find_mask("SCL")->name, "scl");
  const auto landsat = find_sensor("landsat-c2-l2");
  EXPECT_EQ(landsat.find("nir")->name, "nir08");
  EXPECT_EQ(landsat.find("lwir11")->scale, 0.00341802);
  EXPECT_EQ(landsat.find("qa_radsat")->nodata, std::nullopt);
  const auto* bits = landsat.find_mask("qa_pixel");
  const auto shadow = std::find_if(bits->classes.begin(), bits->classes.end(),
                                   [](const auto& each) { return each.name == "shadow"; });
  EXPECT_EQ(shadow->first_bit, 4);
  EXPECT_EQ(shadow->bit_count, 1);
}

TEST(SensorFile, MistakesHaveAPlace) {
  const auto key = error_of("sensor: x\nbands:\n  B1: {comon: [red]}\n");
  EXPECT_EQ(key.place().line, 3);
  EXPECT_THAT(key.hint(), HasSubstr("common"));
  EXPECT_THAT(error_of("sensor: x\nmasks: {m: {band: B1, classes: {a: 1}}}\n").message(),
              HasSubstr("no band 'B1'"));
  EXPECT_THAT(
      error_of("sensor: x\nbands: {B1: {}}\nmasks: {m: {band: B1, classes: {a: 1}, usual: [b]}}\n")
          .message(),
      HasSubstr("no class 'b'"));
  EXPECT_THAT(error_of("sensor: x\nbands: {B1: {}}\nmasks: {m: {band: B1}}\n").message(),
              HasSubstr("either classes or bits"));
  EXPECT_THAT(error_of("bands: {}\n").message(), HasSubstr("sensor"));
  EXPECT_THAT(error_of("sensor: x\nbands: {B1: {nodata: nothing}}\n").message(),
              HasSubstr("number or none"));
  EXPECT_THROW(find_sensor("sentinel-3"), Error);
  EXPECT_THROW(find_sensor("no/such.yaml"), Error);
}

TEST(ApplySensor, BandsGoByAllTheirNames) {
  const auto sensor = find_sensor("landsat-c2-l2");
  OffsetReport report;
  // The same raw name is another colour on another platform.
  auto five = scene_of("LT05_L2SP_1", {"SR_B4", "QA_PIXEL"});
  auto eight = scene_of("x", {"SR_B4", "SR_B5"}, {{"platform", "landsat-8"}});
  apply_sensor(five, sensor, {}, report);
  apply_sensor(eight, sensor, {}, report);
  EXPECT_EQ(catalog::find_band(five, "nir").asset, 0U);
  EXPECT_EQ(catalog::find_band(five, "nir08").asset, 0U);
  EXPECT_EQ(catalog::find_band(five, "qa_pixel").asset, 1U);
  EXPECT_EQ(catalog::find_band(eight, "red").asset, 0U);
  EXPECT_EQ(catalog::find_band(eight, "nir").asset, 1U);
  EXPECT_EQ(five.assets[0].bands[0].scale, 2.75e-05);
  EXPECT_EQ(five.assets[0].bands[0].offset, -0.2);
  EXPECT_EQ(five.assets[1].bands[0].scale, 1);
  EXPECT_EQ(five.assets[1].bands[0].nodata, 1);
}

TEST(ApplySensor, WhatTheCatalogueSaysStays) {
  OffsetReport report;
  auto scene = scene_of("LC08_1", {"red"});
  scene.assets[0].bands[0].scale = 0.5;
  scene.assets[0].bands[0].nodata = 7;
  apply_sensor(scene, find_sensor("landsat-c2-l2"), {}, report);
  EXPECT_EQ(scene.assets[0].bands[0].scale, 0.5);
  EXPECT_EQ(scene.assets[0].bands[0].nodata, 7);
  EXPECT_EQ(scene.assets[0].bands[0].offset, -0.2);
}

class SentinelOffset : public testing::Test {
 protected:
  // The offset that red gets, in digital numbers.
  double offset(std::map<std::string, Json> properties, OffsetChoice choice = {},
                std::optional<double> declared = {}, const std::string& id = "x") {
    auto scene = scene_of(id, {"red", "scl"}, std::move(properties));
    scene.assets[0].bands[0].offset = declared;
    report_ = {};
    apply_sensor(scene, sensor_, choice, report_);
    EXPECT_FALSE(scene.assets[1].bands[0].offset.value_or(0) != 0) << "classes have no offset";
    EXPECT_TRUE(scene.assets[0].bands[0].offset_by_scene);
    return scene.assets[0].bands[0].offset.value_or(0) / 0.0001;
  }
  const catalog::Sensor sensor_ = find_sensor("sentinel-2-l2a");
  OffsetReport report_;
};

TEST_F(SentinelOffset, ByTheBaseline) {
  EXPECT_EQ(offset({{"s2:processing_baseline", "03.01"}}), 0);
  EXPECT_EQ(offset({{"s2:processing_baseline", "04.00"}}), -1000);
  EXPECT_EQ(offset({{"s2:processing_baseline", "05.09"}}), -1000);
  EXPECT_EQ(offset({{"processing:version", "5.10"}}), -1000);
  EXPECT_EQ(report_.applied, 1U);
  // Collection 1: old scenes, new baseline. The date does not decide.
  EXPECT_EQ(offset({}, {}, {}, "S2A_MSIL2A_20160104T105432_N0500_R051_T31UDS_20231020T010203"),
            -1000);
  EXPECT_EQ(offset({{"s2:product_uri", "S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_2.SAFE"}}), 0);
}

TEST_F(SentinelOffset, ProvidersThatApplyIt) {
  const Json yes = true, no = false;
  const std::map<std::string, Json> applied{{"s2:processing_baseline", "05.09"},
                                            {"earthsearch:boa_offset_applied", yes}};
  // The metadata still publish the offset: it would be applied twice.
  EXPECT_EQ(offset(applied, {}, -0.1), 0);
  EXPECT_EQ(report_.already_applied, 1U);
  EXPECT_EQ(report_.contradicted, 1U);
  EXPECT_EQ(offset({{"s2:processing_baseline", "05.09"}, {"earthsearch:boa_offset_applied", no}}),
            -1000);
  // Metadata that forget it, and metadata that claim it for an old baseline.
  EXPECT_EQ(offset({{"s2:processing_baseline", "05.09"}}, {}, 0), -1000);
  EXPECT_EQ(offset({{"s2:processing_baseline", "02.12"}}, {}, -0.1), 0);
  // Said so by the user, for a provider whose items say the wrong thing.
  EXPECT_EQ(offset(applied, {OffsetPolicy::baseline, 0}), -1000);
  EXPECT_EQ(offset({{"s2:processing_baseline", "05.09"}}, {OffsetPolicy::none, 0}), 0);
  EXPECT_EQ(offset({{"s2:processing_baseline", "02.00"}}, {OffsetPolicy::number, -1000}), -1000);
  EXPECT_NEAR(offset(applied, {OffsetPolicy::metadata, 0}, -0.1), -1000, 1e-9);
}

TEST_F(SentinelOffset, WithoutABaseline) {
  EXPECT_EQ(offset({}), 0);
  EXPECT_EQ(report_.unknown_baseline, 1U);
  EXPECT_NEAR(offset({}, {}, -0.1), -1000, 1e-9);
}

TEST(DropReprocessed, TheNewestBaselineStays) {
  const auto sensor = find_sensor("sentinel-2-l2a");
  const auto scene = [](const std::string& id, const std::string& baseline,
                        const std::string& tile = "31UDS") {
    return scene_of(id, {"red"},
                    {{"platform", "sentinel-2a"},
                     {"s2:processing_baseline", baseline},
                     {"s2:mgrs_tile", tile}});
  };
  std::vector<Scene> scenes{scene("b", "02.12"), scene("a", "05.00"), scene("c", "05.00", "31UES"),
                            scene("d", "05.00"), scene("e", "03.00", "")};
  EXPECT_EQ(drop_reprocessed(scenes, sensor), 2U);
  ASSERT_EQ(scenes.size(), 3U);
  EXPECT_EQ(scenes[0].id, "c");
  EXPECT_EQ(scenes[1].id, "d");
  EXPECT_EQ(scenes[2].id, "e");  // its tile is not known
}

}  // namespace
}  // namespace geoloom::workflow
