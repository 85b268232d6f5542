// SPDX-License-Identifier: Apache-2.0
// An archive as a document describes it: an entry of `sources:`, or the same written where a `load`
// uses it. Declared like the parameters of ops; what it means is in ops/load/source_scenes.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/property_filter.h"
#include "catalog/sensor.h"
#include "geo/time.h"
#include "workflow/document.h"
#include "workflow/parameters.h"

namespace geoloom::workflow {

// A secret by its name; values never stand in documents (http/secret_value.h).
struct SecretParameter {
  std::string secret;
  void declare(Parameters& parameters);
};

struct BasicAuthParameters {
  std::string user;
  SecretParameter password;
  void declare(Parameters& parameters);
};

struct HeaderAuthParameters {
  std::string name;
  SecretParameter value;
  void declare(Parameters& parameters);
};

// Exactly one of the three.
struct AuthParameters {
  std::optional<SecretParameter> bearer;
  std::optional<BasicAuthParameters> basic;
  std::optional<HeaderAuthParameters> header;
  bool assets = false;
  void declare(Parameters& parameters);
};

// Exactly one of the two.
struct SignParameters {
  std::string endpoint, command;
  void declare(Parameters& parameters);
};

// From another sensor's values to those of the series: value * scale + offset, in physical units.
struct HarmoniseParameters {
  double scale = 1, offset = 0;
  void declare(Parameters& parameters);
};

struct CollectionParameters {
  std::string id, sensor;
  Value where, offset;
  std::map<std::string, HarmoniseParameters> harmonise;
  void declare(Parameters& parameters);
};

struct SourceParameters {
  std::string name;  // of the entry of `sources`; empty where it is written in place
  std::string stac;
  std::vector<std::string> scenes;
  std::string files;
  std::map<std::string, std::vector<std::string>> parts;
  std::string collection;
  std::vector<CollectionParameters> collections;
  std::string sensor;
  std::optional<AuthParameters> auth;
  std::optional<SignParameters> sign;
  Value where, offset, mask;
  std::optional<geo::Period> period;
  std::vector<double> bbox;
  std::string exclude;
  std::string date_pattern;
  std::vector<std::string> band_names;
  int64_t most_items = 100'000;
  int64_t requests = 8;
  void declare(Parameters& parameters);

  // What one parameter alone does not tell; throws Error(invalid). `where` is where it stands.
  void check(const Value& place) const;
  // One entry at least; sensor, where and offset of the source stand for those that say none.
  std::vector<CollectionParameters> all_collections() const;
};

// `{eo:cloud_cover: "< 70", platform: landsat-8}`; null: none. Throws Error(invalid) at the value.
std::vector<catalog::PropertyCondition> conditions_of(const Value& where);
// auto, metadata, baseline, none, or a number; null: auto.
catalog::OffsetChoice offset_choice_of(const Value& value);

// The keys `sources` and `secrets` of a document, into it. Throws Error(invalid) with the place.
void read_sources(const Value& root, Document& document);
// Every `secret: NAME` in a value must be a name, and declared. Throws Error(invalid) with the place.
void check_secrets(const Value& value, const std::vector<std::string>& declared);
// Checks all sources of a resolved document, used or not, and that their secrets are declared.
void check_sources(const Document& document);
// The arguments of a `load` with `source: NAME` replaced by what NAME describes, and with the mask
// of the source where the load has none of its own; the same in rules of its mask about the
// terrain's shadow. Others stay as they are. Throws Error(invalid) for an unknown name, with the
// nearest.
Value with_sources(const Value& arguments, const Document& document);

}  // namespace geoloom::workflow
