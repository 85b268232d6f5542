// SPDX-License-Identifier: Apache-2.0
#include "ops/time_cells.h"

#include "ops/op_test.h"

namespace geoloom::ops {
namespace {

using testing::HasSubstr;

struct Holder {
  TimeCells cells;
  void declare(workflow::Parameters& parameters) { cells.declare(parameters); }
};

TimeCells cells_of(const std::string& yaml) {
  Holder holder;
  workflow::Parameters parameters;
  holder.declare(parameters);
  parameters.bind(workflow::parse_yaml(yaml, "test.yaml"), "op");
  holder.cells.check("op");
  return holder.cells;
}

raster::CubeSchema series(const std::vector<std::string>& dates) {
  raster::CubeSchema schema;
  for (const auto& date : dates) {
    const auto t = geo::parse_time(date);
    schema.slices.push_back({{t.value_or(0), t.value_or(0)}, t.has_value(), date});
  }
  return schema;
}

std::string drawn(const TimeCells& cells, const raster::CubeSchema& input) {
  std::string out;
  for (const auto& cell : cells.cells(input, "op"))
    out += cell.slice.label + ":" + std::to_string(cell.first) + "+" + std::to_string(cell.count) +
           " ";
  return out;
}

TEST(TimeCells, WithoutEveryThereIsOne) {
  EXPECT_EQ(drawn(cells_of("{}"), series({"2018-02-01", "no date", "2018-01-01"})), ":0+3 ");
}

TEST(TimeCells, EmptyPeriodsAreThere) {
  EXPECT_EQ(drawn(cells_of("every: month"), series({"2018-01-05", "2018-01-06", "2018-03-01"})),
            "2018-01:0+2 2018-02:2+0 2018-03:2+1 ");
}

TEST(TimeCells, WithinFixesThePeriods) {
  const auto cells = cells_of("{every: month, within: 2018-01..2018-03}");
  EXPECT_EQ(drawn(cells, series({"2017-12-31", "2018-02-01"})),
            "2018-01:1+0 2018-02:1+1 2018-03:2+0 ");
  EXPECT_EQ(drawn(cells, series({})), "2018-01:0+0 2018-02:0+0 2018-03:0+0 ");
}

TEST(TimeCells, WindowsMayShareSlices) {
  EXPECT_EQ(drawn(cells_of("every: {length: 2 months, step: month}"),
                  series({"2018-01-05", "2018-02-06", "2018-03-01"})),
            "2018-01--P2M:0+2 2018-02--P2M:1+2 ");
}

TEST(TimeCells, NamedPeriods) {
  const auto cells = cells_of("every: {S1: 2018-01..2018-06, S2: 2018-07..2018-12}");
  EXPECT_EQ(drawn(cells, series({"2018-06-30T23:59:59Z", "2018-07-01"})), "S1:0+1 S2:1+1 ");
  EXPECT_EQ(drawn(cells_of("every: [2018-01..2018-02]"), series({"2018-02-28"})),
            "2018-01-01..2018-02-28:0+1 ");
}

TEST(TimeCells, SaysWhatIsWrong) {
  EXPECT_THAT(error_of([] { cells_of("within: 2018"); }), HasSubstr("op.within"));
  EXPECT_THAT(error_of([] { cells_of("every: 3"); }), HasSubstr("season"));
  EXPECT_THAT(error_of([] { cells_of("every: {length: 2 months, stride: month}"); }),
              HasSubstr("stride"));
  EXPECT_THAT(error_of([] { cells_of("every: {S1: sometimes}"); }), HasSubstr("op.every.S1"));
  const auto monthly = cells_of("every: month");
  EXPECT_THAT(error_of([&] {
                monthly.cells(series({"2018-02-01", "2018-01-01"}), "op");
              }),
              HasSubstr("is earlier than"));
  EXPECT_THAT(error_of([&] { monthly.cells(series({"x"}), "op"); }), HasSubstr("has no time"));
}

}  // namespace
}  // namespace geoloom::ops
