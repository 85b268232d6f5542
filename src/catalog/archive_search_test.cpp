// SPDX-License-Identifier: Apache-2.0
#include "catalog/archive_search.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "error/error.h"
#include "raster/test_folder.h"

namespace geoloom::catalog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class ArchiveSearchTest : public testing::Test {
 protected:
  struct Item {
    std::string id, time = "2018-05-01T10:00:00Z", collection = "c";
    double cloud = 0;
    geo::Box box{1, 1, 2, 2};
    std::string more;
  };

  void write(const std::vector<Item>& items) {
    std::string text;
    for (const auto& item : items)
      text += fmt::format(
          R"({}{{"type": "Feature", "stac_version": "1.0.0", "id": "{}", "collection": "{}",
             "bbox": [{}, {}, {}, {}],
             "properties": {{"datetime": "{}", "eo:cloud_cover": {}{}}},
             "assets": {{"red": {{"href": "{}_red.tif"}}, "nir": {{"href": "{}_nir.tif"}}}}}})",
          text.empty() ? "" : ",", item.id, item.collection, item.box.min_x, item.box.min_y,
          item.box.max_x, item.box.max_y, item.time, item.cloud, item.more, item.id, item.id);
    query_.stac =
        folder_.write("items.json", R"({"type": "FeatureCollection", "features": [)" + text + "]}");
  }
  CollectionQuery& collection(const std::string& id = "") {
    CollectionQuery collection;
    collection.id = id;
    collection.sensor.name = "test";
    collection.sensor.tile = {"tile"};
    collection.sensor.baseline = {"baseline"};
    collection.sensor.bands = {{.name = "B04", .common_names = {"red"}, .scale = 0.5}};
    return query_.collections.emplace_back(std::move(collection));
  }
  std::vector<std::string> ids() {
    found_ = search_archive(query_);
    std::vector<std::string> ids;
    for (const auto& scene : found_.scenes) ids.push_back(scene.id);
    return ids;
  }

  TestFolder folder_;
  ArchiveQuery query_;
  ArchiveScenes found_;
};

TEST_F(ArchiveSearchTest, CountsAfterEachFilter) {
  write({{.id = "old", .time = "2017-01-01T00:00:00Z"},
         {.id = "far", .box = {50, 1, 51, 2}},
         {.id = "cloudy", .cloud = 90},
         {.id = "bad"},
         {.id = "end", .time = "2019-01-01T00:00:00Z"},
         {.id = "good"}});
  collection();
  query_.period = geo::parse_period("2018");
  query_.near = {{0, 0, 3, 3}};
  query_.where = {property_condition("eo:cloud_cover", "< 70")};
  query_.exclude = folder_.write("bad.csv", "id,reason\nbad.SAFE,\"stripes, many\"\n");
  EXPECT_THAT(ids(), ElementsAre("good"));
  EXPECT_THAT(
      found_.report.after_filter,
      ElementsAre(Pair("found", 6), Pair("in 2018-01-01..2018-12-31", 4), Pair("near the area", 3),
                  Pair("eo:cloud_cover < 70.0", 2), Pair("not excluded", 1)));
  ASSERT_EQ(found_.excluded.size(), 1U);
  EXPECT_EQ(found_.excluded[0].reason, "stripes, many");
  EXPECT_TRUE(found_.excluded[0].bbox_lonlat);
}

TEST_F(ArchiveSearchTest, ReprocessedScenes) {
  write({{.id = "a", .more = R"(, "tile": "T", "baseline": "02.00")"},
         {.id = "b", .more = R"(, "tile": "T", "baseline": "05.00")"},
         {.id = "c", .more = R"(, "tile": "U", "baseline": "02.00")"}});
  collection();
  EXPECT_THAT(ids(), ElementsAre("b", "c"));
  EXPECT_THAT(found_.report.after_filter.back(), Pair("newest of their acquisition", 2));
}

TEST_F(ArchiveSearchTest, OnlyWantedPropertiesStay) {
  write({{.id = "a", .more = R"(, "tile": "T", "view:sun_azimuth": 165.2)"}});
  collection();
  ids();
  EXPECT_TRUE(found_.scenes[0].properties.empty());
  query_.properties = {"view:sun_azimuth", "view:sun_elevation"};
  ids();
  EXPECT_THAT(found_.scenes[0].properties, ElementsAre(Pair("view:sun_azimuth", 165.2)));
}

TEST_F(ArchiveSearchTest, CollectionsWithTheirOwnConditions) {
  write({{.id = "five", .collection = "l5"},
         {.id = "seven", .collection = "l7"},
         {.id = "late", .time = "2018-06-01T00:00:00Z", .collection = "l7"}});
  collection("l5").harmonise["red"] = {0.9, 0.1};
  collection("l7").where = {property_condition("datetime", "1999..2018-05-31")};
  EXPECT_THAT(ids(), ElementsAre("five", "seven"));
  const auto& red = found_.scenes[0].assets[look_up_band(found_.scenes[0], "B04")->asset].bands[0];
  EXPECT_EQ(red.harmony_scale, 0.9);
  EXPECT_EQ(red.scale, 0.5);
  EXPECT_EQ(found_.report.after_filter.front(), (std::pair<std::string, size_t>("found (l5)", 3)));
}

TEST_F(ArchiveSearchTest, OnlyWantedAssetsStay) {
  write({{.id = "a"}});
  collection();
  query_.bands = {"red"};
  ids();
  ASSERT_EQ(found_.scenes[0].assets.size(), 1U);
  EXPECT_THAT(found_.scenes[0].identity, testing::Not(HasSubstr("nir")));
}

TEST_F(ArchiveSearchTest, WhereABandIsMissingItsNeighboursAreNamed) {
  write({{.id = "a"}, {.id = "b"}});
  collection();
  ids();
  const auto known = band_names_of(found_.scenes[0]);
  EXPECT_THAT(known, testing::Contains("nir"));
  for (const std::vector<std::string>& bands : {std::vector<std::string>{"red", "swir16"}, {"x"}}) {
    query_.bands = bands;
    ids();
    for (const auto& scene : found_.scenes) {
      EXPECT_EQ(scene.assets.size(), 1U);
      EXPECT_EQ(band_names_of(scene), known);
      EXPECT_THROW(find_band(scene, bands.back()), Error);
    }
  }
}

TEST_F(ArchiveSearchTest, OneIdTwice) {
  write({{.id = "a"}, {.id = "a"}});
  collection();
  EXPECT_EQ(ids().size(), 1U);
  write({{.id = "a"}, {.id = "a", .more = R"(, "updated": "2019")"}});
  EXPECT_THROW(ids(), Error);
}

}  // namespace
}  // namespace geoloom::catalog
