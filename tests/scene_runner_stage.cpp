// SPDX-License-Identifier: Apache-2.0
#include "scene_runner_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "gdal/dataset.h"
#include "gdal/geotiff_writer.h"
#include "geo/time.h"
#include "workflow/parameters.h"

namespace geoloom::scene_runner {
namespace {

using workflow::Json;

constexpr const char* kCrs = "EPSG:32633";
constexpr double kOriginX = 500000, kOriginY = 5100000, kPixel = 10;

geo::Grid grid_of(const DrawnScene& scene, const DrawnBand& band) {
  geo::Grid grid;
  grid.crs = geo::Crs::parse(kCrs);
  grid.origin_x = kOriginX + kPixel * static_cast<double>(scene.x);
  grid.origin_y = kOriginY - kPixel * static_cast<double>(scene.y);
  grid.pixel_width = grid.pixel_height = kPixel * static_cast<double>(band.pixel);
  grid.width = band.plane.width;
  grid.height = band.plane.height;
  return grid;
}

gdal::BufferType buffer_type(raster::PixelType type) {
  switch (type) {
    case raster::PixelType::uint8:
      return gdal::BufferType::uint8;
    case raster::PixelType::uint16:
      return gdal::BufferType::uint16;
    case raster::PixelType::int16:
      return gdal::BufferType::int16;
    case raster::PixelType::float32:
      break;
  }
  return gdal::BufferType::float32;
}

bool valid_everywhere(const DrawnBand& band) {
  return std::all_of(band.plane.cells.begin(), band.plane.cells.end(),
                     [](const Cell& cell) { return cell.has_value(); });
}

template <class T>
void write_plane(gdal::ScratchWriter& writer, int number, const DrawnScene& scene,
                 const DrawnBand& band) {
  std::vector<T> values;
  for (const auto& cell : band.plane.cells) {
    const double value = cell.value_or(scene.nodata.value_or(0));
    const bool fits =
        std::is_same_v<T, float> || value == static_cast<double>(static_cast<T>(value));
    if (!fits)
      throw Error(ErrorCode::invalid, fmt::format("scene '{}': {} is not a value of {}", scene.name,
                                                  value, raster::name(scene.type)));
    values.push_back(static_cast<T>(value));
  }
  writer.write({0, 0, band.plane.width, band.plane.height}, number, values.data(),
               sizeof(T) * static_cast<size_t>(band.plane.width));
}

void write_mask(gdal::ScratchWriter& writer, const std::vector<const DrawnBand*>& bands) {
  const auto& first = bands.front()->plane;
  std::vector<uint8_t> mask(first.cells.size(), 255);
  for (const auto* band : bands)
    for (size_t i = 0; i < mask.size(); ++i)
      if (!band->plane.cells[i]) mask[i] = 0;
  writer.write_mask({0, 0, first.width, first.height}, mask.data(),
                    static_cast<size_t>(first.width));
}

// Bands of one file lie on one grid.
void write_raster(const std::string& path, const DrawnScene& scene,
                  const std::vector<const DrawnBand*>& bands) {
  gdal::ScratchWriter::Options options;
  options.type = buffer_type(scene.type);
  options.nodata = scene.nodata;
  options.block_size = 16;
  for (const auto* band : bands) {
    if (band->plane.width != bands.front()->plane.width ||
        band->plane.height != bands.front()->plane.height)
      throw Error(ErrorCode::invalid, fmt::format("scene '{}': bands '{}' and '{}' differ in size",
                                                  scene.name, bands.front()->name, band->name));
    options.bands.push_back({.name = band->name,
                             .unit = "",
                             .scale = scene.scale,
                             .offset = scene.offset,
                             .colour = ""});
    options.mask_band = options.mask_band || (!scene.nodata && !valid_everywhere(*band));
  }
  gdal::ScratchWriter writer(path, grid_of(scene, *bands.front()), options);
  for (size_t i = 0; i < bands.size(); ++i)
    raster::visit(scene.type, [&]<class T>(T) {
      write_plane<T>(writer, static_cast<int>(i + 1), scene, *bands[i]);
    });
  if (options.mask_band) write_mask(writer, bands);
  writer.close();
}

std::vector<const DrawnBand*> bands_with_pixel(const DrawnScene& scene, int64_t pixel) {
  std::vector<const DrawnBand*> bands;
  for (const auto& band : scene.bands)
    if (band.pixel == pixel) bands.push_back(&band);
  return bands;
}

// A scene whose bands differ in resolution needs a file for each, and a STAC item that joins them.
Json write_assets(const std::string& folder, const DrawnScene& scene) {
  Json assets = Json::object();
  for (const int64_t pixel : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4}, int64_t{6}}) {
    const auto bands = bands_with_pixel(scene, pixel);
    if (bands.empty()) continue;
    const std::string name = fmt::format("{}_{}.tif", scene.name, pixel);
    write_raster(folder + "/" + name, scene, bands);
    Json names = Json::array();
    for (const auto* band : bands) names.push_back({{"name", band->name}});
    assets[fmt::format("pixel{}", pixel)] = {
        {"href", "./" + name}, {"type", "image/tiff; application=geotiff"}, {"eo:bands", names}};
  }
  return assets;
}

Json stac_item(const std::string& folder, const DrawnScene& scene) {
  Json properties = {{"datetime", nullptr}};
  if (const auto time =
          geo::time_from_name(scene.name, scene.name.size() > 8 ? "%Y%m%dT%H%M%S" : "%Y%m%d"))
    properties["datetime"] = geo::format_time(*time);
  return {{"type", "Feature"},      {"stac_version", "1.0.0"},
          {"id", scene.name},       {"collection", "drawn"},
          {"geometry", nullptr},    {"properties", properties},
          {"links", Json::array()}, {"assets", write_assets(folder, scene)}};
}

// In the order in which it is written: the order of bands counts.
workflow::OrderedJson ordered(const workflow::Value& value) {
  using Kind = workflow::Value::Kind;
  if (value.kind == Kind::map) {
    auto object = workflow::OrderedJson::object();
    for (const auto& [key, member] : value.map) object[key] = ordered(member);
    return object;
  }
  if (value.kind == Kind::list) {
    auto list = workflow::OrderedJson::array();
    for (const auto& member : value.list) list.push_back(ordered(member));
    return list;
  }
  return workflow::to_json(value);
}

// One line for the head, then every op on the line it has in the scene file.
class DocumentText {
 public:
  void add_json(const Json& part) { text_ += part.dump(); }
  void add(const std::string& text) { text_ += text; }
  void add_ops(const workflow::Value& list) {
    for (size_t i = 0; i < list.list.size(); ++i) {
      if (i > 0) text_ += ",";
      const auto lines = static_cast<int>(std::count(text_.begin(), text_.end(), '\n')) + 1;
      text_.append(static_cast<size_t>(std::max(0, list.list[i].line - lines)), '\n');
      text_ += ordered(list.list[i]).dump();
    }
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

workflow::GivenParameter given(const std::string& text) {
  workflow::Value value;
  value.kind = workflow::Value::Kind::string;
  value.text = text;
  value.quoted = true;
  return {value, "scene"};
}

}  // namespace

void write_inputs(const SceneCase& scene_case, const std::string& folder) {
  const std::string scenes = folder + "/scenes", files = folder + "/files";
  std::filesystem::create_directories(scenes);
  std::filesystem::create_directories(files);
  Json items = Json::array();
  for (const auto& scene : scene_case.scenes) {
    const bool plain = std::all_of(scene.bands.begin(), scene.bands.end(),
                                   [](const DrawnBand& band) { return band.pixel == 1; });
    if (plain)
      write_raster(fmt::format("{}/{}.tif", scenes, scene.name), scene, bands_with_pixel(scene, 1));
    else
      items.push_back(stac_item(scenes, scene));
  }
  if (!items.empty())
    gdal::write_file(scenes + "/items.json",
                     Json{{"type", "FeatureCollection"}, {"features", items}}.dump());
  for (const auto& [name, content] : scene_case.files)
    gdal::write_file(files + "/" + name, content);
}

workflow::Document document_of(const SceneCase& scene_case, const std::string& folder,
                               const std::string& store, const Placement& placement) {
  const auto margin = static_cast<double>(placement.margin) * kPixel;
  const Json path = {{"type", "path"}};
  const Json grid = {
      {"crs", kCrs},
      {"origin", {kOriginX - margin, kOriginY + margin}},
      {"resolution", kPixel},
      {"size", {scene_case.width + placement.margin, scene_case.height + placement.margin}}};
  DocumentText text;
  text.add(R"({"geoloom": 1, "name": "scene", "store": "$results", "params": )");
  text.add_json(Json{{"scenes", path}, {"files", path}, {"results", path}});
  text.add(R"(, "area": )");
  text.add_json(Json{{"grid", grid}, {"tiles", {{"size", fmt::format("{} px", placement.tile)}}}});
  text.add(R"(, "steps": {"chain": {"over": "tiles", "do": [)");
  text.add_ops(scene_case.do_list);
  text.add("]}");
  if (!scene_case.then_list.is_null()) {
    text.add(R"(, "map": {"do": [)");
    text.add_ops(scene_case.then_list);
    text.add("]}");
  }
  text.add("}}\n");
  auto document = workflow::parse_document(text.text(), scene_case.file);
  workflow::resolve(document, {{"scenes", given(folder + "/scenes")},
                               {"files", given(folder + "/files")},
                               {"results", given(store)}});
  return document;
}

}  // namespace geoloom::scene_runner
