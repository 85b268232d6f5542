// SPDX-License-Identifier: Apache-2.0
#include "learn/cross_validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "error/error.h"
#include "learn/random_numbers.h"

namespace geoloom::learn {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMostCandidates = 10'000;

std::vector<int32_t> folds_with_rows(std::span<const int32_t> folds) {
  std::set<int32_t> different;
  for (const auto fold : folds)
    if (fold >= 0) different.insert(fold);
  return {different.begin(), different.end()};
}

struct Round {
  std::vector<size_t> trained, tested;
};

Round round_of(std::span<const int32_t> folds, int32_t fold) {
  Round round;
  for (size_t row = 0; row < folds.size(); ++row)
    (folds[row] == fold ? round.tested : round.trained).push_back(row);
  return round;
}

// Columns of numbers per row, for some of the rows.
template <class T>
std::vector<T> picked(std::span<const T> of_rows, std::span<const size_t> rows) {
  std::vector<T> out;
  if (of_rows.empty()) return out;
  out.reserve(rows.size());
  for (const size_t row : rows) out.push_back(of_rows[row]);
  return out;
}

// Units that stay together, in a random order that depends on the seed alone.
std::vector<std::vector<size_t>> shuffled_units(size_t rows, std::span<const int64_t> groups,
                                                uint64_t seed) {
  std::vector<std::vector<size_t>> units;
  std::map<int64_t, size_t> unit_of_group;
  for (size_t row = 0; row < rows; ++row) {
    const int64_t group = groups.empty() ? -1 : groups[row];
    if (group < 0) {
      units.push_back({row});
      continue;
    }
    const auto [found, added] = unit_of_group.emplace(group, units.size());
    if (added) units.emplace_back();
    units[found->second].push_back(row);
  }
  RandomNumbers random(seed);
  random.shuffle(std::span(units));
  return units;
}

std::unique_ptr<Estimator> estimator_of(const Candidates& candidates, size_t index) {
  return make_estimator(candidates.algorithm, candidates.problem, candidates.parameters[index]);
}

void place(std::span<const double> of_rows, std::span<const size_t> rows, size_t outputs,
           std::vector<double>& all) {
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t o = 0; o < outputs; ++o) all[rows[i] * outputs + o] = of_rows[i * outputs + o];
}

// A part of the folds as a problem of its own.
struct Part {
  TrainingRows rows;
  std::vector<int32_t> folds;
  std::vector<int64_t> groups;

  Part(const TrainingData& data, std::span<const int32_t> all_folds,
       std::span<const int64_t> all_groups, std::span<const size_t> chosen)
      : rows(data, chosen), folds(picked(all_folds, chosen)), groups(picked(all_groups, chosen)) {}
  HoldBack hold_back(const HoldBack& as) const { return {as.share, groups, as.seed}; }
};

std::vector<double> predictions_of(const Estimator& estimator, const TrainingData& data,
                                   std::span<const int32_t> folds, const HoldBack& hold_back,
                                   const FitContext& context) {
  std::vector<double> all(data.rows() * data.outputs(), kNaN);
  for (const int32_t fold : folds_with_rows(folds)) {
    const auto round = round_of(folds, fold);
    const Part part(data, folds, hold_back.groups, round.trained);
    const auto model =
        fit_holding_back(estimator, part.rows.view(), part.hold_back(hold_back), context);
    const TrainingRows tested(data, round.tested);
    place(model->predict(tested.view().features, context), round.tested, data.outputs(), all);
  }
  return all;
}

void score(const TrainingData& data, std::span<const double> predictions,
           ClassificationScores& classes, RegressionScores& quantities) {
  if (data.classification())
    classes = classification_scores(data.classes, predictions, data.class_count, data.weights);
  else
    quantities = regression_scores(data.targets, predictions, data.weights, data.quantiles);
}

void summarise_importance(CrossValidation& result) {
  if (result.folds.empty() || result.folds[0].permutation_importance.empty()) return;
  const size_t columns = result.folds[0].permutation_importance.size();
  const auto count = static_cast<double>(result.folds.size());
  result.importance.assign(columns, 0);
  result.importance_deviation.assign(columns, 0);
  for (const auto& fold : result.folds)
    for (size_t c = 0; c < columns; ++c)
      result.importance[c] += fold.permutation_importance[c] / count;
  for (const auto& fold : result.folds) {
    for (size_t c = 0; c < columns; ++c) {
      const double off = fold.permutation_importance[c] - result.importance[c];
      result.importance_deviation[c] += off * off / (count - 1);
    }
  }
  for (auto& variance : result.importance_deviation) variance = std::sqrt(variance);
}

FoldResult tested_fold(const Candidates& candidates, const TrainingData& data,
                       std::span<const int32_t> folds, int32_t fold,
                       const ValidationSettings& settings, const FitContext& context,
                       std::vector<double>& predictions) {
  const auto round = round_of(folds, fold);
  const Part part(data, folds, settings.hold_back.groups, round.trained);
  const auto hold_back = part.hold_back(settings.hold_back);
  const auto chosen = choose(candidates, part.rows.view(), part.folds, hold_back, context);
  FoldResult result{
      .fold = fold, .trained_rows = round.trained.size(), .tested_rows = round.tested.size()};
  if (candidates.parameters.size() > 1) result.parameters = candidates.parameters[chosen.best];
  const auto model = fit_holding_back(*estimator_of(candidates, chosen.best), part.rows.view(),
                                      hold_back, context);
  const TrainingRows tested(data, round.tested);
  const auto of_fold = model->predict(tested.view().features, context);
  score(tested.view(), of_fold, result.classes, result.quantities);
  if (settings.permutations > 0)
    result.permutation_importance = permutation_importance(
        *model, tested.view(), candidates.measure, settings.permutations,
        RandomNumbers::mixed(hold_back.seed + static_cast<uint64_t>(fold)), context);
  place(of_fold, round.tested, data.outputs(), predictions);
  return result;
}

// Says in which fold it was.
template <class Body>
auto in_fold(int32_t fold, Body body) {
  try {
    return body();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid) throw;
    throw Error(error.code(), fmt::format("without the rows of fold {}: {}", fold, error.message()))
        .cause(error.cause())
        .hint(error.hint());
  }
}

}  // namespace

std::unique_ptr<TrainedModel> fit_holding_back(const Estimator& estimator, const TrainingData& data,
                                               const HoldBack& hold_back,
                                               const FitContext& context) {
  if (!estimator.stops_early()) return estimator.fit(data, nullptr, context);
  std::vector<size_t> trained, held;
  const auto wanted =
      static_cast<size_t>(std::ceil(hold_back.share * static_cast<double>(data.rows())));
  for (const auto& unit : shuffled_units(data.rows(), hold_back.groups, hold_back.seed)) {
    auto& to = held.size() < wanted ? held : trained;
    to.insert(to.end(), unit.begin(), unit.end());
  }
  if (trained.empty() || held.empty())
    throw Error(ErrorCode::invalid, "no rows can be held back to stop training early")
        .hint("train without early stopping, or with more groups of samples");
  std::sort(trained.begin(), trained.end());
  std::sort(held.begin(), held.end());
  const TrainingRows train(data, trained), watch(data, held);
  const auto watched = watch.view();
  return estimator.fit(train.view(), &watched, context);
}

std::vector<nlohmann::json> grid_of(const nlohmann::json& fixed, const nlohmann::json& grid) {
  std::vector<nlohmann::json> all{fixed.is_null() ? nlohmann::json::object() : fixed};
  if (grid.is_null()) return all;
  if (!grid.is_object())
    throw Error(ErrorCode::invalid, "the grid of parameters is no map of names and lists");
  for (const auto& [name, values] : grid.items()) {
    if (!values.is_array() || values.empty())
      throw Error(ErrorCode::invalid, fmt::format("the grid's {} is no list of values", name));
    if (all.size() * values.size() > kMostCandidates)
      throw Error(ErrorCode::invalid,
                  fmt::format("the grid has more than {} combinations", kMostCandidates));
    std::vector<nlohmann::json> longer;
    for (const auto& start : all) {
      for (const auto& value : values) {
        longer.push_back(start);
        longer.back()[name] = value;
      }
    }
    all = std::move(longer);
  }
  return all;
}

Choice choose(const Candidates& candidates, const TrainingData& data,
              std::span<const int32_t> folds, const HoldBack& hold_back,
              const FitContext& context) {
  Choice choice;
  if (candidates.parameters.size() == 1) return choice;
  if (folds_with_rows(folds).size() < 2)
    throw Error(ErrorCode::invalid, "parameters cannot be chosen with fewer than two folds")
        .hint("nested tuning needs at least three folds: one to test on, two to choose by");
  for (size_t i = 0; i < candidates.parameters.size(); ++i) {
    const auto predictions =
        predictions_of(*estimator_of(candidates, i), data, folds, hold_back, context);
    choice.scores.push_back(candidates.measure.of(data, predictions));
    if (candidates.measure.better(choice.scores[i], choice.scores[choice.best])) choice.best = i;
  }
  return choice;
}

CrossValidation cross_validate(const Candidates& candidates, const TrainingData& data,
                               std::span<const int32_t> folds, const ValidationSettings& settings,
                               const FitContext& context) {
  const auto numbers = folds_with_rows(folds);
  // One fold is enough where other rows are only trained on.
  const bool only_trained =
      std::any_of(folds.begin(), folds.end(), [](int32_t fold) { return fold < 0; });
  if (numbers.empty() || (numbers.size() < 2 && !only_trained))
    throw Error(ErrorCode::invalid,
                fmt::format("{} of the folds has rows; cross-validation needs two", numbers.size()))
        .hint("split the samples into more folds, or give split a test_share");
  CrossValidation result;
  result.predictions.assign(data.rows() * data.outputs(), kNaN);
  for (const int32_t fold : numbers)
    result.folds.push_back(in_fold(fold, [&] {
      return tested_fold(candidates, data, folds, fold, settings, context, result.predictions);
    }));
  score(data, result.predictions, result.classes, result.quantities);
  summarise_importance(result);
  return result;
}

std::vector<double> permutation_importance(const TrainedModel& model, const TrainingData& data,
                                           const Measure& measure, size_t repeats, uint64_t seed,
                                           const FitContext& context) {
  const double whole = measure.of(data, model.predict(data.features, context));
  std::vector<double> lost(data.columns, 0);
  std::vector<float> features(data.features.begin(), data.features.end()), column(data.rows());
  for (size_t c = 0; c < data.columns; ++c) {
    RandomNumbers random(RandomNumbers::mixed(seed + c));
    for (size_t row = 0; row < column.size(); ++row) column[row] = features[row * data.columns + c];
    for (size_t repeat = 0; repeat < repeats; ++repeat) {
      context.check_cancelled();
      random.shuffle(std::span(column));
      for (size_t row = 0; row < column.size(); ++row)
        features[row * data.columns + c] = column[row];
      const double shuffled = measure.of(data, model.predict(features, context));
      const double loss = measure.larger_is_better ? whole - shuffled : shuffled - whole;
      lost[c] += loss / static_cast<double>(repeats);
    }
    for (size_t row = 0; row < column.size(); ++row)
      features[row * data.columns + c] = data.features[row * data.columns + c];
  }
  return lost;
}

LearningCurve learning_curve(const Candidates& candidates, const TrainingData& data,
                             std::span<const int32_t> folds, std::span<const double> shares,
                             const HoldBack& hold_back, const FitContext& context) {
  LearningCurve curve;
  const auto estimator = estimator_of(candidates, 0);
  const auto numbers = folds_with_rows(folds);
  for (const double share : shares) {
    std::vector<double> tested(data.rows() * data.outputs(), kNaN);
    double trained = 0;
    size_t rows = 0;
    for (const int32_t fold : numbers) {
      const auto round = round_of(folds, fold);
      const auto groups = picked(hold_back.groups, std::span<const size_t>(round.trained));
      std::vector<size_t> kept;
      const double wanted = share * static_cast<double>(round.trained.size());
      for (const auto& unit : shuffled_units(round.trained.size(), groups, hold_back.seed)) {
        if (!kept.empty() && static_cast<double>(kept.size()) >= wanted) break;
        for (const size_t i : unit) kept.push_back(round.trained[i]);
      }
      std::sort(kept.begin(), kept.end());
      const Part part(data, folds, hold_back.groups, kept);
      const auto view = part.rows.view();
      const auto model = in_fold(fold, [&] {
        return fit_holding_back(*estimator, view, part.hold_back(hold_back), context);
      });
      trained += candidates.measure.of(view, model->predict(view.features, context)) /
                 static_cast<double>(numbers.size());
      rows += kept.size();
      const TrainingRows test(data, round.tested);
      place(model->predict(test.view().features, context), round.tested, data.outputs(), tested);
    }
    curve.shares.push_back(share);
    curve.rows.push_back(numbers.empty() ? 0 : rows / numbers.size());
    curve.trained.push_back(trained);
    curve.tested.push_back(candidates.measure.of(data, tested));
  }
  return curve;
}

}  // namespace geoloom::learn
