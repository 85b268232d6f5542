// SPDX-License-Identifier: Apache-2.0
#include "ops/physical.h"

#include "ops/op_test.h"

namespace geoloom::ops {
namespace {

raster::CubeSchema two_bands(raster::PixelType type, bool per_band) {
  raster::CubeSchema schema;
  schema.bands = {measured_band("a"), measured_band("b")};
  for (auto& band : schema.bands) {
    band.type = type;
    band.scale = 0.5;
    band.offset = -1;
  }
  schema.slices.resize(1);
  schema.validity_per_band = per_band;
  return schema;
}

TEST(Physical, ScalesAndMarksInvalidPixels) {
  const auto schema = two_bands(raster::PixelType::int16, false);
  raster::Block block(schema, {0, 0, 3, 1}, 0, 1);
  const auto plane = block.plane<int16_t>(1, 0);
  plane[0] = 10;
  plane[1] = -4;
  block.validity(0)[0] = 1;
  block.validity(0)[1] = 1;
  std::vector<float> out(3);
  read_physical(block, schema.bands[1], 1, 0, out);
  EXPECT_EQ(out[0], 4);
  EXPECT_EQ(out[1], -3);
  EXPECT_TRUE(std::isnan(out[2]));
}

TEST(Physical, InfinitiesAreInvalid) {
  const auto schema = two_bands(raster::PixelType::float32, false);
  raster::Block block(schema, {0, 0, 2, 1}, 0, 1);
  block.plane<float>(0, 0)[0] = std::numeric_limits<float>::infinity();
  block.plane<float>(0, 0)[1] = 3;
  block.validity(0)[0] = block.validity(0)[1] = 1;
  std::vector<float> out(2);
  read_physical(block, schema.bands[0], 0, 0, out);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], 0.5);
}

TEST(Physical, SharedValidityNeedsAllBands) {
  const std::vector<float> first{1, NAN, 3}, second{NAN, 2, 3};
  for (const bool per_band : {false, true}) {
    raster::Block block(two_bands(raster::PixelType::float32, per_band), {0, 0, 3, 1}, 0, 1);
    write_measured(first, block, 0, 0);
    write_measured(second, block, 1, 0);
    EXPECT_EQ(block.validity(0, 0)[0], per_band ? 1 : 0);
    EXPECT_EQ(block.validity(0, 1)[1], per_band ? 1 : 0);
    EXPECT_EQ(block.validity(0, 0)[2], 1);
    EXPECT_EQ(block.plane<float>(1, 0)[1], 2);
  }
}

TEST(Physical, ClassesAreNoNumbers) {
  auto schema = two_bands(raster::PixelType::int16, false);
  require_measures(schema, "op");
  schema.bands[1].kind = raster::BandKind::category;
  EXPECT_THAT(error_of([&] { require_measures(schema, "op"); }), testing::HasSubstr("band 'b'"));
}

}  // namespace
}  // namespace geoloom::ops
