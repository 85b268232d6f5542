// SPDX-License-Identifier: Apache-2.0
// What the op contract promises, on ops made for it: a halo sees over blocks and tiles, batches of
// a streaming op add up to the whole axis, and ops may have several inputs and outputs. The scene
// runner demands equal bytes from blocks, batches and strips of all sizes, and equal pixels from
// tiles.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "gdal/dataset.h"
#include "ops/op_table.h"
#include "scene_runner_verdict.h"
#include "workflow/op.h"

namespace geoloom::scene_runner {
namespace {

using raster::Block;
using raster::CubeSchema;
using workflow::BlockCall;
using workflow::BlockPlan;
using workflow::OpDescription;
using workflow::TimeNeed;

// The same bands, all of them float32.
CubeSchema as_float(const CubeSchema& input) {
  CubeSchema output = input;
  for (auto& band : output.bands) {
    band.type = raster::PixelType::float32;
    band.nodata.reset();
  }
  return output;
}

// The mean of the valid pixels around each pixel, itself included.
class FocalMean3 : public workflow::BlockOp {
 public:
  const OpDescription& description() const override {
    static const OpDescription description{.name = "focal_mean3",
                                           .kind = workflow::OpKind::block,
                                           .version = 1,
                                           .summary = "Mean of 3 x 3 pixels",
                                           .documentation = "",
                                           .inputs = {{"pixels", ""}},
                                           .outputs = {{"means", ""}}};
    return description;
  }
  void declare(workflow::Parameters&) override {}
  BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    return {.outputs = {as_float(*inputs[0])}, .time_need = TimeNeed::pointwise, .halo_pixels = 1};
  }
  void run(const BlockCall& call) const override {
    const Block& in = *call.inputs[0];
    Block& out = *call.outputs[0];
    ASSERT_EQ(in.window(), out.window().expanded(1));
    for (size_t slice = 0; slice < out.slices(); ++slice)
      for (size_t band = 0; band < out.bands(); ++band)
        for (int64_t i = 0; i < out.window().pixels(); ++i) mean_at(in, out, band, slice, i);
  }

 private:
  static void mean_at(const Block& in, Block& out, size_t band, size_t slice, int64_t at) {
    const int64_t row = in.window().width;
    const int64_t corner = at / out.window().width * row + at % out.window().width;
    double sum = 0;
    int count = 0;
    for (const int64_t y : {0, 1, 2}) {
      for (const int64_t x : {0, 1, 2}) {
        const auto from = static_cast<size_t>(corner + y * row + x);
        if (in.validity(slice, band)[from] == 0) continue;
        sum += raster::visit(in.type(band), [&]<class T>(T) {
          return static_cast<double>(in.plane<T>(band, slice)[from]);
        });
        ++count;
      }
    }
    const auto to = static_cast<size_t>(at);
    out.validity(slice, band)[to] = count > 0 ? 1 : 0;
    out.plane<float>(band, slice)[to] = count > 0 ? static_cast<float>(sum / count) : 0;
  }
};

// Each slice counts half of the next one: the result tells the order in which slices came.
class Decay : public workflow::BlockOp {
 public:
  const OpDescription& description() const override {
    static const OpDescription description{.name = "decay",
                                           .kind = workflow::OpKind::block,
                                           .version = 1,
                                           .summary = "Sum with halved past",
                                           .documentation = "",
                                           .inputs = {{"series", ""}},
                                           .outputs = {{"sum", ""}}};
    return description;
  }
  void declare(workflow::Parameters&) override {}
  BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    CubeSchema output = as_float(*inputs[0]);
    output.slices.resize(1);
    return {.outputs = {output}, .time_need = TimeNeed::streaming, .state_bytes_per_pixel = 8};
  }
  struct State : workflow::StreamState {
    std::vector<double> sum;
    size_t next = 0;
  };
  std::unique_ptr<workflow::StreamState> init(const BlockCall&,
                                              const geo::Window& window) const override {
    auto state = std::make_unique<State>();
    state->sum.resize(static_cast<size_t>(window.pixels()));
    return state;
  }
  void update(workflow::StreamState& state, const BlockCall& call) const override {
    auto& s = dynamic_cast<State&>(state);
    const Block& in = *call.inputs[0];
    EXPECT_EQ(in.first_slice(), s.next) << "batches come in order";
    s.next += in.slices();
    for (size_t slice = 0; slice < in.slices(); ++slice)
      for (size_t i = 0; i < in.pixels(); ++i)
        s.sum[i] = s.sum[i] / 2 + (in.validity(slice)[i] ? in.plane<uint8_t>(0, slice)[i] : 0);
  }
  void finish(workflow::StreamState& state, const BlockCall& call) const override {
    const auto& s = dynamic_cast<State&>(state);
    EXPECT_EQ(s.next, call.input_schemas[0]->slices.size()) << "no slice is missing";
    Block& out = *call.outputs[0];
    for (size_t i = 0; i < out.pixels(); ++i) {
      out.plane<float>(0, 0)[i] = static_cast<float>(s.sum[i]);
      out.validity(0)[i] = 1;
    }
  }
};

// Two inputs, two outputs.
class SumAndDifference : public workflow::BlockOp {
 public:
  const OpDescription& description() const override {
    static const OpDescription description{.name = "sum_and_difference",
                                           .kind = workflow::OpKind::block,
                                           .version = 1,
                                           .summary = "a + b and a - b",
                                           .documentation = "",
                                           .inputs = {{"a", ""}, {"b", ""}},
                                           .outputs = {{"sum", ""}, {"difference", ""}}};
    return description;
  }
  void declare(workflow::Parameters&) override {}
  BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    return {.outputs = {as_float(*inputs[0]), as_float(*inputs[1])}};
  }
  void run(const BlockCall& call) const override {
    for (size_t i = 0; i < call.inputs[0]->pixels(); ++i) {
      const auto a = static_cast<float>(call.inputs[0]->plane<uint8_t>(0, 0)[i]);
      const auto b = static_cast<float>(call.inputs[1]->plane<uint8_t>(0, 0)[i]);
      const bool valid = call.inputs[0]->validity(0)[i] && call.inputs[1]->validity(0)[i];
      for (Block* out : call.outputs) out->validity(0)[i] = valid ? 1 : 0;
      call.outputs[0]->plane<float>(0, 0)[i] = a + b;
      call.outputs[1]->plane<float>(0, 0)[i] = a - b;
    }
  }
};

// Fails with what the runner prints.
void expect_holds(const std::string& text) {
  gdal::initialise();
  workflow::Registry registry;
  ops::add_all(registry);
  registry.add([] { return std::make_unique<FocalMean3>(); });
  registry.add([] { return std::make_unique<Decay>(); });
  registry.add([] { return std::make_unique<SumAndDifference>(); });
  for (const auto& scene_case : parse_scene_file(text, "contract_ops_test.cpp"))
    for (const auto& failure : judge(scene_case, registry).failures) ADD_FAILURE() << failure;
}

TEST(ContractOps, HaloSeesOverBlocksAndTiles) {
  expect_holds(R"(
bands: [height]
scenes:
  2023-01-01: |
    9 0 0 0 0 9
    0 0 0 0 0 0
    0 0 0 9 0 0
    0 0 0 0 . .
    6 0 0 0 . .
do:
  - load: {scenes: $scenes}
  - focal_mean3: {}
  - save: {layer: mean}
expect:
  mean: |
    2.25 1.5 0 0 1.5 2.25
    1.5 1 1 1 2 1.5
    0 0 1 1.125 1.2857143 0
    1 0.6666667 1 1.2857143 1.8 0
    1.5 1 0 0 0 .
)");
}

// The first op is also asked for pixels beside the area. So the result does not depend on where the
// area ends: it is that of a larger one, cut out.
TEST(ContractOps, HalosOfAChainAddUp) {
  expect_holds(R"(
bands: [height]
scenes:
  2023-01-01: |
    00000
    00000
    00900
    00000
    00000
  2023-01-02: |
    00000
    0....
    0....
    0....
    00000
do:
  - load: {scenes: $scenes}
  - reduce: max
  - focal_mean3: {}
  - focal_mean3: {as: smooth}
  - save: {layer: smooth, type: float32}
expect:
  smooth: |
    0.11111111 0.22222222 0.33333334 0.22222222 0.11111111
    0.22222222 0.44444445 0.6666667  0.44444445 0.22222222
    0.33333334 0.6666667  1          0.6666667  0.33333334
    0.22222222 0.44444445 0.6666667  0.44444445 0.22222222
    0.11111111 0.22222222 0.33333334 0.22222222 0.11111111
)");
}

TEST(ContractOps, HaloBeforeAStreamingReducer) {
  expect_holds(R"(
bands: [height]
scenes:
  2023-01-01: |
    900
    000
  2023-01-02: |
    009
    000
  2023-01-03: |
    000
    090
do:
  - load: {scenes: $scenes}
  - focal_mean3: {}
  - reduce: last
  - save: {layer: last}
expect:
  last: |
    2.25 1.5 2.25
    2.25 1.5 2.25
)");
}

TEST(ContractOps, BatchesAddUpToTheWholeAxis) {
  const std::string series = R"(
bands: [rain]
scenes:
  2023-01-01: [[16, 8, 1]]
  2023-01-02: [[8, ., 1]]
  2023-01-03: [[4, 8, 1]]
  2023-01-04: [[2, ., 1]]
  2023-01-05: [[1, 8, 1]]
do:
  - load: {scenes: $scenes, as: series}
  - decay: {}
  - save: {layer: sum}
)";
  const std::string expected = R"(
expect:
  sum: [[5, 10.5, 1.9375]]
)";
  expect_holds(series + expected);
  // A median needs the whole axis, and takes the chain out of streaming: decay gets all at once.
  expect_holds(series + R"(
  - reduce: {stat: median, from: series}
  - save: {layer: median}
)" + expected + "  median: [[4, 8, 1]]\n");
}

TEST(ContractOps, SeveralInputsAndOutputs) {
  expect_holds(R"(
bands: [red, nir]
legend: {a: [1, 5], b: [2, 2]}
scenes:
  2023-01-01: |
    ab.
do:
  - load: {scenes: $scenes, bands: red, as: red}
  - load: {scenes: $scenes, bands: nir, as: nir}
  - sum_and_difference: {from: [nir, red], as: x}
  - save: {layer: first}
  - save: {layer: sum, from: x.sum}
  - save: {layer: difference, from: x.difference}
expect:
  first: |
    6 4 .
  sum: |
    6 4 .
  difference: |
    4 0 .
)");
}

TEST(ContractOps, WrongNumberOfInputsIsRefused) {
  expect_holds(R"(
bands: [red]
scenes:
  2023-01-01: "1"
do:
  - load: {scenes: $scenes, as: red}
  - sum_and_difference: {from: red}
  - save: {layer: sum}
expect_error: ["takes 2 input(s), given 1"]
)");
}

TEST(ContractOps, UnknownOutputIsRefused) {
  expect_holds(R"(
bands: [red]
scenes:
  2023-01-01: "1"
do:
  - load: {scenes: $scenes, as: red}
  - sum_and_difference: {from: [red, red], as: x}
  - save: {layer: sum, from: x.difference}
  - save: {layer: other, from: x.diffrence}
expect_error: ["'from: x.diffrence'", "x.difference"]
)");
}

}  // namespace
}  // namespace geoloom::scene_runner
