// SPDX-License-Identifier: Apache-2.0
// Maps of several zones taken together: tiles of neighbouring UTM zones overlap where they meet,
// and no place may count twice. It counts in the first of the zones that has an item there.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "geo/box_index.h"
#include "geo/coordinate_operation.h"
#include "workflow/op.h"

namespace geoloom::ops {

class EarlierZones {
 public:
  // The grid of the zone that is looked at.
  explicit EarlierZones(geo::Grid grid) : grid_(std::move(grid)) {}
  // A zone before it, and the items that it has.
  void add(const geo::Grid& grid, const std::vector<workflow::LayerFile>& files);
  // Pixels of a window whose centres lie in an item of one of them become invalid. Thread-safe.
  void leave_out(const geo::Window& window, std::span<uint8_t> valid) const;

 private:
  struct Zone {
    geo::CoordinateOperation there;  // from the grid looked at
    std::vector<geo::Box> boxes;     // of the items
    geo::BoxIndex index;
  };
  std::vector<uint32_t> near(const Zone& zone, const geo::Window& part) const;
  void leave_out(const Zone& zone, const std::vector<uint32_t>& boxes, const geo::Window& part,
                 const geo::Window& window, std::span<uint8_t> valid) const;

  geo::Grid grid_;
  std::vector<Zone> zones_;
};

}  // namespace geoloom::ops
