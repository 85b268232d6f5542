// SPDX-License-Identifier: Apache-2.0
// A layer of this workflow as the source of another step.
#pragma once

#include <string>
#include <vector>

#include "workflow/op.h"

namespace geoloom::ops {

class LayerSource : public workflow::Source {
 public:
  // `bands` empty: all of the layer.
  LayerSource(std::string layer, workflow::LayerSelection selection, std::vector<std::string> bands,
              const std::vector<workflow::Zone>& zones, const workflow::Layers& layers);

  workflow::SourceItem plan(const workflow::Item& item,
                            const workflow::Layers* layers) const override;
  workflow::ReadCounts read(const workflow::SourceItem& plan, size_t member, raster::Block& block,
                            size_t slice, raster::AssetPool& pool) const override;
  size_t tolerated(size_t) const override { return 0; }
  std::optional<std::string> layer() const override { return layer_; }

 private:
  workflow::SourceItem plan_ahead() const;

  const std::string layer_;
  const workflow::LayerSelection selection_;
  const std::vector<std::string> bands_;
  const std::vector<workflow::Zone> zones_;
  const workflow::Layers& layers_;
};

}  // namespace geoloom::ops
