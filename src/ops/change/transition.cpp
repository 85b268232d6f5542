// SPDX-License-Identifier: Apache-2.0
// Which class became which.
#include <fmt/format.h>

#include <memory>

#include "error/error.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

constexpr int64_t kMostCode = 65535;
constexpr size_t kMostNames = 4096;  // of changes; more than that nobody reads

const workflow::OpDescription kDescription{
    .name = "transition",
    .kind = workflow::OpKind::block,
    .version = 2,
    .summary = "Which class became which: class before * 100 + class after",
    .documentation =
        R"(Compares two maps of classes. A pixel of class 3 before and 12 after becomes 312: the class before times `factor`, plus
the class after. With `unchanged: invalid` pixels that kept their class are left out.

Classes are whole numbers from 0 on, uint8 or uint16, without scale. A class after that is not below `factor`, or a code above 65535, is
an error that names the class: choose a larger `factor` (256 holds all of uint8). Inputs have one band each and the same number of slices, which
are compared in their order; the result, uint16, takes the times of the second.

Where both maps carry names of their classes, so does the result: `crop to built-up`.

Pixels that are invalid in either input are invalid; where one input has no slice, because no scene touches the tile, that is all of them. The code 0 of class 0 becoming 0 is valid; when that class occurs, say on saving what stands
for invalid pixels: `save: {nodata: 65535}`.)",
    .inputs = {{"before", "a band of classes"}, {"after", "a band of classes at another time"}},
    .outputs = {{"transition", "one band `transition`, uint16"}}};

void require_classes(const CubeSchema& schema, const char* which) {
  if (schema.bands.size() != 1)
    throw Error(ErrorCode::invalid, fmt::format("transition: the {} input has {} bands, not one",
                                                which, schema.bands.size()))
        .hint("choose one when loading: load: {bands: [class]}");
  const auto& band = schema.bands[0];
  const bool whole =
      band.type == raster::PixelType::uint8 || band.type == raster::PixelType::uint16;
  if (!whole || band.scale != 1 || band.offset != 0)
    throw Error(ErrorCode::invalid,
                fmt::format("transition: band '{}' holds measures, not classes", band.name))
        .hint("reclass makes classes of them");
}

class Transition : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("factor", &factor_, "What the class before is multiplied by").range(2, 65535);
    parameters.add("unchanged", &unchanged_, "Pixels that kept their class")
        .choices({"keep", "invalid"});
  }

  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    const CubeSchema &before = *inputs[0], &after = *inputs[1];
    require_classes(before, "first");
    require_classes(after, "second");
    const bool lacks_one = before.slices.empty() != after.slices.empty();
    if (!lacks_one && before.slices.size() != after.slices.size())
      throw Error(ErrorCode::invalid,
                  fmt::format("transition: the first input has {} slices and the second {}",
                              before.slices.size(), after.slices.size()))
          .hint("reduce: {stat: last} gives one");
    CubeSchema output;
    output.slices = after.slices.empty() ? before.slices : after.slices;
    raster::Band band;
    band.name = "transition";
    band.kind = raster::BandKind::category;
    name_changes(before.bands[0].class_names, after.bands[0].class_names, band);
    output.bands = {band};
    workflow::BlockPlan plan;
    plan.outputs = {std::move(output)};
    // The engine makes a pointwise op's blocks as long as the first input's.
    if (lacks_one) plan.time_need = workflow::TimeNeed::whole_axis;
    return plan;
  }

  void run(const workflow::BlockCall& call) const override {
    const raster::Block &before = *call.inputs[0], &after = *call.inputs[1];
    raster::Block& out = *call.outputs[0];
    // No scene touches the tile in one of them: nothing can be compared, all stays invalid.
    if (before.slices() == 0 || after.slices() == 0) return;
    for (size_t slice = 0; slice < out.slices(); ++slice) {
      raster::visit(before.type(0), [&]<class From>(From) {
        raster::visit(after.type(0), [&]<class To>(To) {
          if constexpr (std::is_unsigned_v<From> && std::is_unsigned_v<To>)
            code<From, To>(before, after, slice, out);
        });
      });
    }
  }

 private:
  // "crop to built-up", where both maps say what their classes are called.
  void name_changes(const std::map<int64_t, std::string>& before,
                    const std::map<int64_t, std::string>& after, raster::Band& band) const {
    if (before.size() * after.size() > kMostNames) return;
    for (const auto& [a, was] : before)
      for (const auto& [b, is] : after) {
        if (a < 0 || b < 0 || b >= factor_ || a * factor_ + b > kMostCode) continue;
        if (unchanged_ == "keep" || a != b)
          band.class_names[a * factor_ + b] = a == b && was == is ? was : was + " to " + is;
      }
  }

  template <class From, class To>
  void code(const raster::Block& before, const raster::Block& after, size_t slice,
            raster::Block& out) const {
    const auto from = before.plane<From>(0, slice);
    const auto to = after.plane<To>(0, slice);
    const auto first = before.validity(slice), second = after.validity(slice);
    const auto codes = out.plane<uint16_t>(0, slice);
    const auto valid = out.validity(slice);
    const bool keep = unchanged_ == "keep";
    for (size_t p = 0; p < codes.size(); ++p) {
      valid[p] = 0;
      if (first[p] == 0 || second[p] == 0 || (!keep && from[p] == to[p])) continue;
      const int64_t a = from[p], b = to[p];
      if (b >= factor_ || a * factor_ + b > kMostCode) throw too_large(a, b);
      codes[p] = static_cast<uint16_t>(a * factor_ + b);
      valid[p] = 1;
    }
  }

  Error too_large(int64_t a, int64_t b) const {
    return Error(ErrorCode::invalid,
                 fmt::format("transition.factor: class {} that became {} has no code of its own up "
                             "to {} with {}",
                             a, b, kMostCode, factor_))
        .hint("choose another factor, 256 for classes of uint8, or reclass to smaller numbers");
  }

  int64_t factor_ = 100;
  std::string unchanged_ = "keep";
};

}  // namespace

std::unique_ptr<workflow::Op> make_transition() {
  return std::make_unique<Transition>();
}

}  // namespace geoloom::ops
