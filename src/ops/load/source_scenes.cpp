// SPDX-License-Identifier: Apache-2.0
#include "ops/load/source_scenes.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "catalog/href.h"
#include "error/error.h"
#include "http/base64.h"
#include "http/secret_value.h"
#include "ops/load/scene_sun.h"
#include "ops/load/series_freezer.h"
#include "workflow/sensor_file.h"

namespace geoloom::ops {
namespace {

using catalog::ArchiveQuery;
using catalog::ArchiveScenes;
using workflow::SourceParameters;
using workflow::Value;

// The extents of the zones; empty where one is not known.
std::vector<geo::Box> boxes_of(const std::vector<workflow::Zone>& zones) {
  std::vector<geo::Box> boxes;
  for (const auto& zone : zones) {
    const auto box = lonlat_box(zone.grid);
    if (!box) return {};
    boxes.push_back(*box);
  }
  return boxes;
}

geo::Period both(const std::optional<geo::Period>& a, const geo::Period& b) {
  if (!a) return b;
  return {std::max(a->start, b.start), std::min(a->end, b.end)};
}

catalog::CollectionQuery collection_of(const workflow::CollectionParameters& from) {
  catalog::CollectionQuery collection;
  collection.id = from.id;
  collection.sensor = workflow::find_sensor(from.sensor);
  collection.offset = workflow::offset_choice_of(from.offset);
  collection.where = workflow::conditions_of(from.where);
  for (const auto& [band, harmony] : from.harmonise)
    collection.harmonise[band] = {harmony.scale, harmony.offset};
  return collection;
}

ArchiveQuery query_of(const SourceParameters& source, const LoadParameters& parameters,
                      const std::vector<workflow::Zone>& zones) {
  ArchiveQuery query;
  query.name = source.name.empty() ? "source" : source.name;
  query.stac = source.stac;
  query.plain.from = source.scenes;
  query.plain.date_pattern = source.date_pattern;
  query.plain.band_names = source.band_names;
  query.plain.keep_given_order = parameters.order == "given";
  query.plain.files = source.files;
  query.plain.parts = source.parts;
  for (const auto& each : source.all_collections())
    query.collections.push_back(collection_of(each));
  query.period = parameters.period;
  query.period_margin_ms = parameters.period_margin_ms();
  if (source.period) query.period = both(query.period, *source.period);
  query.near = boxes_of(zones);
  if (!source.bbox.empty())
    query.bbox = geo::Box{source.bbox[0], source.bbox[1], source.bbox[2], source.bbox[3]};
  query.where = workflow::conditions_of(source.where);
  query.exclude = source.exclude;
  query.bands = parameters.bands_read();
  if (parameters.mask.need_sun()) query.properties = sun_properties();
  query.most_items = static_cast<size_t>(source.most_items);
  query.access = access_of(source);
  return query;
}

// Signatures that came with a catalogue end; ours are made when images are read.
void forget_signatures(catalog::Scene& scene) {
  for (auto& asset : scene.assets) {
    asset.href = catalog::without_query(asset.href);
    asset.path = catalog::without_query(asset.path);
  }
}

}  // namespace

catalog::ArchiveAccess access_of(const SourceParameters& source) {
  catalog::ArchiveAccess access;
  access.requests_in_flight = static_cast<size_t>(source.requests);
  if (!source.auth) return access;
  const auto& auth = *source.auth;
  if (auth.bearer) {
    access.headers = {{"Authorization", "Bearer " + http::secret_value(auth.bearer->secret)}};
  } else if (auth.basic) {
    const auto word = http::secret_value(auth.basic->password.secret);
    access.headers = {
        {"Authorization",
         "Basic " + http::encode_base64(auth.basic->user + ":" + word, http::Base64::standard)}};
  } else if (auth.header) {
    access.headers = {{auth.header->name, http::secret_value(auth.header->value.secret)}};
  }
  return access;
}

ArchiveScenes find_source_scenes(const LoadParameters& parameters,
                                 const std::vector<workflow::Zone>& zones,
                                 workflow::FreezeReport& report) {
  ArchiveScenes all;
  const bool several = parameters.source.size() > 1;
  for (size_t number = 0; number < parameters.source.size(); ++number) {
    const auto& source = parameters.source[number];
    auto found = catalog::search_archive(query_of(source, parameters, zones));
    for (auto& [label, count] : found.report.after_filter) {
      if (several) label += fmt::format(" ({})", source.name);
      report.after_filter.emplace_back(label, count);
    }
    for (auto& scene : found.scenes) {
      scene.source = number;
      if (source.sign) forget_signatures(scene);
    }
    for (auto& note : found.report.notes) report.notes.push_back(std::move(note));
    std::move(found.scenes.begin(), found.scenes.end(), std::back_inserter(all.scenes));
    std::move(found.excluded.begin(), found.excluded.end(), std::back_inserter(all.excluded));
  }
  if (several && parameters.order == "time") catalog::sort_scenes(all.scenes);
  return all;
}

void sort_by_cloud_cover(std::vector<catalog::Scene>& scenes) {
  constexpr double unknown = std::numeric_limits<double>::infinity();
  const auto cover = [](const catalog::Scene& scene) {
    const auto found = scene.properties.find("eo:cloud_cover");
    const bool tells = found != scene.properties.end() && found->second.is_number();
    return tells ? found->second.get<double>() : unknown;
  };
  const bool none = std::none_of(scenes.begin(), scenes.end(),
                                 [&](const auto& scene) { return cover(scene) < unknown; });
  if (none && scenes.size() > 1)
    throw Error(ErrorCode::invalid,
                fmt::format("load.order: none of {} scenes tells its cloud cover", scenes.size()))
        .hint("only STAC items have it, as eo:cloud_cover; masks of the pixels need none");
  std::stable_sort(scenes.begin(), scenes.end(),
                   [&](const auto& a, const auto& b) { return cover(a) < cover(b); });
}

}  // namespace geoloom::ops
