// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what an array of a file means, by the CF conventions (see array_file.h).
#pragma once

#include <gdal_priv.h>

#include <memory>
#include <string>

#include "gdal/array_file.h"

namespace geoloom::gdal {

struct DescribedArray {
  ArrayVariable variable;
  bool south_up = false;  // rows run north in the file
};

// Of an array that is_raster().
DescribedArray describe_array(const GDALGroup& root, const GDALMDArray& array, ArrayFormat format);

// Of at least two dimensions, of numbers, neither a coordinate nor its bounds.
bool is_raster(const GDALGroup& root, const GDALMDArray& array);

// What the file tells of its time: `time` where it is a single one, else time_coverage_start.
void read_time_of_file(const GDALGroup& root, ArrayFileInfo& info);

}  // namespace geoloom::gdal
