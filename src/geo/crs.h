// SPDX-License-Identifier: Apache-2.0
// A coordinate reference system as a value. The only place (with crs.cpp) where PROJ is named.
#pragma once

#include <string>
#include <string_view>

namespace geoloom::geo {

class Crs {
 public:
  Crs() = default;  // unknown: no CRS
  // "EPSG:32631", WKT 1 or 2, PROJJSON. Throws Error(invalid) when PROJ does not understand it. A
  // WKT without an authority code is identified against the database (confidence 90 or more), so
  // that a BOUNDCRS or ESRI WKT of a known system gets its code; the datum shift of a BOUNDCRS is
  // dropped.
  static Crs parse(std::string_view text);

  bool known() const { return !wkt_.empty(); }
  const std::string& code() const { return code_; }  // "EPSG:32631"; empty if there is none
  const std::string& wkt() const { return wkt_; }    // WKT2:2019, single line
  std::string name() const { return code_.empty() ? wkt_ : code_; }  // for fingerprints
  bool geographic() const { return geographic_; }                    // units are degrees
  // Equal codes, or equivalent definitions by PROJ ignoring axis order. Unknown equals unknown.
  friend bool operator==(const Crs& a, const Crs& b);

 private:
  std::string code_, wkt_;
  bool geographic_ = false;
};

struct LonLat {
  double lon, lat;  // WGS84 degrees
};
// x, y in GIS order (east, north) whatever the axis order of the CRS. Throws Error(invalid) for an
// unknown CRS or a point that cannot be transformed. Thread-safe.
LonLat to_lon_lat(const Crs& crs, double x, double y);
struct XY {
  double x, y;
};
XY from_lon_lat(const Crs& crs, double lon, double lat);

}  // namespace geoloom::geo
