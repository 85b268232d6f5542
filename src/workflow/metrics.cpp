// SPDX-License-Identifier: Apache-2.0
#include "workflow/metrics.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace geoloom::workflow {
namespace {

Json numbers_to_json(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double value : values) out.push_back(std::isfinite(value) ? Json(value) : Json());
  return out;
}

std::vector<double> numbers_from_json(const Json& json) {
  std::vector<double> out;
  for (const auto& value : json)
    out.push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>());
  return out;
}

void check_lengths(const std::string& name, size_t have, size_t need) {
  if (have != need)
    throw Error(ErrorCode::corrupt,
                fmt::format("the metric '{}' has {} values where {} belong", name, have, need));
}

MetricSeries series_from_json(const std::string& name, const Json& json) {
  MetricSeries series{json.at("steps").get<std::vector<int64_t>>(),
                      numbers_from_json(json.at("values"))};
  check_lengths(name, series.values.size(), series.steps.size());
  return series;
}

MetricCurve curve_from_json(const std::string& name, const Json& json) {
  MetricCurve curve{json.at("x_name").get<std::string>(), json.at("y_name").get<std::string>(),
                    numbers_from_json(json.at("x")), numbers_from_json(json.at("y")),
                    numbers_from_json(json.at("thresholds"))};
  check_lengths(name, curve.y.size(), curve.x.size());
  if (!curve.thresholds.empty()) check_lengths(name, curve.thresholds.size(), curve.x.size());
  return curve;
}

MetricMatrix matrix_from_json(const std::string& name, const Json& json) {
  MetricMatrix matrix{
      json.at("row_name").get<std::string>(), json.at("column_name").get<std::string>(),
      json.at("rows").get<std::vector<std::string>>(),
      json.at("columns").get<std::vector<std::string>>(), numbers_from_json(json.at("values"))};
  check_lengths(name, matrix.values.size(), matrix.rows.size() * matrix.columns.size());
  return matrix;
}

Metrics read_members(const Json& json) {
  Metrics metrics;
  for (const auto& [name, value] : json.at("scalars").items())
    metrics.scalars[name] = scalar_from_json(value);
  metrics.units = json.at("units").get<std::map<std::string, std::string>>();
  for (const auto& [name, value] : json.at("series").items())
    metrics.series[name] = series_from_json(name, value);
  for (const auto& [name, value] : json.at("curves").items())
    metrics.curves[name] = curve_from_json(name, value);
  for (const auto& [name, value] : json.at("matrices").items())
    metrics.matrices[name] = matrix_from_json(name, value);
  return metrics;
}

}  // namespace

void Metrics::set(const MetricDeclaration& declared, Scalar value) {
  if (const auto* number = std::get_if<double>(&value.value); number && !std::isfinite(*number))
    value = {};
  scalars[declared.name] = std::move(value);
  if (!declared.unit.empty()) units[declared.name] = declared.unit;
}

Json to_json(const Metrics& metrics) {
  Json scalars = Json::object(), series = Json::object(), curves = Json::object(),
       matrices = Json::object();
  for (const auto& [name, value] : metrics.scalars) scalars[name] = to_json(value);
  for (const auto& [name, each] : metrics.series)
    series[name] = {{"steps", each.steps}, {"values", numbers_to_json(each.values)}};
  for (const auto& [name, each] : metrics.curves)
    curves[name] = {{"x_name", each.x_name},
                    {"y_name", each.y_name},
                    {"x", numbers_to_json(each.x)},
                    {"y", numbers_to_json(each.y)},
                    {"thresholds", numbers_to_json(each.thresholds)}};
  for (const auto& [name, each] : metrics.matrices)
    matrices[name] = {{"row_name", each.row_name},
                      {"column_name", each.column_name},
                      {"rows", each.rows},
                      {"columns", each.columns},
                      {"values", numbers_to_json(each.values)}};
  return {{"geoloom_metrics", kMetricsVersion},
          {"scalars", scalars},
          {"units", metrics.units},
          {"series", series},
          {"curves", curves},
          {"matrices", matrices}};
}

Metrics metrics_from_json(const Json& json) {
  try {
    if (json.at("geoloom_metrics").get<int>() > kMetricsVersion)
      throw Error(ErrorCode::corrupt, "the metrics are of a newer format")
          .hint("use a newer Geoloom");
    return read_members(json);
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corrupt, "not metrics as Geoloom writes them").cause(error.what());
  }
}

}  // namespace geoloom::workflow
