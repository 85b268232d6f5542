// SPDX-License-Identifier: Apache-2.0
#include "workflow/sensor_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/href.h"
#include "error/spelling.h"
#include "gdal/dataset.h"
#include "workflow/sensor_table.h"

namespace geoloom::workflow {
namespace {

constexpr size_t kLargestFile = size_t{1} << 20;

struct BandDeclaration {
  std::vector<std::string> common, aliases;
  std::map<std::string, std::string> by_platform;
  std::string kind = "measure";
  std::optional<double> wavelength_nm, width_nm, resolution_m, scale, offset;
  Value nodata;
  void declare(Parameters& p) {
    p.add("common", &common, "Common names (STAC eo extension), the best first");
    p.add("aliases", &aliases, "Other names of the band and keys of its assets, in any case");
    p.add("by_platform", &by_platform, "Names that only some platforms use it for: {oli: SR_B4}");
    p.add("kind", &kind, "What its numbers are").choices({"measure", "classes", "bits"});
    p.add("wavelength_nm", &wavelength_nm, "Centre wavelength").unit("nm").range(1, 1e9);
    p.add("width_nm", &width_nm, "Full width at half maximum").unit("nm").range(0, 1e9);
    p.add("resolution_m", &resolution_m, "Edge of a pixel").unit("m").range(0, 1e6);
    p.add("nodata", &nodata, "Number of missing pixels, or `none`");
    p.add("scale", &scale, "Physical value = number * scale + offset");
    p.add("offset", &offset, "See scale; in physical units");
  }
};

struct BitsDeclaration {
  int64_t first = 0;
  int64_t count = 1;
  std::vector<int64_t> is;
  void declare(Parameters& p) {
    p.add("first", &first, "Lowest bit, from 0").range(0, 31).main();
    p.add("count", &count, "How many bits").range(1, 16);
    p.add("is", &is, "Values of these bits; default: all but 0");
  }
};

struct MaskDeclaration {
  std::string band;
  std::map<std::string, std::vector<int64_t>> classes;
  std::map<std::string, BitsDeclaration> bits;
  std::vector<std::string> usual;
  void declare(Parameters& p) {
    p.add("band", &band, "The band, by name").required();
    p.add("classes", &classes, "Names of values");
    p.add("bits", &bits, "Names of bits: {cloud: 3}, or {first, count, is}");
    p.add("usual", &usual, "What is masked when nothing is said");
  }
};

struct DefaultsDeclaration {
  std::optional<double> nodata, scale, offset;
  void declare(Parameters& p) {
    p.add("nodata", &nodata, "Number of missing pixels");
    p.add("scale", &scale, "Physical value = number * scale + offset");
    p.add("offset", &offset, "See scale");
  }
};

struct BaselineDeclaration {
  std::string from;
  double digital_numbers = 0;
  std::vector<std::string> bands;
  Value already_applied;
  void declare(Parameters& p) {
    p.add("from", &from, "First processing baseline that has the offset").required();
    p.add("digital_numbers", &digital_numbers, "What is to be added to the numbers").required();
    p.add("bands", &bands, "Bands that have it").required();
    p.add("already_applied", &already_applied,
          "Properties by which a provider says that it has added it: {name: value}");
  }
};

struct SensorDeclaration {
  std::string sensor, title;
  Value platforms;
  std::vector<std::string> tile, baseline;
  DefaultsDeclaration defaults;
  std::map<std::string, BandDeclaration> bands;
  std::optional<BaselineDeclaration> offset_by_baseline;
  std::map<std::string, MaskDeclaration> masks;
  void declare(Parameters& p) {
    p.add("sensor", &sensor, "Name").required();
    p.add("title", &title, "What it is, for people");
    p.add("platforms", &platforms,
          "Groups of platforms as STAC names them; `ids`: beginnings of ids -> platform");
    p.add("tile", &tile, "Properties that name the tile of a scene");
    p.add("baseline", &baseline, "Properties that name the processing baseline");
    p.add("defaults", &defaults, "Of all bands that measure");
    p.add("bands", &bands, "By name");
    p.add("offset_by_baseline", &offset_by_baseline, "An offset that came with a baseline");
    p.add("masks", &masks, "Named classes and bits, by name");
  }
};

// The order of the file, which maps lose.
std::vector<std::string> keys_of(const Value& root, std::string_view key) {
  const Value* map = root.find(key);
  return map && map->kind == Value::Kind::map ? map->keys() : std::vector<std::string>{};
}

std::optional<double> nodata_of(const Value& value, std::optional<double> otherwise) {
  if (value.is_null()) return otherwise;
  if (value.kind == Value::Kind::integer || value.kind == Value::Kind::number) return value.number;
  if (value.text == "none") return std::nullopt;
  throw value.error(fmt::format("nodata must be a number or none, not {}", value.described()));
}

catalog::SensorBandKind kind_of(const std::string& kind) {
  if (kind == "classes") return catalog::SensorBandKind::classes;
  if (kind == "bits") return catalog::SensorBandKind::bits;
  return catalog::SensorBandKind::measure;
}

catalog::SensorBand band_of(const std::string& name, const BandDeclaration& from,
                            const DefaultsDeclaration& defaults) {
  catalog::SensorBand band;
  band.name = name;
  band.common_names = from.common;
  band.aliases = from.aliases;
  band.by_platform = from.by_platform;
  band.kind = kind_of(from.kind);
  band.wavelength_nm = from.wavelength_nm;
  band.width_nm = from.width_nm;
  band.resolution_m = from.resolution_m;
  const bool measures = band.kind == catalog::SensorBandKind::measure;
  band.nodata = nodata_of(from.nodata, defaults.nodata);
  band.scale = from.scale || !measures ? from.scale : defaults.scale;
  band.offset = from.offset || !measures ? from.offset : defaults.offset;
  return band;
}

void read_platforms(const Value& value, catalog::Sensor& sensor) {
  if (value.is_null()) return;
  if (value.kind != Value::Kind::map) throw_wrong_type(value, "platforms", "a map");
  for (const auto& [group, members] : value.map) {
    if (group == "ids") {
      if (members.kind != Value::Kind::map) throw_wrong_type(members, "platforms.ids", "a map");
      for (const auto& [beginning, platform] : members.map)
        sensor.platform_of_id[beginning] = platform.text;
      continue;
    }
    if (members.kind != Value::Kind::list)
      throw_wrong_type(members, "platforms." + group, "a list of names");
    for (const auto& member : members.list) sensor.platforms[group].push_back(member.text);
  }
}

catalog::SensorMask mask_of(const std::string& name, const MaskDeclaration& from,
                            const Value& root) {
  catalog::SensorMask mask;
  mask.name = name;
  mask.band = from.band;
  mask.usual = from.usual;
  const Value* masks = root.find("masks");
  const Value& place = masks ? *masks->find(name) : root;
  if (from.classes.empty() == from.bits.empty())
    throw place.error(fmt::format("the mask '{}' needs either classes or bits", name));
  mask.kind = from.bits.empty() ? catalog::SensorBandKind::classes : catalog::SensorBandKind::bits;
  for (const auto& [key, values] : from.classes) mask.classes.push_back({key, values, 0, 0});
  for (const auto& [key, bits] : from.bits)
    mask.classes.push_back(
        {key, bits.is, static_cast<int>(bits.first), static_cast<int>(bits.count)});
  std::vector<std::string> known;
  for (const auto& each : mask.classes) known.push_back(each.name);
  for (const auto& usual : mask.usual)
    if (std::find(known.begin(), known.end(), usual) == known.end())
      throw place.error(fmt::format("the mask '{}' has no class '{}'", name, usual))
          .hint(spelling_hint(usual, known));
  return mask;
}

catalog::BaselineOffset offset_of(const BaselineDeclaration& from, const Value& root) {
  catalog::BaselineOffset offset{from.from, from.digital_numbers, from.bands, {}};
  const auto known = keys_of(root, "bands");
  for (const auto& band : from.bands)
    if (std::find(known.begin(), known.end(), band) == known.end())
      throw root.find("offset_by_baseline")
          ->error(fmt::format("there is no band '{}'", band))
          .hint(spelling_hint(band, known));
  if (from.already_applied.is_null()) return offset;
  if (from.already_applied.kind != Value::Kind::map)
    throw_wrong_type(from.already_applied, "already_applied", "a map");
  for (const auto& [property, value] : from.already_applied.map)
    offset.already_applied[property] = to_json(value);
  return offset;
}

void check_masks(const catalog::Sensor& sensor, const Value& root) {
  for (const auto& mask : sensor.masks)
    if (sensor.find(mask.band) == nullptr)
      throw root.find("masks")
          ->find(mask.name)
          ->error(fmt::format("there is no band '{}'", mask.band))
          .hint(spelling_hint(mask.band, keys_of(root, "bands")));
}

bool is_path(const std::string& name) {
  const auto extension = catalog::extension_of(name);
  return extension == "yaml" || extension == "yml" || extension == "json";
}

}  // namespace

std::vector<std::string> sensor_names() {
  std::vector<std::string> names;
  for (const auto& [name, text] : sensor_table()) names.emplace_back(name);
  return names;
}

std::string_view sensor_text(const std::string& name) {
  for (const auto& [known, text] : sensor_table())
    if (known == name) return text;
  const auto names = sensor_names();
  throw Error(ErrorCode::invalid, fmt::format("there is no sensor '{}'", name))
      .hint(spelling_hint(name, names) + "; a file of your own ends in .yaml");
}

catalog::Sensor parse_sensor(std::string_view text, const std::string& file) {
  const Value root = parse_yaml(text, file);
  SensorDeclaration declared;
  Parameters parameters;
  declared.declare(parameters);
  parameters.bind(root, "sensor");
  catalog::Sensor sensor;
  sensor.name = declared.sensor;
  sensor.title = declared.title;
  sensor.tile = declared.tile;
  sensor.baseline = declared.baseline;
  read_platforms(declared.platforms, sensor);
  for (const auto& name : keys_of(root, "bands"))
    sensor.bands.push_back(band_of(name, declared.bands.at(name), declared.defaults));
  if (declared.offset_by_baseline)
    sensor.baseline_offset = offset_of(*declared.offset_by_baseline, root);
  for (const auto& name : keys_of(root, "masks"))
    sensor.masks.push_back(mask_of(name, declared.masks.at(name), root));
  check_masks(sensor, root);
  return sensor;
}

catalog::Sensor find_sensor(const std::string& name_or_path) {
  if (is_path(name_or_path))
    return parse_sensor(gdal::read_file(name_or_path, kLargestFile), name_or_path);
  return parse_sensor(sensor_text(name_or_path), name_or_path + ".yaml");
}

OrderedJson sensor_schema() {
  SensorDeclaration declared;
  Parameters parameters;
  declared.declare(parameters);
  OrderedJson schema = parameters.object_schema();
  OrderedJson out{{"$schema", "http://json-schema.org/draft-07/schema#"},
                  {"$id", "urn:geoloom:sensor:1"},
                  {"title", "Geoloom sensor description"}};
  out.update(schema);
  return out;
}

}  // namespace geoloom::workflow
