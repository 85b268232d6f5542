// SPDX-License-Identifier: Apache-2.0
// How unusual a period is: its mean against the climatology of its part of the year.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "error/error.h"
#include "error/spelling.h"
#include "ops/composite/linear_power.h"
#include "ops/physical.h"
#include "ops/series/calendar_cycle.h"
#include "ops/series/dated_series.h"
#include "ops/time_cells.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const std::vector<std::string> kOutputs{"mean", "difference", "z", "percent", "count", "status"};

constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();
constexpr float kProvisional = 1, kFinal = 2;

const workflow::OpDescription kDescription{
    .name = "anomaly",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary =
        "How unusual periods are: difference from a climatology, in units, deviations or percent",
    .documentation =
        R"(Averages the valid samples of each period and compares them with the `climatology` of that part of the year. The
second input comes from the op of that name, in this step or as a layer, `load: {layer: usual}`; a GeoTIFF of one, whose
bands are named `NAME_mean_01` and so on, is known by these names.

| output | is |
|---|---|
| `NAME_mean` | mean of the period's valid samples |
| `NAME_difference` | that less the climatology's mean |
| `NAME_z` | the difference divided by the climatology's deviation |
| `NAME_percent` | the difference in percent of the climatology's mean |
| `NAME_count` | number of valid samples of the period |
| `NAME_status` | 1 provisional, 2 final |

**Periods** are the climatology's months, dekads or quarters from that of the first to that of the last slice, or what `every`
says, where each must lie within one of them; `within` fixes the range. A slice belongs to the period its start lies in.

**Provisional or final.** A period is final in a pixel when it has at least `final_count` valid samples there, and when it has
ended: the series has a slice that begins at or after the period's end, or one that is itself a period and ends there (a
monthly composite). What reached an archive later can change a provisional value. `complete_until` says instead up to
which date the series is complete.

**Invalid pixels.** All outputs of a band but `count` are invalid where the period has fewer than `min_count` valid samples; those that
compare, also where the climatology is invalid or made of fewer than `min_climatology_count`; `z` where the
deviation is 0, `percent` where the mean is. `count` is valid everywhere.

Values are physical (scale and offset applied), the arithmetic is double; results are float32, counts uint16, the status uint8.)",
    .inputs = {{"series", "measured bands over time"},
               {"climatology", "NAME_mean, NAME_sd, NAME_count, as `climatology` makes them"}},
    .outputs = {{"anomaly", "per period and band what `outputs` lists"}}};

// Where a statistic of one part of the year stands in the second input.
struct Place {
  size_t band, slice;
};

// The climatology of one cycle, found by slices or by names of bands.
class Usual {
 public:
  // Throws Error(invalid) where the cube is no climatology.
  explicit Usual(const CubeSchema& schema)
      : schema_(schema), cycle_(cycle_in(schema, by_slices_)) {}

  const CalendarCycle& cycle() const { return cycle_; }
  std::optional<Place> find(const std::string& band, std::string_view statistic,
                            size_t part) const {
    const auto name = fmt::format("{}_{}", band, statistic);
    const auto label = cycle_.label(part);
    const int index = schema_.find_band(by_slices_ ? name : name + "_" + label);
    if (index < 0) return std::nullopt;
    return Place{static_cast<size_t>(index), by_slices_ ? slice_of(label) : 0};
  }
  Place need(const std::string& band, std::string_view statistic, size_t part) const {
    const auto place = find(band, statistic, part);
    if (place) return *place;
    const auto wanted =
        fmt::format("{}_{}{}", band, statistic, by_slices_ ? "" : "_" + cycle_.label(part));
    throw Error(ErrorCode::invalid,
                fmt::format("anomaly: the climatology has no band '{}'", wanted))
        .hint(spelling_hint(wanted, schema_.band_names()));
  }

 private:
  size_t slice_of(const std::string& label) const {
    const auto& slices = schema_.slices;
    return static_cast<size_t>(std::find_if(slices.begin(), slices.end(),
                                            [&](const auto& s) { return s.label == label; }) -
                               slices.begin());
  }

  // A cycle all of whose labels are there, as slices or behind the names of bands.
  static CalendarCycle cycle_in(const CubeSchema& schema, bool& by_slices) {
    std::set<std::string> labels, suffixes;
    for (const auto& slice : schema.slices) labels.insert(slice.label);
    for (const auto& band : schema.bands)
      suffixes.insert(band.name.substr(std::min(band.name.size(), band.name.rfind('_') + 1)));
    for (const bool slices : {true, false}) {
      const auto& there = slices ? labels : suffixes;
      for (const char* name : {"dekad", "month", "quarter"}) {
        const CalendarCycle cycle(name);
        bool all = true;
        for (size_t part = 0; part < cycle.parts(); ++part)
          all = all && there.contains(cycle.label(part));
        by_slices = slices;
        if (all) return cycle;
      }
    }
    throw Error(ErrorCode::invalid,
                "anomaly: the second input is no climatology: neither its slices nor its bands are "
                "named 01 to 12, 01 to 36 or Q1 to Q4")
        .hint("from: [series, usual], where `usual` comes from climatology");
  }

  const CubeSchema& schema_;
  bool by_slices_ = true;
  CalendarCycle cycle_;
};

// One slice of the output.
struct Cell {
  raster::Slice slice;
  size_t first = 0, count = 0;  // slices of the series
  size_t part = 0;              // of the year
  bool ended = false;
};

class Anomaly : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("outputs", &outputs_, "What to give for each band").choices(kOutputs).main();
    cells_.declare(parameters);
    parameters.add("min_count", &min_count_, "Fewest valid samples of a period").range(1, 65535);
    parameters
        .add("min_climatology_count", &min_climatology_count_,
             "Fewest samples of the climatology's mean")
        .range(1, 65535);
    parameters.add("final_count", &final_count_, "Fewest valid samples of a final period")
        .range(1, 65535);
    parameters.add("complete_until", &complete_until_,
                   "The series is complete before this date. Default: what its slices tell");
  }

  void check() override {
    cells_.check("anomaly");
    if (outputs_.empty()) throw Error(ErrorCode::invalid, "anomaly.outputs: names nothing");
    std::set<std::string> seen;
    for (const auto& output : outputs_)
      if (!seen.insert(output).second)
        throw Error(ErrorCode::invalid,
                    fmt::format("anomaly.outputs: '{}' is named twice", output));
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  std::vector<Cell> cells(const CubeSchema& series, const CalendarCycle& cycle) const;
  bool has_ended(const geo::Period& period, const CubeSchema& series) const;
  bool wants(std::string_view output) const {
    return std::find(outputs_.begin(), outputs_.end(), output) != outputs_.end();
  }
  raster::Band output_band(const raster::Band& band, const std::string& output) const;
  struct Values;
  void compare(const Values& values, const Cell& cell, const std::string& output,
               std::vector<float>& out) const;

  std::vector<std::string> outputs_{"mean", "difference", "z", "percent"};
  TimeCells cells_;
  int64_t min_count_ = 1, min_climatology_count_ = 1, final_count_ = 1;
  std::optional<geo::Period> complete_until_;
};

// Of some pixels of one band in one period.
struct Anomaly::Values {
  std::vector<double> sum;
  std::vector<uint32_t> count;
  std::vector<float> usual, deviation, usual_count;
};

bool Anomaly::has_ended(const geo::Period& period, const CubeSchema& series) const {
  if (complete_until_) return period.end <= complete_until_->start;
  return std::any_of(series.slices.begin(), series.slices.end(), [&](const auto& slice) {
    const bool composite = slice.period.end > slice.period.start;
    return slice.period.start >= period.end || (composite && slice.period.end >= period.end);
  });
}

std::vector<Cell> Anomaly::cells(const CubeSchema& series, const CalendarCycle& cycle) const {
  const auto dates = dates_of(series, "anomaly");
  std::vector<Cell> out;
  if (cells_.given()) {
    const auto given = cells_.cells(series, "anomaly");
    for (const auto& each : given) {
      Cell cell{each.slice, each.first, each.count};
      const auto& period = cell.slice.period;
      cell.part = cycle.part_of(period.start);
      const auto whole = cycle.period(cycle.year_of(period.start), cell.part);
      if (period.end > whole.end)
        throw Error(ErrorCode::invalid,
                    fmt::format("anomaly.every: {} reaches beyond the {} {}, which the "
                                "climatology is of",
                                cell.slice.label, cycle.name(), geo::format_period(whole)))
            .hint(fmt::format("every: {}", cycle.name()));
      out.push_back(std::move(cell));
    }
  } else if (dates.size() > 0) {
    size_t next = 0;
    int year = cycle.year_of(dates.times.front());
    size_t part = cycle.part_of(dates.times.front());
    while (next < series.slices.size()) {
      const auto period = cycle.period(year, part);
      Cell cell{{period, true, cycle.label(year, part)}, next, 0, part};
      while (next < series.slices.size() && series.slices[next].period.start < period.end) ++next;
      cell.count = next - cell.first;
      out.push_back(std::move(cell));
      part = (part + 1) % cycle.parts();
      year += part == 0 ? 1 : 0;
    }
  }
  for (auto& cell : out) cell.ended = has_ended(cell.slice.period, series);
  return out;
}

raster::Band Anomaly::output_band(const raster::Band& band, const std::string& output) const {
  const auto name = band.name + "_" + output;
  if (output == "count")
    return whole_number_band(name, raster::PixelType::uint16, raster::BandKind::count,
                             std::nullopt);
  if (output == "status")
    return whole_number_band(name, raster::PixelType::uint8, raster::BandKind::category, 0);
  if (output == "percent") return measured_band(name, "%");
  return measured_band(name, output == "z" ? "" : band.unit);
}

workflow::BlockPlan Anomaly::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& series = *inputs[0];
  require_measures(series, "anomaly");
  const Usual usual(*inputs[1]);
  CubeSchema output;
  output.validity_per_band = true;
  for (const auto& band : series.bands) {
    require_linear(band, "anomaly", "mean");
    for (size_t part = 0; part < usual.cycle().parts(); ++part) {
      (void)usual.need(band.name, "mean", part);
      if (wants("z")) (void)usual.need(band.name, "sd", part);
      if (min_climatology_count_ > 1) (void)usual.need(band.name, "count", part);
    }
    for (const auto& each : outputs_) output.bands.push_back(output_band(band, each));
  }
  for (auto& cell : cells(series, usual.cycle())) output.slices.push_back(std::move(cell.slice));
  workflow::BlockPlan plan;
  plan.outputs = {std::move(output)};
  plan.time_need = workflow::TimeNeed::whole_axis;
  plan.scratch_bytes_per_pixel = sizeof(double) + sizeof(uint32_t) + 5 * sizeof(float);
  return plan;
}

void Anomaly::compare(const Values& v, const Cell& cell, const std::string& output,
                      std::vector<float>& out) const {
  const auto least = static_cast<uint32_t>(min_count_);
  const auto least_usual = static_cast<float>(min_climatology_count_);
  for (size_t p = 0; p < out.size(); ++p) {
    out[p] = kNothing;
    if (output == "count") out[p] = static_cast<float>(std::min(v.count[p], 65535U));
    if (output == "count" || v.count[p] < least) continue;
    if (output == "status") {
      const bool final = cell.ended && v.count[p] >= static_cast<uint32_t>(final_count_);
      out[p] = final ? kFinal : kProvisional;
      continue;
    }
    const double mean = v.sum[p] / v.count[p];
    if (output == "mean") out[p] = static_cast<float>(mean);
    const bool known =
        !std::isnan(v.usual[p]) && (min_climatology_count_ == 1 || v.usual_count[p] >= least_usual);
    if (output == "mean" || !known) continue;
    const double difference = mean - v.usual[p];
    double result = difference;
    if (output == "z") result = difference / v.deviation[p];
    if (output == "percent") result = 100 * difference / v.usual[p];
    if (std::isfinite(result)) out[p] = static_cast<float>(result);
  }
}

void Anomaly::run(const workflow::BlockCall& call) const {
  const CubeSchema& series = *call.input_schemas[0];
  const CubeSchema& climatology = *call.input_schemas[1];
  const Usual usual(climatology);
  const auto all = cells(series, usual.cycle());
  Values v;
  std::vector<float> sample;
  for_each_strip(call, [&](const std::vector<raster::Block>& in, raster::Block& out) {
    const size_t pixels = out.pixels();
    sample.resize(pixels);
    const auto read_usual = [&](const std::string& band, std::string_view statistic, size_t part,
                                std::vector<float>& values) {
      values.assign(pixels, kNothing);
      const auto place = usual.find(band, statistic, part);
      if (place)
        read_physical(in[1], climatology.bands[place->band], place->band, place->slice, values);
    };
    for (size_t slice = 0; slice < all.size(); ++slice) {
      const Cell& cell = all[slice];
      for (size_t band = 0; band < series.bands.size(); ++band) {
        v.sum.assign(pixels, 0);
        v.count.assign(pixels, 0);
        for (size_t s = cell.first; s < cell.first + cell.count; ++s) {
          read_physical(in[0], series.bands[band], band, s, sample);
          for (size_t p = 0; p < pixels; ++p) {
            if (std::isnan(sample[p])) continue;
            v.sum[p] += sample[p];
            ++v.count[p];
          }
        }
        const auto& name = series.bands[band].name;
        read_usual(name, "mean", cell.part, v.usual);
        read_usual(name, "sd", cell.part, v.deviation);
        read_usual(name, "count", cell.part, v.usual_count);
        for (size_t i = 0; i < outputs_.size(); ++i) {
          compare(v, cell, outputs_[i], sample);
          const size_t to = band * outputs_.size() + i;
          if (outputs_[i] == "count" || outputs_[i] == "status")
            write_whole_numbers(sample, out, to, slice);
          else
            write_measured(sample, out, to, slice);
        }
      }
    }
  });
}

}  // namespace

std::unique_ptr<workflow::Op> make_anomaly() {
  return std::make_unique<Anomaly>();
}

}  // namespace geoloom::ops
