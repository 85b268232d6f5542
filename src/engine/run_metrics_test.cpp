// SPDX-License-Identifier: Apache-2.0
#include "engine/run_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace geoloom::engine {
namespace {

using testing::ElementsAre;

Receipt measured(const std::string& item, double share) {
  Receipt receipt;
  receipt.step = "quality";
  receipt.item = item;
  receipt.finished = "1970-01-01T00:00:02.500Z";
  Output output;
  output.layer = "measured";
  output.metrics.emplace();
  output.metrics->set({.name = "share", .unit = "%"}, {share});
  output.metrics->scalars["good"] = {true};
  output.metrics->scalars["count"] = {int64_t{7}};
  output.metrics->scalars["words"] = {std::string("many")};
  output.metrics->scalars["nothing"] = {};
  output.metrics->series["loss"] = {{0, 5}, {0.5, std::nan("")}};
  receipt.outputs.push_back(output);
  receipt.outputs.push_back({});  // of another layer, without metrics
  return receipt;
}

TEST(RunMetrics, AreThoseOfOutputsThatHaveSome) {
  const auto found = metrics_of(measured("all", 1));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].layer, "measured");
  EXPECT_EQ(found[0].item, "all");
}

TEST(RunMetrics, NumbersAndSeriesArePoints) {
  const auto points = scalar_points(metrics_of(measured("all", 0.25)).front());
  std::vector<std::string> tags;
  for (const auto& point : points) {
    tags.push_back(point.tag + "@" + std::to_string(point.step));
    EXPECT_EQ(point.wall_time_s, 2.5);
  }
  EXPECT_THAT(tags, ElementsAre("count@0", "good@0", "share@0", "loss@0", "loss@5"));
  EXPECT_EQ(points[0].value, 7);
  EXPECT_EQ(points[1].value, 1);
  EXPECT_EQ(points[2].value, 0.25F);
  EXPECT_TRUE(std::isnan(points[4].value));
}

TEST(RunMetrics, ASummaryHasTheSpreadOfAllAndSomeWhole) {
  MetricsSummary summary;
  for (int i = 0; i < 100; ++i) summary.offer(measured("tile" + std::to_string(i), i));
  const auto json = summary.json();
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["items"], 100);
  EXPECT_EQ(json[0]["examples"].size(), 12U);
  const auto& share = json[0]["scalars"][1];
  EXPECT_EQ(share["name"], "share");
  EXPECT_EQ(share["unit"], "%");
  EXPECT_EQ(share["least"], 0);
  EXPECT_EQ(share["median"], 49);
  EXPECT_EQ(share["most"], 99);
  EXPECT_EQ(json[0]["scalars"].size(), 2U) << "numbers only";
}

TEST(RunMetrics, LongSeriesDoNotMakeTheSummaryLarge) {
  MetricsSummary summary;
  for (int i = 0; i < 5; ++i) {
    auto receipt = measured("tile" + std::to_string(i), i);
    auto& loss = receipt.outputs[0].metrics->series["loss"];
    loss = {std::vector<int64_t>(15'000), std::vector<double>(15'000)};
    summary.offer(receipt);
  }
  EXPECT_EQ(summary.json()[0]["examples"].size(), 1U);
}

}  // namespace
}  // namespace geoloom::engine
