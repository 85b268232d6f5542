// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "error/error.h"
#include "serve/median_tasks.h"

namespace geoloom::serve {
namespace {

using workflow::Json;

Json request() {
  return {{"window", {2048, 0, 1024, 1024}},
          {"destination", "gs://bucket/results/tile_2048_0.tif"},
          {"datasets", {"gs://bucket/a.tif", "gs://bucket/b.tif"}}};
}

TEST(MedianRequests, AreTakenApart) {
  const auto taken = median_request_from_json(request());
  EXPECT_EQ(taken.x, 2048);
  EXPECT_EQ(taken.y, 0);
  EXPECT_EQ(taken.width, 1024);
  EXPECT_EQ(taken.height, 1024);
  EXPECT_EQ(taken.datasets.size(), 2U);
}

TEST(MedianRequests, ThatNoArchiveCouldServeAreRefused) {
  const auto with = [](const char* key, const Json& value) {
    auto json = request();
    json[key] = value;
    return json;
  };
  auto without = request();
  without.erase("datasets");
  const std::vector<Json> bad{without,
                              with("window", {0, 0, 0, 10}),
                              with("window", {0, 0, 10, 0}),
                              with("window", {-1, 0, 10, 10}),
                              with("window", {0, 0, -5, 10}),
                              with("window", {0, 0, 10}),
                              with("window", {0, 0, 1.5, 10}),
                              with("window", {0, 0, "1", 10}),
                              with("window", {0, 0, UINT64_MAX, 10}),
                              with("window", {INT64_MAX, 0, INT64_MAX, 10}),
                              with("window", 5),
                              with("destination", ""),
                              with("destination", 5),
                              with("datasets", Json::array()),
                              with("datasets", "a.tif"),
                              with("datasets", {"a.tif", 5}),
                              with("datasets", {"a.tif", "a.tif"}),
                              with("datasets", {"folder"}),
                              with("datasets", {"list.txt"})};
  for (const auto& json : bad) try {
      (void)median_request_from_json(json);
      ADD_FAILURE() << json.dump();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid) << json.dump();
    }
}

}  // namespace
}  // namespace geoloom::serve
