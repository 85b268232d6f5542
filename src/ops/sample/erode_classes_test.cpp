// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {
std::unique_ptr<workflow::Op> make_erode_classes();
namespace {

TEST(ErodeClasses, TakesBordersOff) {
  Cube cube;
  cube.schema.bands = {
      {.name = "crop", .type = raster::PixelType::uint8, .kind = raster::BandKind::category}};
  cube.schema.slices = {day("2020-05-17")};
  cube.values = {{{1, 1, 1, 2, 2, 2}}};
  const auto none = run(*bound(make_erode_classes(), "{ellipse: 1}"), cube);
  EXPECT_THAT(none.at("crop"), numbers_are({1, 1, 1, 2, 2, 2}));
  const auto plan = [&](const std::string& yaml) {
    const raster::CubeSchema* input = &cube.schema;
    return bound(make_erode_classes(), yaml)->plan({&input, 1});
  };
  EXPECT_EQ(plan("{radius: 2.5}").halo_pixels, 2);
  EXPECT_EQ(plan("{ellipse: 4}").halo_pixels, 2);
  EXPECT_NE(error_of([&] { (void)plan("{}"); }).find("give a radius"), std::string::npos);
  cube.schema.bands[0].type = raster::PixelType::float32;
  EXPECT_NE(error_of([&] { (void)plan("{radius: 1}"); }).find("whole numbers"), std::string::npos);
}

}  // namespace
}  // namespace geoloom::ops
