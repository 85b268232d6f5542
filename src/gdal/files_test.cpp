// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>

#include "gdal/dataset.h"
#include "gdal/test_files.h"

namespace geoloom::gdal {
namespace {

TEST(LocalFiles, WriteReadListRemove) {
  const TestFolder folder;
  write_file(folder.file("b"), "hello");
  write_file(folder.file("b"), "again");
  std::filesystem::create_directories(folder.file("deep/er"));
  write_file(folder.file("deep/er/a"), "");
  EXPECT_EQ(read_file(folder.file("b"), 5), "again");
  EXPECT_EQ(read_file(folder.file("deep/er/a"), 5), "");
  EXPECT_EQ(error_of([&] { read_file(folder.file("b"), 4); }).code(), ErrorCode::invalid);
  EXPECT_EQ(error_of([&] { read_file(folder.file("x"), 4); }).code(), ErrorCode::missing);
  const std::string root = folder.file("");
  EXPECT_EQ(list_files(root, true), (std::vector<std::string>{"b", "deep/er/a"}));
  EXPECT_EQ(list_files(root, false), (std::vector<std::string>{"b"}));
  EXPECT_EQ(error_of([&] { list_files(folder.file("x"), true); }).code(), ErrorCode::missing);
  const auto status = file_status(folder.file("b"));
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->size, 5);
  EXPECT_GT(status->modified_s, 1'500'000'000);
  EXPECT_TRUE(file_status(folder.file("deep"))->directory);
  EXPECT_FALSE(file_status(folder.file("x")).has_value());
  copy_into(folder.file("b"), folder.file("c"));
  EXPECT_EQ(read_file(folder.file("c"), 5), "again");
  remove_file(folder.file("b"));
  remove_file(folder.file("b"));
  EXPECT_FALSE(file_status(folder.file("b")).has_value());
  EXPECT_EQ(error_of([&] { write_file(folder.file("x/y"), "z"); }).code(), ErrorCode::missing);
}

TEST(LocalFiles, MemoryFilesWorkAlike) {
  write_file("/vsimem/files-test/a", "abc");
  EXPECT_EQ(read_file("/vsimem/files-test/a", 10), "abc");
  EXPECT_EQ(list_files("/vsimem/files-test", true), std::vector<std::string>{"a"});
  remove_file("/vsimem/files-test/a");
  EXPECT_FALSE(file_status("/vsimem/files-test/a").has_value());
}

// Against a real server: s3://bucket/prefix, with AWS_S3_ENDPOINT and keys in the environment.
class RemoteFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* url = std::getenv("GEOLOOM_TEST_S3");
    if (url == nullptr) GTEST_SKIP() << "GEOLOOM_TEST_S3 names no s3://bucket/prefix";
    root_ =
        "/vsis3/" + std::string(url).substr(5) + "/files-" + std::to_string(std::random_device{}());
  }
  std::string root_;
};

TEST_F(RemoteFiles, WriteReadListRemove) {
  EXPECT_FALSE(file_status(root_ + "/a/b").has_value());
  write_file(root_ + "/a/b", "hello");
  EXPECT_EQ(read_file(root_ + "/a/b", 10), "hello");
  write_file(root_ + "/a/b", "longer than before");
  EXPECT_EQ(read_file(root_ + "/a/b", 100), "longer than before");
  EXPECT_EQ(error_of([&] { read_file(root_ + "/a/b", 4); }).code(), ErrorCode::invalid);
  EXPECT_EQ(error_of([&] { read_file(root_ + "/none", 4); }).code(), ErrorCode::missing);
  write_file(root_ + "/c", "");
  EXPECT_EQ(read_file(root_ + "/c", 10), "");
  EXPECT_EQ(list_files(root_, true), (std::vector<std::string>{"a/b", "c"}));
  EXPECT_EQ(list_files(root_, false), (std::vector<std::string>{"c"}));
  EXPECT_TRUE(list_files(root_ + "/nothing", true).empty());
  const auto status = file_status(root_ + "/a/b");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->size, 18);
  EXPECT_FALSE(status->etag.empty());
  remove_file(root_ + "/a/b");
  remove_file(root_ + "/a/b");
  EXPECT_FALSE(file_status(root_ + "/a/b").has_value());
  remove_file(root_ + "/c");
}

TEST_F(RemoteFiles, LargeFilesGoUpInParts) {
  const TestFolder folder;
  std::string bytes(40'000'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 24U);
  folder.put("big", bytes);
  copy_into(folder.file("big"), root_ + "/big");
  EXPECT_EQ(file_status(root_ + "/big")->size, 40'000'000);
  EXPECT_TRUE(read_file(root_ + "/big", bytes.size()) == bytes);
  remove_file(root_ + "/big");
}

TEST_F(RemoteFiles, DatasetsOpenOnceTheyAppear) {
  const TestFolder folder;
  write_whole(folder.file("a.tif"), 300, 200, 1);
  const std::string path = root_ + "/a.tif";
  EXPECT_EQ(error_of([&] { Dataset::open(path); }).code(), ErrorCode::missing);
  copy_into(folder.file("a.tif"), path);
  EXPECT_EQ(read_band(Dataset::open(path), 1), test_pixels(300, 200, 1));
  remove_file(path);
}

TEST_F(RemoteFiles, ABucketThatIsNotThereIsMissing) {
  const std::string bucket = "/vsis3/geoloom-no-such-bucket/x";
  EXPECT_EQ(error_of([&] { file_status(bucket + "/a"); }).code(), ErrorCode::missing);
  EXPECT_EQ(error_of([&] { list_files(bucket, true); }).code(), ErrorCode::missing);
  EXPECT_EQ(error_of([&] { write_file(bucket + "/a", "x"); }).code(), ErrorCode::missing);
  EXPECT_EQ(error_of([&] { Dataset::open(bucket + "/a.tif"); }).code(), ErrorCode::missing);
}

}  // namespace
}  // namespace geoloom::gdal
