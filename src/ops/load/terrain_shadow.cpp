// SPDX-License-Identifier: Apache-2.0
#include "ops/load/terrain_shadow.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "catalog/scene_search.h"
#include "error/error.h"
#include "ops/load/plane_window.h"
#include "ops/load/series_freezer.h"
#include "ops/load/series_source.h"
#include "ops/load/source_scenes.h"
#include "store/checksum.h"

namespace geoloom::ops {
namespace {

constexpr int64_t kShadowPart = 1024;  // pixels of a side that is looked at at a time
constexpr size_t kKept = 2;            // windows of heights

// What a load of the elevation model would say.
LoadParameters as_load(const TerrainShadowRule& rule) {
  LoadParameters load;
  load.scenes = rule.elevation;
  load.source = rule.source;
  load.group_by = "scene";
  if (!rule.band.empty())
    load.bands = {rule.band};
  else if (!rule.source.empty())
    load.bands = {"elevation"};
  load.resampling.all = raster::Resampling::bilinear;
  return load;
}

kernels::CleaningHalo cleaning_halo_on(const MaskRule& rule, const geo::Grid& grid) {
  return kernels::cleaning_halo(cleaning_on(rule.clean, grid, "pixels of the area"));
}

// How many pixels beyond a zone may be looked at.
int64_t rim_of(const MaskRule& rule, const geo::Grid& grid) {
  const auto halo = cleaning_halo_on(rule, grid);
  return rule.terrain_shadow.value().reach_on(grid) + std::max(halo.columns, halo.rows) + 1;
}

std::vector<workflow::Zone> with_rims(const MaskRule& rule, std::vector<workflow::Zone> zones) {
  for (auto& zone : zones) {
    if (!zone.grid.crs.known())
      throw Error(ErrorCode::invalid, "load.mask.terrain_shadow: needs an area whose CRS is known");
    const int64_t rim = rim_of(rule, zone.grid);
    zone.grid = zone.grid.sub({-rim, -rim, zone.grid.width + 2 * rim, zone.grid.height + 2 * rim});
  }
  return zones;
}

FrozenSeries searched(const LoadParameters& load, const std::vector<workflow::Zone>& zones) {
  workflow::FreezeReport of_model;
  if (!load.source.empty()) {
    auto found = find_source_scenes(load, zones, of_model).scenes;
    return freeze_series(std::move(found), load, zones, of_model);
  }
  catalog::SceneQuery query;
  query.from = load.scenes;
  auto found = catalog::find_scenes(query);
  of_model.after_filter = found.report.after_filter;
  return freeze_series(std::move(found.scenes), load, zones, of_model);
}

FrozenSeries frozen_model(const MaskRule& rule, const std::string& name,
                          const std::vector<workflow::Zone>& zones,
                          workflow::FreezeReport& report) {
  FrozenSeries series;
  try {
    series = searched(as_load(*rule.terrain_shadow), with_rims(rule, zones));
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", name, error.message()))
        .at(error.place())
        .cause(error.cause())
        .hint(error.hint());
  }
  if (series.bands.size() != 1) {
    std::vector<std::string> bands;
    for (const auto& band : series.bands) bands.push_back(band.name);
    throw Error(ErrorCode::invalid, fmt::format("{}: the elevation model has several bands: {}",
                                                name, fmt::join(bands, ", ")))
        .hint("say which one holds the heights, as in terrain_shadow: {elevation: ..., band: dem}");
  }
  report.notes.push_back(
      fmt::format("{}: {} files of the elevation model", name, series.scenes.size()));
  return series;
}

double rounded(double value) {
  constexpr double kParts = 1 << 20;
  return std::round(value * kParts) / kParts;
}

struct Walk {
  kernels::SunRay ray;
  int64_t steps = 0;
};

// Towards the sun from the pixels of a zone, as it stood in the middle of a scene. Rounded, so that
// the last bits of a machine's tangent do not matter.
Walk walk_of(const TerrainShadowRule& rule, const FrozenScene& scene, const geo::Grid& grid) {
  const auto& own = scene.files.front().grid;
  const auto box = own.box();
  const auto middle =
      geo::to_lon_lat(own.crs, (box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2);
  const auto& sun = scene.sun.value();
  const auto towards = geo::azimuth_on_grid(sun.azimuth_deg, middle, grid);
  Walk walk;
  walk.ray.along_columns = std::abs(towards.columns) >= std::abs(towards.rows);
  const double along = walk.ray.along_columns ? towards.columns : towards.rows;
  const double beside = walk.ray.along_columns ? towards.rows : towards.columns;
  walk.ray.step = along > 0 ? 1 : -1;
  walk.ray.across = rounded(beside / std::abs(along));
  walk.ray.rise = rounded(std::tan(sun.elevation_deg * geo::kDegree) / std::abs(along));
  const double reach_m = rule.reach.value;
  const int64_t most = rule.reach_on(grid);
  walk.steps = rule.reach.pixels
                   ? most
                   : std::min(most, static_cast<int64_t>(std::floor(reach_m * std::abs(along))));
  return walk;
}

void widen(kernels::ShadowHalo& halo, const kernels::ShadowHalo& by) {
  halo = {std::max(halo.left, by.left), std::max(halo.top, by.top), std::max(halo.right, by.right),
          std::max(halo.bottom, by.bottom)};
}

geo::Window around(const geo::Window& window, const kernels::ShadowHalo& halo) {
  return {window.x - halo.left, window.y - halo.top, window.width + halo.left + halo.right,
          window.height + halo.top + halo.bottom};
}

}  // namespace

struct TerrainShadows::OnZone {
  geo::Grid grid, wide;  // of the zone, and with the rim
  int64_t rim = 0;
  std::vector<kernels::CleaningStep> cleaning;
  // Towards the suns of all scenes, so that these share windows of heights.
  kernels::ShadowHalo halo;

  geo::Window cleaned_around(const geo::Window& window) const {
    const auto grow = kernels::cleaning_halo(cleaning);
    return around(window, {grow.columns, grow.rows, grow.columns, grow.rows});
  }
  geo::Window looked_at(const geo::Window& window) const {
    return around(cleaned_around(window), halo);
  }
  // An item of the wide grid for a window of the zone's.
  workflow::Item item(size_t zone, const geo::Window& window) const {
    workflow::Item out;
    out.zone = zone;
    out.window = {window.x + rim, window.y + rim, window.width, window.height};
    out.grid = wide.sub(out.window);
    return out;
  }
};

struct TerrainShadows::Model {
  const TerrainShadowRule& rule;
  std::string name;  // for messages
  std::unique_ptr<const workflow::Source> source;
  std::vector<OnZone> zones;
  raster::Band band;
};

std::vector<FrozenTerrain> freeze_terrain(const MaskRules& rules,
                                          const std::vector<workflow::Zone>& zones,
                                          workflow::FreezeReport& report) {
  std::vector<FrozenTerrain> out;
  for (size_t i = 0; i < rules.rules.size(); ++i)
    if (rules.rules[i].terrain_shadow)
      out.push_back({i, std::make_shared<const FrozenSeries>(frozen_model(
                            rules.rules[i], rules.name(i) + ".terrain_shadow", zones, report))});
  return out;
}

TerrainShadows::TerrainShadows(const MaskRules& rules, const FrozenSeries& series,
                               const std::vector<workflow::Zone>& zones) {
  for (const auto& frozen : series.terrain) {
    const auto& rule = rules.rules.at(frozen.rule);
    const auto wide = with_rims(rule, zones);
    std::vector<OnZone> on_zones;
    for (size_t z = 0; z < zones.size(); ++z) {
      const auto& grid = zones[z].grid;
      OnZone on_zone{grid,
                     wide[z].grid,
                     rim_of(rule, grid),
                     cleaning_on(rule.clean, grid, "pixels of the area"),
                     {}};
      for (const auto& scene : series.scenes) {
        const auto walk = walk_of(*rule.terrain_shadow, scene, grid);
        widen(on_zone.halo, kernels::ray_halo(walk.ray, walk.steps));
      }
      on_zones.push_back(std::move(on_zone));
    }
    auto source =
        std::make_unique<SeriesSource>(*frozen.model, as_load(*rule.terrain_shadow), wide);
    models_.push_back(std::make_unique<const Model>(
        Model{*rule.terrain_shadow, rules.name(frozen.rule) + ".terrain_shadow", std::move(source),
              std::move(on_zones), frozen.model->bands.front()}));
  }
}

TerrainShadows::~TerrainShadows() = default;

// A file of the model that cannot be read is not a scene that an item may do without.
void TerrainShadows::read_file(const Model& model, const workflow::SourceItem& plan, size_t member,
                               raster::Block& block, raster::AssetPool& pool) {
  try {
    (void)model.source->read(plan, member, block, 0, pool);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::missing) throw;
    Place place = error.place();
    place.scene.clear();
    throw Error(ErrorCode::invalid, fmt::format("{}: {}", model.name, error.message()))
        .at(std::move(place))
        .cause(error.cause())
        .hint("elevation models have to be whole");
  }
}

// NaN where the model has none.
TerrainShadows::Heights TerrainShadows::heights(const Model& model, size_t zone,
                                                const geo::Window& window,
                                                raster::AssetPool& pool) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& each) {
    return each.model == &model && each.zone == zone && each.window == window;
  });
  if (found != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, found);
    return found->heights;
  }
  const auto item = model.zones.at(zone).item(zone, window);
  const auto plan = model.source->plan(item, nullptr);
  const auto unknown =
      static_cast<float>(model.rule.missing.value_or(std::numeric_limits<double>::quiet_NaN()));
  auto plane = std::make_shared<std::vector<float>>(static_cast<size_t>(window.pixels()), unknown);
  std::vector<uint8_t> known(plane->size(), 0);
  for (const size_t member : plan.members) {
    raster::Block block(plan.schema, item.window, 0, 1);
    read_file(model, plan, member, block, pool);
    const auto valid = block.validity(0);
    raster::visit(block.type(0), [&]<class T>(T) {
      const auto stored = block.plane<T>(0, 0);
      for (size_t i = 0; i < known.size(); ++i) {
        if (valid[i] == 0 || known[i] != 0) continue;  // where files overlap, the first one
        (*plane)[i] = static_cast<float>(static_cast<double>(stored[i]) * model.band.scale +
                                         model.band.offset);
        known[i] = 1;
      }
    });
  }
  kept_.push_front({&model, zone, window, plane});
  if (kept_.size() > kKept) kept_.pop_back();
  return plane;
}

// 1 for the pixels of a window that lie in shadow.
std::vector<uint8_t> TerrainShadows::shadows(const Model& model, size_t zone,
                                             const FrozenScene& scene, const geo::Window& window,
                                             raster::AssetPool& pool, const uint8_t* valid,
                                             int64_t valid_stride) const {
  const OnZone& on_zone = model.zones.at(zone);
  const auto cleaned = on_zone.cleaned_around(window), all = on_zone.looked_at(window);
  const auto plane = heights(model, zone, all, pool);
  for (int64_t y = 0; y < window.height; ++y)
    for (int64_t x = 0; x < window.width; ++x) {
      const auto at =
          static_cast<size_t>((window.y + y - all.y) * all.width + window.x + x - all.x);
      if (valid[y * valid_stride + x] == 0 || !std::isnan((*plane)[at])) continue;
      const geo::Grid& grid = on_zone.grid;
      throw Error(
          ErrorCode::invalid,
          fmt::format(
              "{}: the elevation model has no height at x {}, y {} of the area", model.name,
              grid.origin_x + (static_cast<double>(window.x + x) + 0.5) * grid.pixel_width,
              grid.origin_y - (static_cast<double>(window.y + y) + 0.5) * grid.pixel_height))
          .hint(
              "take a model that covers the area, or say what height there is, as in "
              "terrain_shadow: {missing: 0}");
    }
  const auto walk = walk_of(model.rule, scene, on_zone.grid);
  std::vector<uint8_t> out(static_cast<size_t>(cleaned.pixels()));
  kernels::terrain_shadows(plane->data(), static_cast<size_t>(all.width),
                           static_cast<size_t>(all.height), on_zone.halo, walk.ray, walk.steps,
                           out.data());
  kernels::clean_mask(out.data(), static_cast<size_t>(cleaned.width),
                      static_cast<size_t>(cleaned.height), on_zone.cleaning);
  return part_of(out, cleaned, window);
}

void TerrainShadows::erase(size_t zone, const FrozenScene& scene, const geo::Window& window,
                           raster::AssetPool& pool, uint8_t* valid) const {
  for (const auto& model : models_)
    for (int64_t y = window.y; y < window.bottom(); y += kShadowPart)
      for (int64_t x = window.x; x < window.right(); x += kShadowPart) {
        const auto part = geo::Window{x, y, kShadowPart, kShadowPart}.intersect(window);
        uint8_t* const to = valid + (y - window.y) * window.width + x - window.x;
        const auto dark = shadows(*model, zone, scene, part, pool, to, window.width);
        for (int64_t row = 0; row < part.height; ++row)
          for (int64_t i = 0; i < part.width; ++i)
            to[row * window.width + i] &=
                static_cast<uint8_t>(dark[static_cast<size_t>(row * part.width + i)] ^ 1U);
      }
}

std::string TerrainShadows::reason(size_t zone, const FrozenScene& scene, int64_t x, int64_t y,
                                   raster::AssetPool& pool) const {
  for (const auto& model : models_) {
    const uint8_t valid = 1;
    if (shadows(*model, zone, scene, {x, y, 1, 1}, pool, &valid, 1).front() != 0)
      return fmt::format("in the shadow of the terrain, with the sun {} degrees high in {}",
                         scene.sun->elevation_deg, scene.sun->azimuth_deg);
  }
  return {};
}

std::string TerrainShadows::identity(const workflow::Item& item) const {
  std::string text;
  for (const auto& model : models_) {
    const OnZone& on_zone = model->zones.at(item.zone);
    const auto near = on_zone.item(item.zone, on_zone.looked_at(item.window));
    std::string all;
    for (const auto& each : model->source->plan(near, nullptr).identities) all += each + "\n";
    text += " terrain " + store::sha256_hex(all);
  }
  return text;
}

size_t TerrainShadows::scratch_bytes(const workflow::Item& item) const {
  size_t most = 0, kept = 0;
  for (const auto& model : models_) {
    const OnZone& on_zone = model->zones.at(item.zone);
    const geo::Window part{item.window.x, item.window.y, std::min(kShadowPart, item.window.width),
                           std::min(kShadowPart, item.window.height)};
    const auto all = on_zone.looked_at(part), cleaned = on_zone.cleaned_around(part);
    const auto plan = model->source->plan(on_zone.item(item.zone, all), nullptr);
    const auto pixels = static_cast<size_t>(all.pixels());
    const size_t reading = plan.scratch_bytes + pixels * (plan.scratch_bytes_per_pixel + 1 +
                                                          plan.schema.bytes_per_pixel(1));
    const size_t casting =
        2 * static_cast<size_t>(cleaned.pixels()) +
        kernels::cleaning_bytes(static_cast<size_t>(cleaned.width),
                                static_cast<size_t>(cleaned.height), on_zone.cleaning);
    most = std::max(most, reading + casting);
    kept = std::max(kept, pixels * sizeof(float) * (kKept + 1));
  }
  return most + kept;
}

}  // namespace geoloom::ops
