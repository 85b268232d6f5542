// SPDX-License-Identifier: Apache-2.0
#include "learn/boosting.h"

#include <fmt/format.h>

#include <numeric>
#include <set>

namespace geoloom::learn {

BoostingPlan::BoostingPlan(EstimatorParameters& parameters, const Problem& problem)
    : iterations(parameters.whole(
          {"n_estimators", "num_iterations", "num_iteration", "n_iter", "num_tree", "num_trees",
           "num_round", "num_rounds", "nrounds", "num_boost_round", "max_iter"},
          100, 1)),
      patience(parameters.whole(
          {"early_stopping_rounds", "early_stopping_round", "early_stopping", "n_iter_no_change"},
          0)),
      first_number_only(parameters.truth({"first_metric_only"}, false)),
      least_gain(parameters.number({"early_stopping_min_delta"}, 0, 0)),
      class_weights(parameters, problem) {
  parameters.ignore({"importance_type", "silent", "verbose", "verbosity"});
}

bool EarlyStopping::should_stop(size_t iteration, std::span<const double> numbers,
                                const std::vector<bool>& rises) {
  stopped_at_ = best_.empty() ? 1 : best_[0].iteration + 1;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (plan_.first_number_only && i > 0) break;
    if (best_.size() <= i) {
      best_.push_back({numbers[i], iteration});
    } else {
      const double gain = rises[i] ? numbers[i] - best_[i].value : best_[i].value - numbers[i];
      if (gain > plan_.least_gain) best_[i] = {numbers[i], iteration};
    }
    if (plan_.patience == 0 || iteration - best_[i].iteration < plan_.patience) continue;
    stopped_at_ = best_[i].iteration + 1;
    return true;
  }
  stopped_at_ = best_.empty() ? iteration + 1 : best_[0].iteration + 1;
  return false;
}

std::vector<double> both_classes(std::span<const double> second) {
  std::vector<double> both;
  both.reserve(2 * second.size());
  for (const double p : second) {
    both.push_back(1 - p);
    both.push_back(p);
  }
  return both;
}

std::string parameter_text(const std::string& algorithm, const std::string& name,
                           const nlohmann::json& value) {
  std::string text;
  if (value.is_array()) {
    for (const auto& each : value)
      text += (text.empty() ? "" : ",") + parameter_text(algorithm, name, each);
  } else if (value.is_string()) {
    text = value.get<std::string>();
  } else if (value.is_boolean() || value.is_number()) {
    text = value.dump();
  } else {
    throw Error(ErrorCode::invalid,
                fmt::format("{}: {} is {}, not a value", algorithm, name, value.dump()));
  }
  // The libraries part parameters at white space, and names from values at '='.
  if (text.find_first_of(" \t\r\n=") != std::string::npos)
    throw Error(ErrorCode::invalid, fmt::format("{}: {} holds a space or '='", algorithm, name));
  return text;
}

std::vector<std::string> writable_names(const Problem& problem, size_t columns,
                                        std::string_view forbidden) {
  auto names = problem.features;
  for (auto& name : names) {
    if (name.empty() || name.find_first_of(forbidden) != std::string::npos) return {};
    for (auto& sign : name)
      if (std::string_view(" \t\r\n").find(sign) != std::string_view::npos) sign = '_';
  }
  const std::set<std::string> different(names.begin(), names.end());
  if (names.size() != columns || different.size() != columns) return {};
  return names;
}

std::vector<double> as_shares(std::vector<double> numbers) {
  const double sum = std::accumulate(numbers.begin(), numbers.end(), 0.0);
  for (auto& number : numbers) number = sum > 0 ? number / sum : 0;
  return numbers;
}

}  // namespace geoloom::learn
