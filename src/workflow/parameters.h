// SPDX-License-Identifier: Apache-2.0
// One declaration per parameter: name, member it fills, type, limits, default and help. Validation,
// JSON Schema, `geoloom ops`, the reference pages and the identity of a step all derive from it.
//
//   struct Reduce {
//     std::string stat = "median";
//     int64_t min_count = 1;
//     void declare(Parameters& p) {
//       p.add("stat", &stat, "What to compute").choices({"median", "mean"}).main();
//       p.add("min_count", &min_count, "Fewest valid samples").range(1, 65535);
//     }
//   };
//
// A member's value when declared is its default. Types: bool, whole numbers (int, int64_t, uint8_t
// ...), double, float, std::string, geo::Period, geo::Frequency, raster::Colour, std::vector<T> (a
// scalar stands for a list of one), std::optional<T> (absent unless given; null in the document
// means absent), std::map<std::string, T>, Value (anything, as it stands in the document), and any
// struct with `void declare(Parameters&)`. A Parameters holds pointers into the declaring object:
// that object must neither move nor die while it is bound.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "geo/time.h"
#include "raster/cube.h"
#include "workflow/value.h"

namespace geoloom::workflow {

using Json = nlohmann::json;                 // keys sorted: canonical
using OrderedJson = nlohmann::ordered_json;  // keys as declared: for people

class Parameters;

// What a text means beyond being a text; the planner checks it before any work.
enum class Meaning { plain, path, layer, result, band, expression };

// The keys below a parameter that is a struct, or a list or map of structs.
struct NestedKeys {
  std::string path;  // between the parameter's name and ".key": "", "[]" for a list, ".NAME"
  std::shared_ptr<const Parameters> parameters;  // null: there are none
};

// One declared parameter. Returned by Parameters::add for chaining.
class Parameter {
 public:
  Parameter& required();
  Parameter& main();  // a scalar or list given instead of the map stands for this parameter
  Parameter& range(double lowest, double highest);     // numbers, and each number of a list or map
  Parameter& choices(std::vector<std::string> names);  // texts, and each text of a list or map
  Parameter& meaning(Meaning meaning);
  Parameter& unit(std::string unit);  // for help only: "m", "px"
  // Not part of the op's identity: it cannot change output bytes.
  Parameter& not_identity();
  // Says which data an op is applied to and not how: no part of the recipe of what it makes (see
  // recipe.h). What is not part of the identity is not either.
  Parameter& not_recipe();
  // Only this much of it is part of the recipe.
  Parameter& recipe_as(std::function<Json()> part);
  // Part of it only when it has another value than the default: for parameters that came later, so
  // that results made before keep their fingerprints.
  Parameter& identity_if_changed();

  std::string name, help, unit_text;
  bool is_required = false, is_main = false, in_identity = true, default_in_identity = true;
  bool in_recipe = true;
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
  std::vector<std::string> allowed;
  Meaning what = Meaning::plain;
  bool given = false;  // set by bind(); a null does not count
  Value source;        // the document value it was bound from, when given
  std::string owner;   // set by bind(): "reduce"; messages speak of "reduce.min_count"

  std::function<void(const Value&, const Parameter&)> parse;  // fills the member or throws
  std::function<Json()> current;                              // the member's present value
  std::function<Json()> in_recipe_as;                         // null: as current
  std::function<OrderedJson(const Parameter&)> schema;        // JSON Schema of the type
  std::function<NestedKeys()> nested;                         // what help says of the keys below
  Json default_value;                                         // the member's value when declared

  std::string full_name() const;  // "reduce.min_count"
  // An error about this parameter, at the value it was given, or at no place when it was not.
  Error error(const std::string& message) const;
};

class Parameters {
 public:
  template <class T>
  Parameter& add(std::string name, T* member, std::string help);

  // Fills the members from a map value (or a scalar/list for the main parameter; null = nothing
  // given). Unknown keys, wrong types, values out of range and missing required ones throw
  // Error(invalid) with the key's place and the nearest spelling. A value that waits for what a
  // step reports counts as given and leaves the member as it is.
  void bind(const Value& value, std::string_view owner);
  const std::vector<std::unique_ptr<Parameter>>& all() const { return parameters_; }
  const Parameter* find(std::string_view name) const;
  std::vector<std::string> names() const;
  // name -> value of all identity parameters, defaults included; NaN and infinities as texts.
  Json identity() const;
  // The same of those that say how results are made: see Parameter::not_recipe().
  Json recipe() const;
  // Schema of an object with additionalProperties false; where the main parameter may stand alone
  // or nothing need be given, anyOf with that object first.
  OrderedJson schema() const;
  OrderedJson object_schema() const;

 private:
  Parameter& insert(std::unique_ptr<Parameter> parameter);
  void bind_one(Parameter& parameter, const Value& value, std::string_view owner);
  Parameter* main_parameter() const;
  std::vector<std::unique_ptr<Parameter>> parameters_;
};

// How a C++ type reads from a document: give the struct a declare() member, or specialise with
//
//   // Fills `out`, which holds the default, or throws value.error(...). `name` is what messages
//   // call it ("load.mask.keep[2]"); `parameter` has the range and the choices.
//   static void parse(const Value&, const Parameter&, const std::string& name, T& out);
//   static Json to_json(const T&);                      // canonical: equal values, equal JSON
//   static OrderedJson schema(const Parameter&);        // without description and default
template <class T>
struct ParameterType;

// The pieces that specialisations share.
[[noreturn]] void throw_wrong_type(const Value& value, const std::string& name,
                                   std::string_view wanted);
void check_range(const Value& value, const Parameter& parameter, const std::string& name,
                 double number);
void check_choice(const Value& value, const Parameter& parameter, const std::string& name);
int64_t parse_integer(const Value& value, const Parameter& parameter, const std::string& name,
                      int64_t lowest, int64_t highest);
double parse_number(const Value& value, const Parameter& parameter, const std::string& name);
Json number_to_json(double number);  // NaN and infinities, which JSON lacks, as texts
Json to_json(const Value& value);    // the document's value; no places
OrderedJson number_schema(const Parameter& parameter, std::string_view type);

template <class T>
concept HasParameters = requires(T& object, Parameters& parameters) {
  object.declare(parameters);
};

template <>
struct ParameterType<bool> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    bool& out);
  static Json to_json(bool value) { return value; }
  static OrderedJson schema(const Parameter&) { return {{"type", "boolean"}}; }
};

template <std::integral T>
requires(!std::same_as<T, bool>) struct ParameterType<T> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    T& out) {
    static_assert(std::numeric_limits<T>::digits <= 63, "an int64_t must hold every value");
    out = static_cast<T>(parse_integer(value, parameter, name, std::numeric_limits<T>::lowest(),
                                       std::numeric_limits<T>::max()));
  }
  static Json to_json(T value) { return static_cast<int64_t>(value); }
  static OrderedJson schema(const Parameter& parameter) {
    return number_schema(parameter, "integer");
  }
};

template <std::floating_point T>
struct ParameterType<T> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    T& out) {
    out = static_cast<T>(parse_number(value, parameter, name));
  }
  static Json to_json(T value) { return number_to_json(static_cast<double>(value)); }
  static OrderedJson schema(const Parameter& parameter) {
    return number_schema(parameter, "number");
  }
};

template <>
struct ParameterType<std::string> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    std::string& out);
  static Json to_json(const std::string& value) { return value; }
  static OrderedJson schema(const Parameter& parameter);
};

// A text, or a year as a whole number. An empty period is "none" and null in the identity.
template <>
struct ParameterType<geo::Period> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    geo::Period& out);
  static Json to_json(const geo::Period& value);
  static OrderedJson schema(const Parameter& parameter);
};

template <>
struct ParameterType<geo::Frequency> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    geo::Frequency& out);
  static Json to_json(const geo::Frequency& value);
  static OrderedJson schema(const Parameter& parameter);
};

// "#rrggbb".
template <>
struct ParameterType<raster::Colour> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    raster::Colour& out);
  static Json to_json(const raster::Colour& value) { return raster::text(value); }
  static OrderedJson schema(const Parameter&) {
    return {{"type", "string"}, {"pattern", "^#[0-9a-fA-F]{6}$"}};
  }
};

// The value itself, for the rare parameter whose shape the types above cannot say.
template <>
struct ParameterType<Value> {
  static void parse(const Value& value, const Parameter&, const std::string&, Value& out) {
    out = value;
  }
  static Json to_json(const Value& value) { return workflow::to_json(value); }
  static OrderedJson schema(const Parameter&) { return OrderedJson::object(); }
};

template <class T>
struct ParameterType<std::vector<T>> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    std::vector<T>& out) {
    if (value.is_null()) throw_wrong_type(value, name, "a list");
    out.clear();
    if (value.kind != Value::Kind::list) return parse_element(value, parameter, name, out);
    for (size_t i = 0; i < value.list.size(); ++i)
      parse_element(value.list[i], parameter, name + "[" + std::to_string(i) + "]", out);
  }
  static Json to_json(const std::vector<T>& values) {
    Json list = Json::array();
    for (const auto& value : values) list.push_back(ParameterType<T>::to_json(value));
    return list;
  }
  static OrderedJson schema(const Parameter& parameter) {
    const OrderedJson item = ParameterType<T>::schema(parameter);
    const OrderedJson list = {{"type", "array"}, {"items", item}};
    return {{"anyOf", OrderedJson::array({list, item})}};
  }

 private:
  static void parse_element(const Value& value, const Parameter& parameter, const std::string& name,
                            std::vector<T>& out) {
    T element{};
    ParameterType<T>::parse(value, parameter, name, element);
    out.push_back(std::move(element));
  }
};

template <class T>
struct ParameterType<std::optional<T>> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    std::optional<T>& out) {
    out.reset();
    if (value.is_null()) return;
    T inner{};
    ParameterType<T>::parse(value, parameter, name, inner);
    out = std::move(inner);
  }
  static Json to_json(const std::optional<T>& value) {
    return value ? ParameterType<T>::to_json(*value) : Json();
  }
  static OrderedJson schema(const Parameter& parameter) {
    return {{"anyOf", OrderedJson::array(
                          {ParameterType<T>::schema(parameter), OrderedJson{{"type", "null"}}})}};
  }
};

template <class T>
struct ParameterType<std::map<std::string, T>> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    std::map<std::string, T>& out) {
    if (value.kind != Value::Kind::map) throw_wrong_type(value, name, "a map");
    out.clear();
    for (const auto& [key, member] : value.map) {
      T element{};
      ParameterType<T>::parse(member, parameter, name + "." + key, element);
      out.emplace(key, std::move(element));
    }
  }
  static Json to_json(const std::map<std::string, T>& values) {
    Json object = Json::object();
    for (const auto& [key, value] : values) object[key] = ParameterType<T>::to_json(value);
    return object;
  }
  static OrderedJson schema(const Parameter& parameter) {
    return {{"type", "object"}, {"additionalProperties", ParameterType<T>::schema(parameter)}};
  }
};

template <HasParameters T>
struct ParameterType<T> {
  static void parse(const Value& value, const Parameter&, const std::string& name, T& out) {
    T object = out;
    Parameters parameters;
    object.declare(parameters);
    parameters.bind(value, name);
    out = std::move(object);
  }
  static Json to_json(const T& value) {
    T object = value;
    Parameters parameters;
    object.declare(parameters);
    return parameters.identity();
  }
  static OrderedJson schema(const Parameter&) {
    T object{};
    Parameters parameters;
    object.declare(parameters);
    return parameters.schema();
  }
};

template <class T>
struct NestedKeysOf {
  static NestedKeys keys() {
    if constexpr (HasParameters<T>) {
      struct Declared {  // the parameters point into the object
        T object;
        Parameters parameters;
      };
      auto declared = std::make_shared<Declared>();
      declared->object.declare(declared->parameters);
      return {"", {declared, &declared->parameters}};
    } else {
      return {};
    }
  }
};
template <class T>
struct NestedKeysOf<std::optional<T>> : NestedKeysOf<T> {};
template <class T>
struct NestedKeysOf<std::vector<T>> {
  static NestedKeys keys() {
    auto inner = NestedKeysOf<T>::keys();
    return {"[]" + inner.path, inner.parameters};
  }
};
template <class T>
struct NestedKeysOf<std::map<std::string, T>> {
  static NestedKeys keys() {
    auto inner = NestedKeysOf<T>::keys();
    return {".NAME" + inner.path, inner.parameters};
  }
};

// A parameter that fills `member`.
template <class T>
struct MemberParameter {
  static std::unique_ptr<Parameter> make(T* member);
};

template <class T>
std::unique_ptr<Parameter> MemberParameter<T>::make(T* member) {
  auto parameter = std::make_unique<Parameter>();
  parameter->parse = [member](const Value& value, const Parameter& p) {
    ParameterType<T>::parse(value, p, p.full_name(), *member);
  };
  parameter->current = [member] { return ParameterType<T>::to_json(*member); };
  parameter->schema = [](const Parameter& p) { return ParameterType<T>::schema(p); };
  parameter->nested = NestedKeysOf<T>::keys;
  parameter->default_value = parameter->current();
  return parameter;
}

// What most ops declare is compiled once, in parameters.cpp, and not in the source of each.
extern template struct MemberParameter<bool>;
extern template struct MemberParameter<int64_t>;
extern template struct MemberParameter<double>;
extern template struct MemberParameter<std::string>;
extern template struct MemberParameter<Value>;
extern template struct MemberParameter<geo::Period>;
extern template struct MemberParameter<std::optional<int64_t>>;
extern template struct MemberParameter<std::optional<double>>;
extern template struct MemberParameter<std::optional<std::string>>;
extern template struct MemberParameter<std::optional<geo::Period>>;
extern template struct MemberParameter<std::vector<int64_t>>;
extern template struct MemberParameter<std::vector<double>>;
extern template struct MemberParameter<std::vector<std::string>>;
extern template struct MemberParameter<std::map<std::string, std::string>>;
extern template struct MemberParameter<std::map<std::string, double>>;

template <class T>
Parameter& Parameters::add(std::string name, T* member, std::string help) {
  auto parameter = MemberParameter<T>::make(member);
  parameter->name = std::move(name);
  parameter->help = std::move(help);
  return insert(std::move(parameter));
}

}  // namespace geoloom::workflow
