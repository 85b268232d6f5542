// SPDX-License-Identifier: Apache-2.0
#include "workflow/item.h"

#include <fmt/format.h>

#include <algorithm>

namespace geoloom::workflow {

const AxisLabels& Item::at() const {
  static const AxisLabels none;
  return labels ? *labels : none;
}

const Axis* Domain::find(const std::string& axis) const {
  for (const auto& list : lists)
    if (list.name == axis) return &list;
  return nullptr;
}

std::string Domain::text() const {
  std::string out = over_tiles()     ? "tiles"
                    : over_zones()   ? "zones"
                    : over_windows() ? "windows of " + windows->file
                                     : "";
  for (const auto& list : lists) out += (out.empty() ? "" : " x ") + list.name;
  return out.empty() ? "all" : out;
}

bool usable_as_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name != "all" && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

std::string item_name(std::string_view tile_or_zone, const AxisLabels& labels) {
  const auto text = text_of(labels);
  if (text.empty()) return std::string(tile_or_zone);
  return tile_or_zone == "all" ? text : fmt::format("{}.{}", tile_or_zone, text);
}

std::vector<Item> times_chains(const std::vector<Item>& items,
                               const std::vector<AxisLabels>& chains) {
  std::vector<Item> out;
  out.reserve(items.size() * chains.size());
  for (size_t c = 0; c < chains.size(); ++c) {
    const auto labels = chains[c].empty() ? nullptr : std::make_shared<const AxisLabels>(chains[c]);
    for (const auto& item : items) {
      auto& made = out.emplace_back(item);
      made.tile_length = item.name.size();
      if (!labels) continue;
      made.name = item_name(item.name, *labels);
      made.index = static_cast<int64_t>(out.size()) - 1;
      made.chain = c;
      made.labels = labels;
      if (made.name.size() == text_of(*labels).size()) made.tile_length = 0;
    }
  }
  return out;
}

std::vector<Item> tile_items(const std::vector<Zone>& zones, const Tiling& tiling,
                             int64_t coarsening) {
  std::vector<Item> items;
  for (size_t z = 0; z < zones.size(); ++z) {
    const auto& grid = zones[z].grid;
    const auto prefix = zones.size() > 1 ? zones[z].name + "_" : std::string();
    for (int64_t row = 0; row < tiling.rows(grid); ++row) {
      for (int64_t column = 0; column < tiling.columns(grid); ++column) {
        const geo::Window full{column * tiling.tile_width, row * tiling.tile_height,
                               tiling.tile_width, tiling.tile_height};
        Item item;
        item.name = fmt::format("{}{}_{}", prefix, full.x * coarsening, full.y * coarsening);
        item.index = static_cast<int64_t>(items.size());
        item.zone = z;
        item.window = full.intersect(grid.window());
        item.grid = grid.sub(item.window);
        items.push_back(std::move(item));
      }
    }
  }
  return items;
}

std::vector<Item> zone_items(const std::vector<Zone>& zones) {
  std::vector<Item> items;
  for (size_t z = 0; z < zones.size(); ++z)
    items.push_back(
        {zones[z].name, static_cast<int64_t>(z), z, zones[z].grid.window(), zones[z].grid});
  return items;
}

Item whole_area_item(const std::vector<Zone>& zones) {
  Item item = zone_items(zones).front();
  item.name = "all";
  item.every_zone = true;
  return item;
}

}  // namespace geoloom::workflow
