// SPDX-License-Identifier: Apache-2.0
// What `design` writes into each row of its file and `assess` reads back: how the sample was drawn.
// It travels as a text in a column, so it survives whatever program the labels are made with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace geoloom::ops {

struct DesignedStratum {
  std::string name;
  uint64_t units = 0;    // pixels of the map
  uint64_t sampled = 0;  // drawn
  double square_metres = 0;
};

struct SampleDesign {
  std::string map;       // the layer
  bool by_class = true;  // strata are the map's classes
  uint64_t seed = 0;
  std::vector<std::string> classes;
  std::vector<DesignedStratum> strata;

  double square_metres() const;
  std::string text() const;
  // Throws Error(invalid).
  static SampleDesign parse(const std::string& text);
};

// Names of columns.
inline constexpr const char* kDesignColumn = "design";
inline constexpr const char* kStratumColumn = "stratum";
inline constexpr const char* kMappedColumn = "mapped";
inline constexpr const char* kLabelColumn = "label";
inline constexpr const char* kUnitColumn = "unit";

}  // namespace geoloom::ops
