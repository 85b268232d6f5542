// SPDX-License-Identifier: Apache-2.0
#include "catalog/archive_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "catalog/csv.h"
#include "catalog/href.h"
#include "catalog/json_document.h"
#include "catalog/stac_api.h"
#include "catalog/stac_item.h"
#include "error/error.h"
#include "gdal/dataset.h"
#include "geo/solar_day.h"
#include "http/url.h"

namespace geoloom::catalog {
namespace {

constexpr size_t kLargestList = size_t{64} << 20;

std::string without_safe(const std::string& name) {
  constexpr std::string_view kEnding = ".SAFE";
  return name.ends_with(kEnding) ? name.substr(0, name.size() - kEnding.size()) : name;
}

geo::Box around(const std::vector<geo::Box>& boxes) {
  geo::Box out = boxes.front();
  for (const auto& box : boxes) {
    out.min_x = std::min(out.min_x, box.min_x);
    out.min_y = std::min(out.min_y, box.min_y);
    out.max_x = std::max(out.max_x, box.max_x);
    out.max_y = std::max(out.max_y, box.max_y);
  }
  return out;
}

geo::Period grown(geo::Period period, int64_t by_ms) {
  return {period.start - by_ms, period.end + by_ms};
}

// One collection of an archive: items go through the filters in order, and are counted.
class CollectionSearch {
 public:
  CollectionSearch(const ArchiveQuery& query, const CollectionQuery& collection,
                   const std::map<std::string, std::string>& exclusions)
      : query_(query), collection_(collection), exclusions_(exclusions) {
    add_filters();
  }

  ArchiveScenes run(ArchiveClient& client) {
    if (query_.stac.empty())
      take_plain();
    else if (is_api(client))
      ask_api(client);
    else
      walk(client);
    finish();
    return std::move(out_);
  }

 private:
  struct Filter {
    std::string label;
    std::function<bool(const Scene&)> keeps;
    size_t left = 0;
  };

  void add_filters() {
    if (!collection_.id.empty())
      filters_.push_back({"in " + collection_.id,
                          [this](const Scene& s) { return s.collection == collection_.id; }});
    if (query_.period) {
      const auto period = grown(*query_.period, query_.period_margin_ms);
      filters_.push_back({"in " + geo::format_period(*query_.period) +
                              (query_.period_margin_ms > 0 ? " or a day from it" : ""),
                          [period](const Scene& s) { return s.time && period.contains(*s.time); }});
    }
    if (!query_.near.empty() || query_.bbox)
      filters_.push_back({"near the area", [this](const Scene& s) { return is_near(s); }});
    for (const auto* list : {&query_.where, &collection_.where})
      for (const auto& condition : *list)
        filters_.push_back(
            {condition.text(), [&condition](const Scene& s) { return condition.holds(s); }});
  }

  bool is_near(const Scene& scene) const {
    if (!scene.bbox_lonlat) return true;
    const auto touches = [&](const geo::Box& box) { return box.intersects(*scene.bbox_lonlat); };
    return (!query_.bbox || touches(*query_.bbox)) &&
           (query_.near.empty() || std::any_of(query_.near.begin(), query_.near.end(), touches));
  }

  // Takes or refuses one item; what is taken is ready to be read.
  bool take(Scene& scene) {
    ++found_;
    // Of all assets, as the item has it; else keep_bands() knows which assets count.
    if (query_.bands.empty() && scene.identity.empty()) scene.identity = identity_of(scene);
    if (scene.collection.empty() && !collection_.id.empty()) scene.collection = collection_.id;
    for (auto& filter : filters_) {
      if (!filter.keeps(scene)) return false;
      ++filter.left;
    }
    if (scene.assets.empty()) {
      ++without_images_;
      return false;
    }
    if (const auto* reason = exclusion_of(scene)) {
      out_.excluded.push_back({scene.id, *reason, scene.bbox_lonlat});
      return false;
    }
    apply_sensor(scene, collection_.sensor, collection_.offset, out_.offsets);
    harmonise(scene);
    keep_bands(scene);
    return true;
  }

  const std::string* exclusion_of(const Scene& scene) const {
    if (exclusions_.empty()) return nullptr;
    const auto product = scene.properties.find("s2:product_uri");
    for (const auto& name :
         {scene.id, product == scene.properties.end() || !product->second.is_string()
                        ? std::string()
                        : product->second.get<std::string>()}) {
      const auto found = exclusions_.find(without_safe(name));
      if (!name.empty() && found != exclusions_.end()) return &found->second;
    }
    return nullptr;
  }

  void harmonise(Scene& scene) const {
    for (const auto& [name, harmony] : collection_.harmonise) {
      const auto place = look_up_band(scene, name);
      if (!place) continue;
      AssetBand& band = scene.assets[place->asset].bands[place->band];
      band.harmony_scale = harmony.scale;
      band.harmony_offset = harmony.offset;
    }
  }

  void keep_bands(Scene& scene) {
    if (query_.bands.empty()) return;
    std::set<size_t> used;
    for (const auto& name : query_.bands) {
      if (const auto place = look_up_band(scene, name))
        used.insert(place->asset);
      else
        remember_band_names(scene);
    }
    if (used.empty()) used.insert(0);  // messages name one
    std::vector<Asset> kept;
    kept.reserve(used.size());
    for (const size_t index : used) kept.push_back(std::move(scene.assets[index]));
    scene.assets = std::move(kept);
    scene.identity = identity_of(scene);
  }

  // Most items of a collection have the same.
  void remember_band_names(Scene& scene) {
    auto names = band_names_of(scene);
    if (!band_names_ || *band_names_ != names)
      band_names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
    scene.known_band_names = band_names_;
  }

  bool is_api(ArchiveClient& client) const {
    if (!is_web_address(query_.stac)) return false;
    if (query_.stac.ends_with("/search")) return true;
    const JsonDocument parsed = client.get(query_.stac);
    const JsonView document = parsed.root();
    if (document["type"].text() == "Collection") {
      const auto links = document["links"].elements();
      const bool of_api = std::any_of(links.begin(), links.end(), [](const JsonView& link) {
        return link["rel"].text() == "items";
      });
      if (of_api)
        throw Error(ErrorCode::invalid, fmt::format("{} is one collection of an API", query_.stac))
            .hint(fmt::format("give the API's landing page as `stac`, and `collection: {}`",
                              document["id"].text()));
    }
    return is_stac_api(document);
  }

  void ask_api(ArchiveClient& client) {
    StacApi api(query_.stac, client);
    StacSearch search;
    if (!collection_.id.empty()) search.collections = {collection_.id};
    if (query_.period) search.period = grown(*query_.period, geo::kDayMs);
    if (query_.bbox)
      search.bbox = query_.bbox;
    else if (!query_.near.empty())
      search.bbox = around(query_.near);
    search.where = query_.where;
    search.where.insert(search.where.end(), collection_.where.begin(), collection_.where.end());
    search.most_items = query_.most_items;
    const auto answer = api.search(search, [this](JsonView item, const std::string& address) {
      Scene scene = scene_of_item(item, address);
      if (take(scene)) keep(std::move(scene));
    });
    if (answer.items == 0 && !collection_.id.empty())
      static_cast<void>(api.collection(collection_.id));  // told when there is no such collection
    if (answer.filtered_on_server && answer.matched) before_server_ = answer.matched;
    on_server_ = answer.filtered_on_server;
    out_.report.notes.insert(out_.report.notes.end(), answer.notes.begin(), answer.notes.end());
  }

  void walk(ArchiveClient& client) {
    // Kept by the filter's caller as they are.
    auto scenes = read_stac(query_.stac, &out_.report.notes, &client,
                            [this](Scene& scene) { return take(scene); });
    for (auto& scene : scenes) keep(std::move(scene));
  }

  void take_plain() {
    auto list = find_scenes(query_.plain);
    out_.report.notes = std::move(list.report.notes);
    for (auto& scene : list.scenes)
      if (take(scene)) keep(std::move(scene));
  }

  void keep(Scene scene) {
    // Only what tells reprocessed scenes apart is needed from here on.
    std::erase_if(scene.properties, [&](const auto& property) {
      const auto is = [&](const std::string& name) { return name == property.first; };
      const auto& sensor = collection_.sensor;
      const auto& baselines = baseline_properties();
      return !is("platform") && !is("created") && !is("s2:generation_time") &&
             !is("s2:product_uri") && std::none_of(sensor.tile.begin(), sensor.tile.end(), is) &&
             std::none_of(sensor.baseline.begin(), sensor.baseline.end(), is) &&
             std::none_of(baselines.begin(), baselines.end(), is) && !is_wanted(property.first);
    });
    out_.scenes.push_back(std::move(scene));
  }

  bool is_wanted(const std::string& property) const {
    const auto& wanted = query_.properties;
    return std::find(wanted.begin(), wanted.end(), property) != wanted.end();
  }

  void finish() {
    auto& counts = out_.report.after_filter;
    if (before_server_) counts.emplace_back("found", *before_server_);
    counts.emplace_back(on_server_ ? "left by the server's filter" : "found", found_);
    for (const auto& filter : filters_)
      if (!(filter.label == "in " + collection_.id && filter.left == found_))
        counts.emplace_back(filter.label, filter.left);
    if (without_images_ > 0)
      out_.report.notes.push_back(fmt::format("{} items without images", without_images_));
    if (!exclusions_.empty()) counts.emplace_back("not excluded", out_.scenes.size());
    if (drop_reprocessed(out_.scenes, collection_.sensor) > 0)
      counts.emplace_back("newest of their acquisition", out_.scenes.size());
    for (auto& scene : out_.scenes) {
      scene.baseline = processing_baseline(scene, collection_.sensor);
      std::erase_if(scene.properties,
                    [&](const auto& property) { return !is_wanted(property.first); });
    }
  }

  const ArchiveQuery& query_;
  const CollectionQuery& collection_;
  const std::map<std::string, std::string>& exclusions_;
  std::vector<Filter> filters_;
  size_t found_ = 0, without_images_ = 0;
  std::optional<size_t> before_server_;
  bool on_server_ = false;
  std::shared_ptr<const std::vector<std::string>> band_names_;
  ArchiveScenes out_;
};

void drop_duplicates(std::vector<Scene>& scenes, SearchReport& report) {
  std::map<std::pair<std::string, std::string>, size_t> known;
  std::vector<Scene> kept;
  for (auto& scene : scenes) {
    const auto [place, is_new] = known.try_emplace({scene.collection, scene.id}, kept.size());
    if (is_new) {
      kept.push_back(std::move(scene));
      continue;
    }
    const Scene& other = kept[place->second];
    if (other.identity != scene.identity)
      throw Error(ErrorCode::invalid,
                  fmt::format("two different scenes are called '{}': {} and {}", scene.id,
                              other.assets[0].href, scene.assets[0].href))
          .hint("leave one of them out with `exclude` or `where`");
  }
  if (kept.size() < scenes.size())
    report.notes.push_back(fmt::format("{} duplicates dropped", scenes.size() - kept.size()));
  scenes = std::move(kept);
}

void note_offsets(const ArchiveQuery& query, ArchiveScenes& out) {
  const auto& offsets = out.offsets;
  const auto note = [&](size_t count, const std::string& text) {
    if (count > 0)
      out.report.notes.push_back(
          fmt::format("{}: {} of {} items {}", query.name, count, offsets.scenes, text));
  };
  note(offsets.already_applied, "have the offset applied already, their provider says");
  note(offsets.contradicted, "publish another offset than the one that holds");
  note(offsets.unknown_baseline,
       "do not tell their processing baseline: their offset is what the catalogue says, else 0");
}

}  // namespace

std::map<std::string, std::string> read_exclusions(const std::string& path) {
  std::string text = gdal::read_file(gdal_path(absolute_path(path)), kLargestList);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  std::map<std::string, std::string> exclusions;
  for (const CsvLine& line : csv_lines(text, path)) {
    const std::string id = line.fields.empty() ? "" : line.fields[0];
    const bool heading = exclusions.empty() && (id == "id" || id == "scene" || id == "scene_id");
    if (id.empty() || heading) continue;
    exclusions[without_safe(id)] = line.fields.size() > 1 ? line.fields[1] : "";
  }
  return exclusions;
}

ArchiveScenes search_archive(const ArchiveQuery& query) {
  std::map<std::string, std::string> exclusions;
  if (!query.exclude.empty()) exclusions = read_exclusions(query.exclude);
  auto access = query.access;
  if (is_web_address(query.stac)) access.origin = http::parse_url(web_address(query.stac)).origin();
  ArchiveClient client(access);
  ArchiveScenes out;
  for (const auto& collection : query.collections) {
    auto part = CollectionSearch(query, collection, exclusions).run(client);
    std::move(part.scenes.begin(), part.scenes.end(), std::back_inserter(out.scenes));
    std::move(part.excluded.begin(), part.excluded.end(), std::back_inserter(out.excluded));
    for (auto& [label, count] : part.report.after_filter) {
      if (query.collections.size() > 1) label += " (" + collection.id + ")";
      out.report.after_filter.emplace_back(label, count);
    }
    for (auto& note : part.report.notes) out.report.notes.push_back(std::move(note));
    out.offsets.scenes += part.offsets.scenes;
    out.offsets.applied += part.offsets.applied;
    out.offsets.already_applied += part.offsets.already_applied;
    out.offsets.unknown_baseline += part.offsets.unknown_baseline;
    out.offsets.contradicted += part.offsets.contradicted;
  }
  drop_duplicates(out.scenes, out.report);
  if (!query.plain.keep_given_order) sort_scenes(out.scenes);
  note_offsets(query, out);
  return out;
}

}  // namespace geoloom::catalog
