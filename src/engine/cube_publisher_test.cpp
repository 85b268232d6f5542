// SPDX-License-Identifier: Apache-2.0
#include "engine/cube_publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <random>

#include "error/error.h"
#include "gdal/dataset.h"

namespace geoloom::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

raster::Slice slice(int64_t day) {
  return {{day * 86'400'000, day * 86'400'000}, true, "d" + std::to_string(day)};
}

// Items with one object per chunk whose bytes are its name.
class CubePublisher : public ::testing::Test {
 protected:
  void SetUp() override {
    gdal::initialise();
    folder = ::testing::TempDir() + "cubes-" + std::to_string(std::random_device{}());
    store = store::open_store(folder);
    zones = {{"all", grid(256, 128)}};
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  static geo::Grid grid(int64_t width, int64_t height) {
    return {geo::Crs::parse("EPSG:32631"), 500'000, 5'000'000, 10, 10, width, height};
  }

  void add(const std::string& tile, const geo::Window& window, std::vector<raster::Slice> slices,
           const workflow::AxisLabels& labels = {}, size_t zone = 0) {
    workflow::Item& item = items.emplace_back();
    item.name = workflow::item_name(tile, labels);
    item.tile_length = tile.size();
    item.labels = std::make_shared<workflow::AxisLabels>(labels);
    item.zone = zone;
    item.window = window;
    item.grid = zones[zone].grid.sub(window);
    Output& output = outputs.emplace_back();
    output.layer = "cube";
    output.name = "layers/cube/" + item.name + "-f/chunks.json";
    output.grid = item.grid;
    output.chunks = raster::ChunkLayout{.side = 64};
    output.schema.emplace();
    output.schema->bands = {{.name = "red", .nodata = 0}};
    output.schema->slices = std::move(slices);
    for (size_t s = 0; s < output.schema->slices.size(); ++s)
      for (int64_t r = 0; r * 64 < window.height; ++r)
        for (int64_t c = 0; c * 64 < window.width; ++c) {
          const auto name = chunk_folder(output) + "/" + raster::chunk_name("red", s, r, c);
          store->put_bytes(name, name);
        }
    made.push_back({&item, &receipt, &output});
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& cube : cubes_of("cube", made, zones, "")) names.push_back(cube.name);
    return names;
  }

  std::string folder;
  std::unique_ptr<store::Store> store;
  std::vector<workflow::Zone> zones;
  std::deque<workflow::Item> items;
  std::deque<Output> outputs;
  Receipt receipt;
  std::vector<CubeItem> made;
  TaskPool requests{2};
};

TEST_F(CubePublisher, JoinsTheDatesOfAllTiles) {
  add("0_0", {0, 0, 128, 128}, {slice(1), slice(3)});
  add("128_0", {128, 0, 128, 128}, {slice(2), slice(3)});
  const auto cubes = cubes_of("cube", made, zones, "");
  ASSERT_EQ(cubes.size(), 1U);
  EXPECT_EQ(cubes[0].name, "cube.zarr");
  EXPECT_EQ(cubes[0].grid, zones[0].grid);
  EXPECT_THAT(cubes[0].schema.slices, ElementsAre(slice(1), slice(2), slice(3)));
  publish_cube(cubes[0], "cube", *store, requests);
  EXPECT_EQ(store->get_bytes("cube.zarr/red/2.1.3", 1000), "layers/cube/128_0-f/red/1.1.1");
  EXPECT_EQ(store->get_bytes("cube.zarr/red/0.1.0", 1000), "layers/cube/0_0-f/red/0.1.0");
  EXPECT_FALSE(store->size_of("cube.zarr/red/1.0.0")) << "tile 0_0 has no date 2";
  EXPECT_TRUE(store->size_of("cube.zarr/.zmetadata"));
}

TEST_F(CubePublisher, ZonesAndValuesStandApartAndPeriodsDoNot) {
  zones = {{"31N", grid(128, 128)}, {"32N", grid(128, 128)}};
  for (const size_t zone : {0, 1})
    for (const std::string crop : {"maize", "wheat"})
      for (const int64_t month : {1, 2})
        add(zone == 0 ? "a" : "b", {0, 0, 128, 128}, {slice(month)},
            {{"month", std::to_string(month)}, {"crop", crop}}, zone);
  EXPECT_THAT(names(), ElementsAre("cube_31N_maize.zarr", "cube_31N_wheat.zarr",
                                   "cube_32N_maize.zarr", "cube_32N_wheat.zarr"));
  EXPECT_EQ(cubes_of("cube", made, zones, "").front().schema.slices.size(), 2U);
}

TEST_F(CubePublisher, TilesBesideChunksAreCubesOfTheirOwn) {
  for (const int64_t month : {1, 2}) {
    add("0_0", {0, 0, 100, 100}, {slice(month)}, {{"month", std::to_string(month)}});
    add("100_0", {100, 0, 100, 100}, {slice(month)}, {{"month", std::to_string(month)}});
  }
  EXPECT_THAT(names(), ElementsAre("cube_0_0.zarr", "cube_100_0.zarr"));
  const auto cube = cubes_of("cube", made, zones, "")[1];
  EXPECT_EQ(cube.grid, zones[0].grid.sub({100, 0, 100, 100}));
  publish_cube(cube, "cube", *store, requests);
  EXPECT_EQ(store->get_bytes("cube_100_0.zarr/red/1.0.1", 1000), "layers/cube/100_0.2-f/red/0.0.1");
}

TEST_F(CubePublisher, CompositesOfAMonthAreOneDateWhateverTheirScenes) {
  const auto composite = [](int64_t first, int64_t last) {
    return raster::Slice{{first * 86'400'000, last * 86'400'000}, true, ""};
  };
  add("0_0", {0, 0, 128, 128}, {composite(3, 20)}, {{"month", "1970-01"}});
  add("128_0", {128, 0, 128, 128}, {composite(1, 25)}, {{"month", "1970-01"}});
  auto cube = cubes_of("cube", made, zones, "").front();
  ASSERT_EQ(cube.schema.slices.size(), 1U);
  EXPECT_EQ(cube.schema.slices[0].label, "1970-01");
  EXPECT_EQ(cube.schema.slices[0].period, geo::parse_period("1970-01"));
  // Without months it is what all tiles together span.
  made.clear();
  add("0_0", {0, 0, 128, 128}, {composite(3, 20)});
  add("128_0", {128, 0, 128, 128}, {composite(1, 25)});
  cube = cubes_of("cube", made, zones, "").front();
  ASSERT_EQ(cube.schema.slices.size(), 1U);
  EXPECT_EQ(cube.schema.slices[0].period, composite(1, 25).period);
}

TEST_F(CubePublisher, TilesThatOverlapAreCubesOfTheirOwn) {
  add("a", {0, 0, 128, 128}, {slice(1)});
  add("b", {64, 0, 128, 128}, {slice(1)});
  EXPECT_THAT(names(), ElementsAre("cube_a.zarr", "cube_b.zarr"));
}

TEST_F(CubePublisher, RefusesTwoItemsInOnePlace) {
  // Two periods with one label between them, which only a mistaken axis makes.
  add("a", {0, 0, 128, 128}, {slice(1)}, {{"month", "1"}});
  add("a", {0, 0, 128, 128}, {slice(1)}, {{"day", "1"}});
  try {
    publish_cube(cubes_of("cube", made, zones, "").front(), "cube", *store, requests);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr("both have pixels of d1"));
  }
}

TEST_F(CubePublisher, RefusesBandsThatDiffer) {
  add("0_0", {0, 0, 128, 128}, {slice(1)});
  add("128_0", {128, 0, 128, 128}, {slice(1)});
  outputs.back().schema->bands[0].scale = 2;
  EXPECT_THROW(cubes_of("cube", made, zones, ""), Error);
}

TEST_F(CubePublisher, WritesOnlyWhatChangedItsPlace) {
  add("0_0", {0, 0, 128, 128}, {slice(2)});
  publish_cube(cubes_of("cube", made, zones, "").front(), "cube", *store, requests);
  const auto record = store->get_bytes("layers/cube/cube.zarr.json", 10'000);
  // What is not touched keeps a mark that was put in its place.
  store->remove("cube.zarr/red/0.0.0");
  store->put_bytes("mark", "cube.zarr/red/0.0.0");
  publish_cube(cubes_of("cube", made, zones, "").front(), "cube", *store, requests);
  EXPECT_EQ(store->get_bytes("cube.zarr/red/0.0.0", 100), "mark");
  add("128_0", {128, 0, 128, 128}, {slice(3)});
  publish_cube(cubes_of("cube", made, zones, "").front(), "cube", *store, requests);
  EXPECT_EQ(store->get_bytes("cube.zarr/red/0.0.0", 100), "mark");
  // A date before: all others move on, and what no item has any more goes.
  items.front().window = {0, 0, 128, 128};
  outputs.back().schema->slices = {slice(1)};
  publish_cube(cubes_of("cube", made, zones, "").front(), "cube", *store, requests);
  EXPECT_FALSE(store->size_of("cube.zarr/red/0.0.0"));
  EXPECT_EQ(store->get_bytes("cube.zarr/red/1.0.0", 1000), "layers/cube/0_0-f/red/0.0.0");
  EXPECT_NE(store->get_bytes("layers/cube/cube.zarr.json", 10'000), record);
}

}  // namespace
}  // namespace geoloom::engine
