// SPDX-License-Identifier: Apache-2.0
#include "workflow/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error/spelling.h"

namespace geoloom::workflow {
namespace {

std::string number_text(double number) {
  return number == std::trunc(number) && std::abs(number) < 1e15
             ? fmt::format("{}", static_cast<int64_t>(number))
             : fmt::format("{}", number);
}

std::string range_text(double lowest, double highest) {
  if (!std::isfinite(highest)) return fmt::format("at least {}", number_text(lowest));
  if (!std::isfinite(lowest)) return fmt::format("at most {}", number_text(highest));
  return fmt::format("between {} and {}", number_text(lowest), number_text(highest));
}

// Whole limits are whole numbers in the schema too: 65535, not 65535.0.
OrderedJson limit_to_json(double limit) {
  if (limit == std::trunc(limit) && std::abs(limit) < 1e15) return static_cast<int64_t>(limit);
  return limit;
}

// geo's own message, told about the parameter and at its place.
template <class Parse>
auto parse_time_text(const Value& value, const std::string& name, Parse parse) {
  try {
    return parse(value.text);
  } catch (const Error& e) {
    throw value.error(fmt::format("{}: {}", name, e.message())).hint(e.hint()).cause(e.cause());
  }
}

}  // namespace

Parameter& Parameter::required() {
  is_required = true;
  return *this;
}

Parameter& Parameter::main() {
  is_main = true;
  return *this;
}

Parameter& Parameter::range(double least, double most) {
  lowest = least;
  highest = most;
  return *this;
}

Parameter& Parameter::choices(std::vector<std::string> names) {
  allowed = std::move(names);
  return *this;
}

Parameter& Parameter::meaning(Meaning meaning) {
  what = meaning;
  return *this;
}

Parameter& Parameter::unit(std::string unit) {
  unit_text = std::move(unit);
  return *this;
}

Parameter& Parameter::not_identity() {
  in_identity = false;
  return *this;
}

Parameter& Parameter::not_recipe() {
  in_recipe = false;
  return *this;
}

Parameter& Parameter::recipe_as(std::function<Json()> part) {
  in_recipe_as = std::move(part);
  return *this;
}

Parameter& Parameter::identity_if_changed() {
  default_in_identity = false;
  return *this;
}

std::string Parameter::full_name() const {
  return owner.empty() ? name : owner + "." + name;
}

Error Parameter::error(const std::string& message) const {
  return source.error(fmt::format("{} {}", full_name(), message));
}

Parameter& Parameters::insert(std::unique_ptr<Parameter> parameter) {
  if (find(parameter->name) != nullptr)
    throw Error(ErrorCode::internal,
                fmt::format("the parameter '{}' is declared twice", parameter->name));
  parameters_.push_back(std::move(parameter));
  return *parameters_.back();
}

const Parameter* Parameters::find(std::string_view name) const {
  for (const auto& parameter : parameters_)
    if (parameter->name == name) return parameter.get();
  return nullptr;
}

Parameter* Parameters::main_parameter() const {
  for (const auto& parameter : parameters_)
    if (parameter->is_main) return parameter.get();
  return nullptr;
}

std::vector<std::string> Parameters::names() const {
  std::vector<std::string> names;
  for (const auto& parameter : parameters_) names.push_back(parameter->name);
  return names;
}

void Parameters::bind_one(Parameter& parameter, const Value& value, std::string_view owner) {
  parameter.owner = owner;
  if (!value.waits()) parameter.parse(value, parameter);
  parameter.given = !value.is_null();
  parameter.source = value;
}

void Parameters::bind(const Value& value, std::string_view owner) {
  if (value.kind == Value::Kind::map) {
    const auto known = names();
    for (const auto& [key, member] : value.map) {
      const auto found = std::find_if(parameters_.begin(), parameters_.end(),
                                      [&k = key](const auto& p) { return p->name == k; });
      if (found == parameters_.end())
        throw member.error(fmt::format("unknown key '{}' of {}", key, owner))
            .hint(known.empty() ? fmt::format("{} has no parameters", owner)
                                : spelling_hint(key, known));
      bind_one(**found, member, owner);
    }
  } else if (!value.is_null()) {
    Parameter* const main = main_parameter();
    if (main == nullptr) throw_wrong_type(value, std::string(owner), "a map of its parameters");
    bind_one(*main, value, owner);
  }
  for (const auto& parameter : parameters_)
    if (parameter->is_required && !parameter->given)
      throw value.error(fmt::format("{} needs '{}'", owner, parameter->name))
          .hint(fmt::format("{}: {}", parameter->name, parameter->help));
}

Json Parameters::identity() const {
  Json identity = Json::object();
  for (const auto& parameter : parameters_) {
    if (!parameter->in_identity) continue;
    Json value = parameter->current();
    if (parameter->default_in_identity || value != parameter->default_value)
      identity[parameter->name] = std::move(value);
  }
  return identity;
}

Json Parameters::recipe() const {
  Json recipe = identity();
  for (const auto& parameter : parameters_) {
    if (!recipe.contains(parameter->name)) continue;
    if (!parameter->in_recipe || parameter->what == Meaning::layer)
      recipe.erase(parameter->name);
    else if (parameter->in_recipe_as)
      recipe[parameter->name] = parameter->in_recipe_as();
  }
  return recipe;
}

OrderedJson Parameters::object_schema() const {
  OrderedJson properties = OrderedJson::object();
  OrderedJson required = OrderedJson::array();
  for (const auto& p : parameters_) {
    OrderedJson schema = {{"description", p->unit_text.empty()
                                              ? p->help
                                              : fmt::format("{} [{}]", p->help, p->unit_text)}};
    schema.update(p->schema(*p));
    const Json& value = p->default_value;
    // The defaults of a nested struct stand at its own parameters; "nothing" goes without saying.
    if (!p->is_required && !value.is_null() && !value.is_object() && value != "" &&
        !(value.is_array() && value.empty()))
      schema["default"] = value;
    properties[p->name] = std::move(schema);
    if (p->is_required) required.push_back(p->name);
  }
  OrderedJson object = {
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) object["required"] = std::move(required);
  return object;
}

OrderedJson Parameters::schema() const {
  OrderedJson forms = OrderedJson::array({object_schema()});
  const Parameter* const main = main_parameter();
  const auto needed = [](const auto& p) { return p->is_required; };
  const auto needed_beside_main = [](const auto& p) { return p->is_required && !p->is_main; };
  if (main != nullptr && std::none_of(parameters_.begin(), parameters_.end(), needed_beside_main))
    forms.push_back(main->schema(*main));
  if (std::none_of(parameters_.begin(), parameters_.end(), needed))
    forms.push_back({{"type", "null"}});
  if (forms.size() == 1) return forms[0];
  return {{"anyOf", std::move(forms)}};
}

void throw_wrong_type(const Value& value, const std::string& name, std::string_view wanted) {
  throw value.error(fmt::format("{} must be {}, not {}", name, wanted, value.described()));
}

void check_range(const Value& value, const Parameter& parameter, const std::string& name,
                 double number) {
  const bool limited = std::isfinite(parameter.lowest) || std::isfinite(parameter.highest);
  const bool inside = number >= parameter.lowest && number <= parameter.highest;
  if (limited && !inside)
    throw value.error(fmt::format("{} must be {}, not {}", name,
                                  range_text(parameter.lowest, parameter.highest), value.text));
}

void check_choice(const Value& value, const Parameter& parameter, const std::string& name) {
  const auto& allowed = parameter.allowed;
  if (allowed.empty() || std::find(allowed.begin(), allowed.end(), value.text) != allowed.end())
    return;
  throw value.error(fmt::format("{} cannot be '{}'", name, value.text))
      .hint(spelling_hint(value.text, allowed));
}

int64_t parse_integer(const Value& value, const Parameter& parameter, const std::string& name,
                      int64_t lowest, int64_t highest) {
  if (value.kind != Value::Kind::integer) throw_wrong_type(value, name, "a whole number");
  check_range(value, parameter, name, value.number);
  if (value.integer < lowest || value.integer > highest)
    throw value.error(
        fmt::format("{} must be between {} and {}, not {}", name, lowest, highest, value.text));
  return value.integer;
}

double parse_number(const Value& value, const Parameter& parameter, const std::string& name) {
  if (value.kind != Value::Kind::integer && value.kind != Value::Kind::number)
    throw_wrong_type(value, name, "a number");
  check_range(value, parameter, name, value.number);
  return value.number;
}

Json number_to_json(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  return number;
}

Json to_json(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::boolean:
      return value.boolean;
    case Value::Kind::integer:
      return value.integer;
    case Value::Kind::number:
      return number_to_json(value.number);
    case Value::Kind::string:
      return value.text;
    case Value::Kind::list: {
      Json list = Json::array();
      for (const auto& element : value.list) list.push_back(to_json(element));
      return list;
    }
    case Value::Kind::map: {
      Json object = Json::object();
      for (const auto& [key, member] : value.map) object[key] = to_json(member);
      return object;
    }
  }
  return nullptr;
}

OrderedJson number_schema(const Parameter& parameter, std::string_view type) {
  OrderedJson schema = {{"type", type}};
  if (std::isfinite(parameter.lowest)) schema["minimum"] = limit_to_json(parameter.lowest);
  if (std::isfinite(parameter.highest)) schema["maximum"] = limit_to_json(parameter.highest);
  return schema;
}

void ParameterType<bool>::parse(const Value& value, const Parameter&, const std::string& name,
                                bool& out) {
  if (value.kind != Value::Kind::boolean) throw_wrong_type(value, name, "true or false");
  out = value.boolean;
}

void ParameterType<std::string>::parse(const Value& value, const Parameter& parameter,
                                       const std::string& name, std::string& out) {
  if (value.kind != Value::Kind::string) {
    auto error = value.error(fmt::format("{} must be a text, not {}", name, value.described()));
    if (value.is_scalar() && !value.is_null())
      error.hint(fmt::format("quote it: \"{}\"", value.text));
    throw error;
  }
  check_choice(value, parameter, name);
  out = value.text;
}

OrderedJson ParameterType<std::string>::schema(const Parameter& parameter) {
  OrderedJson schema = {{"type", "string"}};
  if (!parameter.allowed.empty()) schema["enum"] = parameter.allowed;
  return schema;
}

void ParameterType<geo::Period>::parse(const Value& value, const Parameter&,
                                       const std::string& name, geo::Period& out) {
  if (value.kind != Value::Kind::string && value.kind != Value::Kind::integer)
    throw_wrong_type(value, name, "a period such as 2018, 2018-05 or 2018-05..2018-08");
  out = parse_time_text(value, name, [](const auto& text) { return geo::parse_period(text); });
}

Json ParameterType<geo::Period>::to_json(const geo::Period& value) {
  if (value.start == value.end) return nullptr;
  return geo::format_period(value);
}

OrderedJson ParameterType<geo::Period>::schema(const Parameter&) {
  return {{"type", OrderedJson::array({"string", "integer"})}};
}

void ParameterType<geo::Frequency>::parse(const Value& value, const Parameter&,
                                          const std::string& name, geo::Frequency& out) {
  if (value.kind != Value::Kind::string)
    throw_wrong_type(value, name, "a time step such as 'month' or '10 days'");
  out = parse_time_text(value, name, [](const auto& text) { return geo::parse_frequency(text); });
}

Json ParameterType<geo::Frequency>::to_json(const geo::Frequency& value) {
  using Unit = geo::Frequency::Unit;
  const char unit = value.unit == Unit::day ? 'D' : value.unit == Unit::month ? 'M' : 'Y';
  return fmt::format("P{}{}", value.count, unit);
}

void ParameterType<raster::Colour>::parse(const Value& value, const Parameter&,
                                          const std::string& name, raster::Colour& out) {
  if (value.kind != Value::Kind::string)
    throw value.error(fmt::format("{} must be a colour, not {}", name, value.described()))
        .hint("quote it, as in \"#228b22\": '#' begins a comment");
  try {
    out = raster::colour_of(value.text);
  } catch (const Error& e) {
    throw value.error(fmt::format("{}: {}", name, e.message())).hint(e.hint());
  }
}

OrderedJson ParameterType<geo::Frequency>::schema(const Parameter&) {
  return {{"type", "string"}};
}

template struct MemberParameter<bool>;
template struct MemberParameter<int64_t>;
template struct MemberParameter<double>;
template struct MemberParameter<std::string>;
template struct MemberParameter<Value>;
template struct MemberParameter<geo::Period>;
template struct MemberParameter<std::optional<int64_t>>;
template struct MemberParameter<std::optional<double>>;
template struct MemberParameter<std::optional<std::string>>;
template struct MemberParameter<std::optional<geo::Period>>;
template struct MemberParameter<std::vector<int64_t>>;
template struct MemberParameter<std::vector<double>>;
template struct MemberParameter<std::vector<std::string>>;
template struct MemberParameter<std::map<std::string, std::string>>;
template struct MemberParameter<std::map<std::string, double>>;

}  // namespace geoloom::workflow
