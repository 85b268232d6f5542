// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "gdal/vector_file.h"
#include "geo/pixel_area.h"
#include "ops/map_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_vectorise();

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double n = kInvalid;

struct Polygon {
  std::string value, name, pixels, hectares, tile;
  gdal::Geometry shape;
};

std::vector<Polygon> polygons_of(const workflow::Product& product) {
  std::vector<Polygon> out;
  for (const auto& layer : gdal::read_vectors(
           product.scratch_path, {.columns = {"class", "name", "pixels", "area_ha", "tile"}}))
    for (const auto& feature : layer.features)
      out.push_back({feature.values[0], feature.values[1], feature.values[2], feature.values[3],
                     feature.values[4], feature.geometry});
  return out;
}

class VectoriseTest : public MapTest {
 protected:
  VectoriseTest() : MapTest(grid_of(4, 3)) {
    auto band = classes_band();
    band.class_names = {{1, "crop"}};
    add_layer("map", band,
              {1, 1, 2, 2,  //
               1, n, 2, 1,  //
               n, 2, 1, 1},
              2);
  }
};

TEST_F(VectoriseTest, AreasWithTheirColumns) {
  const auto product = run(make_vectorise(), "map");
  EXPECT_EQ(product.layer, "map_polygons");
  EXPECT_EQ(product.media_type, "application/geopackage+sqlite3");
  const auto polygons = polygons_of(product);
  std::vector<std::string> told;
  for (const auto& each : polygons) {
    told.push_back(each.value + " " + each.name + " " + each.pixels + " " + each.tile);
    EXPECT_NEAR(each.shape.area(), std::stod(each.pixels) * 100, 1e-9);
    EXPECT_EQ(each.shape.why_invalid(), "");
  }
  EXPECT_THAT(told, ElementsAre("1 crop 3 0_0", "2 2 3 2_0", "2 2 1 0_2", "1 crop 3 2_0"));
  const geo::PixelAreas areas(area_);
  const auto first = areas.row(0, 0, 4), second = areas.row(1, 0, 4);
  EXPECT_NEAR(std::stod(polygons[0].hectares), (first[0] + first[1] + second[0]) / 10'000, 1e-12);
  EXPECT_THAT(notes_, ElementsAre("4 polygons"));
}

TEST_F(VectoriseTest, PixelsThatTouchAtCornersAreAMultipolygon) {
  const auto polygons = polygons_of(run(make_vectorise(), "{layer: map, touch: corners}"));
  ASSERT_EQ(polygons.size(), 3U);
  const auto& diagonal = polygons[1];
  EXPECT_EQ(diagonal.value + " " + diagonal.pixels + " " + diagonal.tile, "2 4 2_0");
  EXPECT_EQ(diagonal.shape.polygons().size(), 2U);
  EXPECT_EQ(diagonal.shape.why_invalid(), "");
  EXPECT_NEAR(diagonal.shape.area(), 400, 1e-9);
}

TEST_F(VectoriseTest, WhatIsLeftOut) {
  const auto count = [&](const std::string& more) {
    return polygons_of(run(make_vectorise(), "{layer: map, " + more + "}")).size();
  };
  EXPECT_EQ(count("only: [2]"), 2U);
  EXPECT_EQ(count("only: [9]"), 0U);
  EXPECT_EQ(count("smallest: 2"), 3U);
  EXPECT_EQ(count("smallest: 0.03, unit: ha"), 3U);
  EXPECT_EQ(count("smallest: 4, touch: corners"), 1U);
}

TEST_F(VectoriseTest, Formats) {
  const auto json = run(make_vectorise(), "{layer: map, format: geojson}");
  EXPECT_EQ(json.extension, ".geojson");
  const auto shapes = polygons_of(json);
  ASSERT_EQ(shapes.size(), 4U);
  EXPECT_LT(shapes[0].shape.bounds().max_x, 180);
  const auto flat = run(make_vectorise(), "{layer: map, format: flatgeobuf}");
  EXPECT_EQ(flat.extension, ".fgb");
  EXPECT_EQ(polygons_of(flat).size(), 4U);
}

TEST_F(VectoriseTest, RefusesWhatDoesNotFit) {
  context_.memory_bytes = 100;
  const auto message = error_of([&] { run(make_vectorise(), "map"); }, ErrorCode::resource);
  EXPECT_THAT(message, HasSubstr("the outlines of layer 'map' need more"));
  EXPECT_THAT(error_of([&] { run(make_vectorise(), "{layer: map, classes: {x: a}}"); }),
              HasSubstr("vectorise.classes"));
  add_layer("measure", {.name = "ndvi", .type = raster::PixelType::float32}, Numbers(12, 0.5));
  EXPECT_THAT(error_of([&] { run(make_vectorise(), "measure"); }), HasSubstr("float32"));
}

class LargerVectoriseTest : public MapTest {
 protected:
  LargerVectoriseTest() : MapTest(grid_of(60, 530)) {}
};

// 530 rows are three strips.
TEST_F(LargerVectoriseTest, TilesLeaveNoTraces) {
  std::mt19937 random(3);
  Numbers values;
  for (int i = 0; i < 60 * 530; ++i)
    values.push_back(random() % 9 == 0 ? n : static_cast<double>(random() % 2));
  const auto shapes = [&](int64_t tile, const std::string& more) {
    add_layer("map", classes_band(), values, tile);
    std::vector<std::string> out;
    double area = 0;
    for (const auto& each : polygons_of(run(make_vectorise(), "{layer: map" + more + "}"))) {
      out.push_back(each.value + " " + each.hectares + " " + each.shape.wkt());
      area += each.shape.area();
      EXPECT_EQ(each.shape.why_invalid(), "");
    }
    EXPECT_NEAR(area,
                100.0 * static_cast<double>(std::count_if(values.begin(), values.end(),
                                                          [](double v) { return v >= 0; })),
                1e-3);
    return out;
  };
  for (const std::string more : {"", ", touch: corners"}) {
    const auto whole = shapes(1 << 20, more);
    EXPECT_GT(whole.size(), 300U);
    EXPECT_EQ(shapes(64, more), whole);
    EXPECT_EQ(shapes(7, more), whole);
  }
}

TEST_F(LargerVectoriseTest, NothingValid) {
  add_layer("map", classes_band(), Numbers(60 * 530, n));
  EXPECT_THAT(polygons_of(run(make_vectorise(), "map")), IsEmpty());
}

}  // namespace
}  // namespace geoloom::ops
