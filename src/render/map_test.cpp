// SPDX-License-Identifier: Apache-2.0
#include "render/map.h"

#include <gtest/gtest.h>

#include <fstream>

#include "error/error.h"
#include "gdal/dataset.h"
#include "raster/test_folder.h"

namespace geoloom::render {
namespace {

// What is drawn is compared with rasterio in tests/properties/maps_test.py; here is what is
// refused.
class MapTest : public testing::Test {
 protected:
  void SetUp() override { gdal::initialise(); }
  static ErrorCode error_of(const std::string& place) {
    raster::AssetPool pool(4);
    try {
      (void)Map::open(place, pool);
    } catch (const Error& error) {
      EXPECT_FALSE(error.place().file.empty()) << error.what();
      return error.code();
    }
    ADD_FAILURE() << "opened: " << place;
    return ErrorCode::internal;
  }
  TestFolder folder;
};

TEST_F(MapTest, PlacesThatHoldNoMap) {
  EXPECT_EQ(error_of(folder / "nowhere"), ErrorCode::missing);
  EXPECT_EQ(error_of(folder.path()), ErrorCode::missing);
  std::ofstream(folder / "broken.tif") << "II*";
  EXPECT_NE(error_of(folder / "broken.tif"), ErrorCode::internal);
  EXPECT_NE(error_of(folder.path()), ErrorCode::internal);
}

}  // namespace
}  // namespace geoloom::render
