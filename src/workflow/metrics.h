// SPDX-License-Identifier: Apache-2.0
// What a step measured: single values, series, curves and matrices. They are kept in receipts and
// written beside the layers as JSON; conditions and outputs of a document refer to the single ones.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "workflow/scalar.h"

namespace geoloom::workflow {

inline constexpr int kMetricsVersion = 1;

// A single value that an op will report, known before anything runs. Names may have parts:
// "red.mean".
struct MetricDeclaration {
  std::string name;
  ScalarType type = ScalarType::number;
  std::string unit;  // "m", "%"; empty: none
  std::string help;
};

// A value that was taken again and again, as by an iteration of training.
struct MetricSeries {
  std::vector<int64_t> steps;  // rising
  std::vector<double> values;  // as many
};

// y over x, as of a receiver operating characteristic; `thresholds` may be empty.
struct MetricCurve {
  std::string x_name, y_name;
  std::vector<double> x, y, thresholds;
};

// Row by row; of a confusion matrix the rows are the true classes.
struct MetricMatrix {
  std::string row_name, column_name;
  std::vector<std::string> rows, columns;
  std::vector<double> values;
};

struct Metrics {
  std::map<std::string, Scalar> scalars;
  std::map<std::string, std::string> units;  // of those that have one
  std::map<std::string, MetricSeries> series;
  std::map<std::string, MetricCurve> curves;
  std::map<std::string, MetricMatrix> matrices;

  void set(const MetricDeclaration& declared, Scalar value);
};

// {"geoloom_metrics": 1, "scalars": {...}, "units": {...}, "series": {...}, "curves": {...},
// "matrices": {...}}. Numbers that are not finite are null.
Json to_json(const Metrics& metrics);
// Throws Error(corrupt) where it is none, its version is newer, or lengths do not agree.
Metrics metrics_from_json(const Json& json);

}  // namespace geoloom::workflow
