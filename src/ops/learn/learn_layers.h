// SPDX-License-Identifier: Apache-2.0
// Tables and models as layers: what ops of learning read and leave behind.
#pragma once

#include <string>

#include "learn/evaluation.h"
#include "learn/sample_table.h"
#include "workflow/op.h"

namespace geoloom::ops {

struct LayerTable {
  learn::SampleTable table;
  std::string sha256;  // of its file; of several, of theirs in order
};

// The table of a layer, of all its items together. Throws Error(missing) where an item has no
// result, Error(resource) where it does not fit into the task's memory.
LayerTable table_of_layer(const std::string& layer, const workflow::TaskContext& context);

// The one file of a layer as a path of this machine's file system. Throws Error(missing), and
// Error(invalid) where there are several.
std::string file_of_layer(const std::string& layer, const workflow::TaskContext& context);

learn::FitContext fit_context(const workflow::TaskContext& context);

// What a test will have measured, named "<prefix>.<score>": of classes, of quantities, or both
// where the task is not known.
void declare_scores(const std::string& prefix, std::optional<learn::Task> task, bool quantiles,
                    std::vector<workflow::MetricDeclaration>& metrics);
// The same of a test: its scores, and of classes the confusion matrix and curves.
void set_scores(const std::string& prefix, const learn::Test& test, const learn::Problem& problem,
                workflow::Metrics& metrics);

// A file in scratch as a product of its layer.
workflow::Product file_product(const std::string& layer, const std::string& path,
                               const std::string& extension, const std::string& media_type);

}  // namespace geoloom::ops
