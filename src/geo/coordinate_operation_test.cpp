// SPDX-License-Identifier: Apache-2.0
#include "geo/coordinate_operation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "error/error.h"

namespace geoloom::geo {
namespace {

TEST(CoordinateOperation, EqualSystemsNeedNone) {
  const auto operation =
      CoordinateOperation::between(Crs::parse("EPSG:32631"), Crs::parse("EPSG:32631"));
  EXPECT_TRUE(operation.identity());
  EXPECT_EQ(operation.text(), "identity");
  EXPECT_EQ(CoordinateOperation::parse("identity"), operation);
  std::vector<double> x{500000}, y{5e6};
  operation.forward(x, y);
  EXPECT_EQ(x[0], 500000);
}

TEST(CoordinateOperation, AxesAreEastAndNorthWhateverTheSystemSays) {
  const auto operation =
      CoordinateOperation::between(Crs::parse("EPSG:4326"), Crs::parse("EPSG:32631"));
  std::vector<double> x{3}, y{50};
  operation.forward(x, y);
  EXPECT_NEAR(x[0], 500000, 1e-6);
  EXPECT_NEAR(y[0], 5538630.7027, 1e-3);
  operation.inverse(x, y);
  EXPECT_NEAR(x[0], 3, 1e-12);
  EXPECT_NEAR(y[0], 50, 1e-12);
}

TEST(CoordinateOperation, ItsTextIsAllOfIt) {
  const auto chosen =
      CoordinateOperation::between(Crs::parse("EPSG:32631"), Crs::parse("EPSG:6933"));
  const auto again = CoordinateOperation::parse(chosen.text());
  EXPECT_EQ(again, chosen);
  std::vector<double> x{512345.5, 399999}, y{5123456.5, 1e6}, x2 = x, y2 = y;
  chosen.forward(x, y);
  again.forward(x2, y2);
  EXPECT_EQ(x, x2);
  EXPECT_EQ(y, y2);
}

TEST(CoordinateOperation, NeighboursDoNotMatter) {
  const auto operation =
      CoordinateOperation::between(Crs::parse("EPSG:32631"), Crs::parse("EPSG:6933"));
  std::vector<double> x{512345.5, std::nan(""), 399999, 1e30, 500000};
  std::vector<double> y{5123456.5, 1, 1e6, 1e30, 0};
  auto all_x = x, all_y = y;
  operation.forward(all_x, all_y);
  for (size_t i = 0; i < x.size(); ++i) {
    std::vector<double> one_x{x[i]}, one_y{y[i]};
    operation.forward(one_x, one_y);
    EXPECT_EQ(std::isnan(one_x[0]), std::isnan(all_x[i])) << i;
    if (!std::isnan(one_x[0])) {
      EXPECT_EQ(one_x[0], all_x[i]) << i;
      EXPECT_EQ(one_y[0], all_y[i]) << i;
    }
  }
  EXPECT_TRUE(std::isnan(all_x[1]) && std::isnan(all_y[1]));
  EXPECT_TRUE(std::isnan(all_x[3]) && std::isnan(all_y[3]));
  EXPECT_FALSE(std::isnan(all_x[4]));
}

TEST(CoordinateOperation, EveryThreadGetsTheSamePlaces) {
  const auto operation =
      CoordinateOperation::between(Crs::parse("EPSG:32633"), Crs::parse("EPSG:3035"));
  const auto places = [&] {
    std::vector<double> x, y;
    for (int i = 0; i < 500; ++i) {
      x.push_back(400000 + i * 333.3);
      y.push_back(5e6 + i * 777.7);
    }
    operation.forward(x, y);
    x.insert(x.end(), y.begin(), y.end());
    return x;
  };
  const auto expected = places();
  std::vector<std::vector<double>> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : found) threads.emplace_back([&] { mine = places(); });
  }
  for (const auto& mine : found) EXPECT_EQ(mine, expected);
}

TEST(CoordinateOperation, RefusesWhatIsNone) {
  EXPECT_THROW(CoordinateOperation::parse("+proj=nonsense"), Error);
  EXPECT_THROW(CoordinateOperation::parse("EPSG:32631"), Error);
  EXPECT_THROW(CoordinateOperation::between(Crs(), Crs::parse("EPSG:32631")), Error);
}

}  // namespace
}  // namespace geoloom::geo
