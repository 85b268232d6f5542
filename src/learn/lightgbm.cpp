// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "error/spelling.h"
#include "learn/boosting.h"
#include "learn/lightgbm_library.h"

namespace geoloom::learn {
namespace {

using Handle = LightGbmLibrary::Handle;
constexpr int kFloat32 = 0, kRowMajor = 1, kNormalPrediction = 0, kByGain = 1;

struct FreeDataset {
  void operator()(void* handle) const { LightGbmLibrary::loaded().dataset_free(handle); }
};
struct FreeBooster {
  void operator()(void* handle) const { LightGbmLibrary::loaded().booster_free(handle); }
};
using Dataset = std::unique_ptr<void, FreeDataset>;
using Booster = std::unique_ptr<void, FreeBooster>;

// All names that the library knows for parameters.
std::vector<std::string> library_parameters(const LightGbmLibrary& library) {
  int64_t length = 0;
  library.check(library.dump_aliases(0, &length, nullptr), "lists its parameters");
  std::string text(static_cast<size_t>(length), '\0');
  library.check(library.dump_aliases(length, &length, text.data()), "lists its parameters");
  const auto aliases = nlohmann::json::parse(text.c_str(), nullptr, false);
  std::vector<std::string> names;
  for (const auto& [name, others] : aliases.items()) {
    names.push_back(name);
    for (const auto& other : others) names.push_back(other.get<std::string>());
  }
  return names;
}

bool given(const nlohmann::json& parameters, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* name) { return parameters.contains(name); });
}

class LightGbmModel : public TrainedModel {
 public:
  LightGbmModel(Booster booster, size_t columns, size_t outputs, size_t kept)
      : booster_(std::move(booster)), columns_(columns), outputs_(outputs), kept_(kept) {
    library = "LightGBM";
    iterations = kept;
  }

  std::vector<double> predict(std::span<const float> features,
                              const FitContext& context) const override {
    const auto& lib = LightGbmLibrary::loaded();
    const size_t rows = features.size() / columns_;
    std::vector<double> values(rows * (outputs_ == 2 ? 1 : outputs_));
    if (rows == 0) return values;
    int64_t count = 0;
    const auto parameters = fmt::format("num_threads={}", context.threads);
    lib.check(
        lib.booster_predict(booster_.get(), features.data(), kFloat32, static_cast<int32_t>(rows),
                            static_cast<int32_t>(columns_), kRowMajor, kNormalPrediction, 0,
                            static_cast<int>(kept_), parameters.c_str(), &count, values.data()),
        "predicts");
    if (static_cast<size_t>(count) != values.size())
      throw Error(ErrorCode::invalid,
                  fmt::format("LightGBM gives {} numbers for {} rows", count, rows))
          .hint("does its objective fit the label?");
    return outputs_ == 2 ? both_classes(values) : values;
  }

  ModelFile file() const override {
    const auto& lib = LightGbmLibrary::loaded();
    int64_t length = 0;
    const auto save = [&](std::string& text) {
      lib.check(lib.booster_save(booster_.get(), 0, static_cast<int>(kept_), kByGain,
                                 static_cast<int64_t>(text.size()), &length, text.data()),
                "writes its model");
    };
    std::string text(1, '\0');
    save(text);
    text.resize(static_cast<size_t>(length));
    save(text);
    text.resize(text.find('\0') == std::string::npos ? text.size() : text.find('\0'));
    return {"model.txt", std::move(text)};
  }

  std::vector<double> importances() const override {
    const auto& lib = LightGbmLibrary::loaded();
    std::vector<double> gains(columns_);
    lib.check(
        lib.booster_importance(booster_.get(), static_cast<int>(kept_), kByGain, gains.data()),
        "tells the features' importance");
    return as_shares(std::move(gains));
  }

 private:
  Booster booster_;
  size_t columns_, outputs_, kept_;
};

class LightGbm : public Estimator {
 public:
  LightGbm(const Problem& problem, const nlohmann::json& parameters)
      : problem_(problem), reader_("lightgbm", parameters), plan_(reader_, problem) {
    own_ = reader_.rest();
    std::erase_if(own_.get_ref<nlohmann::json::object_t&>(),
                  [](const auto& entry) { return entry.second.is_null(); });
    for (const auto& [name, value] : own_.items()) parameter_text("lightgbm", name, value);
  }

  bool learns_from_missing() const override { return true; }
  bool stops_early() const override { return plan_.patience > 0; }

  std::unique_ptr<TrainedModel> fit(const TrainingData& data, const TrainingData* held_out,
                                    const FitContext& context) const override {
    check(data, true, problem_.features);
    const auto& lib = LightGbmLibrary::loaded();
    check_names(lib);
    if (data.rows() > static_cast<size_t>(std::numeric_limits<int32_t>::max()))
      throw Error(ErrorCode::invalid, fmt::format("LightGBM takes no {} rows", data.rows()));
    const auto text = parameters_for(data, context);
    const auto training = dataset(lib, data, plan_.class_weights.of(data), nullptr, text);
    Dataset valid;
    Handle made = nullptr;
    lib.check(lib.booster_create(training.get(), text.c_str(), &made), "reads its parameters");
    Booster booster(made);
    if (held_out != nullptr) {
      const std::vector<double> weights(held_out->weights.begin(), held_out->weights.end());
      valid = dataset(lib, *held_out, weights, training.get(), text);
      lib.check(lib.booster_add_valid(booster.get(), valid.get()), "takes the rows held out");
    }
    std::vector<TrainingSeries> series;
    const size_t kept = train(lib, booster.get(), held_out != nullptr, context, series);
    auto model =
        std::make_unique<LightGbmModel>(std::move(booster), data.columns, data.outputs(), kept);
    model->series = std::move(series);
    return model;
  }

 private:
  void check_names(const LightGbmLibrary& lib) const {
    const auto known = library_parameters(lib);
    const std::set<std::string> names(known.begin(), known.end());
    for (const auto& [name, value] : own_.items())
      if (!names.contains(name))
        throw Error(ErrorCode::invalid, fmt::format("lightgbm: {} is no parameter of it", name))
            .hint(spelling_hint(name, known));
  }

  // What the wrapper of Python adds to the parameters, and that the result shall not depend on the
  // number of threads.
  std::string parameters_for(const TrainingData& data, const FitContext& context) const {
    auto all = own_;
    if (!given(all, {"objective", "objective_type", "app", "application", "loss"}))
      all["objective"] = !data.classification()  ? "regression"
                         : data.class_count == 2 ? "binary"
                                                 : "multiclass";
    if (data.classification() && data.class_count > 2) all["num_class"] = data.class_count;
    for (const char* name : {"n_jobs", "num_threads", "num_thread", "nthread", "nthreads"})
      all.erase(name);
    all["num_threads"] = context.threads;
    all["verbosity"] = -1;
    if (!given(all, {"deterministic"})) all["deterministic"] = true;
    if (!given(all, {"force_col_wise", "force_row_wise"})) all["force_col_wise"] = true;
    std::string text;
    for (const auto& [name, value] : all.items())
      text += name + "=" + parameter_text("lightgbm", name, value) + " ";
    return text;
  }

  Dataset dataset(const LightGbmLibrary& lib, const TrainingData& data,
                  const std::vector<double>& weights, Handle reference,
                  const std::string& parameters) const {
    Handle made = nullptr;
    const auto rows = static_cast<int32_t>(data.rows());
    lib.check(lib.dataset_from_matrix(data.features.data(), kFloat32, rows,
                                      static_cast<int32_t>(data.columns), kRowMajor,
                                      parameters.c_str(), reference, &made),
              "takes the features");
    Dataset set(made);
    std::vector<float> labels(data.rows());
    for (size_t row = 0; row < labels.size(); ++row)
      labels[row] = data.classification() ? static_cast<float>(data.classes[row])
                                          : static_cast<float>(data.targets[row]);
    lib.check(lib.dataset_set_field(made, "label", labels.data(), rows, kFloat32),
              "takes the labels");
    if (!weights.empty()) {
      const std::vector<float> as_float(weights.begin(), weights.end());
      lib.check(lib.dataset_set_field(made, "weight", as_float.data(), rows, kFloat32),
                "takes the weights");
    }
    set_names(lib, made, data.columns);
    return set;
  }

  // Its JSON has no names with these signs. Without names features are Column_0, Column_1, ...
  void set_names(const LightGbmLibrary& lib, Handle dataset, size_t columns) const {
    const auto names = writable_names(problem_, columns, "\",:[]{}");
    if (names.empty()) return;
    std::vector<const char*> pointers;
    for (const auto& name : names) pointers.push_back(name.c_str());
    lib.check(lib.dataset_set_names(dataset, pointers.data(), static_cast<int>(pointers.size())),
              "takes the features' names");
  }

  static std::vector<std::string> number_names(const LightGbmLibrary& lib, Handle booster) {
    int count = 0;
    lib.check(lib.booster_eval_count(booster, &count), "names its metrics");
    constexpr size_t kRoom = 256;
    std::vector<std::string> names(static_cast<size_t>(count), std::string(kRoom, '\0'));
    std::vector<char*> pointers;
    for (auto& name : names) pointers.push_back(name.data());
    size_t longest = 0;
    lib.check(lib.booster_eval_names(booster, count, &count, kRoom, &longest, pointers.data()),
              "names its metrics");
    for (auto& name : names) name.resize(std::min(name.find('\0'), name.size()));
    return names;
  }

  // Iterations kept.
  size_t train(const LightGbmLibrary& lib, Handle booster, bool watched, const FitContext& context,
               std::vector<TrainingSeries>& series) const {
    const auto names = number_names(lib, booster);
    std::vector<bool> rises;
    for (const auto& name : names) {
      const auto begins = [&](const char* with) { return name.starts_with(with); };
      rises.push_back(begins("auc") || begins("ndcg@") || begins("map@") ||
                      begins("average_precision") || name == "r2");
    }
    for (const char* part : watched ? std::vector{"training", "held_out"} : std::vector{"training"})
      for (const auto& name : names) series.push_back({fmt::format("{}/{}", part, name), {}});
    EarlyStopping stopping(plan_);
    std::vector<double> numbers(names.size());
    size_t done = 0;
    bool stopped = false;
    for (int finished = 0; done < plan_.iterations && finished == 0 && !stopped; ++done) {
      context.check_cancelled();
      lib.check(lib.booster_update(booster, &finished), "trains");
      for (int part = 0; part < (watched ? 2 : 1) && !names.empty(); ++part) {
        int count = 0;
        lib.check(lib.booster_eval(booster, part, &count, numbers.data()), "tells its metrics");
        for (size_t i = 0; i < names.size(); ++i)
          series[static_cast<size_t>(part) * names.size() + i].values.push_back(numbers[i]);
      }
      stopped = watched && plan_.patience > 0 && stopping.should_stop(done, numbers, rises);
    }
    return watched && plan_.patience > 0 ? stopping.best_iterations(done) : done;
  }

  Problem problem_;
  EstimatorParameters reader_;
  BoostingPlan plan_;
  nlohmann::json own_;
};

}  // namespace

std::unique_ptr<Estimator> make_lightgbm(const Problem& problem, const nlohmann::json& parameters) {
  return std::make_unique<LightGbm>(problem, parameters);
}

}  // namespace geoloom::learn
