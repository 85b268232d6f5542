// SPDX-License-Identifier: Apache-2.0
#include "catalog/sensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>
#include <tuple>

namespace geoloom::catalog {
namespace {

using nlohmann::json;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool same_name(const std::string& a, const std::string& b) {
  return !a.empty() &&
         std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
           return x == y || std::tolower(x) == std::tolower(y);
         });
}

bool is_among(const std::string& name, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& each) { return same_name(each, name); });
}

std::string property_text(const Scene& scene, const std::string& name) {
  const auto found = scene.properties.find(name);
  if (found == scene.properties.end()) return "";
  return found->second.is_string() ? found->second.get<std::string>() : found->second.dump();
}

std::string first_property(const Scene& scene, const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (auto text = property_text(scene, name); !text.empty()) return text;
  return "";
}

// "N0509" in "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCP_20230626T022157.SAFE".
std::string baseline_in(const std::string& name) {
  for (size_t at = name.find("_N"); at != std::string::npos; at = name.find("_N", at + 1)) {
    const auto digits = name.substr(at + 2, 4);
    const bool four = digits.size() == 4 && std::all_of(digits.begin(), digits.end(), [](char c) {
                        return c >= '0' && c <= '9';
                      });
    if (four && (at + 6 == name.size() || name[at + 6] == '_'))
      return digits.substr(0, 2) + "." + digits.substr(2);
  }
  return "";
}

// "04.00", "4.0" and 4 are one.
std::pair<int, int> baseline_number(const std::string& text) {
  std::pair<int, int> number{0, 0};
  const size_t dot = text.find('.');
  const auto read = [&](size_t from, size_t to, int& out) {
    std::from_chars(text.data() + from, text.data() + std::min(to, text.size()), out);
  };
  read(0, dot == std::string::npos ? text.size() : dot, number.first);
  if (dot == std::string::npos) return number;
  const size_t digits = text.size() - dot - 1;
  read(dot + 1, dot + 3, number.second);
  if (digits == 1) number.second *= 10;
  return number;
}

std::string group_of(const std::string& platform, const Sensor& sensor) {
  for (const auto& [group, platforms] : sensor.platforms)
    if (is_among(platform, platforms)) return group;
  return "";
}

// The sensor's band that an asset's band is.
const SensorBand* match(const Asset& asset, const AssetBand& band, const Sensor& sensor,
                        const std::string& group) {
  const bool alone = asset.bands.size() == 1;
  const auto first = [&](auto&& is) -> const SensorBand* {
    const auto found = std::find_if(sensor.bands.begin(), sensor.bands.end(), is);
    return found == sensor.bands.end() ? nullptr : &*found;
  };
  for (const std::string& name : {band.name, alone ? asset.key : std::string()}) {
    if (name.empty()) continue;
    const auto* by_platform = first([&](const SensorBand& known) {
      const auto own = known.by_platform.find(group);
      return own != known.by_platform.end() && same_name(own->second, name);
    });
    if (by_platform) return by_platform;
    if (const auto* found = first([&](const auto& known) { return same_name(known.name, name); }))
      return found;
    if (const auto* found = first([&](const auto& known) { return is_among(name, known.aliases); }))
      return found;
  }
  for (const std::string& name : {band.common_name, alone ? asset.key : std::string()})
    if (const auto* found =
            first([&](const auto& known) { return is_among(name, known.common_names); }))
      return found;
  return nullptr;
}

bool provider_applied(const Scene& scene, const BaselineOffset& rule) {
  return std::any_of(rule.already_applied.begin(), rule.already_applied.end(),
                     [&](const auto& condition) {
                       const auto found = scene.properties.find(condition.first);
                       return found != scene.properties.end() && found->second == condition.second;
                     });
}

// What is to be added to the digital numbers of the rule's bands; nullopt: what the catalogue says.
std::optional<double> decide(const Scene& scene, const Sensor& sensor, const OffsetChoice& choice,
                             OffsetReport& report) {
  switch (choice.policy) {
    case OffsetPolicy::metadata:
      return std::nullopt;
    case OffsetPolicy::none:
      return 0;
    case OffsetPolicy::number:
      return choice.offset_numbers;
    case OffsetPolicy::automatic:
    case OffsetPolicy::baseline:
      break;
  }
  if (!sensor.baseline_offset) return std::nullopt;
  const auto& rule = *sensor.baseline_offset;
  const auto baseline = processing_baseline(scene, sensor);
  if (baseline.empty()) {
    ++report.unknown_baseline;
    return std::nullopt;
  }
  if (baseline_number(baseline) < baseline_number(rule.from)) return 0;
  if (choice.policy == OffsetPolicy::automatic && provider_applied(scene, rule)) {
    ++report.already_applied;
    return 0;
  }
  return rule.digital_numbers;
}

bool has_offset(const SensorBand& band, const Sensor& sensor) {
  if (sensor.baseline_offset) return is_among(band.name, sensor.baseline_offset->bands);
  return band.kind == SensorBandKind::measure;
}

void fill(AssetBand& band, const SensorBand& known, const std::string& group) {
  if (band.common_name.empty() && !known.common_names.empty())
    band.common_name = known.common_names.front();
  const auto add = [&](const std::string& name) {
    if (name != band.name && name != band.common_name && !name.empty())
      band.aliases.push_back(name);
  };
  add(known.name);
  for (const auto& name : known.common_names) add(name);
  for (const auto& name : known.aliases) add(name);
  if (const auto own = known.by_platform.find(group); own != known.by_platform.end())
    add(own->second);
  if (!band.nodata) band.nodata = known.nodata;
  if (!band.scale) band.scale = known.scale;
  if (!band.offset) band.offset = known.offset;
}

}  // namespace

const SensorBand* Sensor::find(const std::string& wanted) const {
  for (const auto& band : bands)
    if (same_name(band.name, wanted)) return &band;
  for (const auto& band : bands)
    if (is_among(wanted, band.common_names) || is_among(wanted, band.aliases)) return &band;
  return nullptr;
}

const SensorMask* Sensor::find_mask(const std::string& wanted) const {
  for (const auto& mask : masks)
    if (same_name(mask.name, wanted) || same_name(mask.band, wanted)) return &mask;
  return nullptr;
}

const std::vector<std::string>& baseline_properties() {
  static const std::vector<std::string> names{"s2:processing_baseline", "processing:version",
                                              "sentinel:processing_baseline"};
  return names;
}

std::string processing_baseline(const Scene& scene, const Sensor& sensor) {
  if (auto told = first_property(scene, sensor.baseline); !told.empty()) return told;
  if (auto told = first_property(scene, baseline_properties()); !told.empty()) return told;
  for (const auto& name : {property_text(scene, "s2:product_uri"), scene.id})
    if (auto found = baseline_in(name); !found.empty()) return found;
  return "";
}

std::string platform_of(const Scene& scene, const Sensor& sensor) {
  if (auto told = lower(property_text(scene, "platform")); !told.empty()) return told;
  for (const auto& [beginning, platform] : sensor.platform_of_id)
    if (scene.id.starts_with(beginning)) return platform;
  return "";
}

std::string tile_of(const Scene& scene, const Sensor& sensor) {
  // Path and row are one name; others are the same name twice.
  std::string tile;
  for (const auto& name : sensor.tile) {
    const auto text = property_text(scene, name);
    if (text.empty()) continue;
    if (!name.starts_with("landsat:")) return text.starts_with("MGRS-") ? text.substr(5) : text;
    tile += (tile.empty() ? "" : "/") + text;
  }
  return tile;
}

void apply_sensor(Scene& scene, const Sensor& sensor, const OffsetChoice& choice,
                  OffsetReport& report) {
  ++report.scenes;
  const auto group = group_of(platform_of(scene, sensor), sensor);
  const auto numbers = decide(scene, sensor, choice, report);
  bool contradicted = false;
  for (Asset& asset : scene.assets) {
    for (AssetBand& band : asset.bands) {
      const SensorBand* known = match(asset, band, sensor, group);
      if (known == nullptr) continue;
      const auto declared = band.offset;
      fill(band, *known, group);
      if (!has_offset(*known, sensor)) continue;
      if (sensor.baseline_offset) band.offset_by_scene = true;
      if (!numbers) continue;
      band.offset = *numbers * band.scale.value_or(1);
      contradicted = contradicted || (declared && *declared != *band.offset);
    }
  }
  if (numbers && *numbers != 0) ++report.applied;
  if (contradicted) ++report.contradicted;
}

size_t drop_reprocessed(std::vector<Scene>& scenes, const Sensor& sensor) {
  using Rank = std::tuple<std::pair<int, int>, std::string, std::string>;
  const auto rank_of = [&](const Scene& scene) -> Rank {
    return {baseline_number(processing_baseline(scene, sensor)),
            first_property(scene, {"s2:generation_time", "created", "updated"}),
            scene.id + " " + property_text(scene, "s2:product_uri")};
  };
  std::map<std::tuple<std::string, std::string, geo::TimeMs>, size_t> best;
  std::set<size_t> dropped;
  for (size_t s = 0; s < scenes.size(); ++s) {
    const auto tile = tile_of(scenes[s], sensor);
    if (tile.empty() || !scenes[s].time) continue;
    const auto [place, is_new] =
        best.try_emplace({platform_of(scenes[s], sensor), tile, *scenes[s].time}, s);
    if (is_new) continue;
    const bool better = rank_of(scenes[s]) > rank_of(scenes[place->second]);
    dropped.insert(better ? place->second : s);
    if (better) place->second = s;
  }
  std::vector<Scene> kept;
  for (size_t s = 0; s < scenes.size(); ++s)
    if (!dropped.contains(s)) kept.push_back(std::move(scenes[s]));
  scenes = std::move(kept);
  return dropped.size();
}

}  // namespace geoloom::catalog
