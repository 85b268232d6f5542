// SPDX-License-Identifier: Apache-2.0
// Composites of observed spectra: for each pixel all bands of one date, chosen by a rule, and which
// date that was.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>

#include "error/error.h"
#include "error/spelling.h"
#include "geo/time.h"
#include "kernels/expression.h"
#include "kernels/medoid.h"
#include "kernels/validity.h"
#include "ops/composite/stored_bands.h"
#include "ops/date_band.h"
#include "ops/feature/band_expressions.h"
#include "ops/physical.h"
#include "ops/time_cells.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;
using raster::PixelType;

const workflow::OpDescription kDescription{
    .name = "pick",
    .kind = workflow::OpKind::block,
    .version = 2,
    .summary = "One date's bands for each pixel: first, last, nearest, medoid, highest, lowest",
    .documentation =
        R"text(Chooses one observation for each pixel, for the whole series or for each period, and gives all of its bands as they
are stored, and its date. So spectra are observed ones, and bands belong together. An observation counts where **all** bands are valid.

| rule | chooses |
|---|---|
| `first`, `last` | the earliest, the latest observation |
| `{nearest: 2023-07-01}` | the one whose date is nearest; of two the earlier. `{nearest: middle}`: to the middle of each period |
| `medoid` | the one whose summed distance to the others, over all bands in physical values, is least |
| `{highest: "(nir - red) / (nir + red)"}` | the one for which an expression over the bands is highest: the greenest, here |
| `{lowest: swir16}` | the one for which it is lowest |

**Ties** go to the earlier observation. Expressions are of physical values (stored * scale + offset), in float32; an observation for which one is not finite does not count.
`medoid` compares each observation with each other: 200 dates take it eleven times as long as 60. It needs measured bands.

**The date** is added as band `date`: whole days since 1970-01-01, in UTC, as uint16 (0: invalid). `date: false` leaves it out. With
it, overviews of a file take one of the pixels they stand for, spectrum and date, instead of means: a mean of dates is none.

**Invalid** is a pixel with fewer than `min_count` observations.

**The least cloudy scene** is no rule here, because what a scene's clouds cover elsewhere is not known where one block of it is worked on. Either give
the scenes as a list ordered by their cloud cover and load them with `order: given`, then `first` is the least cloudy one that is
valid; or bound the cover with `where: {eo:cloud_cover: "< 20"}` of the source, and mask clouds by pixel.)text",
    .inputs = {{"series", "any bands over time"}},
    .outputs = {{"composite", "the same bands, and date"}}};

enum class Rule { first, last, nearest, medoid, highest, lowest };

// What has been chosen so far, per pixel, for one slice of the output.
struct Choice {
  std::vector<uint16_t> count;                 // observations
  std::vector<uint16_t> slice;                 // the chosen one, by its index in the series
  std::vector<float> score;                    // of expressions
  std::vector<std::vector<std::byte>> values;  // by band
};

struct PickState : workflow::StreamState {
  std::vector<Choice> choices;  // by output slice
  // Of the slice being looked at.
  std::vector<uint8_t> valid, taken;
  std::vector<float> score;
  std::vector<std::vector<float>> operands;
};

class Pick : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters& parameters) override;
  void check() override;
  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override;
  void run(const workflow::BlockCall& call) const override;
  std::unique_ptr<workflow::StreamState> init(const workflow::BlockCall& call,
                                              const geo::Window& window) const override;
  void update(workflow::StreamState& state, const workflow::BlockCall& call) const override;
  void finish(workflow::StreamState& state, const workflow::BlockCall& call) const override;

 private:
  bool scored() const { return rule_ == Rule::highest || rule_ == Rule::lowest; }
  void parse_expression(const std::string& key, const std::string& text);
  std::vector<size_t> operands(const CubeSchema& input) const;
  geo::TimeMs distance_to_nearest(const TimeCell& cell, const raster::Slice& slice) const;
  void find_score(PickState& state, const CubeSchema& schema, const Block& in, size_t slice) const;
  void consider(PickState& state, Choice& choice, const TimeCell& cell, const CubeSchema& schema,
                const Block& in, size_t slice) const;
  void find_taken(PickState& state, const Choice& choice, const TimeCell& cell,
                  const CubeSchema& schema, size_t index) const;
  void write_dates(const CubeSchema& schema, std::span<const uint16_t> slice, Block& out,
                   size_t out_slice) const;
  void pick_medoids(const workflow::BlockCall& call, const TimeCell& cell, size_t slice) const;

  std::string simple_;
  std::string nearest_, highest_, lowest_;
  bool date_ = true;
  int64_t min_count_ = 1;
  TimeCells periods_;

  Rule rule_ = Rule::first;
  std::optional<geo::TimeMs> target_;
  std::optional<kernels::Expression> expression_;
};

void Pick::declare(workflow::Parameters& parameters) {
  parameters.add("rule", &simple_, "Which observation: the earliest, the latest, the middle one")
      .choices({"first", "last", "medoid"})
      .main();
  parameters.add("nearest", &nearest_,
                 "Instead of `rule`: the observation nearest to this day, or to the `middle`");
  parameters.add("highest", &highest_, "Instead: the one with the highest value of an expression");
  parameters.add("lowest", &lowest_, "Instead: the one with the lowest value of an expression");
  parameters.add("date", &date_, "Add band `date`: days since 1970-01-01");
  parameters.add("min_count", &min_count_, "Fewest observations of a valid pixel")
      .range(1, kernels::kMaxSlices);
  periods_.declare(parameters);
}

void Pick::parse_expression(const std::string& key, const std::string& text) {
  expression_ = parsed_expression(text, fmt::format("pick.{}", key));
  if (expression_->is_condition())
    throw Error(ErrorCode::invalid,
                fmt::format("pick.{}: '{}' is a condition, not a number", key, text))
        .hint("such as (nir - red) / (nir + red); take pixels out by conditions with load: {mask}");
}

void Pick::check() {
  periods_.check("pick");
  const int rules = !simple_.empty() + !nearest_.empty() + !highest_.empty() + !lowest_.empty();
  if (rules != 1)
    throw Error(ErrorCode::invalid, rules == 0 ? "pick: needs a rule" : "pick: takes one rule only")
        .hint(
            "first, last, medoid, {nearest: 2023-07-01}, {highest: EXPRESSION} or "
            "{lowest: EXPRESSION}");
  if (simple_ == "last") rule_ = Rule::last;
  if (simple_ == "medoid") rule_ = Rule::medoid;
  if (!nearest_.empty()) {
    rule_ = Rule::nearest;
    target_ = geo::parse_time(nearest_);
    if (!target_ && nearest_ != "middle")
      throw Error(ErrorCode::invalid, fmt::format("pick.nearest: '{}' is no date", nearest_))
          .hint("write 2023-07-01, or middle");
  }
  if (!highest_.empty() || !lowest_.empty()) {
    rule_ = highest_.empty() ? Rule::lowest : Rule::highest;
    parse_expression(highest_.empty() ? "lowest" : "highest", highest_ + lowest_);
  }
}

// The bands the expression is of, in the order of its names.
std::vector<size_t> Pick::operands(const CubeSchema& input) const {
  std::vector<size_t> out;
  for (const auto& name : expression_->names()) {
    const int band = input.find_band(name);
    if (band < 0)
      throw Error(ErrorCode::invalid,
                  fmt::format("pick.{}: there is no band '{}'",
                              rule_ == Rule::highest ? "highest" : "lowest", name))
          .hint(spelling_hint(name, input.band_names()));
    out.push_back(static_cast<size_t>(band));
  }
  return out;
}

workflow::BlockPlan Pick::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  require_few_slices(input, "pick");
  if (expression_) (void)operands(input);
  if (rule_ == Rule::medoid) require_measures(input, "pick: medoid");
  if (rule_ == Rule::nearest)
    require_days(input, "pick.nearest", "choose by another rule, such as first");
  CubeSchema output;
  output.bands = input.bands;
  if (date_) {
    require_days(input, "pick.date", "leave the band of dates out: date: false");
    output.bands.push_back(date_band("date"));
    require_distinct_bands(output, "pick");
  }
  for (auto& cell : periods_.cells(input, "pick")) output.slices.push_back(std::move(cell.slice));
  workflow::BlockPlan plan;
  size_t bytes = 2 * sizeof(uint16_t) + (scored() ? sizeof(float) : 0);
  for (const auto& band : input.bands) bytes += raster::byte_size(band.type);
  const size_t looked_at = 2 + sizeof(float) * (expression_ ? 1 + expression_->names().size() : 0);
  plan.state_bytes_per_pixel = bytes * output.slices.size() + looked_at;
  plan.scratch_bytes_per_pixel = 3 + kernel_bytes_per_pixel(input.slices.size(), input);
  plan.time_need =
      rule_ == Rule::medoid ? workflow::TimeNeed::whole_axis : workflow::TimeNeed::streaming;
  // The other rules look at the values of several bands.
  if (rule_ != Rule::medoid && !scored()) plan.origins = workflow::band_by_band(input.bands.size());
  plan.outputs = {std::move(output)};
  return plan;
}

std::unique_ptr<workflow::StreamState> Pick::init(const workflow::BlockCall& call,
                                                  const geo::Window& window) const {
  const CubeSchema& input = *call.input_schemas[0];
  const auto pixels = static_cast<size_t>(window.pixels());
  auto state = std::make_unique<PickState>();
  state->valid.resize(pixels);
  state->taken.resize(pixels);
  if (scored()) state->score.resize(pixels);
  if (expression_) state->operands.assign(expression_->names().size(), std::vector<float>(pixels));
  for (size_t i = 0; i < call.output_schemas[0]->slices.size(); ++i) {
    auto& choice = state->choices.emplace_back();
    choice.count.resize(pixels);
    choice.slice.resize(pixels);
    if (scored()) choice.score.resize(pixels);
    for (const auto& band : input.bands)
      choice.values.emplace_back(pixels * raster::byte_size(band.type));
  }
  return state;
}

// Of the slice, counted within the block: NaN where there is no observation.
void Pick::find_score(PickState& state, const CubeSchema& schema, const Block& in,
                      size_t slice) const {
  const auto bands = operands(schema);
  std::vector<const float*> inputs;
  for (size_t i = 0; i < bands.size(); ++i) {
    read_physical(in, schema.bands[bands[i]], bands[i], slice, state.operands[i]);
    inputs.push_back(state.operands[i].data());
  }
  expression_->evaluate<float>(inputs, in.pixels(), state.score.data());
  for (size_t p = 0; p < in.pixels(); ++p)
    state.valid[p] &= static_cast<uint8_t>(std::isfinite(state.score[p]) ? 1 : 0);
}

geo::TimeMs Pick::distance_to_nearest(const TimeCell& cell, const raster::Slice& slice) const {
  const auto& period = cell.slice.period;
  const geo::TimeMs target = target_ ? *target_ : period.start + (period.end - period.start) / 2;
  return std::abs(slice.period.start - target);
}

// Where the observation of slice `index` of the series takes the place of the one before.
void Pick::find_taken(PickState& state, const Choice& choice, const TimeCell& cell,
                      const CubeSchema& schema, size_t index) const {
  const size_t pixels = state.valid.size();
  const uint8_t* valid = state.valid.data();
  uint8_t* taken = state.taken.data();
  const auto where = [&](auto better) {
    for (size_t p = 0; p < pixels; ++p)
      taken[p] = valid[p] != 0 && (choice.count[p] == 0 || better(p)) ? 1 : 0;
  };
  switch (rule_) {
    case Rule::highest:
      return where([&](size_t p) { return state.score[p] > choice.score[p]; });
    case Rule::lowest:
      return where([&](size_t p) { return state.score[p] < choice.score[p]; });
    case Rule::last:
      return where([](size_t) { return true; });
    case Rule::nearest: {
      std::vector<uint8_t> nearer(schema.slices.size());  // than which this one is
      const auto distance = distance_to_nearest(cell, schema.slices[index]);
      for (size_t i = 0; i < nearer.size(); ++i)
        nearer[i] = distance < distance_to_nearest(cell, schema.slices[i]) ? 1 : 0;
      return where([&](size_t p) { return nearer[choice.slice[p]] != 0; });
    }
    default:
      return where([](size_t) { return false; });
  }
}

void Pick::consider(PickState& state, Choice& choice, const TimeCell& cell,
                    const CubeSchema& schema, const Block& in, size_t slice) const {
  const size_t pixels = in.pixels(), index = in.first_slice() + slice;
  find_taken(state, choice, cell, schema, index);
  const uint8_t* taken = state.taken.data();
  for (size_t p = 0; p < pixels; ++p) {
    choice.slice[p] = taken[p] != 0 ? static_cast<uint16_t>(index) : choice.slice[p];
    choice.count[p] = static_cast<uint16_t>(choice.count[p] + state.valid[p]);
  }
  if (scored())
    for (size_t p = 0; p < pixels; ++p)
      choice.score[p] = taken[p] != 0 ? state.score[p] : choice.score[p];
  for (size_t b = 0; b < in.bands(); ++b) {
    raster::visit(in.type(b), [&]<class T>(T) {
      const auto from = in.plane<T>(b, slice);
      T* to = reinterpret_cast<T*>(choice.values[b].data());
      for (size_t p = 0; p < pixels; ++p) to[p] = taken[p] != 0 ? from[p] : to[p];
    });
  }
}

// Where all bands of a slice are valid.
void find_valid(const Block& in, size_t slice, std::vector<uint8_t>& valid) {
  const auto first = in.validity(slice, 0);
  std::copy(first.begin(), first.end(), valid.begin());
  for (size_t b = 1; in.validity_per_band() && b < in.bands(); ++b)
    kernels::keep_where(in.validity(slice, b).data(), valid.size(), valid.data());
}

void Pick::update(workflow::StreamState& stream, const workflow::BlockCall& call) const {
  auto& state = dynamic_cast<PickState&>(stream);
  const Block& in = *call.inputs[0];
  const CubeSchema& schema = *call.input_schemas[0];
  const auto cells = periods_.cells(schema, "pick");
  for (size_t slice = 0; slice < in.slices(); ++slice) {
    const size_t index = in.first_slice() + slice;
    find_valid(in, slice, state.valid);
    if (expression_) find_score(state, schema, in, slice);
    for (size_t i = 0; i < cells.size(); ++i)
      if (index >= cells[i].first && index < cells[i].first + cells[i].count)
        consider(state, state.choices[i], cells[i], schema, in, slice);
  }
}

void Pick::write_dates(const CubeSchema& schema, std::span<const uint16_t> slice, Block& out,
                       size_t out_slice) const {
  if (!date_ || schema.slices.empty()) return;
  std::vector<uint16_t> day;
  for (const auto& each : schema.slices)
    day.push_back(static_cast<uint16_t>(day_of(each.period.start)));
  const auto to = out.plane<uint16_t>(out.bands() - 1, out_slice);
  const auto valid = out.validity(out_slice);
  for (size_t p = 0; p < to.size(); ++p) to[p] = valid[p] != 0 ? day[slice[p]] : uint16_t{0};
}

void Pick::finish(workflow::StreamState& stream, const workflow::BlockCall& call) const {
  const auto& state = dynamic_cast<PickState&>(stream);
  const CubeSchema& schema = *call.input_schemas[0];
  Block& out = *call.outputs[0];
  for (size_t slice = 0; slice < out.slices(); ++slice) {
    const Choice& choice = state.choices[slice];
    const auto valid = out.validity(slice);
    for (size_t p = 0; p < valid.size(); ++p)
      valid[p] = choice.count[p] >= static_cast<size_t>(min_count_) ? 1 : 0;
    for (size_t b = 0; b < choice.values.size(); ++b)
      std::memcpy(out.raw_plane(b, slice), choice.values[b].data(), choice.values[b].size());
    write_dates(schema, choice.slice, out, slice);
  }
}

void Pick::pick_medoids(const workflow::BlockCall& call, const TimeCell& cell, size_t slice) const {
  const Block& in = *call.inputs[0];
  Block& out = *call.outputs[0];
  const CubeSchema& schema = *call.input_schemas[0];
  std::vector<size_t> bands(schema.bands.size());
  for (size_t b = 0; b < bands.size(); ++b) bands[b] = b;
  std::vector<uint16_t> chosen(in.pixels());
  kernels::medoid(stored_bands(in, schema, bands, cell.first, cell.count), in.pixels(),
                  static_cast<size_t>(min_count_), chosen.data(), out.validity(slice).data(),
                  nullptr);
  for (auto& index : chosen) index = static_cast<uint16_t>(index + cell.first);
  for (size_t b = 0; b < bands.size(); ++b) {
    raster::visit(in.type(b), [&]<class T>(T) {
      const T* from = in.plane<T>(b, 0).data();
      const auto to = out.plane<T>(b, slice);
      for (size_t p = 0; p < to.size(); ++p) to[p] = from[chosen[p] * in.plane_stride() + p];
    });
  }
  write_dates(schema, chosen, out, slice);
}

void Pick::run(const workflow::BlockCall& call) const {
  if (rule_ != Rule::medoid) return BlockOp::run(call);
  const auto cells = periods_.cells(*call.input_schemas[0], "pick");
  for (size_t slice = 0; slice < cells.size(); ++slice)
    if (cells[slice].count > 0) pick_medoids(call, cells[slice], slice);
}

}  // namespace

std::unique_ptr<workflow::Op> make_pick() {
  return std::make_unique<Pick>();
}

}  // namespace geoloom::ops
