// SPDX-License-Identifier: Apache-2.0
// Statistics of the pixels around each pixel.
#include "kernels/focal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "error/error.h"
#include "ops/physical.h"
#include "ops/result_choice.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "focal",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Mean, variance, extremes or median of the pixels around each pixel",
    .documentation =
        R"(The neighbourhood of a pixel is the square of `2 * radius + 1` pixels around it, or the disk of pixels
whose centres are at most `radius` pixels away. Every band and every slice by itself.

`variance` and `sd` are those of a sample: squared distances to the mean divided by n - 1, invalid for a single pixel.
The `median` of an even number is the mean of the two in the middle. `count` is the number of valid pixels.

**Invalid pixels** count nowhere, and neither does what lies outside of the area. A result is valid
where the neighbourhood holds at least `min_count` valid pixels, be the pixel itself valid or not: so small gaps are
filled. With `centre: required` it must be valid too.

Values are physical ones. The result is float32; with several statistics bands are called
`<band>_<statistic>`, with one they keep their names.)",
    .inputs = {{"values", "any bands of measures over time"}},
    .outputs = {{"statistics", "each band's statistics"}}};

const std::vector<std::string> kStats{"mean", "variance", "sd", "min", "max", "median", "count"};
constexpr int64_t kLargestRadius = 100;
enum class Stat : uint8_t { mean, variance, sd, min, max, median, count };  // as in kStats

Stat stat_of(const std::string& name) {
  return static_cast<Stat>(std::find(kStats.begin(), kStats.end(), name) - kStats.begin());
}

class Focal : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("stat", &stats_, "What to compute; a list gives several bands each")
        .choices(kStats)
        .main();
    parameters.add("radius", &radius_, "How far the neighbourhood reaches")
        .range(1, kLargestRadius)
        .unit("px");
    parameters.add("shape", &shape_, "Of the neighbourhood").choices({"square", "disk"});
    parameters.add("min_count", &min_count_, "Fewest valid pixels of a valid result")
        .range(1, (2 * kLargestRadius + 1) * (2 * kLargestRadius + 1));
    parameters.add("centre", &centre_, "Whether a pixel must be valid itself")
        .choices({"optional", "required"});
  }
  void check() override {
    check_choice("focal.stat", stats_);
    wanted_.clear();
    for (const auto& stat : stats_) wanted_.push_back(stat_of(stat));
  }
  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  kernels::Disk neighbourhood() const {
    return shape_ == "disk" ? kernels::disk(static_cast<double>(radius_), 1, 1)
                            : kernels::square(static_cast<int32_t>(radius_));
  }

  std::vector<std::string> stats_{"mean"};
  std::vector<Stat> wanted_;  // the same, looked up once: pixels do not compare texts
  int64_t radius_ = 1, min_count_ = 1;
  std::string shape_ = "square", centre_ = "optional";
};

workflow::BlockPlan Focal::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  require_measures(input, "focal");
  CubeSchema output;
  output.slices = input.slices;
  // A band may have too few pixels for one statistic, and enough for another.
  output.validity_per_band = true;
  for (const auto& band : input.bands) {
    for (const auto& stat : stats_) {
      const auto name = stats_.size() > 1 ? band.name + "_" + stat : band.name;
      const bool same_unit = stat != "variance" && stat != "count";
      output.bands.push_back(measured_band(name, same_unit ? band.unit : ""));
    }
  }
  return {.outputs = {std::move(output)},
          .time_need = workflow::TimeNeed::pointwise,
          .halo_pixels = static_cast<int>(radius_),
          .scratch_bytes_per_pixel = 4 * sizeof(double) + 2 * sizeof(float)};
}

// What the statistics of one band and slice are made of; sums are made once for all of them.
class Neighbourhoods {
 public:
  Neighbourhoods(const std::vector<float>& values, const geo::Window& window,
                 const kernels::Disk& disk)
      : values_(values.data()),
        width_(static_cast<size_t>(window.width)),
        height_(static_cast<size_t>(window.height)),
        disk_(disk),
        sum_(width_ * height_),
        count_(width_ * height_) {
    kernels::focal_sum(values_, width_, height_, disk_, sum_.data(), count_.data());
  }

  const std::vector<double>& count() const { return count_; }

  void find(Stat stat, std::vector<float>& out) {
    if (stat == Stat::min)
      return kernels::focal_minimum(values_, width_, height_, disk_, out.data());
    if (stat == Stat::max)
      return kernels::focal_maximum(values_, width_, height_, disk_, out.data());
    if (stat == Stat::median)
      return kernels::focal_median(values_, width_, height_, disk_, out.data());
    if (stat == Stat::variance || stat == Stat::sd) find_squares();
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(value(stat, i));
  }

 private:
  double value(Stat stat, size_t i) const {
    if (stat == Stat::count) return count_[i];
    if (stat == Stat::mean) return sum_[i] / count_[i];  // 0 / 0 is NaN
    const double variance =
        count_[i] > 1 ? squares_[i] / (count_[i] - 1) : std::numeric_limits<double>::quiet_NaN();
    return stat == Stat::sd ? std::sqrt(variance) : variance;
  }

  void find_squares() {
    if (!squares_.empty()) return;
    squares_.resize(sum_.size());
    std::vector<double> mean(sum_.size());
    for (size_t i = 0; i < mean.size(); ++i) mean[i] = count_[i] > 0 ? sum_[i] / count_[i] : 0;
    kernels::focal_squares(values_, width_, height_, disk_, mean.data(), squares_.data());
  }

  const float* values_;
  const size_t width_, height_;
  const kernels::Disk& disk_;
  std::vector<double> sum_, count_, squares_;
};

void Focal::run(const workflow::BlockCall& call) const {
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  const Block& in = *call.inputs[0];
  Block& out = *call.outputs[0];
  const CubeSchema& input = *call.input_schemas[0];
  const auto disk = neighbourhood();
  const auto width = static_cast<size_t>(out.window().width);
  const auto radius = static_cast<size_t>(radius_);
  const size_t stride = width + 2 * radius;
  std::vector<float> values(in.pixels()), result(out.pixels());
  for (size_t slice = 0; slice < in.slices(); ++slice) {
    for (size_t band = 0; band < in.bands(); ++band) {
      read_physical(in, input.bands[band], band, slice, values);
      Neighbourhoods around(values, out.window(), disk);
      for (size_t s = 0; s < wanted_.size(); ++s) {
        around.find(wanted_[s], result);
        for (size_t i = 0; i < result.size(); ++i) {
          const float centre = values[(i / width + radius) * stride + i % width + radius];
          const bool lacks_centre = centre_ == "required" && std::isnan(centre);
          if (around.count()[i] < static_cast<double>(min_count_) || lacks_centre)
            result[i] = kNone;
        }
        write_measured(result, out, band * wanted_.size() + s, slice);
      }
    }
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_focal() {
  return std::make_unique<Focal>();
}

}  // namespace geoloom::ops
