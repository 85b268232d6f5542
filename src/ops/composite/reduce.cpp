// SPDX-License-Identifier: Apache-2.0
// From a series to one value per pixel, or one per month: medians, means, deviations, extremes,
// quantiles, counts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "error/error.h"
#include "error/spelling.h"
#include "kernels/accumulate.h"
#include "kernels/deviation.h"
#include "kernels/rank.h"
#include "kernels/validity.h"
#include "ops/composite/linear_power.h"
#include "ops/time_cells.h"
#include "raster/percent_name.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;
using raster::PixelType;

constexpr size_t kMostRanked = 65535;  // ranks are 16 bits

const std::vector<std::string> kStats{"median",   "mean",  "std",     "min",      "max",
                                      "quantile", "count", "first",   "last",     "sd",
                                      "variance", "sum",   "product", "quantiles"};
enum class Stat {
  median,
  mean,
  std,
  min,
  max,
  quantile,
  count,
  first,
  last,
  sd,
  variance,
  sum,
  product,
  quantiles
};

const workflow::OpDescription kDescription{
    .name = "reduce",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary =
        "Statistics along time: median, mean, sd, min, max, quantiles, sum, count, first, last",
    .documentation =
        R"(Takes the valid samples of each pixel and gives one value, for the whole series or for each period of
the calendar.

| stat | result | type |
|---|---|---|
| `median` | middle sample; of two middle ones their mean (`even: mean`), the `lower` or the `upper` | float32 with `even: mean`, else the band's |
| `mean` | sum in time order, in double, divided by the count | float32 |
| `sd`, `variance` | standard deviation of a sample and its square (divided by the count less one), by Welford's update in time order, in double; a single sample has none | float32 |
| `std` | standard deviation of the whole population (divided by the count), by the same update; 0 for a single sample | float32 |
| `sum`, `product` | of the physical values in time order, in double | float32 |
| `min`, `max` | smallest, largest sample | the band's |
| `quantile` | at `q`: interpolated (`method: linear`, type 7 of Hyndman and Fan, as in NumPy and R) or an observed sample (`nearest_rank`: the smallest with at least a share `q` at or below it; `nearest`: the one whose place is nearest to (count - 1) q, half to even, as Open Data Cube's percentiles) | float32, or the band's |
| `quantiles` | several of them, one band each: `quantiles: [0.1, 0.5, 0.9]` gives `nir_p10`, `nir_p50`, `nir_p90` | as `quantile` |
| `count` | number of valid samples | uint16 |
| `first`, `last` | earliest, latest valid sample | the band's |

**Invalid samples** are skipped. A pixel with fewer than `min_count` valid samples is invalid. A
`count` alone is valid everywhere, 0 included; beside other statistics it is invalid where they are.
Between equal samples nothing depends on their order.

**Names.** One `stat` for all bands keeps their names. A list gives `red_mean`, `red_max`, ...; the
map `bands: {red: [mean, count]}` does so for some bands only. Where all bands share validity, `count`
in `stat` gives one band `count`.

**Periods.** `every: month` makes one slice per calendar month from that of the first to that of the
last sample, months without samples included and invalid; also `10 days`, `dekad`, `3 months`, `season`,
`year`, rolling windows `{length: 3 months, step: month}`, years from July on `{length: year, from: 2018-07}`,
one season a year `{length: 5 months, step: year, from: 2018-11}`, or periods by name, `{wet: 2019-01..2019-05,
dry: 2019-06..2019-12}`. `within: 2019` fixes them, so that all items have the same. A slice of the input belongs
to each period its start lies in. Slices must have times, and be in their order.

**Scale and offset** of a band hold for its statistics as well, but for deviations, which have no offset; a variance
has the square of the scale. Sums and products are of physical values. Means of classes make no sense and are
refused for categories, and so are means, sums and deviations of bands in decibels.

The rules are those of the openEO processes of the same names; NaN in a file is a missing sample there and here.)",
    .inputs = {{"series", "any bands over time"}},
    .outputs = {{"statistics", "one slice, or one per period"}}};

kernels::Dispersion dispersion_of(Stat stat) {
  if (stat == Stat::std) return kernels::Dispersion::population_deviation;
  return stat == Stat::sd ? kernels::Dispersion::sample_deviation
                          : kernels::Dispersion::sample_variance;
}

Stat stat_of(const std::string& name) {
  return static_cast<Stat>(std::find(kStats.begin(), kStats.end(), name) - kStats.begin());
}

// One band of the output.
struct Derived {
  size_t input = 0;
  Stat stat = Stat::median;
  std::string name;
  double q = 0.5;  // of quantiles
};

// A running value per pixel, and how many samples it is of.
struct Running {
  std::vector<double> sum;       // or the product; of deviations the running mean
  std::vector<double> squares;   // deviations
  std::vector<std::byte> value;  // min, max, first, last
  std::vector<uint32_t> count;
};

struct ReduceState : workflow::StreamState {
  std::vector<Running> running;  // by output slice, then band
};

// The samples of a band in some slices of a block.
struct Part {
  const Block& block;
  size_t band;
  size_t first, count;  // slices, counted within the block

  template <class T>
  kernels::Samples<T> samples() const {
    if (count == 0) return {nullptr, 0, 0};
    return {block.plane<T>(band, first).data(), block.plane_stride(), count};
  }
  kernels::Validity validity() const {
    if (count == 0) return {nullptr, 0};
    const size_t planes = block.validity_per_band() ? block.bands() : 1;
    return {block.validity(first, band).data(), block.plane_stride() * planes};
  }
};

bool is_deviation(Stat stat) {
  return stat == Stat::std || stat == Stat::sd || stat == Stat::variance;
}
bool has_sum(Stat stat) {
  return stat == Stat::mean || stat == Stat::sum || stat == Stat::product || is_deviation(stat);
}

void start(Running& running, Stat stat, PixelType type, size_t pixels) {
  running.count.assign(pixels, 0);
  if (is_deviation(stat)) running.squares.assign(pixels, 0);
  if (has_sum(stat))
    running.sum.assign(pixels, stat == Stat::product ? 1 : 0);
  else if (stat != Stat::count)
    running.value.assign(pixels * raster::byte_size(type), std::byte{0});
}

template <class T>
void accumulate_value(Running& running, Stat stat, const Part& part, size_t pixels) {
  T* value = reinterpret_cast<T*>(running.value.data());
  uint32_t* count = running.count.data();
  const auto samples = part.samples<T>();
  const auto valid = part.validity();
  if (stat == Stat::min) return kernels::accumulate_min(samples, valid, pixels, value, count);
  if (stat == Stat::max) return kernels::accumulate_max(samples, valid, pixels, value, count);
  if (stat == Stat::first) return kernels::accumulate_first(samples, valid, pixels, value, count);
  kernels::accumulate_last(samples, valid, pixels, value, count);
}

void accumulate(Running& running, Stat stat, const raster::Band& band, const Part& part) {
  const size_t pixels = part.block.pixels();
  uint32_t* count = running.count.data();
  if (part.count == 0) return;
  if (stat == Stat::count)
    return kernels::accumulate_count(part.validity(), part.count, pixels, count);
  raster::visit(part.block.type(part.band), [&]<class T>(T) {
    if (stat == Stat::product)
      kernels::accumulate_product(part.samples<T>(), part.validity(), pixels, band.scale,
                                  band.offset, running.sum.data(), count);
    else if (stat == Stat::mean || stat == Stat::sum)
      kernels::accumulate_sum(part.samples<T>(), part.validity(), pixels, running.sum.data(),
                              count);
    else if (is_deviation(stat))
      kernels::accumulate_deviation(part.samples<T>(), part.validity(), pixels, running.sum.data(),
                                    running.squares.data(), count);
    else
      accumulate_value<T>(running, stat, part, pixels);
  });
}

// Of a Running, per pixel.
size_t state_bytes(Stat stat, PixelType type) {
  if (stat == Stat::count) return sizeof(uint32_t);
  if (is_deviation(stat)) return sizeof(uint32_t) + 2 * sizeof(double);
  if (has_sum(stat)) return sizeof(uint32_t) + sizeof(double);
  return sizeof(uint32_t) + raster::byte_size(type);
}

bool is_running(Stat stat) {
  return stat != Stat::median && stat != Stat::quantile && stat != Stat::quantiles;
}

class Reduce : public workflow::BlockOp {
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
  std::vector<Derived> derive(const CubeSchema& input) const;
  void derive_for_all(const CubeSchema& input, std::vector<Derived>& out) const;
  raster::Band output_band(const Derived& derived, const raster::Band& input) const;
  bool keeps_type(Stat stat) const;
  void rank(const Derived& derived, const Part& part, Block& out, size_t slice, size_t band,
            uint8_t* valid) const;
  void finish_one(const Running& running, Stat stat, const raster::Band& input, Block& out,
                  size_t slice, size_t band, uint8_t* valid) const;
  void add_derived(size_t band, const CubeSchema& input, const std::string& stat, bool suffix,
                   std::vector<Derived>& out) const;
  static void merge_validity(Block& out, size_t slice, size_t band, Stat stat, bool only_counts,
                             const std::vector<uint8_t>& valid);
  size_t needed() const { return static_cast<size_t>(min_count_); }

  std::vector<std::string> stats_{"median"};
  std::map<std::string, std::vector<std::string>> bands_;
  std::string even_ = "mean";
  std::optional<double> q_;
  std::vector<double> quantiles_;
  std::string method_ = "linear";
  int64_t min_count_ = 1;
  TimeCells periods_;
};

void Reduce::declare(workflow::Parameters& parameters) {
  parameters.add("stat", &stats_, "What to compute for every band; a list gives several bands each")
      .choices(kStats)
      .main();
  parameters
      .add("bands", &bands_,
           "Statistics by band, instead of `stat`: {red: [mean, count], nir: max}")
      .choices(kStats);
  parameters.add("even", &even_, "Median of an even number of samples")
      .choices({"mean", "lower", "upper"});
  parameters.add("q", &q_, "Which quantile: 0 is the smallest sample, 1 the largest").range(0, 1);
  parameters.add("method", &method_, "How a quantile between two samples is found")
      .choices({"linear", "nearest_rank", "nearest"});
  parameters.add("quantiles", &quantiles_, "Which ones, for stat: quantiles")
      .range(0, 1)
      .identity_if_changed();
  parameters.add("min_count", &min_count_, "Fewest valid samples of a valid pixel")
      .range(1, static_cast<double>(kMostRanked));
  periods_.declare(parameters);
}

void Reduce::check() {
  periods_.check("reduce");
  if (stats_.empty()) throw Error(ErrorCode::invalid, "reduce.stat: names no statistic");
  bool quantile = false, quantiles = false;
  const auto check_list = [&](const std::string& where, const std::vector<std::string>& stats) {
    if (stats.empty()) throw Error(ErrorCode::invalid, where + ": names no statistic");
    std::set<std::string> seen;
    for (const auto& stat : stats) {
      if (!seen.insert(stat).second)
        throw Error(ErrorCode::invalid, fmt::format("{}: '{}' is named twice", where, stat));
      quantile = quantile || stat == "quantile";
      quantiles = quantiles || stat == "quantiles";
    }
  };
  if (bands_.empty()) check_list("reduce.stat", stats_);
  for (const auto& [band, stats] : bands_) check_list("reduce.bands." + band, stats);
  if (quantile && !q_)
    throw Error(ErrorCode::invalid, "reduce.q: is needed for stat: quantile")
        .hint("q: 0.1 gives the value a tenth of the samples are below");
  if (quantiles == quantiles_.empty())
    throw Error(ErrorCode::invalid, quantiles ? "reduce.quantiles: is needed for stat: quantiles"
                                              : "reduce.quantiles: is only for stat: quantiles")
        .hint("quantiles: [0.1, 0.5, 0.9]");
  std::set<std::string> names;
  for (const double q : quantiles_)
    if (!names.insert(raster::percent_name(q)).second)
      throw Error(ErrorCode::invalid, fmt::format("reduce.quantiles: {} is named twice", q));
  if (!quantile && q_)
    throw Error(ErrorCode::invalid, fmt::format("reduce.q: {} is only for stat: quantile", *q_));
}

bool Reduce::keeps_type(Stat stat) const {
  if (stat == Stat::median) return even_ != "mean";
  if (stat == Stat::quantile || stat == Stat::quantiles) return method_ != "linear";
  return !has_sum(stat) && stat != Stat::count;
}

// Output bands, in the order of the input's bands.
std::vector<Derived> Reduce::derive(const CubeSchema& input) const {
  std::vector<Derived> out;
  if (bands_.empty()) {
    derive_for_all(input, out);
    return out;
  }
  for (const auto& [band, stats] : bands_) {
    if (input.find_band(band) >= 0) continue;
    throw Error(ErrorCode::invalid, fmt::format("reduce.bands: there is no band '{}'", band))
        .hint(spelling_hint(band, input.band_names()));
  }
  for (size_t i = 0; i < input.bands.size(); ++i) {
    const auto found = bands_.find(input.bands[i].name);
    if (found == bands_.end()) continue;
    for (const auto& stat : found->second) add_derived(i, input, stat, true, out);
  }
  return out;
}

void Reduce::add_derived(size_t band, const CubeSchema& input, const std::string& stat, bool suffix,
                         std::vector<Derived>& out) const {
  const auto& name = input.bands[band].name;
  if (stat == "quantiles") {
    for (const double q : quantiles_)
      out.push_back({band, Stat::quantiles, name + "_" + raster::percent_name(q), q});
  } else {
    out.push_back({band, stat_of(stat), suffix ? name + "_" + stat : name, q_.value_or(0.5)});
  }
}

void Reduce::derive_for_all(const CubeSchema& input, std::vector<Derived>& out) const {
  const bool one_count = !input.validity_per_band && !input.bands.empty();
  const bool several = stats_.size() > 1;
  for (size_t i = 0; i < input.bands.size(); ++i) {
    for (const auto& stat : stats_) {
      if (stat == "count" && one_count) continue;
      add_derived(i, input, stat, several || stat == "count", out);
    }
  }
  if (one_count && std::find(stats_.begin(), stats_.end(), "count") != stats_.end())
    out.push_back({0, Stat::count, "count"});
}

raster::Band Reduce::output_band(const Derived& derived, const raster::Band& input) const {
  raster::Band band = input;
  band.name = derived.name;
  if (derived.stat == Stat::count) {
    band = {.name = derived.name, .type = PixelType::uint16, .kind = raster::BandKind::count};
    return band;
  }
  if (!keeps_type(derived.stat)) {
    if (input.kind == raster::BandKind::category)
      throw Error(ErrorCode::invalid,
                  fmt::format("reduce: band '{}' holds classes, of which a {} makes no sense",
                              input.name, kStats[static_cast<size_t>(derived.stat)]))
          .hint("use first, last, min, max, count, or even: lower");
    if (has_sum(derived.stat))
      require_linear(input, "reduce", kStats[static_cast<size_t>(derived.stat)]);
    band.type = PixelType::float32;
    band.kind = raster::BandKind::measure;
    band.colours.clear();
    band.class_names.clear();
  }
  if (is_deviation(derived.stat)) {  // of a difference
    band.scale = derived.stat == Stat::variance ? band.scale * band.scale : std::abs(band.scale);
    band.offset = 0;
  }
  if (derived.stat == Stat::sum || derived.stat == Stat::product) {  // of physical values
    band.scale = 1;
    band.offset = 0;
  }
  if (band.type == PixelType::float32) band.nodata = std::numeric_limits<double>::quiet_NaN();
  return band;
}

workflow::BlockPlan Reduce::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  CubeSchema output;
  workflow::BlockPlan plan;
  output.validity_per_band = input.validity_per_band;
  const auto derived = derive(input);
  bool streaming = true;
  size_t state = 0;
  for (const auto& d : derived) {
    output.bands.push_back(output_band(d, input.bands[d.input]));
    plan.origins.push_back({{{0, d.input}}});
    streaming = streaming && is_running(d.stat);
    state += state_bytes(d.stat, output.bands.back().type);
  }
  for (auto& cell : periods_.cells(input, "reduce")) output.slices.push_back(std::move(cell.slice));
  if (!streaming && input.slices.size() > kMostRanked)
    throw Error(ErrorCode::invalid,
                fmt::format("reduce: medians and quantiles take at most {} slices, got {}",
                            kMostRanked, input.slices.size()))
        .hint("load a shorter period, or use mean");
  plan.state_bytes_per_pixel = state * output.slices.size();
  plan.outputs = {std::move(output)};
  plan.time_need = streaming ? workflow::TimeNeed::streaming : workflow::TimeNeed::whole_axis;
  plan.scratch_bytes_per_pixel = 1 + state_bytes(Stat::std, PixelType::float32);
  return plan;
}

void Reduce::rank(const Derived& derived, const Part& part, Block& out, size_t slice, size_t band,
                  uint8_t* valid) const {
  const size_t pixels = part.block.pixels();
  const size_t least = needed();
  raster::visit(part.block.type(part.band), [&]<class T>(T) {
    const auto samples = part.samples<T>();
    const auto validity = part.validity();
    if (!keeps_type(derived.stat)) {
      float* to = out.plane<float>(band, slice).data();
      if (derived.stat == Stat::median)
        return kernels::median_mean(samples, validity, pixels, least, to, valid);
      return kernels::quantile_linear(samples, validity, pixels, derived.q, least, to, valid);
    }
    T* to = out.plane<T>(band, slice).data();
    if (derived.stat != Stat::median && method_ == "nearest")
      return kernels::quantile_rounded(samples, validity, pixels, derived.q, least, to, valid);
    if (derived.stat != Stat::median)
      return kernels::quantile_nearest(samples, validity, pixels, derived.q, least, to, valid);
    if (even_ == "lower") return kernels::median_lower(samples, validity, pixels, least, to, valid);
    kernels::median_upper(samples, validity, pixels, least, to, valid);
  });
}

void Reduce::finish_one(const Running& running, Stat stat, const raster::Band& input, Block& out,
                        size_t slice, size_t band, uint8_t* valid) const {
  const size_t pixels = out.pixels();
  const uint32_t* count = running.count.data();
  if (stat == Stat::mean)
    return kernels::finish_mean(running.sum.data(), count, pixels, needed(),
                                out.plane<float>(band, slice).data(), valid);
  if (is_deviation(stat))
    return kernels::finish_deviation(running.squares.data(), count, pixels, needed(),
                                     dispersion_of(stat), out.plane<float>(band, slice).data(),
                                     valid);
  if (stat == Stat::sum || stat == Stat::product) {
    const bool stored = stat == Stat::sum;
    return kernels::finish_total(running.sum.data(), count, pixels, needed(),
                                 stored ? input.scale : 1, stored ? input.offset : 0,
                                 out.plane<float>(band, slice).data(), valid);
  }
  if (stat == Stat::count) {
    kernels::finish_count(count, pixels, out.plane<uint16_t>(band, slice).data());
    for (size_t i = 0; i < pixels; ++i) valid[i] = count[i] >= needed() ? 1 : 0;
    return;
  }
  raster::visit(out.type(band), [&]<class T>(T) {
    kernels::finish_value(reinterpret_cast<const T*>(running.value.data()), count, pixels, needed(),
                          out.plane<T>(band, slice).data(), valid);
  });
}

// Bands that share a plane are valid where all of them are.
void Reduce::merge_validity(Block& out, size_t slice, size_t band, Stat stat, bool only_counts,
                            const std::vector<uint8_t>& valid) {
  auto to = out.validity(slice, band);
  if (stat == Stat::count && only_counts) {
    std::fill(to.begin(), to.end(), uint8_t{1});
  } else if (band == 0 || out.validity_per_band()) {
    std::copy(valid.begin(), valid.end(), to.begin());
  } else {
    kernels::keep_where(valid.data(), valid.size(), to.data());
  }
}

bool only_counts(const std::vector<Derived>& derived) {
  return std::all_of(derived.begin(), derived.end(),
                     [](const Derived& d) { return d.stat == Stat::count; });
}

void Reduce::run(const workflow::BlockCall& call) const {
  const CubeSchema& input = *call.input_schemas[0];
  const auto derived = derive(input);
  if (std::all_of(derived.begin(), derived.end(), [](const auto& d) { return is_running(d.stat); }))
    return BlockOp::run(call);
  const Block& in = *call.inputs[0];
  Block& out = *call.outputs[0];
  std::vector<uint8_t> valid(in.pixels());
  const auto all_cells = periods_.cells(input, "reduce");
  for (size_t slice = 0; slice < all_cells.size(); ++slice) {
    for (size_t band = 0; band < derived.size(); ++band) {
      const auto& d = derived[band];
      const Part part{in, d.input, all_cells[slice].first, all_cells[slice].count};
      if (is_running(d.stat)) {
        Running running;
        start(running, d.stat, in.type(d.input), in.pixels());
        accumulate(running, d.stat, input.bands[d.input], part);
        finish_one(running, d.stat, input.bands[d.input], out, slice, band, valid.data());
      } else {
        rank(d, part, out, slice, band, valid.data());
      }
      merge_validity(out, slice, band, d.stat, false, valid);
    }
  }
}

std::unique_ptr<workflow::StreamState> Reduce::init(const workflow::BlockCall& call,
                                                    const geo::Window& window) const {
  const CubeSchema& input = *call.input_schemas[0];
  auto state = std::make_unique<ReduceState>();
  const auto derived = derive(input);
  const size_t slices = call.output_schemas[0]->slices.size();
  state->running.resize(slices * derived.size());
  for (size_t i = 0; i < state->running.size(); ++i) {
    const auto& d = derived[i % derived.size()];
    start(state->running[i], d.stat, input.bands[d.input].type,
          static_cast<size_t>(window.pixels()));
  }
  return state;
}

void Reduce::update(workflow::StreamState& state, const workflow::BlockCall& call) const {
  auto& running = dynamic_cast<ReduceState&>(state).running;
  const Block& in = *call.inputs[0];
  const auto derived = derive(*call.input_schemas[0]);
  const auto all_cells = periods_.cells(*call.input_schemas[0], "reduce");
  for (size_t slice = 0; slice < all_cells.size(); ++slice) {
    const size_t first = std::max(all_cells[slice].first, in.first_slice());
    const size_t end =
        std::min(all_cells[slice].first + all_cells[slice].count, in.first_slice() + in.slices());
    if (first >= end) continue;
    for (size_t band = 0; band < derived.size(); ++band)
      accumulate(running[slice * derived.size() + band], derived[band].stat,
                 call.input_schemas[0]->bands[derived[band].input],
                 {in, derived[band].input, first - in.first_slice(), end - first});
  }
}

void Reduce::finish(workflow::StreamState& state, const workflow::BlockCall& call) const {
  const auto& running = dynamic_cast<ReduceState&>(state).running;
  Block& out = *call.outputs[0];
  const auto derived = derive(*call.input_schemas[0]);
  const bool counts = only_counts(derived);
  std::vector<uint8_t> valid(out.pixels());
  for (size_t slice = 0; slice < out.slices(); ++slice) {
    for (size_t band = 0; band < derived.size(); ++band) {
      finish_one(running[slice * derived.size() + band], derived[band].stat,
                 call.input_schemas[0]->bands[derived[band].input], out, slice, band, valid.data());
      merge_validity(out, slice, band, derived[band].stat, counts, valid);
    }
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_reduce() {
  return std::make_unique<Reduce>();
}

}  // namespace geoloom::ops
