// SPDX-License-Identifier: Apache-2.0
#include "ops/load/layer_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/error.h"
#include "ops/layer_file.h"
#include "ops/load/show_through.h"

namespace geoloom::ops {
namespace {

struct Detail : workflow::SourceDetail {
  struct Member {
    std::vector<size_t> files;  // one, or those of the tiles that a window touches
    size_t slice;
  };
  std::vector<workflow::LayerFile> files;
  std::vector<Member> members;
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

// Files of one layer along an axis become one cube.
void check_bands(const workflow::LayerFile& file, const raster::CubeSchema& schema) {
  const bool same = std::equal(
      file.schema.bands.begin(), file.schema.bands.end(), schema.bands.begin(), schema.bands.end(),
      [](const auto& a, const auto& b) {
        return a.name == b.name && a.type == b.type && a.scale == b.scale && a.offset == b.offset;
      });
  if (!same)
    throw Error(ErrorCode::invalid, "its bands differ from those of the layer's other files")
        .at({.file = file.path, .item = file.item.name})
        .hint("give the values one type, scale and offset where the layer is made");
}

void check_slices(const workflow::LayerFile& file, size_t slices) {
  if (file.schema.slices.size() == slices) return;
  throw Error(ErrorCode::invalid, fmt::format("it has {} slices and the tile beside it has {}",
                                              file.schema.slices.size(), slices))
      .at({.file = file.path, .item = file.item.name})
      .hint("a window over both needs equal ones: reduce them, or make the windows smaller");
}

// Which files, none of them empty, stand at the same values of the axes; in their order.
std::vector<std::vector<size_t>> files_at_one_place_in_time(
    const std::vector<workflow::LayerFile>& files) {
  std::vector<std::vector<size_t>> groups;
  for (size_t f = 0; f < files.size(); ++f) {
    if (files[f].empty) continue;
    const bool same =
        !groups.empty() && files[groups.back().front()].item.at() == files[f].item.at();
    if (same)
      groups.back().push_back(f);
    else
      groups.push_back({f});
  }
  return groups;
}

}  // namespace

LayerSource::LayerSource(std::string layer, workflow::LayerSelection selection,
                         std::vector<std::string> bands, const std::vector<workflow::Zone>& zones,
                         const workflow::Layers& layers)
    : layer_(std::move(layer)),
      selection_(std::move(selection)),
      bands_(std::move(bands)),
      zones_(zones),
      layers_(layers) {}

// Before anything ran: what the layer will look like.
workflow::SourceItem LayerSource::plan_ahead() const {
  const auto& info = layers_.info(layer_);
  workflow::require_pixels(info, "load.layer");
  workflow::SourceItem plan;
  plan.schema = schema_of(info.schema, chosen_bands(info.schema, bands_));
  if (const auto* axis = info.domain.find(selection_.along)) {
    const auto slices = std::move(plan.schema.slices);
    plan.schema.slices.clear();
    for (const auto& value : axis->values)
      for (auto slice : slices) {
        slice.label = value.label;
        plan.schema.slices.push_back(std::move(slice));
      }
  }
  for (size_t i = 0; i < plan.schema.slices.size(); ++i) {
    plan.members.push_back(i);
    plan.identities.push_back("layer " + layer_);
  }
  return plan;
}

workflow::SourceItem LayerSource::plan(const workflow::Item& item,
                                       const workflow::Layers* layers) const {
  if (layers == nullptr) {
    auto plan = plan_ahead();
    plan.zone = item.zone;
    return plan;
  }
  auto detail = std::make_shared<Detail>();
  detail->files = layers->files(layer_, item, selection_);
  const auto filled = std::find_if(detail->files.begin(), detail->files.end(),
                                   [](const auto& file) { return !file.empty; });
  const auto& schema = filled == detail->files.end() ? layers->info(layer_).schema : filled->schema;
  detail->bands = chosen_bands(schema, bands_);
  workflow::SourceItem plan;
  plan.zone = item.zone;
  plan.schema = schema_of(schema, detail->bands);
  plan.schema.slices.clear();
  for (const auto& files : files_at_one_place_in_time(detail->files)) {
    const auto& slices = detail->files[files.front()].schema.slices;
    std::string identity;
    for (const size_t f : files) {
      check_bands(detail->files[f], schema);
      check_slices(detail->files[f], slices.size());
      identity += (identity.empty() ? "" : " ") + detail->files[f].identity();
    }
    for (size_t s = 0; s < slices.size(); ++s) {
      plan.schema.slices.push_back(slices[s]);
      plan.members.push_back(detail->members.size());
      plan.identities.push_back(fmt::format("layer {} {} {}", layer_, identity, s));
      detail->members.push_back({files, s});
    }
  }
  // Chunks are decoded once when blocks are made of whole ones.
  if (filled != detail->files.end() && filled->chunks) {
    plan.block_width = plan.block_height = filled->chunks->side;
    plan.block_origin_x = item.window.x;
    plan.block_origin_y = item.window.y;
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
  const auto& place = detail->members.at(member);
  const auto& grid = zones_[plan.zone].grid;
  const auto read_into = [&](size_t file, raster::Block& target, size_t target_slice) {
    read_layer_file(detail->files[file], grid, place.slice, detail->bands, target, target_slice,
                    pool);
  };
  read_into(place.files.front(), block, slice);
  for (size_t i = 1; i < place.files.size(); ++i) {
    raster::Block below(plan.schema, block.window(), 0, 1);
    read_into(place.files[i], below, 0);
    show_through(below, block, slice);
  }
  return {};
}

}  // namespace geoloom::ops
