// SPDX-License-Identifier: Apache-2.0
// Mask rules about a band of the same scene: which of its samples make a pixel unusable, and how
// the mask that they make is cleaned.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "geo/grid.h"
#include "kernels/morphology.h"
#include "raster/cube.h"
#include "workflow/parameters.h"

namespace geoloom::ops {

// "40 m", "0.5 km" or "2 px".
struct Distance {
  double value = 0;
  bool pixels = false;  // else metres
};

// How long a pixel's sides are in metres; of pixels in degrees in the middle of the grid.
struct PixelSize {
  double width, height;
};
PixelSize size_in_metres(const geo::Grid& grid);

// One step of cleaning a mask up; exactly one of the four is given.
struct CleanStep {
  std::optional<Distance> open, close, erode, dilate;
  void declare(workflow::Parameters& parameters);
  kernels::Morphology operation() const;
  const Distance& radius() const;
};
// Throws Error(invalid) for a step that is none or several; `name` is what messages call the rule.
void check_cleaning(const std::string& name, const std::vector<CleanStep>& steps);
// Disks in the pixels of a mask's grid. Pixels in degrees are as long and wide as in the middle of
// the grid. `pixels` is what messages call them: "pixels of band 'SCL'".
std::vector<kernels::CleaningStep> cleaning_on(const std::vector<CleanStep>& steps,
                                               const geo::Grid& grid, const std::string& pixels);

// Numbers, and names that a sensor's description has for some (see mask_classes.h).
struct ClassList {
  std::vector<int64_t> numbers;
  std::vector<std::string> names;
  bool empty() const { return numbers.empty() && names.empty(); }
};

// Bits of a sample that are listed when, as a number, they are one of the values.
struct BitField {
  int first = 0, count = 1;
  std::vector<int64_t> values;  // empty: all but 0
  std::string name;
  bool holds(uint16_t sample) const;
};

// One of the classes, a field of bits as classes, bits, or a range.
struct BandRule {
  std::string band;
  // What a sensor calls the classes that are not usable; "usual": those that it says are not.
  std::vector<std::string> classes;
  ClassList keep, drop;
  // What names of `keep` or `drop` stand for where the sensor's classes are fields of bits.
  std::vector<BitField> fields;
  bool fields_are_kept = false;
  std::map<int64_t, std::string> class_names;  // for messages
  std::vector<int64_t> field;
  std::vector<int64_t> bits_set, bits_clear;
  std::optional<double> above, below;
  std::vector<double> between;
  std::vector<CleanStep> clean;
  void declare(workflow::Parameters& parameters);
  // Throws Error(invalid); `name` is what messages call the rule ("load.mask", "load.mask[1]").
  void check(const std::string& name) const;
  // Whether a band of this type can have such samples; throws Error(invalid).
  void check_type(const std::string& name, raster::PixelType type) const;

  // Whether nothing is said of a band.
  bool silent() const;
  bool by_class() const { return !keep.empty() || !drop.empty(); }
  bool listed_are_kept() const { return !keep.empty(); }
  const std::vector<int64_t>& listed() const { return keep.empty() ? drop.numbers : keep.numbers; }

  // Sets the bytes of pixels that the rule takes out.
  void mark(raster::PixelType type, const void* samples, size_t pixels, uint8_t* unusable) const;
  // Clears the validity bytes of those pixels.
  void clear(raster::PixelType type, const void* samples, size_t pixels, uint8_t* valid) const;
  // Why it takes out a pixel with this sample, in words; empty when it does not.
  std::string reason(double stored) const;
  // The steps of `clean` on the mask's own grid.
  std::vector<kernels::CleaningStep> cleaning(const geo::Grid& grid) const;
};

// Of all parameters of a rule, those that it says, and the fields that names stand for: its
// identity.
workflow::Json said_of(const BandRule& rule, const workflow::Json& all);

}  // namespace geoloom::ops

namespace geoloom::workflow {

template <>
struct ParameterType<ops::Distance> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    ops::Distance& out);
  static Json to_json(const ops::Distance& value);
  static OrderedJson schema(const Parameter& parameter);
};

template <>
struct ParameterType<ops::ClassList> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    ops::ClassList& out);
  static Json to_json(const ops::ClassList& value);
  static OrderedJson schema(const Parameter& parameter);
};

// In the identity only what is said.
template <>
struct ParameterType<ops::BandRule> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    ops::BandRule& out);
  static Json to_json(const ops::BandRule& value);
  static OrderedJson schema(const Parameter& parameter);
};

}  // namespace geoloom::workflow
