// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "gdal/vector_file.h"
#include "ops/load/shape_burning.h"
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_rasterize();

namespace {

using testing::HasSubstr;

constexpr double kLeft = 500'000, kTop = 5'000'000;

// A box of pixels on the grid of 10 m.
std::string box(double left, double top, double right, double bottom) {
  const auto x = [](double column) { return kLeft + 10 * column; };
  const auto y = [](double row) { return kTop - 10 * row; };
  return fmt::format("\"POLYGON (({0} {1}, {2} {1}, {2} {3}, {0} {3}, {0} {1}))\"", x(left), y(top),
                     x(right), y(bottom));
}

class RasterizeTest : public testing::Test {
 protected:
  void SetUp() override { gdal::initialise(); }

  std::unique_ptr<workflow::SourceOp> op(const std::string& more) const {
    return bound<workflow::SourceOp>(make_rasterize(), "{file: '" + (folder_ / "shapes.csv") +
                                                           "', crs: 'EPSG:32631'" + more + "}");
  }
  void shapes(const std::vector<std::pair<std::string, std::string>>& rows) const {
    std::string text = "wkt,code\n";
    for (const auto& [wkt, code] : rows) text += wkt + "," + code + "\n";
    write_text(folder_ / "shapes.csv", text);
  }
  std::unique_ptr<workflow::Source> source(const std::string& more) const {
    workflow::FreezeReport report;
    const auto rasterize = op(more);
    const auto frozen = workflow::Json::parse(rasterize->freeze(zones(), report).dump());
    return rasterize->open(frozen, zones(), layers_);
  }
  workflow::SourceItem plan(const workflow::Source& from, const geo::Window& window) const {
    return from.plan({"t", 0, 0, window, grid_.sub(window)}, nullptr);
  }
  Numbers burned(const std::string& more, const geo::Window& window = {0, 0, 4, 2}) const {
    const auto from = source(more);
    const auto item = plan(*from, window);
    if (item.members.empty()) return {};
    raster::AssetPool pool(1);
    raster::Block block(item.schema, window, 0, 1);
    (void)from->read(item, 0, block, 0, pool);
    return numbers(block, 0);
  }

  std::vector<workflow::Zone> zones() const { return {{"all", grid_}}; }
  geo::Grid grid_{geo::Crs::parse("EPSG:32631"), kLeft, kTop, 10, 10, 2000, 1500};
  TestFolder folder_;
  FakeLayers layers_;
};

TEST_F(RasterizeTest, ARuleDecidesWhereShapesOverlap) {
  shapes({{box(0, 0, 2, 1), "5"}, {box(1, 0, 3, 1), "3"}, {box(1, 0, 2, 2), "5"}});
  const double n = kInvalid;
  EXPECT_THAT(burned(", column: code"), numbers_are({5, 5, 3, n, n, 5, n, n}));
  EXPECT_THAT(burned(", column: code, overlap: first"), numbers_are({5, 5, 3, n, n, 5, n, n}));
  EXPECT_THAT(burned(", column: code, overlap: max"), numbers_are({5, 5, 3, n, n, 5, n, n}));
  EXPECT_THAT(burned(", column: code, overlap: min"), numbers_are({5, 3, 3, n, n, 5, n, n}));
  EXPECT_THAT(burned(", column: code, overlap: sum"), numbers_are({5, 13, 3, n, n, 5, n, n}));
  EXPECT_THAT(burned(", column: code, overlap: count"), numbers_are({1, 3, 1, n, n, 1, n, n}));
  EXPECT_THAT(burned(", column: code, overlap: {value: 99}"),
              numbers_are({5, 99, 3, n, n, 5, n, n}));
  EXPECT_THAT(burned(", value: 7, background: 0"), numbers_are({7, 7, 7, 0, 0, 7, 0, 0}));
}

TEST_F(RasterizeTest, LastAndFirstGoByTheFile) {
  shapes({{box(0, 0, 2, 1), "1"}, {box(1, 0, 3, 1), "2"}});
  EXPECT_THAT(burned(", column: code", {0, 0, 3, 1}), numbers_are({1, 2, 2}));
  EXPECT_THAT(burned(", column: code, overlap: first", {0, 0, 3, 1}), numbers_are({1, 1, 2}));
}

TEST_F(RasterizeTest, TilesAndTheirHalosGiveWhatTheWholeGives) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (int i = 0; i < 40; ++i)
    rows.emplace_back(
        fmt::format("\"POLYGON (({} {}, {} {}, {} {}, {} {}))\"", kLeft + 97 * i, kTop - 31 * i,
                    kLeft + 97 * i + 3000, kTop - 31 * i - 1000, kLeft + 57 * i + 800,
                    kTop - 71 * i - 3333, kLeft + 97 * i, kTop - 31 * i),
        std::to_string(i % 7));
  shapes(rows);
  for (const std::string more : {", column: code", ", column: code, overlap: sum, type: uint16",
                                 ", column: code, all_touched: true, buffer: 25"}) {
    const auto from = source(more);
    raster::AssetPool pool(1);
    const auto read = [&](const geo::Window& window) {
      const auto item = plan(*from, window);
      raster::Block block(item.schema, window, 0, 1);
      if (!item.members.empty()) (void)from->read(item, 0, block, 0, pool);
      return numbers(block, 0);
    };
    const geo::Window whole{0, 0, 700, 600};
    const auto all = read(whole);
    for (const geo::Window& tile :
         {geo::Window{0, 0, 700, 1}, {500, 100, 64, 64}, {511, 511, 2, 2}, {130, 7, 401, 590}}) {
      const auto part = read(tile);
      for (int64_t y = 0; y < tile.height; ++y)
        for (int64_t x = 0; x < tile.width; ++x) {
          const double a = part[static_cast<size_t>(y * tile.width + x)];
          const double b = all[static_cast<size_t>((tile.y + y) * 700 + tile.x + x)];
          ASSERT_TRUE(a == b || (std::isnan(a) && std::isnan(b)))
              << more << " " << tile.x + x << " " << tile.y + y;
        }
    }
  }
}

TEST_F(RasterizeTest, TilesWithoutShapesAreEmptyOrBackground) {
  shapes({{box(0, 0, 2, 1), "1"}});
  const auto from = source("");
  EXPECT_EQ(plan(*from, {0, 0, 100, 100}).members.size(), 1U);
  EXPECT_TRUE(plan(*from, {1000, 1000, 100, 100}).members.empty());
  EXPECT_EQ(plan(*source(", background: 0"), {1000, 1000, 100, 100}).members.size(), 1U);
}

TEST_F(RasterizeTest, OnlyTilesThatAShapeTouchesHaveItInTheirIdentity) {
  const geo::Window here{0, 0, 100, 100}, there{1000, 1000, 100, 100};
  const auto identities = [&] {
    const auto from = source(", column: code");
    return std::pair(plan(*from, here).identities, plan(*from, there).identities);
  };
  shapes({{box(0, 0, 2, 1), "1"}, {box(1010, 1010, 1020, 1020), "2"}});
  const auto before = identities();
  shapes({{box(0, 0, 2, 1), "1"}, {box(1010, 1010, 1020, 1020), "3"}});
  const auto after = identities();
  EXPECT_EQ(before.first, after.first);
  EXPECT_NE(before.second, after.second);
}

TEST_F(RasterizeTest, ShapesOfAnotherCrsAndPointsOfATable) {
  const auto at = geo::to_lon_lat(grid_.crs, kLeft + 25, kTop - 15);
  write_text(folder_ / "points.csv",
             fmt::format("lon,lat,code\n{:.9f},{:.9f},4\n", at.lon, at.lat));
  const auto rasterize = bound<workflow::SourceOp>(
      make_rasterize(),
      "{file: '" + (folder_ / "points.csv") + "', crs: 'EPSG:4326', column: code, background: 0}");
  workflow::FreezeReport report;
  const auto frozen = rasterize->freeze(zones(), report);
  EXPECT_EQ(report.scenes, 1U);
  const auto from = rasterize->open(frozen, zones(), layers_);
  const auto item = plan(*from, {0, 0, 4, 2});
  raster::AssetPool pool(1);
  raster::Block block(item.schema, {0, 0, 4, 2}, 0, 1);
  (void)from->read(item, 0, block, 0, pool);
  EXPECT_THAT(numbers(block, 0), numbers_are({0, 0, 0, 0, 0, 0, 4, 0}));
}

TEST_F(RasterizeTest, EachZoneHasTheShapesInItsOwnCrs) {
  // A place at 6 degrees east, on the border of two UTM zones, seen from both.
  const geo::Crs west = geo::Crs::parse("EPSG:32631"), east = geo::Crs::parse("EPSG:32632");
  const auto grid_around = [](const geo::Crs& crs) {
    const auto at = geo::from_lon_lat(crs, 6, 45);
    return geo::Grid{crs, std::floor(at.x) - 1000, std::floor(at.y) + 1000, 10, 10, 200, 200};
  };
  const std::vector<workflow::Zone> both{{"31N", grid_around(west)}, {"32N", grid_around(east)}};
  write_text(folder_ / "degrees.csv",
             "wkt,code\n\"POLYGON ((5.998 44.998, 6.002 44.998, 6.002 45.002, 5.998 45.002, 5.998 "
             "44.998))\",9\n");
  const auto rasterize =
      bound<workflow::SourceOp>(make_rasterize(), "{file: '" + (folder_ / "degrees.csv") +
                                                      "', crs: 'EPSG:4326', column: code}");
  workflow::FreezeReport report;
  const auto from = rasterize->open(rasterize->freeze(both, report), both, layers_);
  raster::AssetPool pool(1);
  std::vector<std::string> identities;
  for (size_t zone = 0; zone < 2; ++zone) {
    const auto item =
        from->plan({"t", 0, zone, both[zone].grid.window(), both[zone].grid}, nullptr);
    ASSERT_EQ(item.members.size(), 1U);
    identities.push_back(item.identities.front());
    raster::Block block(item.schema, both[zone].grid.window(), 0, 1);
    (void)from->read(item, 0, block, 0, pool);
    const auto covered = std::count(block.validity(0).begin(), block.validity(0).end(), 1);
    // 0.004 degrees are 315 m from west to east and 444 m from south to north here.
    EXPECT_NEAR(static_cast<double>(covered), 31.5 * 44.4, 40) << zone;
    EXPECT_EQ(block.validity(0)[100 * 200 + 100], 1) << "the place itself";
  }
  EXPECT_NE(identities[0], identities[1]);
}

TEST_F(RasterizeTest, FeaturesWithoutAValueAreLeftOutAndCounted) {
  shapes({{box(0, 0, 2, 1), "1"}, {box(1, 0, 3, 1), ""}});
  EXPECT_THAT(burned(", column: code", {0, 0, 3, 1}), numbers_are({1, 1, kInvalid}));
  workflow::FreezeReport report;
  (void)op(", column: code")->freeze(zones(), report);
  EXPECT_EQ(report.after_filter, (std::vector<std::pair<std::string, size_t>>{
                                     {"shapes found", 2}, {"with a value", 1}}));
}

TEST_F(RasterizeTest, AFileThatChangesUnderARunIsNoticed) {
  shapes({{box(0, 0, 2, 1), "1"}});
  workflow::FreezeReport report;
  const auto rasterize = op("");
  const auto from = rasterize->open(rasterize->freeze(zones(), report), zones(), layers_);
  shapes({{box(0, 0, 3, 1), "1"}});
  EXPECT_THAT(error_of([&] { plan(*from, {0, 0, 4, 4}); }), HasSubstr("changed after the run"));
}

TEST_F(RasterizeTest, RefusesWhatCannotBeBurned) {
  shapes({{box(0, 0, 2, 1), "300"}, {box(0, 0, 2, 1), "maize"}});
  EXPECT_THAT(error_of([&] { source(", column: code"); }), HasSubstr("'maize', not a number"));
  shapes({{box(0, 0, 2, 1), "300"}});
  EXPECT_THAT(error_of([&] { source(", column: code"); }),
              HasSubstr("300 is not a value of uint8"));
  EXPECT_THAT(burned(", column: code, type: uint16", {0, 0, 1, 1}), numbers_are({300}));
  EXPECT_THAT(error_of([&] { op(", value: 1, column: code"); }), HasSubstr("exclude"));
  EXPECT_THAT(error_of([&] { op(", background: -1"); }), HasSubstr("-1 is not a value of uint8"));
  EXPECT_THAT(error_of([&] { op(", value: 0.5"); }), HasSubstr("0.5"));
  EXPECT_THAT(error_of([&] { source(", column: cod"); }), HasSubstr("did you mean 'code'?"));
  shapes({});
  EXPECT_THAT(error_of([&] { source(""); }, ErrorCode::empty), HasSubstr("no shape"));
}

}  // namespace
}  // namespace geoloom::ops
