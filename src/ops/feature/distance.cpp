// SPDX-License-Identifier: Apache-2.0
// How far each pixel is from the nearest one of a class.
#include "kernels/distance.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "error/error.h"
#include "ops/physical.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "distance",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Distance to the nearest pixel of a class or range of values",
    .documentation =
        R"(The exact Euclidean distance from the centre of each pixel to that of the nearest one whose physical
value is one of `is`, or lies from `at_least` on and below `below`. Pixels that fulfil this themselves have 0.

Distances are looked for up to `maximum`; farther away, and where there is nothing at all, the result is `maximum`. The
larger it is, the more pixels are read beyond each tile.

`unit: metres` takes the size of pixels from the area's grid, which must be projected; `pixels` counts them,
along columns and rows alike.

**Invalid pixels** are nothing to be found; they get a distance like all others. The result is float32, for each slice by
itself, and called `distance`.)",
    .inputs = {{"classes", "any bands over time"}},
    .outputs = {{"distance", "one band"}}};

constexpr int64_t kFarthestPixels = 2000;

class Distance : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("is", &is_, "Exact values of what is looked for").main();
    parameters.add("at_least", &at_least_, "Or a range of values: its begin, included");
    parameters.add("below", &below_, "The range's end, not included");
    parameters.add("maximum", &maximum_, "Farthest distance that is looked for")
        .required()
        .range(0, 1e9);
    parameters.add("unit", &unit_, "Of distances").choices({"metres", "pixels"});
    parameters.add("band", &band_, "The band with the values. Default: the only one")
        .meaning(workflow::Meaning::band);
    parameters.add("name", &name_, "Of the resulting band");
  }
  void check() override;
  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override;
  workflow::BlockPlan plan_at(const workflow::PlanSite& site,
                              std::span<const CubeSchema* const> inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  size_t value_band(const CubeSchema& input) const;
  kernels::DistanceReach reach_on(const geo::Grid& grid) const;
  bool wanted(float value) const;

  std::vector<double> is_;
  std::optional<double> at_least_, below_;
  double maximum_ = 0;
  std::string unit_ = "metres", name_ = "distance";
  std::optional<std::string> band_;
};

void Distance::check() {
  if (is_.empty() == !(at_least_ || below_))
    throw Error(ErrorCode::invalid,
                "distance: needs either `is` or a range, `at_least` and `below`")
        .hint("distance: {is: [80, 90], maximum: 5000}");
  if (at_least_ && below_ && !(*at_least_ < *below_))
    throw Error(ErrorCode::invalid,
                fmt::format("distance: the range {}..{} is empty", *at_least_, *below_));
  if (!(maximum_ > 0)) throw Error(ErrorCode::invalid, "distance.maximum: must be above 0");
}

size_t Distance::value_band(const CubeSchema& input) const {
  if (band_) return static_cast<size_t>(input.band_index(*band_));
  if (input.bands.size() == 1) return 0;
  throw Error(ErrorCode::invalid,
              fmt::format("distance.band: there are {} bands, say which", input.bands.size()))
      .hint(fmt::format("known: {}", fmt::join(input.band_names(), ", ")));
}

kernels::DistanceReach Distance::reach_on(const geo::Grid& grid) const {
  kernels::DistanceReach reach{.maximum = maximum_};
  if (unit_ == "metres") {
    reach.pixel_width = grid.pixel_width * grid.crs.metres_per_unit();
    reach.pixel_height = grid.pixel_height * grid.crs.metres_per_unit();
    if (!(reach.pixel_width > 0))
      throw Error(ErrorCode::invalid,
                  fmt::format("distance.unit: the pixels of {} have no size in metres",
                              grid.crs.known() ? grid.crs.name() : "an unknown system"))
          .hint("say unit: pixels, or give the area a projected system");
  }
  const double columns = maximum_ / reach.pixel_width, rows = maximum_ / reach.pixel_height;
  if (std::max(columns, rows) > static_cast<double>(kFarthestPixels))
    throw Error(ErrorCode::invalid,
                fmt::format("distance.maximum: {} {} are {:.0f} pixels, more than {}", maximum_,
                            unit_, std::max(columns, rows), kFarthestPixels))
        .hint("look on coarser pixels, or less far");
  // A square halo, however pixels are shaped.
  reach.columns = reach.rows = static_cast<size_t>(std::ceil(std::max(columns, rows)));
  return reach;
}

workflow::BlockPlan Distance::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  (void)value_band(input);
  CubeSchema output;
  output.slices = input.slices;
  output.bands = {measured_band(name_, unit_ == "metres" ? "m" : "px")};
  return {.outputs = {std::move(output)},
          .time_need = workflow::TimeNeed::pointwise,
          .scratch_bytes_per_pixel = 3 * sizeof(double) + 2 * sizeof(float) + 1};
}

workflow::BlockPlan Distance::plan_at(const workflow::PlanSite& site,
                                      std::span<const CubeSchema* const> inputs) const {
  auto plan = this->plan(inputs);
  plan.halo_pixels = static_cast<int>(reach_on(*site.grid).columns);
  return plan;
}

bool Distance::wanted(float value) const {
  if (!is_.empty())
    return std::any_of(is_.begin(), is_.end(),
                       [value](double is) { return value == static_cast<float>(is); });
  return value >= static_cast<float>(at_least_.value_or(-HUGE_VAL)) &&
         value < static_cast<float>(below_.value_or(HUGE_VAL));
}

void Distance::run(const workflow::BlockCall& call) const {
  const Block& in = *call.inputs[0];
  Block& out = *call.outputs[0];
  const CubeSchema& input = *call.input_schemas[0];
  const size_t band = value_band(input);
  const auto reach = reach_on(*call.grid);
  std::vector<float> values(in.pixels()), distances(out.pixels());
  std::vector<uint8_t> set(in.pixels());
  for (size_t slice = 0; slice < in.slices(); ++slice) {
    read_physical(in, input.bands[band], band, slice, values);
    for (size_t i = 0; i < set.size(); ++i) set[i] = wanted(values[i]) ? 1 : 0;
    kernels::distance_to_set(set.data(), static_cast<size_t>(out.window().width),
                             static_cast<size_t>(out.window().height), reach, distances.data());
    write_measured(distances, out, 0, slice);
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_distance() {
  return std::make_unique<Distance>();
}

}  // namespace geoloom::ops
