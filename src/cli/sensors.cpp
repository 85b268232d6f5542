// SPDX-License-Identifier: Apache-2.0
// geoloom sensors: what is known of sensors, as the files say it.
#include <fmt/format.h>

#include <iostream>

#include "cli/commands.h"
#include "workflow/sensor_file.h"

namespace geoloom::cli {
namespace {

using workflow::OrderedJson;

std::string wavelength_text(const catalog::SensorBand& band) {
  return band.wavelength_nm ? fmt::format("{:g} nm", *band.wavelength_nm) : "";
}

std::string kind_text(const catalog::SensorBand& band) {
  if (band.kind == catalog::SensorBandKind::classes) return "classes";
  if (band.kind == catalog::SensorBandKind::bits) return "bits";
  std::string text;
  if (band.scale) text += fmt::format("* {:g}", *band.scale);
  if (band.offset && *band.offset != 0) text += fmt::format(" {:+g}", *band.offset);
  return text;
}

std::string class_text(const catalog::SensorClass& each) {
  const auto values = fmt::format("{}", fmt::join(each.values, ", "));
  if (each.bit_count == 0) return values;
  if (each.bit_count == 1) return fmt::format("bit {}", each.first_bit);
  return fmt::format("bits {} to {}{}", each.first_bit, each.first_bit + each.bit_count - 1,
                     each.values.empty() ? " not 0" : " are " + values);
}

void print(const catalog::Sensor& sensor) {
  std::cout << fmt::format("{}: {}\n\n", sensor.name, sensor.title);
  if (!sensor.bands.empty())
    std::cout << fmt::format("{:<14} {:<28} {:>10} {:>10} {:>8}  {}\n", "band", "common names",
                             "wavelength", "resolution", "nodata", "physical value");
  for (const auto& band : sensor.bands)
    std::cout << fmt::format("{:<14} {:<28} {:>10} {:>10} {:>8}  {}\n", band.name,
                             fmt::format("{}", fmt::join(band.common_names, ", ")),
                             wavelength_text(band),
                             band.resolution_m ? fmt::format("{:g} m", *band.resolution_m) : "",
                             band.nodata ? fmt::format("{:g}", *band.nodata) : "", kind_text(band));
  if (const auto& rule = sensor.baseline_offset)
    std::cout << fmt::format(
        "\nFrom processing baseline {} on {:+g} is added to the numbers of {}.\n", rule->from,
        rule->digital_numbers, fmt::join(rule->bands, " "));
  for (const auto& mask : sensor.masks) {
    std::cout << fmt::format("\nmask {} (band {}), usually {}:\n", mask.name, mask.band,
                             fmt::join(mask.usual, ", "));
    for (const auto& each : mask.classes)
      std::cout << fmt::format("  {:<24} {}\n", each.name, class_text(each));
  }
}

OrderedJson json_of(const catalog::Sensor& sensor) {
  OrderedJson bands = OrderedJson::array(), masks = OrderedJson::array();
  for (const auto& band : sensor.bands) {
    OrderedJson json{
        {"name", band.name}, {"common_names", band.common_names}, {"aliases", band.aliases}};
    const auto put = [&json](const char* key, const std::optional<double>& value) {
      if (value) json[key] = *value;
    };
    put("wavelength_nm", band.wavelength_nm);
    put("width_nm", band.width_nm);
    put("resolution_m", band.resolution_m);
    put("nodata", band.nodata);
    put("scale", band.scale);
    put("offset", band.offset);
    bands.push_back(std::move(json));
  }
  for (const auto& mask : sensor.masks) {
    OrderedJson classes = OrderedJson::object();
    for (const auto& each : mask.classes) {
      classes[each.name] = {{"values", each.values}};
      if (each.bit_count > 0)
        classes[each.name].update({{"first_bit", each.first_bit}, {"bit_count", each.bit_count}});
    }
    masks.push_back(
        {{"name", mask.name}, {"band", mask.band}, {"classes", classes}, {"usual", mask.usual}});
  }
  return {{"name", sensor.name}, {"title", sensor.title}, {"bands", bands}, {"masks", masks}};
}

struct SensorArguments {
  std::string name;
  bool file = false, schema = false;
};

void list_sensors(bool json) {
  OrderedJson all = OrderedJson::array();
  for (const auto& name : workflow::sensor_names()) {
    const auto sensor = workflow::find_sensor(name);
    if (json)
      all.push_back(json_of(sensor));
    else
      std::cout << fmt::format("{:<18} {}\n", name, sensor.title);
  }
  if (json) std::cout << all.dump(2) << "\n";
}

}  // namespace

void add_sensors(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "sensors", "What is known of sensors: bands, names, scales, offsets, masks");
  const auto arguments = std::make_shared<SensorArguments>();
  command->add_option("NAME", arguments->name, "One sensor, or a file of your own; all without it");
  command->add_flag("--file", arguments->file, "Its file as it is, to start one of your own from");
  command->add_flag("--schema", arguments->schema, "JSON Schema of such files, for editors");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([arguments, &commands] {
    const auto& name = arguments->name;
    if (arguments->schema)
      std::cout << workflow::sensor_schema().dump(2) << "\n";
    else if (name.empty())
      list_sensors(commands.json);
    else if (arguments->file)
      std::cout << workflow::sensor_text(name);
    else if (commands.json)
      std::cout << json_of(workflow::find_sensor(name)).dump(2) << "\n";
    else
      print(workflow::find_sensor(name));
  });
}

}  // namespace geoloom::cli
