// SPDX-License-Identifier: Apache-2.0
#include "engine/run_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace geoloom::engine {
namespace {

using workflow::OrderedJson;

constexpr size_t kMostExampleItems = 12;
// Points of series and curves and cells of matrices, over all examples of a layer.
constexpr size_t kMostNumbers = 20'000;

std::optional<double> number_in(const workflow::Scalar& scalar) {
  if (const auto* number = std::get_if<double>(&scalar.value)) return *number;
  if (const auto* number = std::get_if<int64_t>(&scalar.value)) return static_cast<double>(*number);
  if (const auto* truth = std::get_if<bool>(&scalar.value)) return *truth ? 1 : 0;
  return std::nullopt;
}

size_t numbers_in(const workflow::Metrics& metrics) {
  size_t count = metrics.scalars.size();
  for (const auto& [name, series] : metrics.series) count += series.values.size();
  for (const auto& [name, curve] : metrics.curves) count += 2 * curve.x.size();
  for (const auto& [name, matrix] : metrics.matrices) count += matrix.values.size();
  return count;
}

}  // namespace

std::vector<ItemMetrics> metrics_of(const Receipt& receipt) {
  std::vector<ItemMetrics> found;
  for (const auto& output : receipt.outputs)
    if (output.metrics)
      found.push_back(
          {receipt.step, output.layer, receipt.item, receipt.finished, *output.metrics});
  return found;
}

void MetricsSummary::offer(const Receipt& receipt) {
  for (auto& item : metrics_of(receipt)) {
    auto& layer = layers_[item.layer];
    layer.step = item.step;
    ++layer.items;
    for (const auto& [name, scalar] : item.metrics.scalars) {
      const auto number = number_in(scalar);
      if (!number || std::holds_alternative<bool>(scalar.value)) continue;
      auto& spread = layer.scalars[name];
      spread.values.push_back(*number);
      if (const auto unit = item.metrics.units.find(name); unit != item.metrics.units.end())
        spread.unit = unit->second;
    }
    if (layer.examples.size() < kMostExampleItems) layer.examples.push_back(std::move(item));
  }
}

OrderedJson MetricsSummary::json() const {
  auto json = OrderedJson::array();
  for (const auto& [name, layer] : layers_) {
    auto scalars = OrderedJson::array(), examples = OrderedJson::array();
    for (const auto& [metric, spread] : layer.scalars) {
      auto sorted = spread.values;
      std::sort(sorted.begin(), sorted.end());
      scalars.push_back({{"name", metric},
                         {"unit", spread.unit},
                         {"items", sorted.size()},
                         {"least", sorted.front()},
                         {"median", sorted[(sorted.size() - 1) / 2]},
                         {"most", sorted.back()}});
    }
    size_t numbers = 0;
    for (const auto& example : layer.examples) {
      numbers += numbers_in(example.metrics);
      if (numbers > kMostNumbers && !examples.empty()) break;
      examples.push_back({{"item", example.item}, {"metrics", workflow::to_json(example.metrics)}});
    }
    json.push_back({{"layer", name},
                    {"step", layer.step},
                    {"items", layer.items},
                    {"scalars", scalars},
                    {"examples", examples}});
  }
  return json;
}

std::vector<ScalarPoint> scalar_points(const ItemMetrics& item) {
  const auto time = geo::parse_time(item.finished);
  const double wall_time_s = time ? static_cast<double>(*time) / 1000 : 0;
  std::vector<ScalarPoint> points;
  for (const auto& [name, scalar] : item.metrics.scalars)
    if (const auto number = number_in(scalar))
      points.push_back({name, 0, wall_time_s, static_cast<float>(*number)});
  for (const auto& [name, series] : item.metrics.series)
    for (size_t i = 0; i < series.steps.size(); ++i)
      points.push_back({name, series.steps[i], wall_time_s, static_cast<float>(series.values[i])});
  return points;
}

}  // namespace geoloom::engine
