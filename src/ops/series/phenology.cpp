// SPDX-License-Identifier: Apache-2.0
// When it greened up, when it was greenest, and when it was over.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "error/error.h"
#include "geo/calendar.h"
#include "kernels/season.h"
#include "ops/physical.h"
#include "ops/result_choice.h"
#include "ops/series/calendar_cycle.h"
#include "ops/series/dated_series.h"
#include "ops/time_cells.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const std::vector<std::string> kOutputs{"start",          "peak",           "end",
                                        "length",         "base",           "amplitude",
                                        "large_integral", "small_integral", "count"};
constexpr size_t kCountOutput = 8;  // of kOutputs

constexpr auto kDayMs = static_cast<double>(geo::kDayMs);

const workflow::OpDescription kDescription{
    .name = "phenology",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Start, peak and end of the growing season, its amplitude and integrals, per year",
    .documentation =
        R"(Finds one season in each period, the year or what `every` says, as TIMESAT does by the amplitude (Jönsson and Eklundh 2004). The
curve goes straight from sample to sample: `smooth` noisy series first.

| output | is |
|---|---|
| `NAME_peak` | time of the highest sample, the first of equal ones |
| `NAME_start` | left of the peak, where the curve comes down to the lowest sample there plus `share` of what the peak is above it |
| `NAME_end` | the same right of the peak |
| `NAME_length` | from start to end |
| `NAME_base` | mean of the lowest samples left and right of the peak |
| `NAME_amplitude` | the peak's value less the base |
| `NAME_large_integral` | area under the curve from start to end, value times days |
| `NAME_small_integral` | area between the curve and the base |
| `NAME_count` | valid samples of the period |

Times are days since the start of the period, with fractions: 0 is its first midnight. Only samples within a period count, so
let periods begin where nothing grows: `every: {2020/21: 2020-08..2021-07, 2021/22: 2021-08..2022-07}` for seasons around the New Year.

**Invalid pixels.** All outputs but the count are invalid where a period has fewer than `min_count` valid samples, where no sample
is lower than the peak before it or after it (the season is cut off, or there is none), and where the amplitude is below
`min_amplitude`. Infinite samples count as invalid.

**Dates.** A slice stands at its start. Slices of the same instant are one sample, the mean of those that are valid; slices must have
times, and be in their order. Values are physical (scale and offset applied), the arithmetic is double, results are float32, counts
uint16.)",
    .inputs = {{"series", "measured bands over time"}},
    .outputs = {{"seasons", "per period and band what `outputs` lists"}}};

struct Cell {
  raster::Slice slice;
  size_t first, end;  // dates
};

class Phenology : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("outputs", &outputs_, "What to give for each band").choices(kOutputs).main();
    parameters.add("share", &share_, "Share of the amplitude at which the season starts and ends")
        .range(0.01, 0.99);
    cells_.declare(parameters);
    parameters.add("min_count", &min_count_, "Fewest valid samples of a period").range(3, 65535);
    parameters.add("min_amplitude", &min_amplitude_, "Smallest amplitude of a season")
        .range(0, std::numeric_limits<double>::infinity());
  }

  void check() override {
    cells_.check("phenology");
    check_choice("phenology.outputs", outputs_);
    which_ = places_of(outputs_, kOutputs);
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema& input = *inputs[0];
    require_measures(input, "phenology");
    const auto dates = dates_of(input, "phenology");
    CubeSchema output;
    output.validity_per_band = true;
    for (const auto& band : input.bands)
      for (const auto& each : outputs_) output.bands.push_back(output_band(band, each));
    for (auto& cell : cells(input, dates)) output.slices.push_back(std::move(cell.slice));
    workflow::BlockPlan plan;
    plan.outputs = {std::move(output)};
    plan.time_need = workflow::TimeNeed::whole_axis;
    plan.scratch_bytes_per_pixel =
        DatedSamples::bytes_per_pixel(dates.size()) + outputs_.size() * sizeof(float);
    return plan;
  }

  void run(const workflow::BlockCall& call) const override {
    const CubeSchema& schema = *call.input_schemas[0];
    DatedSamples samples(dates_of(schema, "phenology"));
    const auto all = cells(schema, samples.dates());
    std::vector<float> results;
    for_each_strip(call, [&](const std::vector<raster::Block>& in, raster::Block& out) {
      const size_t pixels = out.pixels();
      results.resize(outputs_.size() * pixels);
      for (size_t band = 0; band < schema.bands.size(); ++band) {
        const float* values = samples.read(in[0], schema.bands[band], band);
        for (size_t slice = 0; slice < all.size(); ++slice) {
          find(values, pixels, samples.dates(), all[slice], results);
          for (size_t i = 0; i < outputs_.size(); ++i) {
            const std::span<const float> row(results.data() + i * pixels, pixels);
            const size_t to = band * outputs_.size() + i;
            if (outputs_[i] == "count")
              write_whole_numbers(row, out, to, slice);
            else
              write_measured(row, out, to, slice);
          }
        }
      }
    });
  }

 private:
  static raster::Band output_band(const raster::Band& band, const std::string& output) {
    const auto name = band.name + "_" + output;
    if (output == "count")
      return whole_number_band(name, raster::PixelType::uint16, raster::BandKind::count,
                               std::nullopt);
    if (output == "base" || output == "amplitude") return measured_band(name, band.unit);
    if (output.ends_with("integral"))
      return measured_band(name, band.unit.empty() ? "d" : band.unit + " d");
    return measured_band(name, "d");
  }

  // The periods of `every`, or the years from that of the first to that of the last date.
  std::vector<Cell> cells(const CubeSchema& input, const SeriesDates& dates) const {
    std::vector<raster::Slice> slices;
    if (cells_.given()) {
      const auto given = cells_.cells(input, "phenology");
      for (const auto& cell : given)
        if (cell.slice.timed) slices.push_back(cell.slice);
    } else if (dates.size() > 0) {
      const CalendarCycle quarters("quarter");
      const int last = quarters.year_of(dates.times.back());
      for (int year = quarters.year_of(dates.times.front()); year <= last; ++year)
        slices.push_back({{quarters.period(year, 0).start, quarters.period(year, 3).end},
                          true,
                          fmt::format("{:04}", year)});
    }
    std::vector<Cell> out;
    for (auto& slice : slices) {
      const auto& times = dates.times;
      const auto first = std::lower_bound(times.begin(), times.end(), slice.period.start);
      const auto end = std::lower_bound(first, times.end(), slice.period.end);
      out.push_back({std::move(slice), static_cast<size_t>(first - times.begin()),
                     static_cast<size_t>(end - times.begin())});
    }
    return out;
  }

  // The season of each pixel in one period.
  void find(const float* values, size_t pixels, const SeriesDates& dates, const Cell& cell,
            std::vector<float>& results) const {
    std::vector<double> days, curve;
    for (size_t p = 0; p < pixels; ++p) {
      days.clear();
      curve.clear();
      for (size_t d = cell.first; d < cell.end; ++d) {
        const float value = values[d * pixels + p];
        if (std::isnan(value)) continue;
        days.push_back(static_cast<double>(dates.times[d] - cell.slice.period.start) / kDayMs);
        curve.push_back(value);
      }
      const auto season = kernels::season_of(days, curve, share_);
      const bool valid = season.found && static_cast<int64_t>(curve.size()) >= min_count_ &&
                         season.amplitude >= min_amplitude_;
      const double all[] = {season.start,
                            season.peak,
                            season.end,
                            season.end - season.start,
                            season.base,
                            season.amplitude,
                            season.large_integral,
                            season.small_integral,
                            static_cast<double>(std::min<size_t>(curve.size(), 65535))};
      for (size_t i = 0; i < which_.size(); ++i) {
        const bool there = valid || which_[i] == kCountOutput;
        results[i * pixels + p] = there ? static_cast<float>(all[which_[i]]) : kNothing;
      }
    }
  }

  std::vector<std::string> outputs_{"start", "peak", "end", "length", "base", "amplitude"};
  std::vector<size_t> which_;  // of kOutputs
  double share_ = 0.2, min_amplitude_ = 0;
  TimeCells cells_;
  int64_t min_count_ = 6;
};

}  // namespace

std::unique_ptr<workflow::Op> make_phenology() {
  return std::make_unique<Phenology>();
}

}  // namespace geoloom::ops
