// SPDX-License-Identifier: Apache-2.0
// Tables of samples as what ops read and leave.
#pragma once

#include <string>
#include <vector>

#include "learn/table_file.h"
#include "workflow/op.h"

namespace geoloom::ops {

// What a table measures by itself: rows, items.
std::vector<workflow::MetricDeclaration> table_metrics();

// The finished table `path` in scratch as the layer's file.
workflow::Product table_product(const std::string& layer, const std::string& path,
                                const learn::TableInfo& info);

// A name under which libraries read the file: its own, or that of a copy in `scratch_folder` where
// it is in a bucket. Tables need not fit into memory, so they are copied in pieces.
std::string local_file(const std::string& path, const std::string& scratch_folder);

// The tables of a layer, in plan order; items without anything are left out. Throws Error(missing)
// where items have no result and `leave_gaps_out` is false.
std::vector<std::string> tables_of_layer(const std::string& layer, bool leave_gaps_out,
                                         const std::string& remedy,
                                         const workflow::TaskContext& context);

}  // namespace geoloom::ops
