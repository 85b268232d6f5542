// SPDX-License-Identifier: Apache-2.0
#include "ops/feature/band_expressions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <mutex>
#include <set>

#include "error/error.h"
#include "kernels/physical_values.h"
#include "ops/physical.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;

// Pixels whose operands and results stay in the second level cache.
constexpr size_t kPixelsAtOnce = 2048;

void read(const Block& block, const raster::Band& schema, size_t band, size_t slice, size_t first,
          size_t count, BandExpressions::Row& row) {
  row.memory.resize(kPixelsAtOnce);
  raster::visit(block.type(band), [&]<class T>(T) {
    kernels::physical_values(block.plane<T>(band, slice).data() + first, count,
                             static_cast<float>(schema.scale), static_cast<float>(schema.offset),
                             row.memory.data());
  });
  row.value = row.memory.data();
  row.valid = block.validity(slice, band).data() + first;
}

raster::Band made_band(const DerivedBand& made) {
  if (!made.expression.is_condition()) return measured_band(made.name, made.unit);
  raster::Band band;
  band.name = made.name;
  band.type = raster::PixelType::uint8;
  band.kind = raster::BandKind::category;
  band.nodata = 255;
  return band;
}

// Made once for each list of bands, and used by all blocks of a worker.
class PreparedExpressions : public workflow::Prepared {
 public:
  using Make = std::function<BandExpressions(const raster::CubeSchema&)>;
  explicit PreparedExpressions(Make make) : make_(std::move(make)) {}
  const BandExpressions& of(const raster::CubeSchema& input) const;

 private:
  struct Entry {
    std::vector<raster::Band> bands;
    std::unique_ptr<const BandExpressions> expressions;
  };
  const Make make_;
  mutable std::mutex mutex_;
  mutable std::vector<Entry> entries_;
};

const BandExpressions& PreparedExpressions::of(const CubeSchema& input) const {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_)
    if (entry.bands == input.bands) return *entry.expressions;
  entries_.push_back({input.bands, std::make_unique<const BandExpressions>(make_(input))});
  return *entries_.back().expressions;
}

// Conditions are computed as floats and stored as classes.
void store_classes(const float* value, const uint8_t* valid, size_t count, uint8_t* to) {
  for (size_t i = 0; i < count; ++i) to[i] = value[i] != 0 && valid[i] != 0 ? 1 : 0;
}

}  // namespace

kernels::Expression parsed_expression(const std::string& text, const std::string& where) {
  try {
    return kernels::Expression::parse(text);
  } catch (const kernels::ExpressionError& error) {
    throw Error(ErrorCode::invalid, fmt::format("{}: {}, at character {} of '{}'", where,
                                                error.what(), error.position + 1, text))
        .hint("such as (nir - red) / (nir + red), or if(scl == 6, 1, 0)");
  }
}

BandExpressions::BandExpressions(const CubeSchema& input, const std::vector<std::string>& kept,
                                 std::vector<DerivedBand> made, const std::string& op)
    : made_(std::move(made)), input_bands_(input.bands.size()) {
  std::set<std::string> names;
  const auto add_name = [&](const std::string& name) {
    if (!names.insert(name).second)
      throw Error(ErrorCode::invalid, fmt::format("{}: two bands would be called '{}'", op, name))
          .hint("give one of them another name, or keep fewer bands");
  };
  const bool all = kept.size() == 1 && kept.front() == "all" && input.find_band("all") < 0;
  for (size_t i = 0; all && i < input_bands_; ++i) kept_.push_back(i);
  if (!all)
    for (const auto& name : kept) kept_.push_back(static_cast<size_t>(input.band_index(name)));
  for (const size_t band : kept_) add_name(input.bands[band].name);
  std::set<size_t> read;
  for (const auto& each : made_) {
    add_name(each.name);
    for (const size_t operand : each.operands)
      if (operand < input_bands_) read.insert(operand);
  }
  read_.assign(read.begin(), read.end());
}

CubeSchema BandExpressions::output(const CubeSchema& input) const {
  CubeSchema output;
  for (const size_t band : kept_) output.bands.push_back(input.bands[band]);
  for (const auto& made : made_) output.bands.push_back(made_band(made));
  output.slices = input.slices;
  output.validity_per_band = output.bands.size() > 1;
  return output;
}

size_t BandExpressions::scratch_bytes_per_pixel() const {
  // Less where a block has more pixels than are computed at once.
  return (read_.size() + made_.size()) * (sizeof(float) + sizeof(uint8_t));
}

void BandExpressions::run(const workflow::BlockCall& call) const {
  for (size_t slice = 0; slice < call.outputs[0]->slices(); ++slice) run_slice(call, slice);
}

void BandExpressions::run_slice(const workflow::BlockCall& call, size_t slice) const {
  const CubeSchema& schema = *call.input_schemas[0];
  const Block& in = *call.inputs[0];
  Block& out = *call.outputs[0];
  for (size_t i = 0; i < kept_.size(); ++i) {
    const size_t bytes = in.pixels() * raster::byte_size(in.type(kept_[i]));
    std::memcpy(out.raw_plane(i, slice), in.raw_plane(kept_[i], slice), bytes);
    const auto valid = in.validity(slice, kept_[i]);
    std::copy(valid.begin(), valid.end(), out.validity(slice, i).begin());
  }
  std::vector<Row> rows(input_bands_ + made_.size());
  for (size_t first = 0; first < in.pixels(); first += kPixelsAtOnce) {
    const size_t count = std::min(kPixelsAtOnce, in.pixels() - first);
    for (const size_t band : read_)
      read(in, schema.bands[band], band, slice, first, count, rows[band]);
    for (size_t i = 0; i < made_.size(); ++i) make(i, rows, first, count, slice, out);
  }
}

void BandExpressions::make(size_t made, std::vector<Row>& rows, size_t first, size_t count,
                           size_t slice, raster::Block& out) const {
  const auto& [name, expression, operands, unit, finite_only] = made_[made];
  const size_t band = kept_.size() + made;
  std::vector<const float*> values;
  std::vector<const uint8_t*> flags;
  for (const size_t operand : operands) {
    values.push_back(rows[operand].value);
    flags.push_back(rows[operand].valid);
  }
  Row& row = rows[input_bands_ + made];
  uint8_t* const valid = out.validity(slice, band).data() + first;
  const bool condition = expression.is_condition();
  if (condition) row.memory.resize(kPixelsAtOnce);
  float* const value = condition ? row.memory.data() : out.plane<float>(band, slice).data() + first;
  expression.evaluate<float>(values, flags, count, value, valid);
  // Invalid pixels keep what was computed for them: nobody looks at it.
  const auto kept = finite_only ? kernels::Numbers::finite : kernels::Numbers::finite_or_infinite;
  kernels::keep_numbers(value, count, kept, valid);
  if (condition) store_classes(value, valid, count, out.plane<uint8_t>(band, slice).data() + first);
  row.value = value;
  row.valid = valid;
}

std::vector<workflow::BandOrigin> BandExpressions::origins() const {
  std::vector<workflow::BandOrigin> origins;
  for (const size_t band : kept_) origins.push_back({{{0, band}}, true});
  workflow::BandOrigin made;
  for (const size_t band : read_) made.from.push_back({0, band});
  origins.resize(kept_.size() + made_.size(), made);
  return origins;
}

workflow::BlockPlan BandExpressionOp::plan(std::span<const CubeSchema* const> inputs) const {
  const auto bands = expressions(*inputs[0]);
  workflow::BlockPlan plan;
  plan.outputs = {bands.output(*inputs[0])};
  plan.time_need = workflow::TimeNeed::pointwise;
  plan.scratch_bytes_per_pixel = bands.scratch_bytes_per_pixel();
  plan.origins = bands.origins();
  return plan;
}

std::shared_ptr<const workflow::Prepared> BandExpressionOp::prepare(
    std::span<const workflow::FileContent>) const {
  return std::make_shared<PreparedExpressions>(
      [this](const CubeSchema& input) { return expressions(input); });
}

void BandExpressionOp::run(const workflow::BlockCall& call) const {
  dynamic_cast<const PreparedExpressions&>(*call.prepared).of(*call.input_schemas[0]).run(call);
}

}  // namespace geoloom::ops
