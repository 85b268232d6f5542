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
  // What is added to negative samples: they are unsigned ones stored as signed ones. Else 0.
  double wrap = 0;
};

// "/a/b" is the variable "a/b"; of HDF4, "/eos_grids/g/Data Fields/f" is "g/f" and
// "/scientific_datasets/s" is "s".
std::string variable_name(const std::string& full_name, ArrayFormat format);
std::string full_name_of(const std::string& variable, ArrayFormat format);

// Of an array that is_raster().
DescribedArray describe_array(const GDALGroup& root, const GDALMDArray& array, ArrayFormat format);

// Of at least two dimensions, of numbers, neither a coordinate nor its bounds.
bool is_raster(const GDALGroup& root, const GDALMDArray& array);

// What the file tells of its time: see ArrayFileInfo.
void read_time_of_file(const GDALGroup& root, ArrayFileInfo& info);

}  // namespace geoloom::gdal
