// SPDX-License-Identifier: Apache-2.0
// Whether a series rises or falls, how fast, and how sure that is.
#include "kernels/trend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "error/error.h"
#include "ops/composite/linear_power.h"
#include "ops/physical.h"
#include "ops/result_choice.h"
#include "ops/series/calendar_cycle.h"
#include "ops/series/dated_series.h"
#include "ops/series/harmonic_model.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const std::vector<std::string> kOutputs{"slope", "intercept", "tau", "s", "z", "p", "count"};

const workflow::OpDescription kDescription{
    .name = "trend",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Rise or fall of a series: Theil-Sen slope and Mann-Kendall test, also seasonal",
    .documentation =
        R"(Fits a line that outliers do not move and tests whether the series rises or falls at all.

| output | is |
|---|---|
| `NAME_slope` | median of the slopes between all pairs of samples, per year (Theil 1950, Sen 1968) |
| `NAME_intercept` | median of the values less slope times median of the times (Conover 1980): the line's value at `reference` |
| `NAME_s` | Mann-Kendall score: pairs that rise less pairs that fall |
| `NAME_tau` | Kendall's tau: `s` divided by the number of pairs |
| `NAME_z` | `s` less its sign, divided by its standard deviation where there is no trend, corrected for ties |
| `NAME_p` | two-sided probability of such a `z` without a trend (normal distribution) |
| `NAME_count` | number of samples |

**`test: mann_kendall`** compares all samples with each other. A year is 365.25 days.

**`test: seasonal`** (Hirsch and Slack 1984) compares samples only with those of the same `season` of other years, so that the
course of the year does not hide the trend; scores and variances are added over the seasons and the slope is the median of
the slopes within them. The samples of one season of one year are one, their mean; times are years of the calendar and the
share of a year that the season begins at. It equals `seasonal_test` and `seasonal_sens_slope` of pymannkendall on the
series of the seasons; `mann_kendall` equals its `original_test` at dates that lie equally far apart. Neither corrects for
autocorrelation.

**Invalid samples** are skipped, infinite ones count as such. Pixels with fewer than `min_count` samples (of `seasonal`: seasons of
years) are invalid, also in `count`, and so are those in which no two samples can be compared. The normal distribution is a fair
approximation from about 8 samples on. A constant series has slope, `s` and `z` 0 and `p` 1.

**Dates.** A slice stands at its start. Slices of the same instant are one sample, the mean of those that are valid; slices must have
times, and be in their order. Values are physical (scale and offset applied), the arithmetic is double, results are float32, the count
uint16. The work grows with the square of the number of dates: 60 dates take 1770 pairs.)",
    .inputs = {{"series", "measured bands over time"}},
    .outputs = {{"trend", "per band what `outputs` lists, one slice"}}};

// Which times the samples have that are compared, and where they come from.
struct Comparison {
  std::vector<double> times;      // years since the reference
  std::vector<uint32_t> seasons;  // all 0 without seasons
  std::vector<size_t> first;      // dates [first[i], first[i + 1]) make sample i
};

class TrendOp : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("test", &test_, "What is compared: all samples, or those of the same season")
        .choices({"mann_kendall", "seasonal"})
        .main();
    parameters.add("season", &season_, "seasonal: the parts of the year. Default: month")
        .choices(CalendarCycle::names());
    parameters.add("outputs", &outputs_, "What to give for each band").choices(kOutputs);
    parameters.add("min_count", &min_count_, "Fewest samples of a valid pixel").range(2, 65535);
    parameters.add("reference", &reference_, "Date of the intercept").not_recipe();
  }

  void check() override {
    if (season_ && test_ != "seasonal")
      throw Error(ErrorCode::invalid, "trend.season: is for test: seasonal");
    check_choice("trend.outputs", outputs_);
    which_ = places_of(outputs_, kOutputs);
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema& input = *inputs[0];
    require_measures(input, "trend");
    const auto dates = dates_of(input, "trend");
    const bool averages = comparison_of(dates).times.size() < dates.size();
    for (const auto& band : input.bands)
      if (averages) require_linear(band, "trend", "mean of a season's samples");
    CubeSchema output;
    output.validity_per_band = input.validity_per_band;
    for (const auto& band : input.bands)
      for (const auto& each : outputs_) output.bands.push_back(output_band(band, each));
    raster::Slice slice;
    slice.timed = dates.size() > 0;
    if (slice.timed)
      slice.period = {dates.times.front(),
                      std::max(dates.times.back(), input.slices.back().period.end)};
    output.slices = {slice};
    workflow::BlockPlan plan;
    plan.outputs = {std::move(output)};
    plan.time_need = workflow::TimeNeed::whole_axis;
    // A strip's samples, and what the pairs of one pixel take, which a strip of few pixels has too.
    plan.scratch_bytes_per_pixel = 2 * DatedSamples::bytes_per_pixel(dates.size()) +
                                   outputs_.size() * sizeof(float) +
                                   kernels::TrendFinder::scratch_bytes(dates.size()) / 256;
    return plan;
  }

  void run(const workflow::BlockCall& call) const override {
    const CubeSchema& schema = *call.input_schemas[0];
    DatedSamples samples(dates_of(schema, "trend"));
    const auto comparison = comparison_of(samples.dates());
    const size_t compared = comparison.times.size();
    kernels::TrendFinder finder(comparison.times, comparison.seasons);
    std::vector<float> means, results;
    for_each_strip(call, [&](const std::vector<raster::Block>& in, raster::Block& out) {
      const size_t pixels = out.pixels();
      results.resize(outputs_.size() * pixels);
      for (size_t band = 0; band < schema.bands.size(); ++band) {
        const float* from = samples.read(in[0], schema.bands[band], band);
        if (compared < samples.dates().size()) from = average(from, pixels, comparison, means);
        for (size_t p = 0; p < pixels; ++p) put(finder.find(from + p, pixels), p, pixels, results);
        for (size_t i = 0; i < outputs_.size(); ++i) {
          const std::span<const float> values(results.data() + i * pixels, pixels);
          const size_t to = band * outputs_.size() + i;
          if (outputs_[i] == "count")
            write_whole_numbers(values, out, to, 0);
          else
            write_measured(values, out, to, 0);
        }
      }
    });
  }

 private:
  raster::Band output_band(const raster::Band& band, const std::string& output) const {
    const auto name = band.name + "_" + output;
    if (output == "count")
      return whole_number_band(name, raster::PixelType::uint16, raster::BandKind::count,
                               std::nullopt);
    if (output == "slope")
      return measured_band(name, band.unit.empty() ? "1/year" : band.unit + "/year");
    return measured_band(name, output == "intercept" ? band.unit : "");
  }

  Comparison comparison_of(const SeriesDates& dates) const {
    Comparison comparison;
    if (test_ == "mann_kendall") {
      for (const auto time : dates.times)
        comparison.times.push_back(static_cast<double>(time - reference_.start) / kJulianYearMs);
      comparison.seasons.assign(dates.size(), 0);
      for (size_t d = 0; d <= dates.size(); ++d) comparison.first.push_back(d);
      return comparison;
    }
    const CalendarCycle cycle(season_.value_or("month"));
    const auto years = [&](geo::TimeMs time) {
      return cycle.year_of(time) +
             static_cast<double>(cycle.part_of(time)) / static_cast<double>(cycle.parts());
    };
    for (size_t d = 0; d < dates.size(); ++d) {
      const double time = years(dates.times[d]) - years(reference_.start);
      if (d > 0 && time == comparison.times.back()) continue;
      comparison.times.push_back(time);
      comparison.seasons.push_back(static_cast<uint32_t>(cycle.part_of(dates.times[d])));
      comparison.first.push_back(d);
    }
    comparison.first.push_back(dates.size());
    return comparison;
  }

  // The samples of a season of a year as one.
  static const float* average(const float* from, size_t pixels, const Comparison& comparison,
                              std::vector<float>& means) {
    const size_t compared = comparison.times.size();
    means.resize(compared * pixels);
    for (size_t i = 0; i < compared; ++i) {
      for (size_t p = 0; p < pixels; ++p) {
        double sum = 0;
        uint32_t count = 0;
        for (size_t d = comparison.first[i]; d < comparison.first[i + 1]; ++d) {
          const float value = from[d * pixels + p];
          if (std::isnan(value)) continue;
          sum += value;
          ++count;
        }
        means[i * pixels + p] =
            count == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(sum / count);
      }
    }
    return means.data();
  }

  void put(const kernels::Trend& trend, size_t p, size_t pixels, std::vector<float>& out) const {
    const bool valid = trend.tested && trend.count >= static_cast<uint32_t>(min_count_);
    const double all[] = {trend.slope,
                          trend.intercept,
                          trend.tau,
                          trend.s,
                          trend.z,
                          trend.p,
                          static_cast<double>(std::min(trend.count, 65535U))};
    for (size_t i = 0; i < which_.size(); ++i)
      out[i * pixels + p] =
          valid ? static_cast<float>(all[which_[i]]) : std::numeric_limits<float>::quiet_NaN();
  }

  std::string test_ = "mann_kendall";
  std::optional<std::string> season_;
  std::vector<std::string> outputs_{"slope", "intercept", "tau", "p"};
  std::vector<size_t> which_;  // of kOutputs
  int64_t min_count_ = 8;
  geo::Period reference_ = geo::parse_period("2000-01-01");
};

}  // namespace

std::unique_ptr<workflow::Op> make_trend() {
  return std::make_unique<TrendOp>();
}

}  // namespace geoloom::ops
