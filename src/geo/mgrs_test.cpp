// SPDX-License-Identifier: Apache-2.0
#include "geo/mgrs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace geoloom::geo {
namespace {

TEST(UtmZones, NorthComesBeforeSouth) {
  const auto zones = all_utm_zones();
  ASSERT_EQ(zones.size(), 120U);
  EXPECT_EQ(zones[30].name(), "31N");
  EXPECT_EQ(zones[30].crs_code(), "EPSG:32631");
  EXPECT_EQ(zones[60].crs_code(), "EPSG:32701");
  EXPECT_EQ(zones[0].west(), -180);
  EXPECT_EQ(zones[119].strip_box().max_x, 180);
}

TEST(UtmZones, AStripHasAVertexAtEveryDegree) {
  const auto north = UtmZone{31, true}.strip();
  EXPECT_EQ(north.size(), static_cast<size_t>(2 * (6 + 84) + 1));
  EXPECT_EQ(north.front().x, north.back().x);
  const auto south = UtmZone{31, false}.strip();
  EXPECT_EQ(south.size(), static_cast<size_t>(2 * (6 + 80) + 1));
}

TEST(Squares, NamesGoBothWays) {
  for (const std::string name : {"31TCJ", "30TVT", "31TCG", "01KAB", "07HFE", "33XWJ", "01WCP",
                                 "46RER", "32VNM", "60CWS", "55HFA", "60NXF"}) {
    const auto square = parse_square(name);
    ASSERT_TRUE(square) << name;
    EXPECT_EQ(square->name(), name);
  }
  EXPECT_EQ(parse_square("T31TCJ"), parse_square("31TCJ"));
}

TEST(Squares, WhatIsNoSquare) {
  for (const char* name :
       {"", "31TC", "31TCJJ", "00TCJ", "61TCJ", "31ICJ", "31TIJ", "31TCI", "X1TCJ", "U31TCJ"})
    EXPECT_FALSE(parse_square(name)) << name;
}

// Upper left corners of published Sentinel-2 products.
TEST(Granules, BeginWhereTheProductsDo) {
  const auto corner = [](const char* name) { return granule_corner(*parse_square(name)); };
  const auto expect = [&](const char* name, double x, double y) {
    EXPECT_EQ(corner(name).x, x) << name;
    EXPECT_EQ(corner(name).y, y) << name;
  };
  expect("31TCJ", 300000, 4900020);
  expect("30TVT", 399960, 5300040);
  expect("31TCG", 300000, 4700040);
  expect("33XWJ", 499980, 8900040);
  expect("01WCP", 300000, 7400040);
  expect("46RER", 499980, 3100020);
  // In the south multiples of 60 m count from the equator, not from the false northing.
  expect("01KAB", 99960, 8200000);
  expect("07HFE", 600000, 6500020);
  const Box box = granule_box(*parse_square("31TCJ"));
  EXPECT_EQ(box.max_x - box.min_x, 109800);
  EXPECT_EQ(box.min_y, 4900020 - 109800);
}

// FNV-1a of the sorted names, each followed by a line feed.
uint64_t hash_of(const std::vector<std::string>& names) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add = [&](char c) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  };
  for (const auto& name : names) {
    std::for_each(name.begin(), name.end(), add);
    add('\n');
  }
  return hash;
}

TEST(Granules, AreThoseOfThePublishedList) {
  std::vector<std::string> names;
  for (const auto& zone : all_utm_zones()) {
    for (int row = 0; row < 100; ++row) {
      const auto columns = granule_columns(zone, row);
      if (!columns) continue;
      for (int column = columns->first; column <= columns->second; ++column)
        names.push_back(MgrsSquare{zone, column, row}.name());
    }
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names.size(), 56686U);
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
  EXPECT_EQ(names.front(), "01CCV");
  // Of the names in ESA's tiling grid (KML of 2015-06-22).
  EXPECT_EQ(hash_of(names), 0x317e39a2df431c2bULL);
}

}  // namespace
}  // namespace geoloom::geo
