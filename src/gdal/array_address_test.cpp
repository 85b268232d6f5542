// SPDX-License-Identifier: Apache-2.0
#include "gdal/array_address.h"

#include <gtest/gtest.h>

#include "gdal/allowed_roots.h"
#include "gdal/array_file.h"
#include "gdal/test_files.h"

namespace geoloom::gdal {
namespace {

TEST(ArrayAddress, IsSpelledAsGdalSpellsIt) {
  for (const char* text : {"NETCDF:\"/data/a.nc\":B04", "NETCDF:\"/data/a b:c.nc\":g/B04[2]",
                           "HDF5:\"a.h5\"://g/B04[2,0]", "HDF4:\"a.hdf\"://g/250m 16 days NDVI",
                           "ZARR:\"/a.zarr\":/B04"}) {
    const auto address = array_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  for (const char* text :
       {"HDF4_EOS:EOS_GRID:\"/d/a:b.hdf\":g:NDVI", "HDF4_EOS:EOS_GRID:/d/a:b.hdf:g:NDVI"})
    EXPECT_EQ(array_address(text)->text(), "HDF4:\"/d/a:b.hdf\"://g/NDVI");
  EXPECT_EQ(array_address("NETCDF:a.nc:B04")->text(), "NETCDF:\"a.nc\":B04");
  EXPECT_EQ(array_address("HDF5:\"a.h5\"://g/v[3,1]")->index, (std::vector<int64_t>{3, 1}));
  for (const char* text : {"/data/a.nc", "s3://b/a.nc", "netcdf:a.nc:v", "GTIFF_DIR:1:a.tif"})
    EXPECT_FALSE(array_address(text)) << text;
  for (const char* text :
       {"NETCDF:", "NETCDF:a.nc", "NETCDF:\"a.nc", "NETCDF:\"a.nc\"",
        "NETCDF:\"a.nc\":", "NETCDF:\"\":v", "NETCDF:\"a.nc\":v[x]", "NETCDF:\"a.nc\":v[-1]",
        "NETCDF:\"a.nc\":v[1;2]", "NETCDF:\"a.nc\":[1]",
        "HDF4_EOS:EOS_GRID:", "HDF4_EOS:EOS_GRID:a.hdf:f", "HDF4_EOS:EOS_GRID:\"a.hdf\":f",
        "NETCDF:\"a.nc\":v]", "NETCDF:\"a.nc\":v[99999999999999999999]"})
    EXPECT_THROW((void)array_address(text), Error) << text;
  EXPECT_THROW((void)(ArrayAddress{.file = "a\".nc", .variable = "v"}.text()), Error);
}

TEST(ArrayAddress, FormatsByName) {
  EXPECT_EQ(array_format_of_name("/d.zarr/a.NC"), ArrayFormat::netcdf);
  EXPECT_EQ(array_format_of_name("a.he5"), ArrayFormat::hdf5);
  EXPECT_EQ(array_format_of_name("MOD09GA.A2008296.h14v17.006.2015181011753.hdf"),
            ArrayFormat::hdf4);
  EXPECT_EQ(array_format_of_name("/data/cube.zarr/"), ArrayFormat::zarr);
  EXPECT_FALSE(array_format_of_name("/data/cube.zarr/B04"));
  EXPECT_FALSE(array_format_of_name("a.tif"));
  EXPECT_EQ(file_of("NETCDF:\"/d/a.nc\":v"), "/d/a.nc");
  EXPECT_EQ(file_of("/d/a.tif"), "/d/a.tif");
}

ErrorCode code_of_opening(const std::string& name) {
  try {
    (void)ArrayPlane::open(name);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

// Whatever stands in an address, the file in it passes the checks of every file.
TEST(ArrayAddress, TheFileInItIsChecked) {
  for (const char* file : {"http://h/a.nc", "https://h/dods/a", "dap4://h/a", "file:///etc/a.nc",
                           "/vsizip/a.zip/a.nc", "/vsistdin/", "<netcdf/>", "{}", "DODS:a",
                           "/vsicurl/file:///etc/a.nc", "/vsicurl/https://h/vsizip/a.zip/b.nc"})
    EXPECT_EQ(code_of_opening("NETCDF:\"" + std::string(file) + "\":v"), ErrorCode::denied) << file;
  // Allowed, and not read by these libraries.
  EXPECT_EQ(code_of_opening("NETCDF:\"/vsicurl/https://h/a.nc\":v"), ErrorCode::invalid);
  EXPECT_EQ(code_of_opening("HDF5:\"/vsis3/b/a.h5\"://v"), ErrorCode::invalid);
  EXPECT_EQ(code_of_opening("ZARR:\"/nowhere/a.zarr\":/v"), ErrorCode::missing);
  EXPECT_EQ(code_of_opening("NETCDF:\"/etc/passwd\":v"), ErrorCode::invalid);
}

TEST(ArrayAddress, ServersOpenNoneUnlessAdmitted) {
  const TestFolder folder;
  const auto file = folder.put("a.nc", "CDF\x01 and no more");
  EXPECT_EQ(code_of_opening(file), ErrorCode::corrupt);
  {
    const AccessRestriction restriction({.read = {folder.file("")}, .write = {}});
    EXPECT_EQ(code_of_opening(file), ErrorCode::denied);
    EXPECT_EQ(code_of_opening("NETCDF:\"" + file + "\":v"), ErrorCode::denied);
  }
  const AccessRestriction restriction(
      {.read = {folder.file("")}, .write = {}, .array_files = true});
  EXPECT_EQ(code_of_opening(file), ErrorCode::corrupt);
  EXPECT_EQ(code_of_opening("NETCDF:\"" + folder.file("../a.nc") + "\":v"), ErrorCode::denied);
  EXPECT_EQ(code_of_opening("NETCDF:\"/etc/a.nc\":v"), ErrorCode::denied);
  EXPECT_EQ(code_of_opening("ZARR:\"/etc\":/v"), ErrorCode::denied);
}

}  // namespace
}  // namespace geoloom::gdal
