// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_shapes.h"

#include <fmt/format.h>

#include <fstream>
#include <numeric>

#include "ops/op_test.h"

namespace geoloom::ops {
namespace {

using testing::HasSubstr;

class MaskShapesTest : public testing::Test {
 protected:
  // In pixels of the zone, as longitude and latitude in the file.
  std::string ring(const std::vector<std::pair<double, double>>& pixels) const {
    std::string text;
    for (const auto& [column, row] : pixels) {
      const auto place = geo::to_lon_lat(grid_.crs, grid_.origin_x + column * grid_.pixel_width,
                                         grid_.origin_y - row * grid_.pixel_height);
      text += fmt::format("{}[{:.12f}, {:.12f}]", text.empty() ? "" : ", ", place.lon, place.lat);
    }
    return "[" + text + "]";
  }
  std::string box(double left, double top, double right, double bottom) const {
    return ring({{left, top}, {right, top}, {right, bottom}, {left, bottom}, {left, top}});
  }
  void write(const std::string& type, const std::string& coordinates,
             const std::string& properties = "{}") const {
    std::ofstream(folder_ / "shapes.geojson")
        << R"({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": )"
        << properties << R"(, "geometry": {"type": ")" << type << R"(", "coordinates": )"
        << coordinates << "}}]}";
  }

  // `more`: keys beside `file`; `beside`: keys beside `vector`.
  MaskRules rules(const std::string& more = "", const std::string& beside = "") const {
    MaskRules out;
    workflow::Parameters parameters;
    parameters.add("mask", &out, "");
    parameters.bind(workflow::parse_yaml("{mask: {vector: {file: '" + (folder_ / "shapes.geojson") +
                                             "'" + more + "}" + beside + "}}",
                                         "test.yaml"),
                    "load");
    out.check();
    return out;
  }
  MaskShapes shapes(const std::string& more = "", const std::string& beside = "") const {
    const auto given = rules(more, beside);
    return MaskShapes(given, freeze_shapes(given, zones_), zones_);
  }
  std::vector<int> left(const MaskShapes& shapes, const geo::Window& window) const {
    std::vector<uint8_t> valid(static_cast<size_t>(window.pixels()), 1);
    shapes.erase(0, window, valid.data());
    return {valid.begin(), valid.end()};
  }
  int left_of_all(const std::string& more = "", const std::string& beside = "") const {
    const auto valid = left(shapes(more, beside), grid_.window());
    return std::accumulate(valid.begin(), valid.end(), 0);
  }

  TestFolder folder_;
  const geo::Grid grid_{geo::Crs::parse("EPSG:32631"), 600000, 5000000, 10, 10, 40, 30};
  const std::vector<workflow::Zone> zones_{{"all", grid_}};
};

TEST_F(MaskShapesTest, TakeOutPixelsWithTheirCentresInside) {
  write("Polygon", "[" + box(10.2, 5.4, 20.2, 15.4) + ", " + box(12, 7, 14, 9) + "]");
  EXPECT_EQ(left_of_all(), 40 * 30 - (100 - 4));
  EXPECT_EQ(left_of_all(", keep: inside"), 100 - 4);
  EXPECT_THAT(left(shapes(), {9, 5, 3, 1}), testing::ElementsAre(1, 0, 0));
  EXPECT_EQ(shapes().reason(0, 10, 5), "inside the shapes of " + (folder_ / "shapes.geojson"));
  EXPECT_EQ(shapes().reason(0, 12, 7), "");
  EXPECT_THAT(shapes(", keep: inside").reason(0, 0, 0), HasSubstr("outside of the shapes"));
}

TEST_F(MaskShapesTest, PartsAreThoseOfTheWhole) {
  write("Polygon",
        "[" + ring({{3.1, 2.2}, {37.9, 9.3}, {21.7, 14.1}, {30.3, 28.8}, {3.1, 2.2}}) + "]");
  const auto masked = shapes(", buffer: 12 m");
  const auto whole = left(masked, grid_.window());
  for (int64_t y = 0; y < grid_.height; y += 7)
    for (int64_t x = 0; x < grid_.width; x += 11) {
      const auto window = geo::Window{x, y, 11, 7}.intersect(grid_.window());
      const auto part = left(masked, window);
      for (int64_t i = 0; i < window.pixels(); ++i)
        ASSERT_EQ(part[static_cast<size_t>(i)],
                  whole[static_cast<size_t>((y + i / window.width) * grid_.width + x +
                                            i % window.width)]);
    }
}

TEST_F(MaskShapesTest, GrowByTheirBuffer) {
  write("Polygon", "[" + box(10, 10, 20, 20) + "]");
  EXPECT_EQ(left_of_all(", keep: inside"), 100);
  EXPECT_EQ(left_of_all(", keep: inside, buffer: 0.016 km"), 196 - 4);  // round corners
  EXPECT_EQ(left_of_all(", keep: inside, buffer: 1.6 px"), 196 - 4);
  write("LineString", ring({{10, 10.5}, {20, 10.5}}));
  EXPECT_EQ(left_of_all(", keep: inside, buffer: 4 m"), 10);
}

TEST_F(MaskShapesTest, AreCleanedOnThePixelsOfTheArea) {
  write("Polygon", "[" + box(10, 10, 20, 20) + "]");
  EXPECT_EQ(left_of_all(", keep: inside"), 100);
  // A disk of one pixel: a row more on each side, without corners.
  EXPECT_EQ(left_of_all("", ", clean: {dilate: 10 m}"), 40 * 30 - 140);
  EXPECT_EQ(left_of_all("", ", clean: {erode: 1 px}"), 40 * 30 - 64);
  EXPECT_EQ(left_of_all("", ", clean: {open: 60 m}"), 40 * 30);
  // What is masked is what lies outside, so it grows into the shape.
  EXPECT_EQ(left_of_all(", keep: inside", ", clean: {dilate: 10 m}"), 64);
  const auto grown = shapes("", ", clean: {dilate: 10 m}");
  EXPECT_THAT(grown.reason(0, 9, 15), HasSubstr("masked pixels are near"));
  EXPECT_EQ(grown.reason(0, 9, 9), "");
  EXPECT_THAT(error_of([&] { shapes("", ", clean: {dilate: 30 km}"); }),
              HasSubstr("3000 pixels of the area"));
  EXPECT_THAT(error_of([&] { rules("", ", clean: {open: 1 px, close: 1 px}"); }),
              HasSubstr("needs one of open, close, erode, dilate"));
}

TEST_F(MaskShapesTest, ThoseBeyondTheAreaGrowIntoIt) {
  write("Polygon", "[" + box(-9, -30, -4, 60) + "]");
  EXPECT_EQ(left_of_all("", ", clean: {dilate: 40 m}"), 40 * 30);
  EXPECT_EQ(left_of_all("", ", clean: {dilate: 70 m}"), (40 - 3) * 30);
  EXPECT_EQ(left_of_all("", ", clean: [{dilate: 70 m}, {erode: 70 m}]"), 40 * 30);
}

TEST_F(MaskShapesTest, CleanedPartsAreThoseOfTheWhole) {
  write("Polygon",
        "[" + ring({{3.1, 2.2}, {37.9, 9.3}, {21.7, 14.1}, {30.3, 28.8}, {3.1, 2.2}}) + "]");
  for (const auto& masked : {shapes("", ", clean: [{open: 25 m}, {dilate: 3 px}]"),
                             shapes(", keep: inside", ", clean: {close: 45 m}")}) {
    const auto whole = left(masked, grid_.window());
    for (const geo::Window& window : {geo::Window{0, 0, 40, 1}, {7, 5, 13, 11}, {39, 29, 1, 1}}) {
      const auto part = left(masked, window);
      for (int64_t i = 0; i < window.pixels(); ++i)
        ASSERT_EQ(part[static_cast<size_t>(i)],
                  whole[static_cast<size_t>((window.y + i / window.width) * grid_.width + window.x +
                                            i % window.width)]);
    }
  }
}

TEST_F(MaskShapesTest, AreKnownByTheirPolygons) {
  write("Polygon", "[" + box(10, 10, 20, 20) + "]", R"({"kind": "lake"})");
  const auto before = shapes().identity(0);
  EXPECT_EQ(shapes(", where: \"kind = 'lake'\"").identity(0), before);
  EXPECT_NE(shapes(", where: \"kind = 'sea'\"").identity(0), before);
  EXPECT_EQ(left_of_all(", where: \"kind = 'sea'\""), 40 * 30);
  write("Polygon", "[" + box(10, 10, 20, 21) + "]");
  EXPECT_NE(shapes().identity(0), before);
  // Where nothing lies on the zone, nothing is remembered of it.
  write("Polygon", "[[[100, 10], [101, 10], [101, 11], [100, 10]]]");
  EXPECT_EQ(left_of_all(), 40 * 30);
  EXPECT_TRUE(freeze_shapes(rules(), zones_).front().polygons.empty());
}

TEST_F(MaskShapesTest, SurviveTheRunRecord) {
  write("Polygon", "[" + box(10.2, 5.4, 20.2, 15.4) + "]");
  FrozenSeries series;
  series.shapes = freeze_shapes(rules(), zones_);
  const auto again = FrozenSeries::from_json(workflow::Json::parse(series.to_json().dump())).shapes;
  EXPECT_EQ(MaskShapes(rules(), again, zones_).identity(0), shapes().identity(0));
}

TEST_F(MaskShapesTest, RefuseWhatHoldsNoPixels) {
  write("LineString", ring({{10, 10}, {20, 20}}));
  EXPECT_THAT(error_of([&] { shapes(); }), HasSubstr("points and lines hold no pixels"));
  EXPECT_THAT(error_of([&] { shapes(", layer: roads"); }), HasSubstr("roads"));
  EXPECT_THAT(error_of([&] { rules(", buffer: 3"); }), HasSubstr("needs a length"));
  EXPECT_THAT(error_of([&] { rules("", ", band: SCL"); }),
              HasSubstr("has nothing else but `clean`"));
}

}  // namespace
}  // namespace geoloom::ops
