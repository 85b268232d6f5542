// SPDX-License-Identifier: Apache-2.0
#include "workflow/op.h"

#include <fmt/format.h>

#include <algorithm>

#include "gdal/dataset.h"
#include "store/checksum.h"
#include "workflow/schema_json.h"

namespace geoloom::workflow {

std::string_view name(OpKind kind) {
  switch (kind) {
    case OpKind::source:
      return "source";
    case OpKind::block:
      return "block op";
    case OpKind::sink:
      return "sink";
    case OpKind::task:
      return "task";
    case OpKind::closing:
      break;
  }
  return "closing op";
}

namespace {

std::string_view what_is(LayerKind kind) {
  switch (kind) {
    case LayerKind::cube:
      return "pixels";
    case LayerKind::picture:
      return "a picture";
    case LayerKind::features:
      return "features of a vector file";
    case LayerKind::table:
      return "a table of samples";
    case LayerKind::model:
      return "a model";
    case LayerKind::metrics:
      return "what was measured";
    case LayerKind::page:
      break;
  }
  return "a page";
}

}  // namespace

void require_kind(const LayerInfo& info, LayerKind kind, std::string_view parameter) {
  if (info.kind == kind) return;
  throw Error(ErrorCode::invalid, fmt::format("{}: '{}' is {}, not {}", parameter, info.name,
                                              what_is(info.kind), what_is(kind)))
      .hint(kind == LayerKind::cube ? "give the layer it was made of" : "");
}

void require_pixels(const LayerInfo& info, std::string_view parameter) {
  require_kind(info, LayerKind::cube, parameter);
}

std::string content_by_reference(const FileContent& file, size_t limit_bytes) {
  auto content = gdal::read_file(file.path, limit_bytes);
  if (store::sha256_hex(content) != file.sha256)
    throw Error(ErrorCode::invalid, "the file changed after the run was created")
        .at({.file = file.path})
        .hint("start the run again: it looks at the file anew");
  return content;
}

std::string LayerFile::identity() const {
  return pixel_hash + " " + store::sha256_hex(schema_to_json(schema).dump()).substr(0, 16);
}

std::vector<TaskContext> zone_by_zone(const TaskContext& context) {
  if (context.zones.empty()) return {context};
  std::vector<TaskContext> contexts;
  for (size_t zone = 0; zone < context.zones.size(); ++zone) {
    auto& each = contexts.emplace_back(context);
    each.zones.clear();
    each.item.every_zone = false;
    each.item.zone = zone;
    each.item.grid = each.grid = context.zones[zone].grid;
    each.item.window = each.grid.window();
    each.selected = context.zones[zone].selected;
  }
  return contexts;
}

std::vector<BandOrigin> band_by_band(size_t bands, bool unchanged) {
  std::vector<BandOrigin> origins;
  for (size_t band = 0; band < bands; ++band) origins.push_back({{{0, band}}, unchanged});
  return origins;
}

void one_after_another(size_t count, const std::function<void(size_t)>& body) {
  for (size_t i = 0; i < count; ++i) body(i);
}

std::shared_ptr<const Prepared> BlockOp::prepare(std::span<const FileContent>) const {
  return nullptr;
}

std::shared_ptr<const Prepared> BlockOp::prepare_layers(std::shared_ptr<const Prepared> prepared,
                                                        std::span<const LayerFile>) const {
  return prepared;
}

BlockPlan BlockOp::plan_at(const PlanSite&,
                           std::span<const raster::CubeSchema* const> inputs) const {
  return plan(inputs);
}

void BlockOp::run(const BlockCall& call) const {
  const auto state = init(call, call.outputs[0]->window());
  update(*state, call);
  finish(*state, call);
}

namespace {
[[noreturn]] void lacks(const BlockOp& op, const char* function) {
  throw Error(ErrorCode::internal,
              "op " + op.description().name + " says it streams but has no " + function);
}
}  // namespace

std::unique_ptr<StreamState> BlockOp::init(const BlockCall&, const geo::Window&) const {
  lacks(*this, "init()");
}
void BlockOp::update(StreamState&, const BlockCall&) const {
  lacks(*this, "update()");
}
void BlockOp::finish(StreamState&, const BlockCall&) const {
  lacks(*this, "finish()");
}

PixelReport Source::explain(const SourceItem& plan, size_t index, int64_t x, int64_t y,
                            raster::AssetPool& pool) const {
  raster::Block block(plan.schema, {x, y, 1, 1}, index, 1);
  (void)read(plan, plan.members[index], block, 0, pool);
  PixelReport report;
  report.valid = true;
  for (size_t b = 0; b < plan.schema.bands.size(); ++b) {
    const double value = raster::visit(block.type(b), [&](auto zero) {
      return static_cast<double>(block.plane<decltype(zero)>(b, 0)[0]);
    });
    report.values.emplace_back(plan.schema.bands[b].name, value);
    report.valid = report.valid && block.validity(0, block.validity_per_band() ? b : 0)[0] != 0;
  }
  if (!report.valid) report.reason = "invalid in the source";
  return report;
}

SourceItem Source::plan_without(const Item& item, const Layers* layers,
                                const std::vector<Dropped>& without) const {
  auto source = plan(item, layers);
  for (size_t i = source.members.size(); i-- > 0;) {
    const auto& label = source.schema.slices[i].label;
    const bool drop = std::any_of(without.begin(), without.end(),
                                  [&](const Dropped& d) { return d.scene == label; });
    if (!drop) continue;
    const auto at = static_cast<std::ptrdiff_t>(i);
    source.members.erase(source.members.begin() + at);
    source.identities.erase(source.identities.begin() + at);
    source.schema.slices.erase(source.schema.slices.begin() + at);
  }
  return source;
}

}  // namespace geoloom::workflow
