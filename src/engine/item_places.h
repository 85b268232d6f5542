// SPDX-License-Identifier: Apache-2.0
// Where the items of a run lie and what they are called, so compactly that a page can hold those
// of a hundred thousand: columns of whole numbers as differences, runs of equal differences once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workflow/run.h"

namespace geoloom::engine {

// [d0, n0, d1, n1, ...]: n0 times the difference d0 to the number before (0 before the first), then
// n1 times d1 ...
std::vector<int64_t> run_lengths_of_differences(const std::vector<int64_t>& numbers);
// "d12fd3": twelve times 'd', one 'f', three times 'd'. Letters only.
std::string run_lengths_of_letters(const std::string& letters);

// More names than this are left out, so that a page stays small.
inline constexpr size_t kMostNamesOfItems = 150'000;

// {"crs", "zones", "places", "names", "steps"}:
// - zones: name, CRS, origin and pixel size in it and, where the run has several zones, a lattice
// of
//   longitudes and latitudes (WGS84 degrees, row by row, `lattice` cells along each side of the
//   grid) to draw them on one map; `crs` is that of the map: the zone's own, or "lon/lat".
// - places: zone, x, y, width, height (pixels of the zone's grid): distinct windows of items.
// - names: distinct texts; empty when there are more than kMostNamesOfItems, `names_left_out` then
//   says how many.
// - steps: for each item its place and the two texts its name is joined of.
workflow::OrderedJson item_places(const workflow::Run& run);

}  // namespace geoloom::engine
