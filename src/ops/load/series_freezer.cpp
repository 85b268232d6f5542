// SPDX-License-Identifier: Apache-2.0
#include "ops/load/series_freezer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <thread>

#include "catalog/declared_grid.h"
#include "catalog/scene_search.h"
#include "catalog/sensor.h"
#include "error/error.h"
#include "gdal/dataset.h"
#include "ops/load/dates.h"
#include "ops/load/mask_expression.h"
#include "ops/load/mask_shapes.h"
#include "ops/load/scene_shadows.h"
#include "ops/load/terrain_shadow.h"
#include "ops/load/zone_placement.h"

namespace geoloom::ops {
namespace {

using gdal::SampleType;
using raster::PixelType;

std::string_view name_of(SampleType type) {
  switch (type) {
    case SampleType::uint8:
      return "uint8";
    case SampleType::int8:
      return "int8";
    case SampleType::uint16:
      return "uint16";
    case SampleType::int16:
      return "int16";
    case SampleType::uint32:
      return "uint32";
    case SampleType::int32:
      return "int32";
    case SampleType::float32:
      return "float32";
    case SampleType::float64:
      return "float64";
    case SampleType::other:
      break;
  }
  return "complex or 64-bit";
}

// Scenes whose headers are fetched together, and requests that are on their way at a time.
constexpr size_t kHeadersAhead = 256;
constexpr size_t kHeaderRequests = 24;

// What the first scene says of a band; the others must agree.
struct BandHeader {
  SampleType type = SampleType::uint8;
  size_t band_count = 0;  // of its file
  std::string scene, unit, colour;
  std::vector<raster::Colour> colours;
  std::map<int64_t, std::string> class_names;  // none where scenes differ in them
};

double shift_between(const FrozenBand& band, double target) {
  const double shift = (band.offset - target) / band.scale;
  const double whole = std::round(shift);
  return std::abs(shift - whole) <= 1e-6 * std::max(1.0, std::abs(whole)) ? whole : shift;
}

bool same(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return *a == *b || (std::isnan(*a) && std::isnan(*b));
}

// Opens the headers of a series scene by scene.
class Freezer {
 public:
  Freezer(const LoadParameters& parameters, const std::vector<workflow::Zone>& zones,
          workflow::FreezeReport& report)
      : parameters_(parameters),
        zones_(zones),
        report_(report),
        masks_(parameters.mask.bands()),
        placement_(zones),
        suns_(parameters.mask) {}

  FrozenSeries freeze(std::vector<catalog::Scene> scenes) {
    if (scenes.empty()) throw nothing_left("no scene is left to load");
    name_bands(scenes.front());
    const auto near = zone_boxes();
    std::set<std::string> labels;
    size_t may_fail = parameters_.tolerated(scenes.size());
    std::erase_if(scenes, [&](const catalog::Scene& scene) {
      return scene.bbox_lonlat && std::none_of(near.begin(), near.end(), [&](const auto& box) {
               return !box || box->intersects(*scene.bbox_lonlat);
             });
    });
    for (size_t s = 0; s < scenes.size(); ++s) {
      if (s % kHeadersAhead == 0) fetch_headers(scenes, s);
      auto& scene = scenes[s];
      FrozenScene frozen;
      frozen.label = scene.id;
      if (!labels.insert(frozen.label).second) frozen.label = scene.collection + "/" + scene.id;
      if (parameters_.by_solar_day())
        frozen.baseline =
            scene.baseline.empty() ? catalog::processing_baseline(scene, {}) : scene.baseline;
      frozen.scene = std::move(scene);
      try {
        if (!add_files(frozen, may_fail)) continue;
        suns_.find(frozen);
      } catch (Error& error) {
        error.at({.scene = frozen.label});
        throw;
      }
      if (parameters_.by_solar_day()) frozen.centre_lon = centre_lon(frozen.files.front().grid);
      series_.scenes.push_back(std::move(frozen));
    }
    finish_report();
    for (size_t target = 0; target < wanted_.size(); ++target) settle(target);
    count_shifted();
    return std::move(series_);
  }

 private:
  // With the counts after each filter: "(118 found, 0 in 2031)".
  Error nothing_left(const std::string& message) const {
    std::string counts;
    for (const auto& [filter, left] : report_.after_filter)
      counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", left, filter);
    for (const auto& note : report_.notes) counts += "; " + note;
    Error error(ErrorCode::empty, fmt::format("{} ({})", message, counts));
    error.hint(parameters_.period ? fmt::format("look at the period, {}, and the area",
                                                geo::format_period(*parameters_.period))
                                  : "look at the area");
    return error;
  }

  std::vector<std::optional<geo::Box>> zone_boxes() const {
    std::vector<std::optional<geo::Box>> boxes;
    for (const auto& zone : zones_) boxes.push_back(lonlat_box(zone.grid));
    return boxes;
  }

  void name_bands(const catalog::Scene& first) {
    wanted_ = parameters_.bands.empty() ? catalog::band_names_of(first) : parameters_.bands;
    std::set<std::string> seen;
    for (const auto& band : wanted_)
      if (!seen.insert(band).second)
        throw Error(ErrorCode::invalid, fmt::format("load.bands: '{}' is named twice", band));
    if (wanted_.empty())
      throw Error(ErrorCode::invalid, "load: the first scene has no bands").at({.scene = first.id});
    headers_.resize(wanted_.size() + masks_.size());
  }

  // Where the bands are: asset by asset, in the order of the bands; those that mask come last, and
  // are counted on from the bands wanted.
  std::map<size_t, std::vector<std::pair<size_t, size_t>>> places(
      const catalog::Scene& scene) const {
    std::map<size_t, std::vector<std::pair<size_t, size_t>>> out;
    const auto find = [&](const std::string& band, size_t target) {
      const auto place = catalog::find_band(scene, band);
      out[place.asset].emplace_back(target, place.band);
    };
    for (size_t i = 0; i < wanted_.size(); ++i) find(wanted_[i], i);
    for (size_t i = 0; i < masks_.size(); ++i) find(masks_[i], wanted_.size() + i);
    return out;
  }

  std::vector<std::string> remote_paths(const std::vector<catalog::Scene>& scenes,
                                        size_t first) const {
    std::vector<std::string> paths;
    for (size_t s = first; s < std::min(scenes.size(), first + kHeadersAhead); ++s) {
      try {
        for (const auto& [asset, bands] : places(scenes[s]))
          if (gdal::is_remote(scenes[s].assets[asset].path))
            paths.push_back(scenes[s].assets[asset].path);
      } catch (const Error&) {
        // A band that is not there: told when the scene's turn comes.
      }
    }
    return paths;
  }

  // Asks servers for many headers at a time, so that the answers are there when scenes are looked
  // at one after another. What goes wrong is told then.
  void fetch_headers(const std::vector<catalog::Scene>& scenes, size_t first) const {
    const auto paths = remote_paths(scenes, first);
    std::atomic<size_t> next{0};
    const auto fetch = [&] {
      for (size_t i = next++; i < paths.size(); i = next++) {
        try {
          raster::describe_asset(paths[i]);
        } catch (const Error&) {
        }
      }
    };
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < std::min(kHeaderRequests, paths.size()); ++t)
      threads.emplace_back(fetch);
  }

  // False when the scene is left out: it does not touch the area, or it is unreadable and
  // tolerated.
  bool add_files(FrozenScene& scene, size_t may_fail) {
    std::vector<catalog::Asset> used;
    for (const auto& [asset_index, bands] : places(scene.scene)) {
      const auto& asset = scene.scene.assets[asset_index];
      raster::AssetDescription found;
      try {
        found = raster::describe_asset(asset.path);
      } catch (Error& error) {
        drop_or_throw(scene, error, may_fail);
        return false;
      }
      const gdal::RasterInfo& info = *found.info;
      note_contradiction(scene.scene, asset, info);
      FrozenFile file = file_of(asset, found);
      if (!info.grid)
        throw Error(ErrorCode::invalid,
                    fmt::format("the raster has no north-up pixel grid ({})", info.why_no_grid))
            .at({.file = asset.path})
            .hint("warp it to a grid first");
      for (const auto& [target, band] : bands)
        file.bands.push_back(band_of(scene, asset, asset.bands[band], target, info));
      const auto resampling = resampling_of(file, info);
      if (!placement_.place(file, resampling)) return false;
      if (parameters_.overviews) placement_.place_overview(file, resampling, info.overviews);
      if (info.interleaving == "BAND")
        file.share = static_cast<double>(bands.size()) / static_cast<double>(file.band_count);
      used.push_back(asset);
      scene.files.push_back(std::move(file));
    }
    // The class mask is read last, whatever the order of the assets.
    std::stable_partition(scene.files.begin(), scene.files.end(),
                          [](const FrozenFile& file) { return !file.only_mask(); });
    scene.scene.assets = std::move(used);
    if (lies_nowhere(scene)) return false;
    check_masks_of_warped(scene);
    return true;
  }

  std::vector<BandResampling> resampling_of(const FrozenFile& file,
                                            const gdal::RasterInfo& info) const {
    std::vector<BandResampling> out;
    for (const auto& band : file.bands) {
      if (band.target == kMaskTarget) {
        out.push_back({std::nullopt, true, true});
        continue;
      }
      const auto& header = info.bands[static_cast<size_t>(band.number - 1)];
      const bool classes = is_category(header);
      const auto asked = parameters_.resampling.of(wanted_[band.target]);
      if (classes && asked && raster::is_weighted(*asked))
        throw Error(ErrorCode::invalid,
                    fmt::format("load.resampling: band '{}' holds classes, which cannot be mixed "
                                "as {} does",
                                wanted_[band.target], raster::name(*asked)))
            .hint("nearest and mode give classes that are there");
      out.push_back({asked, classes, false});
    }
    return out;
  }

  // Files that each touch some zone may have none in common.
  bool lies_nowhere(const FrozenScene& scene) const {
    for (size_t zone = 0; zone < zones_.size(); ++zone) {
      const bool all = std::all_of(scene.files.begin(), scene.files.end(), [&](const auto& file) {
        return lies_in(file, zone, zones_[zone].grid);
      });
      if (all) return false;
    }
    return true;
  }

  // Masks are looked up on the pixels that they mask, in one CRS.
  static void check_masks_of_warped(const FrozenScene& scene) {
    const auto masks = [](const FrozenBand& band) { return band.target == kMaskTarget; };
    for (const auto& file : scene.files) {
      if (file.only_mask() || file.warps.empty()) continue;
      for (const auto& other : scene.files)
        if (std::any_of(other.bands.begin(), other.bands.end(), masks) &&
            !(other.grid.crs == file.grid.crs))
          throw Error(ErrorCode::invalid,
                      fmt::format("the mask is in {}, but the bands it masks are in {}",
                                  other.grid.crs.name(), file.grid.crs.name()))
              .at({.file = other.path})
              .hint("masks and bands of a scene that has to be warped need one CRS");
    }
  }

  // Of a header of GDAL's or of ours.
  template <class Header>
  bool is_category(const Header& header) const {
    const bool says_so = header.colour == "palette" || !header.class_names.empty();
    return parameters_.kind == "category" || (parameters_.kind.empty() && says_so);
  }

  // Catalogues err about grids; files decide. Told once per collection.
  void note_contradiction(const catalog::Scene& scene, const catalog::Asset& asset,
                          const gdal::RasterInfo& info) {
    if (!asset.declared) return;
    const auto contradiction = catalog::contradiction_of(*asset.declared, info);
    if (contradiction.empty() || !contradicting_.insert(scene.collection).second) return;
    report_.notes.push_back(fmt::format("warning: {}: {} (asset '{}' of item {}); the file decides",
                                        scene.collection.empty() ? "the items" : scene.collection,
                                        contradiction, asset.key, scene.id));
  }

  void drop_or_throw(const FrozenScene& scene, Error& error, size_t may_fail) {
    const bool unreadable = error.code() == ErrorCode::missing ||
                            error.code() == ErrorCode::corrupt ||
                            error.code() == ErrorCode::invalid;
    if (!unreadable || series_.dropped.size() >= may_fail) {
      if (unreadable)
        error.hint("leave the scene out, or say how many may fail: tolerate: {scenes: 1}");
      throw;
    }
    series_.dropped.push_back(
        {scene.label, fmt::format("{}: {}", traits(error.code()).name, error.message())});
  }

  static FrozenFile file_of(const catalog::Asset& asset, const raster::AssetDescription& found) {
    const gdal::RasterInfo& info = *found.info;
    FrozenFile file;
    file.path = asset.path;
    if (info.grid) file.grid = *info.grid;
    if (!info.bands.empty()) {
      file.block_width = info.bands.front().block_width;
      file.block_height = info.bands.front().block_height;
    }
    file.bytes = asset.size ? *asset.size : found.bytes;
    file.band_count = info.bands.size();
    for (const auto& band : info.bands) file.masked.push_back(band.has_mask_band);
    return file;
  }

  FrozenBand band_of(const FrozenScene& scene, const catalog::Asset& asset,
                     const catalog::AssetBand& declared, size_t target,
                     const gdal::RasterInfo& info) {
    const bool mask = target >= wanted_.size();
    const std::string& called = mask ? masks_[target - wanted_.size()] : wanted_[target];
    if (declared.number < 1 || static_cast<size_t>(declared.number) > info.bands.size())
      throw Error(ErrorCode::invalid,
                  fmt::format("band '{}' should be number {} of a file of {} bands", called,
                              declared.number, info.bands.size()))
          .at({.file = asset.path})
          .hint("scenes of one load need the same bands");
    const auto& header = info.bands[static_cast<size_t>(declared.number - 1)];
    check_header(scene, asset, called, header, info.bands.size(), headers_[target]);
    FrozenBand band;
    band.target = mask ? kMaskTarget : target;
    band.mask = mask ? target - wanted_.size() : 0;
    band.number = declared.number;
    band.type = raster::pixel_type_of(header.type);
    band.nodata = declared.nodata ? declared.nodata : header.nodata;
    if (mask) {
      check_mask(called, band.type);
      return band;
    }
    if (parameters_.nodata) band.nodata = parameters_.nodata;
    band.scale = parameters_.scale.value_or(declared.scale.value_or(header.scale));
    band.offset = parameters_.offset.value_or(declared.offset.value_or(header.offset));
    if (band.scale == 0 || !std::isfinite(band.scale) || !std::isfinite(band.offset))
      throw Error(ErrorCode::invalid, fmt::format("band '{}' has scale {} and offset {}", called,
                                                  band.scale, band.offset))
          .hint("say what holds with load.scale and load.offset");
    band.offset_by_scene = declared.offset_by_scene && !parameters_.offset;
    // (stored * scale + offset) * harmony scale + harmony offset
    band.scale *= declared.harmony_scale;
    band.offset = band.offset * declared.harmony_scale + declared.harmony_offset;
    return band;
  }

  // Types must be equal, and of plain files the number of bands.
  static void check_header(const FrozenScene& scene, const catalog::Asset& asset,
                           const std::string& called, const gdal::BandInfo& header, size_t count,
                           BandHeader& first) {
    if (first.scene.empty()) {
      first = {header.type,   count,          scene.label,       header.unit,
               header.colour, header.colours, header.class_names};
      return;
    }
    if (header.class_names != first.class_names) first.class_names.clear();
    const bool plain = scene.scene.collection.empty();
    if (plain && count != first.band_count)
      throw Error(ErrorCode::invalid, fmt::format("it has {} bands, but '{}' has {}", count,
                                                  first.scene, first.band_count))
          .at({.file = asset.path})
          .hint("scenes of one load need the same bands");
    if (header.type != first.type)
      throw Error(ErrorCode::invalid,
                  fmt::format("band '{}' is {}, but in '{}' it is {}", called, name_of(header.type),
                              first.scene, name_of(first.type)))
          .at({.file = asset.path})
          .hint("scenes of one load need equal types; load the others by a load of their own");
  }

  void check_mask(const std::string& band, PixelType type) const {
    const auto& rules = parameters_.mask.rules;
    for (size_t i = 0; i < rules.size(); ++i)
      if (const auto* rule = rules[i].looked_up(); rule != nullptr && rule->band == band)
        rule->check_type(parameters_.mask.name_of_looked_up(i), type);
  }

  // Days are looked for with a day before and after them; now that it is known where the scenes
  // are, those of other days go.
  void keep_solar_days() {
    if (!parameters_.by_solar_day() || !parameters_.period) return;
    const auto near = zone_boxes();
    std::erase_if(series_.scenes, [&](const FrozenScene& scene) {
      return std::none_of(near.begin(), near.end(), [&](const std::optional<geo::Box>& box) {
        const double lon = box ? (box->min_x + box->max_x) / 2 : scene.centre_lon.value_or(0);
        return on_a_day_of(*parameters_.period, scene, lon);
      });
    });
    report_.after_filter.emplace_back("on solar days of " + geo::format_period(*parameters_.period),
                                      series_.scenes.size());
  }

  void finish_report() {
    report_.after_filter.emplace_back("touching the area",
                                      series_.scenes.size() + series_.dropped.size());
    if (!series_.dropped.empty())
      report_.after_filter.emplace_back("readable", series_.scenes.size());
    if (series_.scenes.empty()) throw nothing_left("no scene touches the area");
    keep_solar_days();
    suns_.drop_low(series_.scenes, report_);
    if (series_.scenes.empty()) throw nothing_left("no scene is left to load");
    const auto warped =
        std::count_if(series_.scenes.begin(), series_.scenes.end(), [](const FrozenScene& scene) {
          return std::any_of(scene.files.begin(), scene.files.end(),
                             [](const auto& file) { return !file.warps.empty(); });
        });
    if (warped > 0)
      report_.notes.push_back(
          fmt::format("{} of {} scenes are warped onto the grid", warped, series_.scenes.size()));
    report_.dropped = series_.dropped;
    report_.scenes = series_.scenes.size();
  }

  std::vector<FrozenBand*> bands_of(size_t target) {
    std::vector<FrozenBand*> out;
    for (auto& scene : series_.scenes)
      for (auto& file : scene.files)
        for (auto& band : file.bands)
          if (band.target == target) out.push_back(&band);
    return out;
  }

  // Brings the scenes' scales and offsets to one.
  void settle(size_t target) {
    const auto bands = bands_of(target);
    const FrozenBand& first = *bands.front();
    const auto all = [&](auto&& holds_for) {
      return std::all_of(bands.begin(), bands.end(),
                         [&](const FrozenBand* band) { return holds_for(*band); });
    };
    raster::Band out;
    out.name = wanted_[target];
    out.unit = headers_[target].unit;
    out.type = first.type;
    out.scale = first.scale;
    out.offset = first.offset;
    if (all([&](const auto& b) { return same(b.nodata, first.nodata); })) out.nodata = first.nodata;
    if (out.nodata && !raster::holds(out.type, *out.nodata)) out.nodata.reset();
    const bool one_scale = all([&](const auto& b) { return b.scale == first.scale; });
    const bool one_offset = all([&](const auto& b) { return b.offset == first.offset; });
    // An offset that comes and goes with the processing baseline: one type, whatever scenes there
    // are today.
    const bool by_scene = std::any_of(bands.begin(), bands.end(),
                                      [](const auto* band) { return band->offset_by_scene; });
    if (!one_scale || !one_offset || by_scene) bring_to_one(bands, one_scale, by_scene, out);
    if (out.type == PixelType::float32) out.nodata = std::numeric_limits<double>::quiet_NaN();
    out.kind =
        is_category(headers_[target]) ? raster::BandKind::category : raster::BandKind::measure;
    const bool as_stored = one_scale && one_offset && raster::can_have_colours(out.type);
    if (out.kind == raster::BandKind::category && as_stored) {
      out.colours = headers_[target].colours;
      out.class_names = headers_[target].class_names;
    }
    series_.bands.push_back(std::move(out));
  }

  static void bring_to_one(const std::vector<FrozenBand*>& bands, bool one_scale, bool by_scene,
                           raster::Band& out) {
    const bool has_zero = std::any_of(bands.begin(), bands.end(),
                                      [](const FrozenBand* band) { return band->offset == 0; });
    const double target = has_zero || by_scene ? 0 : bands.front()->offset;
    const bool whole =
        one_scale && std::all_of(bands.begin(), bands.end(), [&](const auto* band) {
          return shift_between(*band, target) == std::round(shift_between(*band, target));
        });
    if (whole) {
      for (auto* band : bands) band->shift = shift_between(*band, target);
      out.offset = target;
      if (out.type != PixelType::float32) out.type = PixelType::int16;
      // Below every shifted value: the old nodata may be one of them.
      out.nodata = std::numeric_limits<int16_t>::min();
      return;
    }
    for (auto* band : bands) {
      band->gain = band->scale;
      band->shift = band->offset;
    }
    out.type = PixelType::float32;
    out.scale = 1;
    out.offset = 0;
  }

  // Scenes that were brought to the offset of others.
  void count_shifted() {
    for (const auto& scene : series_.scenes) {
      const bool shifted =
          std::any_of(scene.files.begin(), scene.files.end(), [](const auto& file) {
            return std::any_of(file.bands.begin(), file.bands.end(),
                               [](const auto& band) { return band.shift != 0; });
          });
      if (shifted) ++report_.offset_applied;
    }
    std::map<double, size_t> shifts;
    for (const auto& scene : series_.scenes)
      if (const double shift = offset_of(scene); shift != 0) ++shifts[shift];
    for (const auto& [shift, scenes] : shifts)
      report_.notes.push_back(
          fmt::format("offset {} applied to {} of {} items", shift, scenes, series_.scenes.size()));
  }

  // What came with the scene's processing baseline, in digital numbers; 0 where nothing did.
  static double offset_of(const FrozenScene& scene) {
    for (const auto& file : scene.files)
      for (const auto& band : file.bands)
        if (band.offset_by_scene && band.shift != 0) return std::round(band.offset / band.scale);
    return 0;
  }

  const LoadParameters& parameters_;
  const std::vector<workflow::Zone>& zones_;
  workflow::FreezeReport& report_;
  std::vector<std::string> wanted_;
  const std::vector<std::string> masks_;  // the bands that rules look up
  std::vector<BandHeader> headers_;       // of the bands wanted, then of those that mask
  ZonePlacement placement_;
  FrozenSeries series_;
  SceneSuns suns_;
  std::set<std::string> contradicting_;  // collections that were told of
};

}  // namespace

std::optional<geo::Box> lonlat_box(const geo::Grid& grid) {
  if (!grid.crs.known()) return std::nullopt;
  constexpr int kSteps = 20;
  const geo::Box box = grid.box();
  geo::Box out{180, 90, -180, -90};
  try {
    for (int i = 0; i <= kSteps; ++i) {
      for (int j = 0; j <= kSteps; ++j) {
        const auto p = geo::to_lon_lat(grid.crs, box.min_x + (box.max_x - box.min_x) * i / kSteps,
                                       box.min_y + (box.max_y - box.min_y) * j / kSteps);
        out.min_x = std::min(out.min_x, p.lon);
        out.max_x = std::max(out.max_x, p.lon);
        out.min_y = std::min(out.min_y, p.lat);
        out.max_y = std::max(out.max_y, p.lat);
      }
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  if (out.max_x - out.min_x > 180) return std::nullopt;
  const double margin = 0.01 + 0.01 * std::max(out.max_x - out.min_x, out.max_y - out.min_y);
  return geo::Box{out.min_x - margin, out.min_y - margin, out.max_x + margin, out.max_y + margin};
}

FrozenSeries freeze_series(std::vector<catalog::Scene> scenes, const LoadParameters& parameters,
                           const std::vector<workflow::Zone>& zones, workflow::FreezeReport& report,
                           std::vector<catalog::ExcludedScene> excluded) {
  auto series = Freezer(parameters, zones, report).freeze(std::move(scenes));
  series.excluded = std::move(excluded);
  // Refuses what is wrong with conditions and with how they are cleaned.
  for (const auto& zone : zones)
    const MaskExpressions conditions(parameters.mask, series.bands, zone.grid);
  series.shapes = freeze_shapes(parameters.mask, zones);
  series.terrain = freeze_terrain(parameters.mask, zones, report);
  return series;
}

}  // namespace geoloom::ops
