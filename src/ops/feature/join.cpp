// SPDX-License-Identifier: Apache-2.0
// The bands of several cubes as one cube: series with what does not change, features with features.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <tuple>

#include "error/error.h"
#include "kernels/validity.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;
using Inputs = std::span<const CubeSchema* const>;

const workflow::OpDescription kDescription{
    .name = "join",
    .kind = workflow::OpKind::block,
    .version = 2,
    .summary = "The bands of several cubes of a step as one cube",
    .documentation =
        R"(`from` lists the cubes; the result has the bands of the first, then those of the second, and so on.

**Time.** Cubes over time must have the same slices: `match: time` compares their periods (labels where there is no
time), `match: label` finds them by their labels, in any order. A single slice is repeated along the time of the others where it is of no
date of its own:

- without time: an elevation model, a layer burnt from shapes;
- a summary of all scenes, which reducers without `every` give, and ops like `trend` and `flatten`;
- a period that covers all slices of the others: the year of its months;
- of a cube that `repeat` names by its number: `repeat: [2]` for the second of `from`. With several slices it has to
  match as any other.

So a series that has one date on some tile is not mistaken for something that holds at all dates: other dates are an error there too. The result
has the slices of the longest cube; if all have one slice, of the first that is not repeated, else of the first that has a time. A
cube without a slice, because no scene touches the tile, is invalid everywhere.

**Names.** Two bands of one name are an error; `prefix` puts a text before the names of each cube,
`names` gives all names of the result.

**Values** keep their type, scale, offset, unit and classes, band by band.

**Invalid pixels.** Every band keeps its own validity. With `require: all` a pixel counts only where
all bands have one, which is what a classifier needs.

All cubes of a step are on the tile's grid already: `load` brings files of other grids and systems
onto it (`resampling`).)",
    .inputs = {{"cubes", "two or more", true}},
    .outputs = {{"joined", "all their bands"}}};

class Join : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("prefix", &prefix_,
                   "What stands before the names of each cube's bands, one text per cube");
    parameters.add("names", &names_, "The names of all bands of the result");
    parameters.add("match", &match_, "How slices of several cubes find each other")
        .choices({"time", "label"});
    parameters
        .add("repeat", &repeat_,
             "Cubes, by their numbers from 1 on, whose single slice belongs to all times")
        .range(1, 1000)
        .identity_if_changed();
    parameters.add("require", &require_, "Where a pixel of the result is valid")
        .choices({"each", "all"});
  }
  void check() override {
    if (!prefix_.empty() && !names_.empty())
      throw Error(ErrorCode::invalid, "join: `prefix` and `names` exclude each other");
  }
  workflow::BlockPlan plan(Inputs inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  std::vector<raster::Band> bands_of(Inputs inputs) const;
  bool timeless(const CubeSchema& input, size_t cube) const;
  const CubeSchema& leader_of(Inputs inputs) const;
  void check_repeated(size_t cubes) const;
  size_t slice_of(const CubeSchema& input, const CubeSchema& leader, size_t slice) const;
  void check_slices(const CubeSchema& input, size_t cube, const CubeSchema& leader) const;
  bool all_required() const { return require_ == "all"; }

  std::vector<std::string> prefix_, names_;
  std::vector<int64_t> repeat_;
  std::string match_ = "time", require_ = "each";
};

// Whether its single slice is of no date: what summarises all scenes has no label.
bool Join::timeless(const CubeSchema& input, size_t cube) const {
  if (input.slices.size() != 1) return false;
  const auto number = static_cast<int64_t>(cube + 1);
  return !input.slices[0].timed || input.slices[0].label.empty() ||
         std::find(repeat_.begin(), repeat_.end(), number) != repeat_.end();
}

// The cube whose slices the result has.
const CubeSchema& Join::leader_of(Inputs inputs) const {
  const auto rank = [&](size_t cube) {
    const auto& input = *inputs[cube];
    return std::tuple(input.slices.size(), !timeless(input, cube),
                      !input.slices.empty() && input.slices[0].timed);
  };
  size_t leader = 0;
  for (size_t cube = 1; cube < inputs.size(); ++cube)
    if (rank(cube) > rank(leader)) leader = cube;
  return *inputs[leader];
}

// Whether a single slice's period holds all slices of the other cube.
bool covers(const CubeSchema& single, const CubeSchema& other) {
  const auto& whole = single.slices[0].period;
  return std::all_of(other.slices.begin(), other.slices.end(), [&](const auto& slice) {
    return slice.timed && slice.period.start >= whole.start && slice.period.end <= whole.end;
  });
}

bool same_time(const raster::Slice& a, const raster::Slice& b) {
  if (a.timed != b.timed) return false;
  return a.timed ? a.period == b.period : a.label == b.label;
}

// Which slice of a cube belongs to one of the leader's; npos: none.
constexpr size_t kNone = static_cast<size_t>(-1);
size_t Join::slice_of(const CubeSchema& input, const CubeSchema& leader, size_t slice) const {
  if (input.slices.empty()) return kNone;
  if (input.slices.size() == 1) return 0;
  if (match_ == "time") return slice;
  for (size_t s = 0; s < input.slices.size(); ++s)
    if (input.slices[s].label == leader.slices[slice].label) return s;
  return kNone;
}

std::string labels(const CubeSchema& cube) {
  constexpr size_t kShown = 6;
  std::vector<std::string> out;
  for (size_t i = 0; i < std::min(kShown, cube.slices.size()); ++i)
    out.push_back(cube.slices[i].label);
  if (cube.slices.size() > kShown) out.emplace_back("...");
  return fmt::format("{}", fmt::join(out, ", "));
}

void Join::check_slices(const CubeSchema& input, size_t cube, const CubeSchema& leader) const {
  if (input.slices.empty() || timeless(input, cube)) return;
  if (input.slices.size() == 1 &&
      (covers(input, leader) || (leader.slices.size() == 1 && covers(leader, input))))
    return;
  const auto refused = [&](const std::string& how) {
    return Error(ErrorCode::invalid,
                 fmt::format("join: cube {} has other slices than the longest one: {}", cube + 1,
                             how))
        .hint(fmt::format(
            "bring both to the same periods first (`every` of the reducers), reduce "
            "one of them to a single slice, say repeat: [{}] if its one slice belongs "
            "to all times, or match: {}; there are: {}; and: {}",
            cube + 1, match_ == "time" ? "label" : "time", labels(leader), labels(input)));
  };
  if (input.slices.size() != leader.slices.size())
    throw refused(fmt::format("{} and not {}", input.slices.size(), leader.slices.size()));
  std::set<std::string> seen;
  for (size_t s = 0; s < leader.slices.size(); ++s) {
    const auto& wanted = leader.slices[s];
    if (match_ == "time") {
      if (!same_time(input.slices[s], wanted))
        throw refused(fmt::format("'{}' and not '{}'", input.slices[s].label, wanted.label));
      continue;
    }
    if (!seen.insert(wanted.label).second)
      throw Error(ErrorCode::invalid,
                  fmt::format("join: the label '{}' is there twice", wanted.label))
          .hint("say match: time");
    if (slice_of(input, leader, s) == kNone)
      throw refused(fmt::format("there is no '{}'", wanted.label));
  }
}

std::vector<raster::Band> Join::bands_of(Inputs inputs) const {
  if (!prefix_.empty() && prefix_.size() != inputs.size())
    throw Error(ErrorCode::invalid, fmt::format("join.prefix: has {} texts for {} cubes",
                                                prefix_.size(), inputs.size()));
  std::vector<raster::Band> bands;
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (auto band : inputs[i]->bands) {
      if (!prefix_.empty()) band.name = prefix_[i] + band.name;
      bands.push_back(std::move(band));
    }
  }
  if (!names_.empty() && names_.size() != bands.size())
    throw Error(ErrorCode::invalid,
                fmt::format("join.names: has {} names for {} bands", names_.size(), bands.size()));
  for (size_t b = 0; b < names_.size(); ++b) bands[b].name = names_[b];
  std::set<std::string> seen;
  for (const auto& band : bands)
    if (!seen.insert(band.name).second)
      throw Error(ErrorCode::invalid, fmt::format("join: two bands are called '{}'", band.name))
          .hint("tell the cubes apart, for example prefix: [wet_, dry_], or give all `names`");
  return bands;
}

void Join::check_repeated(size_t cubes) const {
  for (const auto number : repeat_)
    if (number > static_cast<int64_t>(cubes))
      throw Error(ErrorCode::invalid,
                  fmt::format("join.repeat: there are {} cubes, no number {}", cubes, number));
}

workflow::BlockPlan Join::plan(Inputs inputs) const {
  if (inputs.size() < 2)
    throw Error(ErrorCode::invalid, "join: one cube is nothing to join")
        .hint("name the cubes with `as:` and list them: join: {from: [series, terrain]}");
  check_repeated(inputs.size());
  const auto& leader = leader_of(inputs);
  CubeSchema output;
  output.bands = bands_of(inputs);
  output.slices = leader.slices;
  output.validity_per_band = !all_required();
  bool as_they_come = match_ == "time";
  std::vector<workflow::BandOrigin> origins;
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (size_t band = 0; band < inputs[i]->bands.size(); ++band)
      origins.push_back({{{i, band}}, true});
    check_slices(*inputs[i], i, leader);
    as_they_come = as_they_come && inputs[i]->slices.size() == leader.slices.size();
  }
  return {
      .outputs = {std::move(output)},
      .origins = std::move(origins),
      .time_need = as_they_come ? workflow::TimeNeed::pointwise : workflow::TimeNeed::whole_axis};
}

void copy_plane(const Block& in, size_t in_band, size_t in_slice, Block& out, size_t band,
                size_t slice) {
  std::memcpy(out.raw_plane(band, slice), in.raw_plane(in_band, in_slice),
              in.pixels() * raster::byte_size(in.type(in_band)));
}

void Join::run(const workflow::BlockCall& call) const {
  Block& out = *call.outputs[0];
  const auto& leader = leader_of(call.input_schemas);
  for (size_t slice = 0; slice < out.slices(); ++slice) {
    size_t band = 0;
    for (size_t i = 0; i < call.inputs.size(); ++i) {
      const Block& in = *call.inputs[i];
      // A batch holds the same slices of all cubes.
      const size_t from = in.slices() == out.slices() && match_ == "time"
                              ? slice
                              : slice_of(*call.input_schemas[i], leader, slice);
      for (size_t b = 0; b < in.bands(); ++b, ++band) {
        const auto to = out.validity(slice, all_required() ? 0 : band);
        if (from == kNone) {
          std::fill(to.begin(), to.end(), uint8_t{0});
          continue;
        }
        copy_plane(in, b, from, out, band, slice);
        const auto valid = in.validity(from, b);
        if (band == 0 || !all_required())
          std::copy(valid.begin(), valid.end(), to.begin());
        else
          kernels::keep_where(valid.data(), valid.size(), to.data());
      }
    }
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_join() {
  return std::make_unique<Join>();
}

}  // namespace geoloom::ops
