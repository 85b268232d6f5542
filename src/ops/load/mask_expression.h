// SPDX-License-Identifier: Apache-2.0
// Rules of `load.mask` that are conditions on the loaded bands, such as  blue > 0.12 and ndsi > 0.4
// . Bands count with their physical values (stored * scale + offset) in double precision, on the
// pixels of the area's grid: after scenes were brought onto it, each scene by itself.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/expression.h"
#include "ops/load/mask_rules.h"
#include "raster/cube.h"

namespace geoloom::ops {

// Parses a condition. Throws Error(invalid) that shows where it is wrong; `name` is what messages
// call the rule.
kernels::Expression parse_condition(const std::string& text, const std::string& name);

// The conditions of a mask on the bands of a series; an immutable value.
class MaskExpressions {
 public:
  MaskExpressions() = default;
  // Throws Error(invalid) for a name that is none of the bands.
  MaskExpressions(const MaskRules& rules, const std::vector<raster::Band>& bands);

  bool empty() const { return conditions_.empty(); }
  // Clears the validity bytes of a slice's pixels for which a condition holds.
  void erase(raster::Block& block, size_t slice) const;
  // Why a pixel with these stored values of the bands is taken out; empty when it is not.
  std::string reason(const std::vector<std::pair<std::string, double>>& values) const;

 private:
  struct Condition {
    std::string text;
    kernels::Expression expression;
    std::vector<size_t> bands;  // by name of the expression
  };
  struct Physical {
    double scale, offset;
  };
  std::vector<Condition> conditions_;
  std::vector<Physical> physical_;  // by band
};

}  // namespace geoloom::ops
