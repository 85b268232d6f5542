// SPDX-License-Identifier: Apache-2.0
#include "catalog/href.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom::catalog {
namespace {

ErrorCode code_of(const auto& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code();
  }
  return ErrorCode::internal;
}

TEST(Href, GdalPaths) {
  EXPECT_EQ(gdal_path("s3://b/k.tif"), "/vsis3/b/k.tif");
  EXPECT_EQ(gdal_path("https://h/k.tif?sig=1"), "/vsicurl/https://h/k.tif?sig=1");
  EXPECT_EQ(gdal_path("file:///a/b.tif"), "/a/b.tif");
  EXPECT_EQ(gdal_path("/a/b.tif"), "/a/b.tif");
  EXPECT_EQ(gdal_path("/vsis3/b/k.tif"), "/vsis3/b/k.tif");
  for (const char* bad : {"/vsizip//a.zip/b.tif", "/vsistdin/", "ftp://h/x.tif",
                          "/vsisubfile/0_1,/etc/passwd", "/vsimem/a"}) {
    EXPECT_EQ(code_of([&] { gdal_path(bad); }), ErrorCode::denied) << bad;
  }
}

TEST(Href, RelativeToTheDocument) {
  EXPECT_EQ(resolve_href("/d/stac/items/i.json", "../../s2/a.tif"), "/d/s2/a.tif");
  EXPECT_EQ(resolve_href("/d/i.json", "./a.tif"), "/d/a.tif");
  EXPECT_EQ(resolve_href("/d/i.json", "/e/a.tif"), "/e/a.tif");
  EXPECT_EQ(resolve_href("/d/i.json", "s3://b/k"), "s3://b/k");
  EXPECT_EQ(resolve_href("/d/i.json", "file:///x/a.tif"), "/x/a.tif");
  EXPECT_EQ(resolve_href("/vsis3/b/c/i.json", "../a.tif"), "/vsis3/b/a.tif");
  EXPECT_EQ(resolve_href("https://h/c/d/i.json", "../a.tif"), "https://h/c/a.tif");
  EXPECT_EQ(resolve_href("/vsicurl/https://h/c/i.json", "a.tif"), "/vsicurl/https://h/c/a.tif");
  EXPECT_EQ(resolve_href("https://h/c/i.json", "../../../../a.tif"), "https://h/a.tif");
}

TEST(Href, RemoteDocumentsCannotNameLocalFiles) {
  for (const char* document : {"https://h/c/i.json", "/vsis3/b/i.json"}) {
    for (const char* href : {"/etc/passwd", "file:///etc/passwd"}) {
      EXPECT_EQ(code_of([&] { resolve_href(document, href); }), ErrorCode::denied);
    }
  }
}

TEST(Href, Parts) {
  EXPECT_EQ(without_query("https://h/a.tif?X-Amz=1#f"), "https://h/a.tif");
  EXPECT_EQ(without_query("/d/odd?name.tif"), "/d/odd?name.tif");
  EXPECT_EQ(folder_of("/a/b.tif"), "/a");
  EXPECT_EQ(file_name_of("b.tif"), "b.tif");
  EXPECT_EQ(extension_of("/a.b/c.TIF"), "tif");
  EXPECT_EQ(extension_of("/a.b/c"), "");
  EXPECT_EQ(extension_of("/a/.tif"), "");
  EXPECT_TRUE(is_image_name("x.JP2"));
  EXPECT_FALSE(is_image_name("x.tif.aux.xml"));
}

}  // namespace
}  // namespace geoloom::catalog
