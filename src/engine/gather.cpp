// SPDX-License-Identifier: Apache-2.0
#include "engine/gather.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace geoloom::engine {
namespace {

constexpr size_t kNamed = 20;

bool enough(const workflow::Portion& wanted, const LayerGaps& gaps) {
  return gaps.items - gaps.missing.size() >= wanted.at_least(gaps.items);
}

std::string text_of(const LayerGaps& gaps) {
  const auto named = std::min(kNamed, gaps.missing.size());
  return fmt::format(
      "{} of {} items of layer '{}' are missing: {}{}", gaps.missing.size(), gaps.items, gaps.layer,
      fmt::join(gaps.missing.begin(), gaps.missing.begin() + static_cast<std::ptrdiff_t>(named),
                ", "),
      named < gaps.missing.size() ? fmt::format(" and {} more", gaps.missing.size() - named) : "");
}

}  // namespace

std::vector<LayerGaps> gaps_of(const workflow::StepRun& step, const workflow::Item& item,
                               const workflow::Layers& layers) {
  std::vector<LayerGaps> all;
  const auto& made = step.step->layers_made;
  for (const auto& layer : step.step->layers_read) {
    if (std::find(made.begin(), made.end(), layer) != made.end()) continue;
    LayerGaps gaps{layer, 0, {}};
    for (const auto& entry : layers.files(layer, item)) {
      ++gaps.items;
      if (!entry.file) gaps.missing.push_back(entry.item.name);
    }
    if (!gaps.missing.empty()) all.push_back(std::move(gaps));
  }
  return all;
}

bool enough_to_gather(const workflow::StepRun& step, const workflow::Item& item,
                      const workflow::Layers& layers) {
  const auto& wanted = step.step->policy.min_ok;
  if (!wanted || !step.step->is_task()) return true;
  const auto gaps = gaps_of(step, item, layers);
  return std::all_of(gaps.begin(), gaps.end(),
                     [&](const LayerGaps& each) { return enough(*wanted, each); });
}

std::vector<std::string> notes_of_gaps(const workflow::StepRun& step, const workflow::Item& item,
                                       const workflow::Layers& layers) {
  std::vector<std::string> notes;
  const auto& wanted = step.step->policy.min_ok;
  if (!wanted) return notes;
  for (const auto& gaps : gaps_of(step, item, layers)) {
    if (!enough(*wanted, gaps))
      throw Error(ErrorCode::missing, fmt::format("{}; `min_ok` wants {} of {}", text_of(gaps),
                                                  wanted->at_least(gaps.items), gaps.items))
          .hint("run again to make them; `geoloom runs why` tells why they are missing");
    notes.push_back(fmt::format("{}; made without them, as `min_ok: {}` allows", text_of(gaps),
                                workflow::text_of(*wanted)));
  }
  return notes;
}

}  // namespace geoloom::engine
