// SPDX-License-Identifier: Apache-2.0
// A labelled sample of a map becomes accuracies and areas with intervals.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "catalog/href.h"
#include "error/error.h"
#include "error/spelling.h"
#include "gdal/vector_file.h"
#include "learn/area_estimation.h"
#include "ops/assess/sample_design.h"
#include "ops/class_names.h"
#include "ops/export/profile.h"
#include "ops/load/shape_file.h"
#include "ops/metrics_file.h"
#include "workflow/item_task.h"

namespace geoloom::ops {
namespace {

using learn::AccuracyEstimate;
using learn::Estimate;
using learn::LabelledUnit;
using workflow::Json;
using workflow::MetricDeclaration;
using workflow::Scalar;
using workflow::ScalarType;

const workflow::OpDescription kDescription{
    .name = "assess",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "Accuracy of a map and areas with intervals, from its labelled probability sample",
    .documentation =
        R"(Takes back the file that `design` wrote, with labels, and estimates what it says of the map as a whole: overall accuracy, user's and
producer's accuracy of each class, and areas corrected for the map's errors, all with standard errors and 95 % intervals.

**Estimators.** Where strata are the map's classes, those of Olofsson et al. (2014), Remote Sensing of Environment 148, 42-57; where they are not,
those of Stehman (2014), International Journal of Remote Sensing 35, 4923-4939. A stratum with fewer than two labelled units gives no
interval, one without any gives no map accuracy; notes say so.

**Without a design** (no column `design`, or units that were added by hand) there is no map accuracy and no area: nobody knows how likely such places were to be
chosen. Then only the table of counts and the agreement of the samples are given, as `sample_agreement`, which is
no accuracy of the map.

**Labels** are names of classes, or their values where `classes` gives names to them; a label that is no class of the map is a class of its own, which the
map never says. Units without a label, and those that `ignore` names, are left out and counted as
`unlabelled`: if they are not like the others, the estimates are not what they seem.

**Results**, as metrics in the run's record and as JSON: `accuracy`, `accuracy_error` (standard error), `accuracy_95` (half width); of each class
`NAME.users`, `NAME.producers`, `NAME.area_share`, `NAME.hectares` with `_error` and `_95`; matrices `error_matrix` (shares of the map's area; rows are the map's
classes) and `counts`. What cannot be estimated is absent.)",
    .inputs = {},
    .outputs = {{"estimates", "JSON"}}};

constexpr double kSquareMetresPerHectare = 10'000;

const std::vector<MetricDeclaration> kDeclared{
    {"units", ScalarType::integer, "", "labelled units that were used"},
    {"unlabelled", ScalarType::integer, "", "units without a label, or ignored"},
    {"method", ScalarType::text, "", "estimator; `none` without a design"},
    {"accuracy", ScalarType::number, "", "overall accuracy of the map"},
    {"accuracy_error", ScalarType::number, "", "its standard error"},
    {"accuracy_95", ScalarType::number, "", "half the width of its 95 % interval"},
    {"sample_agreement", ScalarType::number, "", "without a design: of the samples only"}};

struct AssessSettings {
  std::string file, table, label = kLabelColumn, mapped = kMappedColumn, result = "assessment";
  std::map<std::string, std::string> class_names;
  std::vector<std::string> ignore;
  ClassNames names;
};

// A row of the file, as texts.
struct Row {
  std::string stratum, mapped, label, design;
};

class Sample {
 public:
  explicit Sample(const AssessSettings& settings);

  const std::vector<Row>& labelled() const { return labelled_; }
  size_t unlabelled() const { return unlabelled_; }
  // nullopt: the units were not drawn, and `why` tells how that is known.
  std::optional<SampleDesign> design(std::string& why) const;
  // Classes of the map and of labels.
  std::vector<std::string> classes(const std::optional<SampleDesign>& design) const;

 private:
  std::string class_of(const std::string& text) const;
  const AssessSettings& settings_;
  std::vector<Row> rows_, labelled_;
  size_t unlabelled_ = 0;
};

// The layer that has the column of labels.
std::pair<std::string, std::set<std::string>> layer_of(const AssessSettings& settings) {
  std::vector<std::string> known;
  for (const auto& layer : gdal::describe_vectors(catalog::gdal_path(settings.file))) {
    if (!settings.table.empty() && layer.name != settings.table) continue;
    std::set<std::string> columns;
    for (const auto& column : layer.columns) {
      columns.insert(column.name);
      known.push_back(column.name);
    }
    if (columns.count(settings.label) > 0 && columns.count(settings.mapped) > 0)
      return {layer.name, columns};
  }
  throw Error(ErrorCode::invalid, fmt::format("assess: no layer has the columns '{}' and '{}'",
                                              settings.label, settings.mapped))
      .at({.file = settings.file})
      .hint(spelling_hint(settings.label, known));
}

Sample::Sample(const AssessSettings& settings) : settings_(settings) {
  const auto [layer, columns] = layer_of(settings);
  gdal::VectorQuery query{.layer = layer, .columns = {settings.mapped, settings.label}};
  const bool has_stratum = columns.count(kStratumColumn) > 0;
  const bool has_design = columns.count(kDesignColumn) > 0;
  if (has_stratum) query.columns.emplace_back(kStratumColumn);
  if (has_design) query.columns.emplace_back(kDesignColumn);
  for (const auto& read : gdal::read_vectors(catalog::gdal_path(settings.file), query)) {
    for (const auto& feature : read.features) {
      Row row;
      row.mapped = class_of(feature.values[0]);
      row.label = class_of(feature.values[1]);
      if (has_stratum) row.stratum = feature.values[2];
      if (has_design) row.design = feature.values.back();
      rows_.push_back(row);
      const bool ignored = std::find(settings.ignore.begin(), settings.ignore.end(),
                                     feature.values[1]) != settings.ignore.end();
      if (row.label.empty() || ignored)
        ++unlabelled_;
      else
        labelled_.push_back(std::move(row));
    }
  }
  if (labelled_.empty())
    throw Error(ErrorCode::empty,
                fmt::format("assess: none of the {} units has a label", rows_.size()))
        .at({.file = settings.file})
        .hint(fmt::format("fill the column '{}' first", settings.label));
}

// Values become names.
std::string Sample::class_of(const std::string& text) const {
  const auto found = settings_.class_names.find(text);
  return found == settings_.class_names.end() ? text : found->second;
}

std::optional<SampleDesign> Sample::design(std::string& why) const {
  for (const auto& row : rows_) {
    if (!row.design.empty() && row.design == rows_.front().design) continue;
    why = row.design.empty() ? "there are units that no `design` has drawn"
                             : "there are units of several designs";
    return std::nullopt;
  }
  auto design = SampleDesign::parse(rows_.front().design);
  std::map<std::string, uint64_t> drawn, there;
  for (const auto& stratum : design.strata) drawn[stratum.name] = stratum.sampled;
  for (const auto& row : rows_) {
    if (drawn.count(row.stratum) == 0)
      throw Error(ErrorCode::invalid,
                  fmt::format("assess: the design has no stratum '{}'", row.stratum))
          .at({.file = settings_.file});
    if (++there[row.stratum] > drawn[row.stratum]) {
      why = fmt::format("stratum '{}' has more units than were drawn", row.stratum);
      return std::nullopt;
    }
  }
  return design;
}

std::vector<std::string> Sample::classes(const std::optional<SampleDesign>& design) const {
  std::vector<std::string> classes;
  std::set<std::string> known;
  if (design)
    for (const auto& name : design->classes)
      if (known.insert(class_of(name)).second) classes.push_back(class_of(name));
  std::set<std::string> others;
  for (const auto& row : labelled_)
    for (const auto& name : {row.mapped, row.label})
      if (known.count(name) == 0) others.insert(name);
  classes.insert(classes.end(), others.begin(), others.end());
  return classes;
}

// ---------------------------------------------------------------------------------------------

class Assessment {
 public:
  explicit Assessment(const AssessSettings& settings)
      : sample_(settings), design_(sample_.design(why_not_)), classes_(sample_.classes(design_)) {}

  workflow::Metrics metrics();
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  uint32_t class_index(const std::string& name) const {
    return static_cast<uint32_t>(std::find(classes_.begin(), classes_.end(), name) -
                                 classes_.begin());
  }
  AccuracyEstimate estimate();
  void set(const std::string& name, const Estimate& estimate, double factor = 1,
           const std::string& unit = "");
  void set_matrix(const std::string& name, const std::string& meaning, std::vector<double> values);
  void set_counts();
  void set_estimates(const AccuracyEstimate& estimate);

  std::string why_not_;
  const Sample sample_;
  const std::optional<SampleDesign> design_;
  const std::vector<std::string> classes_;
  workflow::Metrics metrics_;
  std::vector<std::string> notes_;
};

AccuracyEstimate Assessment::estimate() {
  std::vector<LabelledUnit> units;
  std::map<std::string, uint32_t> strata;
  for (uint32_t h = 0; h < design_->strata.size(); ++h) strata[design_->strata[h].name] = h;
  if (!design_->by_class) {
    std::vector<learn::Stratum> sizes;
    for (const auto& stratum : design_->strata)
      sizes.push_back({stratum.name, static_cast<double>(stratum.units)});
    for (const auto& row : sample_.labelled())
      units.push_back({strata.at(row.stratum), class_index(row.mapped), class_index(row.label)});
    return learn::estimate_by_strata(classes_, sizes, units);
  }
  // Classes that only labels have are no strata: they have no units in the map.
  std::vector<double> sizes(classes_.size(), 0);
  for (size_t h = 0; h < design_->strata.size(); ++h)
    sizes[h] = static_cast<double>(design_->strata[h].units);
  for (const auto& row : sample_.labelled()) {
    const uint32_t mapped = class_index(row.mapped);
    if (mapped != strata.at(row.stratum))
      throw Error(
          ErrorCode::invalid,
          fmt::format("assess: a unit of stratum '{}' is mapped as '{}'", row.stratum, row.mapped))
          .hint("leave the columns `stratum` and `mapped` as `design` wrote them");
    units.push_back({mapped, mapped, class_index(row.label)});
  }
  return learn::estimate_by_map_classes(classes_, sizes, units);
}

void Assessment::set(const std::string& name, const Estimate& estimate, double factor,
                     const std::string& unit) {
  const auto put = [&](const std::string& full, const std::optional<double>& value) {
    metrics_.scalars[full] = value ? Scalar{*value * factor} : Scalar{};
    if (!unit.empty()) metrics_.units[full] = unit;
  };
  put(name, estimate.value);
  put(name + "_error", estimate.standard_error);
  put(name + "_95", estimate.half_width_95());
}

void Assessment::set_matrix(const std::string& name, const std::string& meaning,
                            std::vector<double> values) {
  metrics_.matrices[name] = {"mapped " + meaning, "label", classes_, classes_, std::move(values)};
}

void Assessment::set_counts() {
  std::vector<double> counts(classes_.size() * classes_.size());
  size_t agree = 0;
  for (const auto& row : sample_.labelled()) {
    ++counts[class_index(row.mapped) * classes_.size() + class_index(row.label)];
    if (row.mapped == row.label) ++agree;
  }
  set_matrix("counts", "(units)", std::move(counts));
  metrics_.set(kDeclared[0], {static_cast<int64_t>(sample_.labelled().size())});
  metrics_.set(kDeclared[1], {static_cast<int64_t>(sample_.unlabelled())});
  metrics_.set(kDeclared[6], design_ ? Scalar{}
                                     : Scalar{static_cast<double>(agree) /
                                              static_cast<double>(sample_.labelled().size())});
}

void Assessment::set_estimates(const AccuracyEstimate& estimate) {
  metrics_.set(kDeclared[2], {estimate.method});
  set("accuracy", estimate.overall);
  const double hectares = design_->square_metres() / kSquareMetresPerHectare;
  for (const auto& each : estimate.classes) {
    set(each.name + ".users", each.users);
    set(each.name + ".producers", each.producers);
    set(each.name + ".area_share", each.area_share);
    set(each.name + ".hectares", each.area_share, hectares, "ha");
  }
  set_matrix("error_matrix", "(share of the area)", estimate.error_matrix);
  notes_.insert(notes_.end(), estimate.notes.begin(), estimate.notes.end());
}

workflow::Metrics Assessment::metrics() {
  set_counts();
  if (sample_.unlabelled() > 0)
    notes_.push_back(
        fmt::format("{} units have no label, or one that is ignored", sample_.unlabelled()));
  if (design_) {
    set_estimates(estimate());
  } else {
    metrics_.set(kDeclared[2], {std::string("none")});
    set("accuracy", {});
    notes_.push_back("no map accuracy and no areas: " + why_not_);
  }
  return std::move(metrics_);
}

// ---------------------------------------------------------------------------------------------

class AssessWork : public workflow::ItemWork {
 public:
  AssessWork(AssessSettings settings, const Json& frozen)
      : settings_(std::move(settings)), sha256_(frozen.at("sha256").get<std::string>()) {}

  std::optional<std::string> identity(const workflow::Item& /*item*/) const override {
    return sha256_;
  }
  std::optional<workflow::Product> run(const workflow::TaskContext& context) const override {
    if (vector_file_hash(settings_.file) != sha256_)
      throw Error(ErrorCode::invalid, "the file of labels changed after the run was created")
          .at({.file = settings_.file})
          .hint("start the run again: it looks at the file anew");
    Assessment assessment(settings_);
    auto metrics = assessment.metrics();
    if (context.notes != nullptr)
      context.notes->insert(context.notes->end(), assessment.notes().begin(),
                            assessment.notes().end());
    return metrics_product(settings_.result, std::move(metrics), context);
  }

 private:
  const AssessSettings settings_;
  const std::string sha256_;
};

class Assess : public workflow::ItemTaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("file", &settings_.file, "The labelled file: GeoPackage, GeoJSON, CSV ...")
        .main()
        .required()
        .meaning(workflow::Meaning::path)
        .not_identity();
    parameters.add("layer", &settings_.table, "Of a file with several");
    parameters.add("label", &settings_.label, "Column of labels");
    parameters.add("mapped", &settings_.mapped, "Column of what the map says");
    parameters.add("classes", &settings_.class_names, "Names of classes by their values");
    parameters.add("ignore", &settings_.ignore, "Labels that say nothing, such as `unsure`");
  }
  void check() override {
    settings_.names = ClassNames(settings_.class_names, "assess.classes");
    check_layer_name("assess.as", settings_.result);
  }
  void set_result_name(const std::string& layer) override {
    if (!layer.empty()) settings_.result = layer;
  }
  std::string layer_made() const override { return settings_.result; }

  workflow::LayerInfo plan(const workflow::Layers& /*layers*/) const override {
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::metrics;
    made.metrics = kDeclared;
    return made;
  }
  bool needs_grid() const override { return false; }
  size_t memory_bytes(const geo::Grid& /*grid*/) const override { return size_t{32} << 20; }

  Json freeze(const std::vector<workflow::Zone>& /*zones*/,
              workflow::FreezeReport& report) const override {
    const auto sha256 = vector_file_hash(settings_.file);
    const Sample sample(settings_);
    report.after_filter = {{"units", sample.labelled().size() + sample.unlabelled()},
                           {"labelled", sample.labelled().size()}};
    report.scenes = sample.labelled().size();
    return {{"file", settings_.file}, {"sha256", sha256}};
  }
  std::unique_ptr<workflow::ItemWork> open(
      const Json& frozen, const std::vector<workflow::Zone>& /*zones*/) const override {
    return std::make_unique<AssessWork>(settings_, frozen);
  }

 private:
  AssessSettings settings_;
};

}  // namespace

std::unique_ptr<workflow::Op> make_assess() {
  return std::make_unique<Assess>();
}

}  // namespace geoloom::ops
