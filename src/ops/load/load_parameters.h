// SPDX-License-Identifier: Apache-2.0
// The parameters of `load`, for its parts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "geo/time.h"
#include "workflow/parameters.h"

namespace geoloom::ops {

// Which classes of a band of the same scene make a pixel usable.
struct ClassMask {
  std::string band;
  std::vector<int64_t> keep, drop;
  void declare(workflow::Parameters& parameters);
  bool listed_are_kept() const { return !keep.empty(); }
  const std::vector<int64_t>& listed() const { return keep.empty() ? drop : keep; }
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
  std::string layer;
  std::map<std::string, workflow::Value> at;  // of the layer's axes
  std::string along;
  std::vector<std::string> bands;
  std::vector<std::string> band_names;
  std::string date_pattern;
  std::string order = "time";
  std::optional<geo::Period> period;
  std::optional<ClassMask> mask;
  std::optional<Reject> reject;
  std::optional<double> nodata, scale, offset;
  std::string kind;
  std::optional<Tolerate> tolerate;
  void declare(workflow::Parameters& parameters);

  size_t tolerated(size_t members) const;
};

}  // namespace geoloom::ops
