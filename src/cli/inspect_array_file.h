// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/commands.h"
#include "gdal/dataset.h"

namespace geoloom::cli {

// `geoloom inspect FILE` of netCDF, HDF5 and Zarr: the variables, their grids and times, without
// reading a pixel. Prints text or JSON.
void inspect_array_file(const std::string& file, const Commands& commands);

const char* sample_type_name(gdal::SampleType type);  // "uint16"

}  // namespace geoloom::cli
