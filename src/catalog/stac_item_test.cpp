// SPDX-License-Identifier: Apache-2.0
#include "catalog/stac_item.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "catalog/scene_search.h"
#include "error/error.h"
#include "gdal/dataset.h"
#include "raster/test_folder.h"

namespace geoloom::catalog {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

class Stac : public testing::Test {
 protected:
  static void SetUpTestSuite() { gdal::initialise(); }

  Error error_of(const std::string& path) {
    try {
      read_stac(path);
    } catch (const Error& e) {
      return e;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorCode::internal, "");
  }
  Scene one(const std::string& text) { return read_stac(folder_.write("i.json", text)).at(0); }

  TestFolder folder_;
};

std::string item_with(const std::string& asset) {
  return std::string() +
         R"({"type": "Feature", "id": "i", "properties": {"datetime": "2020-01-01T00:00:00Z",
      "nodata": 5}, "assets": {"a": {"href": "a.tif")" +
         (asset.empty() ? "" : ", ") + asset + "}}}";
}

TEST_F(Stac, BandsOf11) {
  const Scene scene = one(item_with(R"("bands": [
      {"name": "B4", "eo:common_name": "red", "raster:scale": 0.5, "raster:offset": -1, "nodata": "nan"},
      {"name": "B8"}], "raster:scale": 2)"));
  ASSERT_EQ(scene.assets.size(), 1U);
  const std::vector<AssetBand>& bands = scene.assets[0].bands;
  ASSERT_EQ(bands.size(), 2U);
  EXPECT_EQ(bands[0].name, "B4");
  EXPECT_EQ(bands[0].common_name, "red");
  EXPECT_EQ(bands[0].scale, 0.5);
  EXPECT_EQ(bands[0].offset, -1);
  EXPECT_TRUE(std::isnan(*bands[0].nodata));
  EXPECT_EQ(bands[1].scale, 2) << "of the asset";
  EXPECT_EQ(bands[1].nodata, 5) << "of the item";
  EXPECT_FALSE(bands[1].offset);
  EXPECT_EQ(bands[1].number, 2);
}

TEST_F(Stac, BandsOf10AndAssetKeys) {
  const Scene scene = one(item_with(R"("eo:bands": [{"name": "B4", "common_name": null}],
      "raster:bands": [{"scale": 0.1, "nodata": 0}])"));
  EXPECT_EQ(scene.assets[0].bands, (std::vector<AssetBand>{{1, "B4", "", 0.1, {}, 0.0}}));
  EXPECT_EQ(one(item_with("")).assets[0].bands[0].name, "a");
  EXPECT_EQ(one(item_with(R"("raster:bands": [{}, {}])")).assets[0].bands[1].name, "a_2");
}

TEST_F(Stac, OnlyImagesAreAssets) {
  EXPECT_THAT(one(item_with(R"("type": "image/png")")).assets, testing::IsEmpty());
  EXPECT_THAT(one(item_with(R"("roles": ["thumbnail"])")).assets, testing::IsEmpty());
  EXPECT_THAT(one(item_with(R"("type": "image/jp2", "roles": ["data"])")).assets,
              testing::SizeIs(1));
}

TEST_F(Stac, TimesAndBoxes) {
  const Scene scene = one(R"({"type": "Feature", "id": "i", "bbox": [170, -1, -170, 1],
      "properties": {"datetime": null, "start_datetime": "2020-01-01T00:00:00Z",
      "end_datetime": "2020-02-01T00:00:00Z"}, "assets": {}})");
  EXPECT_EQ(scene.time, geo::parse_time("2020-01-01"));
  EXPECT_FALSE(scene.bbox_lonlat) << "across the antimeridian";
  EXPECT_EQ(one(R"({"type": "Feature", "id": "i", "bbox": [1, 2, 0, 3, 4, 9], "properties": {}})")
                .bbox_lonlat->max_y,
            4);
}

TEST_F(Stac, ErrorsSayWhere) {
  const Error broken = error_of(folder_.write("b.json", "{\n  \"type\": oops\n}"));
  EXPECT_EQ(broken.code(), ErrorCode::invalid);
  EXPECT_EQ(broken.place().line, 2);
  const Error time = error_of(folder_.write("t.json", R"({"type": "FeatureCollection", "features": [
      {"type": "Feature", "id": "a", "properties": {}, "assets": {}},
      {"type": "Feature", "id": "b", "properties": {"datetime": "yesterday"}}]})"));
  EXPECT_EQ(time.place().key, "/features/1/properties/datetime");
  EXPECT_EQ(time.place().scene, "b");
  EXPECT_EQ(error_of(folder_ / "none.json").code(), ErrorCode::missing);
  EXPECT_EQ(error_of(folder_.write("v.json", R"({"type": "Feature", "id": "i", "properties": {},
      "assets": {"a": {"href": "/vsizip/a.zip/a.tif"}}})"))
                .code(),
            ErrorCode::denied);
}

TEST_F(Stac, HostileDocumentsAreErrors) {
  const std::string deep(500'000, '[');
  for (const std::string& text :
       {deep, R"({"type": "Feature", "x": )" + deep, std::string("{\"a\":").append(200'000, '{'),
        std::string(""), std::string("null"), std::string("3"), std::string("1e999"),
        std::string("[]"), std::string(R"({"type": 5})"),
        std::string(R"({"type": "FeatureCollection"})"),
        std::string(R"({"type": "FeatureCollection", "features": [1, null]})"),
        std::string(R"({"type": "Feature"})"),
        std::string(R"({"type": "Feature", "id": "i", "properties": []})"),
        std::string(R"({"type": "Feature", "id": "i", "properties": {"datetime": 4}})"),
        std::string(R"({"type": "Feature", "id": "i", "properties": {}, "assets": {"a": 3}})")}) {
    EXPECT_EQ(error_of(folder_.write("h.json", text)).code(), ErrorCode::invalid)
        << text.substr(0, 60);
  }
  // Odd, but it can be read.
  EXPECT_EQ(one(R"({"type": "Feature", "id": "i", "bbox": ["a", {}, 1, 2], "properties": {},
      "assets": {"a": {"href": "a.tif", "bands": 3, "eo:bands": {"name": 1}, "roles": "data",
      "raster:bands": [4, []], "file:size": -1, "gsd": "10"}}})")
                .assets[0]
                .bands.size(),
            2U);
}

TEST_F(Stac, CyclesEnd) {
  folder_.write("a.json",
                R"({"type": "Catalog", "id": "a", "links": [{"rel": "child", "href": "b.json"},
      {"rel": "child", "href": "./a.json"}, {"rel": "item", "href": "i.json"},
      {"rel": "child", "href": "gone.json"}]})");
  folder_.write("b.json",
                R"({"type": "Catalog", "id": "b", "links": [{"rel": "child", "href": "a.json"},
      {"rel": "item", "href": "./sub/../i.json"}, 3, {"rel": "item"}]})");
  folder_.write("i.json", item_with(""));
  std::vector<std::string> notes;
  EXPECT_EQ(read_stac(folder_ / "a.json", &notes).size(), 1U);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("gone.json")));
}

OutputItem output(const geo::Grid& grid) {
  OutputItem item;
  item.id = "composite-0_0";
  item.layer = "composite";
  item.href = "composite/0_0.tif";
  item.grid = grid;
  item.schema.bands = {
      {"red", raster::PixelType::uint16, raster::BandKind::measure, 0.0001, -0.1, "1", 0.0},
      {"nir", raster::PixelType::float32, raster::BandKind::measure, 1, 0, "", std::nan("")}};
  item.schema.slices.resize(1);
  item.cog.bytes = 1234;
  item.cog.sha256 = std::string(64, 'a');
  item.cog.bands.resize(2);
  item.cog.bands[0] = {75, 100, 1, 9, 4.5, 2, 0, 0};
  item.cog.bands[1] = {0, 100, 0, 0, 0, 0, 0, 0};
  item.period = geo::parse_period("2018-05");
  item.created = "2024-01-01T00:00:00Z";
  item.lineage = "load, median";
  item.software_version = "0.1.0";
  item.derived_from = {"S2_a", "../s2/b.json"};
  return item;
}

TEST(WriteStac, SaysWhatTheFileIs) {
  const geo::Grid grid{geo::Crs::parse("EPSG:32631"), 600'000, 4'900'020, 10, 20, 300, 200};
  const ordered_json item = write_stac_item(output(grid));
  EXPECT_EQ(item["stac_version"], "1.1.0");
  const ordered_json& properties = item["properties"];
  EXPECT_EQ(properties["datetime"], "2018-05-01T00:00:00Z");
  EXPECT_EQ(properties["end_datetime"], "2018-05-31T23:59:59.999Z");
  EXPECT_EQ(properties["proj:epsg"], 32631);
  EXPECT_EQ(properties["proj:transform"].dump(), "[10,0,600000,0,-20,4900020]");
  EXPECT_EQ(properties["proj:shape"].dump(), "[200,300]");
  EXPECT_EQ(properties["proj:bbox"].dump(), "[600000,4896020,603000,4900020]");
  const ordered_json& asset = item["assets"]["composite"];
  EXPECT_EQ(asset["file:checksum"], "1220" + std::string(64, 'a'));
  const ordered_json& bands = asset["bands"];
  EXPECT_EQ(bands[0]["raster:scale"], 0.0001);
  EXPECT_EQ(bands[0]["nodata"].dump(), "0");
  EXPECT_EQ(bands[0]["statistics"]["valid_percent"], 75);
  EXPECT_EQ(bands[1]["nodata"], "nan");
  EXPECT_FALSE(bands[1]["statistics"].contains("minimum"));
  EXPECT_FALSE(bands[1].contains("unit"));
  EXPECT_EQ(item["links"][0]["rel"], "derived_from");
  EXPECT_EQ(item["geometry"]["type"], "Polygon");
  const ordered_json& ring = item["geometry"]["coordinates"][0];
  EXPECT_EQ(ring.size(), 33U);
  EXPECT_EQ(ring.front(), ring.back());
  const geo::LonLat corner = geo::to_lon_lat(grid.crs, 600'000, 4'896'020);
  EXPECT_NEAR(ring[0][0].get<double>(), corner.lon, 1e-6);
  EXPECT_NEAR(ring[0][1].get<double>(), corner.lat, 1e-6);
}

TEST(WriteStac, NamesOfClasses) {
  OutputItem item = output({geo::Crs::parse("EPSG:32631"), 600'000, 4'900'020, 10, 20, 300, 200});
  EXPECT_FALSE(
      write_stac_item(item)["assets"]["composite"]["bands"][0].contains("classification:classes"));
  item.schema.bands[0].class_names = {{0, "bare soil / rock"}, {300, "Öl"}};
  item.schema.bands[0].colours = {{0xab, 0xcd, 0x09}};
  const ordered_json written = write_stac_item(item);
  EXPECT_EQ(
      written["assets"]["composite"]["bands"][0]["classification:classes"].dump(),
      R"([{"value":0,"name":"bare_soil_rock","title":"bare soil / rock","color_hint":"ABCD09"},)"
      R"({"value":300,"name":"_l","title":"Öl"}])");
  EXPECT_EQ(written["stac_extensions"].back(),
            "https://stac-extensions.github.io/classification/v2.0.0/schema.json");
}

TEST(WriteStac, DatetimeIsNeverNull) {
  OutputItem item = output({geo::Crs::parse("EPSG:4326"), 5, 50, 0.1, 0.1, 10, 10});
  item.period.reset();
  EXPECT_EQ(write_stac_item(item)["properties"]["datetime"], item.created);
  item.period = geo::Period{1000, 1000};
  const ordered_json instant = write_stac_item(item)["properties"];
  EXPECT_EQ(instant["datetime"], "1970-01-01T00:00:01Z");
  EXPECT_FALSE(instant.contains("start_datetime"));
}

TEST(WriteStac, AcrossTheAntimeridian) {
  // East of 180 degrees on the zone's far side.
  const ordered_json item =
      write_stac_item(output({geo::Crs::parse("EPSG:32660"), 700'000, 5'000, 1000, 1000, 300, 5}));
  EXPECT_EQ(item["geometry"]["type"], "MultiPolygon");
  EXPECT_GT(item["bbox"][0], 178);
  EXPECT_LT(item["bbox"][2], -177);
  for (const ordered_json& polygon : item["geometry"]["coordinates"]) {
    for (const ordered_json& point : polygon[0]) {
      EXPECT_LE(std::abs(point[0].get<double>()), 180);
    }
  }
  EXPECT_LT(item["geometry"]["coordinates"][1][0][0][0], 0);
}

TEST(WriteStac, WithoutCrs) {
  const ordered_json item = write_stac_item(output({{}, 0, 10, 1, 1, 10, 10}));
  EXPECT_TRUE(item["geometry"].is_null());
  EXPECT_FALSE(item.contains("bbox"));
  EXPECT_TRUE(item["properties"]["proj:epsg"].is_null());
  EXPECT_FALSE(item["properties"].contains("proj:wkt2"));
}

TEST(WriteStac, ACrsWithoutEpsgCodeAsText) {
  const auto crs = geo::Crs::parse("+proj=laea +lat_0=10 +lon_0=20 +datum=WGS84 +units=m");
  const auto properties = write_stac_item(output({crs, 0, 10, 1, 1, 10, 10}))["properties"];
  EXPECT_TRUE(properties["proj:epsg"].is_null());
  EXPECT_EQ(properties["proj:wkt2"], crs.wkt());
}

TEST_F(Stac, ReadsWhatItWrites) {
  OutputItem item = output({geo::Crs::parse("EPSG:32631"), 600'000, 4'900'020, 10, 10, 300, 200});
  item.schema.slices = {{{}, true, "2018-05"}, {{}, true, "2018-06"}};
  item.cog.mask_band = true;
  const std::string path =
      folder_.write("items.json", write_item_collection("composite", {item}).dump(1));
  const std::vector<Scene> scenes = read_stac(path);
  ASSERT_EQ(scenes.size(), 1U);
  EXPECT_THAT(band_names_of(scenes[0]), testing::Contains("nir_2018-06"));
  EXPECT_EQ(scenes[0].assets[0].path, folder_ / "composite/0_0.tif");
  EXPECT_EQ(scenes[0].assets[0].size, 1234);
  EXPECT_EQ(scenes[0].assets[0].bands[2].scale, 0.0001);
  EXPECT_FALSE(scenes[0].assets[0].bands[0].nodata) << "the mask band says what is valid";
  EXPECT_EQ(scenes[0].time, geo::parse_time("2018-05-01"));
}

// Documents that others wrote.
class RealStac : public Stac {
 protected:
  void SetUp() override {
    const char* data = std::getenv("GEOLOOM_TEST_DATA");
    if (data == nullptr) GTEST_SKIP() << "GEOLOOM_TEST_DATA is not set";
    data_ = data;
  }
  std::string data_;
};

TEST_F(RealStac, SentinelAndLandsatItems) {
  for (const auto& file : std::filesystem::directory_iterator(data_ + "/stac-real/sentinel2")) {
    const Scene scene = read_stac(file.path().string()).at(0);
    EXPECT_TRUE(scene.time) << file.path();
    const BandPlace red = find_band(scene, "B04");
    EXPECT_EQ(find_band(scene, "red").asset, red.asset);
    EXPECT_EQ(scene.assets[red.asset].bands.size(), 1U) << "not the picture";
    EXPECT_THAT(scene.assets[red.asset].href, testing::Not(HasSubstr("60m")));
  }
  const Scene winter = read_stac(data_ +
                                 "/stac-real/sentinel2/S2B_MSIL2A_20220413T150759_N0400_R025_"
                                 "T33XWJ_20220414T082126.SAFE.json")
                           .at(0);
  const BandPlace red = find_band(winter, "red");
  EXPECT_EQ(winter.assets[red.asset].bands[red.band].offset, -0.1);
  for (const auto& file : std::filesystem::directory_iterator(data_ + "/stac-real/landsat")) {
    if (file.path().filename() == "collection.json") continue;
    const Scene scene = read_stac(file.path().string()).at(0);
    const BandPlace band = find_band(scene, "red");
    EXPECT_NEAR(*scene.assets[band.asset].bands[0].scale, 2.75e-05, 1e-9);
    EXPECT_EQ(find_band(scene, "qa_pixel").band, 0U);
  }
}

TEST_F(RealStac, ExamplesOfTheSpecification) {
  std::vector<std::string> notes;
  const std::vector<Scene> scenes = read_stac(data_ + "/stac-real/spec/catalog.json", &notes);
  EXPECT_GE(scenes.size(), 2U);
  EXPECT_THAT(notes, testing::Contains(HasSubstr("do not exist")));
  for (const char* name : {"core-item.json", "simple-item.json", "extended-item.json"}) {
    EXPECT_EQ(read_stac(data_ + "/stac-real/spec/" + name).size(), 1U) << name;
  }
}

TEST_F(RealStac, Catalogues) {
  SceneQuery query;
  query.from = {data_ + "/s2-flanders-2018/stac"};
  EXPECT_EQ(find_scenes(query).scenes.size(), 303U);
  query.from = {data_ + "/s2-slovenia/stac"};
  EXPECT_EQ(find_scenes(query).scenes.size(), 68U);
  query.from = {data_ + "/s2-openeo-stac-2023"};
  const SceneList nested = find_scenes(query);
  EXPECT_EQ(nested.scenes.size(), 3U);
  const BandPlace red = find_band(nested.scenes[2], "B04");
  EXPECT_EQ(nested.scenes[2].assets[red.asset].bands[red.band].number, 1);
  EXPECT_TRUE(std::filesystem::exists(nested.scenes[2].assets[0].path));
  query.from = {data_ + "/s2-flanders-2018/s2/*_10m.tif"};
  query.period = geo::parse_period("2018-05");
  EXPECT_GT(find_scenes(query).scenes.size(), 5U);
}

}  // namespace
}  // namespace geoloom::catalog
