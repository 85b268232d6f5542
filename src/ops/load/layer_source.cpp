// SPDX-License-Identifier: Apache-2.0
#include "ops/load/layer_source.h"

#include <fmt/format.h>

#include "error/error.h"
#include "ops/layer_file.h"

namespace geoloom::ops {
namespace {

struct Detail : workflow::SourceDetail {
  workflow::LayerFile file;
  std::vector<size_t> bands;
};

std::vector<size_t> chosen_bands(const raster::CubeSchema& schema,
                                 const std::vector<std::string>& names) {
  if (names.empty()) return all_bands(schema.bands.size());
  std::vector<size_t> bands;
  for (const auto& name : names) bands.push_back(static_cast<size_t>(schema.band_index(name)));
  return bands;
}

raster::CubeSchema schema_of(const raster::CubeSchema& layer, const std::vector<size_t>& bands) {
  raster::CubeSchema schema = layer;
  schema.bands.clear();
  for (const size_t band : bands) schema.bands.push_back(layer.bands[band]);
  return schema;
}

}  // namespace

LayerSource::LayerSource(std::string layer, std::vector<std::string> bands,
                         const std::vector<workflow::Zone>& zones, const workflow::Layers& layers)
    : layer_(std::move(layer)), bands_(std::move(bands)), zones_(zones), layers_(layers) {}

workflow::SourceItem LayerSource::plan(const workflow::Item& item,
                                       const workflow::Layers* layers) const {
  workflow::SourceItem plan;
  plan.zone = item.zone;
  if (layers == nullptr) {  // before anything ran: what the layer will look like
    const auto& info = layers_.info(layer_);
    if (info.picture)
      throw Error(ErrorCode::invalid,
                  fmt::format("load.layer: '{}' is a picture, not pixels to load", layer_));
    plan.schema = schema_of(info.schema, chosen_bands(info.schema, bands_));
    for (size_t i = 0; i < plan.schema.slices.size(); ++i) {
      plan.members.push_back(i);
      plan.identities.push_back("layer " + layer_);
    }
    return plan;
  }
  auto detail = std::make_shared<Detail>();
  detail->file = layers->file(layer_, item);
  const auto& schema = detail->file.empty ? layers->info(layer_).schema : detail->file.schema;
  detail->bands = chosen_bands(schema, bands_);
  plan.schema = schema_of(schema, detail->bands);
  if (detail->file.empty) plan.schema.slices.clear();
  for (size_t i = 0; i < plan.schema.slices.size(); ++i) {
    plan.members.push_back(i);
    plan.identities.push_back(fmt::format("layer {} {} {}", layer_, detail->file.identity(), i));
  }
  plan.detail = std::move(detail);
  return plan;
}

workflow::ReadCounts LayerSource::read(const workflow::SourceItem& plan, size_t member,
                                       raster::Block& block, size_t slice,
                                       raster::AssetPool& pool) const {
  const auto* detail = dynamic_cast<const Detail*>(plan.detail.get());
  if (detail == nullptr)
    throw Error(ErrorCode::internal, "layer '" + layer_ + "' is read before it is made");
  read_layer_file(detail->file, zones_[plan.zone].grid, member, detail->bands, block, slice, pool);
  return {};
}

}  // namespace geoloom::ops
