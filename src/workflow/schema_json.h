// SPDX-License-Identifier: Apache-2.0
// Cube schemas in records.
#pragma once

#include "raster/cube.h"
#include "workflow/parameters.h"

namespace geoloom::workflow {

Json schema_to_json(const raster::CubeSchema& schema);
raster::CubeSchema schema_from_json(const Json& json);

}  // namespace geoloom::workflow
