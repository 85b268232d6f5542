// SPDX-License-Identifier: Apache-2.0
#include "cli/inspect_layer.h"

#include <fmt/format.h>

#include <cmath>
#include <iostream>

#include "cli/layer_dates.h"
#include "cli/quantities.h"

namespace geoloom::cli {
namespace {

workflow::OrderedJson nodata_json(const raster::Band& band) {
  if (!band.nodata) return {};
  const auto text = format_number(*band.nodata);
  return std::isfinite(*band.nodata) ? workflow::OrderedJson::parse(text)
                                     : workflow::OrderedJson(text);
}

// As its files have it, which may lack what was only planned.
raster::CubeSchema made_schema(const OpenedRun& opened, const LayerContent& content,
                               const std::string& layer) {
  for (const auto& date : content.dates)
    for (const auto& part : date.parts)
      for (const auto& output : opened.state->receipt(content.step, part.item)->outputs)
        if (output.layer == layer) return *output.schema;
  return opened.run->info(layer).schema;
}

workflow::OrderedJson bands_json(const raster::CubeSchema& schema) {
  auto bands = workflow::OrderedJson::array();
  for (const auto& band : schema.bands)
    bands.push_back({{"name", band.name},
                     {"type", raster::name(band.type)},
                     {"nodata", nodata_json(band)},
                     {"scale", band.scale},
                     {"offset", band.offset},
                     {"unit", band.unit}});
  return bands;
}

workflow::OrderedJson zones_json(const std::vector<workflow::Zone>& zones) {
  auto json = workflow::OrderedJson::array();
  for (const auto& zone : zones) {
    const auto box = zone.grid.box();
    json.push_back({{"zone", zone.name},
                    {"crs", zone.grid.crs.name()},
                    {"pixel", {zone.grid.pixel_width, zone.grid.pixel_height}},
                    {"size", {zone.grid.width, zone.grid.height}},
                    {"bounds", {box.min_x, box.min_y, box.max_x, box.max_y}}});
  }
  return json;
}

workflow::OrderedJson dates_json(const LayerContent& content) {
  auto json = workflow::OrderedJson::array();
  for (const auto& date : content.dates) {
    const auto& period = date.slice.period;
    json.push_back(
        {{"label", date.slice.label},
         {"start",
          date.slice.timed ? workflow::OrderedJson(geo::format_time(period.start)) : nullptr},
         {"end", date.slice.timed ? workflow::OrderedJson(geo::format_time(period.end)) : nullptr},
         {"items", date.parts.size()},
         {"valid_share", std::round(date.valid_share() * 1e6) / 1e6}});
  }
  return json;
}

void print(const workflow::OrderedJson& json, const LayerContent& content) {
  std::cout << fmt::format(
      "layer {} of run {}: {} of {} made, {} empty, {}, {}, {}\n", json["layer"].get<std::string>(),
      json["run"].get<std::string>(), content.made, counted(content.items, "item"), content.empty,
      counted(content.dates.size(), "date"), format_bytes(static_cast<double>(content.bytes)),
      content.media_type.find("zarr") != std::string::npos ? "Zarr" : "GeoTIFF");
  for (const auto& band : json["bands"])
    std::cout << fmt::format("  band {}: {}, nodata {}, scale {}, offset {}\n",
                             band["name"].get<std::string>(), band["type"].get<std::string>(),
                             band["nodata"].is_null() ? "none" : band["nodata"].dump(),
                             band["scale"].get<double>(), band["offset"].get<double>());
  for (const auto& zone : json["zones"])
    std::cout << fmt::format("  zone {}: {}, pixel {} x {}, {} x {} pixels\n",
                             zone["zone"].get<std::string>(), zone["crs"].get<std::string>(),
                             zone["pixel"][0].get<double>(), zone["pixel"][1].get<double>(),
                             zone["size"][0].get<int64_t>(), zone["size"][1].get<int64_t>());
  for (const auto& date : content.dates)
    std::cout << fmt::format("  {:<24} {:>8}  valid {:5.1f} %{}\n", date.text(),
                             counted(date.parts.size(), "item"), 100 * date.valid_share(),
                             date.slice.label.empty() ? "" : "  " + date.slice.label);
}

}  // namespace

void inspect_layer(const std::string& layer, const std::string& store, const std::string& run,
                   const Commands& commands) {
  const auto opened = open_run_with_layer(store, run, layer, commands.registry);
  const auto content = layer_content(opened, layer);
  const workflow::OrderedJson json{
      {"layer", layer},
      {"run", opened.run->record().id},
      {"step", opened.run->steps()[content.step].step->name},
      {"items", {{"all", content.items}, {"made", content.made}, {"empty", content.empty}}},
      {"bytes", content.bytes},
      {"media_type", content.media_type},
      {"bands", bands_json(made_schema(opened, content, layer))},
      {"zones", zones_json(opened.run->zones())},
      {"dates", dates_json(content)}};
  if (commands.json)
    std::cout << json.dump(1) << "\n";
  else
    print(json, content);
}

}  // namespace geoloom::cli
