// SPDX-License-Identifier: Apache-2.0
// What catalogues claim of grids, against the files.
#pragma once

#include <string>

#include "catalog/scene.h"
#include "gdal/dataset.h"

namespace geoloom::catalog {

// In words, how proj:shape, proj:transform or the CRS differ from the file: swapped rows and
// columns, GDAL's order of a transform, another place. Empty when they agree, within a tenth of a
// pixel, or when nothing is claimed that can be compared.
std::string contradiction_of(const DeclaredGrid& declared, const gdal::RasterInfo& file);

}  // namespace geoloom::catalog
