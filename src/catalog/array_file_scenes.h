// SPDX-License-Identifier: Apache-2.0
// Scenes of files that hold named arrays (netCDF, HDF4, HDF5, Zarr): the variables are bands, and
// the steps of a dimension of time are scenes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/scene.h"

namespace geoloom::catalog {

// `path` is a file, or the address of a variable or of one plane (gdal/array_address.h).
//
// Variables with a dimension of time are bands of a scene for each step, called `file@2018-05-01`,
// with the time of day where two steps share a date; those without are bands of every scene. Where
// no variable has one, the file is one scene `file`, of `name_time`, the time in its name, or else
// of the time that the file tells. A band is called like its variable; of a dimension that is not
// time, each entry is a band `variable_1`, ..., or by its label where the dimension has labels.
//
// Throws as gdal::describe_array_file does, and Error(invalid) where no variable has a grid, where
// times cannot be read, and for steps of equal times. A variable without a grid is left out where
// there are others, with a note.
std::vector<Scene> scenes_of_array_file(const std::string& path,
                                        std::optional<geo::TimeMs> name_time,
                                        std::vector<std::string>& notes);

}  // namespace geoloom::catalog
