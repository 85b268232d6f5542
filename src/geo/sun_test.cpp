// SPDX-License-Identifier: Apache-2.0
#include "geo/sun.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom::geo {
namespace {

SunPosition sun(const char* time, double lon, double lat) {
  return sun_position(parse_time(time).value(), {lon, lat});
}

// What the producers of Sentinel-2 scenes say of the middle of their granules, whose place is known
// here to half a granule only: about half a degree.
TEST(Sun, IsWhereScenesSayItWas) {
  struct Told {
    const char* time;
    double azimuth, elevation;
  };
  for (const auto& [time, azimuth, elevation] : {Told{"2018-02-08T11:02:11Z", 164.809, 22.911},
                                                 {"2018-04-21T10:56:29Z", 160.071, 49.536},
                                                 {"2018-06-20T10:52:11Z", 153.661, 60.477},
                                                 {"2018-09-06T11:05:21Z", 165.232, 44.552}}) {
    const auto found = sun(time, 3.02, 50.82);
    EXPECT_NEAR(found.azimuth_deg, azimuth, 1.2) << time;
    EXPECT_NEAR(found.elevation_deg, elevation, 0.6) << time;
  }
}

// Meeus, example 25.a: on 1992-10-13 at 0h the apparent right ascension is 198.38083 degrees and
// the declination -7.78507; Greenwich's sidereal time is then 21.8013 degrees (chapter 12). From
// the meridian at which the hour angle is 0 the sun stands due south at 90 - latitude +
// declination.
TEST(Sun, AgreesWithAWorkedExample) {
  const double noon_lon = 198.38083 - 21.8013;  // east of Greenwich
  const auto found = sun("1992-10-13T00:00:00Z", noon_lon, 40);
  EXPECT_NEAR(found.elevation_deg, 90 - 40 - 7.78507, 0.01);
  EXPECT_NEAR(found.azimuth_deg, 180, 0.05);
}

TEST(Sun, GoesRoundTheSky) {
  // Equinox on the equator: up in the east, overhead, down in the west, below at night.
  EXPECT_NEAR(sun("2020-03-20T06:07:30Z", 0, 0).azimuth_deg, 90, 0.3);
  EXPECT_NEAR(sun("2020-03-20T06:07:30Z", 0, 0).elevation_deg, 0, 0.3);
  EXPECT_GT(sun("2020-03-20T12:07:30Z", 0, 0).elevation_deg, 89.5);
  EXPECT_NEAR(sun("2020-03-20T18:07:30Z", 0, 0).azimuth_deg, 270, 0.3);
  EXPECT_LT(sun("2020-03-20T00:07:30Z", 0, 0).elevation_deg, -89);
  // Noon: in the south from Europe, in the north from South Africa; at midnight of the arctic
  // summer it stands in the north.
  EXPECT_NEAR(sun("2020-06-21T12:01:50Z", 0, 50).azimuth_deg, 180, 0.5);
  const auto cape = sun("2020-06-21T12:01:50Z", 0, -34);
  EXPECT_TRUE(cape.azimuth_deg < 0.5 || cape.azimuth_deg > 359.5) << cape.azimuth_deg;
  EXPECT_GT(sun("2020-06-21T00:01:50Z", 0, 70).elevation_deg, 3);
  // Longitudes beyond 180 degrees mean the same place.
  EXPECT_EQ(sun("2020-06-21T01:02:03Z", 190, 10), sun("2020-06-21T01:02:03Z", -170, 10));
}

// On the map of the Arctic that looks down on the pole from 45 degrees west, north is to the pole.
TEST(Sun, AzimuthsTurnWithTheGrid) {
  const Grid arctic{Crs::parse("EPSG:3413"), 0, 0, 10, 20, 100, 100};
  const auto at_its_meridian = azimuth_on_grid(0, {-45, 75}, arctic);
  EXPECT_NEAR(at_its_meridian.columns, 0, 1e-4);
  EXPECT_NEAR(at_its_meridian.rows, -0.05, 0.001);  // up, where pixels are 20 m high
  const auto a_quarter_east = azimuth_on_grid(0, {45, 75}, arctic);
  EXPECT_NEAR(a_quarter_east.columns, -0.1, 0.002);
  EXPECT_NEAR(a_quarter_east.rows, 0, 1e-4);
  const auto east = azimuth_on_grid(90, {45, 75}, arctic);
  EXPECT_NEAR(east.columns, 0, 1e-3);
  EXPECT_NEAR(east.rows, -0.05, 0.001);
  EXPECT_THROW((void)azimuth_on_grid(90, {45, 89.95}, arctic), Error);
  // Over the antimeridian as anywhere else.
  const Grid fiji{Crs::parse("EPSG:32760"), 0, 0, 10, 10, 100, 100};
  EXPECT_NEAR(azimuth_on_grid(90, {179.9999, -17}, fiji).columns,
              azimuth_on_grid(90, {179.9, -17}, fiji).columns, 1e-5);
}

}  // namespace
}  // namespace geoloom::geo
