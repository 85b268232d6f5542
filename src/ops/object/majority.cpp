// SPDX-License-Identifier: Apache-2.0
// The most frequent class around each pixel.
#include "kernels/majority.h"

#include <fmt/format.h>

#include <memory>

#include "error/error.h"
#include "kernels/focal.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "majority",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "The most frequent class around each pixel",
    .documentation =
        R"(Takes specks and frayed edges out of a map of classes: each pixel gets the class that is most frequent
in the square of `2 * radius + 1` pixels around it, or in the disk of pixels whose centres are at most `radius` pixels away.
Every band and every slice by itself.

**Ties.** Of classes equally frequent a pixel's own wins if it is among them, else the lowest.

**Invalid pixels** do not count, and neither does what lies outside of the area. They stay invalid, but with `invalid: fill` they get the most
frequent class around them.

Types, names and colours stay. The result does not depend on tiles: neighbours are read beyond their edges. `sieve` is the
other way to clean a map: it takes out areas by their size and leaves all other edges as they are.)",
    .inputs = {{"classes", "bands of whole numbers"}},
    .outputs = {{"classes", "the same bands"}}};

constexpr int64_t kLargestRadius = 100;

class Majority : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("radius", &radius_, "How far the neighbourhood reaches")
        .main()
        .range(1, kLargestRadius)
        .unit("px");
    parameters.add("shape", &shape_, "Of the neighbourhood").choices({"square", "disk"});
    parameters.add("invalid", &invalid_, "What becomes of invalid pixels")
        .choices({"keep", "fill"});
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    for (const auto& band : inputs[0]->bands)
      if (band.type == raster::PixelType::float32)
        throw Error(
            ErrorCode::invalid,
            fmt::format("majority: band '{}' is float32: classes are whole numbers", band.name))
            .hint("make classes of it with `reclass`, or take the median with `focal`");
    CubeSchema output = *inputs[0];
    output.validity_per_band = output.validity_per_band || output.bands.size() > 1;
    return {.outputs = {std::move(output)},
            .time_need = workflow::TimeNeed::pointwise,
            .halo_pixels = static_cast<int>(radius_),
            .scratch_bytes_per_pixel = 4};
  }

  void run(const workflow::BlockCall& call) const override {
    const raster::Block& in = *call.inputs[0];
    raster::Block& out = *call.outputs[0];
    const auto disk = shape_ == "disk" ? kernels::disk(static_cast<double>(radius_), 1, 1)
                                       : kernels::square(static_cast<int32_t>(radius_));
    const auto width = static_cast<size_t>(out.window().width);
    const auto height = static_cast<size_t>(out.window().height);
    for (size_t slice = 0; slice < in.slices(); ++slice) {
      for (size_t band = 0; band < in.bands(); ++band) {
        raster::visit(in.type(band), [&]<class T>(T) {
          if constexpr (std::is_integral_v<T>)
            kernels::majority(in.plane<T>(band, slice).data(),
                              in.validity(slice, in.validity_per_band() ? band : 0).data(), width,
                              height, disk, invalid_ == "fill", out.plane<T>(band, slice).data(),
                              out.validity(slice, out.validity_per_band() ? band : 0).data());
        });
      }
    }
  }

 private:
  int64_t radius_ = 1;
  std::string shape_ = "square", invalid_ = "keep";
};

}  // namespace

std::unique_ptr<workflow::Op> make_majority() {
  return std::make_unique<Majority>();
}

}  // namespace geoloom::ops
