// SPDX-License-Identifier: Apache-2.0
// What is usual at a place in each part of the year: mean, deviation and count over a baseline.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "error/error.h"
#include "kernels/deviation.h"
#include "ops/composite/linear_power.h"
#include "ops/physical.h"
#include "ops/series/calendar_cycle.h"
#include "ops/series/dated_series.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "climatology",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary =
        "What is usual in each month, dekad or quarter: mean, deviation and count over a baseline",
    .documentation =
        R"(Takes the valid samples of a `baseline` of years that fall into the same part of the year, and gives each band
`NAME` three: `NAME_mean`, `NAME_sd` (standard deviation, divided by the count less one) and `NAME_count`. The parts
of the year are slices, labelled `01` to `12` for `month`, `01` to `36` for `dekad` (days 1-10, 11-20 and the rest of a
month), `Q1` to `Q4` for `quarter`; all of them are there, whether there are samples or not. As times they have those
of the first year of the baseline.

Every slice of the series is one sample, and belongs where its start lies; those outside of the baseline (2010-01-01
belongs to `2010..2019`, 2020-01-01 does not) do not count. To weigh years alike whatever their number of scenes,
make means of months first: `reduce: {stat: mean, every: month}`.

**Invalid pixels.** Means of fewer than `min_count` samples are invalid, deviations of fewer than two also; counts are
valid everywhere, 0 included. Infinite samples count as invalid. Bands in
decibels are refused: their means would be of logarithms.

Values are physical (scale and offset applied). Mean and deviation are updated sample by sample in the order of the slices
(Welford 1962), in double, and rounded to float32 once; counts are uint16. Saved as GeoTIFF, of one type for all bands
(`save: {type: float32}`), bands are named `NAME_mean_01` and so on; `anomaly` knows them by slices and by such names.)",
    .inputs = {{"series", "measured bands over time"}},
    .outputs = {{"climatology", "NAME_mean, NAME_sd, NAME_count for each part of the year"}}};

// Of all output slices and input bands, pixel by pixel.
struct CycleState : workflow::StreamState {
  struct Cell {
    std::vector<double> mean, squares;
    std::vector<uint32_t> count;
  };
  std::vector<Cell> cells;
  std::vector<float> sample;
  std::vector<uint8_t> valid;
};

void add(CycleState::Cell& cell, const std::vector<float>& sample, std::vector<uint8_t>& valid) {
  const size_t pixels = sample.size();
  for (size_t p = 0; p < pixels; ++p) valid[p] = sample[p] == sample[p] ? 1 : 0;  // not of NaN
  kernels::accumulate_deviation(kernels::Samples<float>{sample.data(), pixels, 1},
                                kernels::Validity{valid.data(), pixels}, pixels, cell.mean.data(),
                                cell.squares.data(), cell.count.data());
}

class Climatology : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("by", &by_, "The parts of the year").choices(CalendarCycle::names()).main();
    parameters.add("baseline", &baseline_, "The years that say what is usual: 1991..2020")
        .required();
    parameters.add("min_count", &min_count_, "Fewest valid samples of a valid mean")
        .range(1, 65535);
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema& input = *inputs[0];
    require_measures(input, "climatology");
    for (const auto& slice : input.slices) {
      if (slice.timed) continue;
      throw Error(ErrorCode::invalid,
                  fmt::format("climatology: slice '{}' has no time", slice.label))
          .hint("say where file names hold it: load: {date_pattern: \"*_%Y%m%d.tif\"}");
    }
    const CalendarCycle cycle(by_);
    CubeSchema output;
    output.validity_per_band = true;
    for (const auto& band : input.bands) {
      require_linear(band, "climatology", "mean");
      output.bands.push_back(measured_band(band.name + "_mean", band.unit));
      output.bands.push_back(measured_band(band.name + "_sd", band.unit));
      output.bands.push_back(whole_number_band(band.name + "_count", raster::PixelType::uint16,
                                               raster::BandKind::count, std::nullopt));
    }
    const int year = cycle.year_of(baseline_.start);
    for (size_t part = 0; part < cycle.parts(); ++part)
      output.slices.push_back({cycle.period(year, part), true, cycle.label(part)});
    workflow::BlockPlan plan;
    plan.state_bytes_per_pixel =
        cycle.parts() * input.bands.size() * (2 * sizeof(double) + sizeof(uint32_t)) +
        2 * sizeof(float);
    plan.outputs = {std::move(output)};
    plan.time_need = workflow::TimeNeed::streaming;
    return plan;
  }

  std::unique_ptr<workflow::StreamState> init(const workflow::BlockCall& call,
                                              const geo::Window& window) const override {
    const auto pixels = static_cast<size_t>(window.pixels());
    auto state = std::make_unique<CycleState>();
    state->cells.resize(CalendarCycle(by_).parts() * call.input_schemas[0]->bands.size());
    for (auto& cell : state->cells) {
      cell.mean.assign(pixels, 0);
      cell.squares.assign(pixels, 0);
      cell.count.assign(pixels, 0);
    }
    state->sample.resize(pixels);
    state->valid.resize(pixels);
    return state;
  }

  void update(workflow::StreamState& stream, const workflow::BlockCall& call) const override {
    auto& state = dynamic_cast<CycleState&>(stream);
    const CubeSchema& schema = *call.input_schemas[0];
    const raster::Block& in = *call.inputs[0];
    const CalendarCycle cycle(by_);
    for (size_t s = 0; s < in.slices(); ++s) {
      const auto time = schema.slices[in.first_slice() + s].period.start;
      if (!baseline_.contains(time)) continue;
      for (size_t band = 0; band < schema.bands.size(); ++band) {
        read_physical(in, schema.bands[band], band, s, state.sample);
        add(state.cells[cycle.part_of(time) * schema.bands.size() + band], state.sample,
            state.valid);
      }
    }
  }

  void finish(workflow::StreamState& stream, const workflow::BlockCall& call) const override {
    auto& state = dynamic_cast<CycleState&>(stream);
    raster::Block& out = *call.outputs[0];
    const size_t bands = call.input_schemas[0]->bands.size();
    for (size_t slice = 0; slice < out.slices(); ++slice)
      for (size_t band = 0; band < bands; ++band)
        finish_cell(state.cells[slice * bands + band], state.sample, out, band * 3, slice);
  }

 private:
  void finish_cell(const CycleState::Cell& cell, std::vector<float>& values, raster::Block& out,
                   size_t band, size_t slice) const {
    const auto least = static_cast<uint32_t>(min_count_);
    const size_t pixels = cell.count.size();
    for (size_t p = 0; p < pixels; ++p)
      values[p] = cell.count[p] >= least ? static_cast<float>(cell.mean[p]) : kNothing;
    write_measured(values, out, band, slice);
    for (size_t p = 0; p < pixels; ++p)
      values[p] = cell.count[p] >= std::max(least, 2U)
                      ? static_cast<float>(std::sqrt(cell.squares[p] / (cell.count[p] - 1)))
                      : kNothing;
    write_measured(values, out, band + 1, slice);
    for (size_t p = 0; p < pixels; ++p)
      values[p] = static_cast<float>(std::min(cell.count[p], 65535U));
    write_whole_numbers(values, out, band + 2, slice);
  }

  std::string by_ = "month";
  geo::Period baseline_;
  int64_t min_count_ = 1;
};

}  // namespace

std::unique_ptr<workflow::Op> make_climatology() {
  return std::make_unique<Climatology>();
}

}  // namespace geoloom::ops
