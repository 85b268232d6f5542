// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what an open raster says of itself.
#pragma once

#include <string>

#include "gdal/handles.h"
#include "geo/crs.h"

namespace geoloom::gdal {

// Throws Error(invalid) for a raster without bands, with more than are read, or whose blocks are
// too large to be decoded.
RasterInfo describe_raster(const std::string& path, GDALDatasetH dataset);

// `other` for complex numbers and what later versions of GDAL may have.
SampleType sample_type_of(GDALDataType type);

// Unknown where there is no reference, or one that PROJ refuses.
geo::Crs crs_of(OGRSpatialReferenceH reference);

// A metadata item; empty when there is none.
std::string item_of(GDALMajorObjectH object, const char* name, const char* domain);

}  // namespace geoloom::gdal
