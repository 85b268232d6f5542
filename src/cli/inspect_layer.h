// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/commands.h"

namespace geoloom::cli {

// `geoloom inspect --layer`: what receipts tell of a layer, without reading a pixel. Prints text or
// JSON. Empty `store` and `run` mean the last ones.
void inspect_layer(const std::string& layer, const std::string& store, const std::string& run,
                   const Commands& commands);

}  // namespace geoloom::cli
