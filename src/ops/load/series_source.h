// SPDX-License-Identifier: Apache-2.0
// The pixels of a frozen series: planning by geometry alone, reading through the dataset pool.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "geo/box_index.h"
#include "ops/load/asset_access.h"
#include "ops/load/frozen_series.h"
#include "ops/load/load_parameters.h"
#include "ops/load/mask_expression.h"
#include "ops/load/mask_shapes.h"
#include "ops/load/scene_reader.h"
#include "ops/load/terrain_shadow.h"
#include "workflow/op.h"

namespace geoloom::ops {

class SeriesSource : public workflow::Source {
 public:
  SeriesSource(FrozenSeries series, LoadParameters parameters,
               const std::vector<workflow::Zone>& zones);

  workflow::SourceItem plan(const workflow::Item& item,
                            const workflow::Layers* layers) const override;
  workflow::SourceItem plan_without(const workflow::Item& item, const workflow::Layers* layers,
                                    const std::vector<workflow::Dropped>& without) const override;
  workflow::ReadCounts read(const workflow::SourceItem& plan, size_t member, raster::Block& block,
                            size_t slice, raster::AssetPool& pool) const override;
  workflow::PixelReport explain(const workflow::SourceItem& plan, size_t index, int64_t x,
                                int64_t y, raster::AssetPool& pool) const override;
  size_t tolerated(size_t members) const override { return parameters_.tolerated(members); }
  bool remote() const override;

 private:
  // A scene that touches a zone.
  struct PlacedScene {
    size_t scene;
    std::string identity;
    std::vector<PlacedFile> files;
  };
  // The scenes of a slice; members of a plan are indices into its list of dates.
  const std::vector<size_t>& scenes_of(const workflow::SourceItem& plan, size_t member) const;
  const PlacedScene& placed(size_t zone, size_t scene) const;
  std::vector<size_t> touching(const workflow::Item& item,
                               const std::vector<workflow::Dropped>& without) const;
  void add_costs(const workflow::Item& item, const std::vector<size_t>& scenes, size_t most_a_slice,
                 workflow::SourceItem& plan) const;
  void add_mask_costs(const workflow::Item& item, workflow::SourceItem& plan) const;
  // What of a scene is there before conditions; values clipped are counted in `counted`.
  workflow::ReadCounts read_before_conditions(const workflow::SourceItem& plan, size_t scene,
                                              raster::Block& block, size_t slice,
                                              const geo::Window& counted,
                                              raster::AssetPool& pool) const;
  workflow::ReadCounts read_with_conditions(const workflow::SourceItem& plan, size_t scene,
                                            raster::Block& block, size_t slice,
                                            raster::AssetPool& pool) const;
  // Where conditions about shadows may hold in a scene; the pool must outlive it.
  MaskExpressions::Within shadows_of(size_t zone, size_t scene, raster::AssetPool& pool) const;
  workflow::ReadCounts read_scene(const workflow::SourceItem& plan, size_t scene,
                                  raster::Block& block, size_t slice,
                                  raster::AssetPool& pool) const;

  // Why a pixel of a scene does not meet the conditions, or lies in the terrain's shadow; empty
  // when neither is so.
  std::string unmet_condition(const workflow::SourceItem& plan, size_t scene, int64_t x, int64_t y,
                              raster::AssetPool& pool) const;
  std::vector<const catalog::ExcludedScene*> excluded_near(const workflow::Item& item) const;

  AccessRules access_;
  mutable ReadScratchPool scratch_;
  std::unique_ptr<const MaskShapes> shapes_;
  std::unique_ptr<const TerrainShadows> terrain_;
  std::vector<MaskExpressions> conditions_;  // by zone
  FrozenSeries series_;
  LoadParameters parameters_;
  const std::vector<workflow::Zone> zones_;
  std::vector<std::vector<PlacedScene>> placed_;  // by zone, in the order of the series
  std::vector<geo::BoxIndex> placed_boxes_;       // by zone, in its pixels; about where they lie
};

}  // namespace geoloom::ops
