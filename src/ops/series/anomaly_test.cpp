// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_anomaly();

namespace {

using testing::HasSubstr;

std::unique_ptr<workflow::BlockOp> anomaly(const std::string& yaml) {
  return bound(make_anomaly(), yaml);
}

// Two samples in January 2020, one in February; the third pixel has none.
Cube series() {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = raster::PixelType::float32}};
  cube.schema.slices = {day("2020-01-01"), day("2020-01-31"), day("2020-02-01")};
  cube.values = {{{4, 6, kInvalid}}, {{8, kInvalid, kInvalid}}, {{5, 5, kInvalid}}};
  return cube;
}

// January: 4 with deviation 2 of 20 samples; the other months 5 with deviation 0 of 10.
Cube usual() {
  Cube cube;
  cube.schema.bands = {
      {.name = "ndvi_mean", .type = raster::PixelType::float32},
      {.name = "ndvi_sd", .type = raster::PixelType::float32},
      {.name = "ndvi_count", .type = raster::PixelType::uint16, .kind = raster::BandKind::count}};
  cube.schema.validity_per_band = true;
  for (int month = 1; month <= 12; ++month) {
    auto slice = day("2000-01-01");
    slice.label = (month < 10 ? "0" : "") + std::to_string(month);
    cube.schema.slices.push_back(slice);
    const double mean = month == 1 ? 4 : 5, sd = month == 1 ? 2 : 0, n = month == 1 ? 20 : 10;
    cube.values.push_back({{mean, mean, mean}, {sd, sd, sd}, {n, n, n}});
  }
  return cube;
}

// The same, read from a GeoTIFF: one slice, bands NAME_STATISTIC_MONTH.
Cube usual_by_names() {
  const auto by_slices = usual();
  Cube cube;
  cube.schema.validity_per_band = true;
  cube.schema.slices = {day("2000-01-01")};
  cube.values.resize(1);
  for (size_t s = 0; s < 12; ++s) {
    for (size_t b = 0; b < 3; ++b) {
      auto band = by_slices.schema.bands[b];
      band.name += "_" + by_slices.schema.slices[s].label;
      cube.schema.bands.push_back(band);
      cube.values[0].push_back(by_slices.values[s][b]);
    }
  }
  return cube;
}

Result compared(const workflow::BlockOp& op, const Cube& cube, const Cube& climatology) {
  const raster::CubeSchema* inputs[] = {&cube.schema, &climatology.schema};
  Result result{op.plan(inputs).outputs.at(0), {}};
  const auto first = block_of(cube, 0, cube.schema.slices.size());
  const auto second = block_of(climatology, 0, climatology.schema.slices.size());
  result.block = raster::Block(result.schema, first.window(), 0, result.schema.slices.size());
  const raster::CubeSchema* output = &result.schema;
  const raster::Block* in[] = {&first, &second};
  raster::Block* out = &result.block;
  op.run({inputs, {&output, 1}, nullptr, in, {&out, 1}});
  return result;
}

TEST(Anomaly, ByHand) {
  for (const auto& climatology : {usual(), usual_by_names()}) {
    const auto result = compared(*anomaly("{outputs: [mean, difference, z, percent, count]}"),
                                 series(), climatology);
    ASSERT_EQ(result.schema.slices.size(), 2U);
    EXPECT_EQ(result.schema.slices[1].label, "2020-02");
    EXPECT_THAT(result.at("ndvi_mean", 0), numbers_are({6, 6, kInvalid}));
    EXPECT_THAT(result.at("ndvi_difference", 0), numbers_are({2, 2, kInvalid}));
    EXPECT_THAT(result.at("ndvi_z", 0), numbers_are({1, 1, kInvalid}));
    EXPECT_THAT(result.at("ndvi_percent", 0), numbers_are({50, 50, kInvalid}));
    EXPECT_THAT(result.at("ndvi_count", 0), numbers_are({2, 1, 0}));
    EXPECT_THAT(result.at("ndvi_difference", 1), numbers_are({0, 0, kInvalid}));
    EXPECT_THAT(result.at("ndvi_z", 1), numbers_are({kInvalid, kInvalid, kInvalid}));
  }
}

// A layer has no pixels on a tile where the baseline had no scene; its bands are known.
TEST(Anomaly, NothingIsUsualWhereTheClimatologyIsEmpty) {
  auto by_slices = usual(), by_names = usual_by_names();
  by_slices.schema.slices.clear();
  by_names.schema.slices.clear();
  for (const auto& empty : {by_slices, by_names}) {
    const auto result =
        compared(*anomaly("{outputs: [mean, difference, z, percent, count, status], every: month, "
                          "within: 2020-01, min_climatology_count: 3}"),
                 series(), empty);
    ASSERT_EQ(result.schema.slices.size(), 1U);
    EXPECT_THAT(result.at("ndvi_mean"), numbers_are({6, 6, kInvalid}));
    EXPECT_THAT(result.at("ndvi_count"), numbers_are({2, 1, 0}));
    EXPECT_THAT(result.at("ndvi_status"), numbers_are({2, 2, kInvalid}));
    for (const char* band : {"ndvi_difference", "ndvi_z", "ndvi_percent"})
      EXPECT_THAT(result.at(band), numbers_are({kInvalid, kInvalid, kInvalid})) << band;
  }
  EXPECT_EQ(compared(*anomaly(""), series(), by_names).schema.slices.size(), 2U);
  EXPECT_EQ(compared(*anomaly(""), series(), by_slices).schema.slices.size(), 0U);
  auto other = series();
  other.schema.slices.clear();
  EXPECT_THAT(error_of([&] { compared(*anomaly(""), series(), other); }),
              HasSubstr("no band 'ndvi_mean'"));
}

TEST(Anomaly, Counts) {
  const auto result = compared(*anomaly("{outputs: [mean, z], min_count: 2}"), series(), usual());
  EXPECT_THAT(result.at("ndvi_mean", 0), numbers_are({6, kInvalid, kInvalid}));
  const auto few = compared(*anomaly("{outputs: [mean, difference], min_climatology_count: 15}"),
                            series(), usual());
  EXPECT_THAT(few.at("ndvi_difference", 0), numbers_are({2, 2, kInvalid}));
  EXPECT_THAT(few.at("ndvi_difference", 1), numbers_are({kInvalid, kInvalid, kInvalid}));
  EXPECT_THAT(few.at("ndvi_mean", 1), numbers_are({5, 5, kInvalid}));
}

TEST(Anomaly, ProvisionalUntilEnoughSamplesAndTheEnd) {
  auto result = compared(*anomaly("{outputs: status, final_count: 2}"), series(), usual());
  EXPECT_THAT(result.at("ndvi_status", 0), numbers_are({2, 1, kInvalid}));
  EXPECT_THAT(result.at("ndvi_status", 1), numbers_are({1, 1, kInvalid}));
  result = compared(*anomaly("{outputs: status}"), series(), usual());
  EXPECT_THAT(result.at("ndvi_status", 0), numbers_are({2, 2, kInvalid}));
  EXPECT_THAT(result.at("ndvi_status", 1), numbers_are({1, 1, kInvalid}));  // has not ended
  result = compared(*anomaly("{outputs: status, complete_until: 2020-03-01}"), series(), usual());
  EXPECT_THAT(result.at("ndvi_status", 1), numbers_are({2, 2, kInvalid}));
  auto composites = series();  // the last of which is February
  composites.schema.slices[2].period = geo::parse_period("2020-02");
  result = compared(*anomaly("{outputs: status}"), composites, usual());
  EXPECT_THAT(result.at("ndvi_status", 1), numbers_are({2, 2, kInvalid}));
}

TEST(Anomaly, PeriodsWithinThoseOfTheClimatology) {
  const auto result =
      compared(*anomaly("{outputs: count, every: dekad, within: 2020-01}"), series(), usual());
  ASSERT_EQ(result.schema.slices.size(), 3U);
  EXPECT_THAT(result.at("ndvi_count", 2), numbers_are({1, 0, 0}));
  EXPECT_THAT(error_of([] { compared(*anomaly("{every: quarter}"), series(), usual()); }),
              HasSubstr("reaches beyond the month"));
}

TEST(Anomaly, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_of([] { anomaly("{outputs: [z, z]}"); }), HasSubstr("named twice"));
  EXPECT_THAT(error_of([] { compared(*anomaly(""), series(), series()); }),
              HasSubstr("no climatology"));
  auto other = series();
  other.schema.bands[0].name = "evi";
  EXPECT_THAT(error_of([&] { compared(*anomaly(""), other, usual()); }),
              HasSubstr("no band 'evi_mean'"));
  auto without = usual();
  without.schema.bands[1].name = "deviation";
  EXPECT_NO_THROW(compared(*anomaly("{outputs: difference}"), series(), without));
  EXPECT_THAT(error_of([&] { compared(*anomaly("{outputs: z}"), series(), without); }),
              HasSubstr("ndvi_sd"));
}

}  // namespace
}  // namespace geoloom::ops
