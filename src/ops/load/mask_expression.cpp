// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_expression.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/error.h"
#include "error/spelling.h"

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
  throw Error(ErrorCode::invalid,
              fmt::format("{}.expression: '{}' is none of the loaded bands", rule, name))
      .hint(spelling_hint(name, known));
}

}  // namespace

kernels::Expression parse_condition(const std::string& text, const std::string& name) {
  try {
    auto expression = kernels::Expression::parse(text);
    if (!expression.is_condition())
      throw Error(ErrorCode::invalid,
                  fmt::format("{}.expression: '{}' is a number, not a condition", name, text))
          .hint("compare it, as in blue > 0.12");
    return expression;
  } catch (const kernels::ExpressionError& error) {
    throw Error(ErrorCode::invalid, fmt::format("{}.expression: {}, at character {} of '{}'", name,
                                                error.what(), error.position + 1, text))
        .hint("such as blue > 0.12 and (green - swir16) / (green + swir16) > 0.4");
  }
}

MaskExpressions::MaskExpressions(const MaskRules& rules, const std::vector<raster::Band>& bands) {
  for (size_t i = 0; i < rules.rules.size(); ++i) {
    const auto& text = rules.rules[i].expression;
    if (text.empty()) continue;
    Condition condition{text, parse_condition(text, rules.name(i)), {}};
    for (const auto& name : condition.expression.names())
      condition.bands.push_back(band_called(name, bands, rules.name(i)));
    conditions_.push_back(std::move(condition));
  }
  for (const auto& band : bands) physical_.push_back({band.scale, band.offset});
}

void MaskExpressions::erase(raster::Block& block, size_t slice) const {
  std::vector<double> holds(kPixelsAtOnce);
  const auto valid = block.validity(slice);
  for (const auto& condition : conditions_) {
    std::vector<std::vector<double>> values(condition.bands.size(),
                                            std::vector<double>(kPixelsAtOnce));
    std::vector<const double*> inputs;
    for (const auto& each : values) inputs.push_back(each.data());
    for (size_t first = 0; first < valid.size(); first += kPixelsAtOnce) {
      const size_t count = std::min(kPixelsAtOnce, valid.size() - first);
      for (size_t n = 0; n < values.size(); ++n) {
        const size_t band = condition.bands[n];
        const auto [scale, offset] = physical_[band];
        raster::visit(block.type(band), [&]<class T>(T) {
          const T* const from = static_cast<const T*>(block.raw_plane(band, slice)) + first;
          for (size_t i = 0; i < count; ++i)
            values[n][i] = static_cast<double>(from[i]) * scale + offset;
        });
      }
      condition.expression.evaluate<double>(inputs, count, holds.data());
      for (size_t i = 0; i < count; ++i)
        valid[first + i] = holds[i] != 0 ? uint8_t{0} : valid[first + i];
    }
  }
}

std::string MaskExpressions::reason(
    const std::vector<std::pair<std::string, double>>& values) const {
  for (const auto& condition : conditions_) {
    std::vector<double> inputs;
    for (const size_t band : condition.bands)
      inputs.push_back(values.at(band).second * physical_[band].scale + physical_[band].offset);
    if (condition.expression.evaluate_one<double>(inputs) != 0)
      return "masked by " + condition.text;
  }
  return {};
}

}  // namespace geoloom::ops
