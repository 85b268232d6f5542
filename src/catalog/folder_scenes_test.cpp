// SPDX-License-Identifier: Apache-2.0
#include "catalog/folder_scenes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/scene_search.h"
#include "error/error.h"
#include "raster/test_folder.h"

namespace geoloom::catalog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(FolderScenes, FilesOfOneSceneComeTogether) {
  const std::vector<std::string> names{"LC08_20180131_T1_B4.TIF",  "LC08_20180131_T1_B5.TIF",
                                       "LC08_20180131_T1_BQA.TIF", "LC08_20180405_T1_B4.TIF",
                                       "LC08_20180405_T1_B5.TIF",  "readme.tif"};
  const auto scenes = scenes_of_folder("/d", names, {"{scene}_{band}.TIF", "", {}});
  ASSERT_EQ(scenes.size(), 2U);
  EXPECT_EQ(scenes[0].id, "LC08_20180131_T1");
  EXPECT_EQ(geo::format_date(*scenes[0].time), "2018-01-31");
  ASSERT_EQ(scenes[0].assets.size(), 3U);
  EXPECT_EQ(scenes[0].assets[1].key, "B5");
  EXPECT_EQ(scenes[0].assets[1].path, "/d/LC08_20180131_T1_B5.TIF");
  EXPECT_EQ(find_band(scenes[0], "BQA").asset, 2U);
}

TEST(FolderScenes, PartsHoldSeveralBands) {
  FolderPattern pattern{"{scene}_{band}.tif", "", {{"10m", {"B02", "B03"}}}};
  const auto scenes =
      scenes_of_folder("/d", {"S2_20180824T105058_10m.tif", "S2_20180824T105058_SCL.tif"}, pattern);
  ASSERT_EQ(scenes.size(), 1U);
  EXPECT_EQ(find_band(scenes[0], "B03").band, 1U);
  EXPECT_EQ(scenes[0].assets[0].bands[1].number, 2);
  EXPECT_EQ(find_band(scenes[0], "SCL").asset, 1U);
}

TEST(FolderScenes, PathsMayNameTheScene) {
  const std::vector<std::string> names{"x/LC08_A_20180101/LC08_A_20180101_B4.tif",
                                       "x/LC08_B_20180101/LC08_A_20180101_B4.tif"};
  const auto scenes = scenes_of_folder("/d", names, {"{scene}/{scene}_{band}.tif", "", {}});
  ASSERT_EQ(scenes.size(), 1U);
  EXPECT_EQ(scenes[0].id, "LC08_A_20180101");
}

TEST(TimeInName, DaysOfProductsOfModisAndViirs) {
  const auto day = geo::parse_time("2008-10-22");
  for (const char* name :
       {"MOD09GA.A2008296.h14v17.006.2015181011753.hdf", "VNP09H1.A2008296.h11v07.001.20170421.h5"})
    EXPECT_EQ(time_in_name(name), day) << name;
  // No such day; not a name of theirs.
  EXPECT_EQ(time_in_name("MOD09GA.A2008367.h14v17.hdf"), std::nullopt);
  EXPECT_EQ(time_in_name("B2008296.tif"), std::nullopt);
  EXPECT_EQ(time_in_name("MOD09.A2008296"), std::nullopt);
}

TEST(FolderScenes, Mistakes) {
  const std::vector<std::string> names{"a/s_B4.tif", "b/s_B4.tif"};
  EXPECT_THAT(message_of([&] {
                scenes_of_folder("/d", names, {"{scene}_{band}.tif", "", {}});
              }),
              HasSubstr("two files are band 'B4'"));
  EXPECT_THAT(message_of([&] {
                scenes_of_folder("/d", names, {"{scene}_{date}.tif", "", {}});
              }),
              HasSubstr("'{date}'"));
  EXPECT_THAT(message_of([&] {
                scenes_of_folder("/d", names, {"{scene}.jp2", "", {}});
              }),
              HasSubstr("the first file is a/s_B4.tif"));
  EXPECT_THAT(message_of([&] {
                scenes_of_folder("/d", names, {"{band}.tif", "", {}});
              }),
              HasSubstr("what a scene is called"));
}

TEST(SafeProducts, FromNamesAndMetadata) {
  TestFolder folder;
  const std::string product = "S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857.SAFE";
  const std::string images = product + "/GRANULE/L2A_T07HFE_A019029_20190212T192646/IMG_DATA/";
  folder.write(product + "/MTD_MSIL2A.xml",
               "<a><Cloud_Coverage_Assessment>51.58</Cloud_Coverage_Assessment>"
               "<EXT_POS_LIST>-31.6 -139.9 -31.6 -139.5 -31.7 -139.5 -31.6 -139.9 </EXT_POS_LIST>");
  for (const char* name :
       {"R10m/T07HFE_20190212T192651_B04_10m.jp2", "R20m/T07HFE_20190212T192651_B04_20m.jp2",
        "R20m/T07HFE_20190212T192651_SCL_20m.jp2", "R10m/T07HFE_20190212T192651_TCI_10m.jp2"})
    folder.write(images + name, "");
  for (const std::string& from : {folder.path(), folder / product}) {
    SceneQuery query;
    query.from = {from};
    const auto found = find_scenes(query);
    ASSERT_EQ(found.scenes.size(), 1U);
    const Scene& scene = found.scenes[0];
    EXPECT_EQ(scene.id + ".SAFE", product);
    EXPECT_EQ(scene.collection, "sentinel-2-l2a");
    EXPECT_EQ(geo::format_time(*scene.time), "2019-02-12T19:26:51Z");
    EXPECT_EQ(scene.properties.at("s2:processing_baseline"), "02.12");
    EXPECT_EQ(scene.properties.at("platform"), "sentinel-2a");
    EXPECT_EQ(scene.properties.at("eo:cloud_cover"), 51.58);
    EXPECT_EQ(scene.bbox_lonlat->min_x, -139.9);
    std::vector<std::string> keys;
    for (const auto& asset : scene.assets) keys.push_back(asset.key);
    EXPECT_THAT(keys, ElementsAre("B04_10m", "B04_20m", "SCL_20m"));
    EXPECT_EQ(find_band(scene, "B04").asset, 0U);
  }
}

TEST(Tables, ColumnsOfImagesAndProperties) {
  const auto scenes = scenes_of_table(
      "id,datetime,red,scl,eo:cloud_cover,orbit\n"
      "a,2018-05-01T10:00:00Z,img/a_red.tif,https://h/a.jp2?sig=1,12.5,descending\n"
      "# nothing\n"
      "b_20180602,,img/b_red.tif,,,\n",
      "/d/list.csv");
  ASSERT_TRUE(scenes);
  ASSERT_EQ(scenes->size(), 2U);
  const Scene& first = scenes->front();
  EXPECT_EQ(first.assets[0].path, "/d/img/a_red.tif");
  EXPECT_EQ(first.assets[1].path, "/vsicurl/https://h/a.jp2?sig=1");
  EXPECT_EQ(first.properties.at("eo:cloud_cover"), 12.5);
  EXPECT_EQ(first.properties.at("orbit"), "descending");
  EXPECT_EQ(geo::format_date(*scenes->back().time), "2018-06-02");
  EXPECT_EQ(scenes->back().assets.size(), 1U);
  EXPECT_FALSE(scenes_of_table("path\na.tif\n", "/d/list.csv"));
  EXPECT_THAT(message_of([] { scenes_of_table("id,time,red\na,soon,r.tif\n", "/d/list.csv"); }),
              HasSubstr("list.csv:2"));
}

}  // namespace
}  // namespace geoloom::catalog
