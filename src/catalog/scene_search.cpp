// SPDX-License-Identifier: Apache-2.0
#include "catalog/scene_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "catalog/array_file_scenes.h"
#include "catalog/folder_scenes.h"
#include "catalog/glob.h"
#include "catalog/href.h"
#include "catalog/stac_item.h"
#include "error/error.h"
#include "error/spelling.h"
#include "gdal/array_address.h"
#include "gdal/dataset.h"
#include "raster/asset.h"

namespace geoloom::catalog {
namespace {

constexpr size_t kLargestList = size_t{64} << 20;
constexpr size_t kHeadersTried = 10;
constexpr const char* kPlainKey = "data";  // of a plain file's only asset

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

Error not_there(const std::string& path) {
  Error error(ErrorCode::missing, fmt::format("'{}' does not exist", path));
  const std::string folder = folder_of(absolute_path(path));
  try {
    const std::vector<std::string> names = gdal::list_files(folder, false);
    const std::string nearest = nearest_spelling(file_name_of(path), names);
    if (!nearest.empty()) error.hint(fmt::format("did you mean '{}'?", nearest));
  } catch (const Error&) {
    error.hint(fmt::format("there is no folder '{}' either", folder));
  }
  return error;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return x == y || std::tolower(x) == std::tolower(y);
  });
}

bool hidden(const std::string& relative) {
  return relative.starts_with('.') || relative.find("/.") != std::string::npos;
}

// What a folder's files or a glob's matches are scenes of.
bool is_scene_name(const std::string& path) {
  return is_image_name(path) || gdal::array_format_of_name(path).has_value();
}

bool is_stac_name(const std::string& path) {
  const std::string extension = extension_of(path);
  return extension == "json" || extension == "geojson";
}

bool is_list_name(const std::string& path) {
  const std::string extension = extension_of(path);
  return extension == "txt" || extension == "csv";
}

struct ListLine {
  int number;
  std::string path;
};

// The first column of a CSV line; quotes may hold commas, and doubled quotes.
std::string first_column(const std::string& line) {
  if (!line.starts_with('"')) return line.substr(0, line.find_first_of(",;\t"));
  std::string result;
  for (size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (i + 1 >= line.size() || line[i + 1] != '"') break;
      ++i;
    }
    result += line[i];
  }
  return result;
}

bool is_heading(const std::string& word) {
  constexpr std::array<std::string_view, 8> headings{"path", "paths", "file",  "filename",
                                                     "href", "url",   "scene", "location"};
  return std::find(headings.begin(), headings.end(), lower(word)) != headings.end();
}

std::vector<ListLine> lines_of(const std::string& list_path) {
  std::string text = gdal::read_file(list_path, kLargestList);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  const bool csv = extension_of(list_path) == "csv";
  std::vector<ListLine> lines;
  int number = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    start = end + 1;
    ++number;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    line = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
    if (csv) line = first_column(line);
    if (csv && lines.empty() && is_heading(line)) continue;
    lines.push_back({number, line});
  }
  return lines;
}

class Search {
 public:
  explicit Search(const SceneQuery& query) : query_(query) {}

  SceneList run() {
    for (const std::string& entry : query_.from) add_entry(entry);
    if (scenes_.empty()) {
      throw Error(ErrorCode::invalid,
                  fmt::format("no scene was found in {}", fmt::join(query_.from, ", ")))
          .hint("scenes are .tif, .tiff, .jp2, .nc, .h5 and .zarr, or STAC items with such assets");
    }
    drop_without_images();
    drop_duplicates();
    report_.after_filter.emplace_back("found", scenes_.size());
    check_date_pattern();
    filter_period();
    order();
    name_plain_bands();
    return {std::move(scenes_), std::move(report_)};
  }

 private:
  void add_entry(const std::string& entry) {
    const std::string path = gdal_path(absolute_path(entry));
    const auto status = gdal::file_status(gdal::file_of(path));
    if (!status && is_glob(entry)) return add_glob(entry);
    if (!status) throw not_there(gdal::file_of(entry));
    if (gdal::names_array_file(path)) {
      only_lists_ = false;
      return add_array_file(path);
    }
    if (status->directory) return add_folder(path);
    if (is_list_name(path)) return add_list(path);
    only_lists_ = false;
    add_document(path);
  }

  void add_document(const std::string& path) {
    if (gdal::names_array_file(path)) return add_array_file(path);
    if (!is_stac_name(path)) return add_plain(path);
    std::vector<Scene> found = read_stac(path, &report_.notes);
    std::move(found.begin(), found.end(), std::back_inserter(scenes_));
  }

  void add_array_file(const std::string& path) {
    const auto found =
        scenes_of_array_file(path, time_of_name(file_name_of(gdal::file_of(path))), report_.notes);
    scenes_.insert(scenes_.end(), found.begin(), found.end());
  }

  std::optional<geo::TimeMs> time_of_name(const std::string& name) const {
    return query_.date_pattern.empty() ? time_in_name(name)
                                       : geo::time_from_name(name, query_.date_pattern);
  }

  void add_pattern(const std::string& folder) {
    std::vector<std::string> names;
    for (const bool recursive : {false, true}) {
      if (!names.empty()) break;
      for (const std::string& name : gdal::list_files(folder, recursive))
        if (!hidden(name) && is_image_name(name)) names.push_back(name);
    }
    const auto found =
        scenes_of_folder(folder, names, {query_.files, query_.date_pattern, query_.parts});
    scenes_.insert(scenes_.end(), found.begin(), found.end());
  }

  // Products in .SAFE folders; false where there are none.
  bool add_products(const std::string& folder) {
    const auto names = gdal::list_files(folder, true);
    const auto found = scenes_of_safe(folder, names);
    scenes_.insert(scenes_.end(), found.begin(), found.end());
    return !found.empty();
  }

  void add_folder(const std::string& folder) {
    only_lists_ = false;
    if (in_safe_folder(folder + "/") && add_products(folder)) return;
    for (const char* name : {"items.json", "collection.json", "catalog.json"}) {
      const std::string document = folder + "/" + name;
      if (gdal::file_status(document)) return add_document(document);
    }
    if (!query_.files.empty()) return add_pattern(folder);
    for (const bool recursive : {false, true}) {
      if (recursive && add_products(folder)) return;
      bool found = false;
      for (const std::string& name : gdal::list_files(folder, recursive)) {
        if (hidden(name) || !is_scene_name(name)) continue;
        add_document(folder + "/" + name);
        found = true;
      }
      if (found) return;
    }
    throw Error(ErrorCode::invalid, fmt::format("there is no scene in the folder '{}'", folder))
        .hint("scenes are .tif, .tiff, .jp2, .nc, .h5 and .zarr, or STAC items with such assets");
  }

  void add_glob(const std::string& entry) {
    only_lists_ = false;
    const GlobParts glob = split_glob(gdal_path(absolute_path(entry)));
    bool found = false;
    if (!gdal::file_status(glob.folder)) throw not_there(glob.folder);
    for (const std::string& name : gdal::list_files(glob.folder, glob.recursive)) {
      if (!is_scene_name(name) && !is_stac_name(name)) continue;
      if (!glob_matches(glob.pattern, name)) continue;
      add_document((glob.folder == "/" ? "" : glob.folder) + "/" + name);
      found = true;
    }
    if (!found) {
      throw Error(ErrorCode::missing, fmt::format("no image or STAC document matches '{}'", entry));
    }
  }

  void add_list(const std::string& list_path) {
    if (extension_of(list_path) == "csv") {
      if (auto table = scenes_of_table(gdal::read_file(list_path, kLargestList), list_path)) {
        only_lists_ = false;
        std::move(table->begin(), table->end(), std::back_inserter(scenes_));
        return;
      }
    }
    for (const ListLine& line : lines_of(list_path)) {
      try {
        const std::string path = gdal_path(resolve_href(list_path, line.path));
        // Headers are asked for later, many at a time; what is not there is told then.
        if (!(gdal::is_remote(path) && is_image_name(path))) check_listed(path);
        add_document(path);
      } catch (Error& e) {
        Place place;
        place.file = list_path;
        place.line = line.number;
        throw e.at(place);
      }
    }
  }

  static void check_listed(const std::string& path) {
    const auto status = gdal::file_status(gdal::file_of(path));
    if (!status) throw not_there(gdal::file_of(path));
    if ((status->directory && !gdal::names_array_file(path)) || is_list_name(path))
      throw Error(ErrorCode::invalid, "a list names images and STAC documents only");
  }

  void add_plain(const std::string& path) {
    Scene scene;
    const std::string name = file_name_of(path);
    scene.id = name.substr(0, name.rfind('.'));
    scene.time = time_of_name(name);
    Asset asset;
    asset.key = kPlainKey;
    asset.href = asset.path = path;
    for (const std::string& band : query_.band_names) {
      AssetBand& added = asset.bands.emplace_back();
      added.number = static_cast<int>(asset.bands.size());
      added.name = band;
    }
    scene.assets.push_back(std::move(asset));
    scene.identity = identity_of(scene);
    scenes_.push_back(std::move(scene));
  }

  static bool plain(const Scene& scene) {
    return scene.assets.size() == 1 && scene.assets[0].key == kPlainKey &&
           scene.collection.empty() && !scene.bbox_lonlat;
  }

  void drop_without_images() {
    const size_t dropped =
        std::erase_if(scenes_, [](const Scene& scene) { return scene.assets.empty(); });
    if (dropped > 0) report_.notes.push_back(fmt::format("{} items without images", dropped));
  }

  void drop_duplicates() {
    std::map<std::pair<std::string, std::string>, size_t> known;  // to the index in `kept`
    std::vector<Scene> kept;
    size_t dropped = 0;
    for (Scene& scene : scenes_) {
      const auto [place, is_new] = known.try_emplace({scene.collection, scene.id}, kept.size());
      if (is_new) {
        kept.push_back(std::move(scene));
        continue;
      }
      const Scene& other = kept[place->second];
      if (other.identity != scene.identity) {
        throw Error(ErrorCode::invalid,
                    fmt::format("two different scenes are called '{}': {} and {}", scene.id,
                                other.assets[0].href, scene.assets[0].href))
            .hint("rename one of them or leave it out");
      }
      ++dropped;
    }
    scenes_ = std::move(kept);
    if (dropped > 0) report_.notes.push_back(fmt::format("{} duplicates dropped", dropped));
  }

  void check_date_pattern() const {
    if (query_.date_pattern.empty() || !std::any_of(scenes_.begin(), scenes_.end(), plain)) return;
    const bool none = std::none_of(scenes_.begin(), scenes_.end(),
                                   [](const Scene& scene) { return scene.time.has_value(); });
    if (none) {
      throw Error(ErrorCode::invalid,
                  fmt::format("no file name matches the date pattern '{}', for example '{}'",
                              query_.date_pattern, file_name_of(scenes_[0].assets[0].href)));
    }
  }

  void filter_period() {
    if (!query_.period) return;
    const size_t timeless =
        std::erase_if(scenes_, [](const Scene& scene) { return !scene.time.has_value(); });
    if (timeless > 0) {
      report_.notes.push_back(fmt::format("{} scenes without time left out", timeless));
    }
    const geo::Period searched{query_.period->start - query_.period_margin_ms,
                               query_.period->end + query_.period_margin_ms};
    std::erase_if(scenes_, [&](const Scene& scene) { return !searched.contains(*scene.time); });
    report_.after_filter.emplace_back(
        fmt::format("in {}{}", geo::format_period(*query_.period),
                    query_.period_margin_ms > 0 ? " or a day from it" : ""),
        scenes_.size());
  }

  void order() {
    if (!query_.keep_given_order && !only_lists_) sort_scenes(scenes_);
  }

  // One header says what all plain files hold: they are the scenes of one series.
  void name_plain_bands() {
    if (!query_.band_names.empty()) return;
    std::optional<std::vector<AssetBand>> bands;
    std::optional<Error> first_error;
    size_t tried = 0;
    for (const Scene& scene : scenes_) {
      if (!plain(scene) || !scene.assets[0].bands.empty()) continue;
      if (++tried > kHeadersTried) break;
      try {
        bands = bands_of_file(scene.assets[0].path);
        break;
      } catch (const Error& e) {
        if (!first_error) first_error = e;
      }
    }
    if (!bands && first_error) throw Error(*first_error);
    if (!bands) return;
    if (first_error) {
      report_.notes.push_back(
          fmt::format("{} scenes could not be opened: {}", tried - 1, first_error->what()));
    }
    for (Scene& scene : scenes_) {
      if (plain(scene) && scene.assets[0].bands.empty()) scene.assets[0].bands = *bands;
    }
  }

  static std::vector<AssetBand> bands_of_file(const std::string& path) {
    const auto file = raster::describe_asset(path).info;
    std::vector<AssetBand> bands;
    int number = 0;
    for (const gdal::BandInfo& info : file->bands) {
      ++number;
      if (info.colour == "alpha") continue;
      AssetBand band;
      band.number = number;
      const bool coloured = info.colour == "red" || info.colour == "green" || info.colour == "blue";
      if (coloured) band.common_name = info.colour;
      band.name = !info.name.empty() ? info.name
                  : coloured         ? info.colour
                                     : fmt::format("band{}", number);
      bands.push_back(std::move(band));
    }
    return bands;
  }

  const SceneQuery& query_;
  std::vector<Scene> scenes_;
  SearchReport report_;
  bool only_lists_ = true;
};

// The first band for which `same` holds; both loops in order, so the finest asset wins.
template <class Same>
std::optional<BandPlace> first_band(const Scene& scene, Same same) {
  for (size_t asset = 0; asset < scene.assets.size(); ++asset) {
    const std::vector<AssetBand>& bands = scene.assets[asset].bands;
    for (size_t band = 0; band < bands.size(); ++band) {
      if (same(scene.assets[asset], bands[band])) return BandPlace{asset, band};
    }
  }
  return std::nullopt;
}

}  // namespace

SceneList find_scenes(const SceneQuery& query) {
  if (query.from.empty()) throw Error(ErrorCode::invalid, "no place to look for scenes is given");
  return Search(query).run();
}

std::optional<BandPlace> look_up_band(const Scene& scene, const std::string& name) {
  for (const bool exactly : {true, false}) {
    const auto same = [&](const std::string& known) {
      return exactly ? known == name : same_ignoring_case(known, name);
    };
    const auto by_name = [&](const Asset&, const AssetBand& band) { return same(band.name); };
    const auto by_common = [&](const Asset&, const AssetBand& band) {
      return same(band.common_name);
    };
    const auto by_key = [&](const Asset& asset, const AssetBand&) {
      return asset.bands.size() == 1 && same(asset.key);
    };
    if (name.empty()) break;
    if (const auto place = first_band(scene, by_name)) return place;
    if (const auto place = first_band(scene, by_common)) return place;
    if (const auto place = first_band(scene, by_key)) return place;
    const auto by_alias = [&](const Asset&, const AssetBand& band) {
      return std::any_of(band.aliases.begin(), band.aliases.end(), same);
    };
    if (const auto place = first_band(scene, by_alias)) return place;
  }
  return std::nullopt;
}

BandPlace find_band(const Scene& scene, const std::string& name) {
  if (const auto found = look_up_band(scene, name)) return *found;
  Place place;
  place.scene = scene.id;
  throw Error(ErrorCode::invalid, fmt::format("there is no band '{}'", name))
      .hint(spelling_hint(name, band_names_of(scene)))
      .at(place);
}

std::vector<std::string> band_names_of(const Scene& scene) {
  if (scene.known_band_names) return *scene.known_band_names;
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  };
  for (const Asset& asset : scene.assets) {
    for (const AssetBand& band : asset.bands) add(band.name);
  }
  for (const Asset& asset : scene.assets) {
    for (const AssetBand& band : asset.bands) add(band.common_name);
    if (asset.bands.size() == 1 && asset.key != kPlainKey) add(asset.key);
  }
  return names;
}

}  // namespace geoloom::catalog
