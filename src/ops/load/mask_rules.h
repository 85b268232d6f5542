// SPDX-License-Identifier: Apache-2.0
// The rules of `load.mask`, as a document says them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/load/band_rule.h"
#include "ops/load/cloud_shadow.h"
#include "ops/load/terrain_rule.h"

namespace geoloom::ops {

// Polygons of a vector file, inside or outside of which pixels are usable (see mask_shapes.h).
struct VectorRule {
  std::string file, layer, where, crs;
  std::string keep = "outside";
  std::optional<Distance> buffer;
  void declare(workflow::Parameters& parameters);
};

// What makes a pixel unusable: samples of a band, or instead of them polygons, a condition on the
// loaded bands (see mask_expression.h), or shadows of clouds or of the terrain.
struct MaskRule : BandRule {
  std::optional<VectorRule> vector;
  std::string expression;
  std::optional<CloudShadowRule> cloud_shadow;
  std::optional<TerrainShadowRule> terrain_shadow;
  void declare(workflow::Parameters& parameters);
  // Throws Error(invalid); `name` is what messages call the rule ("load.mask", "load.mask[1]").
  void check(const std::string& name) const;

  bool of_a_band() const {
    return !vector && expression.empty() && !cloud_shadow && !terrain_shadow;
  }
  bool needs_sun() const { return cloud_shadow || terrain_shadow; }
  const std::string& overpass() const;  // see CloudShadowRule; empty: not said
  // The rule about a band that is looked up for this one; null for none.
  const BandRule* looked_up() const;
  BandRule* looked_up();
  // A condition on the loaded bands, that alone or in shadows makes pixels unusable; empty: none.
  const std::string& condition() const;
  std::string& condition();
  // Whether what is looked up is decided on the band's own pixels, before a warp.
  bool on_own_pixels() const { return looked_up() != nullptr && condition().empty(); }
};

// A rule, or a list of them.
struct MaskRules {
  std::vector<MaskRule> rules;
  bool empty() const { return rules.empty(); }
  std::string name(size_t rule) const;  // "load.mask", or "load.mask[1]" in a list
  // What messages call the parts of a rule: "load.mask[1].cloud_shadow.clouds" and ".dark".
  std::string name_of_looked_up(size_t rule) const;
  std::string name_of_condition(size_t rule) const;
  bool need_sun() const;
  // When satellites pass, in milliseconds of the solar day; nullopt where no rule says it.
  std::optional<int64_t> overpass_ms() const;
  // The bands that are looked up, each once.
  std::vector<std::string> bands() const;
  void check() const;
};

}  // namespace geoloom::ops

namespace geoloom::workflow {

template <>
struct ParameterType<ops::MaskRules> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    ops::MaskRules& out) {
    out.rules.clear();
    if (!value.is_null())
      ParameterType<std::vector<ops::MaskRule>>::parse(value, parameter, name, out.rules);
  }
  // One rule of classes stands as it always did, so that results keep their fingerprints.
  static Json to_json(const ops::MaskRules& value);
  static OrderedJson schema(const Parameter& parameter) {
    return ParameterType<std::optional<std::vector<ops::MaskRule>>>::schema(parameter);
  }
};

template <>
struct NestedKeysOf<ops::MaskRules> : NestedKeysOf<ops::MaskRule> {};

}  // namespace geoloom::workflow
