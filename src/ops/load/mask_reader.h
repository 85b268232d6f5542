// SPDX-License-Identifier: Apache-2.0
// Masks of one scene: read and cleaned on their own pixels, and carried onto others by nearest.
#pragma once

#include <optional>
#include <vector>

#include "ops/load/frozen_series.h"
#include "ops/load/mask_rules.h"
#include "raster/asset_pool.h"

namespace geoloom::ops {

class MaskReader {
 public:
  // `zone` and `grid`: those of the area that the scene is read for. All must outlive the reader.
  MaskReader(const FrozenScene& scene, const MaskRules& rules, size_t zone, const geo::Grid& grid,
             raster::AssetPool& pool)
      : scene_(scene), rules_(rules), zone_(zone), grid_(grid), pool_(pool) {}

  // Leaves out all rules but this one.
  void only(size_t rule) { only_ = rule; }
  // What pixels of the zone hold of a rule whose condition somebody else looks at: 1 in a shadow,
  // and where it cannot be told.
  std::vector<uint8_t> in_shadow(size_t rule, const geo::Window& window) const;
  // What looking masks up for a window of so many of the zone's pixels holds more for their halos.
  static size_t halo_bytes(const FrozenScene& scene, const MaskRules& rules, size_t zone,
                           const geo::Grid& grid, const geo::Window& largest);

  // Whether there are rules, and they can be looked up pixel by pixel on the zone's grid: nothing
  // is cleaned or shifted, and the band's pixels nest with the zone's.
  bool is_plain(const FrozenFile& file, const FrozenBand& band) const;
  // Clears pixels that a rule about a plain band takes out.
  void apply_plain(const FrozenBand& band, const void* samples, size_t pixels,
                   uint8_t* valid) const;

  // Clear pixels of a window that a rule takes out, or whose mask is itself invalid or does not
  // reach them. Of the zone: only bands that are not plain are looked up.
  void erase_on_zone(const geo::Window& window, uint8_t* valid) const;
  void erase_on_file(const FrozenFile& onto, const geo::Window& window, uint8_t* valid) const;

  // The stored sample that a pixel of the zone gets; nullopt where the mask does not reach it or is
  // invalid.
  std::optional<double> sample_on_zone(const FrozenFile& file, const FrozenBand& band, int64_t x,
                                       int64_t y) const;

 private:
  struct Lookup;
  std::vector<const MaskRule*> rules_of(const FrozenBand& band) const;
  void erase(const FrozenFile& file, const FrozenBand& band, const Lookup& lookup,
             uint8_t* valid) const;
  std::vector<uint8_t> usable(const FrozenFile& file, const FrozenBand& band,
                              const geo::Window& window) const;
  // Null for a mask that nests with the zone, whatever is done with the other bands of its file.
  const FrozenWarp* mask_warp(const FrozenFile& file) const;

  // Whether a rule takes out pixels here; else it only says that its band has to be valid.
  bool decides(const MaskRule& rule) const { return in_shadow_ || rule.condition().empty(); }

  const FrozenScene& scene_;
  const MaskRules& rules_;
  const size_t zone_;
  const geo::Grid& grid_;
  raster::AssetPool& pool_;
  std::optional<size_t> only_;
  bool in_shadow_ = false;
};

}  // namespace geoloom::ops
