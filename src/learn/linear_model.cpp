// SPDX-License-Identifier: Apache-2.0
#include "learn/linear_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error/error.h"
#include "kernels/elementary.h"
#include "learn/table_schema.h"

namespace geoloom::learn {
namespace {

constexpr size_t kPartsOfRows = 64;  // sums are joined in their order, however many threads ran
constexpr double kConverged = 1e-9;

void standardise(const TrainingData& data, LinearModel& model) {
  const auto rows = static_cast<double>(data.rows());
  model.means.assign(data.columns, 0);
  model.deviations.assign(data.columns, 0);
  for (size_t row = 0; row < data.rows(); ++row)
    for (size_t c = 0; c < data.columns; ++c)
      model.means[c] += data.features[row * data.columns + c];
  for (auto& mean : model.means) mean /= rows;
  for (size_t row = 0; row < data.rows(); ++row) {
    for (size_t c = 0; c < data.columns; ++c) {
      const double off = data.features[row * data.columns + c] - model.means[c];
      model.deviations[c] += off * off;
    }
  }
  for (size_t c = 0; c < data.columns; ++c) {
    auto& deviation = model.deviations[c];
    deviation = std::sqrt(deviation / rows);
    // What rounding leaves of a constant feature is no deviation.
    if (!(deviation > 1e-10 * std::fabs(model.means[c]))) deviation = 1;
  }
}

// Sums to probabilities, in place.
void apply_softmax(std::span<double> sums) {
  const double highest = *std::max_element(sums.begin(), sums.end());
  double total = 0;
  for (auto& sum : sums) {
    sum = kernels::exponential(sum - highest);
    total += sum;
  }
  for (auto& sum : sums) sum /= total;
}

double logistic(double x) {
  if (x >= 0) return 1 / (1 + kernels::exponential(-x));
  const double e = kernels::exponential(x);
  return e / (1 + e);
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest(std::span<const double> values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::fabs(value));
  return most;
}

// The penalised negative log likelihood of coefficients, and its derivatives. Coefficients are
// rows of columns + 1, the last being the intercept.
class LogisticLoss {
 public:
  LogisticLoss(const TrainingData& data, const LinearModel& scaling,
               const LogisticParameters& parameters, const ForEachIndex& for_each)
      : data_(data),
        for_each_(for_each),
        sums_(data.class_count == 2 ? 1 : data.class_count),
        width_(data.columns + 1),
        penalty_(parameters.penalised ? 1 / parameters.c : 0),
        last_(parameters.intercept ? 1 : 0),
        probabilities_(data.rows() * sums_) {
    standardised_.reserve(data.rows() * width_);
    for (size_t row = 0; row < data.rows(); ++row) {
      for (size_t c = 0; c < data.columns; ++c)
        standardised_.push_back((data.features[row * data.columns + c] - scaling.means[c]) /
                                scaling.deviations[c]);
      standardised_.push_back(last_);
      total_weight_ += data.weight(row);
    }
  }

  size_t size() const { return sums_ * width_; }
  double total_weight() const { return total_weight_; }

  // The loss, and what gradient() and curved() need at this place.
  double at(std::span<const double> place) {
    std::vector<double> parts(kPartsOfRows, 0);
    for_each_(kPartsOfRows, [&](size_t part) {
      std::vector<double> sums(sums_);
      for (size_t row = first(part); row < first(part + 1); ++row) {
        for (size_t k = 0; k < sums_; ++k) sums[k] = dot(row_of(row), of_sum(place, k));
        parts[part] += data_.weight(row) * loss_of_row(row, sums);
        std::copy(sums.begin(), sums.end(), probabilities_.begin() + row * sums_);
      }
    });
    double loss = 0;
    for (const double part : parts) loss += part;
    for (size_t k = 0; k < sums_; ++k)
      for (size_t c = 0; c + 1 < width_; ++c)
        loss += penalty_ / 2 * place[k * width_ + c] * place[k * width_ + c];
    return loss;
  }

  std::vector<double> gradient(std::span<const double> place) const {
    auto gradient = summed([&](size_t row, std::span<double> factors) {
      for (size_t k = 0; k < sums_; ++k)
        factors[k] = data_.weight(row) * (probability(row, k) - truth(row, k));
    });
    add_penalty(place, gradient);
    return gradient;
  }

  // The second derivative times a direction.
  std::vector<double> curved(std::span<const double> direction) const {
    auto product = summed([&](size_t row, std::span<double> factors) {
      double mean = 0;
      for (size_t k = 0; k < sums_; ++k) {
        factors[k] = dot(row_of(row), of_sum(direction, k));
        mean += probability(row, k) * factors[k];
      }
      for (size_t k = 0; k < sums_; ++k)
        factors[k] = data_.weight(row) * probability(row, k) *
                     (sums_ == 1 ? (1 - probability(row, k)) * factors[k] : factors[k] - mean);
    });
    add_penalty(direction, product);
    return product;
  }

  // The diagonal of the second derivative, for preconditioning; never 0.
  std::vector<double> diagonal() const {
    std::vector<double> diagonal(size(), 0);
    for (size_t row = 0; row < data_.rows(); ++row) {
      const auto x = row_of(row);
      for (size_t k = 0; k < sums_; ++k) {
        const double spread = data_.weight(row) * probability(row, k) * (1 - probability(row, k));
        for (size_t c = 0; c < width_; ++c) diagonal[k * width_ + c] += spread * x[c] * x[c];
      }
    }
    for (auto& value : diagonal) value += penalty_ + kConverged * total_weight_;
    return diagonal;
  }

 private:
  std::span<const double> row_of(size_t row) const {
    return {standardised_.data() + row * width_, width_};
  }
  std::span<const double> of_sum(std::span<const double> place, size_t k) const {
    return place.subspan(k * width_, width_);
  }
  size_t first(size_t part) const { return part * data_.rows() / kPartsOfRows; }
  double probability(size_t row, size_t k) const { return probabilities_[row * sums_ + k]; }
  double truth(size_t row, size_t k) const {
    const auto c = static_cast<size_t>(data_.classes[row]);
    return (sums_ == 1 ? c == 1 : c == k) ? 1 : 0;
  }

  // Turns sums into probabilities.
  double loss_of_row(size_t row, std::span<double> sums) const {
    const auto c = static_cast<size_t>(data_.classes[row]);
    if (sums_ == 1) {
      const double sum = sums[0], off = c == 1 ? -sum : sum;
      sums[0] = logistic(sum);
      // ln(1 + e^off), also where off is large.
      return std::max(off, 0.0) +
             kernels::natural_logarithm_of_one_plus(kernels::exponential(-std::fabs(off)));
    }
    const double own = sums[c], highest = *std::max_element(sums.begin(), sums.end());
    double total = 0;
    for (const double sum : sums) total += kernels::exponential(sum - highest);
    apply_softmax(sums);
    return highest - own + kernels::natural_logarithm(total);
  }

  // The sum over rows of features times what `factors_of` says for each sum.
  template <class FactorsOf>
  std::vector<double> summed(FactorsOf factors_of) const {
    std::vector<std::vector<double>> parts(kPartsOfRows);
    for_each_(kPartsOfRows, [&](size_t part) {
      parts[part].assign(size(), 0);
      std::vector<double> factors(sums_);
      for (size_t row = first(part); row < first(part + 1); ++row) {
        factors_of(row, factors);
        const auto x = row_of(row);
        for (size_t k = 0; k < sums_; ++k)
          for (size_t c = 0; c < width_; ++c) parts[part][k * width_ + c] += factors[k] * x[c];
      }
    });
    std::vector<double> sum(size(), 0);
    for (const auto& part : parts)
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
    return sum;
  }

  void add_penalty(std::span<const double> place, std::vector<double>& to) const {
    for (size_t i = 0; i < to.size(); ++i)
      if (i % width_ + 1 < width_) to[i] += penalty_ * place[i];
  }

  const TrainingData& data_;
  const ForEachIndex& for_each_;
  size_t sums_, width_;
  double penalty_, last_;
  double total_weight_ = 0;
  std::vector<double> standardised_, probabilities_;
};

// The step that takes the gradient to a small part of itself, were the loss quadratic.
std::vector<double> newton_step(const LogisticLoss& loss, std::span<const double> gradient) {
  const auto diagonal = loss.diagonal();
  std::vector<double> step(gradient.size(), 0), rest(gradient.size()), direction(gradient.size());
  for (size_t i = 0; i < rest.size(); ++i) rest[i] = -gradient[i];
  const auto preconditioned = [&] {
    auto scaled = rest;
    for (size_t i = 0; i < scaled.size(); ++i) scaled[i] /= diagonal[i];
    return scaled;
  };
  direction = preconditioned();
  double squares = dot(rest, direction);
  const double relative = largest(gradient) / loss.total_weight();
  const double enough = largest(gradient) * std::min(0.1, std::max(1e-6, relative));
  for (size_t i = 0; i < 10 * gradient.size() && largest(rest) > enough; ++i) {
    const auto curved = loss.curved(direction);
    const double bend = dot(direction, curved);
    if (!(bend > 0)) break;
    const double length = squares / bend;
    for (size_t j = 0; j < step.size(); ++j) {
      step[j] += length * direction[j];
      rest[j] -= length * curved[j];
    }
    const auto next = preconditioned();
    const double next_squares = dot(rest, next);
    for (size_t j = 0; j < direction.size(); ++j)
      direction[j] = next[j] + next_squares / squares * direction[j];
    squares = next_squares;
  }
  return step;
}

// Halves the step until the loss falls as it should; false when it does not.
bool advance(LogisticLoss& loss, std::span<const double> step, std::span<const double> gradient,
             std::vector<double>& place, double& value) {
  const double slope = dot(step, gradient);
  double length = 1;
  for (int halvings = 0; halvings < 50; ++halvings, length /= 2) {
    auto next = place;
    for (size_t i = 0; i < next.size(); ++i) next[i] += length * step[i];
    const double there = loss.at(next);
    if (!(there <= value + 1e-4 * length * slope)) continue;
    place = std::move(next);
    value = there;
    return true;
  }
  loss.at(place);
  return false;
}

// Cholesky's decomposition of a symmetric matrix in place, then both triangles solved.
void solve(std::vector<double>& matrix, std::vector<double>& values) {
  const size_t n = values.size();
  for (size_t j = 0; j < n; ++j) {
    const double before = matrix[j * n + j];
    for (size_t k = 0; k < j; ++k) matrix[j * n + j] -= matrix[j * n + k] * matrix[j * n + k];
    if (!(matrix[j * n + j] > 1e-12 * before))
      throw Error(ErrorCode::invalid, "linear: features depend on each other")
          .hint("set alpha above 0, or leave out features that are sums of others");
    matrix[j * n + j] = std::sqrt(matrix[j * n + j]);
    for (size_t i = j + 1; i < n; ++i) {
      for (size_t k = 0; k < j; ++k) matrix[i * n + j] -= matrix[i * n + k] * matrix[j * n + k];
      matrix[i * n + j] /= matrix[j * n + j];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) values[i] -= matrix[i * n + k] * values[k];
    values[i] /= matrix[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) values[i] -= matrix[k * n + i] * values[k];
    values[i] /= matrix[i * n + i];
  }
}

// Features and target less their weighted means, where there is an intercept.
struct Centres {
  std::vector<double> features;
  double target = 0;
};
Centres centres_of(const TrainingData& data, const LinearModel& model, bool intercept) {
  Centres centres{std::vector<double>(data.columns, 0), 0};
  if (!intercept) return centres;
  double weight = 0;
  for (size_t row = 0; row < data.rows(); ++row) {
    const double w = data.weight(row);
    weight += w;
    centres.target += w * data.targets[row];
    for (size_t c = 0; c < data.columns; ++c)
      centres.features[c] +=
          w * (data.features[row * data.columns + c] - model.means[c]) / model.deviations[c];
  }
  for (auto& centre : centres.features) centre /= weight;
  centres.target /= weight;
  return centres;
}

[[noreturn]] void refuse_file(const std::string& file, const std::string& why) {
  throw Error(ErrorCode::corrupt, "this is no linear model of Geoloom: " + why).at({.file = file});
}

std::vector<double> numbers_of(const nlohmann::json& json, const char* key, size_t count,
                               const std::string& file) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array() || found->size() != count)
    refuse_file(file, fmt::format("'{}' is no list of {} numbers", key, count));
  std::vector<double> numbers;
  for (const auto& value : *found) {
    if (!value.is_number() || !std::isfinite(value.get<double>()))
      refuse_file(file, fmt::format("'{}' holds what is no number", key));
    numbers.push_back(value.get<double>());
  }
  return numbers;
}

std::vector<std::string> texts_of(const nlohmann::json& json, const char* key,
                                  const std::string& file) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array())
    refuse_file(file, fmt::format("'{}' is no list", key));
  std::vector<std::string> texts;
  for (const auto& value : *found) {
    if (!value.is_string()) refuse_file(file, fmt::format("'{}' holds what is no text", key));
    texts.push_back(value.get<std::string>());
  }
  return texts;
}

}  // namespace

std::vector<double> LinearModel::predict(std::span<const float> features_of_rows) const {
  const size_t rows = features_of_rows.size() / columns(), sums = intercepts.size();
  std::vector<double> results;
  results.reserve(rows * outputs());
  std::vector<double> of_row(sums), standardised(columns());
  for (size_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < columns(); ++c)
      standardised[c] = (features_of_rows[row * columns() + c] - means[c]) / deviations[c];
    for (size_t k = 0; k < sums; ++k)
      of_row[k] = dot(standardised, std::span(coefficients).subspan(k * columns(), columns())) +
                  intercepts[k];
    if (task == Task::classification && sums == 1) {
      const double second = logistic(of_row[0]);
      results.push_back(1 - second);
      results.push_back(second);
      continue;
    }
    if (task == Task::classification) apply_softmax(of_row);
    results.insert(results.end(), of_row.begin(), of_row.end());
  }
  return results;
}

LinearFit fit_logistic(const TrainingData& data, const LogisticParameters& parameters,
                       const ForEachIndex& for_each) {
  check(data, false);
  LinearFit fit;
  auto& model = fit.model;
  model.task = Task::classification;
  standardise(data, model);
  LogisticLoss loss(data, model, parameters, for_each);
  std::vector<double> place(loss.size(), 0);
  double value = loss.at(place);
  auto gradient = loss.gradient(place);
  const double enough = kConverged * loss.total_weight();
  fit.converged = largest(gradient) <= enough;
  while (!fit.converged && fit.steps < parameters.most_steps) {
    ++fit.steps;
    if (!advance(loss, newton_step(loss, gradient), gradient, place, value)) break;
    gradient = loss.gradient(place);
    fit.converged = largest(gradient) <= enough;
  }
  const size_t width = data.columns + 1;
  for (size_t k = 0; k * width < place.size(); ++k) {
    const auto of_sum = place.begin() + k * width;
    model.coefficients.insert(model.coefficients.end(), of_sum, of_sum + data.columns);
    model.intercepts.push_back(parameters.intercept ? of_sum[data.columns] : 0);
  }
  for (size_t c = 0; c < data.class_count; ++c)
    model.class_values.push_back(static_cast<int64_t>(c));
  model.class_names.resize(data.class_count);
  model.features.resize(data.columns);
  return fit;
}

LinearFit fit_linear(const TrainingData& data, double alpha, bool intercept) {
  check(data, false);
  LinearFit fit;
  auto& model = fit.model;
  model.task = Task::regression;
  standardise(data, model);
  const auto centres = centres_of(data, model, intercept);
  const size_t n = data.columns;
  std::vector<double> matrix(n * n, 0), values(n, 0), x(n);
  for (size_t row = 0; row < data.rows(); ++row) {
    const double w = data.weight(row), y = data.targets[row] - centres.target;
    for (size_t c = 0; c < n; ++c)
      x[c] =
          (data.features[row * n + c] - model.means[c]) / model.deviations[c] - centres.features[c];
    for (size_t i = 0; i < n; ++i) {
      values[i] += w * x[i] * y;
      for (size_t j = 0; j <= i; ++j) matrix[i * n + j] += w * x[i] * x[j];
    }
  }
  for (size_t i = 0; i < n; ++i) matrix[i * n + i] += alpha;
  solve(matrix, values);
  model.intercepts = {centres.target - dot(values, centres.features)};
  model.coefficients = std::move(values);
  model.features.resize(n);
  return fit;
}

nlohmann::json to_json(const LinearModel& model) {
  return {{"geoloom_linear_model", kLinearModelVersion},
          {"task", model.task == Task::classification ? "classification" : "regression"},
          {"features", model.features},
          {"class_values", model.class_values},
          {"class_names", model.class_names},
          {"means", model.means},
          {"deviations", model.deviations},
          {"coefficients", model.coefficients},
          {"intercepts", model.intercepts}};
}

LinearModel linear_model_from_json(const nlohmann::json& json, const std::string& file) {
  if (!json.is_object() ||
      json.value("geoloom_linear_model", nlohmann::json()) != kLinearModelVersion)
    refuse_file(file, "it lacks the version 1");
  LinearModel model;
  const auto task = json.value("task", nlohmann::json());
  if (task != "classification" && task != "regression") refuse_file(file, "its task is unknown");
  if (task == "classification") model.task = Task::classification;
  model.features = texts_of(json, "features", file);
  model.class_names = texts_of(json, "class_names", file);
  for (const double value : numbers_of(json, "class_values", model.class_names.size(), file)) {
    const auto code = code_of(value);
    if (!code) refuse_file(file, fmt::format("{} is no value of a class", value));
    model.class_values.push_back(*code);
  }
  const size_t columns = model.features.size(), classes = model.class_values.size();
  if (columns == 0 || (model.task == Task::classification) != (classes >= 2))
    refuse_file(file, "it has no features, or its classes do not fit its task");
  const size_t sums = classes > 2 ? classes : 1;
  model.means = numbers_of(json, "means", columns, file);
  model.deviations = numbers_of(json, "deviations", columns, file);
  model.coefficients = numbers_of(json, "coefficients", columns * sums, file);
  model.intercepts = numbers_of(json, "intercepts", sums, file);
  for (const double deviation : model.deviations)
    if (!(deviation > 0)) refuse_file(file, "a deviation is not above 0");
  return model;
}

}  // namespace geoloom::learn
