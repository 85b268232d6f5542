// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_load();
std::unique_ptr<workflow::Op> make_median_rgb();

namespace {

using raster::PixelType;

using Colour = std::array<double, 3>;
const Colour kNothing{kInvalid, kInvalid, kInvalid};

raster::CubeSchema rgb(size_t slices) {
  raster::CubeSchema schema;
  for (const char* name : {"red", "green", "blue"})
    schema.bands.push_back({.name = name, .type = PixelType::uint8});
  for (size_t i = 0; i < slices; ++i)
    schema.slices.push_back(day("2023-01-" + std::to_string(11 + i)));
  return schema;
}

// The vectors of the rule; samples in the order of the scenes.
struct Vector {
  std::vector<Colour> samples;
  Colour expected;
};
const std::vector<Vector> kVectors{
    {{{10, 10, 10}, {30, 30, 30}, {20, 20, 20}}, {20, 20, 20}},
    {{{10, 10, 10}, {20, 20, 20}}, {20, 20, 20}},
    {{{1, 1, 1}, {4, 4, 4}, {2, 2, 2}, {3, 3, 3}}, {3, 3, 3}},
    {{{0, 90, 90}, {7, 8, 9}}, {7, 8, 9}},
    {{{255, 1, 1}, {254, 254, 254}}, {254, 254, 254}},
    {{{0, 0, 0}, {255, 255, 255}}, kNothing},
    {{{200, 200, 200}, {10, 10, 10}, {90, 90, 90}}, {90, 90, 90}},
    {{{30, 10, 20}, {10, 20, 30}, {20, 30, 10}}, {10, 20, 30}},
    {{{9, 9, 9}, {3, 3, 3}, {9, 8, 10}}, {9, 9, 9}},
};

// Files on disk, read by `load` with its rejection, then composed: the whole rule.
TEST(MedianRgb, NineVectorsFromFilesToPixels) {
  for (size_t v = 0; v < kVectors.size(); ++v) {
    SCOPED_TRACE("vector " + std::to_string(v + 1));
    TestFolder folder;
    const auto grid = grid_of(1, 1);
    for (size_t i = 0; i < kVectors[v].samples.size(); ++i) {
      const auto& c = kVectors[v].samples[i];
      write_tif(folder / ("scene_2023010" + std::to_string(i + 1) + ".tif"),
                {.grid = grid, .bands = {{c[0]}, {c[1]}, {c[2]}}});
    }
    const auto load = bound<workflow::SourceOp>(
        make_load(), "{scenes: '" + folder.path() +
                         "', band_names: [red, green, blue], reject: {any_band_in: [0, 255]}}");
    workflow::FreezeReport report;
    const FakeLayers layers;
    const std::vector<workflow::Zone> zones{{"all", grid}};
    const auto source = load->open(load->freeze(zones, report), zones, layers);
    const auto plan = source->plan({"all", 0, 0, grid.window(), grid}, &layers);
    Cube cube{plan.schema, {}};
    raster::AssetPool pool(4);
    for (const size_t member : plan.members) {
      raster::Block block(plan.schema, grid.window(), 0, 1);
      source->read(plan, member, block, 0, pool);
      cube.values.push_back({numbers(block, 0), numbers(block, 1), numbers(block, 2)});
    }
    const auto result = run(*bound(make_median_rgb(), ""), cube);
    for (size_t band = 0; band < 3; ++band)
      EXPECT_THAT(numbers(result.block, band), numbers_are({kVectors[v].expected[band]}));
  }
}

TEST(MedianRgb, NothingValidIsInvalidAndZero) {
  Cube cube{rgb(2), {{{kInvalid}, {kInvalid}, {kInvalid}}, {{kInvalid}, {kInvalid}, {kInvalid}}}};
  const auto result = run(*bound(make_median_rgb(), ""), cube);
  EXPECT_EQ(result.block.validity(0)[0], 0);
  EXPECT_EQ(result.block.plane<uint8_t>(0, 0)[0], 0);
  EXPECT_EQ(result.schema.bands[2].nodata, 0);
}

TEST(MedianRgb, OneSliceSpansTheScenes) {
  const auto op = bound(make_median_rgb(), "");
  const auto schema = rgb(3);
  const raster::CubeSchema* input = &schema;
  const auto output = op->plan({&input, 1}).outputs[0];
  ASSERT_EQ(output.slices.size(), 1U);
  EXPECT_EQ(output.slices[0].label, "");
  EXPECT_EQ(geo::format_date(output.slices[0].period.start), "2023-01-11");
  EXPECT_EQ(geo::format_date(output.slices[0].period.end), "2023-01-13");
  EXPECT_EQ(output.band_names(), (std::vector<std::string>{"red", "green", "blue"}));
}

TEST(MedianRgb, ASampleCountsWhereAllBandsAreValid) {
  auto schema = rgb(2);
  schema.validity_per_band = true;
  // The darker sample would win as the lower; the brighter lacks blue.
  const Cube cube{schema, {{{5}, {5}, {5}}, {{9}, {9}, {kInvalid}}}};
  EXPECT_THAT(run(*bound(make_median_rgb(), ""), cube).at("red"), numbers_are({5}));
}

TEST(MedianRgb, RefusesOtherInputs) {
  const auto op = bound(make_median_rgb(), "");
  const auto plan = [&](const raster::CubeSchema& schema) {
    return [&] {
      const raster::CubeSchema* input = &schema;
      (void)op->plan({&input, 1});
    };
  };
  auto two = rgb(1);
  two.bands.pop_back();
  EXPECT_THAT(error_of(plan(two)), testing::HasSubstr("got 2: red (uint8), green (uint8)"));
  auto wide = rgb(1);
  wide.bands[1].type = PixelType::uint16;
  EXPECT_THAT(error_of(plan(wide)), testing::AllOf(testing::HasSubstr("green (uint16)"),
                                                   testing::HasSubstr("reduce: median")));
  auto many = rgb(1);
  many.slices.resize(65536);
  EXPECT_THAT(error_of(plan(many)), testing::HasSubstr("at most 65535 slices, got 65536"));
}

TEST(MedianRgb, TakesNoParameters) {
  EXPECT_THAT(error_of([] { bound(make_median_rgb(), "{even: lower}"); }),
              testing::HasSubstr("even"));
}

}  // namespace
}  // namespace geoloom::ops
