// SPDX-License-Identifier: Apache-2.0
#include "geo/tiling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "error/error.h"

namespace geoloom::geo {
namespace {

void expect_box(const Box& box, double min_x, double min_y, double max_x, double max_y) {
  EXPECT_DOUBLE_EQ(box.min_x, min_x);
  EXPECT_DOUBLE_EQ(box.min_y, min_y);
  EXPECT_DOUBLE_EQ(box.max_x, max_x);
  EXPECT_DOUBLE_EQ(box.max_y, max_y);
}

size_t zone_of(const TilingScheme& scheme, std::string_view name) {
  for (size_t i = 0; i < scheme.zones().size(); ++i)
    if (scheme.zones()[i].name == name) return i;
  ADD_FAILURE() << "no zone " << name;
  return 0;
}

// The cell of that name; its indices are searched in what covers `near`.
Box box_named(const TilingScheme& scheme, std::string_view zone_name, const std::string& name,
              const Box& near) {
  const size_t zone = zone_of(scheme, zone_name);
  const CellRange range = scheme.range_over(zone, near);
  for (int64_t column = range.first_column; column <= range.last_column; ++column)
    for (int64_t row = range.first_row; row <= range.last_row; ++row)
      if (scheme.has_cell(zone, column, row) && scheme.cell_name(zone, column, row) == name)
        return scheme.cell_box(zone, column, row);
  ADD_FAILURE() << "no cell " << name;
  return {};
}

TEST(UtmTiling, NamesAreLatticeIndices) {
  const auto scheme = utm_tiling(5000, 5000, 0, 0);
  const size_t zone = zone_of(*scheme, "33N");
  EXPECT_EQ(scheme->cell_name(zone, 142, 1061), "33N_142_1061");
  expect_box(scheme->cell_box(zone, 142, 1061), 710000, 5305000, 715000, 5310000);
  EXPECT_TRUE(scheme->divides_area_by_strip());
}

TEST(UtmTiling, OffsetsMoveTheLattice) {
  const auto scheme = utm_tiling(5000, 5000, 10, 20);
  const size_t zone = zone_of(*scheme, "33N");
  expect_box(scheme->cell_box(zone, 142, 1061), 710010, 5305020, 715010, 5310020);
  EXPECT_EQ(scheme->range_over(zone, {710009, 5305019, 710011, 5305021}).first_column, 141);
}

TEST(LatticeTiling, AnExtentOnTheLatticeTakesNoNeighbours) {
  const auto scheme = lattice_tiling({"EPSG:32631", 0, 0, 100, 50});
  const CellRange range = scheme->range_over(0, {1000, 500, 1200, 600});
  EXPECT_EQ(range.first_column, 10);
  EXPECT_EQ(range.last_column, 11);
  EXPECT_EQ(range.first_row, 10);
  EXPECT_EQ(range.last_row, 11);
  // A point is in one cell.
  const CellRange point = scheme->range_over(0, {1000, 500, 1000, 500});
  EXPECT_EQ(point.first_column, point.last_column);
  EXPECT_EQ(scheme->cell_name(0, -3, 12), "x-03y012");
  EXPECT_THROW(lattice_tiling({"EPSG:32631", 0, 0, 0, 50}), Error);
}

// Against odc-geo's GridSpec with the origins that odc-stats gives its grids.
TEST(GridPresets, AreThoseOfOdcStats) {
  const auto africa = grid_preset("africa-10");
  EXPECT_EQ(africa.pixel_width, 10);
  EXPECT_EQ(africa.scheme->cell_name(0, 229, 54), "x229y054");
  expect_box(africa.scheme->cell_box(0, 229, 54), 4608000, -2208000, 4704000, -2112000);
  // The tile at (0, 0) of the CRS has the index the un-shifted grid is moved by.
  expect_box(africa.scheme->cell_box(0, 181, 77), 0, 0, 96000, 96000);
  expect_box(grid_preset("global_60").scheme->cell_box(0, 181, 77), 0, 0, 96000, 96000);
  expect_box(grid_preset("au_20").scheme->cell_box(0, 28, 57), 0, 0, 96000, 96000);
  expect_box(grid_preset("au_extended_30").scheme->cell_box(0, 46, 72), 0, 0, 96000, 96000);
  expect_box(grid_preset("albers_au_25").scheme->cell_box(0, -1, 2), -100000, 200000, 0, 300000);
}

TEST(GridPresets, CustomOnes) {
  const auto preset = grid_preset("epsg:6933;10;9600");
  EXPECT_EQ(preset.pixel_height, 10);
  expect_box(preset.scheme->cell_box(0, 1, -1), 96000, -96000, 192000, 0);
  const auto oblong = grid_preset("epsg:6933;-10x20;9600x4800");
  EXPECT_EQ(oblong.pixel_height, 10);
  EXPECT_EQ(oblong.pixel_width, 20);
  expect_box(oblong.scheme->cell_box(0, 0, 0), 0, 0, 96000, 96000);
}

TEST(GridPresets, WhatIsNone) {
  for (const char* name :
       {"africa", "africa_11", "afrika_10", "", "epsg:6933;10", "epsg:6933;x;9600",
        "epsg:6933;10;9600.5", "epsg:6933;0;9600", "epsg:6933;10;9600x", "nonsense;10;9600"})
    EXPECT_THROW(grid_preset(name), Error) << name;
  try {
    grid_preset("afrika_10");
  } catch (const Error& error) {
    EXPECT_NE(error.hint().find("africa_10"), std::string::npos) << error.hint();
  }
}

// Cells of the grid the service publishes.
TEST(BatchGrids, TwentyKilometres) {
  const auto scheme = batch_tiling(0);
  const Box toulouse{360000, 4820000, 380000, 4830000};
  expect_box(box_named(*scheme, "30N", "30TVT_0_0", {400000, 5280000, 410000, 5290000}), 399960,
             5280000, 420000, 5300040);
  expect_box(box_named(*scheme, "30N", "30TUT_4_0", {390000, 5285000, 391000, 5290000}), 380160,
             5280000, 400200, 5300040);
  expect_box(box_named(*scheme, "31N", "31TCJ_3_4", toulouse), 360120, 4799820, 380160, 4819860);
}

// 30TYN reaches over the border of its zone, where zone 31 begins only at 300 km: its outermost
// cells stay. 31UGQ's are covered by zone 32 and left out.
TEST(BatchGrids, CellsThatTheNextZoneCoversAreLeftOut) {
  const auto scheme = batch_tiling(0);
  const auto rows_of_dots = [&](const char* name) {
    const MgrsSquare square = *parse_square(name);
    const size_t zone = zone_of(*scheme, square.zone.name());
    std::string dots;
    for (int64_t row = 4; row >= 0; --row)
      for (int64_t column = 0; column < 5; ++column)
        dots +=
            scheme->has_cell(zone, square.column * 5 + column, square.row * 5 + row) ? '#' : '.';
    return dots;
  };
  EXPECT_EQ(rows_of_dots("30TYN"), "#########################");
  EXPECT_EQ(rows_of_dots("30TYP"), "#########################");
  EXPECT_EQ(rows_of_dots("30TYQ"), "####.####.####.####.####.");
  EXPECT_EQ(rows_of_dots("30TYS"), "###..###..####.####.####.");
  EXPECT_EQ(rows_of_dots("31UGP"), "###..###..###..###..###..");
}

TEST(BatchGrids, TheOthers) {
  const Box somewhere{350000, 4830000, 352000, 4832000};
  expect_box(box_named(*batch_tiling(1), "31N", "31TCJ_5_6", somewhere), 350000, 4830000, 360000,
             4840000);
  expect_box(box_named(*batch_tiling(2), "31N", "31TCJ_0_0", somewhere), 300000, 4799940, 400080,
             4900020);
  const auto degrees = batch_tiling(3);
  EXPECT_EQ(degrees->cell_name(0, 25, 13), "N13E025");
  EXPECT_EQ(degrees->cell_name(0, -1, -1), "S01W001");
  expect_box(degrees->cell_box(0, -1, -1), -1, -1, 0, 0);
  EXPECT_EQ(degrees->range_over(0, {-200, -100, 200, 100}).first_column, -180);
  EXPECT_EQ(degrees->range_over(0, {-200, -100, 200, 100}).last_row, 89);
  EXPECT_EQ(batch_tiling(6)->cell_name(0, 43, 25), "100kmE43N25");
  expect_box(batch_tiling(6)->cell_box(0, 43, 25), 4300000, 2500000, 4400000, 2600000);
  EXPECT_EQ(batch_tiling(7)->cell_name(0, 216, 126), "20kmE432N252");
  expect_box(batch_tiling(7)->cell_box(0, 216, 126), 4320000, 2520000, 4340000, 2540000);
  EXPECT_THROW(batch_tiling(4), Error);
}

TEST(Granules, OverlapAndAreNamedBySquare) {
  const auto scheme = granule_tiling();
  const size_t zone = zone_of(*scheme, "31N");
  // In the strip that four granules share.
  const CellRange range = scheme->range_over(zone, {401000, 4805000, 402000, 4806000});
  std::set<std::string> names;
  for (int64_t column = range.first_column; column <= range.last_column; ++column)
    for (int64_t row = range.first_row; row <= range.last_row; ++row)
      if (scheme->cell_box(zone, column, row).intersects({401000, 4805000, 402000, 4806000}))
        names.insert(scheme->cell_name(zone, column, row));
  EXPECT_EQ(names, (std::set<std::string>{"31TCJ", "31TDJ"}));
  expect_box(box_named(*scheme, "31N", "31TCJ", {350000, 4850000, 351000, 4851000}), 300000,
             4790220, 409800, 4900020);
}

// Against morecantile's WebMercatorQuad.
TEST(WebMercator, TilesOfTheWeb) {
  const auto scheme = web_mercator_tiling(10);
  const int64_t row = 1023 - 361;
  EXPECT_EQ(scheme->cell_name(0, 523, row), "10_523_361");
  const Box box = scheme->cell_box(0, 523, row);
  EXPECT_NEAR(box.min_x, 430493.3433021121, 1e-6);
  EXPECT_NEAR(box.max_y, 5909499.530783547, 1e-6);
  EXPECT_EQ(scheme->range_over(0, {-3e7, -3e7, 3e7, 3e7}).last_column, 1023);
  EXPECT_EQ(web_mercator_tiling(0)->range_over(0, {-3e7, -3e7, 3e7, 3e7}).last_row, 0);
  EXPECT_THROW(web_mercator_tiling(25), Error);
  EXPECT_THROW(web_mercator_tiling(-1), Error);
}

Overlap with_box(const Box& area, const Box& box) {
  if (!area.intersects(box)) return Overlap::none;
  const bool inside = area.min_x <= box.min_x && area.min_y <= box.min_y &&
                      box.max_x <= area.max_x && box.max_y <= area.max_y;
  return inside ? Overlap::all : Overlap::some;
}

TEST(Cover, FewQuestionsForManyCells) {
  const auto scheme = lattice_tiling({"EPSG:32631", 0, 0, 10, 10});
  const Box area{5, 5, 9995, 9995};
  int64_t questions = 0;
  const auto runs = cover(*scheme, 0, scheme->range_over(0, area), [&](const Box& box) {
    ++questions;
    return with_box(area, box);
  });
  ASSERT_EQ(runs.size(), 1000U);
  EXPECT_EQ(runs.front(), (CellRun{0, 0, 999}));
  EXPECT_EQ(runs.back(), (CellRun{999, 0, 999}));
  EXPECT_LT(questions, 20000);
}

TEST(Cover, HolesAndEmptyRanges) {
  const auto scheme = lattice_tiling({"EPSG:32631", 0, 0, 10, 10});
  const auto ring = [](const Box& box) {
    const Box outer{0, 0, 50, 50}, hole{10, 10, 40, 40};
    if (with_box(outer, box) == Overlap::none || with_box(hole, box) == Overlap::all)
      return Overlap::none;
    return with_box(hole, box) == Overlap::none ? with_box(outer, box) : Overlap::some;
  };
  const auto runs = cover(*scheme, 0, {0, 4, 0, 4}, ring);
  const std::vector<CellRun> expected{{0, 0, 4}, {1, 0, 0}, {1, 4, 4}, {2, 0, 0},
                                      {2, 4, 4}, {3, 0, 0}, {3, 4, 4}, {4, 0, 4}};
  EXPECT_EQ(runs, expected);
  EXPECT_TRUE(cover(*scheme, 0, {}, ring).empty());
}

}  // namespace
}  // namespace geoloom::geo
