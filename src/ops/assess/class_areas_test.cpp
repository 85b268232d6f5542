// SPDX-License-Identifier: Apache-2.0
#include "geo/pixel_area.h"
#include "ops/map_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_class_areas();

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double n = kInvalid;

class ClassAreasTest : public MapTest {
 protected:
  ClassAreasTest() : MapTest(grid_of(4, 2)) {
    add_layer("map", classes_band(), {1, 1, 2, 2, 1, n, 2, 7}, 3);
  }
};

TEST_F(ClassAreasTest, OfTheWholeMap) {
  const auto product = run(make_class_areas(), "{layer: map, classes: {1: crop, 2: water}}");
  EXPECT_EQ(product.layer, "map_areas");
  const auto& pixels = product.metrics->matrices.at("mapped_pixels");
  EXPECT_THAT(pixels.rows, ElementsAre("all"));
  EXPECT_THAT(pixels.columns, ElementsAre("crop", "water", "7"));
  EXPECT_THAT(pixels.values, ElementsAre(3, 3, 1));
  EXPECT_THAT(product.metrics->matrices.at("mapped_share").values,
              ElementsAre(3.0 / 7, 3.0 / 7, 1.0 / 7));
  const geo::PixelAreas areas(area_);
  const auto first = areas.row(0, 0, 4), second = areas.row(1, 0, 4);
  const auto& hectares = product.metrics->matrices.at("mapped_hectares");
  EXPECT_NEAR(hectares.values[0], (first[0] + first[1] + second[0]) / 10'000, 1e-12);
  // UTM at 600 km: a little larger than on the grid.
  EXPECT_NEAR(hectares.values[2], 0.01, 1e-4);
  EXPECT_EQ(std::get<std::string>(product.metrics->scalars.at("meaning").value),
            "mapped pixels, not an estimate of area");
}

TEST_F(ClassAreasTest, NamesThatTheMapCarries) {
  auto band = classes_band();
  band.class_names = {{1, "maize"}};
  add_layer("named", band, {1, 1, 2, 2, 1, n, 2, 7}, 3);
  const auto columns = [&](const std::string& yaml) {
    return run(make_class_areas(), yaml).metrics->matrices.at("mapped_pixels").columns;
  };
  EXPECT_THAT(columns("named"), ElementsAre("maize", "2", "7"));
  EXPECT_THAT(columns("{layer: named, classes: {2: water}}"), ElementsAre("1", "water", "7"));
}

TEST_F(ClassAreasTest, ByRegions) {
  write_text(folder_ / "regions.geojson", R"({"type": "FeatureCollection",
    "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}, "features": [
    {"type": "Feature", "properties": {"name": "west"}, "geometry": {"type": "Polygon", "coordinates":
      [[[600000, 4999980], [600020, 4999980], [600020, 5000000], [600000, 5000000], [600000, 4999980]]]}},
    {"type": "Feature", "properties": {"name": "far"}, "geometry": {"type": "Polygon", "coordinates":
      [[[700000, 4999980], [700020, 4999980], [700020, 5000000], [700000, 5000000], [700000, 4999980]]]}},
    {"type": "Feature", "properties": {"name": "all of it"}, "geometry": {"type": "Polygon", "coordinates":
      [[[500000, 4000000], [700000, 4000000], [700000, 6000000], [500000, 6000000], [500000, 4000000]]]}}]})");
  const auto product =
      run(make_class_areas(),
          "{layer: map, name: name, regions: " + (folder_ / "regions.geojson") + "}");
  const auto& pixels = product.metrics->matrices.at("mapped_pixels");
  EXPECT_THAT(pixels.rows, ElementsAre("all of it", "west"));
  EXPECT_THAT(pixels.values, ElementsAre(3, 3, 1, 3, 0, 0));
}

TEST_F(ClassAreasTest, RefusesWhatDoesNotFit) {
  EXPECT_THAT(error_of([&] { run(make_class_areas(), "{layer: map, classes: {one: crop}}"); }),
              HasSubstr("'one' is no value"));
  EXPECT_THAT(error_of([&] { run(make_class_areas(), "{layer: map, classes: {1: a, 2: a}}"); }),
              HasSubstr("two classes are called 'a'"));
  error_of([&] { run(make_class_areas(), "{layer: map, regions: /none/at/all.gpkg}"); },
           ErrorCode::missing);
}

}  // namespace
}  // namespace geoloom::ops
