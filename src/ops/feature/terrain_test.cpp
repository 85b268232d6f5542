// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_terrain();

namespace {

using raster::PixelType;
using testing::HasSubstr;

raster::CubeSchema heights_schema() {
  raster::CubeSchema schema;
  schema.bands = {{.name = "height", .type = PixelType::float32, .scale = 0.5}};
  schema.slices = {{.period = {}, .timed = false, .label = "dem"}};
  return schema;
}

// A plane that rises by `to_east` m and `to_north` m per pixel, as seen at a window of a grid.
Numbers terrain_at(const std::string& yaml, const geo::Grid& grid, const geo::Window& window,
                   double to_east, double to_north) {
  const auto op = bound(make_terrain(), yaml);
  const auto schema = heights_schema();
  const raster::CubeSchema* input = &schema;
  const auto plan = op->plan_at({.grid = &grid}, {&input, 1});
  EXPECT_EQ(plan.halo_pixels, 1);
  raster::Block in(schema, window.expanded(1), 0, 1);
  for (size_t i = 0; i < in.pixels(); ++i) {
    const auto at = static_cast<int64_t>(i), width = in.window().width;
    in.plane<float>(0, 0)[i] =
        static_cast<float>(2 * (1000 + to_east * static_cast<double>(at % width) -
                                to_north * static_cast<double>(at / width)));
    in.validity(0)[i] = 1;
  }
  raster::Block out(plan.outputs[0], window, 0, 1);
  const raster::CubeSchema* output = plan.outputs.data();
  const raster::Block* from = &in;
  raster::Block* to = &out;
  op->run({{&input, 1}, {&output, 1}, nullptr, {&from, 1}, {&to, 1}, &grid});
  return numbers(out, 0);
}

TEST(Terrain, MeasuresOnProjectedPixels) {
  const auto grid = grid_of(10, 10, 20);
  EXPECT_THAT(terrain_at("slope", grid, {2, 3, 1, 1}, 20, 0), numbers_are({45}));
  EXPECT_THAT(terrain_at("{measures: slope, slope_unit: percent}", grid, {2, 3, 1, 1}, 0, 5),
              numbers_are({25}));
  EXPECT_THAT(terrain_at("aspect", grid, {2, 3, 1, 1}, 0, 5), numbers_are({180}));
  EXPECT_THAT(terrain_at("hillshade", grid, {2, 3, 1, 1}, 20, 0), numbers_are({218}));
}

// At 60 degrees a degree of longitude is half as long as at the equator, less a little.
TEST(Terrain, PixelsInDegreesAreMeasuredOnTheEllipsoid) {
  geo::Grid grid;
  grid.crs = geo::Crs::parse("EPSG:4326");
  grid.origin_y = 60.5 + 3;
  grid.pixel_width = grid.pixel_height = 1;
  grid.width = grid.height = 10;
  const char* const percent = "{measures: slope, slope_unit: percent}";
  // Lengths of a degree at 60 north on WGS84: 55800 m and 111412 m.
  EXPECT_NEAR(terrain_at(percent, grid, {2, 3, 1, 1}, 5580, 0)[0], 10, 0.001);
  EXPECT_NEAR(terrain_at(percent, grid, {2, 3, 1, 1}, 0, 11141.2)[0], 10, 0.001);
}

TEST(Terrain, BandsOfTheResult) {
  const auto schema = heights_schema();
  const raster::CubeSchema* input = &schema;
  const auto all =
      bound(make_terrain(), "[hillshade, slope, aspect]")->plan({&input, 1}).outputs[0];
  EXPECT_EQ(all.band_names(), (std::vector<std::string>{"hillshade", "slope", "aspect"}));
  EXPECT_EQ(all.bands[0].type, PixelType::uint8);
  EXPECT_EQ(all.bands[1].type, PixelType::float32);
  EXPECT_TRUE(all.validity_per_band);
  EXPECT_EQ(all.slices, schema.slices);
}

TEST(Terrain, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_of([] { bound(make_terrain(), "[slope, slope]"); }), HasSubstr("named twice"));
  EXPECT_THAT(error_of([] { bound(make_terrain(), "slop"); }), HasSubstr("slope"));
  auto schema = heights_schema();
  const raster::CubeSchema* input = &schema;
  geo::Grid nowhere;
  EXPECT_THAT(error_of([&] {
                bound(make_terrain(), "")->plan_at({.grid = &nowhere}, {&input, 1});
              }),
              HasSubstr("no known units"));
  schema.bands[0].kind = raster::BandKind::category;
  EXPECT_THAT(error_of([&] {
                bound(make_terrain(), "")->plan({&input, 1});
              }),
              HasSubstr("holds classes"));
}

}  // namespace
}  // namespace geoloom::ops
