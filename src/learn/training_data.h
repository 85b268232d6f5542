// SPDX-License-Identifier: Apache-2.0
// What a model is trained on and tested with: a matrix of features and an answer per row. Tables of
// samples (sample_table.h) are turned into it; training knows neither files nor places.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace geoloom::learn {

// Calls body(0) .. body(count - 1), each once, in any order and perhaps on several threads; the
// same as TaskContext::for_each_index of the op contract. Results never depend on it.
using ForEachIndex =
    std::function<void(size_t count, const std::function<void(size_t index)>& body)>;
void in_order(size_t count, const std::function<void(size_t index)>& body);

// A view: whoever made it keeps what it points to.
struct TrainingData {
  std::span<const float> features;  // rows x columns, a row's values side by side; NaN: missing
  size_t columns = 0;
  // One of them, per row; the other is empty.
  std::span<const int32_t> classes;  // 0 .. class_count - 1
  std::span<const double> targets;   // a quantity
  size_t class_count = 0;            // 0: regression
  std::span<const double> weights;   // per row, not negative; empty: all 1
  // Of a quantity: the shares whose quantiles are predicted, rising; empty: its mean.
  std::span<const double> quantiles;

  size_t rows() const { return columns == 0 ? 0 : features.size() / columns; }
  bool classification() const { return class_count > 0; }
  // Numbers per row of a prediction: a probability per class, a value per quantile, or one value.
  size_t outputs() const {
    if (classification()) return class_count;
    return quantiles.empty() ? 1 : quantiles.size();
  }
  double weight(size_t row) const { return weights.empty() ? 1.0 : weights[row]; }
};

// Throws Error(invalid): no rows, lengths that do not agree, classes out of range or fewer than two
// of them with rows, targets or weights that are not finite, all weights 0; with `missing_allowed`
// false, features that are NaN or infinite. `names` are those of the features, for messages; they
// may be empty.
void check(const TrainingData& data, bool missing_allowed, std::span<const std::string> names = {});

// The rows of a view, copied.
class TrainingRows {
 public:
  TrainingRows() = default;
  TrainingRows(const TrainingData& data, std::span<const size_t> rows);
  TrainingData view() const;

 private:
  size_t columns_ = 0, class_count_ = 0;
  std::vector<float> features_;
  std::vector<int32_t> classes_;
  std::vector<double> targets_, weights_, quantiles_;
};

// The sum of weights per class.
std::vector<double> class_totals(const TrainingData& data);
// The weights of `data` times rows / (classes * rows of the class), so that classes count alike;
// classes without rows play no part. As scikit-learn's class_weight="balanced".
std::vector<double> balanced_weights(const TrainingData& data);
// The weights of `data` times `of_class`, one number per class.
std::vector<double> class_weighted(const TrainingData& data, std::span<const double> of_class);

}  // namespace geoloom::learn
