// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_focal();

namespace {

using testing::HasSubstr;

raster::CubeSchema schema_of_two() {
  raster::CubeSchema schema;
  schema.bands = {{.name = "red", .scale = 0.1}, {.name = "nir", .unit = "K"}};
  schema.slices = {day("2023-01-01"), day("2023-02-01")};
  return schema;
}

workflow::BlockPlan planned(const std::string& yaml, const raster::CubeSchema& schema) {
  const raster::CubeSchema* input = &schema;
  return bound(make_focal(), yaml)->plan({&input, 1});
}

TEST(Focal, BandsAndHalo) {
  const auto one = planned("{stat: mean, radius: 3}", schema_of_two());
  EXPECT_EQ(one.halo_pixels, 3);
  EXPECT_EQ(one.time_need, workflow::TimeNeed::pointwise);
  EXPECT_EQ(one.outputs[0].band_names(), (std::vector<std::string>{"red", "nir"}));
  EXPECT_EQ(one.outputs[0].bands[0].scale, 1);
  EXPECT_EQ(one.outputs[0].bands[1].unit, "K");
  const auto two = planned("[sd, count]", schema_of_two());
  EXPECT_EQ(two.outputs[0].band_names(),
            (std::vector<std::string>{"red_sd", "red_count", "nir_sd", "nir_count"}));
}

TEST(Focal, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_of([] { bound(make_focal(), "[mean, mean]"); }), HasSubstr("named twice"));
  EXPECT_THAT(error_of([] { bound(make_focal(), "{radius: 0}"); }), HasSubstr("focal.radius"));
  EXPECT_THAT(error_of([] { bound(make_focal(), "{radius: 101}"); }), HasSubstr("focal.radius"));
  auto schema = schema_of_two();
  schema.bands[1].kind = raster::BandKind::category;
  EXPECT_THAT(error_of([&] { planned("", schema); }), HasSubstr("nir"));
}

}  // namespace
}  // namespace geoloom::ops
