// SPDX-License-Identifier: Apache-2.0
// Rules of `load.mask` that are conditions on the loaded bands, such as  blue > 0.12 and ndsi > 0.4
// . Bands count with their physical values (stored * scale + offset) in double precision, on the
// pixels of the area's grid: after scenes were brought onto it, each scene by itself. A rule may
// clean the mask that its condition makes, on the same pixels: those that are invalid already do
// not hold it, and do not grow.
// A condition may be asked for in shadows of clouds only, which somebody else tells.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/expression.h"
#include "ops/load/mask_rules.h"
#include "raster/cube.h"

namespace geoloom::ops {

// Parses a condition. Throws Error(invalid) that shows where it is wrong; `name` is what messages
// call it.
kernels::Expression parse_condition(const std::string& text, const std::string& name);

// The conditions of a mask on the bands of a series, on the grid of a zone; an immutable value.
class MaskExpressions {
 public:
  MaskExpressions() = default;
  // Throws Error(invalid) for a name that is none of the bands.
  MaskExpressions(const MaskRules& rules, const std::vector<raster::Band>& bands,
                  const geo::Grid& grid);

  // Where a rule's condition may hold: 1 or 0 for each pixel of a window.
  using Within = std::function<std::vector<uint8_t>(size_t rule, const geo::Window& window)>;

  bool empty() const { return conditions_.empty(); }
  // How many pixels around a window matter to it.
  const kernels::CleaningHalo& halo() const { return halo_; }
  // What erasing a block of so many columns and rows holds beside it.
  size_t scratch_bytes(int64_t columns, int64_t rows) const;
  // Clears the validity bytes of a slice's pixels that are taken out. Of the block's rim, as wide
  // as the halo, no pixel is decided rightly.
  void erase(raster::Block& block, size_t slice, const Within& within) const;
  // Why the pixel in the middle of a block with a halo around it is taken out; empty when it is
  // not.
  std::string reason(const raster::Block& block, const Within& within) const;

 private:
  struct Condition {
    std::string text;
    kernels::Expression expression;
    std::vector<size_t> bands;  // by name of the expression
    std::vector<kernels::CleaningStep> cleaning;
    std::optional<size_t> within;  // the rule that tells where it may hold; absent: anywhere
  };
  struct Physical {
    double scale, offset;
  };
  void evaluate(const Condition& condition, const raster::Block& block, size_t slice,
                std::vector<uint8_t>& holds) const;
  // 1 where the condition, cleaned, takes pixels out.
  void take_out(const Condition& condition, const raster::Block& block, size_t slice,
                std::span<const uint8_t> valid, const Within& within,
                std::vector<uint8_t>& out) const;
  std::vector<Condition> conditions_;
  kernels::CleaningHalo halo_;
  std::vector<Physical> physical_;  // by band
};

}  // namespace geoloom::ops
