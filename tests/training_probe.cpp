// SPDX-License-Identifier: Apache-2.0
// Training and its numbers without a workflow, for training_test.py and benchmarks/training: a
// request as JSON on the standard input, the answer as JSON on the standard output. Arrays are raw
// files, in the machine's byte order.
//
//   {"features": "x.f32", "columns": 33, "classes": "y.i32", "class_count": 2 | "targets": "y.f64",
//    "weights": "w.f64", "algorithm": "random_forest", "parameters": {...}, "threads": 1,
//    "test_features": "t.f32",        trained on all rows, predicts these
//    "held_out": 100,                 the last so many rows are watched, not trained on
//    "folds": "f.i32",                cross-validation, too
//    "importance": [..],              with folds: an area of applicability, DI of test_features
//    "quantiles": [0.1, 0.9],         of targets, instead of their mean
//    "score": "p.f64",                scores of these predictions instead of training
//    "write": "out"}                  out.test.f64, out.folds.f64, out.oob.f64, out.di.f32,
//    out.model
#include <ctime>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "error/error.h"
#include "learn/applicability.h"
#include "learn/cross_validation.h"

namespace {

using Json = nlohmann::json;
namespace gl = geoloom::learn;

template <class T>
std::vector<T> array(const Json& request, const char* key) {
  if (!request.contains(key)) return {};
  std::ifstream file(request[key].get<std::string>(), std::ios::binary | std::ios::ate);
  if (!file) throw std::invalid_argument(std::string("no file for ") + key);
  std::vector<T> values(static_cast<size_t>(file.tellg()) / sizeof(T));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

template <class Values>
void write(const Json& request, const char* what, const Values& values) {
  if (!request.contains("write")) return;
  std::ofstream file(request["write"].get<std::string>() + what, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(values[0])));
}

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

Json json_of(const gl::Curve& curve) {
  return {{"x", curve.x}, {"y", curve.y}, {"thresholds", curve.thresholds}};
}

Json json_of(const gl::ClassScores& s) {
  return {s.precision, s.recall, s.f1, s.support};
}

Json json_of(const gl::ClassificationScores& scores) {
  Json json{{"confusion", scores.confusion.counts},
            {"overall_accuracy", scores.overall_accuracy},
            {"balanced_accuracy", scores.balanced_accuracy},
            {"kappa", scores.kappa},
            {"macro", json_of(scores.macro)},
            {"weighted", json_of(scores.weighted)},
            {"auc", scores.auc},
            {"average_precision", scores.average_precision},
            {"log_loss", scores.log_loss},
            {"brier", scores.brier}};
  for (const auto& of_class : scores.classes) json["classes"].push_back(json_of(of_class));
  for (const auto& of_class : scores.ranking) {
    Json bins = Json::array();
    for (const auto& bin : of_class.calibration) bins.push_back({bin.predicted, bin.observed});
    json["ranking"].push_back({{"auc", of_class.auc},
                               {"average_precision", of_class.average_precision},
                               {"roc", json_of(of_class.roc)},
                               {"precision_recall", json_of(of_class.precision_recall)},
                               {"calibration", bins}});
  }
  return json;
}

Json json_of(const gl::RegressionScores& s) {
  Json json{{"mse", s.mse}, {"rmse", s.rmse}, {"mae", s.mae}, {"r2", s.r2}, {"bias", s.bias}};
  for (const auto& quantile : s.quantiles) json["pinball_losses"].push_back(quantile.pinball_loss);
  if (!s.quantiles.empty()) json["interval_coverage"] = s.interval_coverage;
  return json;
}

// What the arrays of a request are, and views of them.
struct Request {
  Json json;
  std::vector<float> features;
  std::vector<int32_t> classes, folds;
  std::vector<double> targets, weights;
  gl::Problem problem;
  gl::FitContext context;

  explicit Request(Json from)
      : json(std::move(from)),
        features(array<float>(json, "features")),
        classes(array<int32_t>(json, "classes")),
        folds(array<int32_t>(json, "folds")),
        targets(array<double>(json, "targets")),
        weights(array<double>(json, "weights")) {
    problem.task = classes.empty() ? gl::Task::regression : gl::Task::classification;
    for (int64_t c = 0; c < json.value("class_count", 0); ++c) problem.class_values.push_back(c);
    problem.class_names.resize(problem.class_values.size());
    problem.quantiles = json.value("quantiles", std::vector<double>{});
    context.threads = json.value("threads", 1U);
  }
  gl::TrainingData data() const {
    return {.features = features,
            .columns = json["columns"].get<size_t>(),
            .classes = classes,
            .targets = targets,
            .class_count = problem.class_values.size(),
            .weights = weights,
            .quantiles = problem.quantiles};
  }
};

Json scores_of(const Request& request, const std::vector<double>& predictions) {
  if (request.problem.task == gl::Task::regression)
    return json_of(gl::regression_scores(request.targets, predictions, request.weights,
                                         request.problem.quantiles));
  return json_of(gl::classification_scores(request.classes, predictions,
                                           request.problem.class_values.size(), request.weights));
}

std::unique_ptr<gl::TrainedModel> trained(const Request& request, const gl::Estimator& estimator) {
  const auto data = request.data();
  const auto held = request.json.value("held_out", size_t{0});
  if (held == 0) return estimator.fit(data, nullptr, request.context);
  std::vector<size_t> first, last;
  for (size_t row = 0; row < data.rows(); ++row)
    (row + held < data.rows() ? first : last).push_back(row);
  const gl::TrainingRows train(data, first), watch(data, last);
  const auto watched = watch.view();
  return estimator.fit(train.view(), &watched, request.context);
}

void add_validation(const Request& request, Json& answer) {
  const gl::Candidates candidates{request.json["algorithm"],
                                  request.problem,
                                  {request.json.value("parameters", Json::object())},
                                  gl::measure_called("", request.problem.task)};
  const auto result =
      gl::cross_validate(candidates, request.data(), request.folds, {}, request.context);
  write(request.json, ".folds.f64", result.predictions);
  answer["cross_validation"] = scores_of(request, result.predictions);
}

void add_applicability(const Request& request, Json& answer) {
  const auto data = request.data();
  const auto area = gl::area_of_applicability(
      data, request.json["importance"].get<std::vector<double>>(), request.folds);
  const auto test = array<float>(request.json, "test_features");
  const size_t pixels = test.size() / data.columns;
  std::vector<std::vector<float>> planes(data.columns, std::vector<float>(pixels));
  std::vector<const float*> pointers;
  for (size_t c = 0; c < data.columns; ++c) {
    for (size_t i = 0; i < pixels; ++i) planes[c][i] = test[i * data.columns + c];
    pointers.push_back(planes[c].data());
  }
  write(request.json, ".di.f32", area.dissimilarity(pointers, pixels));
  answer["applicability"] = {{"mean_distance", area.mean_distance},
                             {"threshold", area.threshold},
                             {"training", area.training}};
}

Json answered(const Request& request) {
  if (request.json.contains("score"))
    return scores_of(request, array<double>(request.json, "score"));
  const auto estimator = gl::make_estimator(request.json["algorithm"], request.problem,
                                            request.json.value("parameters", Json::object()));
  const double start = cpu_seconds();
  const auto model = trained(request, *estimator);
  Json answer{{"fit_cpu_seconds", cpu_seconds() - start},
              {"iterations", model->iterations},
              {"library", model->library},
              {"importances", model->importances()}};
  for (const auto& series : model->series) answer["series"][series.name] = series.values;
  if (!model->out_of_bag.empty()) {
    write(request.json, ".oob.f64", model->out_of_bag);
    answer["out_of_bag"] = scores_of(request, model->out_of_bag);
  }
  const auto test = array<float>(request.json, "test_features");
  if (!test.empty()) write(request.json, ".test.f64", model->predict(test, request.context));
  const auto file = model->file();
  answer["model"] = file.name;
  write(request.json, ".model", file.bytes);
  if (!request.folds.empty()) add_validation(request, answer);
  if (request.json.contains("importance")) add_applicability(request, answer);
  return answer;
}

}  // namespace

int main() {
  try {
    std::cout << answered(Request(Json::parse(std::cin))).dump() << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
