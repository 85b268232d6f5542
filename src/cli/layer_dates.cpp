// SPDX-License-Identifier: Apache-2.0
#include "cli/layer_dates.h"

#include <fmt/format.h>

#include <map>
#include <tuple>

#include "error/error.h"

namespace geoloom::cli {
namespace {

// Composites without a name have the period of their scenes, which differs from tile to tile.
using Key = std::tuple<std::string, std::string>;

Key key_of(const workflow::Item& item, const raster::Slice& slice) {
  return {workflow::text_of(item.at()), slice.label};
}

}  // namespace

std::string LayerDate::text() const {
  if (!slice.timed) return slice.label.empty() ? "no time" : slice.label;
  if (slice.period.end <= slice.period.start) return geo::format_date(slice.period.start);
  return geo::format_period(slice.period);
}

LayerContent layer_content(const OpenedRun& opened, const std::string& layer,
                           std::optional<size_t> zone) {
  const auto& run = *opened.run;
  workflow::require_pixels(run.info(layer), "--layer");
  LayerContent content;
  content.step = run.workflow().layer_producer.at(layer);
  std::map<Key, LayerDate> dates;
  const auto& items = run.steps()[content.step].items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (zone && items[i].zone != *zone) continue;
    ++content.items;
    const auto* receipt = opened.state->receipt(content.step, i);
    if (receipt == nullptr) continue;
    ++(receipt->empty ? content.empty : content.made);
    for (const auto& output : receipt->outputs) {
      if (output.layer != layer || !output.schema) continue;
      content.bytes += output.bytes;
      content.media_type = output.media_type;
      const auto& slices = output.schema->slices;
      const size_t bands = output.schema->bands.size();
      for (size_t s = 0; s < slices.size(); ++s) {
        auto& date = dates.try_emplace(key_of(items[i], slices[s]), LayerDate{slices[s], {}, 0, 0})
                         .first->second;
        date.slice.period.start = std::min(date.slice.period.start, slices[s].period.start);
        date.slice.period.end = std::max(date.slice.period.end, slices[s].period.end);
        date.parts.push_back({i, s});
        for (size_t b = s * bands; b < std::min((s + 1) * bands, output.bands.size()); ++b) {
          date.valid_samples += output.bands[b].valid;
          date.samples += output.bands[b].total;
        }
      }
    }
  }
  for (auto& [key, date] : dates) {
    if (date.slice.label.empty()) date.slice.label = std::get<0>(key);
    content.dates.push_back(std::move(date));
  }
  std::stable_sort(content.dates.begin(), content.dates.end(), [](const auto& a, const auto& b) {
    return std::tie(a.slice.period.start, a.slice.period.end, a.slice.label) <
           std::tie(b.slice.period.start, b.slice.period.end, b.slice.label);
  });
  return content;
}

}  // namespace geoloom::cli
