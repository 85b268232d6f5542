// SPDX-License-Identifier: Apache-2.0
#include "workflow/area.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "gdal/dataset.h"

namespace geoloom::workflow {
namespace {

using ::testing::HasSubstr;

class AreaFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    gdal::initialise();
    path_ = std::filesystem::path(::testing::TempDir()) /
            ("area-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(path_);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }
  std::string put(const std::string& name, const std::string& bytes) const {
    const auto file = (path_ / name).string();
    std::ofstream(file) << bytes;
    return file;
  }
  // A GeoJSON of one polygon by its ring, "[1,2],[3,4],...".
  std::string polygon(const std::string& name, const std::string& ring) const {
    return put(name, R"({"type": "Polygon", "coordinates": [[)" + ring + "]]}");
  }

 private:
  std::filesystem::path path_;
};

Area area_of(const std::string& yaml, std::optional<double> trial = std::nullopt) {
  return resolve_area(parse_yaml(yaml, "area.yaml"), trial);
}

Error error_of(const std::string& yaml) {
  try {
    area_of(yaml);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error: " << yaml;
  return Error(ErrorCode::internal, "");
}

std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name);
  return names;
}

constexpr const char* kTwoZones = "aoi: [17.87338, 47.88549, 18.14598, 48.06064]\n";

void expect_box(const geo::Box& box, double min_x, double min_y, double max_x, double max_y) {
  EXPECT_EQ(box.min_x, min_x);
  EXPECT_EQ(box.min_y, min_y);
  EXPECT_EQ(box.max_x, max_x);
  EXPECT_EQ(box.max_y, max_y);
}

// What eo-grow makes of this area.
TEST_F(AreaFolder, EoGrowsTilesAndNames) {
  const auto area = area_of(std::string(kTwoZones) +
                            "grid: {utm: {size: 5000 m, names: eo-grow}}\nresolution: 10 m\n");
  const auto items = tile_items(area);
  ASSERT_EQ(items.size(), 30U);
  ASSERT_EQ(area.zones.size(), 2U);
  EXPECT_EQ(area.zones[0].name, "33N");
  EXPECT_EQ(items.front().name, "eopatch-id-00-col-0-row-0");
  EXPECT_EQ(items.front().grid.crs.code(), "EPSG:32633");
  expect_box(items.front().grid.box(), 710000, 5305000, 715000, 5310000);
  EXPECT_EQ(items[15].zone, 1U);
  EXPECT_EQ(items.back().name, "eopatch-id-29-col-2-row-4");
  EXPECT_EQ(items.back().grid.crs.code(), "EPSG:32634");
  expect_box(items.back().grid.box(), 285000, 5325000, 290000, 5330000);
}

TEST_F(AreaFolder, OffsetsAndBuffersAreEoGrows) {
  const auto items =
      tile_items(area_of(std::string(kTwoZones) +
                         "grid: {utm: {size: 5000 m, offset: [10 m, 20 m]}}\nresolution: 10 m\n"
                         "buffer: [30 m, 40 m]\n"));
  ASSERT_EQ(items.size(), 30U);
  EXPECT_EQ(items.front().name, "33N_142_1061");
  expect_box(items.front().grid.box(), 709980, 5304980, 715040, 5310060);
  EXPECT_EQ(items.front().window.width, 506);
  EXPECT_EQ(items.front().window.height, 508);
}

TEST_F(AreaFolder, NamesDoNotChangeWithTheArea) {
  const std::string grid = "grid: {utm: 5000 m}\nresolution: 10 m\n";
  const auto large = tile_items(area_of(kTwoZones + grid));
  const auto small = tile_items(area_of("aoi: [17.99, 47.95, 18.01, 47.97]\n" + grid));
  ASSERT_LT(small.size(), large.size());
  for (const auto& tile : small) {
    const auto same = std::find_if(large.begin(), large.end(),
                                   [&](const Item& item) { return item.name == tile.name; });
    ASSERT_NE(same, large.end()) << tile.name;
    EXPECT_EQ(same->grid, tile.grid);
  }
}

// Whatever the area is kept as must come back from a run record.
TEST_F(AreaFolder, RecordsAreCompactAndComplete) {
  for (const std::string grid :
       {"grid: {utm: 1000 m}\nresolution: 10 m\nsplit: [2, 1]\nbuffer: 3 px\n",
        "grid: {batch: 0}\nresolution: 60 m\n", "grid: {batch: 2}\nresolution: 120 m\n",
        "grid: {mgrs: true}\nresolution: 10 m\n", "grid: {web_mercator: 12}\n",
        "grid: {batch: 3}\nresolution: 0.0001\n", "grid: {preset: africa_30}\n",
        "grid: {crs: EPSG:3035, origin: [50, 50], tile: 25000}\nresolution: 100 m\n"}) {
    const auto area = area_of(kTwoZones + grid);
    const auto back = area_from_json(Json::parse(area_to_json(area).dump()));
    const auto items = tile_items(area), again = tile_items(back);
    ASSERT_EQ(names_of(items), names_of(again)) << grid;
    for (size_t i = 0; i < items.size(); ++i) {
      EXPECT_EQ(items[i].grid, again[i].grid);
      EXPECT_EQ(items[i].window, again[i].window);
      EXPECT_EQ(items[i].index, static_cast<int64_t>(i));
      EXPECT_EQ(items[i].zone, again[i].zone);
      // A tile is a window of its zone's grid.
      const auto& zone = area.zones[items[i].zone].grid;
      EXPECT_TRUE(zone.window().contains(items[i].window)) << items[i].name;
      EXPECT_NEAR(zone.sub(items[i].window).origin_x, items[i].grid.origin_x, 1e-6);
      EXPECT_NEAR(zone.sub(items[i].window).origin_y, items[i].grid.origin_y, 1e-6);
    }
  }
}

TEST_F(AreaFolder, SplitCellsCountFromTheSouthWest) {
  const auto items =
      tile_items(area_of("aoi: [17.99, 47.95, 17.991, 47.951]\n"
                         "grid: {utm: 3000 m}\nresolution: 10 m\nsplit: [2, 1]\n"
                         "buffer: [12 px, 5 px]\n"));
  ASSERT_EQ(items.size(), 2U);
  EXPECT_THAT(items[0].name, ::testing::EndsWith("_0_0"));
  EXPECT_THAT(items[1].name, ::testing::EndsWith("_1_0"));
  EXPECT_EQ(items[0].window.width, 150 + 24);
  EXPECT_EQ(items[1].window.x - items[0].window.x, 150);
  EXPECT_EQ(items[0].window.height, 300 + 10);
}

// Squares begin on multiples of 60 m: at 120 m they do not share one pixel grid.
TEST_F(AreaFolder, PhasesBecomeZones) {
  const auto area = area_of("aoi: [1, 43, 4, 45]\ngrid: {batch: 2}\nresolution: 120 m\n");
  std::vector<std::string> names;
  for (const auto& zone : area.zones) names.push_back(zone.name);
  EXPECT_THAT(names, ::testing::Contains("31N_60_60"));
  EXPECT_EQ(area_of("aoi: [1, 43, 4, 45]\ngrid: {batch: 2}\nresolution: 60 m\n").zones.size(), 1U);
}

TEST_F(AreaFolder, TheAntimeridian) {
  const std::string grid = "\ngrid: {utm: 20 km}\nresolution: 10 m\n";
  const auto fiji = area_of("aoi: [179.5, -17, -179.5, -16]" + grid);
  ASSERT_EQ(fiji.zones.size(), 2U);
  EXPECT_EQ(fiji.zones[0].name, "01S");
  EXPECT_EQ(fiji.zones[1].name, "60S");
  // The same by longitudes that go on, and by two polygons.
  const auto beyond = area_of("aoi: " +
                              polygon("b.geojson",
                                      "[179.5,-17],[180.5,-17],[180.5,-16],[179.5,-16],"
                                      "[179.5,-17]") +
                              grid);
  EXPECT_EQ(names_of(tile_items(beyond)), names_of(tile_items(fiji)));
  const auto unclear = polygon("u.geojson",
                               "[179.5,-17],[-179.5,-17],[-179.5,-16],[179.5,-16],"
                               "[179.5,-17]");
  EXPECT_THAT(error_of("aoi: " + unclear + grid).message(), HasSubstr("antimeridian"));
}

// Given in metres of a polar map, whose degrees jump.
TEST_F(AreaFolder, TheAntimeridianOnOtherMaps) {
  const std::string aoi = "aoi: {bbox: [-1700000, 1430000, -1500000, 1630000], crs: EPSG:3413}\n";
  EXPECT_THAT(error_of(aoi + "grid: {utm: 20 km}\nresolution: 10 m\n").message(),
              HasSubstr("antimeridian"));
}

TEST_F(AreaFolder, UnitsOfTheCrs) {
  const std::string aoi = "aoi: [1, 43, 1.2, 43.2]\n";
  EXPECT_THAT(error_of(aoi + "grid: {batch: 3}\nresolution: 10 m\n").message(),
              HasSubstr("degrees"));
  EXPECT_THAT(error_of(aoi + "grid: {batch: 3}\nresolution: 0.001\nbuffer: 30 m\n").message(),
              HasSubstr("degrees"));
  // US survey feet: 1200/3937 m.
  const auto feet =
      tile_items(area_of("aoi: [-118.3, 34, -118.29, 34.01]\n"
                         "grid: {crs: EPSG:2229, tile: 3937}\nresolution: 12 m\n"));
  EXPECT_EQ(feet.front().window.width, 100);
}

TEST_F(AreaFolder, ThePoles) {
  const std::string north = "aoi: {bbox: [10, 83, 12, 86]";
  const std::string grid = "\ngrid: {utm: 20 km}\nresolution: 10 m\n";
  const auto refused = error_of(north + "}" + grid);
  EXPECT_THAT(refused.message(), HasSubstr("84"));
  EXPECT_THAT(refused.hint(), HasSubstr("outside: drop"));
  EXPECT_FALSE(tile_items(area_of(north + ", outside: drop}" + grid)).empty());
  EXPECT_THAT(error_of("aoi: [10, 84, 12, 90]\ngrid: {web_mercator: 4}\n").message(),
              HasSubstr("85.05"));
  EXPECT_EQ(area_of("aoi: [-180, 60, 180, 90]\ngrid: {crs: EPSG:3413, tile: 1000000}\n"
                    "resolution: 1 km\n")
                .zones.size(),
            1U);
}

TEST_F(AreaFolder, AreasThatAreNone) {
  const std::string grid = "\ngrid: {utm: 5000 m}\nresolution: 10 m\n";
  const auto bow = polygon("bow.geojson", "[0,0],[1,1],[1,0],[0,1],[0,0]");
  const auto invalid = error_of("aoi: " + bow + grid);
  EXPECT_THAT(invalid.message(), HasSubstr("Self-intersection"));
  EXPECT_THAT(invalid.hint(), HasSubstr("repair: true"));
  EXPECT_GT(tile_items(area_of("aoi: {file: " + bow + ", repair: true}" + grid)).size(), 10U);

  const auto empty = put("empty.geojson", R"({"type": "FeatureCollection", "features": []})");
  EXPECT_THAT(error_of("aoi: " + empty + grid).message(), HasSubstr("holds no shape"));
  const auto point = put("point.geojson", R"({"type": "Point", "coordinates": [3.02, 45.02]})");
  EXPECT_THAT(error_of("aoi: " + point + grid).hint(), HasSubstr("buffer"));
  EXPECT_EQ(tile_items(area_of("aoi: {file: " + point + ", buffer: 100 m}" + grid)).size(), 1U);
  const auto square = polygon("s.geojson", "[3,45],[3.01,45],[3.01,45.01],[3,45.01],[3,45]");
  EXPECT_THAT(error_of("aoi: {file: " + square + ", buffer: -5 km}" + grid).message(),
              HasSubstr("covers no area"));

  const auto table = put("no_crs.csv", "id,WKT\n1,\"POLYGON ((0 0,1 0,1 1,0 0))\"\n");
  const auto no_crs = error_of("aoi: " + table + grid);
  EXPECT_THAT(no_crs.message(), HasSubstr("coordinate reference system"));
  EXPECT_THAT(no_crs.hint(), HasSubstr("EPSG:4326"));
  EXPECT_FALSE(tile_items(area_of("aoi: {file: " + table + ", crs: EPSG:4326}" + grid)).empty());

  const auto metres = polygon("m.geojson", "[5e5,5e6],[6e5,5e6],[6e5,51e5],[5e5,5e6]");
  EXPECT_THAT(error_of("aoi: " + metres + grid).message(), HasSubstr("no longitudes"));
  EXPECT_THAT(error_of("aoi: [3, 45, 2]" + grid).message(), HasSubstr("four numbers"));
  EXPECT_THAT(error_of("aoi: [3, 46, 4, 45]" + grid).message(), HasSubstr("empty"));
}

TEST_F(AreaFolder, GridsThatDoNotFit) {
  const std::string aoi = "aoi: [3, 45, 3.1, 45.1]\n";
  EXPECT_THAT(error_of(aoi + "grid: {utm: 5000 m}\nresolution: 30 m\n").message(),
              HasSubstr("whole number of pixels"));
  EXPECT_THAT(error_of(aoi + "grid: {utm: 5000 m}\nresolution: 10 m\nbuffer: 15 m\n").message(),
              HasSubstr("buffer"));
  EXPECT_THAT(error_of(aoi + "grid: {utm: 5000 m}\nresolution: 10 m\nsplit: [3, 1]\n").message(),
              HasSubstr("equal parts"));
  EXPECT_THAT(error_of(aoi + "grid: {utm: 5000 m}\n").message(), HasSubstr("resolution"));
  EXPECT_THAT(error_of("grid: {utm: 5000 m}\nresolution: 10 m\n").message(), HasSubstr("aoi"));
  EXPECT_THAT(error_of(aoi + "grid: {preset: afrika_10}\n").hint(), HasSubstr("africa_10"));
  EXPECT_THAT(error_of(aoi + "grid: {preset: africa_10}\nresolution: 20 m\n").message(),
              HasSubstr("differs"));
  EXPECT_THAT(error_of(aoi + "grid: {batch: 5}\nresolution: 10 m\n").message(), HasSubstr("5"));
  EXPECT_THAT(error_of(aoi + "grid: {utm: 5000 m, batch: 0}\n").message(), HasSubstr("one of"));
  EXPECT_THAT(error_of(aoi + "grid: {utm: 5000 m}\nresolution: 10 m\ntiles: 64 px\n").message(),
              HasSubstr("tiles"));
}

TEST_F(AreaFolder, TilesOfAPixelGridThatMeetAnArea) {
  const std::string grid =
      "grid: {crs: EPSG:32631, origin: [600000, 4900000], resolution: 10, size: [1000, 1000]}\n"
      "tiles: 100 px\n";
  EXPECT_EQ(tile_items(area_of(grid)).size(), 100U);
  // Exactly the tile in the second row, third column.
  const auto tile =
      area_of("aoi: {bbox: [602000, 4898000, 603000, 4899000], crs: EPSG:32631}\n" + grid);
  EXPECT_EQ(names_of(tile_items(tile)), std::vector<std::string>{"200_100"});
  EXPECT_EQ(names_of(tile_items(area_from_json(area_to_json(tile)))),
            std::vector<std::string>{"200_100"});
  EXPECT_THAT(error_of("aoi: [30, 10, 31, 11]\n" + grid).message(), HasSubstr("does not meet"));
}

TEST_F(AreaFolder, AGridOfOnesOwn) {
  const std::string crs =
      R"("crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32638"}})";
  const auto cell = [](const char* name, int x, int y) {
    return fmt::format(
        R"({{"type": "Feature", "properties": {{"name": "{}"}}, "geometry": {{"type": "Polygon",
        "coordinates": [[[{},{}],[{},{}],[{},{}],[{},{}],[{},{}]]]}}}})",
        name, x, y, x, y + 1210, x + 2640, y + 1210, x + 2640, y, x, y);
  };
  const auto file = [&](const std::string& cells) {
    return put("grid.geojson",
               "{\"type\": \"FeatureCollection\", " + crs + ", \"features\": [" + cells + "]}");
  };
  const auto path = file(cell("patch0", 729480, 4390045) + "," + cell("patch1", 729480, 4391145));
  const std::string grid = "grid: {file: " + path + ", name: name}\nresolution: 10 m\n";
  const auto area = area_of(grid);
  const auto items = tile_items(area);
  EXPECT_EQ(names_of(items), (std::vector<std::string>{"patch0", "patch1"}));
  EXPECT_EQ(area.zones.at(0).name, "EPSG:32638_0_5");
  expect_box(items[1].grid.box(), 729480, 4391145, 732120, 4392355);
  EXPECT_EQ(items[0].window.y, 110);
  const auto again = tile_items(area_from_json(area_to_json(area)));
  EXPECT_EQ(again[1].grid, items[1].grid);
  EXPECT_THAT(error_of("grid: {file: " + path + ", name: title}\nresolution: 10 m\n").message(),
              HasSubstr("no column"));
  EXPECT_THAT(error_of("aoi: [0, 0, 1, 1]\n" + grid).message(), HasSubstr("meets"));
  const auto twice = file(cell("a", 729480, 4390045) + "," + cell("a", 729480, 4391145));
  EXPECT_THAT(error_of("grid: {file: " + twice + ", name: name}\nresolution: 10 m\n").message(),
              HasSubstr("two tiles"));
  const auto slash = file(cell("../a", 729480, 4390045));
  EXPECT_THAT(error_of("grid: {file: " + slash + ", name: name}\nresolution: 10 m\n").message(),
              HasSubstr("cannot name"));
}

TEST_F(AreaFolder, TrialsKeepNamesAndPlaces) {
  const std::string yaml = std::string(kTwoZones) + "grid: {utm: 5000 m}\nresolution: 10 m\n";
  const auto full = tile_items(area_of(yaml)), coarse = tile_items(area_of(yaml, 50.0));
  EXPECT_EQ(names_of(full), names_of(coarse));
  EXPECT_EQ(coarse[3].window.width, 100);
  EXPECT_EQ(coarse[3].grid.box().min_x, full[3].grid.box().min_x);
  EXPECT_EQ(area_of(yaml, 50.0).coarsening, 5);
  EXPECT_THROW(area_of(yaml, 15.0), Error);
}

TEST_F(AreaFolder, Selections) {
  const auto items =
      tile_items(area_of(std::string(kTwoZones) + "grid: {utm: 5000 m}\nresolution: 10 m\n"));
  const auto indices = [&](const std::string& text) {
    std::vector<int64_t> out;
    for (const auto& item : select_items(items, {text, 0})) out.push_back(item.index);
    return out;
  };
  using Indices = std::vector<int64_t>;
  EXPECT_EQ(indices("3,5-7"), (Indices{3, 5, 6, 7}));
  EXPECT_EQ(indices("::10"), (Indices{0, 10, 20}));
  EXPECT_EQ(indices("1::10"), (Indices{1, 11, 21}));
  EXPECT_EQ(indices("-2:"), (Indices{28, 29}));
  EXPECT_EQ(indices("4:6,33N_142_1061"), (Indices{0, 4, 5}));
  EXPECT_EQ(indices("bbox=18.1,48.04,18.2,48.2").back(), 29);
  EXPECT_LT(indices("bbox=18.1,48.04,18.2,48.2").size(), 6U);
  for (const char* none : {"30", "7-5", "31N_1_1", "5:5", "::0", "::-1", "a:b", "1:2:3:4",
                           "bbox=0,0,1,1", "bbox=1,2,3", "bbox=a,b,c,d"})
    EXPECT_THROW(indices(none), Error) << none;
}

// The world, cut as eo-grow cuts it.
TEST_F(AreaFolder, TheWorldOfEoGrow) {
  const char* data = std::getenv("GEOLOOM_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "GEOLOOM_TEST_DATA is not set";
  const auto world = std::string(data) + "/eo-grow/golden/input-data/test_large_area.geojson";
  const auto area = area_of("aoi: " + world + "\ngrid: {utm: 1000 km}\nresolution: 1000 m\n");
  EXPECT_EQ(area.zones.size(), 71U);
  EXPECT_EQ(tile_items(area).size(), 368U);
}

}  // namespace
}  // namespace geoloom::workflow
