// SPDX-License-Identifier: Apache-2.0
#include "catalog/array_file_scenes.h"

#include <gtest/gtest.h>

#include "catalog/href.h"
#include "error/error.h"

namespace geoloom::catalog {
namespace {

// What files hold is tested with files that xarray wrote, in tests/properties/array_files_test.py.

TEST(ArrayHrefs, TheFileInAnAddressIsResolved) {
  EXPECT_EQ(resolve_href("/data/items.json", "NETCDF:\"s2.nc\":B04[1]"),
            "NETCDF:\"/data/s2.nc\":B04[1]");
  EXPECT_EQ(resolve_href("/data/items.json", "ZARR:\"../cube.zarr\":/B04"),
            "ZARR:\"/cube.zarr\":/B04");
  EXPECT_EQ(resolve_href("https://h/a/items.json", "HDF5:\"b.h5\"://g/B04"),
            "HDF5:\"https://h/a/b.h5\"://g/B04");
  EXPECT_EQ(gdal_path("NETCDF:\"https://h/a.nc\":v"), "NETCDF:\"/vsicurl/https://h/a.nc\":v");
  EXPECT_EQ(absolute_path("NETCDF:\"/data/./a.nc\":v"), "NETCDF:\"/data/a.nc\":v");
  EXPECT_TRUE(is_remote("NETCDF:\"s3://b/a.nc\":v"));
  EXPECT_FALSE(is_remote("HDF5:\"a.h5\"://group/v"));
}

TEST(ArrayHrefs, ADocumentFromTheNetworkNamesNoLocalFile) {
  for (const char* href : {"NETCDF:\"/etc/a.nc\":v", "NETCDF:\"file:///etc/a.nc\":v",
                           "HDF5:\"/etc/a.h5\"://v", "ZARR:\"/etc/a.zarr\":/v"})
    EXPECT_THROW((void)resolve_href("https://h/items.json", href), Error) << href;
  for (const char* href : {"NETCDF:\"/vsizip/a.zip/a.nc\":v", "HDF5:\"ftp://h/a.h5\"://v"})
    EXPECT_THROW((void)gdal_path(href), Error) << href;
}

TEST(ArrayFileScenes, AFileThatIsNotThere) {
  std::vector<std::string> notes;
  try {
    (void)scenes_of_array_file("/nowhere/a.nc", std::nullopt, notes);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::missing);
  }
}

}  // namespace
}  // namespace geoloom::catalog
