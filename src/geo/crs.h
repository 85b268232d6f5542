// SPDX-License-Identifier: Apache-2.0
// A coordinate reference system as a value. The only place (with crs.cpp) where PROJ is named.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace geoloom::geo {

// Cheap to copy: copies share one definition, and grids are made by the million.
class Crs {
 public:
  Crs() = default;  // unknown: no CRS
  // "EPSG:32631", WKT 1 or 2, PROJJSON. Throws Error(invalid) when PROJ does not understand it. A
  // WKT without an authority code is identified against the database (confidence 90 or more), so
  // that a BOUNDCRS or ESRI WKT of a known system gets its code; the datum shift of a BOUNDCRS is
  // dropped.
  static Crs parse(std::string_view text);

  bool known() const { return !wkt().empty(); }
  const std::string& code() const { return definition_->code; }  // "EPSG:32631"; "" without one
  const std::string& wkt() const { return definition_->wkt; }    // WKT2:2019, single line
  std::string name() const { return code().empty() ? wkt() : code(); }  // for fingerprints
  bool geographic() const { return definition_->geographic; }           // units are degrees
  // Of a projected system: 1, or 0.3048 for feet. 0 when units are degrees or the CRS is unknown.
  double metres_per_unit() const { return definition_->metres_per_unit; }
  // Equal codes, or equivalent definitions by PROJ ignoring axis order. Unknown equals unknown.
  friend bool operator==(const Crs& a, const Crs& b);

 private:
  struct Definition {
    std::string code, wkt;
    bool geographic = false;
    double metres_per_unit = 0;
  };
  static const std::shared_ptr<const Definition>& unknown();
  std::shared_ptr<const Definition> definition_ = unknown();
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
