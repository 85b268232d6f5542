// SPDX-License-Identifier: Apache-2.0
// Which slices of a series make which slice of a result: the `every` and `within` of reducers.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "raster/cube.h"
#include "workflow/period_parameter.h"

namespace geoloom::ops {

// Slices [first, first + count) of the input go to one slice of the output; none where a period has
// no scenes.
struct TimeCell {
  raster::Slice slice;
  size_t first = 0;
  size_t count = 0;
};

class TimeCells {
 public:
  void declare(workflow::Parameters& parameters);
  void check(std::string_view op) const;
  bool given() const { return every_.has_value(); }
  // Without `every` one cell of all slices, which need no times then; its slice has no label. With
  // it a slice belongs to each period that its start lies in. Throws Error(invalid) for slices
  // without time or out of its order.
  std::vector<TimeCell> cells(const raster::CubeSchema& input, std::string_view op) const;

 private:
  std::optional<geo::PeriodRule> every_;
  std::optional<geo::Period> within_;
};

// Throws Error(invalid) for slices without time or out of its order, for `op.every` and ops that
// need dates.
void require_ordered_times(const raster::CubeSchema& input, std::string_view who);

}  // namespace geoloom::ops
