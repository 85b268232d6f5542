// SPDX-License-Identifier: Apache-2.0
// Parameters of an algorithm as a document gives them: an object of names and values. Each is asked
// for under its own name and the names that other libraries have for it.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "error/error.h"
#include "learn/estimator.h"

namespace geoloom::learn {

class EstimatorParameters {
 public:
  using Names = std::initializer_list<std::string_view>;  // the first is the algorithm's own

  // Throws Error(invalid) where `parameters` is no object (null is an empty one).
  EstimatorParameters(std::string algorithm, const nlohmann::json& parameters);

  // null counts as not given. Throws Error(invalid) for two names of one parameter, and for values
  // of another type or below the least.
  double number(Names names, double otherwise, double least = -1e300);
  size_t whole(Names names, size_t otherwise, size_t least = 0);
  uint64_t seed(uint64_t otherwise);
  bool truth(Names names, bool otherwise);
  std::string text(Names names, const std::string& otherwise);
  std::optional<nlohmann::json> any(Names names);
  void ignore(Names names);  // known, without effect here

  const nlohmann::json& all() const { return parameters_; }
  // What nobody asked for, by name.
  nlohmann::json rest() const;
  // Throws Error(invalid) for what nobody asked for.
  void finish() const;
  Error error(std::string_view name, const std::string& what) const;

 private:
  std::string algorithm_;
  nlohmann::json parameters_;
  std::set<std::string, std::less<>> asked_;
  std::vector<std::string> known_;
};

// How much the rows of each class count, from the parameter class_weight: "balanced", a map from
// classes (their values or names) to numbers, or nothing.
class ClassWeights {
 public:
  ClassWeights(EstimatorParameters& parameters, const Problem& problem);
  // The weights to train with: those of `data` where the parameter is not given.
  std::vector<double> of(const TrainingData& data) const;

 private:
  bool balanced_ = false;
  std::vector<double> of_class_;
};

}  // namespace geoloom::learn
