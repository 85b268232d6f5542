// SPDX-License-Identifier: Apache-2.0
#include "learn/estimator_parameters.h"

#include <fmt/format.h>

#include <cmath>

#include "error/error.h"
#include "error/spelling.h"

namespace geoloom::learn {

EstimatorParameters::EstimatorParameters(std::string algorithm, const nlohmann::json& parameters)
    : algorithm_(std::move(algorithm)), parameters_(parameters) {
  if (parameters_.is_null()) parameters_ = nlohmann::json::object();
  if (!parameters_.is_object())
    throw Error(ErrorCode::invalid,
                fmt::format("the parameters of {} are no map of names and values", algorithm_));
}

Error EstimatorParameters::error(std::string_view name, const std::string& what) const {
  return Error(ErrorCode::invalid, fmt::format("{}: {} {}", algorithm_, name, what));
}

std::optional<nlohmann::json> EstimatorParameters::any(Names names) {
  std::optional<nlohmann::json> value;
  std::string given;
  for (const auto name : names) {
    asked_.emplace(name);
    known_.emplace_back(name);
    const auto found = parameters_.find(std::string(name));
    if (found == parameters_.end()) continue;
    if (!given.empty())
      throw error(name, fmt::format("is another name of {}, which is given as well", given));
    given = name;
    if (!found->is_null()) value = *found;
  }
  return value;
}

double EstimatorParameters::number(Names names, double otherwise, double least) {
  const auto value = any(names);
  if (!value) return otherwise;
  if (!value->is_number() || !std::isfinite(value->get<double>()))
    throw error(*names.begin(), fmt::format("is {}, not a number", value->dump()));
  if (value->get<double>() < least)
    throw error(*names.begin(), fmt::format("is {}, below {}", value->dump(), least));
  return value->get<double>();
}

size_t EstimatorParameters::whole(Names names, size_t otherwise, size_t least) {
  const double value = number(names, static_cast<double>(otherwise), static_cast<double>(least));
  if (value != std::floor(value) || value > 1e15)
    throw error(*names.begin(), fmt::format("is {}, not a whole number", value));
  return static_cast<size_t>(value);
}

uint64_t EstimatorParameters::seed(uint64_t otherwise) {
  return whole({"seed", "random_state", "random_seed"}, otherwise);
}

bool EstimatorParameters::truth(Names names, bool otherwise) {
  const auto value = any(names);
  if (!value) return otherwise;
  if (!value->is_boolean())
    throw error(*names.begin(), fmt::format("is {}, not true or false", value->dump()));
  return value->get<bool>();
}

std::string EstimatorParameters::text(Names names, const std::string& otherwise) {
  const auto value = any(names);
  if (!value) return otherwise;
  if (!value->is_string())
    throw error(*names.begin(), fmt::format("is {}, not a word", value->dump()));
  return value->get<std::string>();
}

void EstimatorParameters::ignore(Names names) {
  for (const auto name : names) {
    asked_.emplace(name);
    known_.emplace_back(name);
  }
}

nlohmann::json EstimatorParameters::rest() const {
  auto rest = nlohmann::json::object();
  for (const auto& [name, value] : parameters_.items())
    if (!asked_.contains(name)) rest[name] = value;
  return rest;
}

void EstimatorParameters::finish() const {
  for (const auto& [name, value] : parameters_.items()) {
    if (asked_.contains(name)) continue;
    throw error(name, "is no parameter of it").hint(spelling_hint(name, known_));
  }
}

ClassWeights::ClassWeights(EstimatorParameters& parameters, const Problem& problem) {
  const auto value = parameters.any({"class_weight", "class_weights"});
  if (!value) return;
  if (problem.task != Task::classification)
    throw parameters.error("class_weight", "is for classes, and the label is a quantity");
  if (value->is_string() && value->get<std::string>() == "balanced") {
    balanced_ = true;
    return;
  }
  if (!value->is_object())
    throw parameters.error("class_weight", fmt::format("is {}", value->dump()))
        .hint("balanced, or a map from classes to numbers");
  of_class_.assign(problem.class_values.size(), 1);
  for (const auto& [name, weight] : value->items()) {
    size_t c = 0;
    while (c < of_class_.size() && name != std::to_string(problem.class_values[c]) &&
           (c >= problem.class_names.size() || name != problem.class_names[c]))
      ++c;
    if (c == of_class_.size())
      throw parameters.error("class_weight", fmt::format("names '{}', which is no class", name));
    if (!weight.is_number() || !std::isfinite(weight.get<double>()) || weight.get<double>() < 0)
      throw parameters.error("class_weight", fmt::format("of {} is {}, not a number of at least 0",
                                                         name, weight.dump()));
    of_class_[c] = weight.get<double>();
  }
}

std::vector<double> ClassWeights::of(const TrainingData& data) const {
  if (balanced_) return balanced_weights(data);
  if (!of_class_.empty()) return class_weighted(data, of_class_);
  return {data.weights.begin(), data.weights.end()};
}

}  // namespace geoloom::learn
