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

// The variable that names a place in a store of this kind.
inline std::string variable_of(const std::string& kind) {
  return kind == "s3" ? "GEOLOOM_TEST_S3" : kind == "gs" ? "GEOLOOM_TEST_GS" : "GEOLOOM_TEST_AZ";
}

// A folder always, and the buckets that the environment names.
inline std::vector<std::string> store_kinds() {
  std::vector<std::string> kinds{"folder"};
  for (const char* kind : {"s3", "gs", "az"}) {
    const char* place = std::getenv(variable_of(kind).c_str());
    if (place && *place) kinds.emplace_back(kind);
  }
  return kinds;
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
      url = std::string(std::getenv(variable_of(GetParam()).c_str())) + "/" + name;
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
