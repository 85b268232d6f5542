// SPDX-License-Identifier: Apache-2.0
#include "ops/op_table.h"
#include "ops/op_test.h"

namespace geoloom::ops {
std::unique_ptr<workflow::Op> make_expr();
namespace {

using testing::HasSubstr;

TEST(Expr, SaysWhatIsWrong) {
  const auto made = [](const std::string& yaml) { return bound(make_expr(), yaml); };
  EXPECT_THAT(error_of([&] { made("{}"); }), HasSubstr("either `formula` or `bands`"));
  EXPECT_THAT(error_of([&] { made("{formula: a, bands: {b: a}}"); }), HasSubstr("either"));
  EXPECT_THAT(error_of([&] { made("bands: {ndvi: (nir - red}"); }),
              testing::AllOf(HasSubstr("expr.bands.ndvi"), HasSubstr("at character")));
  EXPECT_THAT(error_of([&] { made("bands: {a: lg(b)}"); }), HasSubstr("known are abs"));
}

TEST(Expr, OrderIsPartOfTheIdentity) {
  const auto identity = [](const std::string& yaml) {
    auto op = make_expr();
    workflow::Parameters parameters;
    op->declare(parameters);
    parameters.bind(workflow::parse_yaml(yaml, "test.yaml"), "expr");
    return parameters.identity();
  };
  EXPECT_NE(identity("bands: {a: x, b: y}"), identity("bands: {b: y, a: x}"));
  EXPECT_EQ(identity("bands: {a: x, b: y}"), identity("bands: {a: 'x', b: \"y\"}"));
}

raster::CubeSchema two_bands() {
  raster::CubeSchema schema;
  schema.bands.resize(2);
  schema.bands[0].name = "red";
  schema.bands[1].name = "nir";
  schema.slices.resize(1);
  return schema;
}

TEST(Expr, PlansTypes) {
  const auto op = bound(make_expr(), "{bands: {a: nir / red, b: a > 1}, keep: [red]}");
  const auto schema = two_bands();
  const raster::CubeSchema* const input = &schema;
  const auto output = op->plan({&input, 1}).outputs.at(0);
  EXPECT_EQ(output.band_names(), (std::vector<std::string>{"red", "a", "b"}));
  EXPECT_EQ(output.bands[0].type, raster::PixelType::uint16);
  EXPECT_EQ(output.bands[1].type, raster::PixelType::float32);
  EXPECT_EQ(output.bands[2].type, raster::PixelType::uint8);
  EXPECT_EQ(output.bands[2].kind, raster::BandKind::category);
  EXPECT_TRUE(output.validity_per_band);
}

TEST(Expr, NamesOfResultsAreUnique) {
  const auto schema = two_bands();
  const raster::CubeSchema* const input = &schema;
  EXPECT_THAT(error_of([&] {
                bound(make_expr(), "{bands: {red: nir}, keep: all}")->plan({&input, 1});
              }),
              HasSubstr("two bands would be called 'red'"));
}

}  // namespace
}  // namespace geoloom::ops
