// SPDX-License-Identifier: Apache-2.0
// The dates an op of a series gives values for: parameters `every`, `within` and `dates`.
#pragma once

#include <string_view>
#include <vector>

#include "ops/time_cells.h"
#include "raster/cube.h"
#include "workflow/parameters.h"

namespace geoloom::ops {

class WantedDates {
 public:
  void declare(workflow::Parameters& parameters);
  // Throws Error(invalid) for dates that do not ascend, and where they are given in two ways.
  void check(std::string_view op) const;
  bool given() const { return cells_.given() || !dates_.empty(); }
  // One slice per date: the starts of the periods of `every`, the dates listed, or those of the
  // input, each once, with the labels they have there.
  std::vector<raster::Slice> slices(const raster::CubeSchema& input, std::string_view op) const;

 private:
  TimeCells cells_;
  std::vector<geo::Period> dates_;
};

// Their times, in milliseconds.
std::vector<double> milliseconds(const std::vector<raster::Slice>& slices);

}  // namespace geoloom::ops
