// SPDX-License-Identifier: Apache-2.0
// Accuracy of a map, and areas corrected for its errors, from a probability sample that was drawn
// by strata and labelled. Only such a sample tells of the map as a whole; whoever has other labels
// gets no map accuracy here.
//
// Where strata are the map's classes: Olofsson, P. et al. (2014), "Good practices for estimating
// area and assessing accuracy of land change", Remote Sensing of Environment 148, 42-57, equations
// 4 to 11. Where they are not: Stehman, S. V. (2014), "Estimating area and map accuracy for
// stratified random sampling when the strata are different from the map classes", International
// Journal of Remote Sensing 35, 4923-4939, equations 2, 3, 25 to 28, with the correction for finite
// populations.
//
// Areas are shares of all that the strata cover; whoever knows how large that is multiplies.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace geoloom::learn {

struct Stratum {
  std::string name;
  double units = 0;  // pixels; of both the sample and the map
};

// One unit of the sample. Classes and strata are indexes into the lists given.
struct LabelledUnit {
  uint32_t stratum = 0;
  uint32_t mapped = 0;
  uint32_t reference = 0;
};

// `value` is absent where nothing was sampled that it could be made of; `standard_error` too where
// a stratum that it needs has fewer than two units.
struct Estimate {
  std::optional<double> value;
  std::optional<double> standard_error;
  // Half the width of the 95 % interval, from the normal distribution.
  std::optional<double> half_width_95() const;
};

struct ClassEstimate {
  std::string name;
  uint64_t mapped_units = 0, reference_units = 0;  // of the sample
  Estimate users;       // of what is mapped as the class, the share that is of it
  Estimate producers;   // of what is of the class, the share that is mapped as it
  Estimate area_share;  // by reference labels
};

struct AccuracyEstimate {
  std::string method;  // "Olofsson 2014" or "Stehman 2014"
  Estimate overall;
  std::vector<ClassEstimate> classes;
  // Row by row, the map's classes; columns are reference classes. Estimated shares of the area.
  std::vector<double> error_matrix;
  // Numbers of units.
  std::vector<uint64_t> counts;
  std::vector<std::string> notes;  // what could not be estimated, and why
};

// Every stratum is the map class of the same index. Throws Error(invalid) for units of other
// strata than their mapped class, indexes out of range, and strata without units of the map.
AccuracyEstimate estimate_by_map_classes(std::span<const std::string> classes,
                                         std::span<const double> class_units,
                                         std::span<const LabelledUnit> sample);

// Strata are whatever the sample was drawn by. Errors as above.
AccuracyEstimate estimate_by_strata(std::span<const std::string> classes,
                                    std::span<const Stratum> strata,
                                    std::span<const LabelledUnit> sample);

}  // namespace geoloom::learn
