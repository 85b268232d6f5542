// SPDX-License-Identifier: Apache-2.0
// The same tests run against a folder and real object stores, where GEOLOOM_TEST_S3, _GS and _AZ
// name one (s3://bucket/prefix, gs://..., az://...).
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
  return {"folder", "s3", "gs", "az"};
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
      const std::string variable = GetParam() == "s3"   ? "GEOLOOM_TEST_S3"
                                   : GetParam() == "gs" ? "GEOLOOM_TEST_GS"
                                                        : "GEOLOOM_TEST_AZ";
      const char* base = std::getenv(variable.c_str());
      if (!base || !*base) GTEST_SKIP() << variable << " is not set";
      url = std::string(base) + "/" + name;
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
