// SPDX-License-Identifier: Apache-2.0
// The median of a series of colour images that never invents a colour: per pixel, the samples are
// ranked by brightness and the colour of the middle one is taken whole.
#include "kernels/median_rgb.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "error/error.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;
using raster::PixelType;

constexpr size_t kMostSlices = 65535;  // the kernel's ranks are 16 bits

const workflow::OpDescription kDescription{
    .name = "median_rgb",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Median of a colour series as one observed colour per pixel",
    .documentation =
        R"(Cloud-free true-colour pictures from 8-bit scenes. A median of each band by itself can mix the red
of one day with the blue of another; this one keeps colours whole.

For each pixel, over its valid samples:

1. the brightness of a sample is `red + green + blue` as whole numbers (unweighted);
2. samples are ranked by brightness, equal ones in the order of the scenes;
3. of *m* samples the one at index *m / 2* (rounded down, counted from 0) is the result: the middle
   one when *m* is odd, the brighter of the two middle ones when *m* is even.

A pixel without valid samples is invalid and is stored as 0, which is the nodata value of the result.
Invalid samples never take part. To leave out black borders and saturated pixels say so when
loading: `reject: {any_band_in: [0, 255]}`. A sample counts only where all three bands are valid.

Input: exactly three bands of uint8, in any order. Output: the same bands, one slice whose period
spans the scenes. At most 65535 scenes.

The rule is that of the luminance-rank median of T. Bonfort's "big data" course; ties, undefined
there, are defined here.)",
    .inputs = {{"series", "three bands of uint8 over time"}},
    .outputs = {{"composite", "the same three bands, one slice"}}};

std::string bands_text(const CubeSchema& schema) {
  std::string text;
  for (const auto& band : schema.bands)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", band.name, raster::name(band.type));
  return text.empty() ? "no bands" : text;
}

void check_input(const CubeSchema& input) {
  const bool bytes = std::all_of(input.bands.begin(), input.bands.end(),
                                 [](const auto& band) { return band.type == PixelType::uint8; });
  if (input.bands.size() != 3 || !bytes)
    throw Error(ErrorCode::invalid,
                fmt::format("median_rgb: needs exactly 3 bands of uint8, got {}: {}",
                            input.bands.size(), bands_text(input)))
        .hint(bytes ? "name three bands when loading, as in bands: [red, green, blue]"
                    : "for other types use `reduce: median`, which takes any number of bands");
  if (input.slices.size() > kMostSlices)
    throw Error(ErrorCode::invalid, fmt::format("median_rgb: takes at most {} slices, got {}",
                                                kMostSlices, input.slices.size()))
        .hint("load a shorter period");
}

// One slice that covers all of these.
raster::Slice spanning(const std::vector<raster::Slice>& slices) {
  raster::Slice span;
  span.timed = false;
  for (const auto& slice : slices) {
    if (!slice.timed) continue;
    span.period.start =
        span.timed ? std::min(span.period.start, slice.period.start) : slice.period.start;
    span.period.end = span.timed ? std::max(span.period.end, slice.period.end) : slice.period.end;
    span.timed = true;
  }
  return span;
}

// Where bands have validity of their own, a sample counts when all bands are valid.
class SampleValidity {
 public:
  explicit SampleValidity(const raster::Block& block) {
    if (block.slices() == 0) return;
    view_ = {block.validity(0).data(), block.plane_stride()};
    if (!block.validity_per_band()) return;
    joint_.resize(block.slices() * block.pixels());
    for (size_t t = 0; t < block.slices(); ++t) {
      uint8_t* out = joint_.data() + t * block.pixels();
      const uint8_t* a = block.validity(t, 0).data();
      const uint8_t* b = block.validity(t, 1).data();
      const uint8_t* c = block.validity(t, 2).data();
      for (size_t i = 0; i < block.pixels(); ++i) out[i] = a[i] & b[i] & c[i];
    }
    view_ = {joint_.data(), block.pixels()};
  }
  kernels::Validity view() const { return view_; }

 private:
  std::vector<uint8_t> joint_;
  kernels::Validity view_{nullptr, 0};
};

class MedianRgb : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters&) override {}

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema& input = *inputs[0];
    check_input(input);
    CubeSchema output;
    output.bands = input.bands;
    for (auto& band : output.bands) band.nodata = 0;
    output.slices = {spanning(input.slices)};
    return {.outputs = {output},
            .time_need = workflow::TimeNeed::whole_axis,
            .scratch_bytes_per_pixel = input.validity_per_band ? input.slices.size() : 0};
  }

  void run(const workflow::BlockCall& call) const override {
    const raster::Block& in = *call.inputs[0];
    raster::Block& out = *call.outputs[0];
    const SampleValidity valid(in);
    const auto samples = [&](size_t band) -> kernels::Samples<uint8_t> {
      if (in.slices() == 0) return {nullptr, 0, 0};
      return {in.plane<uint8_t>(band, 0).data(), in.plane_stride(), in.slices()};
    };
    kernels::median_rgb(samples(0), samples(1), samples(2), valid.view(), in.pixels(),
                        out.plane<uint8_t>(0, 0).data(), out.plane<uint8_t>(1, 0).data(),
                        out.plane<uint8_t>(2, 0).data(), out.validity(0).data());
  }
};

}  // namespace

std::unique_ptr<workflow::Op> make_median_rgb() {
  return std::make_unique<MedianRgb>();
}

}  // namespace geoloom::ops
