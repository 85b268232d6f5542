// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_smooth();

namespace {

using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> smooth(const std::string& yaml) {
  return bound(make_smooth(), yaml);
}

Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = raster::PixelType::uint8, .scale = 0.1}};
  for (const char* date : {"2018-01-01", "2018-01-11", "2018-01-21", "2018-02-01", "2018-02-11"})
    cube.schema.slices.push_back(day(date));
  cube.values = {{{0, 1, kInvalid}},
                 {{0, kInvalid, 2}},
                 {{35, 3, kInvalid}},
                 {{0, 4, kInvalid}},
                 {{0, 5, kInvalid}}};
  return cube;
}

raster::CubeSchema planned(const std::string& yaml, const raster::CubeSchema& schema) {
  const raster::CubeSchema* input = &schema;
  return smooth(yaml)->plan({&input, 1}).outputs[0];
}

TEST(Smooth, SavitzkyGolay) {
  const auto result = run(*smooth("{method: savitzky_golay, window: 5, order: 2}"), series());
  EXPECT_NEAR(result.at("ndvi", 2)[0], 1.7, 1e-6);  // 17 / 35 of 3.5
  EXPECT_NEAR(result.at("ndvi", 1)[1], 0.2, 1e-6);  // a line stays one
  EXPECT_TRUE(std::isnan(result.at("ndvi", 1)[2]));
  EXPECT_EQ(result.schema.slices, series().schema.slices);
}

TEST(Smooth, Whittaker) {
  const auto result = run(*smooth("{method: whittaker, lambda: 1e6}"), series());
  // Very smooth: the regression line, of a symmetric series its mean.
  for (size_t d = 0; d < 5; ++d) EXPECT_NEAR(result.at("ndvi", d)[0], 0.7, 0.03);
  EXPECT_TRUE(std::isnan(result.at("ndvi", 1)[2]));
}

TEST(Smooth, GapsAndCounts) {
  for (const std::string method : {"savitzky_golay", "whittaker"}) {
    const auto at = [&](const std::string& rest) {
      return run(*smooth("{method: " + method + rest + "}"), series()).at("ndvi", 1)[1];
    };
    EXPECT_FALSE(std::isnan(at("")));
    EXPECT_TRUE(std::isnan(at(", gaps: keep")));
    EXPECT_FALSE(std::isnan(at(", min_count: 4")));
    EXPECT_TRUE(std::isnan(at(", min_count: 5")));
  }
}

TEST(Smooth, FewerDatesThanTheWindowAreInvalid) {
  const auto result = run(*smooth("{method: savitzky_golay, window: 7}"), series());
  for (size_t d = 0; d < 5; ++d)
    EXPECT_THAT(result.at("ndvi", d), numbers_are({kInvalid, kInvalid, kInvalid}));
}

TEST(Smooth, RefusesWhatMakesNoSense) {
  const auto failing = [](const std::string& yaml) { return error_of([&] { smooth(yaml); }); };
  EXPECT_THAT(failing("{window: 5}"), HasSubstr("method"));
  EXPECT_THAT(failing("{method: savitzky_golay, window: 4}"), HasSubstr("is even"));
  EXPECT_THAT(failing("{method: savitzky_golay, window: 5, order: 5}"), HasSubstr("degree 5"));
  EXPECT_THAT(failing("{method: savitzky_golay, lambda: 5}"), HasSubstr("whittaker"));
  EXPECT_THAT(failing("{method: whittaker, window: 5}"), HasSubstr("savitzky_golay"));
  EXPECT_THAT(failing("{method: whittaker, lambda: 0}"), HasSubstr("above 0"));
  EXPECT_THAT(failing("{method: whittaker, order: 4}"), HasSubstr("order 1 to 3"));
  auto schema = series().schema;
  schema.slices[4] = day("2018-02-21");
  EXPECT_THAT(error_of([&] { planned("savitzky_golay", schema); }),
              HasSubstr("10 to 20 days (before 2018-02-21)"));
  EXPECT_NO_THROW(planned("whittaker", schema));
  schema.slices.clear();
  EXPECT_NO_THROW(planned("savitzky_golay", schema));
}

}  // namespace
}  // namespace geoloom::ops
