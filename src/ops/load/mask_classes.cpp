// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_classes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "error/error.h"
#include "error/spelling.h"
#include "workflow/sensor_file.h"

namespace geoloom::ops {
namespace {

using catalog::Sensor;
using catalog::SensorClass;
using catalog::SensorMask;
constexpr const char* kUsual = "usual";
constexpr int kWidestListed = 6;  // bits of a field whose values can be listed

bool has_names(const BandRule& rule) {
  return !rule.classes.empty() || !rule.keep.names.empty() || !rule.drop.names.empty();
}

std::vector<std::string> known_classes(const SensorMask& mask) {
  std::vector<std::string> names;
  for (const auto& each : mask.classes) names.push_back(each.name);
  return names;
}

const SensorClass* find_class(const SensorMask& mask, const std::string& name) {
  const auto found = std::find_if(mask.classes.begin(), mask.classes.end(),
                                  [&](const SensorClass& each) { return each.name == name; });
  return found == mask.classes.end() ? nullptr : &*found;
}

// "scl (band SCL): no_data, saturated; ..."
std::string all_classes(const Sensor& sensor) {
  std::string text;
  for (const auto& mask : sensor.masks)
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", mask.band,
                        fmt::join(known_classes(mask), ", "));
  return text;
}

// The names a rule lists; "usual" is left as it is.
const std::vector<std::string>& names_of(const BandRule& rule) {
  if (!rule.classes.empty()) return rule.classes;
  return rule.keep.names.empty() ? rule.drop.names : rule.keep.names;
}

bool knows(const SensorMask& mask, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return name == kUsual ? !mask.usual.empty() : find_class(mask, name) != nullptr;
  });
}

// The mask that a rule is about: by its band, else the first that knows all names.
const SensorMask& mask_of(const BandRule& rule, const std::string& where, const Sensor& sensor) {
  if (sensor.masks.empty())
    throw Error(ErrorCode::invalid,
                fmt::format("{}: sensor '{}' has no names for classes", where, sensor.name))
        .hint("write numbers, as in mask: {band: SCL, drop: [8, 9]}");
  if (rule.band.empty()) {
    for (const auto& mask : sensor.masks)
      if (knows(mask, names_of(rule))) return mask;
    throw Error(ErrorCode::invalid,
                fmt::format("{}: sensor '{}' has no mask with all of: {}", where, sensor.name,
                            fmt::join(names_of(rule), ", ")))
        .hint("it knows " + all_classes(sensor));
  }
  const auto* band = sensor.find(rule.band);
  const auto* mask = sensor.find_mask(band == nullptr ? rule.band : band->name);
  if (mask != nullptr) return *mask;
  throw Error(ErrorCode::invalid, fmt::format("{}: sensor '{}' has no names for classes of '{}'",
                                              where, sensor.name, rule.band))
      .hint("it knows " + all_classes(sensor));
}

void add_class(const SensorMask& mask, const SensorClass& from, ClassList& list, BandRule& rule,
               const std::string& where) {
  if (mask.kind == catalog::SensorBandKind::classes) {
    for (const int64_t value : from.values) {
      const bool there =
          std::find(list.numbers.begin(), list.numbers.end(), value) != list.numbers.end();
      if (!there) list.numbers.push_back(value);
    }
    return;
  }
  if (!from.values.empty() && from.bit_count > kWidestListed)
    throw Error(ErrorCode::invalid,
                fmt::format("{}: '{}' lists values of {} bits, and at most {} bits are possible",
                            where, from.name, from.bit_count, kWidestListed))
        .hint("see `is` of this class in the sensor's description");
  rule.fields.push_back({from.first_bit, from.bit_count, from.values, from.name});
}

// The rule with this sensor's numbers.
BandRule named_by(const BandRule& said, const std::string& where, const Sensor& sensor) {
  BandRule rule = said;
  const SensorMask& mask = mask_of(said, where, sensor);
  if (rule.band.empty()) rule.band = mask.band;
  std::vector<std::string> names;
  for (const auto& name : names_of(said)) {
    if (name == kUsual)
      names.insert(names.end(), mask.usual.begin(), mask.usual.end());
    else
      names.push_back(name);
  }
  const bool kept = !said.keep.names.empty();
  ClassList& list = kept ? rule.keep : rule.drop;
  rule.classes.clear();
  list.names.clear();
  if (mask.kind == catalog::SensorBandKind::bits && !list.numbers.empty())
    throw Error(ErrorCode::invalid, where + ": names of bits and numbers cannot stand in one list")
        .hint("write a list of rules: mask: [{classes: cloud}, {band: qa_pixel, bits_set: 5}]");
  for (const auto& name : names) {
    const auto* found = find_class(mask, name);
    if (found == nullptr)
      throw Error(ErrorCode::invalid, fmt::format("{}: sensor '{}' has no class '{}' in {}", where,
                                                  sensor.name, name, mask.band))
          .hint(fmt::format("it knows {}", fmt::join(known_classes(mask), ", ")));
    add_class(mask, *found, list, rule, where);
  }
  rule.fields_are_kept = kept && !rule.fields.empty();
  for (const auto& each : mask.classes)
    if (mask.kind == catalog::SensorBandKind::classes && each.values.size() == 1)
      rule.class_names.emplace(each.values.front(), each.name);
  return rule;
}

std::vector<Sensor> sensors_of(const std::vector<workflow::SourceParameters>& sources) {
  std::set<std::string> names;
  std::vector<Sensor> sensors;
  for (const auto& source : sources)
    for (const auto& collection : source.all_collections())
      if (names.insert(collection.sensor).second)
        sensors.push_back(workflow::find_sensor(collection.sensor));
  return sensors;
}

bool same_meaning(const BandRule& a, const BandRule& b) {
  using Type = workflow::ParameterType<BandRule>;
  return Type::to_json(a) == Type::to_json(b);
}

void check_lists(const BandRule& rule, const std::string& where) {
  const int lists =
      (rule.classes.empty() ? 0 : 1) + (rule.keep.empty() ? 0 : 1) + (rule.drop.empty() ? 0 : 1);
  if (lists > 1)
    throw Error(ErrorCode::invalid, where + ": `classes`, `keep` and `drop` exclude each other")
        .hint("give one of them, as in mask: {band: SCL, keep: [4, 5, 6]}");
  if (!rule.field.empty())
    throw Error(ErrorCode::invalid, where + ".field: names of classes say themselves which bits");
}

}  // namespace

void name_classes(MaskRules& rules, const std::vector<workflow::SourceParameters>& sources) {
  std::vector<Sensor> sensors;
  for (size_t i = 0; i < rules.rules.size(); ++i) {
    BandRule* const looked_up = rules.rules[i].looked_up();
    if (looked_up == nullptr || !has_names(*looked_up)) continue;
    BandRule& rule = *looked_up;
    const auto where = rules.name_of_looked_up(i);
    check_lists(rule, where);
    if (sensors.empty()) sensors = sensors_of(sources);
    if (sensors.empty())
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: '{}' is a name, and only a source with a sensor has names",
                              where, names_of(rule).front()))
          .hint("write numbers, as in mask: {band: SCL, drop: [8, 9]}, or load from a source");
    const BandRule said = rule;
    rule = named_by(said, where, sensors.front());
    for (size_t s = 1; s < sensors.size(); ++s)
      if (!same_meaning(rule, named_by(said, where, sensors[s])))
        throw Error(ErrorCode::invalid,
                    fmt::format("{}: these names mean one thing for '{}' and another for '{}'",
                                where, sensors.front().name, sensors[s].name))
            .hint("load the sensors in steps of their own");
  }
}

}  // namespace geoloom::ops
