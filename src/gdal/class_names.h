// SPDX-License-Identifier: Apache-2.0
// How files say what the classes of a band are called. A GeoTIFF has no tag for it: GDAL, and QGIS
// through it, look into a second file beside it, "<file>.aux.xml". So names are written twice: as a
// metadata item of the band, which stays in the file whatever becomes of it and is what is read
// back, and as the second file, which is for other programs. GDAL is told not to look for second
// files here (anybody could put one beside a scene).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom::gdal {

using ClassNamesByValue = std::map<int64_t, std::string>;

// The band's metadata item: {"0":"bare","1":"green"}.
inline constexpr const char* kClassNamesItem = "CLASS_NAMES";
std::string class_names_text(const ClassNamesByValue& names);
// Empty for what is no such text: files of others may have an item of that name.
ClassNamesByValue class_names_of(std::string_view text);

// The ending of the second file's name, after that of the raster.
inline constexpr const char* kAttributesEnding = ".aux.xml";

struct NamedClasses {
  int band = 1;  // from 1
  ClassNamesByValue names;
  std::vector<std::array<uint8_t, 3>> colours;  // by value; may be empty
};
// The second file: a raster attribute table for each band (value, name and, where there are any,
// red, green and blue), and its list of categories where all values are 0 .. 255.
std::string attributes_file(const std::vector<NamedClasses>& bands);

}  // namespace geoloom::gdal
