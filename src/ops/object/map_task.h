// SPDX-License-Identifier: Apache-2.0
// Tasks that make one band of a whole map from layers: what `sieve`, `segment` and `zonal_majority`
// have in common.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/export/profile.h"
#include "ops/layer_picture.h"
#include "workflow/op.h"

namespace geoloom::ops {

class MapTask : public workflow::TaskOp {
 public:
  void set_result_name(const std::string& layer) override { result_ = layer; }
  void check() override;
  std::string layer_made() const override {
    return result_.empty() ? layer_ + "_" + description().name : result_;
  }
  std::vector<std::string> layers_read() const override { return {layer_}; }
  workflow::LayerInfo plan(const workflow::Layers& layers) const override;

 protected:
  // The band of the result; throws Error(invalid) where the layers do not suit.
  virtual raster::Band band_made(const workflow::Layers& layers) const = 0;
  void declare_profile(workflow::Parameters& parameters);
  // Of encoding, and of strips of `bytes_per_pixel`.
  size_t writing_bytes(const geo::Grid& grid, size_t bytes_per_pixel) const;

  // Where the result is written: blocks on the zone's grid, each pixel once.
  class Output {
   public:
    Output(const MapTask& task, const workflow::TaskContext& context);
    // One band, nothing valid.
    raster::Block block(const geo::Window& window) const;
    void write(raster::Block& block);
    workflow::Product finish();

   private:
    const workflow::TaskContext& context_;
    workflow::LayerInfo info_;
    std::unique_ptr<raster::CogWriter> writer_;
  };

  std::string layer_, result_;

 private:
  Profile profile_;
  raster::CogProfile cog_;
};

}  // namespace geoloom::ops
