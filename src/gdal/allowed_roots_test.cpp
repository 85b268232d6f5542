// SPDX-License-Identifier: Apache-2.0
#include "gdal/allowed_roots.h"

#include <gtest/gtest.h>

#include "gdal/handles.h"
#include "gdal/random_access_file.h"
#include "gdal/test_files.h"

namespace geoloom::gdal {
namespace {

bool admits(const AccessRules& rules, const std::string& href, Access access = Access::read) {
  try {
    rules.check(href, access);
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::denied) << href;
    return false;
  }
}

TEST(AccessRules, PrefixesEndAtPathParts) {
  const AccessRules rules({.read = {"s3://b/pre", "gs://g", "https://h/data/"}, .write = {}});
  for (const char* href : {"s3://b/pre", "s3://b/pre/x", "/vsis3/b/pre/x/y", "gs://g/any/thing",
                           "/vsigs/g/a", "https://h/data/a.tif", "/vsicurl/https://h/data/a.tif"})
    EXPECT_TRUE(admits(rules, href)) << href;
  for (const char* href :
       {"s3://b/prefix2", "s3://b/pre2/x", "s3://b/pr", "s3://b", "s3://b2/pre/x", "s3://B/pre/x",
        "s3://b/other/pre/x", "s3://b//pre/x", "gs://g2/a", "gs://b/pre/x", "az://b/pre/x",
        "https://h/data2/a.tif", "https://h/", "https://h", "https://h2/data/a", "http://h/data/a",
        "https://h//data/a"})
    EXPECT_FALSE(admits(rules, href)) << href;
}

TEST(AccessRules, AddressesAreNormalised) {
  const AccessRules rules({.read = {"https://Example.org:443/Some%20data/x"}, .write = {}});
  for (const char* href :
       {"HTTPS://EXAMPLE.ORG/Some%20data/x/a.tif", "https://example.org./Some%20data/x/a.tif",
        "https://example.org:443/Some%20data/x/./a", "https://example.org/Some%20dat%61/x/a"})
    EXPECT_TRUE(admits(rules, href)) << href;
  for (const char* href :
       {"https://example.org:8443/Some%20data/x/a", "https://example.org:80/Some%20data/x/a",
        "https://example.org/some%20data/x/a", "https://example.org.evil/Some%20data/x/a"})
    EXPECT_FALSE(admits(rules, href)) << href;
}

TEST(AccessRules, TricksAreRefused) {
  const AccessRules rules({.read = {"https://h/root", "s3://b/root", "/data"}, .write = {}});
  for (const char* href : {"https://h/root/../secret",
                           "https://h/root/a/../b",
                           "https://h/root/%2e%2e/secret",
                           "https://h/root/.%2E/secret",
                           "https://h/root/%252e%252e/secret",
                           "https://h/root/..%2fsecret",
                           "https://h/root/..%5csecret",
                           "https://h/root/..\\secret",
                           "https://h/root/..;/secret",
                           "https://h/root/%zz",
                           "https://h/root/%2",
                           "https://h/root/a%00b",
                           "https://h/root/a\nb",
                           "https://h/root/a?x=1",
                           "https://h/root/a#x",
                           "https://h@evil/root/a",
                           "https://user:word@h/root/a",
                           "https://evil\\@h/root/a",
                           "https://evil#@h/root/a",
                           "https://evil?@h/root/a",
                           "https://h%2froot/root/a",
                           "https:///root/a",
                           "https://h:@evil/root",
                           "s3://b/root/../secret",
                           "s3://b/root/%2e%2e/secret",
                           "s3://b/ro%6ft/x",
                           "s3://b/root/x?versionId=1",
                           "s3://b@evil/root/x",
                           "s3:///root/x",
                           "s3://../b/root/x",
                           "ftp://h/root/a",
                           "file://h/data/a",
                           "file:data/a",
                           "/etc/passwd",
                           "file:///etc/passwd",
                           "/data/../etc/passwd",
                           "file:///data/../etc/passwd",
                           "/database/x",
                           "/proc/self/root/etc/passwd",
                           "../../../../../../../../etc/passwd",
                           "/vsicurl/file:///etc/passwd",
                           "/vsicurl/https://h/other",
                           "/vsicurl?url=https://h/root/a",
                           "/vsizip//data/a.zip/b.tif",
                           "/vsizip/https://h/root/a.zip",
                           "/vsimem/a",
                           "/vsistdin/",
                           "/vsisubfile/0_9,/data/a",
                           "/vsis3_streaming/b/root/x",
                           "/vsicrypt/key=x,file=/data/a",
                           "data/a"})
    EXPECT_FALSE(admits(rules, href)) << href;
  EXPECT_FALSE(admits(rules, ""));
  EXPECT_FALSE(admits(rules, std::string("/data/a\0b", 9)));
  for (const char* href : {"/data", "/data/a", "file:///data/a", "/data/x/../a", "//data/a"})
    EXPECT_TRUE(admits(rules, href)) << href;
}

TEST(AccessRules, QueryStringsOnlyWhereTheRootSaysSo) {
  const AccessRules rules({.read = {"https://signed/data?", "https://plain/data"}, .write = {}});
  EXPECT_TRUE(admits(rules, "https://signed/data/a.tif?sig=1"));
  EXPECT_TRUE(admits(rules, "https://signed/data/a.tif"));
  EXPECT_FALSE(admits(rules, "https://signed/other?/data/a.tif"));
  EXPECT_TRUE(admits(rules, "https://plain/data/a.tif"));
  EXPECT_FALSE(admits(rules, "https://plain/data/a.tif?sig=1"));
}

TEST(AccessRules, WritingImpliesReadingAndNotTheOtherWayRound) {
  const AccessRules rules({.read = {"/in"}, .write = {"/out", "s3://b/out"}});
  EXPECT_TRUE(admits(rules, "/in/a"));
  EXPECT_FALSE(admits(rules, "/in/a", Access::write));
  EXPECT_TRUE(admits(rules, "/out/a"));
  EXPECT_TRUE(admits(rules, "/out/a", Access::write));
  EXPECT_TRUE(admits(rules, "s3://b/out/a", Access::write));
  EXPECT_FALSE(admits(rules, "s3://b/out2/a", Access::write));
  EXPECT_FALSE(admits(AccessRules({}), "/in/a"));
}

TEST(AccessRules, RootsThatAreNone) {
  for (const char* root : {"", "s3://", "ftp://h/x", "/vsizip/a.zip", "https://h/../x",
                           "https://user:word@h/", "https://h/a?sig=1", "s3://b/../c"})
    EXPECT_EQ(error_of([root] { AccessRules({.read = {root}, .write = {}}); }).code(),
              ErrorCode::invalid)
        << root;
  EXPECT_EQ(error_of([] { AccessRules({.read = {}, .write = {"https://h/x"}}); }).code(),
            ErrorCode::invalid);
}

TEST(AccessRules, TheErrorNamesTheRootsAndNoSecret) {
  const AccessRules rules({.read = {"https://h/root"}, .write = {"/out"}});
  const auto error =
      error_of([&rules] { rules.check("https://me:word@h/x?sig=topsecret", Access::read); });
  EXPECT_EQ(std::string(error.what()).find("topsecret"), std::string::npos) << error.what();
  EXPECT_EQ(std::string(error.what()).find("word"), std::string::npos) << error.what();
  const auto outside = error_of([&rules] { rules.check("/etc/passwd", Access::read); });
  EXPECT_NE(outside.hint().find("https://h/root"), std::string::npos) << outside.hint();
  EXPECT_NE(outside.hint().find("/out"), std::string::npos) << outside.hint();
  EXPECT_EQ(outside.place().file, "/etc/passwd");
}

TEST(AccessRules, LinksAreFollowedBeforeComparing) {
  const TestFolder folder, elsewhere;
  const auto secret = elsewhere.put("secret", "x");
  std::filesystem::create_symlink(secret, folder.file("link"));
  std::filesystem::create_directory_symlink(elsewhere.file(""), folder.file("away"));
  const AccessRules rules({.read = {folder.file("")}, .write = {}});
  EXPECT_TRUE(admits(rules, folder.put("mine", "x")));
  EXPECT_TRUE(admits(rules, folder.file("not/there/yet")));
  EXPECT_FALSE(admits(rules, folder.file("link")));
  EXPECT_FALSE(admits(rules, folder.file("away/secret")));
  EXPECT_FALSE(admits(rules, folder.file("away/../secret")));
  // A root may be a link itself: what counts is where it leads.
  std::filesystem::create_directory_symlink(folder.file(""), elsewhere.file("root"));
  EXPECT_TRUE(
      admits(AccessRules({.read = {elsewhere.file("root")}, .write = {}}), folder.file("mine")));
}

TEST(AccessRestriction, HoldsForEverythingThatOpensFiles) {
  initialise();
  const TestFolder folder, elsewhere;
  const auto inside = folder.file("a.tif"), outside = elsewhere.file("a.tif");
  write_whole(inside, 64, 64, 1);
  write_whole(outside, 64, 64, 1);
  const auto target = elsewhere.file("new");
  {
    const AccessRestriction restriction({.read = {folder.file("")}, .write = {}});
    EXPECT_EQ(Dataset::open(inside).info().width, 64);
    EXPECT_EQ(read_file(inside, 1 << 20).size(), std::filesystem::file_size(inside));
    const std::vector<std::function<void()>> forbidden{
        [&] { Dataset::open(outside); },
        [&] { RandomAccessFile::open(outside); },
        [&] { read_file(outside, 1 << 20); },
        [&] { file_status(outside); },
        [&] { list_files(elsewhere.file(""), false); },
        [&] { write_file(target, "x"); },
        [&] { write_file(inside, "x"); },
        [&] { remove_file(inside); },
        [&] { copy_into(inside, target); },
        [&] { write_whole(target, 64, 64, 1); },
        [&] { file_status("/vsis3/bucket/key"); },
        [&] { check_readable("https://example.org/a.tif"); },
        [&] { check_writable(inside); }};
    for (size_t i = 0; i < forbidden.size(); ++i)
      EXPECT_EQ(error_of(forbidden[i]).code(), ErrorCode::denied) << i;
    EXPECT_EQ(error_of([] { AccessRestriction second({}); }).code(), ErrorCode::internal);
  }
  EXPECT_EQ(Dataset::open(outside).info().width, 64);
  EXPECT_TRUE(std::filesystem::exists(inside));
  EXPECT_FALSE(std::filesystem::exists(target));
}

TEST(AccessRestriction, AVrtInAnAllowedFolderLeadsNowhere) {
  initialise();
  const TestFolder folder, elsewhere;
  write_whole(elsewhere.file("secret.tif"), 64, 64, 1);
  const auto posing = folder.put("scene.tif",
                                 "<VRTDataset rasterXSize=\"64\" rasterYSize=\"64\"><VRTRasterBand "
                                 "dataType=\"Byte\" band=\"1\"><SimpleSource><SourceFilename>" +
                                     elsewhere.file("secret.tif") +
                                     "</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
                                     "</VRTRasterBand></VRTDataset>");
  const AccessRestriction restriction({.read = {folder.file("")}, .write = {}});
  EXPECT_EQ(error_of([&] { Dataset::open(posing); }).code(), ErrorCode::invalid);
}

TEST(AccessRestriction, OwnFoldersAreForTheProgramOnly) {
  initialise();
  const TestFolder scratch;
  const auto path = scratch.file("x");
  const AccessRestriction restriction({});
  {
    const OwnFolder own(scratch.file(""));
    write_file(path, "x");
    EXPECT_EQ(read_file(path, 9), "x");
    EXPECT_EQ(error_of([&] { check_readable(path); }).code(), ErrorCode::denied);
    EXPECT_EQ(error_of([&] { read_file(scratch.file("") + "../y", 9); }).code(), ErrorCode::denied);
  }
  EXPECT_EQ(error_of([&] { read_file(path, 9); }).code(), ErrorCode::denied);
}

}  // namespace
}  // namespace geoloom::gdal
