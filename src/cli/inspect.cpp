// SPDX-License-Identifier: Apache-2.0
// geoloom inspect: what a raster file is, and a picture of it; layers are in inspect_layer.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "catalog/href.h"
#include "cli/commands.h"
#include "cli/inspect_array_file.h"
#include "cli/inspect_layer.h"
#include "cli/quantities.h"
#include "error/secrets.h"
#include "gdal/array_address.h"
#include "gdal/geotiff_writer.h"
#include "gdal/vector_file.h"
#include "raster/asset.h"

namespace geoloom::cli {
namespace {

struct InspectArguments {
  std::string file, window, at, png;
  std::string layer, store, run;
  int64_t size = 512;
};

// --window x,y,w,h in pixels, or --at LON,LAT with --size around it, or everything.
geo::Window chosen_window(const InspectArguments& arguments, const gdal::RasterInfo& info) {
  const geo::Window all{0, 0, info.width, info.height};
  geo::Window window = all;
  if (!arguments.window.empty()) {
    long long x = 0, y = 0, width = 0, height = 0;
    char rest = 0;
    if (std::sscanf(arguments.window.c_str(), "%lld,%lld,%lld,%lld%c", &x, &y, &width, &height,
                    &rest) != 4)
      throw Error(ErrorCode::invalid,
                  fmt::format("--window: '{}' is not x,y,width,height", arguments.window));
    window = {x, y, width, height};
  } else if (!arguments.at.empty()) {
    const auto place = parse_pair(arguments.at, "a place LON,LAT");
    if (!info.grid)
      throw Error(ErrorCode::invalid, "--at needs a north-up raster: " + info.why_no_grid);
    const auto xy = geo::from_lon_lat(info.grid->crs, place.first, place.second);
    const auto pixel = info.grid->position(xy.x, xy.y);
    window = {static_cast<int64_t>(std::floor(pixel.column)) - arguments.size / 2,
              static_cast<int64_t>(std::floor(pixel.row)) - arguments.size / 2, arguments.size,
              arguments.size};
  }
  const auto inside = window.intersect(all);
  if (inside.empty())
    throw Error(ErrorCode::invalid,
                fmt::format("the window {} does not touch the raster of {} x {} pixels",
                            window.text(), info.width, info.height))
        .at({.file = arguments.file});
  return inside;
}

// 2nd to 98th percentile of the valid values onto 1..255, so that anything can be looked at.
std::vector<uint8_t> stretched(const std::vector<float>& values, const gdal::BandInfo& band) {
  std::vector<float> sorted;
  for (const float value : values)
    if (std::isfinite(value) && !(band.nodata && value == static_cast<float>(*band.nodata)))
      sorted.push_back(value);
  std::vector<uint8_t> out(values.size(), 0);
  if (sorted.empty()) return out;
  std::sort(sorted.begin(), sorted.end());
  const float low = sorted[sorted.size() * 2 / 100], high = sorted[(sorted.size() - 1) * 98 / 100];
  const float span = high > low ? high - low : 1;
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i]) && !(band.nodata && values[i] == static_cast<float>(*band.nodata)))
      out[i] = static_cast<uint8_t>(std::clamp(1 + 254 * (values[i] - low) / span, 1.0F, 255.0F));
  return out;
}

void write_picture(const raster::Asset& asset, const geo::Window& window,
                   const InspectArguments& arguments) {
  const auto& info = asset.info();
  const double shrink = std::max(1.0, static_cast<double>(std::max(window.width, window.height)) /
                                          static_cast<double>(arguments.size));
  const auto width =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(window.width) / shrink));
  const auto height =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(window.height) / shrink));
  const size_t planes = info.bands.size() >= 3 ? 3 : 1;
  std::vector<std::vector<uint8_t>> pictures;
  std::vector<const uint8_t*> pointers;
  for (size_t b = 0; b < planes; ++b) {
    const auto values = asset.read_overview(window, static_cast<int>(b) + 1, width, height);
    const bool bytes = info.bands[b].type == gdal::SampleType::uint8 && planes == 3;
    if (bytes)
      pictures.emplace_back(values.begin(), values.end());
    else
      pictures.push_back(stretched(values, info.bands[b]));
  }
  for (const auto& picture : pictures) pointers.push_back(picture.data());
  gdal::write_png(arguments.png, width, height, pointers);
}

// A whole number as one; NaN and infinities, which JSON lacks, as texts.
workflow::OrderedJson nodata_json(const gdal::BandInfo& band) {
  if (!band.nodata) return {};
  const auto text = format_number(*band.nodata);
  return std::isfinite(*band.nodata) ? workflow::OrderedJson::parse(text)
                                     : workflow::OrderedJson(text);
}

// What says which pixels are valid: "nodata 0", "nodata NaN", "mask band", "no nodata".
std::string validity_text(const workflow::OrderedJson& band) {
  const auto& nodata = band["nodata"];
  if (nodata.is_null()) return band["mask"].get<bool>() ? "mask band" : "no nodata";
  if (nodata == "nan") return "nodata NaN";
  return "nodata " + (nodata.is_string() ? nodata.get<std::string>() : nodata.dump());
}

workflow::OrderedJson to_json(const raster::Asset& asset) {
  const gdal::RasterInfo& info = asset.info();
  workflow::OrderedJson bands = workflow::OrderedJson::array(),
                        overviews = workflow::OrderedJson::array();
  for (const auto& band : info.bands) {
    bands.push_back({{"name", band.name},
                     {"type", sample_type_name(band.type)},
                     {"nodata", nodata_json(band)},
                     {"scale", band.scale},
                     {"offset", band.offset},
                     {"unit", band.unit},
                     {"colour", band.colour},
                     {"block", {band.block_width, band.block_height}},
                     {"mask", band.has_mask_band}});
    for (const auto& colour : band.colours) bands.back()["colours"].push_back(raster::text(colour));
    for (const auto& [value, class_name] : band.class_names)
      bands.back()["class_names"][std::to_string(value)] = class_name;
  }
  for (const auto& [width, height] : info.overviews) overviews.push_back({width, height});
  workflow::OrderedJson json{{"driver", info.driver},
                             {"size", {info.width, info.height}},
                             {"bands", bands},
                             {"compression", info.compression},
                             {"interleaving", info.interleaving},
                             {"overviews", overviews},
                             {"why_gdal", asset.why_gdal()}};
  if (!info.grid) {
    json["grid"] = nullptr;
    json["why_no_grid"] = info.why_no_grid;
    return json;
  }
  const auto box = info.grid->box();
  json["crs"] = info.grid->crs.name();
  json["bounds"] = {box.min_x, box.min_y, box.max_x, box.max_y};
  json["pixel"] = {info.grid->pixel_width, info.grid->pixel_height};
  if (info.grid->crs.known()) {
    const auto centre =
        geo::to_lon_lat(info.grid->crs, (box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2);
    json["centre_lon_lat"] = {centre.lon, centre.lat};
  }
  return json;
}

void print(const std::string& file, const workflow::OrderedJson& json) {
  std::cout << fmt::format("{}: {}, {} x {} pixels, {}, {}\n", file,
                           json["driver"].get<std::string>(), json["size"][0].get<int64_t>(),
                           json["size"][1].get<int64_t>(), counted(json["bands"].size(), "band"),
                           json["compression"].get<std::string>().empty()
                               ? "not compressed"
                               : json["compression"].get<std::string>());
  for (size_t b = 0; b < json["bands"].size(); ++b) {
    const auto& band = json["bands"][b];
    std::cout << fmt::format("  band {}{}{}: {}, {}, scale {}, offset {}, blocks {} x {}\n", b + 1,
                             band["name"] == "" ? "" : " ", band["name"].get<std::string>(),
                             band["type"].get<std::string>(), validity_text(band),
                             band["scale"].get<double>(), band["offset"].get<double>(),
                             band["block"][0].get<int>(), band["block"][1].get<int>());
    if (band.contains("class_names"))
      for (const auto& [value, class_name] : band["class_names"].items())
        std::cout << fmt::format("    {} {}\n", value, class_name.get<std::string>());
  }
  if (json.contains("crs")) {
    std::cout << fmt::format("  CRS {}, pixel {} x {}\n", json["crs"].get<std::string>(),
                             json["pixel"][0].get<double>(), json["pixel"][1].get<double>());
    std::cout << fmt::format("  bounds {} {} {} {}\n", json["bounds"][0].get<double>(),
                             json["bounds"][1].get<double>(), json["bounds"][2].get<double>(),
                             json["bounds"][3].get<double>());
  } else {
    std::cout << "  no north-up grid: " << json["why_no_grid"].get<std::string>() << "\n";
  }
  if (json.contains("centre_lon_lat"))
    std::cout << fmt::format("  centre {:.6f},{:.6f} (lon,lat)\n",
                             json["centre_lon_lat"][0].get<double>(),
                             json["centre_lon_lat"][1].get<double>());
  std::cout << "  overviews " << (json["overviews"].empty() ? "none" : json["overviews"].dump())
            << "\n";
  const auto why_gdal = json["why_gdal"].get<std::string>();
  std::cout << (why_gdal.empty() ? "  read block by block\n"
                                 : fmt::format("  read through GDAL: {}\n", why_gdal));
}

workflow::OrderedJson vectors_json(const std::string& file) {
  auto layers = workflow::OrderedJson::array();
  for (const auto& layer : gdal::describe_vectors(catalog::gdal_path(file))) {
    auto columns = workflow::OrderedJson::array();
    for (const auto& column : layer.columns)
      columns.push_back({{"name", column.name}, {"type", column.type}});
    workflow::OrderedJson bounds;
    if (layer.bounds)
      bounds = {layer.bounds->min_x, layer.bounds->min_y, layer.bounds->max_x, layer.bounds->max_y};
    layers.push_back(
        {{"name", layer.name},
         {"geometry", layer.geometry},
         {"features", layer.features},
         {"crs", layer.crs.known() ? workflow::OrderedJson(layer.crs.name()) : nullptr},
         {"bounds", bounds},
         {"columns", columns}});
  }
  return {{"layers", layers}};
}

void inspect_vectors(const InspectArguments& arguments, const Commands& commands) {
  if (!arguments.window.empty() || !arguments.at.empty() || !arguments.png.empty())
    throw Error(ErrorCode::invalid, "--window, --at and --png are for rasters")
        .at({.file = arguments.file});
  const auto json = vectors_json(arguments.file);
  if (commands.json) {
    std::cout << json.dump(1) << "\n";
    return;
  }
  std::cout << fmt::format("{}: {}\n", without_secrets(arguments.file),
                           counted(json["layers"].size(), "layer"));
  for (const auto& layer : json["layers"]) {
    std::cout << fmt::format("  layer {}: {} of {}, CRS {}\n", layer["name"].get<std::string>(),
                             counted(layer["features"].get<size_t>(), "feature"),
                             layer["geometry"].get<std::string>(),
                             layer["crs"].is_null() ? "not told" : layer["crs"].get<std::string>());
    if (!layer["bounds"].is_null())
      std::cout << fmt::format("    bounds {} {} {} {}\n", layer["bounds"][0].get<double>(),
                               layer["bounds"][1].get<double>(), layer["bounds"][2].get<double>(),
                               layer["bounds"][3].get<double>());
    for (const auto& column : layer["columns"])
      std::cout << fmt::format("    column {}: {}\n", column["name"].get<std::string>(),
                               column["type"].get<std::string>());
  }
}

}  // namespace

void add_inspect(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "inspect",
      "What a raster is: size, bands, CRS, blocks, and a picture of it; or a vector file, or a "
      "layer");
  const auto arguments = std::make_shared<InspectArguments>();
  command->add_option(
      "FILE", arguments->file,
      "A raster, or a vector file: local, s3://, gs://, az:// or https://; a netCDF, HDF "
      "or Zarr file, or one variable of it, as in NETCDF:\"a.nc\":B04[0]");
  command->add_option("--layer", arguments->layer,
                      "Instead of a file: the dates, bands and items of a layer that a run made");
  command->add_option("--store", arguments->store,
                      "Of the layer: folder or bucket (s3://, gs://, az://); default: that of the "
                      "last run");
  command->add_option("--run", arguments->run,
                      "Of the layer: run id; default: the last that makes it");
  command->add_option("--window", arguments->window, "Pixels x,y,width,height");
  command->add_option("--at", arguments->at,
                      "A place LON,LAT; a window of --size pixels around it");
  command
      ->add_option("--size", arguments->size,
                   "Longer side of the picture, and of the window of --at")
      ->check(CLI::Range(1, 16384));
  command->add_option("--png", arguments->png, "Write a picture of the overview or the window");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([arguments, &commands] {
    if (arguments->file.empty() == arguments->layer.empty())
      throw Error(ErrorCode::invalid, "say what to inspect: a FILE, or a layer with --layer NAME");
    if (!arguments->layer.empty())
      return inspect_layer(arguments->layer, arguments->store, arguments->run, commands);
    if (gdal::named_like_vectors(arguments->file)) return inspect_vectors(*arguments, commands);
    const bool whole = arguments->window.empty() && arguments->at.empty() && arguments->png.empty();
    if (whole && gdal::array_format_of_name(arguments->file))
      return inspect_array_file(arguments->file, commands);
    const auto asset = raster::Asset::open(catalog::gdal_path(arguments->file));
    auto json = to_json(asset);
    const auto window = chosen_window(*arguments, asset.info());
    if (!arguments->window.empty() || !arguments->at.empty())
      json["window"] = {window.x, window.y, window.width, window.height};
    if (!arguments->png.empty()) write_picture(asset, window, *arguments);
    if (commands.json)
      std::cout << json.dump(1) << "\n";
    else
      print(without_secrets(arguments->file), json);
    if (!commands.json && json.contains("window"))
      std::cout << "  window " << window.text() << "\n";
    if (!arguments->png.empty()) std::cerr << "picture: " << arguments->png << "\n";
  });
}

}  // namespace geoloom::cli
