// SPDX-License-Identifier: Apache-2.0
#include "catalog/scene.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "error/error.h"
#include "raster/test_folder.h"

namespace geoloom::catalog {
namespace {

Scene scene_of(std::string id, std::optional<geo::TimeMs> time, std::string collection = "") {
  Scene scene;
  scene.id = std::move(id);
  scene.time = time;
  scene.collection = std::move(collection);
  return scene;
}

TEST(Scene, OrderIsTimeCollectionId) {
  std::vector<Scene> scenes{scene_of("b", 5),       scene_of("z", {}), scene_of("a", 5, "s2"),
                            scene_of("a", 5, "l8"), scene_of("y", {}), scene_of("c", -7)};
  sort_scenes(scenes);
  std::vector<std::string> ids;
  for (const Scene& scene : scenes) ids.push_back(scene.collection + ":" + scene.id);
  EXPECT_THAT(ids, testing::ElementsAre(":z", ":y", ":c", ":b", "l8:a", "s2:a"));
}

TEST(Scene, JsonAndBack) {
  Scene scene = scene_of("S2_x", 1'500'000'000'123, "s2");
  scene.updated = "2020-01-01T00:00:00Z";
  scene.bbox_lonlat = geo::Box{1.5, 2, 3, 4.25};
  Asset asset{"red", "https://h/a.tif?s=1", "/vsicurl/https://h/a.tif?s=1", {}, "1220ab", 77};
  asset.bands.push_back({2, "B04", "red", 0.0001, -0.1, std::nan("")});
  asset.bands.push_back({3, "B05", "", {}, {}, -std::numeric_limits<double>::infinity()});
  scene.assets.push_back(asset);
  scene.identity = identity_of(scene);

  const nlohmann::json json = nlohmann::json::parse(scene.to_json().dump());
  const Scene back = Scene::from_json(json);
  EXPECT_EQ(back.to_json(), scene.to_json());
  EXPECT_EQ(back.time, scene.time);
  EXPECT_TRUE(std::isnan(*back.assets[0].bands[0].nodata));
  EXPECT_EQ(back.assets[0].bands[1], scene.assets[0].bands[1]);
  EXPECT_EQ(back.bbox_lonlat->max_y, 4.25);
}

TEST(Scene, BrokenRecordsAreErrors) {
  for (const char* text : {"{}", "[]", "3", R"({"id": 1})", R"({"id": "a", "assets": 3})",
                           R"({"id": "a", "assets": [], "identity": "", "bbox": [1]})"}) {
    try {
      Scene::from_json(nlohmann::json::parse(text));
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::invalid);
    }
  }
}

TEST(Scene, IdentityIsThatOfTheBytes) {
  const TestFolder folder;
  const std::string path = folder.write("a.tif", "12345");
  Scene scene = scene_of("a", 1);
  scene.assets.push_back({"data", path, path, {}, "", {}});
  const std::string before = identity_of(scene);
  EXPECT_THAT(before, testing::HasSubstr(R"("size":5)"));
  EXPECT_EQ(identity_of(scene), before);
  folder.write("a.tif", "123456");
  EXPECT_NE(identity_of(scene), before);
  const std::string longer = identity_of(scene);
  std::filesystem::last_write_time(
      path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_NE(identity_of(scene), longer) << "the modification time counts";

  Scene remote = scene_of("a", 1);
  remote.assets.push_back({"data", "https://h/a.tif?sig=1", "", {}, "", {}});
  Scene resigned = remote;
  resigned.assets[0].href = "https://h/a.tif?sig=2";
  EXPECT_EQ(identity_of(remote), identity_of(resigned)) << "a new signature is no new scene";
  resigned.updated = "2024-01-01T00:00:00Z";
  EXPECT_NE(identity_of(remote), identity_of(resigned));
}

TEST(Scene, IdentityIsCanonicalJson) {
  Scene scene = scene_of("i\"\\\n\xc3\xa9", 1, "c\t");
  EXPECT_EQ(
      identity_of(scene),
      nlohmann::json({{"assets", nlohmann::json::array()}, {"collection", "c\t"}, {"id", scene.id}})
          .dump());
  scene.updated = "2024";
  scene.assets.push_back({"a", "s3://b/a.tif", "/vsis3/b/a.tif", {}, "12\x7f", 5});
  scene.assets.push_back({"b", "https://h/b.tif?s", "/vsicurl/https://h/b.tif?s", {}, "", 7});
  EXPECT_EQ(identity_of(scene),
            nlohmann::json({{"assets",
                             {{{"href", "s3://b/a.tif"}, {"checksum", "12\x7f"}},
                              {{"href", "https://h/b.tif"}, {"size", 7}}}},
                            {"collection", "c\t"},
                            {"id", scene.id},
                            {"updated", "2024"}})
                .dump());
}

TEST(Scene, IdentityOfNamesThatAreNotUtf8) {
  Scene scene = scene_of("a\xff", {});
  EXPECT_NO_THROW(identity_of(scene));
}

}  // namespace
}  // namespace geoloom::catalog
