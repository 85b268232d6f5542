// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_quicklook();

namespace {

using raster::PixelType;
using testing::HasSubstr;
using Bytes = std::vector<uint8_t>;

std::unique_ptr<workflow::TaskOp> quicklook(const std::string& yaml) {
  return bound<workflow::TaskOp>(make_quicklook(), yaml);
}

struct Picture {
  int64_t width = 0, height = 0;
  std::vector<Bytes> planes;
};

class QuicklookTest : public testing::Test {
 protected:
  // One file over the whole area.
  void set_layer(const geo::Grid& grid, std::vector<raster::Band> bands,
                 const std::vector<Numbers>& values) {
    raster::CubeSchema schema;
    schema.bands = std::move(bands);
    schema.slices = {{.timed = false}};
    schema.validity_per_band = true;
    workflow::LayerFile file;
    file.item = {"all", 0, 0, grid.window(), grid};
    file.path = folder_ / "map.tif";
    file.schema = schema;
    write_tif(file.path, {.grid = grid,
                          .type = schema.bands[0].type,
                          .bands = values,
                          .nodata = schema.bands[0].nodata});
    layers_.add({"map", "make", {}, schema, {}, {}}, {{file.item, file}});
    context_.layers = &layers_;
    context_.grid = grid;
    context_.selected = grid.window();
    context_.scratch_folder = folder_.path();
    context_.pool = &pool_;
  }

  Picture draw(const std::string& yaml) {
    const auto product = quicklook(yaml)->run(context_);
    EXPECT_EQ(product.extension, ".png");
    EXPECT_EQ(product.media_type, "image/png");
    EXPECT_FALSE(product.schema);
    EXPECT_EQ(product.summary.sha256.size(), 64U);
    EXPECT_GT(product.summary.bytes, 0);
    const auto dataset = gdal::Dataset::open(product.scratch_path);
    Picture picture{dataset.info().width, dataset.info().height, {}};
    for (int band = 1; band <= 4; ++band) {
      Bytes plane(static_cast<size_t>(picture.width * picture.height));
      dataset.read({0, 0, picture.width, picture.height}, {band}, gdal::BufferType::uint8,
                   plane.data(), static_cast<size_t>(picture.width), plane.size());
      picture.planes.push_back(std::move(plane));
    }
    return picture;
  }

  TestFolder folder_;
  FakeLayers layers_;
  raster::AssetPool pool_{4};
  workflow::TaskContext context_;
};

raster::Band band(const std::string& name) {
  return {.name = name, .type = PixelType::uint8, .nodata = 0};
}

TEST_F(QuicklookTest, ClassesAreDrawnInTheirColours) {
  auto classes = band("class");
  classes.kind = raster::BandKind::category;
  classes.colours = {{1, 2, 3}, {10, 20, 30}, {40, 50, 60}};
  set_layer(grid_of(2, 2), {classes}, {{1, 2, 0, 7}});
  const auto pixel = [](const Picture& picture, size_t i) {
    return std::vector<int>{picture.planes[0][i], picture.planes[1][i], picture.planes[2][i],
                            picture.planes[3][i]};
  };
  const auto picture = draw("{layer: map, size: 16}");
  EXPECT_EQ(pixel(picture, 0), (std::vector<int>{10, 20, 30, 255}));
  EXPECT_EQ(pixel(picture, 15), (std::vector<int>{40, 50, 60, 255}));
  EXPECT_EQ(pixel(picture, 15 * 16)[3], 0);                          // invalid
  EXPECT_EQ(pixel(picture, 255), (std::vector<int>{0, 0, 0, 255}));  // not in the table
  const auto grey = draw("{layer: map, size: 16, min: 0, max: 10}");
  EXPECT_EQ(pixel(grey, 15), (std::vector<int>{51, 51, 51, 255}));
}

TEST_F(QuicklookTest, SmallMapsAreEnlargedAndInvalidPixelsAreTransparent) {
  set_layer(grid_of(2, 2), {band("red"), band("green"), band("blue")},
            {{100, 200, 150, 0}, {100, 100, 100, 9}, {50, 150, 250, 9}});
  const auto picture = draw("{layer: map, min: [100, 0, 50], max: [200, 200, 250], size: 16}");
  ASSERT_EQ(picture.width, 16);
  ASSERT_EQ(picture.height, 16);
  const auto pixel = [&](size_t x, size_t y) {
    const size_t i = y * 16 + x;
    return std::vector<int>{picture.planes[0][i], picture.planes[1][i], picture.planes[2][i],
                            picture.planes[3][i]};
  };
  EXPECT_EQ(pixel(0, 0), (std::vector<int>{0, 128, 0, 255}));
  EXPECT_EQ(pixel(7, 7), pixel(0, 0));
  EXPECT_EQ(pixel(8, 7), (std::vector<int>{255, 128, 128, 255}));
  EXPECT_EQ(pixel(0, 8), (std::vector<int>{128, 128, 255, 255}));
  EXPECT_EQ(pixel(15, 15)[3], 0);
}

TEST_F(QuicklookTest, LargeMapsAreShrunkByMeansOfValidPixels) {
  Numbers values;
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x) values.push_back(x % 2 == 0 ? 10 : y % 2 == 0 ? 30 : 0);
  set_layer(grid_of(40, 40), {band("grey")}, {values});
  const auto picture = draw("{layer: map, min: 0, max: 51, size: 20}");
  ASSERT_EQ(picture.width, 20);
  // The mean of 10, 30 and 10.
  EXPECT_EQ(picture.planes[0][21], std::lround(50 / 3.0 * 5));
  EXPECT_EQ(picture.planes[2][21], picture.planes[0][21]);
}

TEST_F(QuicklookTest, ClassesArePickedNotAveraged) {
  auto classes = band("class");
  classes.kind = raster::BandKind::category;
  Numbers values;
  for (int i = 0; i < 40 * 40; ++i) values.push_back(i % 2 == 0 ? 1 : 9);
  set_layer(grid_of(40, 40), {classes}, {values});
  const auto picture = draw("{layer: map, min: 0, max: 9, size: 20}");
  EXPECT_EQ(picture.planes[0][5], 255);
}

TEST_F(QuicklookTest, StretchByPercentilesIgnoresOutliers) {
  Numbers values(1600, 100);
  for (size_t i = 0; i < 800; ++i) values[i] = 50;
  values[0] = 1;
  values[1] = 255;
  set_layer(grid_of(40, 40), {band("grey")}, {values});
  const auto picture = draw("{layer: map, size: 40}");
  EXPECT_EQ(picture.planes[0][10], 0);
  EXPECT_EQ(picture.planes[0][1599], 255);
}

TEST_F(QuicklookTest, NothingValidIsATransparentPicture) {
  set_layer(grid_of(20, 20), {band("grey")}, {Numbers(400, 0)});
  EXPECT_THAT(draw("{layer: map, size: 20}").planes[3], testing::Each(0));
}

// 255 (value / 255)^(1 / gamma), none of which is near enough to a half for rounding to matter.
TEST_F(QuicklookTest, GammaBrightensTheMiddle) {
  set_layer(grid_of(16, 1), {band("grey")},
            {{1, 16, 64, 128, 200, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}});
  const auto at = [&](const std::string& gamma) {
    auto shades = draw("{layer: map, min: 0, max: 255, size: 16, gamma: " + gamma + "}").planes[0];
    shades.resize(6);
    return shades;
  };
  EXPECT_THAT(at("1"), testing::ElementsAre(1, 16, 64, 128, 200, 255));
  EXPECT_THAT(at("2.2"), testing::ElementsAre(21, 72, 136, 186, 228, 255));
  EXPECT_THAT(at("0.4"), testing::ElementsAre(0, 0, 8, 46, 139, 255));
}

TEST_F(QuicklookTest, TheSameBytesTwice) {
  set_layer(grid_of(20, 20), {band("grey")}, {Numbers(400, 7)});
  const auto op = quicklook("{layer: map, gamma: 2.2}");
  EXPECT_EQ(op->run(context_).summary.sha256, op->run(context_).summary.sha256);
}

TEST_F(QuicklookTest, Refusals) {
  set_layer(grid_of(2, 2), {band("grey")}, {Numbers(4, 7)});
  const auto plan = [&](const std::string& yaml) {
    return error_of([&] { quicklook(yaml)->plan(layers_); });
  };
  EXPECT_THAT(plan("{layer: map, bands: [a, b]}"), HasSubstr("takes 1 or 3 bands, got 2"));
  EXPECT_THAT(plan("{layer: map, bands: gery}"), HasSubstr("did you mean 'grey'?"));
  EXPECT_THAT(plan("{layer: map, min: [1, 2]}"), HasSubstr("quicklook.min"));
  EXPECT_THAT(plan("{layer: map, gamma: 0}"), HasSubstr("gamma"));
  EXPECT_THAT(plan("{layer: mpa}"), HasSubstr("no layer"));
  EXPECT_TRUE(quicklook("map")->plan(layers_).kind == workflow::LayerKind::picture);
  EXPECT_EQ(quicklook("map")->layer_made(), "map_quicklook");
}

}  // namespace
}  // namespace geoloom::ops
