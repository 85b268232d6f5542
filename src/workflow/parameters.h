// SPDX-License-Identifier: Apache-2.0
// One declaration per parameter: name, member it fills, type, limits, default and help. Validation,
// JSON Schema, `geoloom ops`, the reference pages and the identity of a step all derive from it.
//
//   struct Reduce { std::string stat = "median"; int64_t min_count = 1; };
//   void declare(Parameters& p) {
//     p.add("stat", &stat, "What to compute").choices({"median", "mean"}).main();
//     p.add("min_count", &min_count, "Fewest valid samples").range(1, 65535);
//   }
//
// A member's value before binding is its default. Types: bool, int64_t, double, std::string,
// geo::Period, geo::Frequency, std::vector<T> (a scalar stands for a list of one), std::optional<T>
// (absent unless given; null in the document means absent), std::map<std::string, T>, and any struct with `void declare(Parameters&)`.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "geo/time.h"
#include "workflow/value.h"

namespace geoloom::workflow {

using Json = nlohmann::json;                 // keys sorted: canonical
using OrderedJson = nlohmann::ordered_json;  // keys as declared: for people

class Parameters;

// What a text means beyond being a text; the planner checks it before any work.
enum class Meaning { plain, path, layer, result, band, expression };

// One declared parameter. Returned by Parameters::add for chaining.
class Parameter {
 public:
  Parameter& required();
  Parameter& main();  // a scalar or list given instead of the map stands for this parameter
  Parameter& range(double lowest, double highest);  // numbers, and each number of a list
  Parameter& choices(std::vector<std::string> names);
  Parameter& meaning(Meaning meaning);
  Parameter& unit(std::string unit);  // for help only: "m", "px"
  // Not part of the op's identity: it cannot change output bytes.
  Parameter& not_identity();

  std::string name, help, unit_text;
  bool is_required = false, is_main = false, in_identity = true;
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
  std::vector<std::string> allowed;
  Meaning what = Meaning::plain;
  bool given = false;    // set by bind()
  Value source;          // the document value it was bound from, when given

  std::function<void(const Value&, const Parameter&)> parse;  // fills the member or throws
  std::function<Json()> current;                              // the member's present value
  std::function<OrderedJson(const Parameter&)> schema;        // JSON Schema of the type
  Json default_value;                                         // the member's value when declared
};

class Parameters {
 public:
  template <class T>
  Parameter& add(std::string name, T* member, std::string help);

  // Fills the members from a map value (or a scalar/list for the main parameter; null = nothing
  // given). Unknown keys, wrong types, values out of range and missing required ones throw
  // Error(invalid) with the key's place and the nearest spelling.
  void bind(const Value& value, std::string_view owner);
  const std::vector<std::unique_ptr<Parameter>>& all() const { return parameters_; }
  const Parameter* find(std::string_view name) const;
  Json identity() const;   // name -> value of all identity parameters, defaults included
  OrderedJson schema() const;  // object schema with additionalProperties false, or the main parameter's

 private:
  std::vector<std::unique_ptr<Parameter>> parameters_;
};

// How a C++ type reads from a document. Specialise, or give the struct a declare() member.
template <class T>
struct ParameterType;

// (definitions of Parameters::add and the ParameterType specialisations follow; see parameters.cpp for the non-templates)

}  // namespace geoloom::workflow
