// SPDX-License-Identifier: Apache-2.0
// When a series stopped to be what its history makes expect.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "error/error.h"
#include "kernels/fluctuation.h"
#include "kernels/least_squares.h"
#include "ops/date_band.h"
#include "ops/physical.h"
#include "ops/result_choice.h"
#include "ops/series/dated_series.h"
#include "ops/series/harmonic_model.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const std::vector<std::string> kOutputs{"date", "magnitude", "statistic", "rmse", "count"};
enum Output : size_t { kDate, kMagnitude, kStatistic, kRmse, kCount };  // of kOutputs

// Of the root mean square of the history's values: what is left of them by rounding is no scatter.
constexpr double kLeastScatter = 1e-6;

const workflow::OpDescription kDescription{
    .name = "breaks",
    .kind = workflow::OpKind::block,
    .version = 2,
    .summary = "When a series broke with its history: CUSUM and MOSUM monitoring, as BFAST monitor",
    .documentation =
        R"(Fits a model of the year to a stable `history`, and watches sums of the residuals afterwards: the break is the date at which
they leave the boundary that they would stay within, but for the probability `level`, if nothing changed.

The model is a mean, with `trend` a slope, and `harmonics` waves of the calendar year, by least squares (as op `harmonic`).
Residuals are divided by `s * sqrt(n)`, with `n` valid samples in the history and `s` the root of their residuals' sum of squares
divided by `n` less the number of coefficients.

| method | sum | boundary at x = samples so far / n |
|---|---|---|
| `mosum` | of the last `window * n` residuals, rounded down | c sqrt(2 ln+ x), where ln+ is ln above e and 1 below |
| `cusum` | of all residuals | sqrt(x (x - 1) (c² + ln(x / (x - 1)))) |

`mosum` is the test that BFAST monitor does by default (Verbesselt, Zeileis and Herold 2012), without its search for a stable
history: state one. Its critical values c are those simulated by Zeileis, Leisch, Kleiber and Hornik (2005) for monitoring up to ten
times the history, for levels 0.001 to 0.05 (linear between 0.05, 0.04, 0.03, 0.025, 0.02, 0.01, 0.005 and 0.001); that of `cusum` solves 2 (Phi(c) - c phi(c)) + level = 2
(Chu, Stinchcombe and White 1996). The classes `MoSum` and `CuSum` of the Python package nrt give the same dates, where the residuals that the moving
sum starts with have the sign of the later ones (in nrt 0.3 they have the other one).

**Confirmations.** So many valid samples one after the other must reach the boundary; the break is the first of them.

| output | is | type |
|---|---|---|
| `NAME_date` | date of the break in whole days since 1970-01-01, rounded down; invalid (0) without a break | uint16 |
| `NAME_magnitude` | median of observed less expected from the break to the end of monitoring; invalid without a break | float32 |
| `NAME_statistic` | the largest share of the boundary that was reached: from 1 on, it was | float32 |
| `NAME_rmse` | `s`, the scatter of the history | float32 |
| `NAME_count` | valid samples of the history, 0 included | uint16 |

**Invalid pixels.** All outputs but the count are invalid where the history has fewer than `min_count` valid samples (default: one and a half
times the number of coefficients, rounded up; an item may have fewer dates altogether, such as a tile at the edge of a swath),
or does not tell the coefficients apart, or has no scatter (the model fits within a millionth of
the values' size, as of a constant series), and where no valid sample comes after it. Infinite samples count as invalid.

**Dates.** A slice stands at its start. Slices of the same instant are one sample, the mean of those that are valid; slices must have
times, and be in their order. Without `monitor` all after the history is watched. Values are physical (scale and offset applied), the arithmetic is double.)",
    .inputs = {{"series", "measured bands over time"}},
    .outputs = {{"breaks", "per band what `outputs` lists, one slice"}}};

// Dates [first, end) of a series.
struct Range {
  size_t first, end;
  size_t size() const { return end - first; }
};

Range dates_in(const SeriesDates& dates, const geo::Period& period) {
  const auto& times = dates.times;
  const auto first = std::lower_bound(times.begin(), times.end(), period.start);
  const auto end = std::lower_bound(first, times.end(), period.end);
  return {static_cast<size_t>(first - times.begin()), static_cast<size_t>(end - times.begin())};
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

class Breaks : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("method", &method_, "What is summed").choices({"mosum", "cusum"}).main();
    parameters.add("history", &history_, "Period without a break: 2016..2018")
        .required()
        .not_recipe();
    parameters.add("monitor", &monitor_, "Period to watch. Default: all after the history")
        .not_recipe();
    parameters.add("harmonics", &harmonics_, "Waves of the year in the model").range(0, 6);
    parameters.add("trend", &trend_, "Whether the model has a slope");
    parameters.add("level", &level_, "Probability of a false alarm").range(0.001, 0.5);
    parameters.add("window", &window_,
                   "mosum: share of the history, 0.25, 0.5 or 1. Default: 0.25");
    parameters.add("confirmations", &confirmations_, "Samples in a row that reach the boundary")
        .range(1, 1000);
    parameters
        .add("min_count", &min_count_,
             "Fewest valid samples of the history. Default: 1.5 times the number of "
             "coefficients")
        .range(1, 65535);
    parameters.add("outputs", &outputs_, "What to give for each band").choices(kOutputs);
  }

  void check() override {
    const bool mosum = method_ == "mosum";
    if (window_ && !mosum) throw Error(ErrorCode::invalid, "breaks.window: is for method: mosum");
    if (window_ && *window_ != 0.25 && *window_ != 0.5 && *window_ != 1)
      throw Error(ErrorCode::invalid,
                  fmt::format("breaks.window: there are no critical values for {}", *window_))
          .hint("choose 0.25, 0.5 or 1");
    if (mosum && level_ > 0.05)
      throw Error(ErrorCode::invalid,
                  fmt::format("breaks.level: the critical values of mosum are for 0.001 to 0.05, "
                              "not {}",
                              level_))
          .hint("choose level: 0.05, or method: cusum");
    if (monitor_ && monitor_->start < history_.end)
      throw Error(ErrorCode::invalid,
                  fmt::format("breaks.monitor: {} begins before the history ends, {}",
                              geo::format_period(*monitor_), geo::format_period(history_)));
    if (min_count_ && static_cast<size_t>(*min_count_) <= model().columns())
      throw Error(ErrorCode::invalid,
                  fmt::format("breaks.min_count: {} samples leave a model of {} coefficients no "
                              "residuals",
                              *min_count_, model().columns()))
          .hint(fmt::format("min_count: {}", model().usual_count()));
    check_choice("breaks.outputs", outputs_);
    which_ = places_of(outputs_, kOutputs);
    rule_ = {mosum ? kernels::Fluctuation::moving : kernels::Fluctuation::cumulative,
             mosum ? kernels::moving_critical(level_, window_.value_or(0.25))
                   : kernels::cumulative_critical(level_),
             window_.value_or(0.25), static_cast<size_t>(confirmations_)};
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema& input = *inputs[0];
    require_measures(input, "breaks");
    const auto dates = dates_of(input, "breaks");
    if (wants(kDate)) require_watched_days(input);
    CubeSchema output;
    output.validity_per_band = true;
    for (const auto& band : input.bands)
      for (const auto& each : outputs_) output.bands.push_back(output_band(band, each));
    raster::Slice slice;
    slice.timed = true;
    slice.period = {history_.end, history_.end};
    if (monitor_)
      slice.period = *monitor_;
    else if (dates.size() > 0)
      slice.period.end = std::max(history_.end, dates.times.back());
    output.slices = {slice};
    workflow::BlockPlan plan;
    plan.outputs = {std::move(output)};
    plan.time_need = workflow::TimeNeed::whole_axis;
    plan.scratch_bytes_per_pixel = DatedSamples::bytes_per_pixel(dates.size()) +
                                   model().columns() * sizeof(double) + 8 +
                                   outputs_.size() * sizeof(float);
    return plan;
  }

  void run(const workflow::BlockCall& call) const override;

 private:
  // What pixels are watched with.
  struct Work {
    Range history, monitor;
    kernels::Regressors in_history, in_monitor;
    std::vector<double> coefficients, of_history, of_monitor, after;
    std::vector<uint32_t> count;
    std::vector<uint8_t> solved;
    std::vector<float> results;
  };

  HarmonicModel model() const {
    HarmonicModel model;
    model.harmonics = static_cast<size_t>(harmonics_);
    model.trend = trend_;
    return model;
  }
  size_t needed() const {
    return min_count_ ? static_cast<size_t>(*min_count_) : model().usual_count();
  }
  geo::Period watched() const {
    return monitor_.value_or(geo::Period{history_.end, std::numeric_limits<geo::TimeMs>::max()});
  }
  bool wants(Output output) const {
    return std::find(which_.begin(), which_.end(), output) != which_.end();
  }
  void require_watched_days(const CubeSchema& input) const {
    const auto period = watched();
    for (const auto& slice : input.slices)
      if (slice.period.start >= period.start && slice.period.start < period.end)
        require_day(slice, "breaks.outputs: date", "leave `date` out of `outputs`");
  }
  static raster::Band output_band(const raster::Band& band, const std::string& output) {
    const auto name = band.name + "_" + output;
    if (output == "date") return date_band(name);
    if (output == "count")
      return whole_number_band(name, raster::PixelType::uint16, raster::BandKind::count,
                               std::nullopt);
    return measured_band(name, output == "statistic" ? "" : band.unit);
  }
  void residuals(const Work& work, const kernels::Regressors& regressors, const float* values,
                 size_t p, size_t pixels, std::vector<double>& out) const;
  void watch(const float* values, size_t p, size_t pixels, const SeriesDates& dates,
             Work& work) const;

  std::string method_ = "mosum";
  geo::Period history_;
  std::optional<geo::Period> monitor_;
  int64_t harmonics_ = 2, confirmations_ = 1;
  bool trend_ = true;
  double level_ = 0.05;
  std::optional<double> window_;
  std::optional<int64_t> min_count_;
  std::vector<std::string> outputs_ = kOutputs;
  std::vector<size_t> which_;  // of kOutputs
  kernels::MonitorRule rule_;
};

// Observed less expected at the rows of `values`, NaN where nothing was observed.
void Breaks::residuals(const Work& work, const kernels::Regressors& regressors, const float* values,
                       size_t p, size_t pixels, std::vector<double>& out) const {
  out.resize(regressors.dates);
  for (size_t d = 0; d < regressors.dates; ++d) {
    double expected = 0;
    for (size_t c = 0; c < regressors.columns; ++c)
      expected += work.coefficients[c * pixels + p] * regressors.row(d)[c];
    out[d] = static_cast<double>(values[d * pixels + p]) - expected;
  }
}

// Puts the outputs of one pixel into work.results.
void Breaks::watch(const float* values, size_t p, size_t pixels, const SeriesDates& dates,
                   Work& work) const {
  const auto put = [&](Output output, double value) {
    for (size_t i = 0; i < which_.size(); ++i)
      if (which_[i] == output) work.results[i * pixels + p] = static_cast<float>(value);
  };
  put(kCount, std::min(work.count[p], 65535U));
  if (work.solved[p] == 0) return;
  const float* in_history = values + work.history.first * pixels;
  residuals(work, work.in_history, in_history, p, pixels, work.of_history);
  std::erase_if(work.of_history, [](double residual) { return std::isnan(residual); });
  residuals(work, work.in_monitor, values + work.monitor.first * pixels, p, pixels,
            work.of_monitor);
  const auto count = static_cast<double>(work.count[p]);
  double size = 0, squares = 0;
  for (size_t d = 0; d < work.history.size(); ++d) {
    const double value = in_history[d * pixels + p];
    if (!std::isnan(value)) size += value * value;
  }
  for (const double residual : work.of_history) squares += residual * residual;
  const size_t columns = work.in_history.columns;
  const auto found = kernels::monitor(
      work.of_history, columns, kLeastScatter * std::sqrt(size / count), work.of_monitor, rule_);
  if (!found.tested) return;
  put(kStatistic, found.statistic);
  put(kRmse, std::sqrt(squares / (count - static_cast<double>(columns))));
  if (!found.broken) return;
  put(kDate, static_cast<double>(day_of(dates.times[work.monitor.first + found.at])));
  work.after.clear();
  for (size_t i = found.at; i < work.of_monitor.size(); ++i)
    if (!std::isnan(work.of_monitor[i])) work.after.push_back(work.of_monitor[i]);
  put(kMagnitude, median(work.after));
}

void Breaks::run(const workflow::BlockCall& call) const {
  const CubeSchema& schema = *call.input_schemas[0];
  DatedSamples samples(dates_of(schema, "breaks"));
  const auto& dates = samples.dates();
  Work work;
  work.history = dates_in(dates, history_);
  work.monitor = dates_in(dates, watched());
  auto model = this->model();
  const auto times_in = [&](const Range& range) {
    return std::span<const geo::TimeMs>(dates.times).subspan(range.first, range.size());
  };
  model.centre_on(times_in(work.history));
  work.in_history = model.regressors(times_in(work.history));
  work.in_monitor = model.regressors(times_in(work.monitor));
  for_each_strip(call, [&](const std::vector<raster::Block>& in, raster::Block& out) {
    const size_t pixels = out.pixels();
    work.coefficients.resize(model.columns() * pixels);
    work.count.resize(pixels);
    work.solved.resize(pixels);
    for (size_t band = 0; band < schema.bands.size(); ++band) {
      const float* values = samples.read(in[0], schema.bands[band], band);
      kernels::least_squares(work.in_history, values + work.history.first * pixels, pixels,
                             needed(), work.coefficients.data(), work.count.data(),
                             work.solved.data());
      work.results.assign(outputs_.size() * pixels, kNothing);
      for (size_t p = 0; p < pixels; ++p) watch(values, p, pixels, dates, work);
      for (size_t i = 0; i < outputs_.size(); ++i) {
        const std::span<const float> values_out(work.results.data() + i * pixels, pixels);
        const size_t to = band * outputs_.size() + i;
        if (which_[i] == kDate || which_[i] == kCount)
          write_whole_numbers(values_out, out, to, 0);
        else
          write_measured(values_out, out, to, 0);
      }
    }
  });
}

}  // namespace

std::unique_ptr<workflow::Op> make_breaks() {
  return std::make_unique<Breaks>();
}

}  // namespace geoloom::ops
