// SPDX-License-Identifier: Apache-2.0
#include "ops/feature/index_bands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "error/error.h"
#include "error/spelling.h"
#include "ops/feature/index_catalogue.h"
#include "workflow/sensor_file.h"

namespace geoloom::ops {
namespace {

// Small letters and digits only: "red_edge_1", "RedEdge1".
std::string plain(std::string_view name) {
  std::string out;
  for (const unsigned char c : name)
    if (std::isalnum(c) != 0) out += static_cast<char>(std::tolower(c));
  return out;
}

// Other names of common bands that are in use, written plainly.
const std::map<std::string, std::vector<std::string>>& spellings() {
  static const std::map<std::string, std::vector<std::string>> table{
      {"coastal", {"coastalaerosol", "ultrablue"}},
      {"nir", {"nir1", "nearinfrared"}},
      {"nir08", {"nirnarrow", "narrownir", "nir2"}},
      {"nir09", {"watervapour", "watervapor"}},
      {"rededge071", {"rededge1", "rededge"}},
      {"rededge075", {"rededge2"}},
      {"rededge078", {"rededge3"}},
      {"swir16", {"swir1"}},
      {"swir22", {"swir2"}},
      {"lwir11", {"lwir1", "tir1"}},
      {"lwir12", {"lwir2", "tir2"}},
  };
  return table;
}

size_t bands_known_to(const catalog::Sensor& sensor, const raster::CubeSchema& input) {
  return static_cast<size_t>(
      std::count_if(input.bands.begin(), input.bands.end(),
                    [&](const raster::Band& band) { return sensor.find(band.name) != nullptr; }));
}

const std::vector<catalog::Sensor>& known_sensors() {
  static const auto sensors = [] {
    std::vector<catalog::Sensor> all;
    for (const auto& name : workflow::sensor_names()) all.push_back(workflow::find_sensor(name));
    return all;
  }();
  return sensors;
}

std::string common_name_of(const std::string& letter) {
  const auto& bands = IndexCatalogue::get().bands();
  const auto found = bands.find(letter);
  return found == bands.end() ? letter : found->second.common_name;  // VV, HH
}

}  // namespace

IndexBands::IndexBands(const raster::CubeSchema& input,
                       const std::map<std::string, std::string>& chosen, const std::string& sensor,
                       const std::string& op)
    : input_(input) {
  for (const auto& [letter, band] : chosen) {
    if (input.find_band(band) < 0)
      throw Error(ErrorCode::invalid,
                  fmt::format("{}.bands.{}: there is no band '{}'", op, letter, band))
          .hint(spelling_hint(band, input.band_names()));
    chosen_[letter] = static_cast<size_t>(input.find_band(band));
  }
  const auto& sensors = known_sensors();
  size_t most = 1;
  for (const auto& each : sensors) {
    if (!sensor.empty()) {
      if (each.name == sensor) sensors_ = {&each};
      continue;
    }
    const size_t known = bands_known_to(each, input);
    if (known < most) continue;
    if (known > most) sensors_.clear();
    most = known;
    sensors_.push_back(&each);
  }
  if (!sensor.empty() && sensors_.empty()) {
    std::vector<std::string> names;
    for (const auto& each : sensors) names.push_back(each.name);
    throw Error(ErrorCode::invalid, fmt::format("{}.sensor: there is no sensor '{}'", op, sensor))
        .hint(spelling_hint(sensor, names));
  }
}

std::optional<size_t> IndexBands::by_common_name(const std::string& common) const {
  std::vector<std::string> names{plain(common)};
  if (const auto found = spellings().find(common); found != spellings().end())
    names.insert(names.end(), found->second.begin(), found->second.end());
  for (const auto& name : names)
    for (size_t i = 0; i < input_.bands.size(); ++i)
      if (plain(input_.bands[i].name) == name) return i;
  return std::nullopt;
}

std::optional<size_t> IndexBands::by_sensor(const std::string& common,
                                            const catalog::Sensor& sensor) const {
  const catalog::SensorBand* const wanted = sensor.find(common);
  if (wanted == nullptr) return std::nullopt;
  for (size_t i = 0; i < input_.bands.size(); ++i)
    if (sensor.find(input_.bands[i].name) == wanted) return i;
  return std::nullopt;
}

std::optional<size_t> IndexBands::find(const std::string& letter) const {
  if (const auto chosen = chosen_.find(letter); chosen != chosen_.end()) return chosen->second;
  if (const int band = input_.find_band(letter); band >= 0) return static_cast<size_t>(band);
  const auto common = common_name_of(letter);
  if (const auto named = by_common_name(common)) return named;
  std::set<std::optional<size_t>> opinions;
  for (const auto* sensor : sensors_) opinions.insert(by_sensor(common, *sensor));
  if (opinions.size() == 1 && *opinions.begin()) return *opinions.begin();
  if (letter == "N") return find("N2");
  return std::nullopt;
}

std::optional<double> IndexBands::wavelength_nm(const std::string& letter) const {
  if (sensors_.size() != 1) return std::nullopt;
  const auto band = find(letter);
  if (!band) return std::nullopt;
  const catalog::SensorBand* const known = sensors_.front()->find(input_.bands[*band].name);
  return known == nullptr ? std::nullopt : known->wavelength_nm;
}

}  // namespace geoloom::ops
