// SPDX-License-Identifier: Apache-2.0
#include "workflow/metrics.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace geoloom::workflow {
namespace {

Metrics example() {
  Metrics metrics;
  metrics.set({"share", ScalarType::number, "%", ""}, {0.1 + 0.2});
  metrics.set({"count", ScalarType::integer, "", ""}, {int64_t{9007199254740993}});
  metrics.set({"classes", ScalarType::list, "", ""},
              {Scalar::List{{std::string("a")}, {int64_t{2}}}});
  metrics.set({"loss", ScalarType::number, "", ""}, {std::numeric_limits<double>::quiet_NaN()});
  metrics.series["loss"] = {{0, 10}, {1.5, std::numeric_limits<double>::infinity()}};
  metrics.curves["roc"] = {"false positives", "true positives", {0, 1}, {0, 1}, {1, 0}};
  metrics.matrices["confusion"] = {"truth", "map", {"a", "b"}, {"a", "b"}, {1, 2, 3, 4}};
  return metrics;
}

TEST(Metrics, AreReadBackToTheLastBit) {
  const auto json = Json::parse(to_json(example()).dump());
  const auto metrics = metrics_from_json(json);
  EXPECT_EQ(metrics.scalars, example().scalars);
  EXPECT_EQ(metrics.units.at("share"), "%");
  EXPECT_FALSE(metrics.units.contains("count"));
  EXPECT_EQ(metrics.series.at("loss").steps, (std::vector<int64_t>{0, 10}));
  EXPECT_TRUE(std::isnan(metrics.series.at("loss").values[1])) << "not finite: null";
  EXPECT_EQ(metrics.curves.at("roc").thresholds, (std::vector<double>{1, 0}));
  EXPECT_EQ(metrics.matrices.at("confusion").values, (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(to_json(metrics), to_json(example()));
}

TEST(Metrics, ANumberThatIsNotFiniteIsAbsent) {
  EXPECT_TRUE(example().scalars.at("loss").absent());
  EXPECT_TRUE(to_json(example())["scalars"]["loss"].is_null());
}

TEST(Metrics, WrongOnesAreRefused) {
  auto json = to_json(example());
  json["series"]["loss"]["values"].push_back(3);
  EXPECT_THROW(metrics_from_json(json), Error);
  json = to_json(example());
  json["matrices"]["confusion"]["rows"].push_back("c");
  EXPECT_THROW(metrics_from_json(json), Error);
  json = to_json(example());
  json["geoloom_metrics"] = kMetricsVersion + 1;
  EXPECT_THROW(metrics_from_json(json), Error);
  EXPECT_THROW(metrics_from_json(Json::array()), Error);
  json = to_json(example());
  json["scalars"]["share"] = Json::object();
  EXPECT_THROW(metrics_from_json(json), Error);
}

TEST(Scalar, TellsWhatItIs) {
  EXPECT_EQ(Scalar{}.text(), "absent");
  EXPECT_EQ((Scalar{Scalar::List{{true}, {std::string("x")}}}.text()), "[true, 'x']");
  EXPECT_EQ(scalar_from_json(Json(3)), Scalar{int64_t{3}});
  EXPECT_EQ(scalar_from_json(Json(3.0)), Scalar{3.0});
  EXPECT_THROW(scalar_from_json(Json::parse("[[1]]")), Error);
}

}  // namespace
}  // namespace geoloom::workflow
