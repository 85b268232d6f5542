// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "gdal/handles.h"
#include "gdal/test_files.h"

namespace geoloom::gdal {
namespace {

TEST(CheckedPath, RefusesWhatIsNotAPlainPath) {
  for (const char* path : {"",
                           "<VRTDataset></VRTDataset>",
                           "{\"type\":\"gdal\"}",
                           "GTIFF_DIR:1:a.tif",
                           "GTIFF_RAW:a.tif",
                           "JPEG_SUBFILE:0,1,a.jpg",
                           "NETCDF:a.nc:x",
                           "s3://bucket/key",
                           "http://example.org/a.tif",
                           "file:///etc/passwd",
                           "/vsizip/a.zip/b.tif",
                           "/vsistdin/",
                           "/vsisubfile/0_100,a.tif",
                           "/vsicurl?url=http://example.org/",
                           "/vsicurl/file:///etc/passwd",
                           "/vsicurl/ftp://example.org/a",
                           "/vsizip//vsicurl/http://example.org/a.zip",
                           "/vsis3/vsicurl/x",
                           "/vsis3/bucket/vsizip/a.zip",
                           "/vsimem//vsistdin/",
                           "/vsitar/a.tar"})
    EXPECT_EQ(error_of([path] { checked_path(path); }).code(), ErrorCode::denied) << path;
  EXPECT_EQ(error_of([] { checked_path(std::string("a\0b", 3)); }).code(), ErrorCode::denied);
}

TEST(CheckedPath, AcceptsFiles) {
  for (const char* path : {"/data/a.tif", "/vsis3/bucket/a.tif", "/vsimem/a.tif", "/vsigs/b/a",
                           "/vsiaz/b/a", "/vsicurl/https://example.org/a.tif?x=1"})
    EXPECT_EQ(checked_path(path), path);
  EXPECT_EQ(checked_path("a.tif"), "./a.tif");
  EXPECT_EQ(checked_path("tile:1.tif"), "./tile:1.tif");
}

TEST(LooksLike, KnowsCommonFormats) {
  using namespace std::string_view_literals;
  EXPECT_EQ(looks_like("II*\0\x08"sv), "TIFF");
  EXPECT_EQ(looks_like("MM\0+\0\x08"sv), "TIFF");
  EXPECT_EQ(looks_like("%PDF-1.5"), "a PDF document");
  EXPECT_EQ(looks_like("<?xml version='1.0'?>\n<VRTDataset rasterXSize='1'>"), "a VRT document");
  EXPECT_EQ(looks_like("  \n<!DOCTYPE HTML>"), "a web page");
  EXPECT_EQ(looks_like("<Error><Code>"), "an XML document");
  EXPECT_EQ(looks_like("\x89HDF\r\n"), "HDF5 or netCDF");
  EXPECT_EQ(looks_like("{\"a\":1}"), "a JSON document");
  EXPECT_EQ(looks_like("hello"), "");
  EXPECT_EQ(looks_like(""), "");
}

TEST(Capture, TellsRefusalsApart) {
  const auto code = [](const char* message) {
    const Capture capture("/vsis3/bucket/key");
    CPLError(CE_Warning, CPLE_AppDefined, "%s", message);
    return capture.error(ErrorCode::internal, "failed").code();
  };
  EXPECT_EQ(code("S3: GetFileSize(http://h/b)=0  response_code=403"), ErrorCode::denied);
  EXPECT_EQ(code("S3: GetFileSize(http://h/b)=0  response_code=404"), ErrorCode::missing);
  EXPECT_EQ(code("HTTP response code on http://127.0.0.1:80/b: 503"), ErrorCode::unavailable);
  EXPECT_EQ(code("HTTP response code on http://127.0.0.1:80/b: 0"), ErrorCode::unavailable);
  EXPECT_EQ(code("S3: <Error><Code>SlowDown</Code></Error>"), ErrorCode::unavailable);
  EXPECT_EQ(code("S3: <Error><Code>AccessDenied</Code></Error>"), ErrorCode::denied);
  EXPECT_EQ(code("S3: <Error><Code>NoSuchBucket</Code></Error>"), ErrorCode::missing);
  EXPECT_EQ(code("S3: (null)"), ErrorCode::unavailable);
  EXPECT_EQ(code("S3: GetFileSize(http://h/b)=9  response_code=200"), ErrorCode::internal);
}

TEST(Capture, NestsAndKeepsTheFirstFailure) {
  const Capture outer("a");
  {
    const Capture inner("b");
    CPLError(CE_Failure, CPLE_AppDefined, "inside");
    EXPECT_EQ(inner.text(), "inside");
  }
  EXPECT_FALSE(outer.failed());
  CPLError(CE_Warning, CPLE_AppDefined, "warning");
  CPLError(CE_Failure, CPLE_AppDefined, "first");
  CPLError(CE_Failure, CPLE_AppDefined, "second");
  EXPECT_EQ(outer.text(), "first");
  EXPECT_TRUE(outer.failed());
}

}  // namespace
}  // namespace geoloom::gdal
