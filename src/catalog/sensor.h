// SPDX-License-Identifier: Apache-2.0
// What is known of a sensor's products beside what catalogues and files say: names of bands,
// numbers and what they mean. Descriptions are data files (sensors/*.yaml); this is what they
// become, and how they are applied to scenes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/scene.h"

namespace geoloom::catalog {

enum class SensorBandKind { measure, classes, bits };

struct SensorBand {
  std::string name;                                // "B04"
  std::vector<std::string> common_names;           // "red"
  std::vector<std::string> aliases;                // other names of the band, and keys of assets
  std::map<std::string, std::string> by_platform;  // group of platforms -> name: {oli: SR_B4}
  SensorBandKind kind = SensorBandKind::measure;
  std::optional<double> wavelength_nm, width_nm, resolution_m;
  std::optional<double> nodata, scale, offset;  // where neither catalogue nor user says
};

// A name for some values of a class band, or for some values of a field of bits.
struct SensorClass {
  std::string name;                  // "cloud"
  std::vector<int64_t> values;       // of the band, or of the field; of a field empty: all but 0
  int first_bit = 0, bit_count = 0;  // bit_count 0: the whole number is the class
};

struct SensorMask {
  std::string name, band;
  SensorBandKind kind = SensorBandKind::classes;
  std::vector<SensorClass> classes;
  std::vector<std::string> usual;  // what is masked when nothing is said
};

// An offset that came with a processing baseline.
struct BaselineOffset {
  std::string from;                // first baseline that has it: "04.00"
  double digital_numbers = 0;      // to be added to the numbers: -1000
  std::vector<std::string> bands;  // by the sensor's names
  // Properties by which a provider says that it has added it already.
  std::map<std::string, nlohmann::json> already_applied;
};

struct Sensor {
  std::string name, title;
  std::map<std::string, std::vector<std::string>> platforms;  // group -> platforms of STAC
  std::map<std::string, std::string> platform_of_id;          // beginning of an id -> platform
  // Properties that tell the scene's tile, and its processing baseline; the first there is.
  std::vector<std::string> tile, baseline;
  std::vector<SensorBand> bands;
  std::optional<BaselineOffset> baseline_offset;
  std::vector<SensorMask> masks;

  const SensorBand* find(const std::string& name) const;  // by name, common name or alias
  const SensorMask* find_mask(const std::string& name_or_band) const;
};

// What decides the offset of a scene.
enum class OffsetPolicy {
  automatic,  // the baseline, unless the provider says that it is applied already
  metadata,   // what the catalogue says, else none
  baseline,   // the baseline alone
  none,       // 0
  number,     // `offset_numbers` for all
};
struct OffsetChoice {
  OffsetPolicy policy = OffsetPolicy::automatic;
  double offset_numbers = 0;
};

// How often each decision was taken, for the one line that users trust.
struct OffsetReport {
  size_t scenes = 0, applied = 0, already_applied = 0, unknown_baseline = 0, contradicted = 0;
};

// Gives bands their other names, and nodata, scale and offset where the catalogue gives none; the
// offset by baseline replaces what the catalogue says, so that it is applied once or not at all.
// With a choice other than automatic for a sensor without such an offset, all bands that measure
// get it.
void apply_sensor(Scene& scene, const Sensor& sensor, const OffsetChoice& choice,
                  OffsetReport& report);

// "05.09"; from properties, else from "_N0509_" in the id or the product's name. Empty if unknown.
std::string processing_baseline(const Scene& scene, const Sensor& sensor);
// Properties in which catalogues tell it, beside those that a sensor names.
const std::vector<std::string>& baseline_properties();
std::string platform_of(const Scene& scene, const Sensor& sensor);
std::string tile_of(const Scene& scene, const Sensor& sensor);  // empty if unknown

// Scenes of one platform, tile and time (to the millisecond) are one acquisition: the one with the
// newest baseline is kept, then the one made last (s2:generation_time, created, updated), then the
// one whose id is last. Scenes without tile or time are kept. Returns how many were dropped.
size_t drop_reprocessed(std::vector<Scene>& scenes, const Sensor& sensor);

}  // namespace geoloom::catalog
