// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"
#include "raster/asset_reader.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_save();

namespace {

using raster::PixelType;
using testing::HasSubstr;

std::unique_ptr<workflow::SinkOp> save(const std::string& yaml) {
  return bound<workflow::SinkOp>(make_save(), yaml);
}

struct Saved {
  workflow::Product product;
  gdal::RasterInfo info;
  std::vector<Numbers> bands;  // as read back
};

// Saves a cube of one row in two halves, the second half first.
Saved saved(const TestFolder& folder, const std::string& yaml, const Cube& cube) {
  const auto op = save(yaml);
  const auto block = block_of(cube, 0, cube.schema.slices.size());
  const auto window = block.window();
  const auto grid = grid_of(window.width, 1);
  const auto sink = op->open({grid, "0_0", {}, folder.path(), {{"chain", "test"}}}, cube.schema);
  const int64_t half = window.width / 2;
  for (const geo::Window& part : {geo::Window{half, 0, window.width - half, 1}, {0, 0, half, 1}}) {
    raster::Block piece(cube.schema, part, 0, cube.schema.slices.size());
    piece.copy_from(block);
    sink->write(piece);
  }
  Saved out{sink->finish(), {}, {}};
  const auto dataset = raster::Asset::open(out.product.scratch_path);
  out.info = dataset.info();
  const auto& schema = *out.product.schema;
  for (size_t i = 0; i < out.info.bands.size(); ++i) {
    const auto& band = schema.bands[i % schema.bands.size()];
    raster::CubeSchema one;
    one.bands = {band};
    one.slices.resize(1);
    raster::Block read(one, window, 0, 1);
    raster::read_asset(dataset, raster::place_asset(out.info, grid), window,
                       {{static_cast<int>(i) + 1, band.type, band.nodata}}, {read.raw_plane(0, 0)},
                       {read.validity(0).data()});
    out.bands.push_back(numbers(read, 0));
  }
  return out;
}

Cube floats(const Numbers& row) {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = PixelType::float32, .nodata = kInvalid}};
  cube.schema.slices = {{.timed = false}};
  cube.values = {{row}};
  return cube;
}

TEST(Save, RoundsHalfToEvenAndCountsWhatItClips) {
  TestFolder folder;
  const auto result = saved(folder, "{layer: map, type: uint8, nodata: 255}",
                            floats({0.5, 1.5, 2.5, -0.4, -0.6, 254.4, 255.5, 1e9, kInvalid, -9}));
  EXPECT_THAT(result.bands[0], numbers_are({0, 2, 2, 0, 0, 254, kInvalid, kInvalid, kInvalid, 0}));
  ASSERT_EQ(result.product.summary.bands.size(), 1U);
  EXPECT_EQ(result.product.summary.bands[0].clipped, 4U);  // -0.6 rounds to -1
  EXPECT_EQ(result.product.summary.bands[0].nodata_collisions, 2U);
  EXPECT_EQ(result.product.layer, "map");
  EXPECT_EQ(result.product.extension, ".tif");
  EXPECT_EQ(result.info.bands[0].nodata, 255);
}

TEST(Save, KeepsTypesAndValuesAsTheyAre) {
  TestFolder folder;
  const auto result = saved(folder, "map", floats({0.25, kInvalid, -3.5}));
  EXPECT_THAT(result.bands[0], numbers_are({0.25, kInvalid, -3.5}));
  EXPECT_EQ(result.product.summary.bands[0].clipped, 0U);
}

TEST(Save, WithoutNodataThereIsAMaskBand) {
  TestFolder folder;
  auto cube = floats({1, 0, kInvalid});
  const auto result = saved(folder, "{layer: map, type: uint8}", cube);
  EXPECT_THAT(result.bands[0], numbers_are({1, 0, kInvalid}));
  EXPECT_TRUE(result.info.bands[0].has_mask_band);
  EXPECT_FALSE(result.product.schema->bands[0].nodata);
}

TEST(Save, SlicesAndChosenBands) {
  TestFolder folder;
  Cube cube;
  cube.schema.bands = {{.name = "red", .type = PixelType::uint16, .nodata = 0},
                       {.name = "count", .type = PixelType::uint8}};
  cube.schema.slices = {day("2018-01-01"), day("2018-02-01")};
  cube.schema.slices[0].label = "2018-01";
  cube.schema.slices[1].label = "2018-02";
  cube.values = {{{10, 11}, {1, 2}}, {{20, 21}, {3, 4}}};
  EXPECT_THAT(
      error_of([&] { save("map")->plan(cube.schema); }),
      testing::AllOf(HasSubstr("'red' is uint16 and 'count' is uint8"), HasSubstr("type:")));
  const auto result = saved(folder, "{layer: map, bands: red}", cube);
  ASSERT_EQ(result.info.bands.size(), 2U);
  EXPECT_EQ(result.info.bands[1].name, "red_2018-02");
  EXPECT_THAT(result.bands[1], numbers_are({20, 21}));
  const auto both = saved(folder, "{layer: map, type: int16, nodata: -1}", cube);
  ASSERT_EQ(both.info.bands.size(), 4U);
  EXPECT_EQ(both.info.bands[3].name, "count_2018-02");
  EXPECT_THAT(both.bands[3], numbers_are({3, 4}));
}

// What one slice lacks stays in the others: every way has a nodata, or is refused.
TEST(Save, SeveralSlicesNeverShareAMask) {
  TestFolder folder;
  Cube cube;
  cube.schema.bands = {{.name = "x", .type = PixelType::float32}};
  cube.schema.slices = {day("2018-01-01"), day("2018-02-01")};
  cube.values = {{{1, kInvalid}}, {{kInvalid, 4}}};
  const auto expect_kept = [&](const Saved& result) {
    EXPECT_THAT(result.bands[0], numbers_are({1, kInvalid}));
    EXPECT_THAT(result.bands[1], numbers_are({kInvalid, 4}));
  };
  expect_kept(saved(folder, "map", cube));  // NaN
  cube.schema.bands[0].type = PixelType::uint16;
  EXPECT_THAT(error_of([&] { save("map")->plan(cube.schema); }),
              testing::AllOf(HasSubstr("layer 'map'"), HasSubstr("one of its 2 slices"),
                             HasSubstr("save: {layer: map, nodata: 65535}")));
  expect_kept(saved(folder, "{layer: map, nodata: 65535}", cube));
  cube.schema.bands[0].kind = raster::BandKind::count;
  const auto counts = saved(folder, "map", cube);
  expect_kept(counts);
  EXPECT_EQ(counts.info.bands[0].nodata, 65535);
  cube.schema.bands[0] = {.name = "x", .type = PixelType::uint8};
  cube.schema.slices.push_back(day("2018-03-01"));
  EXPECT_THAT(error_of([&] { save("{layer: map, profile: jpeg}")->plan(cube.schema); }),
              HasSubstr("use deflate"));
}

TEST(Save, BandsWithValidityOfTheirOwnNeverShareAMask) {
  TestFolder folder;
  Cube cube;
  cube.schema.bands = {{.name = "a", .type = PixelType::uint8, .nodata = 0},
                       {.name = "b", .type = PixelType::uint8, .nodata = 9}};
  cube.schema.slices = {{.timed = false}};
  cube.values = {{{1, 2}, {3, 4}}};
  EXPECT_FALSE(saved(folder, "map", cube).product.schema->bands[0].nodata);  // valid alike
  cube.schema.validity_per_band = true;
  cube.values = {{{1, kInvalid}, {kInvalid, 4}}};
  EXPECT_THAT(error_of([&] { save("map")->plan(cube.schema); }), HasSubstr("one of its 2 bands"));
  const auto result = saved(folder, "{layer: map, nodata: 255}", cube);
  EXPECT_THAT(result.bands[0], numbers_are({1, kInvalid}));
  EXPECT_THAT(result.bands[1], numbers_are({kInvalid, 4}));
}

TEST(Save, WritesNamesOfClasses) {
  TestFolder folder;
  auto cube = floats({1, 2, kInvalid, 0});
  cube.schema.bands[0].type = PixelType::uint8;
  const std::map<int64_t, std::string> names{{1, "forest"}, {2, "open water"}};
  const auto given =
      saved(folder, "{layer: map, nodata: 255, classes: {1: forest, 2: open water}}", cube);
  EXPECT_EQ(given.info.bands[0].class_names, names);
  EXPECT_EQ(given.product.schema->bands[0].class_names, names);
  EXPECT_EQ(given.product.schema->bands[0].kind, raster::BandKind::category);
  cube.schema.bands[0].class_names = names;
  EXPECT_EQ(saved(folder, "map", cube).info.bands[0].class_names, names);
  EXPECT_THAT(saved(folder, "{layer: map, profile: jpeg}", cube).info.bands[0].class_names,
              testing::IsEmpty());
  const auto failing = [&](const std::string& yaml) {
    return error_of([&] { save(yaml)->plan(cube.schema); });
  };
  EXPECT_THAT(failing("{layer: map, classes: {300: far}}"),
              HasSubstr("not a value of band 'ndvi'"));
  EXPECT_THAT(failing("{layer: map, classes: {1: a, 2: a}}"), HasSubstr("two classes"));
  EXPECT_THAT(failing("{layer: map, profile: jpeg, classes: {1: a}}"), HasSubstr("no classes any"));
  cube.schema.bands.push_back({.name = "more", .type = PixelType::uint8});
  EXPECT_THAT(failing("{layer: map, classes: {1: a}}"), HasSubstr("of one band, got 2"));
}

TEST(Save, WritesColoursOfClasses) {
  TestFolder folder;
  auto cube = floats({1, 2, kInvalid, 0});
  cube.schema.bands[0].type = PixelType::uint8;
  const auto given =
      saved(folder, "{layer: map, nodata: 255, colours: {2: \"#1e90ff\", 1: \"#228b22\"}}", cube);
  const std::vector<raster::Colour> table{{0, 0, 0}, {0x22, 0x8b, 0x22}, {0x1e, 0x90, 0xff}};
  EXPECT_EQ(given.info.bands[0].colour, "palette");
  EXPECT_EQ(given.info.bands[0].colours, table);
  EXPECT_EQ(given.product.schema->bands[0].colours, table);
  EXPECT_EQ(given.product.schema->bands[0].kind, raster::BandKind::category);
  EXPECT_THAT(given.bands[0], numbers_are({1, 2, kInvalid, 0}));

  cube.schema.bands[0].colours = table;
  EXPECT_EQ(saved(folder, "map", cube).info.bands[0].colours, table);
  EXPECT_EQ(saved(folder, "{layer: map, type: uint16}", cube).info.bands[0].colours, table);
  for (const char* other : {"{layer: map, type: float32}", "{layer: map, profile: jpeg}"}) {
    const auto without = saved(folder, other, cube);
    EXPECT_THAT(without.info.bands[0].colours, testing::IsEmpty()) << other;
    EXPECT_THAT(without.product.schema->bands[0].colours, testing::IsEmpty()) << other;
  }
}

TEST(Save, RefusesColoursThatAFileCannotHave) {
  auto cube = floats({1});
  cube.schema.bands[0].type = PixelType::uint8;
  const auto failing = [&](const std::string& yaml) {
    return error_of([&] { save(yaml)->plan(cube.schema); });
  };
  EXPECT_THAT(failing("{layer: map, colours: {256: \"#000001\"}}"),
              HasSubstr("not a value of uint8"));
  EXPECT_THAT(failing("{layer: map, colours: {wood: \"#000001\"}}"), HasSubstr("'wood'"));
  EXPECT_THAT(failing("{layer: map, colours: {1: green}}"), HasSubstr("#rrggbb"));
  EXPECT_THAT(failing("{layer: map, colours: {1: 228822}}"), HasSubstr("quote it"));
  EXPECT_THAT(failing("{layer: map, profile: jpeg, colours: {1: \"#000001\"}}"),
              HasSubstr("lossless"));
  EXPECT_THAT(failing("{layer: map, type: int16, colours: {1: \"#000001\"}}"),
              HasSubstr("one band of uint8 or uint16"));
  cube.schema.slices.push_back(day("2018-01-01"));
  EXPECT_THAT(failing("{layer: map, nodata: 0, colours: {1: \"#000001\"}}"),
              HasSubstr("got 2 of uint8"));
}

TEST(Save, ACubeIsChunksWithTheirLayout) {
  TestFolder folder;
  const auto op = save("{layer: map, format: zarr, profile: {compress: zstd, block: 128}}");
  const auto cube = floats({1, 2, 3, kInvalid});
  const auto sink = op->open({grid_of(4, 1), "0_0", {}, folder.path(), {}}, cube.schema);
  sink->write(block_of(cube, 0, 1));
  const auto product = sink->finish();
  ASSERT_TRUE(product.chunks);
  EXPECT_EQ(product.chunks->side, 128);
  EXPECT_EQ(product.chunks->codec, raster::Codec::zstd);
  EXPECT_EQ(product.media_type, "application/vnd+zarr");
  ASSERT_EQ(product.objects.size(), 2U);
  EXPECT_TRUE(std::filesystem::exists(product.scratch_path + "/" + product.objects[0].name));
  EXPECT_TRUE(std::isnan(*product.schema->bands[0].nodata));
  EXPECT_EQ(product.summary.bands[0].valid, 3U);
}

TEST(Save, AFormatThatIsTheUsualOneKeepsResultsThatAreThere) {
  const auto identity = [](const std::string& yaml) {
    const auto op = make_save();
    workflow::Parameters parameters;
    op->declare(parameters);
    parameters.bind(workflow::parse_yaml(yaml, "test.yaml"), "save");
    return parameters.identity().dump();
  };
  EXPECT_EQ(identity("map"), identity("{layer: map, format: cog}"));
  EXPECT_EQ(identity("map").find("format"), std::string::npos);
  EXPECT_NE(identity("map"), identity("{layer: map, format: zarr}"));
}

TEST(Save, TheSameBytesTwice) {
  TestFolder folder;
  const auto cube = floats({1, 2, 3, kInvalid});
  const auto first = saved(folder, "map", cube).product.summary.sha256;
  EXPECT_EQ(saved(folder, "map", cube).product.summary.sha256, first);
}

TEST(Save, RefusesWhatCannotBeStored) {
  const auto cube = floats({1});
  const auto failing = [&](const std::string& yaml) {
    return error_of([&] { save(yaml)->plan(cube.schema); });
  };
  EXPECT_THAT(failing("{layer: map, type: uint8, nodata: 256}"),
              HasSubstr("save.nodata: 256 is not a value of uint8"));
  EXPECT_THAT(failing("{layer: map, type: uint8, nodata: 0.5}"), HasSubstr("save.nodata"));
  EXPECT_THAT(failing("{layer: a/b}"), HasSubstr("cannot name a layer"));
  EXPECT_THAT(failing("{nodata: 0}"), HasSubstr("layer"));
  EXPECT_THAT(failing("{layer: map, profile: jpeg}"), HasSubstr("1 or 3 bands of uint8"));
  EXPECT_THAT(failing("{layer: map, profile: {compress: jpeg}, nodata: 0}"), HasSubstr("jpeg"));
  EXPECT_THAT(failing("{layer: map, profile: {block: 500}}"), HasSubstr("multiple of 16"));
  EXPECT_THAT(failing("{layer: map, profile: {level: 13}}"), HasSubstr("levels 1 to 12"));
  EXPECT_THAT(failing("{layer: map, profile: {compres: zstd}}"), HasSubstr("compress"));
  EXPECT_THAT(failing("{layer: map, bands: nvdi}"), HasSubstr("did you mean 'ndvi'?"));
  EXPECT_THAT(failing("{layer: map, format: zarr, type: uint8}"),
              HasSubstr("save: {layer: map, format: zarr, nodata: 255}"));
  EXPECT_THAT(failing("{layer: map, format: zarr, profile: lerc}"), HasSubstr("deflate or zstd"));
  EXPECT_THAT(failing("{layer: map, format: zarr, profile: {quality: 50}}"),
              HasSubstr("no overviews"));
  EXPECT_THAT(failing("{layer: map, format: zarr, colours: {1: \"#000001\"}}"),
              HasSubstr("no colour table"));
}

}  // namespace
}  // namespace geoloom::ops
