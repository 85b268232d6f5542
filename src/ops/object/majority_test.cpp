// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_majority();

namespace {

using testing::HasSubstr;

raster::CubeSchema classes(raster::PixelType type) {
  raster::CubeSchema schema;
  schema.bands = {{.name = "class", .type = type, .kind = raster::BandKind::category}};
  schema.slices.resize(1);
  return schema;
}

TEST(MajorityOp, AsksForPixelsBeyondItsBlock) {
  const auto op = bound(make_majority(), "3");
  const auto schema = classes(raster::PixelType::uint8);
  const raster::CubeSchema* input = &schema;
  const auto plan = op->plan({&input, 1});
  EXPECT_EQ(plan.halo_pixels, 3);
  EXPECT_EQ(plan.outputs[0].bands, schema.bands);
}

TEST(MajorityOp, RefusesMeasures) {
  const auto op = bound(make_majority(), "1");
  const auto schema = classes(raster::PixelType::float32);
  const raster::CubeSchema* input = &schema;
  EXPECT_THAT(error_of([&] { op->plan({&input, 1}); }), HasSubstr("float32"));
  EXPECT_THAT(error_of([] { bound(make_majority(), "0"); }), HasSubstr("radius"));
}

}  // namespace
}  // namespace geoloom::ops
