// SPDX-License-Identifier: Apache-2.0
// The `aoi` of a document's area: a shape on the Earth from a vector file or a bounding box.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gdal/geometry.h"
#include "workflow/parameters.h"

namespace geoloom::workflow {

// "120 m", "2 km" or "12 px".
struct Length {
  double value = 0;
  bool pixels = false;
};
// Throws value.error() for anything else.
Length parse_length(std::string_view text, const Value& value);
double parse_metres(std::string_view text, const Value& value);  // refuses pixels

struct AreaOfInterestParameter {
  std::optional<std::string> file;
  std::vector<double> bbox;
  std::optional<std::string> crs, layer, where, buffer, simplify;
  bool repair = false;
  std::string outside = "refuse";
  void declare(Parameters& parameters);
};

// A valid shape with an area.
struct AreaOfInterest {
  std::string source;  // what messages call it
  gdal::Geometry shape;
  geo::Crs crs;
  // The same in WGS84 degrees, every vertex by itself, within -180..180 and cut at the
  // antimeridian.
  gdal::Geometry lon_lat;
  bool drop_outside = false;  // what a grid cannot show is left out instead of refused

  // The shape in a CRS with its edges followed closely: those of a geographic CRS are straight in
  // degrees. Throws Error(invalid) when a part has no place there.
  gdal::Geometry in(const geo::Crs& target) const;
};

// Reads, unites, repairs or refuses, buffers and simplifies, in this order. Throws Error(invalid):
// nothing is left, an invalid polygon with its reason and place, no CRS, degrees that are none, an
// edge that may or may not cross the antimeridian.
AreaOfInterest resolve_area_of_interest(const AreaOfInterestParameter& given, const Value& value);

}  // namespace geoloom::workflow
