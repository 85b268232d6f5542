// SPDX-License-Identifier: Apache-2.0
#include "ops/load/frozen_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "error/error.h"
#include "workflow/schema_json.h"

namespace geoloom::ops {
namespace {

using workflow::Json;

std::optional<double> number_from(const Json& json) {
  if (json.is_null()) return std::nullopt;
  if (json.is_number()) return json.get<double>();
  if (json == "nan") return std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  return json == "-inf" ? -infinity : infinity;
}

Json band_to_json(const FrozenBand& band) {
  Json json{{"number", band.number}, {"type", raster::name(band.type)},
            {"gain", band.gain},     {"shift", band.shift},
            {"scale", band.scale},   {"offset", band.offset}};
  if (band.target == kMaskTarget)
    json["mask"] = band.mask == 0 ? Json(true) : Json(band.mask);
  else
    json["target"] = band.target;
  if (band.nodata) json["nodata"] = workflow::number_to_json(*band.nodata);
  return json;
}

FrozenBand band_from_json(const Json& json) {
  FrozenBand band;
  band.target = json.contains("mask") ? kMaskTarget : json.at("target").get<size_t>();
  if (json.contains("mask") && json.at("mask").is_number())
    band.mask = json.at("mask").get<size_t>();
  band.number = json.at("number").get<int>();
  band.type = raster::pixel_type_of(json.at("type").get<std::string>());
  band.gain = json.at("gain").get<double>();
  band.shift = json.at("shift").get<double>();
  band.scale = json.at("scale").get<double>();
  band.offset = json.at("offset").get<double>();
  if (json.contains("nodata")) band.nodata = number_from(json.at("nodata"));
  return band;
}

// The coordinate operations of a series, each written once.
class OperationTable {
 public:
  OperationTable() = default;
  explicit OperationTable(const Json& texts) {
    for (const auto& text : texts)
      table_.push_back(geo::CoordinateOperation::parse(text.get<std::string>()));
  }
  size_t index_of(const geo::CoordinateOperation& operation) {
    const auto found = std::find(table_.begin(), table_.end(), operation);
    if (found != table_.end()) return static_cast<size_t>(found - table_.begin());
    table_.push_back(operation);
    return table_.size() - 1;
  }
  const geo::CoordinateOperation& at(size_t index) const { return table_.at(index); }
  Json to_json() const {
    Json texts = Json::array();
    for (const auto& operation : table_) texts.push_back(operation.text());
    return texts;
  }

 private:
  std::vector<geo::CoordinateOperation> table_;
};

Json warp_to_json(const FrozenWarp& warp, OperationTable& table) {
  Json methods = Json::array();
  for (const auto method : warp.methods) methods.push_back(raster::name(method));
  const auto& on = warp.on_zone;
  return {{"zone", warp.zone},
          {"operation", table.index_of(warp.operation)},
          {"scale", {warp.scale.columns, warp.scale.rows}},
          {"on_zone", {on.x, on.y, on.width, on.height}},
          {"resampling", methods}};
}

FrozenWarp warp_from_json(const Json& json, const OperationTable& table) {
  FrozenWarp warp;
  warp.zone = json.at("zone").get<size_t>();
  warp.operation = table.at(json.at("operation").get<size_t>());
  warp.scale = {json.at("scale").at(0).get<double>(), json.at("scale").at(1).get<double>()};
  const auto& on = json.at("on_zone");
  warp.on_zone = {on.at(0).get<int64_t>(), on.at(1).get<int64_t>(), on.at(2).get<int64_t>(),
                  on.at(3).get<int64_t>()};
  for (const auto& method : json.at("resampling"))
    warp.methods.push_back(raster::resampling_of(method.get<std::string>()).value());
  return warp;
}

// The CRSs of a series, each written and understood once.
class CrsTable {
 public:
  CrsTable() = default;
  explicit CrsTable(const Json& names) {
    for (const auto& name : names) {
      const auto text = name.get<std::string>();
      table_.push_back(text.empty() ? geo::Crs() : geo::Crs::parse(text));
    }
  }
  size_t index_of(const geo::Crs& crs) {
    for (size_t i = 0; i < table_.size(); ++i)
      if (table_[i].name() == crs.name()) return i;
    table_.push_back(crs);
    return table_.size() - 1;
  }
  const geo::Crs& at(size_t index) const { return table_.at(index); }
  Json to_json() const {
    Json names = Json::array();
    for (const auto& crs : table_) names.push_back(crs.name());
    return names;
  }

 private:
  std::vector<geo::Crs> table_;
};

Json file_to_json(const FrozenFile& file, CrsTable& table, OperationTable& operations) {
  Json bands = Json::array();
  for (const auto& band : file.bands) bands.push_back(band_to_json(band));
  Json json{{"path", file.path},
            {"crs", table.index_of(file.grid.crs)},
            {"origin", {file.grid.origin_x, file.grid.origin_y}},
            {"pixel", {file.grid.pixel_width, file.grid.pixel_height}},
            {"size", {file.grid.width, file.grid.height}},
            {"block", {file.block_width, file.block_height}},
            {"bytes", file.bytes},
            {"band_count", file.band_count},
            {"share", file.share},
            {"masked", file.masked},
            {"bands", bands}};
  if (file.overview > 1) json["overview"] = file.overview;
  for (const auto& warp : file.warps) json["warps"].push_back(warp_to_json(warp, operations));
  return json;
}

FrozenFile file_from_json(const Json& json, const CrsTable& table,
                          const OperationTable& operations) {
  FrozenFile file;
  file.path = json.at("path").get<std::string>();
  file.grid.crs = table.at(json.at("crs").get<size_t>());
  file.grid.origin_x = json.at("origin").at(0).get<double>();
  file.grid.origin_y = json.at("origin").at(1).get<double>();
  file.grid.pixel_width = json.at("pixel").at(0).get<double>();
  file.grid.pixel_height = json.at("pixel").at(1).get<double>();
  file.grid.width = json.at("size").at(0).get<int64_t>();
  file.grid.height = json.at("size").at(1).get<int64_t>();
  file.overview = json.value("overview", int64_t{1});
  file.block_width = json.at("block").at(0).get<int>();
  file.block_height = json.at("block").at(1).get<int>();
  file.bytes = json.at("bytes").get<int64_t>();
  file.band_count = json.at("band_count").get<size_t>();
  file.share = json.at("share").get<double>();
  file.masked = json.at("masked").get<std::vector<bool>>();
  for (const auto& band : json.at("bands")) file.bands.push_back(band_from_json(band));
  if (json.contains("warps"))
    for (const auto& warp : json.at("warps"))
      file.warps.push_back(warp_from_json(warp, operations));
  return file;
}

}  // namespace

bool FrozenFile::only_mask() const {
  return std::all_of(bands.begin(), bands.end(),
                     [](const FrozenBand& band) { return band.target == kMaskTarget; });
}

const FrozenWarp* FrozenFile::warp_for(size_t zone) const {
  const auto found = std::find_if(warps.begin(), warps.end(),
                                  [&](const FrozenWarp& warp) { return warp.zone == zone; });
  return found == warps.end() ? nullptr : &*found;
}

void FrozenFile::check_unchanged(const gdal::RasterInfo& info) const {
  std::string what;
  if (info.width != grid.width * overview || info.height != grid.height * overview)
    what = fmt::format("{} x {} pixels instead of {} x {}", info.width, info.height,
                       grid.width * overview, grid.height * overview);
  else if (info.bands.size() != band_count)
    what = fmt::format("{} bands instead of {}", info.bands.size(), band_count);
  else if (!info.grid || info.grid->origin_x != grid.origin_x ||
           info.grid->origin_y != grid.origin_y)
    what = "it lies elsewhere";
  for (const auto& band : bands) {
    if (!what.empty()) break;
    const auto type = raster::pixel_type_of(info.bands[static_cast<size_t>(band.number - 1)].type);
    if (type != band.type)
      what = fmt::format("band {} is {} instead of {}", band.number, raster::name(type),
                         raster::name(band.type));
  }
  if (what.empty()) return;
  throw Error(ErrorCode::corrupt, "the file changed since the run was created: " + what)
      .at({.file = path})
      .hint("create a new run");
}

raster::AssetPlacement FrozenFile::own_pixels() const {
  raster::AssetPlacement placement;
  placement.raster = grid.window();
  placement.block_width = block_width;
  placement.block_height = block_height;
  placement.masked = masked;
  placement.overview = overview;
  return placement;
}

Json FrozenSeries::to_json() const {
  CrsTable table;
  OperationTable operations;
  Json list = Json::array();
  for (const auto& scene : scenes) {
    Json files = Json::array();
    for (const auto& file : scene.files) files.push_back(file_to_json(file, table, operations));
    list.push_back({{"scene", scene.scene.to_json()}, {"label", scene.label}, {"files", files}});
    if (scene.centre_lon) list.back()["lon"] = *scene.centre_lon;
    if (!scene.baseline.empty()) list.back()["baseline"] = scene.baseline;
    if (scene.sun) list.back()["sun"] = {scene.sun->azimuth_deg, scene.sun->elevation_deg};
  }
  Json gone = Json::array();
  for (const auto& entry : dropped) gone.push_back({entry.scene, entry.reason});
  Json left_out = Json::array();
  for (const auto& each : excluded) {
    left_out.push_back({{"id", each.id}, {"reason", each.reason}});
    if (const auto& box = each.bbox_lonlat)
      left_out.back()["bbox"] = {box->min_x, box->min_y, box->max_x, box->max_y};
  }
  raster::CubeSchema schema;
  schema.bands = bands;
  Json json = {{"schema", workflow::schema_to_json(schema)},
               {"crs", table.to_json()},
               {"operations", operations.to_json()},
               {"scenes", list},
               {"dropped", gone}};
  if (!left_out.empty()) json["excluded"] = left_out;
  for (const auto& each : shapes)
    json["shapes"].push_back(
        {{"rule", each.rule}, {"zone", each.zone}, {"polygons", each.polygons}});
  for (const auto& each : terrain)
    json["terrain"].push_back({{"rule", each.rule}, {"model", each.model->to_json()}});
  return json;
}

FrozenSeries FrozenSeries::from_json(const Json& json) {
  FrozenSeries series;
  const CrsTable table(json.at("crs"));
  const OperationTable operations(json.at("operations"));
  series.bands = workflow::schema_from_json(json.at("schema")).bands;
  for (const auto& entry : json.at("scenes")) {
    FrozenScene scene;
    scene.scene = catalog::Scene::from_json(entry.at("scene"));
    scene.label = entry.at("label").get<std::string>();
    if (entry.contains("lon")) scene.centre_lon = entry.at("lon").get<double>();
    scene.baseline = entry.value("baseline", "");
    if (entry.contains("sun"))
      scene.sun = {entry.at("sun").at(0).get<double>(), entry.at("sun").at(1).get<double>()};
    for (const auto& file : entry.at("files"))
      scene.files.push_back(file_from_json(file, table, operations));
    series.scenes.push_back(std::move(scene));
  }
  for (const auto& entry : json.value("excluded", Json::array())) {
    auto& each = series.excluded.emplace_back();
    each.id = entry.at("id").get<std::string>();
    each.reason = entry.at("reason").get<std::string>();
    if (const auto box = entry.value("bbox", std::vector<double>{}); box.size() == 4)
      each.bbox_lonlat = geo::Box{box[0], box[1], box[2], box[3]};
  }
  for (const auto& entry : json.value("shapes", Json::array()))
    series.shapes.push_back({entry.at("rule").get<size_t>(), entry.at("zone").get<size_t>(),
                             entry.at("polygons").get<std::vector<std::string>>()});
  for (const auto& entry : json.value("terrain", Json::array()))
    series.terrain.push_back({entry.at("rule").get<size_t>(),
                              std::make_shared<const FrozenSeries>(from_json(entry.at("model")))});
  for (const auto& entry : json.at("dropped"))
    series.dropped.push_back({entry.at(0).get<std::string>(), entry.at(1).get<std::string>()});
  return series;
}

}  // namespace geoloom::ops
