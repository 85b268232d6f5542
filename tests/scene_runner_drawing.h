// SPDX-License-Identifier: Apache-2.0
// Tiny rasters as text: what a scene file draws, and how results are drawn back for people.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "workflow/value.h"

namespace geoloom::scene_runner {

// Nothing where the pixel is invalid.
using Cell = std::optional<double>;

struct Plane {
  int64_t width = 0, height = 0;
  std::vector<Cell> cells;  // row by row
  friend bool operator==(const Plane&, const Plane&) = default;
};

// What a character or a word of a grid stands for: one value, or one for each band.
class Legend {
 public:
  Legend() = default;
  explicit Legend(const workflow::Value& map);
  // Digits and numbers stand for themselves, '.' for an invalid pixel. Throws Error(invalid) at
  // `where`.
  std::vector<Cell> cells(const std::string& word, size_t bands,
                          const workflow::Value& where) const;
  // The character that stands for these values; nothing when there is none.
  std::optional<char> character(const std::vector<Cell>& values) const;

 private:
  std::map<std::string, std::vector<Cell>> entries_;
};

// A grid as a text or as a list of rows. In a text every character is a cell, unless one of its
// rows has blanks: then cells are words, parted by blanks. One plane per band.
std::vector<Plane> parse_grid(const workflow::Value& grid, const Legend& legend, size_t bands);

// With the legend's characters where they suffice, else in numbers.
std::string draw(const std::vector<Plane>& bands, const Legend& legend);

// A number, `.` for invalid. Throws Error(invalid) at the value.
Cell parse_cell(const workflow::Value& value);

}  // namespace geoloom::scene_runner
