// SPDX-License-Identifier: Apache-2.0
// geoloom indices: the spectral indices that have names, what they need, and where they come from.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "error/error.h"
#include "error/spelling.h"
#include "ops/feature/index_bands.h"
#include "ops/feature/index_catalogue.h"
#include "workflow/sensor_file.h"

namespace geoloom::cli {
namespace {

using ops::IndexCatalogue;
using ops::SpectralIndex;
using workflow::OrderedJson;

struct IndexArguments {
  std::string name, sensor, domain;
};

OrderedJson json_of(const SpectralIndex& index) {
  return {{"name", index.name},
          {"title", index.title},
          {"domain", index.domain},
          {"formula", index.formula},
          {"bands", IndexCatalogue::get().letters(index)},
          {"reference", index.reference}};
}

void print(const SpectralIndex& index) {
  const auto& catalogue = IndexCatalogue::get();
  std::cout << fmt::format("{}: {} ({})\n\n  {}\n\n", index.name, index.title, index.domain,
                           index.formula);
  const auto letters = catalogue.letters(index);
  for (const auto& letter : letters) {
    const auto band = catalogue.bands().find(letter);
    if (band == catalogue.bands().end())
      std::cout << fmt::format("  {:<8} radar, linear power\n", letter);
    else
      std::cout << fmt::format("  {:<8} {} ({})\n", letter, band->second.title,
                               band->second.common_name);
  }
  std::cout << fmt::format("\n{}\n", index.reference);
}

// Whether a sensor has all bands of an index.
bool possible(const SpectralIndex& index, const catalog::Sensor& sensor) {
  raster::CubeSchema schema;
  for (const auto& band : sensor.bands) schema.bands.emplace_back().name = band.name;
  const ops::IndexBands bands(schema, {}, sensor.name, "indices");
  const auto letters = IndexCatalogue::get().letters(index);
  return std::all_of(letters.begin(), letters.end(),
                     [&](const auto& letter) { return bands.find(letter).has_value(); });
}

std::vector<std::string> domains() {
  std::vector<std::string> out;
  for (const auto& index : IndexCatalogue::get().indices()) out.push_back(index.domain);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void list(const IndexArguments& arguments, bool json) {
  const auto known = domains();
  if (!arguments.domain.empty() &&
      !std::binary_search(known.begin(), known.end(), arguments.domain))
    throw Error(ErrorCode::invalid,
                fmt::format("--domain: there is no domain '{}'", arguments.domain))
        .hint(spelling_hint(arguments.domain, known));
  std::optional<catalog::Sensor> sensor;
  if (!arguments.sensor.empty()) {
    (void)workflow::sensor_text(arguments.sensor);  // throws where there is none
    sensor = workflow::find_sensor(arguments.sensor);
  }
  auto all = OrderedJson::array();
  size_t count = 0;
  for (const auto& index : IndexCatalogue::get().indices()) {
    if (!arguments.domain.empty() && index.domain != arguments.domain) continue;
    if (sensor && !possible(index, *sensor)) continue;
    ++count;
    if (json)
      all.push_back(json_of(index));
    else
      std::cout << fmt::format("{:<12} {:<11} {}\n", index.name, index.domain, index.formula);
  }
  if (json)
    std::cout << all.dump(2) << "\n";
  else
    std::cout << fmt::format("{} indices; `geoloom indices NAME` tells more of one\n", count);
}

const SpectralIndex& found(const std::string& name) {
  const auto& catalogue = IndexCatalogue::get();
  if (const auto* const index = catalogue.find(name)) return *index;
  std::vector<std::string> known;
  for (const auto& index : catalogue.indices()) known.push_back(index.name);
  throw Error(ErrorCode::invalid, fmt::format("there is no index '{}'", name))
      .hint(spelling_hint(name, known));
}

}  // namespace

void add_indices(CLI::App& app, Commands& commands) {
  auto* command =
      app.add_subcommand("indices", "Spectral indices that op `index` knows, with formulas");
  const auto arguments = std::make_shared<IndexArguments>();
  command->add_option("NAME", arguments->name, "One index; all without it");
  command->add_option("--sensor", arguments->sensor,
                      "Only those whose bands the sensor has; see `geoloom sensors`");
  command->add_option("--domain", arguments->domain, "Only those of a domain");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([arguments, &commands] {
    if (arguments->name.empty()) return list(*arguments, commands.json);
    const auto& index = found(arguments->name);
    if (commands.json)
      std::cout << json_of(index).dump(2) << "\n";
    else
      print(index);
  });
}

}  // namespace geoloom::cli
