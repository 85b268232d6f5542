// SPDX-License-Identifier: Apache-2.0
// Rules of `load.mask` whose polygons stand in a vector file. They are read once, when a run is
// created, and brought to the CRS of each zone; the run's record keeps them. A pixel of the zone's
// grid is inside where its centre is (gdal/shape_mask.h), whatever scenes are there. A rule may
// clean its mask, on the pixels of the zone; shapes beyond the zone's edge count in that.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ops/load/frozen_series.h"
#include "ops/load/mask_rules.h"
#include "ops/load/shape_file.h"
#include "workflow/item.h"

namespace geoloom::ops {

// Reads the files of vector rules. Polygons that lie on no zone are left out. Throws Error: what
// gdal::read_vectors() throws, and invalid for shapes without an area and an unknown CRS.
std::vector<FrozenShapes> freeze_shapes(const MaskRules& rules,
                                        const std::vector<workflow::Zone>& zones);

// The frozen shapes, ready to be burned. Thread-safe.
class MaskShapes {
 public:
  MaskShapes(const MaskRules& rules, const std::vector<FrozenShapes>& frozen,
             const std::vector<workflow::Zone>& zones);

  bool empty() const { return layers_.empty(); }
  // What erasing a window, at most that large, holds beside the windows kept.
  size_t scratch_bytes(size_t zone, const geo::Window& largest) const;
  // Clears the validity bytes of a window's pixels that a rule takes out.
  void erase(size_t zone, const geo::Window& window, uint8_t* valid) const;
  // Why a pixel is taken out; empty when it is not.
  std::string reason(size_t zone, int64_t x, int64_t y) const;
  // Changes with any polygon of a zone.
  std::string identity(size_t zone) const;

 private:
  struct Layer {
    size_t zone = 0;
    bool inside_is_kept = false;
    std::string file, checksum;
    std::vector<kernels::CleaningStep> cleaning;
    int64_t rim = 0;  // pixels that the grid goes on beyond the zone's, for cleaning
    geo::Grid grid;
    ZoneShapes shapes;
    std::vector<uint8_t> inside(const geo::Window& window) const;
    // 1 where pixels are taken out.
    std::vector<uint8_t> taken_out(const geo::Window& window) const;
    void erase(const geo::Window& window, uint8_t* usable) const;
  };
  // What is left of a window: slices are read one after another, and ask for the same ones.
  using Plane = std::shared_ptr<const std::vector<uint8_t>>;
  struct Burned {
    size_t zone;
    geo::Window window;
    Plane usable;
  };
  Plane usable(size_t zone, const geo::Window& window) const;

  std::vector<Layer> layers_;
  mutable std::mutex mutex_;
  mutable std::list<Burned> burned_;  // the last one first
};
inline constexpr size_t kBurnedWindows = 2;  // that are kept, a byte per pixel

}  // namespace geoloom::ops
