// SPDX-License-Identifier: Apache-2.0
#include "ops/learn/learn_layers.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "gdal/dataset.h"
#include "learn/table_file.h"
#include "ops/layer_gaps.h"
#include "store/checksum.h"

namespace geoloom::ops {
namespace {

using workflow::MetricDeclaration;

constexpr size_t kLargestFile = size_t{4} << 30;
constexpr size_t kMostCurvePoints = 400;

struct NamedScore {
  const char* name;
  const char* help;
};
constexpr NamedScore kOfClasses[] = {{"overall_accuracy", "share of rows predicted rightly"},
                                     {"balanced_accuracy", "mean recall of the classes"},
                                     {"kappa", "Cohen's kappa"},
                                     {"f1", "mean F1 of the classes"},
                                     {"precision", "mean user's accuracy of the classes"},
                                     {"recall", "mean producer's accuracy of the classes"},
                                     {"auc", "area under the ROC curve"},
                                     {"log_loss", "logarithmic loss of the probabilities"},
                                     {"brier", "Brier score of the probabilities"}};
constexpr NamedScore kOfQuantities[] = {{"r2", "share of variance explained"},
                                        {"rmse", "root mean squared error"},
                                        {"mae", "mean absolute error"},
                                        {"mse", "mean squared error"},
                                        {"bias", "mean of predicted less true"}};
constexpr NamedScore kCoverage{"interval_coverage",
                               "share of true values from the lowest to the highest quantile"};

// Buckets are read through GDAL; tables and models want a file to seek in.
std::string local_copy(const std::string& path, const std::string& name,
                       const workflow::TaskContext& context) {
  if (!path.starts_with("/vsi")) return path;
  const auto copy = fmt::format("{}/{}", context.scratch_folder, name);
  std::ofstream file(copy, std::ios::binary);
  file << gdal::read_file(path, kLargestFile);
  file.close();
  if (!file)
    throw Error(ErrorCode::resource, fmt::format("cannot write {}", copy))
        .hint("is the disk full?");
  return copy;
}

std::vector<workflow::LayerFile> files_of(const std::string& layer,
                                          const workflow::TaskContext& context) {
  std::vector<workflow::LayerFile> files;
  LayerGaps gaps(layer);
  for (const auto& entry : context.layers->files(layer, context.item)) {
    gaps.add(entry);
    if (entry.file && !entry.file->empty) files.push_back(*entry.file);
  }
  gaps.refuse("merge_samples: {gaps: leave_out} to go on without them");
  if (files.empty())
    throw Error(ErrorCode::empty, fmt::format("the layer '{}' has no file", layer));
  return files;
}

void set_number(const std::string& prefix, const std::string& name, double value,
                workflow::Metrics& metrics) {
  metrics.set({.name = prefix + "." + name}, {value});
}

workflow::MetricCurve metric_curve(const char* x, const char* y, const learn::Curve& curve) {
  auto thin = learn::thinned(curve, kMostCurvePoints);
  return {x, y, std::move(thin.x), std::move(thin.y), {}};
}

std::string class_label(const learn::Problem& problem, size_t c) {
  return problem.class_names[c].empty() ? std::to_string(problem.class_values[c])
                                        : problem.class_names[c];
}

void set_class_scores(const std::string& prefix, const learn::Test& test,
                      const learn::Problem& problem, workflow::Metrics& metrics) {
  const auto& s = test.classes;
  const double values[] = {s.overall_accuracy,
                           s.balanced_accuracy,
                           s.kappa,
                           s.macro.f1,
                           s.macro.precision,
                           s.macro.recall,
                           s.auc,
                           s.log_loss,
                           s.brier};
  for (size_t i = 0; i < std::size(kOfClasses); ++i)
    set_number(prefix, kOfClasses[i].name, values[i], metrics);
  workflow::MetricMatrix matrix{"true class", "predicted class", {}, {}, s.confusion.counts};
  for (size_t c = 0; c < problem.class_values.size(); ++c)
    matrix.rows.push_back(class_label(problem, c));
  matrix.columns = matrix.rows;
  metrics.matrices[prefix + ".confusion"] = std::move(matrix);
  for (size_t c = s.ranking.size() == 2 ? 1 : 0; c < s.ranking.size(); ++c)
    if (!s.ranking[c].roc.x.empty())
      metrics.curves[fmt::format("{}.roc.{}", prefix, class_label(problem, c))] =
          metric_curve("false positive rate", "recall", s.ranking[c].roc);
}

}  // namespace

LayerTable table_of_layer(const std::string& layer, const workflow::TaskContext& context) {
  std::vector<std::string> paths;
  LayerTable out;
  std::string checksums;
  const auto files = files_of(layer, context);
  for (const auto& file : files) {
    paths.push_back(local_copy(file.path, fmt::format("{}_{}.npz", layer, paths.size()), context));
    checksums += store::sha256_hex_of_file(paths.back()) + "\n";
  }
  auto path = paths.front();
  out.sha256 = checksums.substr(0, checksums.size() - 1);
  if (paths.size() > 1) {
    path = fmt::format("{}/{}_together.npz", context.scratch_folder, layer);
    learn::merge_tables(paths, path);
    out.sha256 = store::sha256_hex(checksums);
  }
  // Training copies the rows, and its algorithm once more.
  out.table = learn::read_table(path, std::max<size_t>(context.memory_bytes, size_t{64} << 20) / 4);
  return out;
}

std::string file_of_layer(const std::string& layer, const workflow::TaskContext& context) {
  const auto files = files_of(layer, context);
  if (files.size() > 1)
    throw Error(ErrorCode::invalid,
                fmt::format("the layer '{}' has {} files, and one is wanted", layer, files.size()));
  return local_copy(files.front().path, layer + "_file", context);
}

learn::FitContext fit_context(const workflow::TaskContext& context) {
  return {context.threads, context.for_each_index, context.cancelled};
}

void declare_scores(const std::string& prefix, std::optional<learn::Task> task, bool quantiles,
                    std::vector<MetricDeclaration>& metrics) {
  const auto declare = [&](const NamedScore& score) {
    MetricDeclaration metric;
    metric.name = prefix + "." + score.name;
    metric.help = score.help;
    metrics.push_back(std::move(metric));
  };
  if (task != learn::Task::regression)
    for (const auto& score : kOfClasses) declare(score);
  if (task != learn::Task::classification)
    for (const auto& score : kOfQuantities) declare(score);
  if (quantiles) declare(kCoverage);
}

void set_scores(const std::string& prefix, const learn::Test& test, const learn::Problem& problem,
                workflow::Metrics& metrics) {
  if (problem.task == learn::Task::classification)
    return set_class_scores(prefix, test, problem, metrics);
  const auto& s = test.quantities;
  const double values[] = {s.r2, s.rmse, s.mae, s.mse, s.bias};
  for (size_t i = 0; i < std::size(kOfQuantities); ++i)
    set_number(prefix, kOfQuantities[i].name, values[i], metrics);
  if (!s.quantiles.empty()) set_number(prefix, kCoverage.name, s.interval_coverage, metrics);
}

workflow::Product file_product(const std::string& layer, const std::string& path,
                               const std::string& extension, const std::string& media_type) {
  workflow::Product product;
  product.layer = layer;
  product.scratch_path = path;
  product.extension = extension;
  product.media_type = media_type;
  product.summary.path = path;
  product.summary.sha256 = store::sha256_hex_of_file(path);
  product.summary.bytes = static_cast<int64_t>(std::filesystem::file_size(path));
  return product;
}

}  // namespace geoloom::ops
