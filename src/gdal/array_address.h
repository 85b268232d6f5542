// SPDX-License-Identifier: Apache-2.0
// Names of rasters inside of files that hold many: netCDF, HDF4, HDF5 and Zarr. Users write them in
// lists and as hrefs, spelled as GDAL spells them:
//
//   NETCDF:"/data/s2.nc":B04        HDF5:"/data/s2.h5"://group/B04 ZARR:"/data/cube.zarr":/B04
//
// HDF4:"/data/a.hdf"://grid/field is a field of an HDF-EOS2 grid, which GDAL spells
// HDF4_EOS:EOS_GRID:"/data/a.hdf":grid:field (read as well), and HDF4:"/data/a.hdf"://name a data
// set of a file without grids.
//
// There is one addition: planes of variables of more than two dimensions are chosen by an index for
// each dimension before rows and columns, counted from 0: NETCDF:"s2.nc":B04[2]. An address names
// one raster of one band. It is never given to GDAL; the file in it is, after the checks that all
// files pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom::gdal {

enum class ArrayFormat { netcdf, hdf4, hdf5, zarr };
const char* name(ArrayFormat format);  // "netCDF"

struct ArrayAddress {
  ArrayFormat format = ArrayFormat::netcdf;
  std::string file;
  std::string variable;        // "B04", "group/B04"; empty: the only one
  std::vector<int64_t> index;  // of the dimensions before rows and columns; empty: all have size 1

  // Throws Error(invalid) for a file name with a quotation mark.
  std::string text() const;
};

// nullopt for what does not begin as an address does. Throws Error(invalid) for one that is not
// well formed.
std::optional<ArrayAddress> array_address(std::string_view text);

// By the ending of a plain path: .nc .nc4 .cdf, .hdf .hdf4, .h5 .he5 .hdf5, .zarr; nullopt for
// others.
std::optional<ArrayFormat> array_format_of_name(std::string_view path);

// Either of these.
bool names_array_file(std::string_view text);

// The file inside of an address; other texts as they are.
std::string file_of(const std::string& text);

// The address with another file; of other texts, that file.
std::string with_file(const std::string& text, const std::string& file);

}  // namespace geoloom::gdal
