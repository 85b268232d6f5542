// SPDX-License-Identifier: Apache-2.0
// What all ops of series have in common.
#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_breaks();
std::unique_ptr<workflow::Op> make_climatology();
std::unique_ptr<workflow::Op> make_harmonic();
std::unique_ptr<workflow::Op> make_interpolate();
std::unique_ptr<workflow::Op> make_phenology();
std::unique_ptr<workflow::Op> make_smooth();
std::unique_ptr<workflow::Op> make_trend();

namespace {

struct Example {
  std::unique_ptr<workflow::Op> (*make)();
  const char* yaml;
};

constexpr Example kExamples[] = {
    {make_breaks, "{history: 2015..2016, outputs: [date, magnitude, statistic, rmse]}"},
    {make_climatology, "{by: quarter, baseline: 2015..2016}"},
    {make_harmonic, "{harmonics: 1, outputs: [coefficients, amplitude, phase, rmse]}"},
    {make_harmonic, "{predict: true, trend: true, every: month, within: 2015}"},
    {make_interpolate, "{method: cubic, every: month, within: 2015}"},
    {make_interpolate, "{method: previous, dates: [2015-05-01, 2015-06-01]}"},
    {make_phenology, "{outputs: [start, peak], every: year, within: 2015}"},
    {make_smooth, "savitzky_golay"},
    {make_smooth, "whittaker"},
    {make_trend, "mann_kendall"},
    {make_trend, "{test: seasonal, season: month}"},
};

// A tile at the edge of a swath has few scenes, or none, and no pixel of it says anything.
TEST(DatedSeries, FewDatesOrNoneAreInvalid) {
  Cube cube;
  cube.schema.bands = {{.name = "ndvi", .type = raster::PixelType::float32}};
  cube.schema.slices = {day("2015-01-02"), day("2015-01-05")};
  cube.values = {{{1, 2, kInvalid}}, {{2, kInvalid, 3}}};
  for (const bool none : {false, true}) {
    if (none) cube.schema.slices.clear();
    for (const auto& example : kExamples) {
      const auto op = bound(example.make(), example.yaml);
      if (!none &&
          (op->description().name == "interpolate" || op->description().name == "climatology" ||
           std::string_view(example.yaml) == "whittaker"))
        continue;  // have something to say of two dates
      SCOPED_TRACE(op->description().name + ": " + example.yaml);
      const auto result = run(*op, cube);
      for (size_t s = 0; s < result.schema.slices.size(); ++s)
        for (const auto& band : result.schema.band_names()) {
          if (band.ends_with("_count")) continue;
          EXPECT_THAT(result.at(band, s), numbers_are({kInvalid, kInvalid, kInvalid})) << band;
        }
    }
  }
}

}  // namespace
}  // namespace geoloom::ops
