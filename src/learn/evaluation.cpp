// SPDX-License-Identifier: Apache-2.0
#include "learn/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "error/error.h"
#include "learn/evaluation_template.h"

namespace geoloom::learn {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr size_t kMostPoints = 400;

struct KindText {
  TestKind kind;
  std::string_view name, short_name, meaning;
};

constexpr auto kKinds = std::to_array<KindText>(
    {{TestKind::random_folds, "random cross-validation", "random",
      "Tested rows were drawn at random, so most have trained neighbours. The numbers say how well "
      "gaps between samples are filled; they flatter wherever samples lie close together, and are "
      "no accuracy of a map."},
     {TestKind::spatial_folds, "spatial cross-validation", "spatial",
      "Whole places were held back. The numbers say how well the model does where nobody has "
      "sampled (transfer); they are no accuracy of a map."},
     {TestKind::temporal_folds, "temporal cross-validation", "temporal",
      "Whole periods were held back. The numbers say how well the model does in other times; they "
      "are no accuracy of a map."},
     {TestKind::held_out, "cross-validation by given folds", "held_out",
      "Rows were held back by folds of the table. What the numbers say depends on how those were "
      "made; they are no accuracy of a map."},
     {TestKind::out_of_bag, "out of bag", "out_of_bag",
      "Each row was predicted by the trees that had not drawn it. As random cross-validation, it "
      "says how well gaps between samples are filled."},
     {TestKind::other_table, "another table", "test",
      "The rows are of a table that the model was not trained on. Whether they say something about "
      "a map depends on how they were drawn: only a probability sample of the map does."}});

const KindText& text_of(TestKind kind) {
  return *std::find_if(kKinds.begin(), kKinds.end(),
                       [&](const KindText& text) { return text.kind == kind; });
}

OrderedJson number(double value) {
  return std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
}

OrderedJson numbers(std::span<const double> values) {
  OrderedJson list = OrderedJson::array();
  for (const double value : values) list.push_back(number(value));
  return list;
}

OrderedJson json_of(const Curve& curve) {
  const auto thin = thinned(curve, kMostPoints);
  return {{"x", numbers(thin.x)}, {"y", numbers(thin.y)}, {"thresholds", numbers(thin.thresholds)}};
}

OrderedJson scores_json(const ClassificationScores& s) {
  return {{"overall_accuracy", number(s.overall_accuracy)},
          {"balanced_accuracy", number(s.balanced_accuracy)},
          {"kappa", number(s.kappa)},
          {"f1_macro", number(s.macro.f1)},
          {"f1_weighted", number(s.weighted.f1)},
          {"precision_macro", number(s.macro.precision)},
          {"precision_weighted", number(s.weighted.precision)},
          {"recall_macro", number(s.macro.recall)},
          {"recall_weighted", number(s.weighted.recall)},
          {"auc", number(s.auc)},
          {"average_precision", number(s.average_precision)},
          {"log_loss", number(s.log_loss)},
          {"brier", number(s.brier)},
          {"calibration_error", number(s.calibration_error)}};
}

OrderedJson scores_json(const RegressionScores& s) {
  OrderedJson json{{"r2", number(s.r2)},
                   {"rmse", number(s.rmse)},
                   {"mae", number(s.mae)},
                   {"mse", number(s.mse)},
                   {"bias", number(s.bias)}};
  if (!s.quantiles.empty()) json["interval_coverage"] = number(s.interval_coverage);
  return json;
}

OrderedJson quantiles_json(const RegressionScores& s) {
  auto json = OrderedJson::array();
  for (const auto& quantile : s.quantiles)
    json.push_back({{"share", quantile.share},
                    {"observed", number(quantile.observed)},
                    {"pinball_loss", number(quantile.pinball_loss)}});
  return json;
}

std::string class_label(const Problem& problem, size_t c) {
  if (c < problem.class_names.size() && !problem.class_names[c].empty())
    return problem.class_names[c];
  return c < problem.class_values.size() ? std::to_string(problem.class_values[c])
                                         : std::to_string(c);
}

OrderedJson class_json(const Problem& problem, const ClassificationScores& scores, size_t c) {
  const auto& of_class = scores.classes[c];
  OrderedJson json{{"name", class_label(problem, c)},
                   {"users_accuracy", number(of_class.precision)},
                   {"producers_accuracy", number(of_class.recall)},
                   {"f1", number(of_class.f1)},
                   {"support", number(of_class.support)}};
  if (c >= scores.ranking.size()) return json;
  const auto& ranking = scores.ranking[c];
  json["auc"] = number(ranking.auc);
  json["average_precision"] = number(ranking.average_precision);
  json["roc"] = json_of(ranking.roc);
  json["precision_recall"] = json_of(ranking.precision_recall);
  json["calibration"] = OrderedJson::array();
  for (const auto& bin : ranking.calibration)
    json["calibration"].push_back({{"predicted", number(bin.predicted)},
                                   {"observed", number(bin.observed)},
                                   {"weight", number(bin.weight)}});
  return json;
}

void add_classes(const Problem& problem, const ClassificationScores& scores, OrderedJson& test) {
  test["classes"] = OrderedJson::array();
  for (size_t c = 0; c < scores.classes.size(); ++c)
    test["classes"].push_back(class_json(problem, scores, c));
  OrderedJson rows = OrderedJson::array();
  for (size_t truth = 0; truth < scores.confusion.classes; ++truth) {
    OrderedJson row = OrderedJson::array();
    for (size_t c = 0; c < scores.confusion.classes; ++c)
      row.push_back(number(scores.confusion.at(truth, c)));
    rows.push_back(std::move(row));
  }
  test["confusion"] = {{"rows", "true class"}, {"columns", "predicted class"}, {"counts", rows}};
}

OrderedJson json_of(const LearningCurve& curve) {
  return {{"shares", numbers(curve.shares)},
          {"rows", curve.rows},
          {"trained", numbers(curve.trained)},
          {"tested", numbers(curve.tested)}};
}

// The DI of training rows sorted and thinned: enough to draw their distribution.
OrderedJson json_of(const Applicability& area) {
  auto sorted = area.training;
  std::sort(sorted.begin(), sorted.end());
  Curve curve;
  for (size_t i = 0; i < sorted.size(); ++i) {
    curve.x.push_back(sorted[i]);
    curve.y.push_back(static_cast<double>(i + 1) / static_cast<double>(sorted.size()));
  }
  return {{"threshold", number(area.threshold)},
          {"mean_distance", number(area.mean_distance)},
          {"reference_rows", area.rows()},
          {"training_dissimilarity", json_of(curve)}};
}

}  // namespace

std::string_view name(TestKind kind) {
  return text_of(kind).name;
}
std::string_view short_name(TestKind kind) {
  return text_of(kind).short_name;
}
std::string_view meaning(TestKind kind) {
  return text_of(kind).meaning;
}

Test test_of(TestKind kind, std::string described, const TrainingData& data,
             std::span<const double> predictions) {
  Test test{.kind = kind, .described = std::move(described)};
  const size_t outputs = data.outputs();
  std::vector<size_t> tested;
  for (size_t row = 0; row < data.rows(); ++row)
    if (!std::isnan(predictions[row * outputs])) tested.push_back(row);
  test.rows = tested.size();
  if (data.classification()) {
    test.classes = classification_scores(data.classes, predictions, data.class_count, data.weights);
    return test;
  }
  test.quantities = regression_scores(data.targets, predictions, data.weights, data.quantiles);
  const size_t step = std::max<size_t>(1, tested.size() / (2 * kMostPoints));
  for (size_t i = 0; i < tested.size(); i += step) {
    test.truth.push_back(static_cast<float>(data.targets[tested[i]]));
    test.predicted.push_back(
        static_cast<float>(predictions[tested[i] * outputs + nearest_to_median(data.quantiles)]));
  }
  return test;
}

Test test_of(TestKind kind, std::string described, const TrainingData& data,
             const CrossValidation& result) {
  auto test = test_of(kind, std::move(described), data, result.predictions);
  test.folds = result.folds;
  test.importance = result.importance;
  test.importance_deviation = result.importance_deviation;
  return test;
}

OrderedJson to_json(const Test& test, const Problem& problem) {
  const bool classes = problem.task == Task::classification;
  OrderedJson json{{"kind", name(test.kind)},
                   {"meaning", meaning(test.kind)},
                   {"described", test.described},
                   {"rows", test.rows},
                   {"scores", classes ? scores_json(test.classes) : scores_json(test.quantities)}};
  if (classes) add_classes(problem, test.classes, json);
  if (!test.quantities.quantiles.empty()) json["quantiles"] = quantiles_json(test.quantities);
  if (!test.truth.empty()) json["scatter"] = {{"truth", test.truth}, {"predicted", test.predicted}};
  json["folds"] = OrderedJson::array();
  for (const auto& fold : test.folds) {
    OrderedJson of_fold{
        {"fold", fold.fold}, {"trained", fold.trained_rows}, {"tested", fold.tested_rows}};
    of_fold["scores"] = classes ? scores_json(fold.classes) : scores_json(fold.quantities);
    if (!fold.parameters.is_null()) of_fold["parameters"] = fold.parameters;
    json["folds"].push_back(std::move(of_fold));
  }
  if (!test.importance.empty())
    json["importance"] = {{"lost", numbers(test.importance)},
                          {"deviation", numbers(test.importance_deviation)}};
  return json;
}

OrderedJson to_json(const Evaluation& e) {
  OrderedJson json{
      {"geoloom_evaluation", kEvaluationVersion},
      {"model", e.model},
      {"algorithm", e.algorithm},
      {"task", e.problem.task == Task::classification ? "classification" : "regression"},
      {"features", e.problem.features},
      {"parameters", e.parameters},
      {"rows", e.rows},
      {"measure", e.measure}};
  json["tests"] = OrderedJson::array();
  for (const auto& test : e.tests) json["tests"].push_back(to_json(test, e.problem));
  json["importances"] = numbers(e.importances);
  json["series"] = OrderedJson::object();
  for (const auto& series : e.series) json["series"][series.name] = numbers(series.values);
  if (e.learning_curve) json["learning_curve"] = json_of(*e.learning_curve);
  if (e.applicability) json["applicability"] = json_of(*e.applicability);
  json["notes"] = e.notes;
  return json;
}

std::string evaluation_page(const OrderedJson& evaluation) {
  // '<' never stands in the element of the data, so neither "</script>" nor "<!--" can.
  std::string data;
  for (const char c : evaluation.dump(-1, ' ', false, OrderedJson::error_handler_t::replace)) {
    if (c == '<')
      data += "\\u003c";
    else
      data += c;
  }
  const auto page = evaluation_template();
  constexpr std::string_view kPlace = "\"the evaluation goes here\"";
  const auto at = page.find(kPlace);
  if (at == std::string_view::npos)
    throw Error(ErrorCode::internal, "the page of the evaluation has no place for its data");
  std::string text(page.substr(0, at));
  return text.append(data).append(page.substr(at + kPlace.size()));
}

OrderedJson kubeflow_metrics(const OrderedJson& test) {
  OrderedJson out{{"metrics", OrderedJson::object()}};
  for (const auto& [name, value] : test.at("scores").items())
    if (value.is_number()) out["metrics"][name] = value;
  if (!test.contains("confusion")) return out;
  OrderedJson specs = OrderedJson::array(), rows = OrderedJson::array();
  for (const auto& of_class : test.at("classes"))
    specs.push_back({{"displayName", of_class.at("name")}});
  for (const auto& row : test.at("confusion").at("counts")) rows.push_back({{"row", row}});
  out["confusionMatrix"] = {{"annotationSpecs", specs}, {"rows", rows}};
  if (test.at("classes").size() != 2 || !test.at("classes")[1].contains("roc")) return out;
  const auto& roc = test.at("classes")[1].at("roc");
  out["confidenceMetrics"] = OrderedJson::array();
  for (size_t i = 0; i < roc.at("x").size(); ++i)
    // The first threshold is infinite, which JSON lacks; no probability is above 1.
    out["confidenceMetrics"].push_back(
        {{"confidenceThreshold",
          roc.at("thresholds")[i].is_null() ? OrderedJson(1) : roc.at("thresholds")[i]},
         {"recall", roc.at("y")[i]},
         {"falsePositiveRate", roc.at("x")[i]}});
  return out;
}

}  // namespace geoloom::learn
