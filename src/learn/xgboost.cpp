// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "error/spelling.h"
#include "learn/boosting.h"
#include "learn/xgboost_library.h"

namespace geoloom::learn {
namespace {

using Handle = XgboostLibrary::Handle;

struct FreeMatrix {
  void operator()(void* handle) const { XgboostLibrary::loaded().matrix_free(handle); }
};
struct FreeBooster {
  void operator()(void* handle) const { XgboostLibrary::loaded().booster_free(handle); }
};
using Matrix = std::unique_ptr<void, FreeMatrix>;
using Booster = std::unique_ptr<void, FreeBooster>;

// The library takes any name and says nothing, so a mistyped one is found here: its parameters for
// trees and linear boosters (documentation, "XGBoost Parameters") and its wrappers' names.
const std::vector<std::string>& known_parameters() {
  static const std::vector<std::string> names{"alpha",
                                              "aft_loss_distribution",
                                              "aft_loss_distribution_scale",
                                              "base_score",
                                              "booster",
                                              "colsample_bylevel",
                                              "colsample_bynode",
                                              "colsample_bytree",
                                              "device",
                                              "disable_default_eval_metric",
                                              "eta",
                                              "eval_metric",
                                              "feature_selector",
                                              "gamma",
                                              "grow_policy",
                                              "huber_slope",
                                              "interaction_constraints",
                                              "lambda",
                                              "learning_rate",
                                              "max_bin",
                                              "max_cached_hist_node",
                                              "max_delta_step",
                                              "max_depth",
                                              "max_leaves",
                                              "min_child_weight",
                                              "min_split_loss",
                                              "monotone_constraints",
                                              "multi_strategy",
                                              "normalize_type",
                                              "num_parallel_tree",
                                              "objective",
                                              "one_drop",
                                              "process_type",
                                              "quantile_alpha",
                                              "rate_drop",
                                              "refresh_leaf",
                                              "reg_alpha",
                                              "reg_lambda",
                                              "sample_type",
                                              "sampling_method",
                                              "scale_pos_weight",
                                              "seed",
                                              "random_state",
                                              "seed_per_iteration",
                                              "skip_drop",
                                              "subsample",
                                              "top_k",
                                              "tree_method",
                                              "tweedie_variance_power",
                                              "updater",
                                              "validate_parameters",
                                              "n_jobs",
                                              "nthread",
                                              "missing"};
  return names;
}

// The array interface of NumPy, which describes memory in JSON.
template <class T>
std::string array_interface(const T* data, size_t rows, size_t columns) {
  const char* type = std::is_same_v<T, float> ? "<f4" : "<f8";
  const auto shape = columns == 0 ? fmt::format("{}", rows) : fmt::format("{}, {}", rows, columns);
  return fmt::format(R"({{"data": [{}, true], "shape": [{}], "typestr": "{}", "version": 3}})",
                     reinterpret_cast<uintptr_t>(data), shape, type);
}

Matrix features_matrix(std::span<const float> features, size_t columns, unsigned threads) {
  const auto& lib = XgboostLibrary::loaded();
  Handle made = nullptr;
  lib.check(lib.matrix_from_dense(
                array_interface(features.data(), features.size() / columns, columns).c_str(),
                fmt::format(R"({{"missing": NaN, "nthread": {}}})", threads).c_str(), &made),
            "takes the features");
  return Matrix(made);
}

class XgboostModel : public TrainedModel {
 public:
  XgboostModel(Booster booster, std::vector<std::string> names, const TrainingData& data,
               size_t kept)
      : booster_(std::move(booster)),
        names_(std::move(names)),
        columns_(data.columns),
        outputs_(data.outputs()),
        one_of_two_(data.class_count == 2) {
    for (size_t c = names_.size(); c < columns_; ++c) names_.push_back(fmt::format("f{}", c));
    const auto& lib = XgboostLibrary::loaded();
    int major = 0, minor = 0, patch = 0;
    lib.version(&major, &minor, &patch);
    library = fmt::format("XGBoost {}.{}.{}", major, minor, patch);
    iterations = kept;
  }

  std::vector<double> predict(std::span<const float> features,
                              const FitContext& context) const override {
    if (features.empty()) return {};
    const auto& lib = XgboostLibrary::loaded();
    const auto matrix = features_matrix(features, columns_, context.threads);
    const uint64_t* shape = nullptr;
    uint64_t dimensions = 0;
    const float* values = nullptr;
    lib.check(lib.booster_predict(booster_.get(), matrix.get(),
                                  R"({"type": 0, "training": false, "iteration_begin": 0,
                                      "iteration_end": 0, "strict_shape": true})",
                                  &shape, &dimensions, &values),
              "predicts");
    size_t count = 1;
    for (uint64_t d = 0; d < dimensions; ++d) count *= shape[d];
    const size_t rows = features.size() / columns_;
    if (count != rows * (one_of_two_ ? 1 : outputs_))
      throw Error(ErrorCode::invalid,
                  fmt::format("XGBoost gives {} numbers for {} rows", count, rows))
          .hint("does its objective fit the label? Classes need binary:logistic or multi:softprob");
    const std::vector<double> wide(values, values + count);
    return one_of_two_ ? both_classes(wide) : wide;
  }

  ModelFile file() const override {
    const auto& lib = XgboostLibrary::loaded();
    uint64_t length = 0;
    const char* bytes = nullptr;
    lib.check(lib.booster_save(booster_.get(), R"({"format": "ubj"})", &length, &bytes),
              "writes its model");
    return {"model.ubj", std::string(bytes, length)};
  }

  // By gain over all splits of a feature, as LightGBM counts it.
  std::vector<double> importances() const override {
    const auto& lib = XgboostLibrary::loaded();
    uint64_t count = 0, dimensions = 0;
    const char** names = nullptr;
    const uint64_t* shape = nullptr;
    const float* scores = nullptr;
    lib.check(lib.booster_score(booster_.get(), R"({"importance_type": "total_gain"})", &count,
                                &names, &dimensions, &shape, &scores),
              "tells the features' importance");
    std::vector<double> gains(columns_, 0);
    for (uint64_t i = 0; i < count; ++i) {
      const auto found = std::find(names_.begin(), names_.end(), names[i]);
      if (found != names_.end()) gains[found - names_.begin()] = std::max(0.0F, scores[i]);
    }
    return as_shares(std::move(gains));
  }

 private:
  Booster booster_;
  std::vector<std::string> names_;
  size_t columns_, outputs_;
  bool one_of_two_;  // of two classes the library gives the probability of the second
};

class Xgboost : public Estimator {
 public:
  Xgboost(const Problem& problem, const nlohmann::json& parameters)
      : problem_(problem), reader_("xgboost", parameters), plan_(reader_, problem) {
    const auto own = reader_.rest();
    for (const auto& [name, value] : own.items()) {
      if (std::find(known_parameters().begin(), known_parameters().end(), name) ==
          known_parameters().end())
        throw Error(ErrorCode::invalid, fmt::format("xgboost: {} is no parameter of it", name))
            .hint(spelling_hint(name, known_parameters()));
      if (name == "quantile_alpha" || (name == "objective" && !problem.quantiles.empty()))
        throw reader_.error(name, "is set by the quantiles that are asked for")
            .hint("train: {quantiles: [0.05, 0.5, 0.95]}");
      if (value.is_null() || name == "n_jobs" || name == "nthread" || name == "missing") continue;
      add(name, value);
    }
  }

  bool learns_from_missing() const override { return true; }
  bool stops_early() const override { return plan_.patience > 0; }

  std::unique_ptr<TrainedModel> fit(const TrainingData& data, const TrainingData* held_out,
                                    const FitContext& context) const override {
    check(data, true, problem_.features);
    const auto& lib = XgboostLibrary::loaded();
    const auto training = matrix(lib, data, plan_.class_weights.of(data), context);
    Matrix valid;
    if (held_out != nullptr)
      valid = matrix(lib, *held_out, {held_out->weights.begin(), held_out->weights.end()}, context);
    const std::vector<Handle> matrices{training.get()};
    Handle made = nullptr;
    lib.check(lib.booster_create(matrices.data(), matrices.size(), &made), "begins");
    Booster booster(made);
    for (const auto& [name, value] : parameters_for(data, context))
      lib.check(lib.booster_set(made, name.c_str(), value.c_str()), "reads its parameters");
    std::vector<TrainingSeries> series;
    size_t done = 0;
    const size_t kept = train(lib, made, training.get(), valid.get(), context, series, done);
    if (kept < done) {
      Handle slice = nullptr;
      lib.check(lib.booster_slice(made, 0, static_cast<int>(kept), 1, &slice), "is cut");
      booster.reset(slice);
    }
    set_names(lib, booster.get(), data);
    auto model = std::make_unique<XgboostModel>(std::move(booster), names(data), data, kept);
    model->series = std::move(series);
    return model;
  }

 private:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  // Several metrics are several parameters of one name.
  void add(const std::string& name, const nlohmann::json& value) {
    if (name == "eval_metric" && value.is_array()) {
      for (const auto& each : value) own_.emplace_back(name, parameter_text("xgboost", name, each));
      return;
    }
    auto text = parameter_text("xgboost", name, value);
    if (value.is_array()) text = (name == "monotone_constraints") ? "(" + text + ")" : value.dump();
    own_.emplace_back(name, std::move(text));
  }

  Pairs parameters_for(const TrainingData& data, const FitContext& context) const {
    Pairs all{{"verbosity", "0"}, {"nthread", fmt::format("{}", context.threads)}};
    const bool has_objective = std::any_of(
        own_.begin(), own_.end(), [](const auto& pair) { return pair.first == "objective"; });
    if (!problem_.quantiles.empty()) {
      all.emplace_back("objective", "reg:quantileerror");
      all.emplace_back("quantile_alpha", nlohmann::json(problem_.quantiles).dump());
    } else if (!has_objective)
      all.emplace_back("objective", !data.classification()  ? "reg:squarederror"
                                    : data.class_count == 2 ? "binary:logistic"
                                                            : "multi:softprob");
    if (data.classification() && data.class_count > 2)
      all.emplace_back("num_class", fmt::format("{}", data.class_count));
    all.insert(all.end(), own_.begin(), own_.end());
    return all;
  }

  std::vector<std::string> names(const TrainingData& data) const {
    return writable_names(problem_, data.columns, "[]<");
  }

  // A booster does not take them over from its matrix.
  void set_names(const XgboostLibrary& lib, Handle booster, const TrainingData& data) const {
    const auto texts = names(data);
    if (texts.empty()) return;  // it calls them f0, f1, ...
    std::vector<const char*> pointers;
    for (const auto& name : texts) pointers.push_back(name.c_str());
    lib.check(lib.booster_set_names(booster, "feature_name", pointers.data(), pointers.size()),
              "takes the features' names");
  }

  static Matrix matrix(const XgboostLibrary& lib, const TrainingData& data,
                       const std::vector<double>& weights, const FitContext& context) {
    auto made = features_matrix(data.features, data.columns, context.threads);
    std::vector<float> labels(data.rows());
    for (size_t row = 0; row < labels.size(); ++row)
      labels[row] = data.classification() ? static_cast<float>(data.classes[row])
                                          : static_cast<float>(data.targets[row]);
    const auto set = [&](const char* field, const std::vector<float>& values) {
      lib.check(lib.matrix_set_info(made.get(), field,
                                    array_interface(values.data(), values.size(), 0).c_str()),
                "takes labels and weights");
    };
    set("label", labels);
    if (!weights.empty()) set("weight", {weights.begin(), weights.end()});
    return made;
  }

  // "[3]\ttraining-logloss:0.52\theld_out-logloss:0.55"
  static void add_numbers(std::string_view text, std::vector<TrainingSeries>& series) {
    size_t at = text.find('\t'), index = 0;
    while (at != std::string_view::npos) {
      const size_t next = text.find('\t', at + 1);
      const auto part = text.substr(at + 1, next == std::string_view::npos ? next : next - at - 1);
      at = next;
      const size_t colon = part.rfind(':'), dash = part.find('-');
      if (colon == std::string_view::npos || dash == std::string_view::npos || dash > colon)
        continue;
      if (series.size() <= index)
        series.push_back(
            {fmt::format("{}/{}", part.substr(0, dash), part.substr(dash + 1, colon - dash - 1)),
             {}});
      double value = std::numeric_limits<double>::quiet_NaN();
      std::from_chars(part.data() + colon + 1, part.data() + part.size(), value);
      series[index++].values.push_back(value);
    }
  }

  // Iterations kept; `done` counts those trained.
  size_t train(const XgboostLibrary& lib, Handle booster, Handle training, Handle valid,
               const FitContext& context, std::vector<TrainingSeries>& series, size_t& done) const {
    std::vector<Handle> parts{training};
    std::vector<const char*> names{"training"};
    if (valid != nullptr) {
      parts.push_back(valid);
      names.push_back("held_out");
    }
    EarlyStopping stopping(plan_);
    const bool watched = valid != nullptr && plan_.patience > 0;
    for (bool stopped = false; done < plan_.iterations && !stopped; ++done) {
      context.check_cancelled();
      const int iteration = static_cast<int>(done);
      lib.check(lib.booster_update(booster, iteration, training), "trains");
      const char* text = nullptr;
      lib.check(
          lib.booster_eval(booster, iteration, parts.data(), names.data(), parts.size(), &text),
          "tells its metrics");
      add_numbers(text, series);
      if (!watched || series.empty()) continue;
      // Its own callback looks at the last metric.
      const double number = series.back().values.back();
      stopped = stopping.should_stop(done, {&number, 1}, {rises(series.back().name)});
    }
    return watched ? stopping.best_iterations(done) : done;
  }

  static bool rises(const std::string& series) {
    const auto metric = series.substr(series.find('/') + 1);
    for (const char* name : {"auc", "aucpr", "pre", "map", "ndcg"})
      if (metric == name || metric.starts_with(std::string(name) + "@")) return true;
    return false;
  }

  Problem problem_;
  EstimatorParameters reader_;
  BoostingPlan plan_;
  Pairs own_;
};

}  // namespace

std::unique_ptr<Estimator> make_xgboost(const Problem& problem, const nlohmann::json& parameters) {
  return std::make_unique<Xgboost>(problem, parameters);
}

}  // namespace geoloom::learn
