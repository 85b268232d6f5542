// SPDX-License-Identifier: Apache-2.0
#include "learn/training_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "error/error.h"
#include "geo/calendar.h"
#include "geo/crs.h"
#include "learn/text_table.h"

namespace geoloom::learn {
namespace {

constexpr double kNoScore = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kPixelsTogether = 4096;

bool complete(const float* features, size_t columns) {
  return std::all_of(features, features + columns, [](float v) { return std::isfinite(v); });
}

// Takes the rows of a table over, one by one.
class RowTaker {
 public:
  RowTaker(const SampleTable& table, MissingFeatures missing, bool weighted, LearnableRows& rows)
      : table_(table), missing_(missing), weighted_(weighted), rows_(rows) {
    for (const auto group : table.group) next_group_ = std::max(next_group_, group + 1);
  }

  void take_all() {
    const size_t pixels = table_.schema.block_pixels();
    for (size_t sample = 0; sample < table_.rows; ++sample) {
      const int64_t group = group_of(sample, pixels);
      for (size_t pixel = 0; pixel < pixels; ++pixel) take(sample, sample * pixels + pixel, group);
    }
  }

 private:
  int64_t group_of(size_t sample, size_t pixels) {
    if (table_.schema.grouped && table_.group[sample] != kNoGroup) return table_.group[sample];
    return pixels > 1 ? next_group_ + static_cast<int64_t>(sample) : kNoGroup;
  }

  // False where the label is not known, or of a class that is not asked for.
  bool take_label(size_t at) {
    if (rows_.class_count == 0) {
      if (!std::isfinite(table_.number_labels[at])) return false;
      rows_.targets.push_back(table_.number_labels[at]);
      return true;
    }
    const auto& codes = rows_.problem.class_values;
    const auto found = std::lower_bound(codes.begin(), codes.end(), table_.class_labels[at]);
    if (found == codes.end() || *found != table_.class_labels[at]) return false;
    rows_.classes.push_back(static_cast<int32_t>(found - codes.begin()));
    return true;
  }

  void refuse(size_t sample, const float* features) const {
    size_t column = 0;
    while (std::isfinite(features[column])) ++column;
    throw Error(ErrorCode::invalid, fmt::format("feature {} of sample {} is missing",
                                                table_.schema.features[column].name, sample))
        .hint("missing: drop leaves such samples out");
  }

  void leave_out(LeftOutRow row) {
    if (rows_.left_out.size() < LearnableRows::kMostLeftOut) rows_.left_out.push_back(row);
  }

  void take(size_t sample, size_t at, int64_t group) {
    const float* features = table_.features.data() + at * rows_.columns;
    const bool whole = complete(features, rows_.columns);
    if (!whole && missing_ == MissingFeatures::refuse) refuse(sample, features);
    if (!whole && missing_ == MissingFeatures::drop) {
      ++rows_.incomplete;
      leave_out({sample, at, true});
      return;
    }
    if (!take_label(at)) {
      ++rows_.unlabelled;
      leave_out({sample, at, false});
      return;
    }
    for (size_t c = 0; c < rows_.columns; ++c)
      rows_.features.push_back(
          std::isfinite(features[c]) ? features[c] : std::numeric_limits<float>::quiet_NaN());
    rows_.groups.push_back(group);
    if (weighted_) rows_.weights.push_back(table_.weight[sample]);
    if (table_.schema.folded) rows_.folds.push_back(table_.fold[sample]);
    if (table_.schema.dated) rows_.dates.push_back(table_.date[sample]);
    if (!table_.schema.located) return;
    rows_.x.push_back(table_.x[sample]);
    rows_.y.push_back(table_.y[sample]);
  }

  const SampleTable& table_;
  MissingFeatures missing_;
  bool weighted_;
  LearnableRows& rows_;
  int64_t next_group_ = 0;
};

std::string class_name(const TableSchema& schema, int64_t code) {
  for (const auto& each : schema.classes)
    if (each.code == code) return each.name;
  return "";
}

// Of the samples' pixels; of tables from outside the first and the last date. nullopt: not known.
std::optional<geo::Period> period_of(const SampleTable& table) {
  if (table.sampling.period) return table.sampling.period;
  std::optional<geo::Period> period;
  for (const int64_t day : table.date) {
    if (day == kNoDate) continue;
    const geo::TimeMs time = day * geo::kDayMs;
    if (!period) period = geo::Period{time, time};
    period->start = std::min(period->start, time);
    period->end = std::max(period->end, time);
  }
  return period;
}

std::vector<PlacePoint> places_of(const LearnableRows& rows, const std::string& crs) {
  if (rows.x.empty() || crs == kMixedCrs) return {};
  const bool degrees = !crs.empty() && geo::Crs::parse(crs).geographic();
  return degrees ? spherical_points(rows.x, rows.y) : planar_points(rows.x, rows.y);
}

std::string described(const ValidationPlan& plan, const Split& split) {
  if (plan.table_folds) return fmt::format("{} folds of the table", split.folds);
  std::string text = fmt::format("{} folds", split.folds);
  const auto& rule = plan.rule;
  if (rule.method == SplitMethod::blocks)
    text += fmt::format(" of {} blocks, {} wide", split.parts, rule.block_size);
  if (rule.method == SplitMethod::clusters)
    text += fmt::format(" of {} clusters, at most {} wide", split.parts, rule.max_distance);
  if (rule.method == SplitMethod::temporal) text += fmt::format(" of {} periods", split.parts);
  return text + fmt::format(", seed {}", rule.seed);
}

// The whole of one training, from rows to the package.
class Training {
 public:
  Training(const SampleTable& table, const TrainingPlan& plan, const FitContext& context)
      : table_(table),
        plan_(plan),
        context_(context),
        rows_(rows_for(table, plan)),
        data_(rows_.view()),
        candidates_{plan.algorithm, rows_.problem, grid_of(plan.parameters, plan.grid),
                    measure_called(plan.measure, rows_.problem.task)},
        hold_back_{plan.held_back_share, rows_.groups, plan.seed} {
    for (size_t i = 0; i < candidates_.parameters.size(); ++i)  // all are checked before any work
      make_estimator(plan.algorithm, rows_.problem, candidates_.parameters[i]);
  }

  TrainingOutcome run() {
    note_rows();
    split();
    const size_t best = chosen();
    const auto& parameters = candidates_.parameters[best];
    const auto estimator = make_estimator(plan_.algorithm, rows_.problem, parameters);
    if (plan_.missing == MissingFeatures::keep && !estimator->learns_from_missing())
      check(data_, false, rows_.problem.features);
    const auto model = fit_holding_back(*estimator, data_, hold_back_, context_);
    describe(*model, parameters);
    validate_all(*model);
    study(*model, best);
    package(*model, parameters);
    return std::move(outcome_);
  }

 private:
  static LearnableRows rows_for(const SampleTable& table, const TrainingPlan& plan) {
    auto rows = learnable_rows(table, plan.missing, plan.weighted);
    rows.problem.quantiles = plan.quantiles;
    return rows;
  }

  void note(std::string text) {
    outcome_.notes.push_back(text);
    outcome_.evaluation.notes.push_back(std::move(text));
  }

  void note_rows() {
    if (rows_.incomplete > 0)
      note(fmt::format("{} rows with missing features were left out", rows_.incomplete));
    if (rows_.unlabelled > 0)
      note(fmt::format("{} rows without a label were left out", rows_.unlabelled));
    if (!rows_.left_out.empty())
      outcome_.notes.push_back(fmt::format(
          "{} in the package tells which, and why{}", kLeftOutFileName,
          rows_.left_out.size() == LearnableRows::kMostLeftOut ? ", of the first 100 000" : ""));
  }

  void split() {
    for (const auto& validation : plan_.validations) {
      SplitRows rows{.rows = data_.rows(), .groups = rows_.groups};
      const std::vector<int64_t> codes(rows_.classes.begin(), rows_.classes.end());
      rows.classes = codes;
      rows.periods = rows_.dates;
      const auto places = places_of(rows_, table_.schema.crs);
      rows.places = places;
      if (!validation.table_folds) {
        splits_.push_back(split_rows(validation.rule, rows));
        continue;
      }
      if (rows_.folds.empty())
        throw Error(ErrorCode::invalid, "the table has no folds")
            .hint("split it first, or validate with random or spatial folds");
      Split split{.fold = rows_.folds, .folds = 0};
      for (const auto fold : rows_.folds)
        split.folds = std::max(split.folds, static_cast<size_t>(fold + 1));
      splits_.push_back(std::move(split));
    }
  }

  size_t preferred() const {
    for (size_t i = 0; i < splits_.size(); ++i)
      if (plan_.validations[i].kind == TestKind::spatial_folds) return i;
    return 0;
  }

  size_t chosen() {
    if (candidates_.parameters.size() == 1) return 0;
    if (splits_.empty())
      throw Error(ErrorCode::invalid, "parameters cannot be chosen without a validation")
          .hint("validate: [spatial] or [random]");
    const auto choice = choose(candidates_, data_, splits_[preferred()].fold, hold_back_, context_);
    note(fmt::format("of {} combinations of parameters {} was chosen by {} of the {}",
                     candidates_.parameters.size(), candidates_.parameters[choice.best].dump(),
                     candidates_.measure.name, learn::name(plan_.validations[preferred()].kind)));
    return choice.best;
  }

  void describe(const TrainedModel& model, const nlohmann::json& parameters) {
    auto& e = outcome_.evaluation;
    e.model = plan_.name;
    e.algorithm = fmt::format("{} ({})", plan_.algorithm, model.library);
    e.problem = rows_.problem;
    e.parameters = parameters;
    e.rows = data_.rows();
    e.measure = candidates_.measure.name;
    e.importances = model.importances();
    e.series = model.series;
  }

  void validate_all(const TrainedModel& model) {
    auto& tests = outcome_.evaluation.tests;
    for (size_t i = 0; i < splits_.size(); ++i) {
      const auto& validation = plan_.validations[i];
      const auto result = cross_validate(candidates_, data_, splits_[i].fold,
                                         {hold_back_, plan_.permutations}, context_);
      tests.push_back(test_of(validation.kind, described(validation, splits_[i]), data_, result));
    }
    if (!model.out_of_bag.empty())
      tests.push_back(test_of(TestKind::out_of_bag, fmt::format("{} trees", model.iterations),
                              data_, model.out_of_bag));
  }

  void study(const TrainedModel& model, size_t best) {
    auto& e = outcome_.evaluation;
    if (!plan_.learning_curve.empty() && !splits_.empty()) {
      auto one = candidates_;
      one.parameters = {candidates_.parameters[best]};
      e.learning_curve = learning_curve(one, data_, splits_[preferred()].fold, plan_.learning_curve,
                                        hold_back_, context_);
    }
    if (!plan_.applicability) return;
    if (splits_.empty())
      throw Error(ErrorCode::invalid, "an area of applicability needs a validation")
          .hint("validate: [spatial] says where the model carries over");
    const auto& of_test = e.tests[preferred()].importance;
    e.applicability = area(of_test.empty() ? model.importances() : of_test);
  }

  Applicability area(const std::vector<double>& importance) const {
    std::vector<size_t> whole;
    std::vector<int32_t> folds;
    for (size_t row = 0; row < data_.rows(); ++row) {
      if (!complete(data_.features.data() + row * data_.columns, data_.columns)) continue;
      whole.push_back(row);
      folds.push_back(splits_[preferred()].fold[row]);
    }
    const TrainingRows rows(data_, whole);
    auto made = area_of_applicability(rows.view(), importance, folds,
                                      {plan_.applicability_rows, plan_.seed}, context_.for_each);
    made.features = rows_.problem.features;
    return made;
  }

  void package(const TrainedModel& model, const nlohmann::json& parameters) {
    auto& card = outcome_.package.card;
    auto file = model.file();
    card.name = plan_.name;
    card.task = rows_.problem.task;
    card.method = plan_.algorithm;
    card.origin = model.library;
    for (const auto& feature : table_.schema.features)
      card.features.push_back(
          {.name = feature.name, .unit = feature.unit, .recipe = feature.recipe});
    card.label = table_.schema.label;
    card.label_unit = table_.schema.label_unit;
    for (size_t c = 0; c < rows_.class_count; ++c)
      card.classes.push_back(
          {.value = rows_.problem.class_values[c], .name = rows_.problem.class_names[c]});
    card.set_quantiles(plan_.quantiles);
    card.data_hash = plan_.data_hash;
    card.fingerprint = plan_.fingerprint;
    if (const auto period = period_of(table_)) {
      card.period_start = geo::format_time(period->start);
      card.period_end = geo::format_time(period->end);
    }
    card.samples = data_.rows();
    card.bbox = bounding_box();
    card.parameters = parameters;
    card.model_file = file.name;
    for (const auto& rate : table_.sampling.rates)
      card.sampling_rates[std::to_string(rate.code)] = {{"available", rate.available},
                                                        {"drawn", rate.drawn}};
    outcome_.package.model = std::move(file.bytes);
    const auto evaluation = to_json(outcome_.evaluation);
    for (const auto& test : evaluation["tests"]) {
      const auto kind = test["kind"].get<std::string>();
      card.metrics[kind] = test["scores"];
      card.tests[kind] = test["described"];
    }
    nlohmann::ordered_json kubeflow = nlohmann::ordered_json::object();
    for (const auto& test : evaluation["tests"])
      kubeflow[test["kind"].get<std::string>()] = kubeflow_metrics(test);
    outcome_.package.extra[kKubeflowFileName] = kubeflow.dump(1) + "\n";
    outcome_.package.extra[kEvaluationFileName] = evaluation.dump(1) + "\n";
    if (!rows_.left_out.empty())
      outcome_.package.extra[kLeftOutFileName] = left_out_csv(table_, rows_.left_out);
    if (!outcome_.evaluation.applicability) return;
    const auto& area = *outcome_.evaluation.applicability;
    card.applicability = {{"file", kApplicabilityFileName},
                          {"threshold", area.threshold},
                          {"mean_distance", area.mean_distance},
                          {"reference_rows", area.rows()}};
    outcome_.package.extra[kApplicabilityFileName] = applicability_file_bytes(area);
  }

  // Of places that can be told in degrees.
  std::vector<double> bounding_box() const {
    if (rows_.x.empty() || table_.schema.crs.empty() || table_.schema.crs == kMixedCrs) return {};
    const auto crs = geo::Crs::parse(table_.schema.crs);
    std::vector<double> box{180, 90, -180, -90};
    for (size_t row = 0; row < rows_.x.size(); ++row) {
      const auto at = geo::to_lon_lat(crs, rows_.x[row], rows_.y[row]);
      box = {std::min(box[0], at.lon), std::min(box[1], at.lat), std::max(box[2], at.lon),
             std::max(box[3], at.lat)};
    }
    return box;
  }

  const SampleTable& table_;
  const TrainingPlan& plan_;
  const FitContext& context_;
  LearnableRows rows_;
  TrainingData data_;
  Candidates candidates_;
  HoldBack hold_back_;
  std::vector<Split> splits_;
  TrainingOutcome outcome_;
};

}  // namespace

TrainingData LearnableRows::view() const {
  return {.features = features,
          .columns = columns,
          .classes = classes,
          .targets = targets,
          .class_count = class_count,
          .weights = weights,
          .quantiles = problem.quantiles};
}

std::string left_out_csv(const SampleTable& table, const std::vector<LeftOutRow>& rows) {
  const auto& schema = table.schema;
  std::string text = "sample,item";
  if (schema.located) text += ",x,y";
  if (schema.grouped) text += ",group";
  text += ",reason\n";
  const size_t columns = schema.features.size();
  for (const auto& row : rows) {
    text += fmt::format("{},{}", row.sample, in_quotes(table.items.at(table.item[row.sample])));
    if (schema.located) text += fmt::format(",{},{}", table.x[row.sample], table.y[row.sample]);
    if (schema.grouped)
      text +=
          table.group[row.sample] == kNoGroup ? "," : fmt::format(",{}", table.group[row.sample]);
    std::string reason = row.labelled ? "no" : "no label";
    for (size_t c = 0; row.labelled && c < columns; ++c)
      if (!std::isfinite(table.features[row.at * columns + c]))
        reason += " " + schema.features[c].name;
    text += "," + in_quotes(reason) + "\n";
  }
  return text;
}

LearnableRows learnable_rows(const SampleTable& table, MissingFeatures missing, bool weighted,
                             const std::vector<int64_t>& classes) {
  const auto& schema = table.schema;
  if (schema.label_type == LabelType::none)
    throw Error(ErrorCode::invalid, "the table has no labels to learn from")
        .hint("sample with labels, or join them");
  if (weighted && !schema.weighted)
    throw Error(ErrorCode::invalid, "the table has no weights").hint("leave weights out");
  LearnableRows rows;
  rows.columns = schema.features.size();
  rows.problem.features = schema.feature_names();
  rows.problem.task =
      schema.label_type == LabelType::classes ? Task::classification : Task::regression;
  if (rows.problem.task == Task::classification) {
    rows.problem.class_values = classes.empty() ? codes_in(table) : classes;
    for (const auto code : rows.problem.class_values)
      rows.problem.class_names.push_back(class_name(schema, code));
    rows.class_count = rows.problem.class_values.size();
    if (rows.class_count == 0) throw Error(ErrorCode::invalid, "no row of the table has a label");
  }
  RowTaker(table, missing, weighted, rows).take_all();
  return rows;
}

TrainingOutcome train_model(const SampleTable& table, const TrainingPlan& plan,
                            const FitContext& context) {
  return Training(table, plan, context).run();
}

Test tested_model(const Model& model, const SampleTable& table, const std::string& described,
                  const FitContext& context, bool any_recipe) {
  const auto& card = model.card();
  const auto places = find_features(card, table.schema.feature_names(), described);
  if (!any_recipe) require_recipes(card, places, table.schema.feature_recipes(), described);
  const bool classes = card.task == Task::classification;
  if (classes != (table.schema.label_type == LabelType::classes))
    throw Error(ErrorCode::invalid, "the labels of the table are not what the model predicts")
        .hint(classes ? "it predicts classes" : "it predicts quantities");
  std::vector<int64_t> codes;
  for (const auto& each : card.classes) codes.push_back(each.value);
  if (!std::is_sorted(codes.begin(), codes.end()))
    throw Error(ErrorCode::invalid, "the classes of the model do not rise");
  if (card.value_names.size() > 1 && card.quantiles.empty())
    throw Error(ErrorCode::invalid,
                "what the several values are that the model predicts is not known")
        .hint("models that `train` makes with `quantiles` tell it");
  auto rows = learnable_rows(table, MissingFeatures::keep, false, codes);
  rows.problem.quantiles = card.quantiles;
  const auto data = rows.view();
  const size_t width = model.result_width(), count = data.rows();
  std::vector<double> predictions(count * width, kNoScore);
  context.for_each((count + kPixelsTogether - 1) / kPixelsTogether, [&](size_t chunk) {
    const size_t begin = chunk * kPixelsTogether, pixels = std::min(kPixelsTogether, count - begin);
    std::vector<float> planes(places.size() * pixels), results(width * pixels);
    std::vector<const float*> pointers;
    for (size_t f = 0; f < places.size(); ++f) {
      for (size_t i = 0; i < pixels; ++i)
        planes[f * pixels + i] = data.features[(begin + i) * data.columns + places[f]];
      pointers.push_back(planes.data() + f * pixels);
    }
    PredictorScratch scratch;
    model.predict(pointers, pixels, {.results = results.data(), .stride = pixels}, scratch);
    for (size_t i = 0; i < pixels; ++i)
      for (size_t o = 0; o < width; ++o)
        predictions[(begin + i) * width + o] = double{results[o * pixels + i]};
  });
  return test_of(TestKind::other_table, described, data, predictions);
}

}  // namespace geoloom::learn
