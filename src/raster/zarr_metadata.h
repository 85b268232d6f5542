// SPDX-License-Identifier: Apache-2.0
// What makes chunks a Zarr cube: the small objects of the Zarr version 2 format beside them. They
// follow from the cube's grid, bands and slices alone, so whoever writes them writes the same
// bytes.
//
// Sources: the Zarr storage specification version 2; the CF conventions 1.10, sections 3 to 8
// (units, coordinates, grid mappings, packed data); the attribute _ARRAY_DIMENSIONS as xarray
// defines it; _CRS and _CRS.wkt as GDAL's Zarr driver reads them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "raster/chunked_cube.h"

namespace geoloom::raster {

struct ZarrCube {
  std::string title;
  geo::Grid grid;
  std::vector<Band> bands;    // a variable each; with nodata
  std::vector<Slice> slices;  // the time axis; one slice without time: variables of y and x only
  ChunkProfile profile;

  bool timed() const { return !slices.empty() && slices.front().timed; }
};

// Objects by name in the cube's folder, ".zgroup" and ".zmetadata" (consolidated) included, in the
// order to write them: who finds the last finds all. Arrays: one per band of [time, y, x], and the
// coordinates x and y (centres of pixels, CRS units), time (milliseconds since 1970, the start of
// a period), time_bnds (start and end, where slices are periods), label (scene or period) and
// spatial_ref (the grid mapping).
std::vector<std::pair<std::string, std::string>> zarr_metadata(const ZarrCube& cube);

// The name of a chunk in the cube. Row and column count chunks from its upper left corner.
std::string zarr_chunk_name(const ZarrCube& cube, const std::string& band, size_t slice,
                            int64_t row, int64_t column);

}  // namespace geoloom::raster
