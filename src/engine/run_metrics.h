// SPDX-License-Identifier: Apache-2.0
// What the steps of a run measured, gathered from receipts: for reports, tables and TensorBoard.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/receipts.h"
#include "engine/tensorboard_events.h"

namespace geoloom::engine {

struct ItemMetrics {
  std::string step, layer, item, finished;  // RFC 3339
  workflow::Metrics metrics;
};

// Of all outputs of a receipt that have some.
std::vector<ItemMetrics> metrics_of(const Receipt& receipt);

// A summary that stays small however many items there are: of each layer, the spread of its numbers
// over all items, and all metrics of a few.
class MetricsSummary {
 public:
  // Receipts of different items, in any order.
  void offer(const Receipt& receipt);
  // [{"layer", "step", "items", "scalars": [{"name", "unit", "items", "least", "median", "most"}],
  // "examples": [{"item", "metrics"}]}]; the median is the lower one of an even number.
  workflow::OrderedJson json() const;

 private:
  struct Spread {
    std::string unit;
    std::vector<double> values;
  };
  struct Layer {
    std::string step;
    size_t items = 0;
    std::map<std::string, Spread> scalars;
    std::vector<ItemMetrics> examples;
  };
  std::map<std::string, Layer> layers_;
};

// Single numbers at step 0, true and false as 1 and 0, and the points of series; what is no number
// is left out. Wall times are when the item was made.
std::vector<ScalarPoint> scalar_points(const ItemMetrics& item);

}  // namespace geoloom::engine
