// SPDX-License-Identifier: Apache-2.0
#include "workflow/schema_json.h"

#include <cmath>

namespace geoloom::workflow {
namespace {

// JSON has no NaN; nodata often is.
Json number_or_text(const std::optional<double>& value) {
  if (!value) return {};
  if (std::isnan(*value)) return "nan";
  if (std::isinf(*value)) return *value > 0 ? "inf" : "-inf";
  return *value;
}

std::optional<double> number_from(const Json& json) {
  if (json.is_null()) return std::nullopt;
  if (json.is_number()) return json.get<double>();
  if (json == "nan") return std::nan("");
  return json == "inf" ? HUGE_VAL : -HUGE_VAL;
}

constexpr const char* kKinds[] = {"measure", "category", "count"};

raster::BandKind kind_from(const std::string& text) {
  if (text == "category") return raster::BandKind::category;
  return text == "count" ? raster::BandKind::count : raster::BandKind::measure;
}

Json band_to_json(const raster::Band& band) {
  Json json{{"name", band.name},
            {"type", raster::name(band.type)},
            {"kind", kKinds[static_cast<size_t>(band.kind)]},
            {"scale", band.scale},
            {"offset", band.offset},
            {"unit", band.unit},
            {"nodata", number_or_text(band.nodata)}};
  // Only where there are any: what has none keeps the identity it had before there were colours.
  for (const auto& colour : band.colours) json["colours"].push_back(raster::text(colour));
  for (const auto& [value, class_name] : band.class_names)
    json["class_names"][std::to_string(value)] = class_name;
  return json;
}

raster::Band band_from_json(const Json& json) {
  raster::Band band;
  band.name = json.at("name").get<std::string>();
  band.type = raster::pixel_type_of(json.at("type").get<std::string>());
  band.kind = kind_from(json.at("kind").get<std::string>());
  band.scale = json.at("scale").get<double>();
  band.offset = json.at("offset").get<double>();
  band.unit = json.at("unit").get<std::string>();
  band.nodata = number_from(json.at("nodata"));
  if (const auto colours = json.find("colours"); colours != json.end())
    for (const auto& colour : *colours)
      band.colours.push_back(raster::colour_of(colour.get<std::string>()));
  if (const auto names = json.find("class_names"); names != json.end())
    for (const auto& [value, class_name] : names->items())
      band.class_names[std::stoll(value)] = class_name.get<std::string>();
  return band;
}

}  // namespace

Json schema_to_json(const raster::CubeSchema& schema) {
  Json bands = Json::array(), slices = Json::array();
  for (const auto& band : schema.bands) bands.push_back(band_to_json(band));
  for (const auto& slice : schema.slices)
    slices.push_back({{"start", slice.period.start},
                      {"end", slice.period.end},
                      {"timed", slice.timed},
                      {"label", slice.label}});
  return {{"bands", bands}, {"slices", slices}, {"validity_per_band", schema.validity_per_band}};
}

raster::CubeSchema schema_from_json(const Json& json) {
  raster::CubeSchema schema;
  for (const auto& entry : json.at("bands")) schema.bands.push_back(band_from_json(entry));
  for (const auto& entry : json.at("slices"))
    schema.slices.push_back({{entry.at("start").get<int64_t>(), entry.at("end").get<int64_t>()},
                             entry.at("timed").get<bool>(),
                             entry.at("label").get<std::string>()});
  schema.validity_per_band = json.at("validity_per_band").get<bool>();
  return schema;
}

}  // namespace geoloom::workflow
