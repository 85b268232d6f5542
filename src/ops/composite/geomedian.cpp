// SPDX-License-Identifier: Apache-2.0
// The geometric median of a series: one spectrum per pixel that lies amid all observations, with
// how far they scatter about it.
#include "kernels/geomedian.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "error/error.h"
#include "ops/composite/linear_power.h"
#include "ops/composite/stored_bands.h"
#include "ops/physical.h"
#include "ops/time_cells.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;

const std::vector<std::string> kDeviations{"smad", "emad", "bcmad"};

const workflow::OpDescription kDescription{
    .name = "geomedian",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Geometric median of all bands along time, with deviations from it and the count",
    .documentation =
        R"(The spectrum whose summed distance to a pixel's observations is least: a median of all bands at once. It
keeps the ratios between bands, as each band's own median does not, and half of the observations may be clouds or
shadows before it follows them. An observation is all bands of one date; it counts where **all** of them are valid and finite.

| `mads` | median over the observations x of a distance to the geometric median g | |
|---|---|---|
| `emad` | sqrt(sum (x - g)^2) | how much brightness varies, in the bands' unit |
| `smad` | 1 - x·g / (\|x\| \|g\|) | how much the shape of the spectrum varies, 0 to 2 |
| `bcmad` | sum \|x - g\| / sum \|x + g\| (Bray-Curtis) | both, 0 to 1 where no value is negative |

Of an even number of distances the middle two are averaged. An observation has no `smad` where it is zero in all bands, and no `bcmad` where
sum \|x + g\| is 0, as negative reflectances can make it; a deviation that no observation has is invalid, by itself.

**Values** are physical (stored * scale + offset). `type: input` writes the median back in each band's own type, scale
and offset, rounded half to even and clipped. Deviations are float32, `count` is uint16, so they need a `save` of their own then.

**Iteration.** Weiszfeld's, with the step of Vardi and Zhang where y meets an observation, from the mean of the
observations until a step is shorter than `eps`, in the unit of the bands: 1e-4 is 1 of Sentinel-2's stored numbers.
Bands without a scale need an `eps` of their own: 1 for reflectances stored as 0..10000 without one. The last step and those that float32 could
not make are in float64. A step shorter than `eps` is not an error below `eps`: it is about 0.7 times `eps` in the benchmark, and more where a few observations lie far apart.

**Invalid** is a pixel with fewer than `min_count` observations, in all bands, `count` included. A single observation is its own median, and so are equal ones.
Infinite values do not count.

**Bands of different units**, such as reflectance and temperature, are not made comparable: whichever varies most decides. Bands in decibels are refused.

Sources: Vardi and Zhang, PNAS 97 (2000) 1423; Roberts, Mueller and McIntyre, IEEE TGRS 55 (2017) 6254; Roberts, Dunn and Mueller, IGARSS 2018, 8647.)",
    .inputs = {{"series", "measured bands over time"}},
    .outputs = {{"composite", "the bands, then smad, emad, bcmad and count as asked for"}}};

class Geomedian : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters& parameters) override;
  void check() override;
  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  std::vector<size_t> chosen(const CubeSchema& input) const;
  bool wants(const std::string& deviation) const {
    return std::find(mads_.begin(), mads_.end(), deviation) != mads_.end();
  }
  void run_cell(const workflow::BlockCall& call, const std::vector<size_t>& bands,
                const TimeCell& cell, size_t slice) const;

  std::vector<std::string> bands_, mads_;
  bool count_ = false;
  double eps_ = 1e-4;
  uint32_t max_iterations_ = 1000;
  int64_t min_count_ = 1;
  std::string type_ = "float32";
  TimeCells periods_;
};

void Geomedian::declare(workflow::Parameters& parameters) {
  parameters.add("bands", &bands_, "The bands it is of, and that come out. Default: all")
      .meaning(workflow::Meaning::band);
  parameters.add("mads", &mads_, "Median deviations from it, as further bands: smad, emad, bcmad")
      .choices(kDeviations);
  parameters.add("count", &count_, "Add the number of observations as band `count`");
  parameters.add("eps", &eps_, "Ends when a step is shorter, in physical units").range(1e-12, 1e9);
  parameters.add("max_iterations", &max_iterations_, "Ends after so many steps")
      .range(1, 1'000'000);
  parameters.add("min_count", &min_count_, "Fewest observations of a valid pixel")
      .range(1, kernels::kMaxSlices);
  parameters.add("type", &type_, "`float32`: physical values. `input`: as the bands are stored")
      .choices({"float32", "input"});
  periods_.declare(parameters);
}

void Geomedian::check() {
  periods_.check("geomedian");
  for (const auto* list : {&bands_, &mads_})
    if (std::set<std::string>(list->begin(), list->end()).size() != list->size())
      throw Error(ErrorCode::invalid, fmt::format("geomedian.{}: a name stands there twice",
                                                  list == &bands_ ? "bands" : "mads"));
}

std::vector<size_t> Geomedian::chosen(const CubeSchema& input) const {
  std::vector<size_t> out;
  for (const auto& name : bands_) out.push_back(static_cast<size_t>(input.band_index(name)));
  if (bands_.empty())
    for (size_t b = 0; b < input.bands.size(); ++b) out.push_back(b);
  return out;
}

workflow::BlockPlan Geomedian::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  CubeSchema used, output;
  for (const size_t band : chosen(input)) used.bands.push_back(input.bands[band]);
  require_measures(used, "geomedian");
  require_few_slices(input, "geomedian");
  output.bands = used.bands;
  for (auto& band : output.bands) {
    require_linear(band, "geomedian", "geometric median");
    if (type_ == "float32") band = measured_band(band.name, band.unit);
  }
  for (const auto& name : kDeviations)
    if (wants(name))
      output.bands.push_back(measured_band(name, name == "emad" ? used.bands[0].unit : ""));
  if (count_)
    output.bands.push_back(
        {.name = "count", .type = raster::PixelType::uint16, .kind = raster::BandKind::count});
  require_distinct_bands(output, "geomedian");
  // These two can be without a value where the median has one.
  output.validity_per_band = wants("smad") || wants("bcmad");
  for (auto& cell : periods_.cells(input, "geomedian"))
    output.slices.push_back(std::move(cell.slice));
  workflow::BlockPlan plan;
  plan.time_need = workflow::TimeNeed::whole_axis;
  plan.scratch_bytes_per_pixel =
      sizeof(float) * used.bands.size() + 2 + kernel_bytes_per_pixel(input.slices.size(), used);
  plan.outputs = {std::move(output)};
  return plan;
}

// Into the type of the band, by its scale and offset.
void write_stored(const std::vector<float>& median, const raster::Band& band, size_t index,
                  size_t slice, Block& out) {
  raster::visit(band.type, [&]<class T>(T) {
    const auto to = out.plane<T>(index, slice);
    for (size_t i = 0; i < median.size(); ++i) {
      const double stored = (static_cast<double>(median[i]) - band.offset) / band.scale;
      if constexpr (std::is_floating_point_v<T>)
        to[i] = static_cast<T>(stored);
      else
        to[i] = static_cast<T>(std::clamp(std::nearbyint(stored),
                                          double{std::numeric_limits<T>::lowest()},
                                          double{std::numeric_limits<T>::max()}));
    }
  });
}

void Geomedian::run_cell(const workflow::BlockCall& call, const std::vector<size_t>& bands,
                         const TimeCell& cell, size_t slice) const {
  const Block& in = *call.inputs[0];
  Block& out = *call.outputs[0];
  const CubeSchema& schema = *call.output_schemas[0];
  const bool as_stored = type_ == "input";
  const bool per_band = out.validity_per_band();
  std::vector<std::vector<float>> medians(as_stored ? bands.size() : 0,
                                          std::vector<float>(in.pixels()));
  std::vector<uint8_t> emad_valid(in.pixels());
  kernels::GeomedianOutput<float> result;
  for (size_t b = 0; b < bands.size(); ++b)
    result.median.push_back(as_stored ? medians[b].data() : out.plane<float>(b, slice).data());
  const auto valid = out.validity(slice, 0);
  result.valid = valid.data();
  const auto deviation = [&](const std::string& name) -> kernels::DeviationOutput {
    if (!wants(name)) return {};
    const auto band = static_cast<size_t>(schema.band_index(name));
    return {out.plane<float>(band, slice).data(),
            per_band ? out.validity(slice, band).data() : emad_valid.data()};
  };
  result.smad = deviation("smad");
  result.emad = deviation("emad");  // valid where the median is
  result.bcmad = deviation("bcmad");
  if (count_) result.count = out.plane<uint16_t>(schema.bands.size() - 1, slice).data();
  kernels::geometric_median<float>(
      stored_bands(in, *call.input_schemas[0], bands, cell.first, cell.count), in.pixels(),
      {eps_, max_iterations_, static_cast<size_t>(min_count_)}, result);
  for (size_t b = 0; b < medians.size(); ++b)
    write_stored(medians[b], schema.bands[b], b, slice, out);
  for (size_t b = 1; per_band && b < schema.bands.size(); ++b)
    if (b < bands.size() || schema.bands[b].kind == raster::BandKind::count)
      std::copy(valid.begin(), valid.end(), out.validity(slice, b).begin());
}

void Geomedian::run(const workflow::BlockCall& call) const {
  const CubeSchema& input = *call.input_schemas[0];
  const auto bands = chosen(input);
  const auto cells = periods_.cells(input, "geomedian");
  for (size_t slice = 0; slice < cells.size(); ++slice)
    if (cells[slice].count > 0) run_cell(call, bands, cells[slice], slice);
}

}  // namespace

std::unique_ptr<workflow::Op> make_geomedian() {
  return std::make_unique<Geomedian>();
}

}  // namespace geoloom::ops
