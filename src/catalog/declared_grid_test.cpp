// SPDX-License-Identifier: Apache-2.0
#include "catalog/declared_grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace geoloom::catalog {
namespace {

using testing::HasSubstr;

gdal::RasterInfo file() {
  gdal::RasterInfo info;
  info.width = 20;
  info.height = 10;
  info.grid = geo::Grid{geo::Crs::parse("EPSG:32631"), 600000, 4900020, 10, 10, 20, 10};
  return info;
}

TEST(DeclaredGrid, AgreesOrSaysNothing) {
  EXPECT_EQ(contradiction_of({}, file()), "");
  EXPECT_EQ(contradiction_of({"EPSG:32631", {10, 0, 600000, 0, -10, 4900020}, {10, 20}}, file()),
            "");
  EXPECT_EQ(contradiction_of({"", {10, 0, 600000.2, 0, -10, 4900020, 0, 0, 1}, {10, 20}}, file()),
            "");
  EXPECT_EQ(contradiction_of({geo::Crs::parse("EPSG:32631").wkt(), {}, {}}, file()), "");
}

TEST(DeclaredGrid, WhatIsWrong) {
  EXPECT_THAT(contradiction_of({"", {}, {20, 10}}, file()), HasSubstr("columns before rows"));
  EXPECT_THAT(contradiction_of({"", {}, {5, 5}}, file()), HasSubstr("5 x 5"));
  EXPECT_THAT(contradiction_of({"", {600000, 10, 0, 4900020, 0, -10}, {}}, file()),
              HasSubstr("GDAL's order"));
  EXPECT_THAT(contradiction_of({"", {10, 0, 600010, 0, -10, 4900020}, {}}, file()),
              HasSubstr("600010"));
  EXPECT_THAT(contradiction_of({"EPSG:32632", {}, {}}, file()), HasSubstr("EPSG:32632"));
  EXPECT_THAT(contradiction_of({"EPSG:nonsense", {}, {}}, file()), HasSubstr("not understood"));
}

}  // namespace
}  // namespace geoloom::catalog
