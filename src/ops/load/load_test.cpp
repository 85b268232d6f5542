// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "geo/coordinate_operation.h"
#include "ops/load/source_scenes.h"
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_load();

namespace {

using raster::PixelType;
using testing::AllOf;
using testing::HasSubstr;

struct Loaded {
  workflow::Json frozen;
  workflow::FreezeReport report;
  workflow::SourceItem plan;
  std::vector<raster::Block> slices;
  uint64_t clipped = 0;
  Numbers at(const std::string& band, size_t slice) const {
    return numbers(slices[slice], static_cast<size_t>(plan.schema.band_index(band)));
  }
};

class LoadTest : public testing::Test {
 protected:
  std::unique_ptr<workflow::SourceOp> op(const std::string& more = "") const {
    return bound<workflow::SourceOp>(make_load(), "{scenes: '" + folder_.path() + "'" + more + "}");
  }

  // Through the frozen text, as a worker gets it. `window` may reach out of the scenes.
  Loaded load(const std::string& more = "", std::optional<geo::Window> window = {}) const {
    Loaded out;
    const auto load_op = op(more);
    out.frozen = workflow::Json::parse(load_op->freeze(zones(), out.report).dump());
    const auto source = load_op->open(out.frozen, zones(), layers_);
    const auto place = window.value_or(area_.window());
    out.plan = source->plan({"all", 0, 0, place, area_.sub(place)}, nullptr);
    raster::AssetPool pool(3);
    for (const size_t member : out.plan.members) {
      raster::Block block(out.plan.schema, place, 0, 1);
      out.clipped += source->read(out.plan, member, block, 0, pool).clipped;
      out.slices.push_back(std::move(block));
    }
    return out;
  }

  std::string failing(const std::string& more = "", ErrorCode code = ErrorCode::invalid) const {
    return error_of([&] { load(more); }, code);
  }

  void scene(const std::string& name, Tif tif) const {
    if (tif.grid.width == 0) tif.grid = area_;
    write_tif(folder_ / (name + ".tif"), tif);
  }

  TestFolder folder_;
  FakeLayers layers_;
  std::vector<workflow::Zone> zones() const { return {{"all", area_}}; }

  geo::Grid area_ = grid_of(4, 1);
};

TEST_F(LoadTest, ScenesInTheOrderOfTime) {
  scene("b_20180301",
        {.bands = {{1, 2, 3, 4}, {5, 6, 7, 8}}, .nodata = 3, .names = {"red", "nir"}});
  scene("z_20180101",
        {.bands = {{9, 9, 9, 9}, {3, 1, 1, 1}}, .nodata = 3, .names = {"red", "nir"}});
  const auto loaded = load();
  ASSERT_EQ(loaded.slices.size(), 2U);
  EXPECT_EQ(loaded.plan.schema.slices[0].label, "z_20180101");
  EXPECT_EQ(geo::format_date(loaded.plan.schema.slices[1].period.start), "2018-03-01");
  // A pixel is valid where both bands are.
  EXPECT_THAT(loaded.at("red", 0), numbers_are({kInvalid, 9, 9, 9}));
  EXPECT_THAT(loaded.at("nir", 1), numbers_are({5, 6, kInvalid, 8}));
  EXPECT_EQ(loaded.report.scenes, 2U);
  EXPECT_EQ(loaded.plan.schema.bands[0].nodata, 3);
  EXPECT_GT(loaded.plan.stored_bytes, 0U);
  EXPECT_EQ(loaded.plan.identities.size(), 2U);
  EXPECT_NE(loaded.plan.identities[0], loaded.plan.identities[1]);
}

TEST_F(LoadTest, ScenesInTheOrderGiven) {
  scene("b_20180301", {.bands = {{1, 2, 3, 4}}, .nodata = 9});
  scene("z_20180101", {.bands = {{5, 6, 7, 8}}, .nodata = 9});
  const auto series = [&](const std::string& order) {
    const auto load_op = bound<workflow::SourceOp>(
        make_load(), "{scenes: ['" + folder_.path() + "/b_20180301.tif', '" + folder_.path() +
                         "/z_20180101.tif'], order: " + order + "}");
    workflow::FreezeReport report;
    const auto frozen = load_op->freeze(zones(), report);
    return load_op->open(frozen, zones(), layers_)
        ->plan({"all", 0, 0, area_.window(), area_}, nullptr)
        .schema.slices.front()
        .label;
  };
  EXPECT_EQ(series("given"), "b_20180301");
  EXPECT_EQ(series("time"), "z_20180101");
}

TEST(CloudCover, TheClearestSceneComesFirst) {
  const auto scene = [](const std::string& id, const workflow::Json& cover) {
    catalog::Scene made;
    made.id = id;
    if (!cover.is_null()) made.properties["eo:cloud_cover"] = cover;
    return made;
  };
  std::vector<catalog::Scene> scenes{scene("untold", nullptr), scene("cloudy", 80),
                                     scene("clear", 0.5), scene("text", "none"),
                                     scene("as_clear", 0.5)};
  sort_by_cloud_cover(scenes);
  std::vector<std::string> ids;
  for (const auto& each : scenes) ids.push_back(each.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"clear", "as_clear", "cloudy", "untold", "text"}));
  scenes = {scene("a", nullptr), scene("b", "high")};
  EXPECT_THAT(error_of([&] { sort_by_cloud_cover(scenes); }), HasSubstr("none of 2 scenes"));
}

TEST_F(LoadTest, OrderByCloudCoverIsOfScenes) {
  scene("b_20180301", {.bands = {{1, 2, 3, 4}}});
  scene("z_20180101", {.bands = {{5, 6, 7, 8}}});
  EXPECT_THAT(failing(", order: cloud_cover"), HasSubstr("none of 2 scenes"));
  EXPECT_THAT(failing(", order: cloud_cover, group_by: solar_day"),
              HasSubstr("dates are made of several"));
}

TEST_F(LoadTest, BandsByNameAndOrder) {
  scene("a_20180101", {.bands = {{1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}}});
  const auto loaded = load(", band_names: [x, y, z], bands: [z, x]");
  EXPECT_EQ(loaded.plan.schema.band_names(), (std::vector<std::string>{"z", "x"}));
  EXPECT_THAT(loaded.at("z", 0), numbers_are({3, 3, 3, 3}));
  EXPECT_THAT(failing(", band_names: [x, y, z], bands: [w]"), HasSubstr("w"));
  EXPECT_THAT(failing(", band_names: [x, y, z], bands: [z, z]"), HasSubstr("named twice"));
}

TEST_F(LoadTest, RejectsBeforeAnythingElseIsDoneToValues) {
  scene("a_20180101", {.bands = {{0, 90, 254, 7}, {90, 255, 254, 8}}, .scale = 2});
  const auto loaded = load(", reject: {any_band_in: [0, 255, -1, 0.5]}");
  EXPECT_THAT(numbers(loaded.slices[0], 0), numbers_are({kInvalid, kInvalid, 254, 7}));
  EXPECT_EQ(loaded.plan.schema.bands[0].scale, 2);
}

TEST_F(LoadTest, ClassMasksKeepOrDrop) {
  scene("a_20180101",
        {.bands = {{1, 2, 3, 4}, {4, 9, 0, 5}}, .nodata = 0, .names = {"red", "SCL"}});
  EXPECT_THAT(load(", bands: red, mask: {band: SCL, keep: [4, 5]}").at("red", 0),
              numbers_are({1, kInvalid, kInvalid, 4}));
  // Where the mask itself is nodata the pixel is invalid, whatever is dropped.
  EXPECT_THAT(load(", bands: red, mask: {band: SCL, drop: 9}").at("red", 0),
              numbers_are({1, kInvalid, kInvalid, 4}));
  EXPECT_THAT(failing(", bands: red, mask: {band: SCL}"), HasSubstr("neither which classes"));
  EXPECT_THAT(failing(", bands: red, mask: {band: SCL, keep: 4, drop: 9}"), HasSubstr("exclude"));
  EXPECT_THAT(failing(", bands: red, mask: {band: SLC, keep: 4}"), HasSubstr("SCL"));
  EXPECT_THAT(failing(", bands: red, mask: {band: SCL, keep: 300}"),
              HasSubstr("is uint8 and never holds 300"));
}

// A STAC item whose class band is a file of its own with pixels twice as large.
TEST_F(LoadTest, ACoarserMaskFromAnotherFile) {
  const TestFolder archive;
  write_tif(archive / "red.tif",
            {.grid = area_, .type = PixelType::uint16, .bands = {{1, 2, 3, 4}}});
  write_tif(archive / "scl.tif", {.grid = grid_of(2, 1, 20), .bands = {{4, 9}}});
  write_text(archive / "item.json", R"({"type": "Feature", "stac_version": "1.0.0", "id": "s2",
    "collection": "c", "geometry": null, "links": [],
    "properties": {"datetime": "2018-05-01T10:00:00Z"},
    "assets": {"red": {"href": "./red.tif"}, "SCL": {"href": "./scl.tif"}}})");
  const auto load_op =
      bound<workflow::SourceOp>(make_load(), "{scenes: '" + (archive / "item.json") +
                                                 "', bands: red, mask: {band: SCL, keep: 4}}");
  workflow::FreezeReport report;
  const auto source = load_op->open(load_op->freeze(zones(), report), zones(), layers_);
  const auto plan = source->plan({"all", 0, 0, area_.window(), area_}, nullptr);
  ASSERT_EQ(plan.members.size(), 1U);
  raster::AssetPool pool(2);
  raster::Block block(plan.schema, area_.window(), 0, 1);
  source->read(plan, 0, block, 0, pool);
  EXPECT_THAT(numbers(block, 0), numbers_are({1, 2, kInvalid, kInvalid}));
}

TEST_F(LoadTest, OffsetsAreBroughtToOneByWholeSteps) {
  scene("old_20180101",
        {.type = PixelType::uint16, .bands = {{0, 1000, 40000, 5}}, .nodata = 0, .scale = 0.0001});
  scene("new_20220201", {.type = PixelType::uint16,
                         .bands = {{0, 2000, 500, 65535}},
                         .nodata = 0,
                         .scale = 0.0001,
                         .offset = -0.1});
  const auto loaded = load(", band_names: b");
  const auto& band = loaded.plan.schema.bands[0];
  EXPECT_EQ(band.type, PixelType::int16);
  EXPECT_EQ(band.offset, 0);
  EXPECT_EQ(band.scale, 0.0001);
  EXPECT_EQ(band.nodata, -32768);
  EXPECT_EQ(loaded.report.offset_applied, 1U);
  EXPECT_THAT(loaded.at("b", 0), numbers_are({kInvalid, 1000, 32767, 5}));
  EXPECT_THAT(loaded.at("b", 1), numbers_are({kInvalid, 1000, -500, 32767}));
  EXPECT_EQ(loaded.clipped, 2U);
}

TEST_F(LoadTest, OtherDifferencesGivePhysicalValues) {
  scene("a_20180101", {.bands = {{0, 10, 20, 30}}, .nodata = 0, .scale = 0.5});
  scene("b_20180102", {.bands = {{0, 10, 20, 30}}, .nodata = 0, .scale = 0.25, .offset = 1});
  const auto loaded = load(", band_names: b");
  EXPECT_EQ(loaded.plan.schema.bands[0].type, PixelType::float32);
  EXPECT_EQ(loaded.plan.schema.bands[0].scale, 1);
  EXPECT_THAT(loaded.at("b", 0), numbers_are({kInvalid, 5, 10, 15}));
  EXPECT_THAT(loaded.at("b", 1), numbers_are({kInvalid, 3.5, 6, 8.5}));
  // The document has the last word.
  const auto told = load(", band_names: b, scale: 1, offset: 0");
  EXPECT_EQ(told.plan.schema.bands[0].type, PixelType::uint8);
  EXPECT_EQ(told.report.offset_applied, 0U);
}

TEST_F(LoadTest, ChangedMetadataChangesTheIdentity) {
  scene("a_20180101", {.bands = {{1, 2, 3, 4}}});
  const auto before = load().plan.identities;
  EXPECT_EQ(load().plan.identities, before);
  EXPECT_NE(load(", nodata: 2").plan.identities, before);
}

TEST_F(LoadTest, OutsideOfASceneIsInvalid) {
  area_ = grid_of(8, 1);
  scene("a_20180101", {.grid = grid_of(4, 1), .bands = {{1, 2, 3, 4}}});
  scene("b_20180102", {.grid = grid_of(4, 1, 10, 600040), .bands = {{5, 6, 7, 8}}});
  scene("far_20180103", {.grid = grid_of(4, 1, 10, 700000), .bands = {{5, 6, 7, 8}}});
  const auto loaded = load("", geo::Window{2, 0, 4, 1});
  ASSERT_EQ(loaded.slices.size(), 2U);
  EXPECT_THAT(numbers(loaded.slices[0], 0), numbers_are({3, 4, kInvalid, kInvalid}));
  EXPECT_THAT(numbers(loaded.slices[1], 0), numbers_are({kInvalid, kInvalid, 5, 6}));
  EXPECT_THAT(loaded.report.after_filter,
              testing::Contains(testing::Pair("touching the area", 2U)));
  EXPECT_EQ(load("", geo::Window{6, 0, 2, 1}).slices.size(), 1U);  // only what touches the item
}

TEST_F(LoadTest, ATileReadsTheScenesThatTouchIt) {
  area_ = grid_of(40, 30);
  // Finer, equal and coarser pixels; some scenes reach out of the area.
  std::map<std::string, geo::Window> places;  // on the area
  for (int64_t i = 0; i < 60; ++i) {
    const geo::Window place{i * 7 % 44 - 2, i * 11 % 33 - 1, 2 + 2 * (i % 4), 2 + 2 * (i % 3)};
    const double pixel = 5 * std::pow(2, static_cast<double>(i % 3));
    const auto grid = grid_of(static_cast<int64_t>(static_cast<double>(place.width) * 10 / pixel),
                              static_cast<int64_t>(static_cast<double>(place.height) * 10 / pixel),
                              pixel, area_.origin_x + 10 * static_cast<double>(place.x),
                              area_.origin_y - 10 * static_cast<double>(place.y));
    const auto name = fmt::format("s{:02}_20180101", i);
    scene(name,
          {.grid = grid, .bands = {Numbers(static_cast<size_t>(grid.width * grid.height), 1)}});
    places[name] = place;
  }
  const auto load_op = op();
  workflow::FreezeReport report;
  const auto source = load_op->open(load_op->freeze(zones(), report), zones(), layers_);
  for (const geo::Window& tile : {geo::Window{0, 0, 40, 30},
                                  {0, 0, 8, 8},
                                  {8, 8, 8, 8},
                                  {3, 5, 1, 1},
                                  {39, 29, 1, 1},
                                  {16, 0, 2, 30},
                                  {0, 17, 40, 1}}) {
    std::vector<std::string> touching;
    for (const auto& [name, place] : places)
      if (!place.intersect(tile).empty()) touching.push_back(name);
    EXPECT_EQ(source->plan({"t", 0, 0, tile, area_.sub(tile)}, nullptr).scenes, touching);
  }
}

TEST_F(LoadTest, BlocksOfTheSourcesOnTheArea) {
  area_ = grid_of(100, 100);
  scene("a_20180101", {.grid = grid_of(200, 200, 10, 599970), .bands = {Numbers(40000, 1)}});
  const auto plan = load().plan;
  EXPECT_EQ(plan.block_width, 64);
  EXPECT_EQ(plan.block_height, 64);
  EXPECT_EQ(plan.block_origin_x, 61);  // three pixels left of the area
  EXPECT_EQ(plan.block_origin_y, 0);
}

TEST_F(LoadTest, PeriodsFilter) {
  scene("a_20180101", {.bands = {{1, 2, 3, 4}}});
  scene("b_20180501", {.bands = {{5, 6, 7, 8}}});
  EXPECT_EQ(load(", period: 2018-05..2018-09").slices.size(), 1U);
  EXPECT_THAT(failing(", period: 2019", ErrorCode::empty),
              HasSubstr("no scene is left to load (2 found, 0 in 2019-01-01..2019-12-31)"));
}

TEST_F(LoadTest, ScenesMustAgree) {
  scene("a_20180101", {.bands = {{1, 2, 3, 4}}, .names = {"red"}});
  scene("b_20180102", {.type = PixelType::uint16, .bands = {{1, 2, 3, 4}}, .names = {"red"}});
  EXPECT_THAT(failing(), AllOf(HasSubstr("scene b_20180102"), HasSubstr("uint16"),
                               HasSubstr("'a_20180101'"), HasSubstr("uint8")));
  scene("b_20180102", {.bands = {{1, 2, 3, 4}, {1, 2, 3, 4}}, .names = {"red", "nir"}});
  EXPECT_THAT(failing(), HasSubstr("it has 2 bands, but 'a_20180101' has 1"));
  auto other = area_;
  other.crs = {};
  scene("b_20180102", {.grid = other, .bands = {{1, 2, 3, 4}}});
  EXPECT_THAT(failing(), AllOf(HasSubstr("b_20180102"), HasSubstr("coordinate reference system")));
}

TEST_F(LoadTest, PixelsThatDoNotNestAreWarped) {
  scene("a_20180101", {.grid = grid_of(4, 1, 10, 600005),
                       .type = PixelType::uint16,
                       .bands = {{100, 200, 300, 400}},
                       .nodata = 400,
                       .names = {"red"}});
  const auto loaded = load(", resampling: bilinear");
  // The first lies half beyond the image, the last half over a missing pixel: they take the rest.
  EXPECT_THAT(loaded.at("red", 0), numbers_are({100, 150, 250, 300}));
  EXPECT_THAT(load().at("red", 0), numbers_are({100, 150, 250, 300}));
  const auto& warp = loaded.frozen["scenes"][0]["files"][0]["warps"][0];
  EXPECT_EQ(warp["resampling"][0], "bilinear");
  EXPECT_EQ(loaded.frozen["operations"][0], "identity");
  // Another method is another identity.
  EXPECT_NE(load(", resampling: cubic").plan.identities, loaded.plan.identities);
  EXPECT_THAT(failing(", kind: category, resampling: cubic"), HasSubstr("classes"));
}

TEST_F(LoadTest, AnotherCrsPinsItsOperation) {
  auto other = grid_of(40, 40, 10, 129000, 5020000);
  other.crs = geo::Crs::parse("EPSG:32632");
  std::vector<double> x{600000}, y{5000000};
  geo::CoordinateOperation::between(area_.crs, other.crs).forward(x, y);
  other.origin_x = std::floor(x[0]) - 200;
  other.origin_y = std::floor(y[0]) + 200;
  scene("a_20180101", {.grid = other, .bands = {Numbers(1600, 7)}, .names = {"red"}});
  const auto loaded = load();
  EXPECT_THAT(loaded.at("red", 0), numbers_are({7, 7, 7, 7}));
  EXPECT_THAT(loaded.frozen["operations"][0].get<std::string>(), HasSubstr("+proj=pipeline"));
  EXPECT_THAT(loaded.report.notes, testing::Contains(HasSubstr("1 of 1 scenes are warped")));
}

TEST_F(LoadTest, PixelsThatNestAreAveragedWhenAsked) {
  scene("a_20180101", {.grid = grid_of(8, 2, 5),
                       .bands = {{1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8}},
                       .names = {"red"}});
  EXPECT_THAT(load().at("red", 0), numbers_are({2, 4, 6, 8}));
  EXPECT_THAT(load(", resampling: average").at("red", 0), numbers_are({2, 4, 6, 8}));
  EXPECT_THAT(load(", resampling: {red: mode}").at("red", 0), numbers_are({1, 3, 5, 7}));
}

TEST_F(LoadTest, MasksByBitsRangesAndSeveralRules) {
  scene("a_20180101", {.type = PixelType::uint16,
                       .bands = {{10, 20, 30, 40}, {8, 16, 512, 0}},
                       .names = {"red", "QA"}});
  const auto red = [&](const std::string& mask) {
    return load(", bands: red, mask: " + mask).at("red", 0);
  };
  EXPECT_THAT(red("{band: QA, bits_set: [3, 4]}"), numbers_are({kInvalid, kInvalid, 30, 40}));
  EXPECT_THAT(red("{band: QA, bits_clear: 4}"), numbers_are({kInvalid, 20, kInvalid, kInvalid}));
  EXPECT_THAT(red("{band: QA, field: [8, 9], drop: [2, 3]}"), numbers_are({10, 20, kInvalid, 40}));
  EXPECT_THAT(red("{band: red, above: 30, below: 20}"), numbers_are({kInvalid, 20, 30, kInvalid}));
  EXPECT_THAT(red("{band: red, between: [20, 30]}"), numbers_are({10, kInvalid, kInvalid, 40}));
  EXPECT_THAT(red("[{band: QA, bits_set: 3}, {band: red, above: 30}]"),
              numbers_are({kInvalid, 20, 30, kInvalid}));
  EXPECT_THAT(red("{band: QA, bits_set: 3, clean: [{dilate: 1 px}]}"),
              numbers_are({kInvalid, kInvalid, 30, 40}));
  EXPECT_THAT(red("{band: QA, bits_set: 3, clean: [{dilate: 20 m}]}"),
              numbers_are({kInvalid, kInvalid, kInvalid, 40}));
  EXPECT_THAT(failing(", mask: {band: QA, bits_set: 3, above: 2}"),
              HasSubstr("rules of their own"));
  EXPECT_THAT(failing(", mask: {band: QA, field: [8, 9]}"), HasSubstr("neither which classes"));
}

TEST_F(LoadTest, BrokenHeadersFailOrAreTolerated) {
  scene("a_20180101", {.bands = {{1, 2, 3, 4}}});
  scene("c_20180103", {.bands = {{5, 6, 7, 8}}});
  write_text(folder_ / "b_20180102.tif", "II*");
  EXPECT_THAT(failing(), HasSubstr("scene b_20180102"));
  const auto loaded = load(", tolerate: {scenes: 1}");
  EXPECT_EQ(loaded.slices.size(), 2U);
  ASSERT_EQ(loaded.report.dropped.size(), 1U);
  EXPECT_EQ(loaded.report.dropped[0].scene, "b_20180102");
  EXPECT_EQ(loaded.plan.dropped.size(), 1U);
  EXPECT_THROW(load(", tolerate: {share: 0.2}"), Error);
  EXPECT_EQ(load(", tolerate: {share: 0.34}").slices.size(), 2U);
}

TEST_F(LoadTest, AFileThatPosesAsATiff) {
  scene("a_20180101", {.bands = {{1, 2, 3, 4}}});
  write_text(folder_ / "b_20180102.tif",
             "<VRTDataset rasterXSize=\"4\" rasterYSize=\"1\"></VRTDataset>");
  EXPECT_THAT(failing(), HasSubstr("scene b_20180102"));
}

TEST_F(LoadTest, AFileThatChangedSinceTheRunWasCreated) {
  scene("a_20180101", {.bands = {{1, 2, 3, 4}}});
  workflow::FreezeReport report;
  const auto load_op = op();
  const auto source = load_op->open(load_op->freeze(zones(), report), zones(), layers_);
  const auto plan = source->plan({"all", 0, 0, area_.window(), area_}, nullptr);
  const auto read = [&] {
    raster::AssetPool pool(1);
    raster::Block block(plan.schema, area_.window(), 0, 1);
    source->read(plan, 0, block, 0, pool);
  };
  EXPECT_NO_THROW(read());
  scene("a_20180101", {.type = PixelType::uint16, .bands = {{1, 2, 3, 4}}});
  EXPECT_THAT(error_of(read, ErrorCode::corrupt),
              AllOf(HasSubstr("scene a_20180101"), HasSubstr("changed since the run was created"),
                    HasSubstr("uint16 instead of uint8")));
  scene("a_20180101", {.grid = grid_of(5, 1), .bands = {{1, 2, 3, 4, 5}}});
  EXPECT_THAT(error_of(read, ErrorCode::corrupt), HasSubstr("5 x 1 pixels instead of 4 x 1"));
  std::filesystem::remove(folder_ / "a_20180101.tif");
  EXPECT_THAT(error_of(read, ErrorCode::missing), HasSubstr("scene a_20180101"));
}

TEST_F(LoadTest, NothingThere) {
  EXPECT_THAT(failing(), HasSubstr(folder_.path()));
  EXPECT_THAT(error_of([&] { bound(make_load(), "{}"); }),
              HasSubstr("needs `scenes`, `source` or `layer`"));
  scene("far_20180101", {.grid = grid_of(4, 1, 10, 700000), .bands = {{5, 6, 7, 8}}});
  EXPECT_THAT(failing("", ErrorCode::empty), HasSubstr("no scene touches the area"));
}

// Conditions are on physical values, of pixels of the grid.
TEST_F(LoadTest, ConditionsOnTheBandsMask) {
  scene("a_20180101",
        {.bands = {{10, 20, 30, 40}, {40, 30, 20, 40}}, .nodata = 30, .names = {"red", "nir"}});
  const auto red = [&](const std::string& condition, const std::string& more = "") {
    return load(", mask: {expression: '" + condition + "'}" + more).at("red", 0);
  };
  EXPECT_THAT(red("red > 15 and nir < 35"), numbers_are({10, kInvalid, kInvalid, 40}));
  EXPECT_THAT(red("red > 3 and red < 5", ", scale: 0.1, offset: 1"),
              numbers_are({10, kInvalid, kInvalid, 40}));
  EXPECT_THAT(red("not (nir - red) / (nir + red) > 0"),
              numbers_are({10, kInvalid, kInvalid, kInvalid}));
  EXPECT_THAT(failing(", mask: {expression: 'red >'}"),
              AllOf(HasSubstr("missing at the end"), HasSubstr("at character 6 of 'red >'")));
  EXPECT_THAT(failing(", mask: {expression: 'red + 1'}"), HasSubstr("not a condition"));
  EXPECT_THAT(failing(", mask: {expression: 'rad > 1'}"),
              AllOf(HasSubstr("'rad' is none of the loaded bands"), HasSubstr("red")));
  EXPECT_THAT(failing(", mask: {expression: 'red > 1', band: nir}"), HasSubstr("nothing else"));
  const auto load_op = op(", mask: {expression: 'red>15'}");
  workflow::FreezeReport report;
  const auto source = load_op->open(load_op->freeze(zones(), report), zones(), layers_);
  const auto plan = source->plan({"all", 0, 0, area_.window(), area_}, nullptr);
  raster::AssetPool pool(1);
  EXPECT_TRUE(source->explain(plan, 0, 0, 0, pool).valid);
  EXPECT_EQ(source->explain(plan, 0, 3, 0, pool).reason, "masked by (red > 15)");
}

TEST_F(LoadTest, ParametersThatDoNotGoTogether) {
  EXPECT_THAT(failing(", layer: x"), HasSubstr("exclude each other"));
  EXPECT_THAT(failing(", tolerate: {scenes: 1, share: 0.5}"), HasSubstr("load.tolerate"));
  EXPECT_THAT(failing(", scale: 0"), HasSubstr("load.scale"));
  EXPECT_THAT(failing(", bandz: red"), HasSubstr("bands"));
  EXPECT_THAT(error_of([] { bound(make_load(), "{layer: x, nodata: 0}"); }),
              HasSubstr("only `bands`"));
}

TEST_F(LoadTest, EveryRejectedPixelHasAReason) {
  scene("a_20180101", {.grid = grid_of(6, 1),
                       .bands = {{1, 2, 255, 0, 5, 6}, {4, 9, 4, 4, 0, 4}},
                       .nodata = 0,
                       .names = {"red", "SCL"}});
  area_ = grid_of(7, 1);
  const auto load_op = op(", bands: red, mask: {band: SCL, keep: 4}, reject: {any_band_in: 255}");
  workflow::FreezeReport report;
  const auto source = load_op->open(load_op->freeze(zones(), report), zones(), layers_);
  const auto plan = source->plan({"all", 0, 0, area_.window(), area_}, nullptr);
  raster::AssetPool pool(1);
  const auto reason = [&](int64_t x) { return source->explain(plan, 0, x, 0, pool).reason; };
  EXPECT_EQ(reason(0), "");
  EXPECT_EQ(reason(1), "SCL is 9, which is not kept");
  EXPECT_EQ(reason(2), "red is 255, which is rejected");
  EXPECT_EQ(reason(3), "red is nodata (0)");
  EXPECT_EQ(reason(4), "SCL is nodata (0)");
  EXPECT_EQ(reason(6), "outside of the scene");
  const auto kept = source->explain(plan, 0, 5, 0, pool);
  EXPECT_TRUE(kept.valid);
  EXPECT_EQ(kept.values[0], (std::pair<std::string, double>("red", 6)));
  // What is said of a pixel is what reading does to it.
  raster::Block block(plan.schema, area_.window(), 0, 1);
  source->read(plan, 0, block, 0, pool);
  for (int64_t x = 0; x < 7; ++x)
    EXPECT_EQ(block.validity(0)[static_cast<size_t>(x)] != 0, reason(x).empty()) << x;
}

TEST_F(LoadTest, PathsAndPeriodsAreNoIdentity) {
  const auto identity = [](const std::string& yaml) {
    const auto load_op = make_load();
    workflow::Parameters parameters;
    load_op->declare(parameters);
    parameters.bind(workflow::parse_yaml(yaml, "test.yaml"), "load");
    return parameters.identity();
  };
  EXPECT_EQ(identity("{scenes: a, period: 2018}"), identity("{scenes: b}"));
  EXPECT_NE(identity("{scenes: a, nodata: 0}"), identity("{scenes: a}"));
  EXPECT_NE(identity("{scenes: a, reject: {any_band_in: 0}}"), identity("{scenes: a}"));
}

TEST_F(LoadTest, ALayerOfAnotherStep) {
  raster::CubeSchema schema;
  schema.bands = {{.name = "red", .type = PixelType::uint8, .nodata = 0},
                  {.name = "nir", .type = PixelType::uint8, .nodata = 0}};
  schema.slices = {day("2018-01-01"), day("2018-02-01")};
  const workflow::Item item{"0_0", 0, 0, {2, 0, 2, 1}, area_.sub({2, 0, 2, 1})};
  workflow::LayerFile file{
      .item = item, .path = folder_ / "tile.tif", .pixel_hash = "hash", .schema = schema};
  write_tif(file.path, {.grid = item.grid, .bands = {{1, 2}, {3, 4}, {5, 0}, {7, 8}}, .nodata = 0});
  layers_.add({"tiles", "make", {workflow::Domain::Extent::tiles, {}}, schema, {}, {}},
              {{item, file}});
  const auto load_op = bound<workflow::SourceOp>(make_load(), "{layer: tiles, bands: nir}");
  EXPECT_EQ(load_op->layer(), "tiles");
  workflow::FreezeReport report;
  const auto source = load_op->open(load_op->freeze(zones(), report), zones(), layers_);
  EXPECT_EQ(source->layer(), "tiles");
  const auto early = source->plan(item, nullptr);
  EXPECT_EQ(early.schema.slices.size(), 2U);
  const auto plan = source->plan(item, &layers_);
  ASSERT_EQ(plan.members.size(), 2U);
  EXPECT_THAT(plan.identities[0], HasSubstr("hash"));
  raster::AssetPool pool(1);
  raster::Block block(plan.schema, {1, 0, 3, 1}, 0, 2);  // with a halo
  source->read(plan, 0, block, 0, pool);
  source->read(plan, 1, block, 1, pool);
  EXPECT_THAT(numbers(block, 0, 0), numbers_are({kInvalid, 3, 4}));
  EXPECT_THAT(numbers(block, 0, 1), numbers_are({kInvalid, 7, 8}));
  file.empty = true;
  layers_.add({"tiles", "make", {workflow::Domain::Extent::tiles, {}}, schema, {}, {}},
              {{item, file}});
  EXPECT_TRUE(source->plan(item, &layers_).members.empty());
}

}  // namespace
}  // namespace geoloom::ops
