// SPDX-License-Identifier: Apache-2.0
// Periods become bands: what a classifier calls features.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

#include "error/error.h"
#include "error/spelling.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "flatten",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Periods of a series as bands of one slice: ndvi_2023-01, ndvi_2023-02 ...",
    .documentation =
        R"(Every band of every period becomes a band of its own. `names` says what they are called: `{band}` stands
for the band's name, `{period}` for the period's label.

The bands of a result must be the same on every tile. So slices must be periods: a series of scenes
has other dates on each tile and is refused; give it periods first, for example
`reduce: {stat: median, every: month}` with the same range everywhere (`within`). `periods` lists the
labels that must come out: those a tile lacks are invalid there, and any other is an error.

Without `{period}` in `names` there may be one slice only, of whatever date: `{band}_S1` adds `_S1` to its bands.

Bands keep their type, scale, offset, unit and classes. Invalid pixels stay invalid, band by band.)",
    .inputs = {{"series", "any bands over periods"}},
    .outputs = {{"features", "bands x periods, one slice"}}};

class Flatten : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("names", &names_, "How the bands of the result are called").main();
    parameters
        .add("order", &order_,
             "What stays together: all bands of a period (time), or all periods of a band (band)")
        .choices({"time", "band"});
    parameters.add("periods", &periods_,
                   "Labels of the periods that come out, in this order. Default: those there are");
  }
  void check() override;
  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  std::vector<std::string> labels_of(const CubeSchema& input) const;
  std::string name_of(const std::string& band, const std::string& label) const;
  bool names_periods() const { return names_.find("{period}") != std::string::npos; }
  size_t place(size_t band, size_t bands, size_t period, size_t periods) const {
    return order_ == "time" ? period * bands + band : band * periods + period;
  }

  std::string names_ = "{band}_{period}", order_ = "time";
  std::vector<std::string> periods_;
};

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

std::string Flatten::name_of(const std::string& band, const std::string& label) const {
  std::string name;
  // In one pass, so that a band called "{period}" is nothing special.
  for (size_t at = 0; at < names_.size();) {
    constexpr std::string_view kBand = "{band}", kPeriod = "{period}";
    const std::string_view rest = std::string_view(names_).substr(at);
    if (rest.starts_with(kBand)) {
      name += band;
      at += kBand.size();
    } else if (rest.starts_with(kPeriod)) {
      name += label;
      at += kPeriod.size();
    } else {
      name += names_[at++];
    }
  }
  return name;
}

void Flatten::check() {
  std::string rest = names_;
  replace_all(rest, "{band}", "");
  replace_all(rest, "{period}", "");
  if (rest.find_first_of("{}") != std::string::npos)
    throw Error(ErrorCode::invalid,
                fmt::format("flatten.names: '{}' has other braces than {{band}} "
                            "and {{period}}",
                            names_));
  std::set<std::string> seen;
  if (!periods_.empty() && !names_periods())
    throw Error(ErrorCode::invalid, "flatten.periods: needs {period} in `names`");
  for (const auto& period : periods_)
    if (!seen.insert(period).second)
      throw Error(ErrorCode::invalid, fmt::format("flatten.periods: '{}' is named twice", period));
}

std::vector<std::string> Flatten::labels_of(const CubeSchema& input) const {
  if (!names_periods()) {
    if (input.slices.size() > 1)
      throw Error(ErrorCode::invalid,
                  fmt::format("flatten.names: '{}' does not tell {} slices apart", names_,
                              input.slices.size()))
          .hint("add {period}, or reduce the series to one slice");
    return {""};
  }
  std::vector<std::string> labels;
  std::set<std::string> seen;
  for (const auto& slice : input.slices) {
    if (slice.timed && slice.period.start == slice.period.end)
      throw Error(ErrorCode::invalid,
                  fmt::format("flatten: '{}' is a scene, and every tile has scenes of other dates",
                              slice.label))
          .hint("make periods of them first: reduce: {stat: median, every: month}");
    // What a reduction of no scene at all gives.
    const bool of_nothing = !slice.timed && slice.label.empty();
    if (of_nothing && !periods_.empty()) continue;
    if (slice.label.empty() && input.slices.size() > 1)
      throw Error(ErrorCode::invalid, "flatten: a period has no label to be called by");
    if (!seen.insert(slice.label).second)
      throw Error(ErrorCode::invalid,
                  fmt::format("flatten: two periods are called '{}'", slice.label));
    if (!periods_.empty() &&
        std::find(periods_.begin(), periods_.end(), slice.label) == periods_.end())
      throw Error(ErrorCode::invalid,
                  fmt::format("flatten.periods: the series has '{}', which is not in the list",
                              slice.label))
          .hint(spelling_hint(slice.label, periods_));
    labels.push_back(slice.label);
  }
  return periods_.empty() ? labels : periods_;
}

workflow::BlockPlan Flatten::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  const auto labels = labels_of(input);
  CubeSchema output;
  output.bands.resize(input.bands.size() * labels.size());
  output.validity_per_band = true;
  for (size_t p = 0; p < labels.size(); ++p) {
    for (size_t b = 0; b < input.bands.size(); ++b) {
      auto& band = output.bands[place(b, input.bands.size(), p, labels.size())];
      band = input.bands[b];
      band.name = name_of(band.name, labels[p]);
    }
  }
  std::set<std::string> seen;
  for (const auto& band : output.bands)
    if (!seen.insert(band.name).second)
      throw Error(ErrorCode::invalid,
                  fmt::format("flatten.names: '{}' calls two bands '{}'", names_, band.name))
          .hint("use both {band} and {period}");
  raster::Slice slice{.period = {}, .timed = false, .label = ""};
  for (const auto& from : input.slices) {
    if (!from.timed) continue;
    slice.period = slice.timed ? geo::Period{std::min(slice.period.start, from.period.start),
                                             std::max(slice.period.end, from.period.end)}
                               : from.period;
    slice.timed = true;
  }
  output.slices.push_back(std::move(slice));
  std::vector<workflow::BandOrigin> origins(output.bands.size());
  for (size_t p = 0; p < labels.size(); ++p)
    for (size_t b = 0; b < input.bands.size(); ++b)
      origins[place(b, input.bands.size(), p, labels.size())] = {{{0, b}}, true};
  return {.outputs = {std::move(output)},
          .origins = std::move(origins),
          .time_need = workflow::TimeNeed::whole_axis};
}

void Flatten::run(const workflow::BlockCall& call) const {
  const CubeSchema& input = *call.input_schemas[0];
  const auto labels = labels_of(input);
  const Block& in = *call.inputs[0];
  Block& out = *call.outputs[0];
  for (size_t s = 0; s < input.slices.size(); ++s) {
    const auto found = names_periods()
                           ? std::find(labels.begin(), labels.end(), input.slices[s].label)
                           : labels.begin();
    if (found == labels.end()) continue;
    const auto period = static_cast<size_t>(found - labels.begin());
    for (size_t b = 0; b < in.bands(); ++b) {
      const size_t to = place(b, in.bands(), period, labels.size());
      std::memcpy(out.raw_plane(to, 0), in.raw_plane(b, s),
                  in.pixels() * raster::byte_size(in.type(b)));
      const auto valid = in.validity(s, b);
      std::copy(valid.begin(), valid.end(), out.validity(0, to).begin());
    }
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_flatten() {
  return std::make_unique<Flatten>();
}

}  // namespace geoloom::ops
