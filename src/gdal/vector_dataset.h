// SPDX-License-Identifier: Apache-2.0
// Private to this folder: vector files as OGR has them.
#pragma once

#include <ogr_feature.h>
#include <ogr_spatialref.h>

#include <string>
#include <vector>

#include "gdal/geometry.h"
#include "gdal/handles.h"
#include "geo/grid.h"

class OGRLayer;

namespace geoloom::gdal {

void register_vector_drivers();
// By an allowed driver, after the checks of all paths. Throws as read_vectors() does.
DatasetHandle open_vectors(const std::string& path);
geo::Crs crs_of(const OGRSpatialReference* reference);
// East before north, as shapes are.
OGRSpatialReference reference_of(const geo::Crs& crs);
// Positions of columns by name. Throws Error(invalid) for one that is not there.
std::vector<int> column_indices(OGRLayer& layer, const std::vector<std::string>& columns,
                                const std::string& path);
// Throws Error(invalid) for a condition that is none.
void set_condition(OGRLayer& layer, const std::string& where, const std::string& path);
// Throws when the layer could not be read to its end; `read` features came before. GeoPackages look
// at the condition only then.
void check_all_read(const Capture& capture, const OGRLayer& layer, const std::string& where,
                    size_t read, const std::string& path);
// Taken out of the feature: flat, with straight edges.
Geometry take_shape(OGRFeature& feature);

}  // namespace geoloom::gdal
