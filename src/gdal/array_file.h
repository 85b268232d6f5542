// SPDX-License-Identifier: Apache-2.0
// Files that hold named arrays: netCDF, HDF4, HDF5 and Zarr v2, read through GDAL's
// multidimensional drivers, which are asked for by name and get the plain file.
//
// What the arrays mean is read here, for all formats alike, by the CF conventions (1.11): the last
// two dimensions are rows and columns; their coordinate variables, which have to be evenly spaced,
// or the GeoTransform of the grid mapping give the grid; the CRS is that of grid_mapping (also of
// `coordinates`, or of a variable spatial_ref or crs, as xarray writes it), else WGS84 where the
// coordinates are in degrees. Rows that run north are turned when they are read. _FillValue or else
// missing_value is nodata, scale_factor and add_offset are scale and offset. Integers that
// `_Unsigned` says to be unsigned are.
//
// Grids of HDF-EOS2 (HDF4) have no such variables: their size, corners and projection come from the
// file's StructMetadata, which the HDF-EOS library in GDAL reads. A calibration as HDF4's library
// writes it (with calibrated_nt) whose scale_factor is above 1 divides: so it is in MODIS land
// products, where 10000 stands for 0.0001 (MOD09 and MOD13 user's guides).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gdal/array_address.h"
#include "gdal/dataset.h"
#include "geo/time.h"

namespace geoloom::gdal {

// A dimension before rows and columns.
struct ArrayDimension {
  std::string name;
  int64_t size = 0;
  std::vector<std::string> labels;  // of a coordinate of texts; else empty
  bool is_time = false;
  std::vector<geo::TimeMs> times;  // of a dimension of time; empty where they cannot be read
  std::string why_no_times;
};

struct ArrayVariable {
  std::string name;  // as in addresses
  // What its band is called: the name, and of a field of a grid the field alone, where no other
  // grid of the file has one of that name.
  std::string band;
  std::vector<ArrayDimension> leading;
  RasterInfo info;  // of each plane: one band
};

struct ArrayFileInfo {
  ArrayFormat format = ArrayFormat::netcdf;
  std::vector<ArrayVariable> variables;  // those of at least two dimensions that hold numbers
  // Of all that has no dimension of time: a variable `time` of one value, time_coverage_start, or
  // the RANGEBEGINNINGDATE and RANGEBEGINNINGTIME of HDF-EOS.
  std::optional<geo::TimeMs> time;
  std::string why_no_time;  // it is there and cannot be read
};

// `path` is a local file by a name of array_format_of_name(), and as given in errors. Throws Error:
// missing, denied (see AllowedRoots::array_files), invalid (not such a file, or over a network),
// corrupt, resource (GDAL was built without the driver).
ArrayFileInfo describe_array_file(const std::string& path);

// One plane of one variable, open. Move-only. Several may be read at the same time: the libraries
// below netCDF and HDF5 are not made for threads, and are entered by one at a time.
class ArrayPlane {
 public:
  // `name` is an address, or a file with a single variable of a single plane.
  static ArrayPlane open(const std::string& name);
  ArrayPlane(ArrayPlane&&) noexcept;
  ArrayPlane& operator=(ArrayPlane&&) noexcept;
  ~ArrayPlane();

  const RasterInfo& info() const;
  // Rows are row_stride_bytes apart.
  void read(const geo::Window& window, BufferType type, void* buffer,
            size_t row_stride_bytes) const;
  // The nearest pixels.
  void read_overview(const geo::Window& window, BufferType type, void* buffer, int64_t out_width,
                     int64_t out_height) const;

 private:
  struct Impl;
  explicit ArrayPlane(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoloom::gdal
