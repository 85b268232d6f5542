// SPDX-License-Identifier: Apache-2.0
// Takes the borders off classes, so that samples are not of mixed pixels.
#include <fmt/format.h>

#include <algorithm>

#include "error/error.h"
#include "kernels/class_erosion.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

const workflow::OpDescription kDescription{
    .name = "erode_classes",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Take the borders off classes: pixels near another class become invalid",
    .documentation =
        R"(A pixel of a class stays valid where all pixels around it are of that class too; others become invalid. It stands
before `sample`, so that samples are not of mixed pixels.

`radius` is that of a disk, in pixels from centre to centre. `ellipse` takes OpenCV's elliptical element of that size instead, which
is what eo-learn's and eo-grow's erosion uses although it calls the size a radius: `ellipse: 3` is a cross of five pixels, of even sizes
it reaches farther up and left, and 1 does nothing.

`classes` erodes these only; others keep their borders. Pixels that are not valid are of no class and take borders off, also at the edge of what scenes cover.)",
    .inputs = {{"classes", "one band of classes"}},
    .outputs = {{"inner", "the same band"}}};

class ErodeClasses : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("radius", &radius_, "Radius of a disk").main().unit("px").range(0, 100);
    parameters.add("ellipse", &ellipse_, "Size of OpenCV's ellipse instead")
        .unit("px")
        .range(1, 100);
    parameters.add("classes", &classes_, "Only these. Default: all");
  }

  void check() override {
    if (radius_.has_value() == ellipse_.has_value())
      throw Error(ErrorCode::invalid, "erode_classes: give a radius or the size of an ellipse");
    element_ = radius_ ? kernels::disk_element(*radius_)
                       : kernels::ellipse_element(static_cast<int32_t>(*ellipse_));
  }

  workflow::BlockPlan plan(std::span<const raster::CubeSchema* const> inputs) const override {
    const auto& input = *inputs[0];
    if (input.bands.size() != 1 || input.bands[0].type == raster::PixelType::float32)
      throw Error(ErrorCode::invalid, "erode_classes: takes one band of whole numbers")
          .hint("erode the labels before they are joined with the features");
    return {.outputs = {input},
            .time_need = workflow::TimeNeed::pointwise,
            .halo_pixels = kernels::reach(element_),
            .scratch_bytes_per_pixel = 2 * sizeof(int32_t) + 2};
  }

  void run(const workflow::BlockCall& call) const override {
    const raster::Block& in = *call.inputs[0];
    raster::Block& out = *call.outputs[0];
    std::vector<int32_t> classes(in.pixels());
    std::vector<uint8_t> keep(in.pixels());
    const auto across = in.window().width;
    const auto left = out.window().x - in.window().x, top = out.window().y - in.window().y;
    for (size_t slice = 0; slice < in.slices(); ++slice)
      raster::visit(in.type(0), [&]<class T>(T) {
        const auto from = in.plane<T>(0, slice);
        std::transform(from.begin(), from.end(), classes.begin(),
                       [](T value) { return static_cast<int32_t>(value); });
        kernels::keep_inner_pixels(classes, in.validity(slice), static_cast<size_t>(across),
                                   static_cast<size_t>(in.window().height), element_, keep);
        const auto to = out.plane<T>(0, slice);
        const auto valid = out.validity(slice);
        for (int64_t y = 0; y < out.window().height; ++y)
          for (int64_t x = 0; x < out.window().width; ++x) {
            const auto i = static_cast<size_t>((y + top) * across + x + left);
            const auto o = static_cast<size_t>(y * out.window().width + x);
            to[o] = from[i];
            const bool eroded = keep[i] == 0 && chosen(classes[i]);
            valid[o] = in.validity(slice)[i] != 0 && !eroded ? 1 : 0;
          }
      });
  }

 private:
  bool chosen(int32_t code) const {
    return classes_.empty() || std::find(classes_.begin(), classes_.end(), code) != classes_.end();
  }

  std::optional<double> radius_;
  std::optional<int64_t> ellipse_;
  std::vector<int64_t> classes_;
  kernels::Element element_;
};

}  // namespace

std::unique_ptr<workflow::Op> make_erode_classes() {
  return std::make_unique<ErodeClasses>();
}

}  // namespace geoloom::ops
