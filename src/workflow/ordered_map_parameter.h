// SPDX-License-Identifier: Apache-2.0
// A map of the document whose order counts: bands come out in the order in which they are written.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "workflow/parameters.h"

namespace geoloom::workflow {

template <class T>
struct ParameterType<std::vector<std::pair<std::string, T>>> {
  static void parse(const Value& value, const Parameter& parameter, const std::string& name,
                    std::vector<std::pair<std::string, T>>& out) {
    if (value.kind != Value::Kind::map) throw_wrong_type(value, name, "a map");
    out.clear();
    for (const auto& [key, member] : value.map) {
      T element{};
      ParameterType<T>::parse(member, parameter, name + "." + key, element);
      out.emplace_back(key, std::move(element));
    }
  }
  // Pairs: in JSON objects keys are sorted, and another order is another result.
  static Json to_json(const std::vector<std::pair<std::string, T>>& values) {
    Json list = Json::array();
    for (const auto& [key, value] : values)
      list.push_back(Json::array({key, ParameterType<T>::to_json(value)}));
    return list;
  }
  static OrderedJson schema(const Parameter& parameter) {
    return {{"type", "object"}, {"additionalProperties", ParameterType<T>::schema(parameter)}};
  }
};

}  // namespace geoloom::workflow
