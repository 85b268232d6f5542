// SPDX-License-Identifier: Apache-2.0
#include "geo/crs.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "error/error.h"

namespace geoloom::geo {
namespace {

constexpr const char* kEsriUtm31 =
    R"wkt(PROJCS["WGS_1984_UTM_Zone_31N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",
    SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],
    UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],
    PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],
    PARAMETER["Central_Meridian",3.0],PARAMETER["Scale_Factor",0.9996],
    PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]])wkt";
constexpr const char* kModisSinusoidal =
    R"wkt(PROJCS["unnamed",GEOGCS["Unknown datum based upon the custom spheroid",
    DATUM["Not specified (based on custom spheroid)",SPHEROID["Custom spheroid",6371007.181,0]],
    PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Sinusoidal"],
    PARAMETER["longitude_of_center",0],PARAMETER["false_easting",0],
    PARAMETER["false_northing",0],UNIT["Meter",1]])wkt";

TEST(Crs, ParsesAuthorityCodes) {
  const Crs crs = Crs::parse("EPSG:32631");
  EXPECT_TRUE(crs.known());
  EXPECT_EQ(crs.code(), "EPSG:32631");
  EXPECT_EQ(crs.name(), "EPSG:32631");
  EXPECT_FALSE(crs.geographic());
  EXPECT_EQ(crs.wkt().find('\n'), std::string::npos);
  EXPECT_TRUE(Crs::parse("EPSG:4326").geographic());
  EXPECT_EQ(Crs::parse("urn:ogc:def:crs:EPSG::32631").code(), "EPSG:32631");
}

TEST(Crs, KnowsItsUnit) {
  EXPECT_EQ(Crs::parse("EPSG:32631").metres_per_unit(), 1);
  EXPECT_NEAR(Crs::parse("EPSG:2229").metres_per_unit(), 0.3048006, 1e-7);  // US survey feet
  EXPECT_EQ(Crs::parse("EPSG:4326").metres_per_unit(), 0);
  EXPECT_EQ(Crs().metres_per_unit(), 0);
}

TEST(Crs, OneDefinitionForAllDialects) {
  const Crs crs = Crs::parse("EPSG:32631");
  const Crs from_wkt = Crs::parse(crs.wkt());
  EXPECT_EQ(from_wkt.wkt(), crs.wkt());
  const Crs esri = Crs::parse(kEsriUtm31);
  EXPECT_EQ(esri.code(), "EPSG:32631");
  EXPECT_EQ(esri.wkt(), crs.wkt());
  EXPECT_EQ(Crs::parse("OGC:CRS84").code(), "EPSG:4326");
  EXPECT_EQ(Crs::parse("+proj=utm +zone=31 +datum=WGS84 +units=m"), crs);
}

TEST(Crs, DropsTheDatumShiftOfABoundCrs) {
  const std::string bound = "BOUNDCRS[SOURCECRS[" + Crs::parse("EPSG:32631").wkt() +
                            "],TARGETCRS[" + Crs::parse("EPSG:4326").wkt() +
                            R"wkt(],ABRIDGEDTRANSFORMATION["shift",
    METHOD["Geocentric translations (geog2D domain)",ID["EPSG",9603]],
    PARAMETER["X-axis translation",0,ID["EPSG",8605]],
    PARAMETER["Y-axis translation",0,ID["EPSG",8606]],
    PARAMETER["Z-axis translation",0,ID["EPSG",8607]]]])wkt";
  EXPECT_EQ(Crs::parse(bound).code(), "EPSG:32631");
}

TEST(Crs, KeepsTheMapPlaneOfACompound) {
  EXPECT_EQ(Crs::parse("EPSG:32631+5773").code(), "EPSG:32631");
}

TEST(Crs, KeepsADefinitionWithoutCode) {
  const Crs crs = Crs::parse(kModisSinusoidal);
  EXPECT_TRUE(crs.known());
  EXPECT_EQ(crs.code(), "");
  EXPECT_EQ(crs.name(), crs.wkt());
  EXPECT_EQ(Crs::parse(crs.wkt()), crs);
  EXPECT_NE(crs, Crs::parse("EPSG:4326"));
}

TEST(Crs, RefusesWhatIsNone) {
  for (const char* text : {"", "EPSG:99999999", "a raster", "{}", "EPSG:5773", "EPSG:4978",
                           "+proj=pipeline +step +proj=utm +zone=31",
                           "+proj=longlat +nadgrids=/etc/passwd", "+init=epsg:4326"}) {
    try {
      Crs::parse(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid) << text;
      EXPECT_FALSE(error.hint().empty());
    }
  }
  EXPECT_THROW(Crs::parse(std::string(100000, 'A')), Error);
  EXPECT_THROW(Crs::parse(std::string("EPSG:4326\0x", 11)), Error);
}

TEST(Crs, ComparesByMeaning) {
  EXPECT_EQ(Crs(), Crs());
  EXPECT_NE(Crs(), Crs::parse("EPSG:4326"));
  EXPECT_NE(Crs::parse("EPSG:32631"), Crs::parse("EPSG:32632"));
}

TEST(Crs, TransformsInGisOrder) {
  const LonLat centre = to_lon_lat(Crs::parse("EPSG:32631"), 500000, 0);
  EXPECT_NEAR(centre.lon, 3, 1e-9);
  EXPECT_NEAR(centre.lat, 0, 1e-9);
  const LonLat same = to_lon_lat(Crs::parse("EPSG:4326"), 12.5, -33.25);
  EXPECT_EQ(same.lon, 12.5);
  EXPECT_EQ(same.lat, -33.25);
  const XY back = from_lon_lat(Crs::parse("EPSG:32631"), 3, 45);
  EXPECT_NEAR(back.x, 500000, 1e-6);
  EXPECT_NEAR(back.y, 4982950.4, 0.1);
  const LonLat modis = to_lon_lat(Crs::parse(kModisSinusoidal), 0, 1111950.519667);
  EXPECT_NEAR(modis.lat, 10, 0.1);
}

TEST(Crs, TransformErrors) {
  EXPECT_THROW(to_lon_lat(Crs(), 0, 0), Error);
  EXPECT_THROW(from_lon_lat(Crs::parse("EPSG:3857"), 0, 95), Error);
  EXPECT_THROW(to_lon_lat(Crs::parse("EPSG:32631"), 1e30, 1e30), Error);
}

TEST(Crs, ThreadsMayShareValues) {
  const Crs crs = Crs::parse("EPSG:32633");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&crs] {
      for (int n = 0; n < 50; ++n) {
        const XY xy = from_lon_lat(crs, 15 + n * 0.01, 40);
        const LonLat back = to_lon_lat(crs, xy.x, xy.y);
        EXPECT_NEAR(back.lat, 40, 1e-8);
        EXPECT_EQ(Crs::parse("EPSG:32633"), crs);
      }
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace geoloom::geo
