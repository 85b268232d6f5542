// SPDX-License-Identifier: Apache-2.0
// Series without their noise: Savitzky-Golay and Whittaker.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "error/error.h"
#include "geo/calendar.h"
#include "kernels/savitzky_golay.h"
#include "kernels/whittaker.h"
#include "ops/physical.h"
#include "ops/series/dated_series.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

// Months are 28 to 31 days long, dekads 8 to 11.
constexpr double kMostUnequal = 1.4;
constexpr auto kDayMs = static_cast<double>(geo::kDayMs);

const workflow::OpDescription kDescription{
    .name = "smooth",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "A series without its noise: Savitzky-Golay or Whittaker",
    .documentation =
        R"(Smooths the series of each pixel and band.

**`savitzky_golay`** gives each date the value of the polynomial of degree `order` that fits the `window` dates around it
best; near the ends of the series that of the first or last `window` dates. Without gaps the result is
that of SciPy's `savgol_filter` with `mode="interp"`; dates without a valid sample are left out of the fit, and where no more
than `order` samples of a window are left, there is no value. It wants dates that lie equally far apart and refuses others
(the longest step may be 1.4 times the shortest, so that months and dekads are regular): `interpolate` first,
or take `whittaker`. An item with fewer dates than the window, such as a tile at the edge of a swath, is invalid.

**`whittaker`** finds the series with the least sum of squared distances to the valid samples plus `lambda` times the sum of its
squared differences of that `order` (Eilers, *A perfect smoother*, Analytical Chemistry 75, 2003). The larger `lambda`, the
smoother; 10 to 1000 are usual for vegetation indices at ten days. Dates may be irregular: the differences are then divided
differences (times the factorial of the order, with steps in units of the mean step of the cube's dates), so that at regular dates
they are the plain ones. A pixel needs more than `order` valid samples.

**Gaps.** With `gaps: fill` dates between a pixel's first and last sample get a value though they have no valid sample;
with `keep` they stay invalid. Before the first and after the last sample pixels are invalid.

**Dates.** A slice stands at its start. Slices of the same instant are one, the mean of those that are valid; slices must have
times, and be in their order.

Infinite samples count as invalid. Values are physical (scale and offset applied), the arithmetic is double, the result is
float32. Where bands share validity, a pixel is valid where all of them are.)",
    .inputs = {{"series", "measured bands over time"}},
    .outputs = {{"smooth", "the same bands and dates, float32"}}};

class Smooth : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("method", &method_, "How to smooth")
        .choices({"savitzky_golay", "whittaker"})
        .main()
        .required();
    parameters.add("window", &window_, "savitzky_golay: dates of a fit, odd. Default: 5")
        .range(3, 999);
    parameters
        .add("order", &order_,
             "savitzky_golay: degree of the polynomial; whittaker: order of the differences. "
             "Default: 2")
        .range(0, 9);
    parameters
        .add("lambda", &lambda_, "whittaker: weight of the differences, above 0. Default: 100")
        .range(0, 1e9);
    parameters.add("gaps", &gaps_, "Dates without a valid sample between others")
        .choices({"fill", "keep"});
    parameters.add("min_count", &min_count_, "Fewest valid samples of a valid pixel")
        .range(1, 65535);
  }

  void check() override {
    if (savitzky_golay()) {
      if (lambda_)
        throw Error(ErrorCode::invalid, "smooth.lambda: is for method: whittaker")
            .hint("savitzky_golay smooths more with a longer window");
      if (window() % 2 == 0)
        throw Error(ErrorCode::invalid,
                    fmt::format("smooth.window: {} is even, and the date that is smoothed is in "
                                "the middle",
                                window()))
            .hint(fmt::format("window: {}", window() + 1));
      if (order() >= window())
        throw Error(ErrorCode::invalid,
                    fmt::format("smooth.order: a polynomial of degree {} goes through all {} "
                                "samples of a window",
                                order(), window()));
      return;
    }
    if (window_) throw Error(ErrorCode::invalid, "smooth.window: is for method: savitzky_golay");
    if (lambda_ && !(*lambda_ > 0))
      throw Error(ErrorCode::invalid, "smooth.lambda: must be above 0");
    if (order() < 1 || order() > kernels::kMostWhittakerOrder)
      throw Error(ErrorCode::invalid,
                  fmt::format("smooth.order: whittaker takes differences of order 1 to {}, not {}",
                              kernels::kMostWhittakerOrder, order()));
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema& input = *inputs[0];
    require_measures(input, "smooth");
    const auto dates = dates_of(input, "smooth");
    if (savitzky_golay() && fills_window(dates.size())) check_steps(dates);
    CubeSchema output;
    output.validity_per_band = input.validity_per_band;
    for (const auto& band : input.bands)
      output.bands.push_back(measured_band(band.name, band.unit));
    for (size_t d = 0; d < dates.size(); ++d) output.slices.push_back(input.slices[dates.first[d]]);
    workflow::BlockPlan plan;
    plan.scratch_bytes_per_pixel =
        DatedSamples::bytes_per_pixel(dates.size()) + dates.size() * sizeof(float) + sizeof(double);
    plan.origins = workflow::band_by_band(input.bands.size());
    plan.outputs = {std::move(output)};
    plan.time_need = workflow::TimeNeed::whole_axis;
    return plan;
  }

  void run(const workflow::BlockCall& call) const override {
    const CubeSchema& schema = *call.input_schemas[0];
    DatedSamples samples(dates_of(schema, "smooth"));
    const size_t dates = samples.dates().size();
    const auto times = samples.dates().milliseconds();
    std::optional<kernels::Roughness> roughness;
    if (!savitzky_golay() && dates > order())
      roughness.emplace(times, order(), lambda_.value_or(100));
    std::vector<float> values;
    for_each_strip(call, [&](const std::vector<raster::Block>& in, raster::Block& out) {
      const size_t pixels = out.pixels();
      values.assign(dates * pixels, std::numeric_limits<float>::quiet_NaN());
      for (size_t band = 0; band < schema.bands.size(); ++band) {
        const float* from = samples.read(in[0], schema.bands[band], band);
        if (savitzky_golay() && fills_window(dates))
          kernels::savitzky_golay(from, dates, pixels, window(), order(), values.data());
        else if (roughness)
          kernels::whittaker(*roughness, from, pixels, static_cast<size_t>(min_count_),
                             values.data());
        take_out(from, dates, pixels, values);
        for (size_t d = 0; d < dates; ++d)
          write_measured({values.data() + d * pixels, pixels}, out, band, d);
      }
    });
  }

 private:
  bool savitzky_golay() const { return method_ == "savitzky_golay"; }
  size_t window() const { return static_cast<size_t>(window_.value_or(5)); }
  size_t order() const { return static_cast<size_t>(order_.value_or(2)); }

  // An item may have few dates, as at the edge of a swath, where others have many.
  bool fills_window(size_t dates) const { return dates >= window(); }

  void check_steps(const SeriesDates& dates) const {
    geo::TimeMs shortest = dates.times[1] - dates.times[0], longest = shortest;
    size_t at = 1;
    for (size_t d = 2; d < dates.size(); ++d) {
      const auto step = dates.times[d] - dates.times[d - 1];
      shortest = std::min(shortest, step);
      if (step > longest) at = d;
      longest = std::max(longest, step);
    }
    if (static_cast<double>(longest) <= kMostUnequal * static_cast<double>(shortest)) return;
    throw Error(
        ErrorCode::invalid,
        fmt::format("smooth: savitzky_golay wants dates that lie equally far apart, and "
                    "those of this series do so by {:g} to {:g} days (before {})",
                    static_cast<double>(shortest) / kDayMs, static_cast<double>(longest) / kDayMs,
                    geo::format_date(dates.times[at])))
        .hint("put interpolate: {every: 10 days} before it, or take method: whittaker");
  }

  // What too few samples say nothing of, and gaps that are kept.
  void take_out(const float* from, size_t dates, size_t pixels, std::vector<float>& values) const {
    std::vector<int64_t> count(pixels);
    for (size_t i = 0; i < dates * pixels; ++i) count[i % pixels] += std::isnan(from[i]) ? 0 : 1;
    const bool keep = gaps_ == "keep";
    for (size_t i = 0; i < dates * pixels; ++i)
      if (count[i % pixels] < min_count_ || (keep && std::isnan(from[i])))
        values[i] = std::numeric_limits<float>::quiet_NaN();
  }

  std::string method_;
  std::optional<int64_t> window_, order_;
  std::optional<double> lambda_;
  std::string gaps_ = "fill";
  int64_t min_count_ = 1;
};

}  // namespace

std::unique_ptr<workflow::Op> make_smooth() {
  return std::make_unique<Smooth>();
}

}  // namespace geoloom::ops
