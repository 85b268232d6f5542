// SPDX-License-Identifier: Apache-2.0
// The course of the year as a few numbers, or as a curve at any date.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "error/error.h"
#include "geo/calendar.h"
#include "kernels/elementary.h"
#include "kernels/least_squares.h"
#include "ops/physical.h"
#include "ops/result_choice.h"
#include "ops/series/dated_series.h"
#include "ops/series/harmonic_model.h"
#include "ops/series/wanted_dates.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const std::vector<std::string> kOutputs{"coefficients", "amplitude", "phase", "rmse", "count"};

const workflow::OpDescription kDescription{
    .name = "harmonic",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary =
        "The course of the year by least squares: mean, trend, waves; or the curve at any date",
    .documentation =
        R"(Fits to the valid samples of each pixel, by least squares,

    c0 + slope * t + cos1 * cos(w) + sin1 * sin(w) + cos2 * cos(2 w) + sin2 * sin(2 w) + ...

with `harmonics` waves. `t` are years of 365.25 days since `reference`, and there is a slope only with `trend: true`.
`w` goes from 0 to 2 pi in a `period`: the `year` of the calendar, whatever days it has, or so many days counted from
`reference`.

| output | bands of each band `NAME` |
|---|---|
| `coefficients` | `NAME_c0`, `NAME_slope` (per year), `NAME_cos1`, `NAME_sin1`, `NAME_cos2`, ... |
| `amplitude` | `NAME_amplitude1`, ...: root of cos1² + sin1² |
| `phase` | `NAME_phase1`, ...: the angle `w` in radians, -pi to pi, at which the first wave is highest; of the second wave `2 w` |
| `rmse` | `NAME_rmse`: root of the mean square of the residuals |
| `count` | `NAME_count`: valid samples |

**The curve.** With `predict: true` the result is the fitted curve itself, with the bands' names, at the dates of the series or those
of `every`, `within` or `dates`, also beyond the samples and in their gaps.

**Invalid pixels.** Fewer valid samples than `min_count` (default: one and a half times the number of coefficients, rounded up) make all
outputs of a band invalid; so do samples at dates that do not tell the coefficients apart, as those of one
month of every year. Infinite samples count as invalid.

**Dates.** A slice stands at its start. Slices of the same instant are one sample, the mean of those that are valid; slices must have
times, and be in their order. Values are physical (scale and offset applied). The normal equations are summed in double along time,
with the trend centred; results are float32, the count uint16.)",
    .inputs = {{"series", "measured bands over time"}},
    .outputs = {{"harmonics", "per band what `outputs` lists, one slice; or the curve"}}};

class Harmonic : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("harmonics", &harmonics_, "Number of waves").range(1, 6).main();
    parameters.add("trend", &trend_, "Fit a slope as well");
    parameters.add("period", &period_, "Of the first wave: year, or so many days: 16 days");
    parameters.add("reference", &reference_, "Where time is 0");
    parameters.add("outputs", &outputs_, "What to give for each band").choices(kOutputs);
    parameters
        .add("min_count", &min_count_,
             "Fewest valid samples. Default: 1.5 times the number of coefficients")
        .range(1, 65535);
    parameters.add("predict", &predict_, "Give the curve instead");
    wanted_.declare(parameters);
  }

  void check() override {
    wanted_.check("harmonic");
    if (wanted_.given() && !predict_)
      throw Error(ErrorCode::invalid, "harmonic: dates are for the curve").hint("predict: true");
    const bool year = period_.unit == geo::Frequency::Unit::year && period_.count == 1;
    if (!year && period_.unit != geo::Frequency::Unit::day)
      throw Error(ErrorCode::invalid, "harmonic.period: is a year or so many days")
          .hint("period: 91 days");
    check_choice("harmonic.outputs", outputs_);
    const size_t columns = model().columns();
    if (min_count_ && static_cast<size_t>(*min_count_) <= columns)
      throw Error(ErrorCode::invalid,
                  fmt::format("harmonic.min_count: {} samples leave a model of {} coefficients no "
                              "residuals",
                              *min_count_, columns))
          .hint(fmt::format("min_count: {}", model().usual_count()));
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema& input = *inputs[0];
    require_measures(input, "harmonic");
    const auto dates = dates_of(input, "harmonic");
    CubeSchema output;
    output.validity_per_band = input.validity_per_band;
    for (const auto& band : input.bands) add_bands(band, output.bands);
    if (predict_) {
      output.slices = wanted_.slices(input, "harmonic");
    } else {
      raster::Slice slice;
      slice.timed = dates.size() > 0;
      if (slice.timed)
        slice.period = {dates.times.front(),
                        std::max(dates.times.back(), input.slices.back().period.end)};
      output.slices = {slice};
    }
    workflow::BlockPlan plan;
    plan.scratch_bytes_per_pixel = DatedSamples::bytes_per_pixel(dates.size()) +
                                   (model().columns() + 1) * sizeof(double) + 8 +
                                   (predict_ ? output.slices.size() : size_t{1}) * sizeof(float);
    plan.outputs = {std::move(output)};
    plan.time_need = workflow::TimeNeed::whole_axis;
    return plan;
  }

  void run(const workflow::BlockCall& call) const override;

 private:
  // Of some pixels.
  struct Fit {
    std::vector<double> coefficients, squares;
    std::vector<uint32_t> count;
    std::vector<uint8_t> solved;
  };

  HarmonicModel model() const {
    HarmonicModel model;
    model.harmonics = static_cast<size_t>(harmonics_);
    model.trend = trend_;
    if (period_.unit == geo::Frequency::Unit::day)
      model.period_ms = static_cast<double>(period_.count * geo::kDayMs);
    model.reference = reference_.start;
    return model;
  }
  size_t needed() const {
    return min_count_ ? static_cast<size_t>(*min_count_) : model().usual_count();
  }
  void add_bands(const raster::Band& band, std::vector<raster::Band>& out) const;
  std::vector<std::vector<float>> values_of(const std::string& output, const HarmonicModel& model,
                                            const Fit& fit) const;
  static void to_reference(const HarmonicModel& model, Fit& fit);
  void write_numbers(const HarmonicModel& model, const Fit& fit, raster::Block& out,
                     size_t first_band) const;

  int64_t harmonics_ = 2;
  bool trend_ = false, predict_ = false;
  geo::Frequency period_{geo::Frequency::Unit::year, 1};
  geo::Period reference_ = geo::parse_period("2000-01-01");
  std::vector<std::string> outputs_ = kOutputs;
  std::optional<int64_t> min_count_;
  WantedDates wanted_;
};

void Harmonic::add_bands(const raster::Band& band, std::vector<raster::Band>& out) const {
  if (predict_) {
    out.push_back(measured_band(band.name, band.unit));
    return;
  }
  const auto add = [&](const std::string& suffix, const std::string& unit) {
    out.push_back(measured_band(band.name + "_" + suffix, unit));
  };
  for (const auto& output : outputs_) {
    if (output == "coefficients") {
      add("c0", band.unit);
      if (trend_) add("slope", band.unit.empty() ? "1/year" : band.unit + "/year");
    }
    for (int64_t k = 1; k <= harmonics_; ++k) {
      if (output == "coefficients") {
        add(fmt::format("cos{}", k), band.unit);
        add(fmt::format("sin{}", k), band.unit);
      }
      if (output == "amplitude") add(fmt::format("amplitude{}", k), band.unit);
      if (output == "phase") add(fmt::format("phase{}", k), "rad");
    }
    if (output == "rmse") add("rmse", band.unit);
    if (output == "count")
      out.push_back(whole_number_band(band.name + "_count", raster::PixelType::uint16,
                                      raster::BandKind::count, std::nullopt));
  }
}

// The trend was fitted about the middle of the series: slope per year, mean at the reference.
void Harmonic::to_reference(const HarmonicModel& model, Fit& fit) {
  if (!model.trend) return;
  const size_t pixels = fit.count.size();
  const double years = (model.centre_ms - static_cast<double>(model.reference)) / kJulianYearMs;
  for (size_t p = 0; p < pixels; ++p) {
    double& slope = fit.coefficients[pixels + p];
    slope *= kJulianYearMs / model.scale_ms;
    fit.coefficients[p] -= slope * years;
  }
}

// The bands of one output, pixel by pixel.
std::vector<std::vector<float>> Harmonic::values_of(const std::string& output,
                                                    const HarmonicModel& model,
                                                    const Fit& fit) const {
  const size_t pixels = fit.count.size();
  std::vector<std::vector<float>> bands;
  const auto add = [&](const auto& value) {
    auto& band = bands.emplace_back(pixels);
    for (size_t p = 0; p < pixels; ++p)
      band[p] = fit.solved[p] != 0 ? static_cast<float>(value(p)) : kNothing;
  };
  const auto coefficient = [&](size_t column, size_t p) {
    return fit.coefficients[column * pixels + p];
  };
  if (output == "coefficients")
    for (size_t c = 0; c < model.columns(); ++c) add([&](size_t p) { return coefficient(c, p); });
  for (size_t c = model.first_wave(); c < model.columns(); c += 2) {
    if (output == "amplitude")
      add([&](size_t p) {
        const double a = coefficient(c, p), b = coefficient(c + 1, p);
        return std::sqrt(a * a + b * b);
      });
    if (output == "phase")
      add([&](size_t p) {
        return kernels::arc_tangent2(coefficient(c + 1, p), coefficient(c, p));
      });
  }
  if (output == "rmse") add([&](size_t p) { return std::sqrt(fit.squares[p] / fit.count[p]); });
  if (output == "count") add([&](size_t p) { return std::min(fit.count[p], 65535U); });
  return bands;
}

void Harmonic::write_numbers(const HarmonicModel& model, const Fit& fit, raster::Block& out,
                             size_t first_band) const {
  for (const auto& output : outputs_) {
    const auto bands = values_of(output, model, fit);
    for (const auto& values : bands) {
      if (output == "count")
        write_whole_numbers(values, out, first_band, 0);
      else
        write_measured(values, out, first_band, 0);
      ++first_band;
    }
  }
}

void Harmonic::run(const workflow::BlockCall& call) const {
  const CubeSchema& schema = *call.input_schemas[0];
  const CubeSchema& output = *call.output_schemas[0];
  DatedSamples samples(dates_of(schema, "harmonic"));
  auto model = this->model();
  model.centre_on(samples.dates().times);
  const auto regressors = model.regressors(samples.dates().times);
  std::vector<geo::TimeMs> wanted;
  for (const auto& slice : output.slices) wanted.push_back(slice.period.start);
  const auto at_wanted = model.regressors(wanted);
  const size_t bands_each = output.bands.size() / std::max<size_t>(1, schema.bands.size());
  Fit fit;
  std::vector<float> curve;
  for_each_strip(call, [&](const std::vector<raster::Block>& in, raster::Block& out) {
    const size_t pixels = out.pixels();
    fit.coefficients.resize(model.columns() * pixels);
    fit.squares.resize(pixels);
    fit.count.resize(pixels);
    fit.solved.resize(pixels);
    for (size_t band = 0; band < schema.bands.size(); ++band) {
      const float* from = samples.read(in[0], schema.bands[band], band);
      kernels::least_squares(regressors, from, pixels, needed(), fit.coefficients.data(),
                             fit.count.data(), fit.solved.data());
      if (!predict_) {
        kernels::residual_squares(regressors, from, pixels, fit.coefficients.data(),
                                  fit.squares.data());
        to_reference(model, fit);
        write_numbers(model, fit, out, band * bands_each);
        continue;
      }
      curve.resize(wanted.size() * pixels);
      kernels::evaluate(at_wanted, fit.coefficients.data(), pixels, curve.data());
      for (size_t w = 0; w < wanted.size(); ++w) {
        const std::span<float> row(curve.data() + w * pixels, pixels);
        for (size_t p = 0; p < pixels; ++p)
          if (fit.solved[p] == 0) row[p] = kNothing;
        write_measured(row, out, band, w);
      }
    }
  });
}

}  // namespace

std::unique_ptr<workflow::Op> make_harmonic() {
  return std::make_unique<Harmonic>();
}

}  // namespace geoloom::ops
