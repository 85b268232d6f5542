// SPDX-License-Identifier: Apache-2.0
#include "ops/load/frozen_series.h"

#include <cmath>
#include <limits>

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
    json["mask"] = true;
  else
    json["target"] = band.target;
  if (band.nodata) json["nodata"] = workflow::number_to_json(*band.nodata);
  return json;
}

FrozenBand band_from_json(const Json& json) {
  FrozenBand band;
  band.target = json.contains("mask") ? kMaskTarget : json.at("target").get<size_t>();
  band.number = json.at("number").get<int>();
  band.type = raster::pixel_type_of(json.at("type").get<std::string>());
  band.gain = json.at("gain").get<double>();
  band.shift = json.at("shift").get<double>();
  band.scale = json.at("scale").get<double>();
  band.offset = json.at("offset").get<double>();
  if (json.contains("nodata")) band.nodata = number_from(json.at("nodata"));
  return band;
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

Json file_to_json(const FrozenFile& file, CrsTable& table) {
  Json bands = Json::array();
  for (const auto& band : file.bands) bands.push_back(band_to_json(band));
  return {{"path", file.path},
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
}

FrozenFile file_from_json(const Json& json, const CrsTable& table) {
  FrozenFile file;
  file.path = json.at("path").get<std::string>();
  file.grid.crs = table.at(json.at("crs").get<size_t>());
  file.grid.origin_x = json.at("origin").at(0).get<double>();
  file.grid.origin_y = json.at("origin").at(1).get<double>();
  file.grid.pixel_width = json.at("pixel").at(0).get<double>();
  file.grid.pixel_height = json.at("pixel").at(1).get<double>();
  file.grid.width = json.at("size").at(0).get<int64_t>();
  file.grid.height = json.at("size").at(1).get<int64_t>();
  file.block_width = json.at("block").at(0).get<int>();
  file.block_height = json.at("block").at(1).get<int>();
  file.bytes = json.at("bytes").get<int64_t>();
  file.band_count = json.at("band_count").get<size_t>();
  file.share = json.at("share").get<double>();
  file.masked = json.at("masked").get<std::vector<bool>>();
  for (const auto& band : json.at("bands")) file.bands.push_back(band_from_json(band));
  return file;
}

}  // namespace

Json FrozenSeries::to_json() const {
  CrsTable table;
  Json list = Json::array();
  for (const auto& scene : scenes) {
    Json files = Json::array();
    for (const auto& file : scene.files) files.push_back(file_to_json(file, table));
    list.push_back({{"scene", scene.scene.to_json()}, {"label", scene.label}, {"files", files}});
  }
  Json gone = Json::array();
  for (const auto& entry : dropped) gone.push_back({entry.scene, entry.reason});
  raster::CubeSchema schema;
  schema.bands = bands;
  return {{"schema", workflow::schema_to_json(schema)},
          {"crs", table.to_json()},
          {"scenes", list},
          {"dropped", gone}};
}

FrozenSeries FrozenSeries::from_json(const Json& json) {
  FrozenSeries series;
  const CrsTable table(json.at("crs"));
  series.bands = workflow::schema_from_json(json.at("schema")).bands;
  for (const auto& entry : json.at("scenes")) {
    FrozenScene scene;
    scene.scene = catalog::Scene::from_json(entry.at("scene"));
    scene.label = entry.at("label").get<std::string>();
    for (const auto& file : entry.at("files")) scene.files.push_back(file_from_json(file, table));
    series.scenes.push_back(std::move(scene));
  }
  for (const auto& entry : json.at("dropped"))
    series.dropped.push_back({entry.at(0).get<std::string>(), entry.at(1).get<std::string>()});
  return series;
}

}  // namespace geoloom::ops
