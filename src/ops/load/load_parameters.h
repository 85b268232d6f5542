// SPDX-License-Identifier: Apache-2.0
// The parameters of `load`, for its parts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "geo/time.h"
#include "ops/load/mask_rules.h"
#include "raster/warp.h"
#include "workflow/parameters.h"
#include "workflow/source_parameters.h"

namespace geoloom::ops {

// How pixels that do not fall on the grid are brought onto it: one method for all bands, or by
// band.
struct ResamplingChoice {
  std::optional<raster::Resampling> all;
  std::map<std::string, raster::Resampling> by_band;
  // What was asked for a band; nullopt: the rule decides.
  std::optional<raster::Resampling> of(const std::string& band) const;
};

struct Reject {
  std::vector<double> any_band_in;
  void declare(workflow::Parameters& parameters);
};

// How many scenes of an item may be unreadable.
struct Tolerate {
  std::optional<int64_t> scenes;
  std::optional<double> share;
  void declare(workflow::Parameters& parameters);
};

struct LoadParameters {
  std::vector<std::string> scenes;
  std::vector<workflow::SourceParameters> source;
  std::string layer;
  std::map<std::string, workflow::Value> at;  // of the layer's axes
  std::string along;
  std::vector<std::string> bands;
  std::vector<std::string> band_names;
  std::string date_pattern;
  std::string order = "time";
  std::string group_by;
  std::optional<geo::Period> period;
  MaskRules mask;
  ResamplingChoice resampling;
  bool overviews = false;
  std::optional<Reject> reject;
  std::optional<double> nodata, scale, offset;
  std::string kind;
  std::optional<Tolerate> tolerate;
  void declare(workflow::Parameters& parameters);

  size_t tolerated(size_t members) const;
  // Scenes of one day make one slice.
  bool by_solar_day() const;
  bool clearest_first() const { return order == "cloud_cover"; }
  // What to search before and after the period: by solar days, a day.
  int64_t period_margin_ms() const;
  // The bands asked for and those of the mask; empty: all of a scene.
  std::vector<std::string> bands_read() const;
};

}  // namespace geoloom::ops

namespace geoloom::workflow {

template <>
struct ParameterType<ops::ResamplingChoice> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    ops::ResamplingChoice& out);
  static Json to_json(const ops::ResamplingChoice& value);
  static OrderedJson schema(const Parameter& parameter);
};

}  // namespace geoloom::workflow
