// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "gdal/dataset.h"
#include "gdal/handles.h"
#include "gdal/test_files.h"
#include "gdal/test_server.h"

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

// Points GDAL in this thread to a server, with few retries.
class S3At {
 public:
  explicit S3At(const std::string& host) : endpoint_("AWS_S3_ENDPOINT", host.c_str()) {}

 private:
  ThreadOption endpoint_;
  ThreadOption https_{"AWS_HTTPS", "NO"};
  ThreadOption hosting_{"AWS_VIRTUAL_HOSTING", "FALSE"};
  ThreadOption id_{"AWS_ACCESS_KEY_ID", "id"};
  ThreadOption key_{"AWS_SECRET_ACCESS_KEY", "key"};
  ThreadOption retries_{"GDAL_HTTP_MAX_RETRY", "1"};
  ThreadOption delay_{"GDAL_HTTP_RETRY_DELAY", "0.01"};
};

// Everything that can be asked about a place that answers always in one way.
void expect_everywhere(ErrorCode code, const std::string& folder) {
  const std::string path = folder + "/a.tif";
  const auto expect = [code](const char* what, const std::function<void()>& action) {
    const Error error = error_of(action);
    EXPECT_EQ(error.code(), code) << what << ": " << error.what();
  };
  expect("open", [&] { Dataset::open(path); });
  expect("read", [&] { read_file(path, 100); });
  if (code != ErrorCode::missing) expect("status", [&] { file_status(path); });
  if (!folder.starts_with("/vsis3/")) return;
  expect("list", [&] { list_files(folder, true); });
  expect("list one level", [&] { list_files(folder, false); });
  expect("write", [&] { write_file(path, "x"); });
  if (code != ErrorCode::missing) expect("remove", [&] { remove_file(path); });
}

TEST(Refusals, AreNeverReadAsMissing) {
  initialise();
  struct Case {
    int status;
    const char* name;
    ErrorCode code;
  };
  for (const Case& c :
       {Case{403, "AccessDenied", ErrorCode::denied},
        Case{403, "SignatureDoesNotMatch", ErrorCode::denied},
        Case{401, "Unauthorized", ErrorCode::denied}, Case{400, "ExpiredToken", ErrorCode::denied},
        Case{500, "InternalError", ErrorCode::unavailable},
        Case{503, "SlowDown", ErrorCode::unavailable},
        Case{429, "TooManyRequests", ErrorCode::unavailable},
        Case{404, "NoSuchBucket", ErrorCode::missing}}) {
    SCOPED_TRACE(c.name);
    const TestServer server([&c](const TestServer::Request&) {
      return TestServer::Answer{c.status,
                                std::string("<?xml version=\"1.0\"?><Error><Code>") + c.name +
                                    "</Code><Message>no</Message></Error>",
                                "Content-Type: application/xml\r\n"};
    });
    const S3At s3(server.host());
    expect_everywhere(c.code, "/vsis3/bucket/folder");
    expect_everywhere(c.code, "/vsicurl/http://" + server.host() + "/folder");
  }
}

TEST(Refusals, NoServerIsUnavailable) {
  initialise();
  std::string host;
  {
    const TestServer server([](const TestServer::Request&) { return TestServer::Answer(); });
    host = server.host();
  }
  const S3At s3(host);
  expect_everywhere(ErrorCode::unavailable, "/vsis3/bucket/folder");
  expect_everywhere(ErrorCode::unavailable, "/vsicurl/http://" + host + "/folder");
}

TEST(Refusals, AnOutageDuringARead) {
  const TestFolder folder;
  write_whole(folder.file("a.tif"), 1000, 1000, 1);
  const std::string bytes = bytes_of(folder.file("a.tif"));
  std::atomic<int> status{200};
  const TestServer server([&](const TestServer::Request& request) {
    return status == 200 ? TestServer::file(request, bytes) : TestServer::Answer{status, "", ""};
  });
  const S3At s3(server.host());
  const std::vector<std::string> paths{"/vsis3/bucket/a.tif",
                                       "/vsicurl/http://" + server.host() + "/a.tif"};
  for (const std::string& path : paths)
    for (const auto& [answer, code] :
         {std::pair{503, ErrorCode::unavailable}, std::pair{403, ErrorCode::denied}}) {
      status = 200;
      forget_cached_listings();
      const Dataset dataset = Dataset::open(path);
      status = answer;
      std::vector<uint8_t> pixels(1000 * 1000);
      const Error error = error_of([&] {
        dataset.read({0, 0, 1000, 1000}, {1}, BufferType::uint8, pixels.data(), 1000, 0);
      });
      EXPECT_EQ(error.code(), code) << path << ": " << error.what();
      status = 200;
      EXPECT_EQ(read_band(Dataset::open(path), 1), test_pixels(1000, 1000, 1));
    }
}

TEST(Refusals, AShortObjectIsCorrupt) {
  const TestFolder folder;
  write_whole(folder.file("a.tif"), 1000, 1000, 1);
  const std::string bytes = bytes_of(folder.file("a.tif")).substr(0, 500000);
  const TestServer server(
      [&](const TestServer::Request& request) { return TestServer::file(request, bytes); });
  const Dataset dataset = Dataset::open("/vsicurl/http://" + server.host() + "/a.tif");
  const Error error = error_of([&] { read_band(dataset, 1); });
  EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
}

TEST(Refusals, TheEtagOfAnObject) {
  const TestServer server(
      [&](const TestServer::Request& request) { return TestServer::file(request, "hello"); });
  const auto status = file_status("/vsicurl/http://" + server.host() + "/a");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->size, 5);
  EXPECT_EQ(status->etag, "abc");
}

TEST(Refusals, SayWhichVariableToSet) {
  const auto hint = [](const char* path, const char* message) {
    const Capture capture(path);
    CPLError(CE_Warning, CPLE_AppDefined, "%s", message);
    const auto error = capture.error(ErrorCode::unavailable, "failed");
    EXPECT_TRUE(error.code() == ErrorCode::denied || error.code() == ErrorCode::missing) << message;
    return error.hint();
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(hint("/vsis3/b/k", "AWS_SECRET_ACCESS_KEY and AWS_NO_SIGN_REQUEST not defined"),
              HasSubstr("AWS_NO_SIGN_REQUEST=YES"));
  EXPECT_THAT(hint("/vsis3/b/k", "S3: <Error><Code>AccessDenied</Code></Error>"),
              HasSubstr("AWS_REQUEST_PAYER=requester"));
  EXPECT_THAT(hint("/vsis3/b/k", "S3: <Error><Code>RequestTimeTooSkewed</Code></Error>"),
              HasSubstr("clock"));
  EXPECT_THAT(hint("/vsis3/b/k", "S3: <Error><Code>PermanentRedirect</Code></Error>"),
              HasSubstr("AWS_REGION"));
  EXPECT_THAT(hint("/vsis3/b/k", "S3: <Error><Code>ExpiredToken</Code></Error>"),
              HasSubstr("renew"));
  EXPECT_THAT(hint("/vsis3/b/k", "S3: <Error><Code>NoSuchBucket</Code></Error>"),
              HasSubstr("AWS_S3_ENDPOINT"));
  EXPECT_THAT(hint("/vsigs/b/k", "<Error><Code>UserProjectMissing</Code></Error>"),
              HasSubstr("GS_USER_PROJECT"));
  EXPECT_THAT(hint("/vsigs/b/k", "response_code=403"), HasSubstr("GS_NO_SIGN_REQUEST=YES"));
  EXPECT_THAT(hint("/vsiaz/b/k", "response_code=403"),
              HasSubstr("AZURE_STORAGE_CONNECTION_STRING"));
  EXPECT_THAT(hint("/vsicurl/https://h/a", "HTTP response code on https://h/a: 401"),
              HasSubstr("signature"));
}

TEST(Refusals, TheServersOwnWordsAreTheCause) {
  const Capture capture("/vsis3/b/k");
  CPLError(CE_Failure, CPLE_AppDefined, "DoSinglePartPUT failed");
  CPLError(CE_Warning, CPLE_AppDefined,
           "S3: <Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>");
  EXPECT_EQ(capture.error(ErrorCode::internal, "failed").cause(),
            "SlowDown: Reduce your request rate.");
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
  std::string bytes;
  bytes.resize(40'000'000);
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
