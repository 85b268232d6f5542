// SPDX-License-Identifier: Apache-2.0
// One scene into one slice of a block: files read pixel by pixel or warped, masks, rejected values,
// and the samples brought to those of the series.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ops/load/frozen_series.h"
#include "ops/load/load_parameters.h"
#include "ops/load/mask_reader.h"
#include "ops/load/read_scratch.h"
#include "raster/asset_pool.h"
#include "workflow/op.h"

namespace geoloom::ops {

// A file and how it gets onto a zone's grid. `warp` is null when the pixels nest; what `placement`
// says of the mapping holds then only.
struct PlacedFile {
  raster::AssetPlacement placement;
  const FrozenWarp* warp = nullptr;
};
PlacedFile placed_file(const FrozenFile& file, size_t zone, const geo::Grid& grid);

// What reading a file for a zone holds at a time beside the block, whatever the block.
size_t warp_scratch_bytes(const FrozenFile& file);

class SceneReader {
 public:
  // All references must outlive the reader. `grid` is that of the zone.
  SceneReader(const FrozenScene& scene, const std::vector<PlacedFile>& files,
              const LoadParameters& parameters, size_t zone, const geo::Grid& grid,
              raster::Block& block, size_t slice);

  // Some of the rules only, to find out which one takes a pixel out.
  enum class Rules { all, none, one };
  void with_rules(Rules rules, size_t rule = 0);
  void without_reject() { reject_ = false; }
  // Clipped values are counted in this part of the block's window only.
  void count_in(const geo::Window& window) { counted_ = window; }

  workflow::ReadCounts read(raster::AssetPool& pool, ReadScratch& scratch);

 private:
  struct WarpGroup;
  size_t pixels() const { return block_.pixels(); }
  std::byte* stored_plane(const FrozenBand& band) const;
  void read_nested(size_t f, raster::AssetPool& pool, const MaskReader& masks);
  bool reads_on_zone(const FrozenFile& file, const FrozenBand& band, const MaskReader& masks) const;
  void apply_reject();
  std::vector<WarpGroup> warp_groups() const;
  void read_group(const WarpGroup& group, raster::AssetPool& pool, const MaskReader& masks,
                  ReadScratch& scratch);
  void resample_file(size_t f, const raster::WarpedWindow& warped, const geo::Window& part,
                     const std::vector<uint8_t>& usable, raster::AssetPool& pool,
                     ReadScratch& scratch);
  std::vector<uint8_t> counted_pixels() const;
  workflow::ReadCounts bring_to_one();

  const FrozenScene& scene_;
  const std::vector<PlacedFile>& files_;
  const LoadParameters& parameters_;
  const size_t zone_;
  const geo::Grid& grid_;
  raster::Block& block_;
  const size_t slice_;
  uint8_t* const valid_;
  Rules rules_ = Rules::all;
  size_t rule_ = 0;
  bool reject_ = true;
  std::optional<geo::Window> counted_;
  bool started_ = false;  // the slice's validity holds something
  std::vector<uint8_t> file_valid_;
};

}  // namespace geoloom::ops
