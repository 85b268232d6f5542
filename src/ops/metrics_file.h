// SPDX-License-Identifier: Apache-2.0
// What a task measured, as the file it leaves.
#pragma once

#include <string>

#include "workflow/op.h"

namespace geoloom::ops {

// Writes the metrics to scratch as JSON, for the layer of that name.
workflow::Product metrics_product(const std::string& layer, workflow::Metrics metrics,
                                  const workflow::TaskContext& context);

}  // namespace geoloom::ops
