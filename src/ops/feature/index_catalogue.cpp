// SPDX-License-Identifier: Apache-2.0
#include "ops/feature/index_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "kernels/expression.h"
#include "workflow/value.h"

namespace geoloom::ops {
namespace {

using workflow::Value;

std::string text_of(const Value& map, std::string_view key) {
  const Value* const member = map.find(key);
  return member == nullptr ? std::string() : member->text;
}

bool same_in_any_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool part_of_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string kernel_text(std::string_view a, std::string_view b, IndexKernel kernel) {
  if (kernel == IndexKernel::linear) return fmt::format("({} * {})", a, b);
  if (kernel == IndexKernel::polynomial) return fmt::format("(({} * {} + c) ^ p)", a, b);
  return fmt::format("exp(-(({} - {}) ^ 2) / (2 * sigma ^ 2))", a, b);
}

}  // namespace

std::string with_names_replaced(std::string_view formula,
                                const std::map<std::string, std::string>& text_for) {
  std::string out;
  for (size_t i = 0; i < formula.size();) {
    size_t end = i;
    while (end < formula.size() && part_of_name(formula[end])) ++end;
    if (end == i) {
      out += formula[i++];
      continue;
    }
    const std::string word(formula.substr(i, end - i));
    const auto found = text_for.find(word);
    out += found == text_for.end() ? word : found->second;
    i = end;
  }
  return out;
}

const IndexCatalogue& IndexCatalogue::get() {
  static const IndexCatalogue catalogue;
  return catalogue;
}

IndexCatalogue::IndexCatalogue() {
  for (const auto& [name, text] : index_table()) {
    const auto file = workflow::parse_yaml(text, fmt::format("indices/{}.yaml", name));
    for (const auto& [letter, band] : file.find("bands")->map)
      bands_[letter] = {text_of(band, "common"), text_of(band, "title")};
    for (const auto& [letter, constant] : file.find("constants")->map) {
      const Value* const value = constant.find("default");
      constants_[letter] = {value == nullptr ? std::nullopt : std::optional(value->number),
                            text_of(constant, "title")};
    }
    for (const auto& [index, entry] : file.find("indices")->map)
      indices_.push_back({index, text_of(entry, "title"), text_of(entry, "domain"),
                          text_of(entry, "formula"), text_of(entry, "reference")});
  }
}

const SpectralIndex* IndexCatalogue::find(std::string_view name) const {
  const SpectralIndex* found = nullptr;
  size_t count = 0;
  for (const auto& index : indices_) {
    if (index.name == name) return &index;
    if (!same_in_any_case(index.name, name)) continue;
    found = &index;
    ++count;
  }
  return count == 1 ? found : nullptr;
}

std::string IndexCatalogue::formula(const SpectralIndex& index, IndexKernel kernel) const {
  // kAB is the kernel of A and B, which are letters of bands or L, the soil's adjustment.
  std::map<std::string, std::string> kernels;
  const auto names = kernels::Expression::parse(index.formula).names();
  for (const auto& name : names) {
    if (name.size() != 3 || name[0] != 'k') continue;
    kernels[name] = kernel_text(name.substr(1, 1), name.substr(2, 1), kernel);
  }
  return with_names_replaced(index.formula, kernels);
}

std::vector<std::string> IndexCatalogue::letters(const SpectralIndex& index) const {
  std::vector<std::string> out;
  const auto expression = kernels::Expression::parse(formula(index, IndexKernel::rbf));
  for (const auto& name : expression.names())
    if (!constants_.contains(name)) out.push_back(name);
  return out;
}

}  // namespace geoloom::ops
