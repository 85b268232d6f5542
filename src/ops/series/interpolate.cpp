// SPDX-License-Identifier: Apache-2.0
// A series at other dates, or the same dates with its gaps filled.
#include <fmt/format.h>

#include <memory>

#include "error/error.h"
#include "geo/calendar.h"
#include "kernels/interpolation.h"
#include "ops/physical.h"
#include "ops/series/dated_series.h"
#include "ops/series/wanted_dates.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const std::vector<std::string> kMethods{"linear", "cubic", "nearest", "previous", "next"};

const workflow::OpDescription kDescription{
    .name = "interpolate",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary =
        "A series at given dates, or with its gaps filled: linear, cubic, nearest, previous, next",
    .documentation =
        R"(Gives each pixel of each band a value at the wanted dates, from its valid samples: at the starts of the periods
of `every`, at the `dates` listed, or, without either, at the dates the series has, which fills its gaps.
`within` fixes the range, so that all tiles have the same dates whatever scenes they have.

| method | value between two samples | before the first, after the last |
|---|---|---|
| `linear` | on the line between them | invalid |
| `cubic` | on the cubic spline through all samples, not-a-knot at its ends, as SciPy's `CubicSpline`; of three samples the parabola, of two the line | invalid |
| `nearest` | the nearer one, in the middle the earlier one | invalid |
| `previous` | the last one (forward fill) | after the last: the last |
| `next` | the next one | before the first: the first |

`extend: nearest` gives the first sample to dates before it and the last one to dates after it. With `max_gap`
samples farther apart than that say nothing of what is between them; where one sample alone gives the
value (`previous`, `next`, `extend`), none says anything of dates farther away from it than that.

**Dates.** A slice stands at its start, exact to the millisecond. Slices of the same instant are one
sample, the mean of those that are valid. Slices must have times, and be in their order.

**Invalid samples** are skipped, infinite ones too. Values are physical (scale and offset applied), the arithmetic is
double, the result is float32. Where bands share validity, a pixel is valid where all of them are.)",
    .inputs = {{"series", "measured bands over time"}},
    .outputs = {{"interpolated", "the same bands at the wanted dates, float32"}}};

class Interpolate : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("method", &method_, "How a value between samples is found")
        .choices(kMethods)
        .main();
    wanted_.declare(parameters);
    parameters
        .add("extend", &extend_,
             "Dates before the first and after the last sample: `none`: invalid; `nearest`: that "
             "sample")
        .choices({"none", "nearest"});
    parameters.add("max_gap", &max_gap_, "The longest gap to fill: 60 days. Default: any");
  }

  void check() override {
    wanted_.check("interpolate");
    if (max_gap_ && max_gap_->unit != geo::Frequency::Unit::day)
      throw Error(ErrorCode::invalid, "interpolate.max_gap: a gap is as long as so many days")
          .hint("max_gap: 60 days");
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema& input = *inputs[0];
    require_measures(input, "interpolate");
    const auto dates = dates_of(input, "interpolate");
    CubeSchema output;
    output.validity_per_band = input.validity_per_band;
    for (const auto& band : input.bands)
      output.bands.push_back(measured_band(band.name, band.unit));
    output.slices = wanted_.slices(input, "interpolate");
    workflow::BlockPlan plan;
    plan.scratch_bytes_per_pixel =
        DatedSamples::bytes_per_pixel(dates.size()) + output.slices.size() * sizeof(float);
    plan.origins = workflow::band_by_band(input.bands.size());
    plan.outputs = {std::move(output)};
    plan.time_need = workflow::TimeNeed::whole_axis;
    return plan;
  }

  void run(const workflow::BlockCall& call) const override {
    const CubeSchema& schema = *call.input_schemas[0];
    DatedSamples samples(dates_of(schema, "interpolate"));
    const auto times = samples.dates().milliseconds();
    const auto wanted = milliseconds(call.output_schemas[0]->slices);
    std::vector<float> values;
    for_each_strip(call, [&](const std::vector<raster::Block>& in, raster::Block& out) {
      const size_t pixels = out.pixels();
      values.resize(wanted.size() * pixels);
      for (size_t band = 0; band < schema.bands.size(); ++band) {
        const float* from = samples.read(in[0], schema.bands[band], band);
        kernels::interpolate(times, from, pixels, rule(), wanted, values.data());
        for (size_t w = 0; w < wanted.size(); ++w)
          write_measured({values.data() + w * pixels, pixels}, out, band, w);
      }
    });
  }

 private:
  kernels::InterpolationRule rule() const {
    kernels::InterpolationRule rule;
    rule.method = static_cast<kernels::Interpolation>(
        std::find(kMethods.begin(), kMethods.end(), method_) - kMethods.begin());
    rule.extend = extend_ == "nearest";
    if (max_gap_) rule.max_gap = static_cast<double>(max_gap_->count * geo::kDayMs);
    return rule;
  }

  std::string method_ = "linear";
  WantedDates wanted_;
  std::string extend_ = "none";
  std::optional<geo::Frequency> max_gap_;
};

}  // namespace

std::unique_ptr<workflow::Op> make_interpolate() {
  return std::make_unique<Interpolate>();
}

}  // namespace geoloom::ops
