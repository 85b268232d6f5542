// SPDX-License-Identifier: Apache-2.0
// Mask rules that take out what lies in the shadow of the terrain: on the pixels of the area, from
// the heights of an elevation model, brought there by bilinear interpolation, and from where the
// sun stood when a scene was taken. Both kinds of shadow are found by one walk towards the sun:
// that of a mountain elsewhere, and that of a slope which faces away (kernels/shadow.h). The sun's
// direction is that in the middle of the scene; the curvature of the Earth is left out: 8 m in 10
// km.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kernels/shadow.h"
#include "ops/load/frozen_series.h"
#include "ops/load/mask_rules.h"
#include "raster/asset_pool.h"
#include "workflow/op.h"

namespace geoloom::ops {

// Looks the files of elevation models up and reads their headers, those within reach beyond the
// zones too. Throws Error as a load of them would, and invalid where a model has several bands and
// the rule names none, where none of it lies on the area, and for a reach that is too long.
std::vector<FrozenTerrain> freeze_terrain(const MaskRules& rules,
                                          const std::vector<workflow::Zone>& zones,
                                          workflow::FreezeReport& report);

// The frozen models, ready to cast shadows. Thread-safe.
class TerrainShadows {
 public:
  // The rules must outlive this; of the series nothing is kept.
  TerrainShadows(const MaskRules& rules, const FrozenSeries& series,
                 const std::vector<workflow::Zone>& zones);
  ~TerrainShadows();
  TerrainShadows(const TerrainShadows&) = delete;
  TerrainShadows& operator=(const TerrainShadows&) = delete;

  bool empty() const { return models_.empty(); }
  // Clears the validity bytes of a window's pixels that lie in shadow. Throws Error(invalid) where
  // a valid pixel has no height.
  void erase(size_t zone, const FrozenScene& scene, const geo::Window& window,
             raster::AssetPool& pool, uint8_t* valid) const;
  // Why a pixel is taken out; empty when it is not.
  std::string reason(size_t zone, const FrozenScene& scene, int64_t x, int64_t y,
                     raster::AssetPool& pool) const;
  // Changes with any file of a model that an item looks at.
  std::string identity(const workflow::Item& item) const;
  // What erasing a window of the item holds beside it, with the heights that are kept.
  size_t scratch_bytes(const workflow::Item& item) const;

 private:
  struct OnZone;  // a model on a zone
  struct Model;
  using Heights = std::shared_ptr<const std::vector<float>>;
  struct Kept {
    const Model* model;
    size_t zone;
    geo::Window window;
    Heights heights;
  };
  static void read_file(const Model& model, const workflow::SourceItem& plan, size_t member,
                        raster::Block& block, raster::AssetPool& pool);
  Heights heights(const Model& model, size_t zone, const geo::Window& window,
                  raster::AssetPool& pool) const;
  std::vector<uint8_t> shadows(const Model& model, size_t zone, const FrozenScene& scene,
                               const geo::Window& window, raster::AssetPool& pool,
                               const uint8_t* valid, int64_t valid_stride) const;

  std::vector<std::unique_ptr<const Model>> models_;
  mutable std::mutex mutex_;
  mutable std::list<Kept> kept_;  // the last ones first: scenes ask for the same ones
};

}  // namespace geoloom::ops
