// SPDX-License-Identifier: Apache-2.0
// What changed between two dates.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "error/error.h"
#include "error/spelling.h"
#include "ops/physical.h"
#include "ops/result_choice.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const std::vector<std::string> kOutputs{"difference", "ratio", "relative", "class"};

enum Class : uint8_t { kDecrease = 1, kNoChange = 2, kIncrease = 3 };
enum class Measure : uint8_t { difference, ratio, relative, classes };

Measure measure_of(const std::string& output) {
  if (output == "ratio") return Measure::ratio;
  if (output == "relative") return Measure::relative;
  return output == "class" ? Measure::classes : Measure::difference;
}

const workflow::OpDescription kDescription{
    .name = "difference",
    .kind = workflow::OpKind::block,
    .version = 2,
    .summary =
        "What changed between two dates: difference, ratio, relative change, classes by threshold",
    .documentation =
        R"(Compares two inputs band by band: those of the first one with the band of the same name, or the only band, of the second.

| output | is |
|---|---|
| `difference` | after - before |
| `ratio` | after / before |
| `relative` | (after - before) / absolute value of before |
| `class` | 1 decrease, 2 no change, 3 increase, by `threshold` |

One output keeps the bands' names, several are named `NAME_difference` and so on.

**Classes.** `threshold: 0.1` calls what is at or below -0.1 a decrease, at or above 0.1 an increase; `threshold: [-0.2, 0.1]` gives
both. It is a threshold of `threshold_of`: the `difference`, the `relative` change, or the `ratio`, which takes two.

Both inputs have the same number of slices, mostly one: `reduce` each to a date or period first. Slices are compared in their order
and take the times of the second input. Where one input has no slice, because no scene touches the tile, the result has those of the
other, invalid everywhere.

**Invalid pixels** are those that are invalid or infinite in either input, and where the result is not finite: a ratio and a
relative change of 0. Values are physical (scale and offset applied), so both inputs may be stored differently. The arithmetic is double,
results are float32, classes uint8.)",
    .inputs = {{"before", "measured bands"}, {"after", "the same bands at another time"}},
    .outputs = {{"change", "per band what `outputs` lists"}}};

class Difference : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("outputs", &outputs_, "What to give for each band").choices(kOutputs).main();
    parameters.add("threshold", &threshold_,
                   "class: from where on it is a change: 0.1, or [-0.2, 0.1]");
    parameters.add("threshold_of", &threshold_of_, "class: what the threshold is of")
        .choices({"difference", "ratio", "relative"});
  }

  void check() override {
    check_choice("difference.outputs", outputs_);
    check_threshold(std::find(outputs_.begin(), outputs_.end(), "class") != outputs_.end());
    measures_.clear();
    for (const auto& output : outputs_) measures_.push_back(measure_of(output));
    measure_of_classes_ = measure_of(threshold_of_);
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema &before = *inputs[0], &after = *inputs[1];
    require_measures(before, "difference");
    require_measures(after, "difference");
    const size_t slices = after.slices.size();
    const bool lacks_one = before.slices.empty() != after.slices.empty();
    if (!lacks_one && before.slices.size() != slices)
      throw Error(ErrorCode::invalid,
                  fmt::format("difference: the first input has {} slices and the second {}",
                              before.slices.size(), slices))
          .hint("reduce each of them to one first");
    CubeSchema output;
    output.slices = after.slices.empty() ? before.slices : after.slices;
    output.validity_per_band = before.bands.size() * outputs_.size() > 1;
    for (const auto& band : before.bands) {
      (void)partner(band, after);
      for (const auto& each : outputs_) output.bands.push_back(output_band(band, each));
    }
    workflow::BlockPlan plan;
    plan.outputs = {std::move(output)};
    // The engine makes a pointwise op's blocks as long as the first input's.
    if (lacks_one) plan.time_need = workflow::TimeNeed::whole_axis;
    plan.scratch_bytes_per_pixel = 3 * sizeof(float);
    return plan;
  }

  void run(const workflow::BlockCall& call) const override {
    const raster::Block &before = *call.inputs[0], &after = *call.inputs[1];
    raster::Block& out = *call.outputs[0];
    // No scene touches the tile in one of them: nothing can be compared, all stays invalid.
    if (before.slices() == 0 || after.slices() == 0) return;
    const CubeSchema &schema = *call.input_schemas[0], &other = *call.input_schemas[1];
    std::vector<float> from(out.pixels()), to(out.pixels()), change(out.pixels());
    for (size_t slice = 0; slice < out.slices(); ++slice) {
      for (size_t band = 0; band < schema.bands.size(); ++band) {
        const size_t second = partner(schema.bands[band], other);
        read_physical(before, schema.bands[band], band, slice, from);
        read_physical(after, other.bands[second], second, slice, to);
        for (size_t i = 0; i < measures_.size(); ++i) {
          const size_t target = band * measures_.size() + i;
          if (measures_[i] == Measure::classes) {
            compare(measure_of_classes_, from, to, change);
            write_classes(change, out, target, slice);
          } else {
            compare(measures_[i], from, to, change);
            write_measured(change, out, target, slice);
          }
        }
      }
    }
  }

 private:
  void check_threshold(bool wanted) {
    if (!wanted && !threshold_.empty())
      throw Error(ErrorCode::invalid, "difference.threshold: is for outputs: class");
    if (!wanted) return;
    if (threshold_.size() == 1 && threshold_of_ != "ratio" && threshold_[0] > 0)
      threshold_.insert(threshold_.begin(), -threshold_[0]);
    if (threshold_.size() != 2 || !(threshold_[0] < threshold_[1]))
      throw Error(ErrorCode::invalid,
                  "difference.threshold: is a number above 0, or two that ascend; of a ratio two")
          .hint(threshold_of_ == "ratio" ? "threshold: [0.8, 1.25]" : "threshold: 0.1");
  }

  static size_t partner(const raster::Band& band, const CubeSchema& after) {
    const int index = after.find_band(band.name);
    if (index >= 0) return static_cast<size_t>(index);
    if (after.bands.size() == 1) return 0;
    throw Error(ErrorCode::invalid,
                fmt::format("difference: the second input has no band '{}'", band.name))
        .hint(spelling_hint(band.name, after.band_names()));
  }

  raster::Band output_band(const raster::Band& band, const std::string& output) const {
    const auto name = outputs_.size() == 1 ? band.name : band.name + "_" + output;
    if (output != "class") return measured_band(name, output == "difference" ? band.unit : "");
    raster::Band out;
    out.name = name;
    out.type = raster::PixelType::uint8;
    out.kind = raster::BandKind::category;
    out.nodata = 0;
    return out;
  }

  static void compare(Measure measure, const std::vector<float>& from, const std::vector<float>& to,
                      std::vector<float>& change) {
    for (size_t p = 0; p < from.size(); ++p) {
      const double before = from[p], after = to[p];
      double result = after - before;
      if (measure == Measure::ratio) result = after / before;
      if (measure == Measure::relative) result = (after - before) / std::abs(before);
      change[p] = std::isfinite(result) ? static_cast<float>(result) : kNothing;
    }
  }

  void write_classes(const std::vector<float>& change, raster::Block& out, size_t band,
                     size_t slice) const {
    const auto to = out.plane<uint8_t>(band, slice);
    const auto valid = out.validity(slice, band);
    const auto low = static_cast<float>(threshold_[0]), high = static_cast<float>(threshold_[1]);
    for (size_t p = 0; p < change.size(); ++p) {
      valid[p] = std::isnan(change[p]) ? 0 : 1;
      to[p] = kNoChange;
      if (change[p] <= low) to[p] = kDecrease;
      if (change[p] >= high) to[p] = kIncrease;
    }
  }

  std::vector<std::string> outputs_{"difference"};
  std::vector<double> threshold_;
  std::string threshold_of_ = "difference";
  // The same, looked up once: pixels do not compare texts.
  std::vector<Measure> measures_;
  Measure measure_of_classes_ = Measure::difference;
};

}  // namespace

std::unique_ptr<workflow::Op> make_difference() {
  return std::make_unique<Difference>();
}

}  // namespace geoloom::ops
