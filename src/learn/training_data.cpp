// SPDX-License-Identifier: Apache-2.0
#include "learn/training_data.h"

#include <fmt/format.h>

#include <cmath>

#include "error/error.h"

namespace geoloom::learn {
namespace {

void check_lengths(const TrainingData& data) {
  const auto invalid = [](std::string message) {
    return Error(ErrorCode::invalid, std::move(message));
  };
  if (data.columns == 0) throw invalid("the training data have no features");
  const size_t rows = data.rows();
  if (rows == 0) throw invalid("the training data have no rows").hint("are all samples masked?");
  const size_t answers = data.classification() ? data.classes.size() : data.targets.size();
  if (data.features.size() != rows * data.columns || answers != rows ||
      (!data.weights.empty() && data.weights.size() != rows))
    throw Error(ErrorCode::internal, "columns of the training data differ in length");
}

void check_answers(const TrainingData& data) {
  double total = 0;
  for (size_t row = 0; row < data.rows(); ++row) {
    const double weight = data.weight(row);
    if (!std::isfinite(weight) || weight < 0)
      throw Error(ErrorCode::invalid, fmt::format("the weight of row {} is {}", row, weight))
          .hint("weights are numbers of at least 0");
    total += weight;
    if (!data.classification() && !std::isfinite(data.targets[row]))
      throw Error(ErrorCode::invalid, fmt::format("the label of row {} is no number", row))
          .hint("leave out rows without a label");
    if (data.classification() &&
        (data.classes[row] < 0 || static_cast<size_t>(data.classes[row]) >= data.class_count))
      throw Error(ErrorCode::invalid, fmt::format("row {} is of no known class", row))
          .hint("leave out rows without a label");
  }
  if (!(total > 0)) throw Error(ErrorCode::invalid, "all rows of the training data have weight 0");
}

void check_classes(const TrainingData& data) {
  size_t seen = 0;
  for (const double total : class_totals(data)) seen += total > 0 ? 1 : 0;
  if (seen < 2)
    throw Error(ErrorCode::invalid, "the training data hold one class only")
        .hint("a classifier needs samples of at least two classes");
}

void check_features(const TrainingData& data, std::span<const std::string> names) {
  for (size_t i = 0; i < data.features.size(); ++i) {
    if (std::isfinite(data.features[i])) continue;
    const size_t column = i % data.columns;
    const auto name = column < names.size() ? names[column] : fmt::format("{}", column);
    throw Error(ErrorCode::invalid,
                fmt::format("feature {} of row {} is missing", name, i / data.columns))
        .hint("leave out incomplete rows, or use lightgbm or xgboost, which learn from them");
  }
}

}  // namespace

void in_order(size_t count, const std::function<void(size_t)>& body) {
  for (size_t i = 0; i < count; ++i) body(i);
}

void check(const TrainingData& data, bool missing_allowed, std::span<const std::string> names) {
  check_lengths(data);
  check_answers(data);
  if (data.classification()) check_classes(data);
  if (!missing_allowed) check_features(data, names);
}

TrainingRows::TrainingRows(const TrainingData& data, std::span<const size_t> rows)
    : columns_(data.columns),
      class_count_(data.class_count),
      quantiles_(data.quantiles.begin(), data.quantiles.end()) {
  features_.reserve(rows.size() * columns_);
  for (const size_t row : rows) {
    const auto values = data.features.subspan(row * columns_, columns_);
    features_.insert(features_.end(), values.begin(), values.end());
    if (data.classification())
      classes_.push_back(data.classes[row]);
    else
      targets_.push_back(data.targets[row]);
    if (!data.weights.empty()) weights_.push_back(data.weights[row]);
  }
}

TrainingData TrainingRows::view() const {
  return {.features = features_,
          .columns = columns_,
          .classes = classes_,
          .targets = targets_,
          .class_count = class_count_,
          .weights = weights_,
          .quantiles = quantiles_};
}

std::vector<double> class_totals(const TrainingData& data) {
  std::vector<double> totals(data.class_count, 0);
  for (size_t row = 0; row < data.rows(); ++row)
    totals[static_cast<size_t>(data.classes[row])] += data.weight(row);
  return totals;
}

std::vector<double> balanced_weights(const TrainingData& data) {
  std::vector<size_t> counts(data.class_count, 0);
  for (const auto c : data.classes) ++counts[static_cast<size_t>(c)];
  size_t present = 0;
  for (const size_t count : counts) present += count > 0 ? 1 : 0;
  std::vector<double> of_class(data.class_count, 0);
  for (size_t c = 0; c < counts.size(); ++c)
    if (counts[c] > 0)
      of_class[c] = static_cast<double>(data.rows()) / static_cast<double>(present * counts[c]);
  return class_weighted(data, of_class);
}

std::vector<double> class_weighted(const TrainingData& data, std::span<const double> of_class) {
  std::vector<double> weights(data.rows());
  for (size_t row = 0; row < weights.size(); ++row)
    weights[row] = data.weight(row) * of_class[static_cast<size_t>(data.classes[row])];
  return weights;
}

}  // namespace geoloom::learn
