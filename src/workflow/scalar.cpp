// SPDX-License-Identifier: Apache-2.0
#include "workflow/scalar.h"

#include <cmath>

namespace geoloom::workflow {

std::string_view name(ScalarType type) {
  switch (type) {
    case ScalarType::boolean:
      return "true or false";
    case ScalarType::integer:
      return "a whole number";
    case ScalarType::number:
      return "a number";
    case ScalarType::text:
      return "a text";
    case ScalarType::list:
      break;
  }
  return "a list";
}

std::string Scalar::text() const {
  if (absent()) return "absent";
  if (const auto* list = std::get_if<List>(&value)) {
    std::string out;
    for (const auto& member : *list) out += (out.empty() ? "" : ", ") + member.text();
    return "[" + out + "]";
  }
  if (const auto* text = std::get_if<std::string>(&value)) return "'" + *text + "'";
  return to_json(*this).dump();
}

Json to_json(const Scalar& scalar) {
  struct Writer {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(bool value) const { return value; }
    Json operator()(int64_t value) const { return value; }
    Json operator()(double value) const { return std::isfinite(value) ? Json(value) : Json(); }
    Json operator()(const std::string& value) const { return value; }
    Json operator()(const Scalar::List& list) const {
      Json out = Json::array();
      for (const auto& member : list) out.push_back(to_json(member));
      return out;
    }
  };
  return std::visit(Writer{}, scalar.value);
}

Scalar scalar_from_json(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return {};
    case Json::value_t::boolean:
      return {json.get<bool>()};
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return {json.get<int64_t>()};
    case Json::value_t::number_float:
      return {json.get<double>()};
    case Json::value_t::string:
      return {json.get<std::string>()};
    case Json::value_t::array:
      break;
    default:
      throw Error(ErrorCode::invalid, "a value cannot be a map");
  }
  Scalar::List list;
  for (const auto& member : json) {
    if (member.is_array()) throw Error(ErrorCode::invalid, "a list cannot hold lists");
    list.push_back(scalar_from_json(member));
  }
  return {std::move(list)};
}

}  // namespace geoloom::workflow
