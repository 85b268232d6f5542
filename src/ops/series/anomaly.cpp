// SPDX-License-Identifier: Apache-2.0
// How unusual a period is: its mean against the climatology of its part of the year.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "error/error.h"
#include "error/spelling.h"
#include "ops/composite/linear_power.h"
#include "ops/physical.h"
#include "ops/result_choice.h"
#include "ops/series/calendar_cycle.h"
#include "ops/series/dated_series.h"
#include "ops/time_cells.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const std::vector<std::string> kOutputs{"mean", "difference", "z", "percent", "count", "status"};
enum Output : size_t { kMean, kDifference, kZ, kPercent, kCount, kStatus };  // of kOutputs

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
says, where each must lie within one of them; `within` fixes the range. Where a tile of a climatology saved as a cube is empty, only
`every` tells them: without it nothing is given there. A slice belongs to the period its start lies in.

**Provisional or final.** A period is final in a pixel when it has at least `final_count` valid samples there, and when it has
ended: the series has a slice that begins at or after the period's end, or one that is itself a period and ends there (a
monthly composite). What reached an archive later can change a provisional value. `complete_until` says instead up to
which date the series is complete.

**Invalid pixels.** All outputs of a band but `count` are invalid where the period has fewer than `min_count` valid samples; those that
compare, also where the climatology is invalid, has no pixels at all or is made of fewer than `min_climatology_count`; `z` where the
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
  explicit Usual(const CubeSchema& schema) : cycle_(cycle_in(schema, by_slices_)) {
    for (size_t b = 0; b < schema.bands.size(); ++b) bands_.emplace(schema.bands[b].name, b);
    for (size_t s = 0; s < schema.slices.size(); ++s) slices_.emplace(schema.slices[s].label, s);
  }

  // Not known where a cube is empty, which leaves no labels.
  const std::optional<CalendarCycle>& cycle() const { return cycle_; }
  // Nowhere also where the cube has no pixels: an item of a layer without scenes.
  std::optional<Place> find(const std::string& band, std::string_view statistic,
                            size_t part) const {
    const auto found = bands_.find(name(band, statistic, part));
    if (found == bands_.end() || slices_.empty()) return std::nullopt;
    return Place{found->second, by_slices_ ? slices_.at(cycle_->label(part)) : 0};
  }
  // Throws Error(invalid) where a part of the year has no such band.
  void need(const std::string& band, std::string_view statistic) const {
    const size_t names = by_slices_ ? 1 : cycle_->parts();
    for (size_t part = 0; part < names; ++part) {
      const auto wanted = name(band, statistic, part);
      if (bands_.contains(wanted)) continue;
      std::vector<std::string> there;
      for (const auto& each : bands_) there.push_back(each.first);
      throw Error(ErrorCode::invalid,
                  fmt::format("anomaly: the climatology has no band '{}'", wanted))
          .hint(spelling_hint(wanted, there));
    }
  }

 private:
  std::string name(const std::string& band, std::string_view statistic, size_t part) const {
    return by_slices_ ? fmt::format("{}_{}", band, statistic)
                      : fmt::format("{}_{}_{}", band, statistic, cycle_->label(part));
  }

  // A cycle all of whose labels are there, as slices or behind the names of bands.
  static std::optional<CalendarCycle> cycle_in(const CubeSchema& schema, bool& by_slices) {
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
    by_slices = true;
    if (schema.slices.empty()) return std::nullopt;
    throw Error(ErrorCode::invalid,
                "anomaly: the second input is no climatology: neither its slices nor its bands are "
                "named 01 to 12, 01 to 36 or Q1 to Q4")
        .hint("from: [series, usual], where `usual` comes from climatology");
  }

  bool by_slices_ = true;
  std::optional<CalendarCycle> cycle_;
  std::map<std::string, size_t> bands_, slices_;
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
    check_choice("anomaly.outputs", outputs_);
    which_ = places_of(outputs_, kOutputs);
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  struct Values;
  struct Work;
  std::vector<Cell> cells(const CubeSchema& series,
                          const std::optional<CalendarCycle>& cycle) const;
  std::vector<Cell> given_cells(const CubeSchema& series,
                                const std::optional<CalendarCycle>& cycle) const;
  geo::TimeMs complete_until(const CubeSchema& series) const;
  bool wants(Output output) const {
    return std::find(which_.begin(), which_.end(), output) != which_.end();
  }
  static raster::Band output_band(const raster::Band& band, const std::string& output);
  bool compares(const Values& values, size_t p) const;
  void find_output(const Values& values, const Cell& cell, size_t output,
                   std::vector<float>& out) const;
  void add_up(Work& work, const raster::Block& series, const Cell& cell, size_t band) const;
  void find_cell(Work& work, const std::vector<raster::Block>& in, raster::Block& out, size_t slice,
                 size_t band) const;

  std::vector<std::string> outputs_{"mean", "difference", "z", "percent"};
  std::vector<size_t> which_;  // of kOutputs
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

// What all strips of a call share.
struct Anomaly::Work {
  const CubeSchema& series;
  const CubeSchema& climatology;
  std::vector<Cell> cells;
  struct Places {
    std::optional<Place> mean, deviation, count;
  };
  std::vector<Places> places;  // of cell and band, bands first
  Values values;
  std::vector<float> sample;
};

// What ends by then has ended.
geo::TimeMs Anomaly::complete_until(const CubeSchema& series) const {
  if (complete_until_) return complete_until_->start;
  auto latest = std::numeric_limits<geo::TimeMs>::min();
  for (const auto& slice : series.slices) {
    const auto& period = slice.period;  // of a composite, or an instant
    latest = std::max({latest, period.start, period.end});
  }
  return latest;
}

std::vector<Cell> Anomaly::given_cells(const CubeSchema& series,
                                       const std::optional<CalendarCycle>& cycle) const {
  std::vector<Cell> out;
  const auto given = cells_.cells(series, "anomaly");
  for (const auto& each : given) {
    Cell cell{each.slice, each.first, each.count};
    out.push_back(cell);
    if (!cycle) continue;
    const auto& period = cell.slice.period;
    out.back().part = cycle->part_of(period.start);
    const auto whole = cycle->period(cycle->year_of(period.start), out.back().part);
    if (period.end > whole.end)
      throw Error(ErrorCode::invalid,
                  fmt::format("anomaly.every: {} reaches beyond the {} {}, which the "
                              "climatology is of",
                              cell.slice.label, cycle->name(), geo::format_period(whole)))
          .hint(fmt::format("every: {}", cycle->name()));
  }
  return out;
}

std::vector<Cell> Anomaly::cells(const CubeSchema& series,
                                 const std::optional<CalendarCycle>& cycle) const {
  const auto dates = dates_of(series, "anomaly");
  std::vector<Cell> out;
  if (cells_.given()) {
    out = given_cells(series, cycle);
  } else if (cycle && dates.size() > 0) {
    size_t next = 0;
    int year = cycle->year_of(dates.times.front());
    size_t part = cycle->part_of(dates.times.front());
    while (next < series.slices.size()) {
      const auto period = cycle->period(year, part);
      Cell cell{{period, true, cycle->label(year, part)}, next, 0, part};
      while (next < series.slices.size() && series.slices[next].period.start < period.end) ++next;
      cell.count = next - cell.first;
      out.push_back(std::move(cell));
      part = (part + 1) % cycle->parts();
      year += part == 0 ? 1 : 0;
    }
  }
  const auto until = complete_until(series);
  for (auto& cell : out) cell.ended = cell.slice.period.end <= until;
  return out;
}

raster::Band Anomaly::output_band(const raster::Band& band, const std::string& output) {
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
    usual.need(band.name, "mean");
    if (wants(kZ)) usual.need(band.name, "sd");
    if (min_climatology_count_ > 1) usual.need(band.name, "count");
    for (const auto& each : outputs_) output.bands.push_back(output_band(band, each));
  }
  for (auto& cell : cells(series, usual.cycle())) output.slices.push_back(std::move(cell.slice));
  workflow::BlockPlan plan;
  plan.outputs = {std::move(output)};
  plan.time_need = workflow::TimeNeed::whole_axis;
  plan.scratch_bytes_per_pixel = sizeof(double) + sizeof(uint32_t) + 5 * sizeof(float);
  return plan;
}

bool Anomaly::compares(const Values& v, size_t p) const {
  return !std::isnan(v.usual[p]) &&
         (min_climatology_count_ == 1 ||
          v.usual_count[p] >= static_cast<float>(min_climatology_count_));
}

void Anomaly::find_output(const Values& v, const Cell& cell, size_t output,
                          std::vector<float>& out) const {
  const auto least = static_cast<uint32_t>(min_count_);
  const auto where_known = [&](auto value) {
    for (size_t p = 0; p < out.size(); ++p)
      out[p] = v.count[p] >= least ? static_cast<float>(value(p)) : kNothing;
  };
  const auto where_compared = [&](auto value) {  // of the difference and the pixel
    where_known([&](size_t p) {
      const double result =
          compares(v, p) ? value(v.sum[p] / v.count[p] - v.usual[p], p) : double{kNothing};
      return std::isfinite(result) ? result : double{kNothing};
    });
  };
  switch (output) {
    case kCount:
      for (size_t p = 0; p < out.size(); ++p)
        out[p] = static_cast<float>(std::min(v.count[p], 65535U));
      return;
    case kStatus:
      return where_known([&](size_t p) {
        const bool final = cell.ended && v.count[p] >= static_cast<uint32_t>(final_count_);
        return final ? kFinal : kProvisional;
      });
    case kMean:
      return where_known([&](size_t p) { return v.sum[p] / v.count[p]; });
    case kZ:
      return where_compared([&](double by, size_t p) { return by / v.deviation[p]; });
    case kPercent:
      return where_compared([&](double by, size_t p) { return 100 * by / v.usual[p]; });
    default:
      return where_compared([](double by, size_t) { return by; });
  }
}

void Anomaly::add_up(Work& work, const raster::Block& series, const Cell& cell, size_t band) const {
  auto& v = work.values;
  const size_t pixels = work.sample.size();
  v.sum.assign(pixels, 0);
  v.count.assign(pixels, 0);
  for (size_t s = cell.first; s < cell.first + cell.count; ++s) {
    read_physical(series, work.series.bands[band], band, s, work.sample);
    for (size_t p = 0; p < pixels; ++p) {
      if (std::isnan(work.sample[p])) continue;
      v.sum[p] += work.sample[p];
      ++v.count[p];
    }
  }
}

void Anomaly::find_cell(Work& work, const std::vector<raster::Block>& in, raster::Block& out,
                        size_t slice, size_t band) const {
  const size_t pixels = out.pixels();
  work.sample.resize(pixels);
  const Cell& cell = work.cells[slice];
  add_up(work, in[0], cell, band);
  const auto read_usual = [&](const std::optional<Place>& place, std::vector<float>& values) {
    values.assign(pixels, kNothing);
    if (place)
      read_physical(in[1], work.climatology.bands[place->band], place->band, place->slice, values);
  };
  const auto& places = work.places[slice * work.series.bands.size() + band];
  read_usual(places.mean, work.values.usual);
  read_usual(places.deviation, work.values.deviation);
  read_usual(places.count, work.values.usual_count);
  for (size_t i = 0; i < which_.size(); ++i) {
    find_output(work.values, cell, which_[i], work.sample);
    const size_t to = band * which_.size() + i;
    if (which_[i] == kCount || which_[i] == kStatus)
      write_whole_numbers(work.sample, out, to, slice);
    else
      write_measured(work.sample, out, to, slice);
  }
}

void Anomaly::run(const workflow::BlockCall& call) const {
  const Usual usual(*call.input_schemas[1]);
  Work work{*call.input_schemas[0], *call.input_schemas[1], {}, {}, {}, {}};
  work.cells = cells(work.series, usual.cycle());
  for (const auto& cell : work.cells)
    for (const auto& band : work.series.bands)
      work.places.push_back({usual.find(band.name, "mean", cell.part),
                             usual.find(band.name, "sd", cell.part),
                             usual.find(band.name, "count", cell.part)});
  for_each_strip(call, [&](const std::vector<raster::Block>& in, raster::Block& out) {
    for (size_t slice = 0; slice < work.cells.size(); ++slice)
      for (size_t band = 0; band < work.series.bands.size(); ++band)
        find_cell(work, in, out, slice, band);
  });
}

}  // namespace

std::unique_ptr<workflow::Op> make_anomaly() {
  return std::make_unique<Anomaly>();
}

}  // namespace geoloom::ops
