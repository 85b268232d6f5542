// SPDX-License-Identifier: Apache-2.0
// The same tests run against a folder and, where GEOLOOM_TEST_S3 names one (s3://bucket/prefix), a
// real object store.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "gdal/dataset.h"
#include "store/store.h"

namespace geoloom::store {

inline std::vector<std::string> store_kinds() {
  return {"folder", "s3"};
}

class StoreTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    gdal::initialise();
    const auto name =
        "store-test-" + std::to_string(::getpid()) + "-" + std::to_string(std::random_device{}());
    if (GetParam() == "folder") {
      url = ::testing::TempDir() + name;
    } else {
      const char* s3 = std::getenv("GEOLOOM_TEST_S3");
      if (!s3 || !*s3) GTEST_SKIP() << "GEOLOOM_TEST_S3 is not set";
      std::string base = s3;
      if (base.starts_with("/vsis3/")) base = "s3://" + base.substr(7);
      url = base + "/" + name;
    }
    store = open_store(url);
  }
  void TearDown() override {
    if (GetParam() == "folder" && !url.empty()) std::filesystem::remove_all(url);
  }
  std::string url;
  std::unique_ptr<Store> store;
};

}  // namespace geoloom::store
