// SPDX-License-Identifier: Apache-2.0
// Folds of a table of samples, as a column of it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "error/error.h"
#include "geo/calendar.h"
#include "geo/coordinate_operation.h"
#include "learn/random_numbers.h"
#include "learn/splits.h"
#include "ops/export/profile.h"
#include "ops/sample/table_product.h"

namespace geoloom::ops {
namespace {

const workflow::OpDescription kDescription{
    .name = "split",
    .kind = workflow::OpKind::task,
    .version = 2,
    .summary = "Folds of a table of samples: at random, by space, by time, by region",
    .documentation =
        R"(Gives a table the column `fold`: a sample of fold 3 is tested in round 3 and trained on in the others. With
`test_share: 0.2` instead of `folds`, about a fifth of the rows gets fold 0 and is tested once; the others get -1.

How far tested samples are from those trained on decides what an accuracy says: random folds measure how well a model fills gaps between
samples, folds by space how well it carries over to places without any. Both are worth knowing; they are not the same number.

| method | folds |
|---|---|
| `random` | shuffled rows |
| `stratified` | shuffled rows of each class, so that folds have like shares |
| `column` | rows of one value of `column` (`item`, `group`, `label`, or a feature of whole numbers) together; `folds: 0` leaves each value out once |
| `blocks` | squares of `block_size` together |
| `clusters` | clusters no wider than `max_distance`, by complete linkage, together |
| `nearest` | nearest neighbour distance matching (Linnenbrink et al. 2024): distances from tested to trained samples are like those from the map's pixels to samples |
| `temporal` | `period`s of the samples' dates together; with `test_share` the latest are tested |

Samples of one group (a polygon) are never in two folds, whatever the method. Sizes are in metres for a projected CRS and for degrees (on a
sphere), else in its units. The same table and `seed` give the same folds. Clusters and `nearest` compare all pairs of places, up to 15 000, without
keeping their distances. `nearest` needs a step with a grid, whose pixels it draws `predicted_places` of. Features are copied in pieces: memory does not grow with
them, and 512 MiB are enough for two million rows; larger tables are refused.

The layer is named by `as:`, by default `<layer>_split`. It measures `rows`, `items`, `folds`, `parts` (values, blocks, clusters or periods kept together) and,
of `nearest`, `mismatch` and `random_mismatch`: how much the distances differ for these folds and for random ones (Wasserstein distance).)",
    .inputs = {},
    .outputs = {{"table", "the same rows, with folds"}}};

// Of the columns that are looked at, all but the features; units, parts and folds of rows take
// about three times as much.
constexpr uint64_t kMostTableBytes = uint64_t{128} << 20;
constexpr size_t kMemoryBytes = size_t{512} << 20;

const std::map<std::string, learn::SplitMethod> kMethods{
    {"random", learn::SplitMethod::random},     {"stratified", learn::SplitMethod::stratified},
    {"column", learn::SplitMethod::column},     {"blocks", learn::SplitMethod::blocks},
    {"clusters", learn::SplitMethod::clusters}, {"nearest", learn::SplitMethod::nearest},
    {"temporal", learn::SplitMethod::temporal}};

std::vector<learn::PlacePoint> points_of(const std::string& crs_text, std::span<const double> x,
                                         std::span<const double> y) {
  const bool degrees =
      !crs_text.empty() && crs_text != "mixed" && geo::Crs::parse(crs_text).geographic();
  return degrees ? learn::spherical_points(x, y) : learn::planar_points(x, y);
}

// Of a block the class of its first pixel.
std::vector<int64_t> classes_of(const learn::SampleTable& table) {
  std::vector<int64_t> classes;
  if (!table.class_labels.empty())
    for (size_t row = 0; row < table.rows; ++row)
      classes.push_back(table.class_labels[row * table.schema.block_pixels()]);
  return classes;
}

class Split : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "The table: a layer of one file")
        .main()
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("method", &method_, "How rows are put into folds")
        .choices({"random", "stratified", "column", "blocks", "clusters", "nearest", "temporal"});
    parameters.add("folds", &folds_, "How many; 0: one for each value, block, cluster or period")
        .range(0, 10'000);
    parameters
        .add("test_share", &rule_.test_share, "Test this share of rows once, instead of folds")
        .range(0, 0.99);
    parameters.add("seed", &seed_, "Another one gives other folds").range(0, 9e15);
    parameters.add("column", &column_, "Of `column`: item, group, label or a feature");
    parameters.add("block_size", &rule_.block_size, "Of `blocks`: side of a square").unit("m");
    parameters.add("max_distance", &rule_.max_distance, "Of `clusters`: widest cluster").unit("m");
    parameters.add("period", &period_, "Of `temporal`").choices({"day", "month", "year"});
    parameters
        .add("predicted_places", &predicted_places_, "Of `nearest`: how many pixels of the map")
        .range(10, 20'000);
  }

  void set_result_name(const std::string& layer) override { result_ = layer; }
  void check() override {
    check_layer_name("split.as", layer_made());
    rule_.method = kMethods.at(method_);
    rule_.folds = static_cast<size_t>(folds_);
    rule_.seed = static_cast<uint64_t>(seed_);
  }
  std::string layer_made() const override { return result_.empty() ? layer_ + "_split" : result_; }
  std::vector<std::string> layers_read() const override { return {layer_}; }
  bool needs_grid() const override { return method_ == "nearest"; }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    const auto& info = layers.info(layer_);
    workflow::require_kind(info, workflow::LayerKind::table, "split.layer");
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::table;
    made.metrics = metrics();
    if (info.table) {
      auto schema = *info.table;
      schema.folded = true;
      made.table = std::make_shared<const learn::TableSchema>(std::move(schema));
    }
    return made;
  }

  size_t memory_bytes(const geo::Grid&) const override { return kMemoryBytes; }

  workflow::Product run(const workflow::TaskContext& context) const override;

 private:
  std::vector<workflow::MetricDeclaration> metrics() const {
    auto all = table_metrics();
    all.push_back({"folds", workflow::ScalarType::integer, "", "rounds of testing"});
    all.push_back({"parts", workflow::ScalarType::integer, "", "kept together"});
    all.push_back({"mismatch", workflow::ScalarType::number, "m", "of these folds"});
    all.push_back({"random_mismatch", workflow::ScalarType::number, "m", "of random folds"});
    return all;
  }
  std::vector<int64_t> values_of(const learn::SampleTable& table, const std::string& path) const;
  std::vector<int64_t> periods_of(const learn::SampleTable& table) const;
  std::vector<learn::PlacePoint> predicted(const learn::SampleTable& table,
                                           const workflow::TaskContext& context) const;

  std::string layer_, result_, method_ = "random", column_ = "item", period_ = "year";
  int64_t folds_ = 5, seed_ = 42, predicted_places_ = 1000;
  learn::SplitRule rule_;
};

std::vector<int64_t> Split::values_of(const learn::SampleTable& table,
                                      const std::string& path) const {
  if (column_ == "item") return {table.item.begin(), table.item.end()};
  if (column_ == "group") return table.group;
  if (column_ == "label" || column_ == table.schema.label) return classes_of(table);
  const auto names = table.schema.feature_names();
  const auto found = std::find(names.begin(), names.end(), column_);
  if (found == names.end())
    throw Error(ErrorCode::invalid, fmt::format("split.column: the table has no '{}'", column_))
        .hint("known: item, group, label and the names of features");
  std::vector<int64_t> values;
  for (const float value : learn::read_feature(path, static_cast<size_t>(found - names.begin()))) {
    if (!(std::fabs(value) < 0x1p53F) || std::trunc(value) != value)
      throw Error(ErrorCode::invalid, fmt::format("split.column: '{}' holds {} in row {}, which is "
                                                  "no whole number",
                                                  column_, value, values.size() + 1));
    values.push_back(static_cast<int64_t>(value));
  }
  return values;
}

std::vector<int64_t> Split::periods_of(const learn::SampleTable& table) const {
  std::vector<int64_t> periods;
  for (const int64_t day : table.date) {
    const auto date = geo::date_of(day == learn::kNoDate ? 0 : day);
    periods.push_back(day == learn::kNoDate ? learn::kNoDate
                      : period_ == "day"    ? day
                      : period_ == "month"  ? int64_t{date.year} * 12 + date.month
                                            : date.year);
  }
  return periods;
}

// Pixels of the run's part of the grid, drawn evenly.
std::vector<learn::PlacePoint> Split::predicted(const learn::SampleTable& table,
                                                const workflow::TaskContext& context) const {
  const auto& window = context.selected;
  if (window.empty()) return {};
  learn::RandomNumbers numbers(rule_.seed, "predicted");
  std::vector<double> x, y;
  for (const uint64_t pixel : numbers.choose(static_cast<uint64_t>(window.pixels()),
                                             static_cast<uint64_t>(predicted_places_))) {
    const auto row = static_cast<int64_t>(pixel) / window.width;
    const auto column = static_cast<int64_t>(pixel) % window.width;
    const auto box = context.grid.box({window.x + column, window.y + row, 1, 1});
    x.push_back((box.min_x + box.max_x) / 2);
    y.push_back((box.min_y + box.max_y) / 2);
  }
  if (!table.schema.crs.empty() && table.schema.crs != "mixed")
    geo::CoordinateOperation::between(context.grid.crs, geo::Crs::parse(table.schema.crs))
        .forward(x, y);
  return points_of(table.schema.crs, x, y);
}

workflow::Product Split::run(const workflow::TaskContext& context) const {
  const auto paths = tables_of_layer(layer_, false, "merge_samples first", context);
  if (paths.size() != 1)
    throw Error(ErrorCode::invalid,
                fmt::format("split.layer: '{}' has {} tables", layer_, paths.size()))
        .hint("put them together with merge_samples first");
  const auto table = learn::read_table_without_features(paths.front(), kMostTableBytes);
  const auto values =
      method_ == "column" ? values_of(table, paths.front()) : std::vector<int64_t>{};
  const auto periods = periods_of(table);
  const auto places = points_of(table.schema.crs, table.x, table.y);
  const auto map =
      method_ == "nearest" ? predicted(table, context) : std::vector<learn::PlacePoint>{};
  const auto classes = classes_of(table);
  const learn::SplitRows rows{table.rows, table.group, classes, values, periods, places, map};
  const auto split = learn::split_rows(rule_, rows);
  const auto to = fmt::format("{}/{}.npz", context.scratch_folder, layer_made());
  learn::write_table_with_folds(paths.front(), split.fold, to);
  auto product = table_product(layer_made(), to, learn::describe_table(to));
  const auto declared = metrics();
  product.metrics->set(declared[2], {static_cast<int64_t>(split.folds)});
  product.metrics->set(declared[3], {static_cast<int64_t>(split.parts)});
  if (method_ == "nearest") {
    product.metrics->set(declared[4], {split.mismatch});
    product.metrics->set(declared[5], {split.random_mismatch});
  }
  return product;
}

}  // namespace

std::unique_ptr<workflow::Op> make_split() {
  return std::make_unique<Split>();
}

}  // namespace geoloom::ops
