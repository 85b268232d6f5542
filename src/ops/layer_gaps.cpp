// SPDX-License-Identifier: Apache-2.0
#include "ops/layer_gaps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace geoloom::ops {

void LayerGaps::add(const workflow::Layers::Entry& entry) {
  ++items_;
  if (!entry.file) missing_.push_back(entry.item.name);
}

void LayerGaps::refuse(const std::string& remedy) const {
  if (missing_.empty()) return;
  throw Error(ErrorCode::missing, text())
      .hint(fmt::format("run again to make them, or {}", remedy));
}

void LayerGaps::note(const std::string& treatment, const workflow::TaskContext& context) const {
  if (!missing_.empty() && context.notes != nullptr)
    context.notes->push_back(text() + "; " + treatment);
}

std::string LayerGaps::text() const {
  constexpr size_t kNamed = 20;
  const std::vector<std::string> named(
      missing_.begin(),
      missing_.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, missing_.size())));
  return fmt::format(
      "{} of {} items of layer '{}' are missing: {}{}", missing_.size(), items_, layer_,
      fmt::join(named, ", "),
      missing_.size() > kNamed ? fmt::format(" and {} more", missing_.size() - kNamed) : "");
}

}  // namespace geoloom::ops
