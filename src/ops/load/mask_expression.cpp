// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_expression.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/error.h"
#include "error/spelling.h"
#include "kernels/validity.h"

namespace geoloom::ops {
namespace {

constexpr size_t kPixelsAtOnce = 1024;

size_t band_called(const std::string& name, const std::vector<raster::Band>& bands,
                   const std::string& rule) {
  const auto found = std::find_if(bands.begin(), bands.end(),
                                  [&](const raster::Band& band) { return band.name == name; });
  if (found != bands.end()) return static_cast<size_t>(found - bands.begin());
  std::vector<std::string> known;
  for (const auto& band : bands) known.push_back(band.name);
  throw Error(ErrorCode::invalid, fmt::format("{}: '{}' is none of the loaded bands", rule, name))
      .hint(spelling_hint(name, known));
}

}  // namespace

kernels::Expression parse_condition(const std::string& text, const std::string& name) {
  try {
    auto expression = kernels::Expression::parse(text);
    if (!expression.is_condition())
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: '{}' is a number, not a condition", name, text))
          .hint("compare it, as in blue > 0.12");
    return expression;
  } catch (const kernels::ExpressionError& error) {
    throw Error(ErrorCode::invalid, fmt::format("{}: {}, at character {} of '{}'", name,
                                                error.what(), error.position + 1, text))
        .hint("such as blue > 0.12 and (green - swir16) / (green + swir16) > 0.4");
  }
}

MaskExpressions::MaskExpressions(const MaskRules& rules, const std::vector<raster::Band>& bands,
                                 const geo::Grid& grid) {
  for (size_t i = 0; i < rules.rules.size(); ++i) {
    const auto& text = rules.rules[i].condition();
    if (text.empty()) continue;
    const auto name = rules.name_of_condition(i);
    Condition condition{text,
                        parse_condition(text, name),
                        {},
                        cleaning_on(rules.rules[i].clean, grid, "pixels of the area"),
                        rules.rules[i].cloud_shadow ? std::optional(i) : std::nullopt};
    for (const auto& band : condition.expression.names())
      condition.bands.push_back(band_called(band, bands, name));
    const auto halo = kernels::cleaning_halo(condition.cleaning);
    halo_.columns = std::max(halo_.columns, halo.columns);
    halo_.rows = std::max(halo_.rows, halo.rows);
    conditions_.push_back(std::move(condition));
  }
  for (const auto& band : bands) physical_.push_back({band.scale, band.offset});
}

size_t MaskExpressions::scratch_bytes(int64_t columns, int64_t rows) const {
  const auto wide = static_cast<size_t>(columns), high = static_cast<size_t>(rows);
  size_t most = 0;
  for (const auto& condition : conditions_)
    most = std::max(most, kernels::cleaning_bytes(wide, high, condition.cleaning));
  return conditions_.empty() ? 0 : most + 3 * wide * high;
}

void MaskExpressions::evaluate(const Condition& condition, const raster::Block& block, size_t slice,
                               std::vector<uint8_t>& holds) const {
  std::vector<double> result(kPixelsAtOnce);
  std::vector<std::vector<double>> values(condition.bands.size(),
                                          std::vector<double>(kPixelsAtOnce));
  std::vector<const double*> inputs;
  for (const auto& each : values) inputs.push_back(each.data());
  holds.resize(block.pixels());
  for (size_t first = 0; first < holds.size(); first += kPixelsAtOnce) {
    const size_t count = std::min(kPixelsAtOnce, holds.size() - first);
    for (size_t n = 0; n < values.size(); ++n) {
      const size_t band = condition.bands[n];
      const Physical& physical = physical_[band];
      raster::visit(block.type(band), [&]<class T>(T) {
        const T* const from = static_cast<const T*>(block.raw_plane(band, slice)) + first;
        for (size_t i = 0; i < count; ++i)
          values[n][i] = static_cast<double>(from[i]) * physical.scale + physical.offset;
      });
    }
    condition.expression.evaluate<double>(inputs, count, result.data());
    for (size_t i = 0; i < count; ++i) holds[first + i] = result[i] != 0 ? 1 : 0;
  }
}

void MaskExpressions::take_out(const Condition& condition, const raster::Block& block, size_t slice,
                               std::span<const uint8_t> valid, const Within& within,
                               std::vector<uint8_t>& out) const {
  evaluate(condition, block, slice, out);
  if (condition.within) {
    const auto where = within(*condition.within, block.window());
    kernels::keep_where(where.data(), out.size(), out.data());
  }
  kernels::keep_where(valid.data(), out.size(), out.data());
  kernels::clean_mask(out.data(), static_cast<size_t>(block.window().width),
                      static_cast<size_t>(block.window().height), condition.cleaning);
}

// All conditions are about what is valid before the first of them, so their order does not matter.
void MaskExpressions::erase(raster::Block& block, size_t slice, const Within& within) const {
  const auto valid = block.validity(slice);
  const std::vector<uint8_t> before(valid.begin(), valid.end());
  std::vector<uint8_t> out;
  for (const auto& condition : conditions_) {
    take_out(condition, block, slice, before, within, out);
    for (size_t i = 0; i < out.size(); ++i) valid[i] &= static_cast<uint8_t>(out[i] ^ 1U);
  }
}

std::string MaskExpressions::reason(const raster::Block& block, const Within& within) const {
  const auto middle = static_cast<size_t>(halo_.rows * block.window().width + halo_.columns);
  std::vector<uint8_t> out;
  for (const auto& condition : conditions_) {
    take_out(condition, block, 0, block.validity(0), within, out);
    if (out[middle] == 0) continue;
    const std::string by = (condition.within ? "a cloud's shadow where " : "") + condition.text;
    auto uncleaned = condition;
    uncleaned.cleaning.clear();
    take_out(uncleaned, block, 0, block.validity(0), within, out);
    return (out[middle] != 0 ? "masked by " : "near pixels masked by ") + by;
  }
  return {};
}

}  // namespace geoloom::ops
