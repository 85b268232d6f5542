// SPDX-License-Identifier: Apache-2.0
#include "catalog/folder_scenes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <regex>
#include <set>

#include "catalog/csv.h"
#include "catalog/href.h"
#include "error/error.h"
#include "gdal/dataset.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;

constexpr size_t kLargestMetadata = size_t{16} << 20;

// ---------------------------------------------------------------------------------------------
// Folders with a pattern

struct PatternExpression {
  std::regex expression;
  size_t scene = 0, band = 0;  // groups; 0: none
};

PatternExpression expression_of(const std::string& pattern) {
  PatternExpression out;
  std::string text;
  size_t groups = 0;
  for (size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '{') {
      const size_t end = pattern.find('}', at);
      const auto name = pattern.substr(at, end == std::string::npos ? end : end - at + 1);
      size_t* group = name == "{scene}" ? &out.scene : name == "{band}" ? &out.band : nullptr;
      if (group == nullptr)
        throw Error(ErrorCode::invalid,
                    fmt::format("'{}' in the pattern '{}' means nothing", name, pattern))
            .hint("use {scene}, {band} and *");
      if (*group == 0) {
        *group = ++groups;
        text += "([^/]+)";
      } else {
        text += fmt::format("\\{}", *group);
      }
      at = end + 1;
      continue;
    }
    if (c == '*')
      text += "[^/]*";
    else if (std::string_view(".^$|()[]+?\\{}").find(c) != std::string_view::npos)
      text += std::string("\\") + c;
    else
      text += c;
    ++at;
  }
  if (out.scene == 0)
    throw Error(ErrorCode::invalid,
                fmt::format("the pattern '{}' does not say what a scene is called", pattern))
        .hint("as in {scene}_{band}.tif");
  out.expression = std::regex("(?:.*/)?" + text);
  // The group before ours does not count: it captures nothing.
  return out;
}

Asset asset_of(const std::string& key, const std::string& path,
               const std::vector<std::string>& bands) {
  Asset asset;
  asset.key = key;
  asset.href = asset.path = path;
  for (const auto& name : bands) {
    AssetBand& band = asset.bands.emplace_back();
    band.number = static_cast<int>(asset.bands.size());
    band.name = name;
  }
  return asset;
}

// ---------------------------------------------------------------------------------------------
// SAFE products

constexpr std::string_view kSafe = ".SAFE/";

// The text between <name ...> and </name>; empty when it is not there.
std::string element_text(const std::string& xml, const std::string& name) {
  size_t from = xml.find("<" + name);
  if (from == std::string::npos) return "";
  from = xml.find('>', from);
  const size_t to = xml.find("</" + name, from);
  return from == std::string::npos || to == std::string::npos ? ""
                                                              : xml.substr(from + 1, to - from - 1);
}

// "lat lon lat lon ..." as a box; nullopt across the antimeridian.
std::optional<geo::Box> box_of_positions(const std::string& text) {
  std::vector<double> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    double number = 0;
    const auto parsed = std::from_chars(at, end, number);
    if (parsed.ec == std::errc()) numbers.push_back(number);
    at = parsed.ec == std::errc() ? parsed.ptr : at + 1;
  }
  if (numbers.size() < 6 || numbers.size() % 2 != 0) return std::nullopt;
  geo::Box box{180, 90, -180, -90};
  for (size_t i = 0; i < numbers.size(); i += 2) {
    box.min_y = std::min(box.min_y, numbers[i]);
    box.max_y = std::max(box.max_y, numbers[i]);
    box.min_x = std::min(box.min_x, numbers[i + 1]);
    box.max_x = std::max(box.max_x, numbers[i + 1]);
  }
  if (box.max_x - box.min_x > 180) return std::nullopt;
  return box;
}

// S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857
void read_product_name(const std::string& name, Scene& scene) {
  static const std::regex expression(
      "(S2[A-D])_MSI(L1C|L2A)_([0-9T]{15})_N([0-9]{2})([0-9]{2})_R[0-9]{3}_T([0-9A-Z]{5})_.*");
  std::smatch found;
  if (!std::regex_match(name, found, expression)) return;
  scene.collection = found[2] == "L1C" ? "sentinel-2-l1c" : "sentinel-2-l2a";
  scene.time = geo::parse_time(found[3].str());
  const auto letter = static_cast<char>(found[1].str()[2] - 'A' + 'a');
  scene.properties["platform"] = std::string("sentinel-2") + letter;
  scene.properties["s2:processing_baseline"] = found[4].str() + "." + found[5].str();
  scene.properties["s2:mgrs_tile"] = found[6].str();
}

void read_product_metadata(const std::string& path, Scene& scene) {
  const auto xml = gdal::read_file(path, kLargestMetadata);
  const auto cover = element_text(xml, "Cloud_Coverage_Assessment");
  double percent = 0;
  if (std::from_chars(cover.data(), cover.data() + cover.size(), percent).ec == std::errc())
    scene.properties["eo:cloud_cover"] = percent;
  scene.bbox_lonlat = box_of_positions(element_text(xml, "EXT_POS_LIST"));
}

struct BandFile {
  int resolution_m = 0;
  std::string band, path;
};

// "..._B04_10m.jp2" of Level-2A, "..._B04.jp2" of Level-1C; pictures and quality files are left.
std::optional<BandFile> band_file(const std::string& path) {
  static const std::regex expression(
      ".*_(B[0-9][0-9A]|SCL|AOT|WVP)(?:_([0-9]{2})m)?\\.(?:jp2|tif|tiff)");
  std::smatch found;
  const auto name = file_name_of(path);
  if (path.find("/IMG_DATA/") == std::string::npos || !std::regex_match(name, found, expression))
    return std::nullopt;
  return BandFile{found[2].matched ? std::stoi(found[2].str()) : 0, found[1].str(), path};
}

Scene scene_of_product(const std::string& folder, const std::vector<std::string>& files) {
  Scene scene;
  const auto name = file_name_of(folder);
  scene.id = name.substr(0, name.size() - 5);
  scene.properties["s2:product_uri"] = name;
  read_product_name(scene.id, scene);
  std::vector<BandFile> bands;
  for (const auto& file : files) {
    const auto path = folder + "/" + file;
    if (auto band = band_file(path)) bands.push_back(*band);
    if (file.starts_with("MTD_MSIL") && file.ends_with(".xml")) read_product_metadata(path, scene);
  }
  std::stable_sort(bands.begin(), bands.end(), [](const BandFile& a, const BandFile& b) {
    return std::tie(a.resolution_m, a.band) < std::tie(b.resolution_m, b.band);
  });
  for (const auto& band : bands) {
    const auto key =
        band.resolution_m == 0 ? band.band : fmt::format("{}_{}m", band.band, band.resolution_m);
    scene.assets.push_back(asset_of(key, band.path, {band.band}));
  }
  scene.identity = identity_of(scene);
  return scene;
}

// ---------------------------------------------------------------------------------------------
// Tables

json property_of(const std::string& field) {
  double number = 0;
  const char* const end = field.data() + field.size();
  const auto parsed = std::from_chars(field.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? json(number) : json(field);
}

bool is_one_of(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Scene scene_of_line(const CsvLine& heading, const CsvLine& line, const std::set<size_t>& images,
                    const std::string& path) {
  Scene scene;
  for (size_t i = 0; i < std::min(heading.fields.size(), line.fields.size()); ++i) {
    const auto& name = heading.fields[i];
    const auto& field = line.fields[i];
    if (field.empty()) continue;
    if (is_one_of(name, {"id", "scene"})) {
      scene.id = field;
    } else if (is_one_of(name, {"datetime", "date", "time"})) {
      scene.time = geo::parse_time(field);
      if (!scene.time) throw Error(ErrorCode::invalid, fmt::format("'{}' is not a time", field));
    } else if (name == "collection") {
      scene.collection = field;
    } else if (images.contains(i)) {
      const auto href = resolve_href(path, field);
      scene.assets.push_back(asset_of(name, gdal_path(href), {name}));
      scene.assets.back().href = href;
    } else {
      scene.properties[name] = property_of(field);
    }
  }
  if (scene.id.empty()) throw Error(ErrorCode::invalid, "the scene has no id");
  if (!scene.time) scene.time = time_in_name(scene.id);
  scene.identity = identity_of(scene);
  return scene;
}

// ---------------------------------------------------------------------------------------------
// Times in names

// The run of digits of exactly this length that begins at or after `from`; npos if there is none.
size_t digit_run(std::string_view name, size_t length, size_t from) {
  const auto digit = [&](size_t i) { return i < name.size() && name[i] >= '0' && name[i] <= '9'; };
  for (size_t i = from; i < name.size(); ++i) {
    if (!digit(i) || (i > 0 && digit(i - 1))) continue;
    size_t end = i;
    while (digit(end)) ++end;
    if (end - i == length) return i;
  }
  return std::string_view::npos;
}

std::optional<geo::TimeMs> date_and_time_in(std::string_view name) {
  for (size_t at = digit_run(name, 14, 0); at != std::string_view::npos;
       at = digit_run(name, 14, at + 1)) {
    const std::string text = fmt::format("{}T{}", name.substr(at, 8), name.substr(at + 8, 6));
    if (const auto time = geo::parse_time(text)) return time;
  }
  for (size_t at = digit_run(name, 8, 0); at != std::string_view::npos;
       at = digit_run(name, 8, at + 1)) {
    if (at + 8 >= name.size() || name[at + 8] != 'T' || digit_run(name, 6, at + 9) != at + 9) {
      continue;
    }
    if (const auto time = geo::parse_time(name.substr(at, 15))) return time;
  }
  return std::nullopt;
}

std::optional<geo::TimeMs> dashed_date_in(std::string_view name) {
  for (size_t at = digit_run(name, 4, 0); at != std::string_view::npos;
       at = digit_run(name, 4, at + 1)) {
    if (at + 10 > name.size() || digit_run(name, 2, at + 5) != at + 5 ||
        digit_run(name, 2, at + 8) != at + 8) {
      continue;
    }
    if (const auto time = geo::parse_time(name.substr(at, 10))) return time;
  }
  return std::nullopt;
}

// ".A2008296.": the day of the year, in names of MODIS and VIIRS products. What follows there is
// the time of their making.
std::optional<geo::TimeMs> acquisition_day_in(std::string_view name) {
  for (size_t at = digit_run(name, 7, 0); at != std::string_view::npos;
       at = digit_run(name, 7, at + 1)) {
    if (at < 2 || name.substr(at - 2, 2) != ".A" || at + 7 >= name.size() || name[at + 7] != '.')
      continue;
    if (const auto day = geo::time_from_name(name.substr(at, 7), "%Y%j")) return day;
  }
  return std::nullopt;
}

}  // namespace

std::optional<geo::TimeMs> time_in_name(std::string_view name) {
  if (const auto time = acquisition_day_in(name)) return time;
  if (const auto time = date_and_time_in(name)) return time;
  if (const auto time = dashed_date_in(name)) return time;
  for (size_t at = digit_run(name, 8, 0); at != std::string_view::npos;
       at = digit_run(name, 8, at + 1)) {
    if (const auto time = geo::parse_time(name.substr(at, 8))) return time;
  }
  return std::nullopt;
}

std::vector<Scene> scenes_of_folder(const std::string& folder,
                                    const std::vector<std::string>& names,
                                    const FolderPattern& pattern) {
  const auto expression = expression_of(pattern.files);
  std::map<std::string, Scene> scenes;
  for (const auto& name : names) {
    std::smatch found;
    if (!std::regex_match(name, found, expression.expression)) continue;
    const auto id = found[expression.scene].str();
    const auto band = expression.band == 0 ? std::string("data") : found[expression.band].str();
    const auto path = folder + "/" + name;
    Scene& scene = scenes[id];
    scene.id = id;
    for (const Asset& other : scene.assets)
      if (other.key == band)
        throw Error(ErrorCode::invalid,
                    fmt::format("two files are band '{}' of the scene '{}': {} and {}", band, id,
                                other.path, path))
            .hint("make the pattern longer");
    const auto part = pattern.parts.find(band);
    const bool whole = expression.band == 0 && part == pattern.parts.end();
    scene.assets.push_back(asset_of(band, path,
                                    part != pattern.parts.end() ? part->second
                                    : whole                     ? std::vector<std::string>{}
                                                                : std::vector<std::string>{band}));
  }
  if (scenes.empty())
    throw Error(ErrorCode::invalid,
                fmt::format("no file in '{}' matches '{}'", folder, pattern.files))
        .hint(names.empty() ? "the folder holds no images"
                            : fmt::format("the first file is {}", names.front()));
  std::vector<Scene> out;
  for (auto& [id, scene] : scenes) {
    scene.time = pattern.date_pattern.empty() ? time_in_name(id)
                                              : geo::time_from_name(id, pattern.date_pattern);
    scene.identity = identity_of(scene);
    out.push_back(std::move(scene));
  }
  return out;
}

bool in_safe_folder(const std::string& path) {
  return path.find(kSafe) != std::string::npos;
}

std::vector<Scene> scenes_of_safe(const std::string& folder,
                                  const std::vector<std::string>& names) {
  std::map<std::string, std::vector<std::string>> products;  // folder -> files within
  for (const auto& name : names) {
    const auto path = folder + "/" + name;
    const size_t at = path.find(kSafe);
    if (at == std::string::npos) continue;
    const size_t end = at + kSafe.size();
    products[path.substr(0, end - 1)].push_back(path.substr(end));
  }
  std::vector<Scene> scenes;
  for (const auto& [product, files] : products) scenes.push_back(scene_of_product(product, files));
  return scenes;
}

std::optional<std::vector<Scene>> scenes_of_table(const std::string& text,
                                                  const std::string& path) {
  const auto lines = csv_lines(text, path);
  if (lines.size() < 2) return std::nullopt;
  const auto& heading = lines[0];
  const bool named = std::any_of(heading.fields.begin(), heading.fields.end(), [](const auto& f) {
    return is_one_of(f, {"id", "scene"});
  });
  // A column holds images when one of its fields is called like one.
  std::set<size_t> images;
  for (size_t l = 1; l < lines.size(); ++l)
    for (size_t i = 0; i < std::min(heading.fields.size(), lines[l].fields.size()); ++i)
      if (is_image_name(without_query(lines[l].fields[i]))) images.insert(i);
  if (!named || images.empty()) return std::nullopt;
  std::vector<Scene> scenes;
  for (size_t l = 1; l < lines.size(); ++l) {
    try {
      scenes.push_back(scene_of_line(heading, lines[l], images, path));
    } catch (Error& error) {
      Place place;
      place.file = path;
      place.line = lines[l].number;
      throw error.at(place);
    }
  }
  return scenes;
}

}  // namespace geoloom::catalog
