// SPDX-License-Identifier: Apache-2.0
#include "cli/inspect_array_file.h"

#include <fmt/format.h>

#include <cmath>
#include <iostream>

#include "catalog/href.h"
#include "cli/quantities.h"
#include "gdal/array_file.h"
#include "workflow/parameters.h"

namespace geoloom::cli {
namespace {

using Json = workflow::OrderedJson;

Json times_json(const std::vector<geo::TimeMs>& times) {
  Json json = Json::array();
  for (const auto time : times) json.push_back(geo::format_time(time));
  return json;
}

Json dimension_json(const gdal::ArrayDimension& dimension) {
  Json json{{"name", dimension.name}, {"size", dimension.size}};
  if (!dimension.labels.empty()) json["labels"] = dimension.labels;
  if (!dimension.times.empty()) json["times"] = times_json(dimension.times);
  if (!dimension.why_no_times.empty()) json["why_no_times"] = dimension.why_no_times;
  return json;
}

Json variable_json(const gdal::ArrayVariable& variable, const gdal::ArrayAddress& address) {
  const auto& info = variable.info;
  const auto& band = info.bands.front();
  Json json{{"name", variable.name},
            {"address", address.text()},
            {"size", {info.width, info.height}},
            {"dimensions", Json::array()},
            {"type", sample_type_name(band.type)},
            {"nodata", nullptr},
            {"scale", band.scale},
            {"offset", band.offset},
            {"unit", band.unit},
            {"block", {band.block_width, band.block_height}}};
  if (band.nodata)
    json["nodata"] =
        std::isfinite(*band.nodata) ? Json(*band.nodata) : Json(format_number(*band.nodata));
  for (const auto& dimension : variable.leading)
    json["dimensions"].push_back(dimension_json(dimension));
  if (!info.grid) {
    json["why_no_grid"] = info.why_no_grid;
    return json;
  }
  const auto box = info.grid->box();
  json["crs"] = info.grid->crs.known() ? Json(info.grid->crs.name()) : Json();
  json["bounds"] = {box.min_x, box.min_y, box.max_x, box.max_y};
  json["pixel"] = {info.grid->pixel_width, info.grid->pixel_height};
  return json;
}

Json file_json(const std::string& path, const gdal::ArrayFileInfo& info) {
  Json json{{"driver", gdal::name(info.format)}, {"variables", Json::array()}};
  if (info.time) json["time"] = geo::format_time(*info.time);
  for (const auto& variable : info.variables) {
    gdal::ArrayAddress address{.format = info.format, .file = path, .variable = variable.name};
    address.index.assign(variable.leading.size(), 0);
    json["variables"].push_back(variable_json(variable, address));
  }
  return json;
}

void print_dimension(const gdal::ArrayDimension& dimension) {
  std::cout << fmt::format("    {} {}", dimension.name, dimension.size);
  if (!dimension.times.empty())
    std::cout << fmt::format(": {} to {}", geo::format_time(dimension.times.front()),
                             geo::format_time(dimension.times.back()));
  if (!dimension.why_no_times.empty()) std::cout << ": " << dimension.why_no_times;
  for (size_t i = 0; i < dimension.labels.size(); ++i)
    std::cout << (i == 0 ? ": " : ", ") << dimension.labels[i];
  std::cout << "\n";
}

void print(const gdal::ArrayVariable& variable, const Json& json) {
  const auto& info = variable.info;
  const auto& band = info.bands.front();
  std::cout << fmt::format("  {}: {} x {} pixels, {}, {}, scale {}, offset {}, blocks {} x {}\n",
                           variable.name, info.width, info.height, sample_type_name(band.type),
                           band.nodata ? "nodata " + format_number(*band.nodata) : "no nodata",
                           band.scale, band.offset, band.block_width, band.block_height);
  for (const auto& dimension : variable.leading) print_dimension(dimension);
  if (!info.grid) {
    std::cout << "    no north-up grid: " << info.why_no_grid << "\n";
  } else {
    const auto box = info.grid->box();
    std::cout << fmt::format("    CRS {}, pixel {} x {}, bounds {} {} {} {}\n",
                             info.grid->crs.known() ? info.grid->crs.name() : "not told",
                             info.grid->pixel_width, info.grid->pixel_height, box.min_x, box.min_y,
                             box.max_x, box.max_y);
  }
  std::cout << "    " << json["address"].get<std::string>() << "\n";
}

}  // namespace

const char* sample_type_name(gdal::SampleType type) {
  switch (type) {
    case gdal::SampleType::uint8:
      return "uint8";
    case gdal::SampleType::int8:
      return "int8";
    case gdal::SampleType::uint16:
      return "uint16";
    case gdal::SampleType::int16:
      return "int16";
    case gdal::SampleType::uint32:
      return "uint32";
    case gdal::SampleType::int32:
      return "int32";
    case gdal::SampleType::float32:
      return "float32";
    case gdal::SampleType::float64:
      return "float64";
    case gdal::SampleType::other:
      break;
  }
  return "other";
}

void inspect_array_file(const std::string& file, const Commands& commands) {
  const auto path = catalog::gdal_path(file);
  const auto info = gdal::describe_array_file(path);
  const auto json = file_json(path, info);
  if (commands.json) {
    std::cout << json.dump(1) << "\n";
    return;
  }
  std::cout << fmt::format("{}: {}, {}{}\n", file, gdal::name(info.format),
                           counted(info.variables.size(), "variable"),
                           info.time ? ", " + geo::format_time(*info.time) : "");
  for (size_t i = 0; i < info.variables.size(); ++i) print(info.variables[i], json["variables"][i]);
}

}  // namespace geoloom::cli
