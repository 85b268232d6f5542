// SPDX-License-Identifier: Apache-2.0
// Pixels that a map says nothing of, by rules of the document, each with its reason.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

#include "error/error.h"
#include "error/spelling.h"
#include "kernels/expression.h"
#include "ops/feature/band_expressions.h"
#include "ops/physical.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;
using Inputs = std::span<const CubeSchema* const>;

const workflow::OpDescription kDescription{
    .name = "exclude",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Pixels that are taken out of a map by rules, with the reason",
    .documentation =
        R"doc(Makes pixels of a map invalid where a rule holds, and says in a band of its own which rule that was:

```yaml
- exclude:
    from: [map, terrain, water, parks]
    rules:
      - {when: slope > 50, reason: steep}
      - {when: water > 0.2, reason: water}
      - {when: parks == 1, reason: protected}
      - {when: crop == 1 and probability < 0.6, reason: uncertain}
```

`from` lists the map first and then whatever rules look at: terrain, an elevation model, a layer burnt from shapes
(`rasterize`), the map's own probabilities. A condition is a formula as in `expr`, over the bands of all of them by
name; a name that two cubes share is an error. Values are physical.

**Order.** Rules are looked at from the first; the first that holds is the reason.

**Invalid samples** of what a rule looks at decide nothing: where a condition cannot be told the rule does not hold, as
unmapped water takes no pixel out. With `missing: exclude` such a pixel is taken out by that rule.

**Results.** The bands of the map with their types, names and colours, invalid where a rule holds, and `reason`: 0 where no
rule holds, else the number of the rule, from 1. Its classes are called what the rules' `reason` says (the condition, where it says nothing), and 0 is `kept`,
so that programs that look at the file show words. It is invalid where the map is invalid by itself. With `reason: none` there is no such band.

**A choice to know of.** The Digital Earth Africa cropland maps take out slopes above 50 in production, while their
documents and diagrams say 35; the production value makes the published maps. Their other rules are
water for more than 20 % of a year, elevations above 3600 m and protected areas.)doc",
    .inputs = {{"cubes", "the map, then what rules look at", true}},
    .outputs = {{"map", "the map's bands and `reason`"}}};

constexpr size_t kMostRules = 254;
constexpr size_t kPixelsAtOnce = 2048;

struct Rule {
  std::string when, reason;
  void declare(workflow::Parameters& parameters) {
    parameters.add("when", &when, "Condition over the bands of all cubes")
        .required()
        .meaning(workflow::Meaning::expression);
    parameters.add("reason", &reason, "What to call it, for people");
  }
};

// A band of one of the cubes.
struct Operand {
  size_t cube = 0, band = 0;
};

class Exclude : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("rules", &rules_, "Which pixels are taken out").main().required();
    parameters.add("missing", &missing_, "What a rule does where its condition cannot be told")
        .choices({"keep", "exclude"});
    parameters.add("reason", &reason_, "Whether the result has a band of reasons")
        .choices({"band", "none"});
  }
  void check() override;
  workflow::BlockPlan plan(Inputs inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  std::vector<Operand> operands(const kernels::Expression& condition, Inputs inputs,
                                size_t rule) const;
  void find_reasons(const workflow::BlockCall& call, size_t slice, size_t first, size_t count,
                    std::span<uint8_t> reasons) const;
  void copy_map(const Block& in, Block& out, size_t slice, std::span<const uint8_t> reasons) const;

  std::vector<Rule> rules_;
  std::string missing_ = "keep", reason_ = "band";
  std::vector<kernels::Expression> conditions_;
};

void Exclude::check() {
  if (rules_.empty()) throw Error(ErrorCode::invalid, "exclude.rules: there is no rule");
  if (rules_.size() > kMostRules)
    throw Error(ErrorCode::invalid, fmt::format("exclude.rules: more than {} rules", kMostRules));
  for (size_t i = 0; i < rules_.size(); ++i) {
    const auto where = fmt::format("exclude.rules[{}].when", i);
    conditions_.push_back(parsed_expression(rules_[i].when, where));
    if (!conditions_.back().is_condition())
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: '{}' is a number, no condition", where, rules_[i].when))
          .hint("compare it with something, as in  slope > 50");
  }
}

std::vector<Operand> Exclude::operands(const kernels::Expression& condition, Inputs inputs,
                                       size_t rule) const {
  std::vector<Operand> found;
  for (const auto& name : condition.names()) {
    std::vector<Operand> of_name;
    for (size_t cube = 0; cube < inputs.size(); ++cube)
      if (const int band = inputs[cube]->find_band(name); band >= 0)
        of_name.push_back({cube, static_cast<size_t>(band)});
    // A map of classes keeps the name of the band it was made from, which rules may mean.
    if (of_name.size() > 1)
      throw Error(
          ErrorCode::invalid,
          fmt::format("exclude.rules[{}].when: the cubes {} and {} of `from` both have a band '{}'",
                      rule, of_name[0].cube + 1, of_name[1].cube + 1, name))
          .hint("give one of them another name, as in  expr: {formula: " + name +
                ", name: other_name}  or  join: {names: [...]}");
    if (!of_name.empty()) {
      found.push_back(of_name.front());
      continue;
    }
    std::vector<std::string> known;
    for (const auto* input : inputs)
      for (const auto& band : input->bands) known.push_back(band.name);
    throw Error(ErrorCode::invalid,
                fmt::format("exclude.rules[{}].when: there is no band '{}'", rule, name))
        .hint(spelling_hint(name, known));
  }
  return found;
}

workflow::BlockPlan Exclude::plan(Inputs inputs) const {
  const CubeSchema& map = *inputs[0];
  bool single_slices = false;
  for (size_t cube = 1; cube < inputs.size(); ++cube) {
    const size_t slices = inputs[cube]->slices.size();
    if (slices > 1 && slices != map.slices.size())
      throw Error(ErrorCode::invalid, fmt::format("exclude: cube {} has {} slices, the map {}",
                                                  cube + 1, slices, map.slices.size()))
          .hint("reduce it to a single slice, or to the slices of the map");
    single_slices = single_slices || slices != map.slices.size();
  }
  size_t most_operands = 0;
  for (size_t i = 0; i < conditions_.size(); ++i)
    most_operands = std::max(most_operands, operands(conditions_[i], inputs, i).size());
  CubeSchema output = map;
  if (reason_ == "band") {
    if (output.find_band("reason") >= 0)
      throw Error(ErrorCode::invalid, "exclude: the map has a band 'reason' already")
          .hint("rename it, or say reason: none");
    raster::Band band;
    band.name = "reason";
    band.type = raster::PixelType::uint8;
    band.kind = raster::BandKind::category;
    band.nodata = 255;
    band.class_names[0] = "kept";
    for (size_t i = 0; i < rules_.size(); ++i)
      band.class_names[static_cast<int64_t>(i) + 1] =
          rules_[i].reason.empty() ? rules_[i].when : rules_[i].reason;
    output.bands.push_back(std::move(band));
    output.validity_per_band = true;
  }
  return {
      .outputs = {std::move(output)},
      .time_need = single_slices ? workflow::TimeNeed::whole_axis : workflow::TimeNeed::pointwise,
      .scratch_bytes_per_pixel = 1};
}

// Reasons of pixels [first, first + count): 0, or the number of the first rule that holds.
void Exclude::find_reasons(const workflow::BlockCall& call, size_t slice, size_t first,
                           size_t count, std::span<uint8_t> reasons) const {
  std::vector<uint8_t> told(count);
  std::vector<float> held(count);
  for (size_t rule = 0; rule < conditions_.size(); ++rule) {
    const auto of = operands(conditions_[rule], call.input_schemas, rule);
    std::vector<std::vector<float>> memory(of.size(), std::vector<float>(count));
    std::vector<const float*> values;
    std::vector<const uint8_t*> flags;
    const std::vector<uint8_t> nothing(count);
    for (size_t i = 0; i < of.size(); ++i) {
      const Block& block = *call.inputs[of[i].cube];
      const auto& band = call.input_schemas[of[i].cube]->bands[of[i].band];
      values.push_back(memory[i].data());
      if (block.slices() == 0) {
        flags.push_back(nothing.data());
        continue;
      }
      const size_t from = block.slices() == 1 ? 0 : slice;
      raster::visit(block.type(of[i].band), [&]<class T>(T) {
        const auto plane = block.plane<T>(of[i].band, from).subspan(first, count);
        const auto scale = static_cast<float>(band.scale), offset = static_cast<float>(band.offset);
        for (size_t p = 0; p < count; ++p)
          memory[i][p] = static_cast<float>(plane[p]) * scale + offset;
      });
      flags.push_back(block.validity(from, of[i].band).data() + first);
    }
    conditions_[rule].evaluate<float>(values, flags, count, held.data(), told.data());
    const bool exclude_untold = missing_ == "exclude";
    for (size_t p = 0; p < count; ++p)
      if (reasons[first + p] == 0 && (told[p] != 0 ? held[p] != 0 : exclude_untold))
        reasons[first + p] = static_cast<uint8_t>(rule + 1);
  }
}

void Exclude::copy_map(const Block& in, Block& out, size_t slice,
                       std::span<const uint8_t> reasons) const {
  for (size_t band = 0; band < in.bands(); ++band) {
    std::memcpy(out.raw_plane(band, slice), in.raw_plane(band, slice),
                in.pixels() * raster::byte_size(in.type(band)));
    const auto from = in.validity(slice, band);
    const auto to = out.validity(slice, band);
    for (size_t p = 0; p < in.pixels(); ++p) to[p] = from[p] != 0 && reasons[p] == 0 ? 1 : 0;
  }
  if (reason_ != "band") return;
  const auto plane = out.plane<uint8_t>(in.bands(), slice);
  const auto valid = out.validity(slice, in.bands());
  std::copy(reasons.begin(), reasons.end(), plane.begin());
  // A map is there where any of its bands is.
  for (size_t band = 0; band < in.bands(); ++band) {
    const auto from = in.validity(slice, band);
    for (size_t p = 0; p < in.pixels(); ++p)
      if (from[p] != 0) valid[p] = 1;
  }
}

void Exclude::run(const workflow::BlockCall& call) const {
  const Block& in = *call.inputs[0];
  std::vector<uint8_t> reasons(in.pixels());
  for (size_t slice = 0; slice < in.slices(); ++slice) {
    std::fill(reasons.begin(), reasons.end(), uint8_t{0});
    for (size_t first = 0; first < in.pixels(); first += kPixelsAtOnce)
      find_reasons(call, slice, first, std::min(kPixelsAtOnce, in.pixels() - first), reasons);
    copy_map(in, *call.outputs[0], slice, reasons);
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_exclude() {
  return std::make_unique<Exclude>();
}

}  // namespace geoloom::ops
