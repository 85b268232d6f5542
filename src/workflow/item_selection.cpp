// SPDX-License-Identifier: Apache-2.0
// Which items a selection on the command line means.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "error/error.h"
#include "error/spelling.h"
#include "workflow/item.h"

namespace geoloom::workflow {
namespace {

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

class Selector {
 public:
  explicit Selector(const std::vector<Item>& items) : items_(items), chosen_(items.size(), false) {}

  void take_all() { chosen_.assign(items_.size(), true); }

  // One comma-separated part: a name, an index, a range of indices or a slice.
  void take(std::string_view part) {
    if (names_.empty())
      for (size_t i = 0; i < items_.size(); ++i) names_.emplace(items_[i].name, i);
    if (const auto named = names_.find(part); named != names_.end()) {
      chosen_[named->second] = true;
      return;
    }
    if (part.find(':') != std::string_view::npos) return take_slice(part);
    const auto dash = part.find('-');
    const auto first = number_of<int64_t>(part.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : number_of<int64_t>(part.substr(dash + 1));
    if (!first || !last || *first < 0 || *first > *last || *last >= count()) refuse(part);
    for (auto i = *first; i <= *last; ++i) chosen_[static_cast<size_t>(i)] = true;
  }

  // Tiles whose outline reaches into longitudes and latitudes.
  void take_box(const std::array<double, 4>& wsen) {
    bool any = false;
    for (size_t i = 0; i < items_.size(); ++i) {
      if (!meets(items_[i].grid, wsen)) continue;
      chosen_[i] = true;
      any = true;
    }
    if (!any) refuse("bbox");
  }

  std::vector<Item> chosen() const {
    std::vector<Item> out;
    for (size_t i = 0; i < items_.size(); ++i)
      if (chosen_[i]) out.push_back(items_[i]);
    return out;
  }

 private:
  int64_t count() const { return static_cast<int64_t>(items_.size()); }

  [[noreturn]] void refuse(std::string_view part) const {
    std::vector<std::string> names;
    for (const auto& item : items_) names.push_back(item.name);
    throw Error(ErrorCode::invalid, fmt::format("--tiles: '{}' matches none of the {} tiles (0-{})",
                                                part, items_.size(), items_.size() - 1))
        .hint(spelling_hint(part, names));
  }

  // "first:end:step" as in Python: the end is left out, negative numbers count from the end.
  void take_slice(std::string_view part) {
    const auto fields = split(part, ':');
    const auto field = [&](size_t i, int64_t otherwise) {
      if (i >= fields.size() || fields[i].empty()) return otherwise;
      const auto value = number_of<int64_t>(fields[i]);
      if (!value) refuse(part);
      return *value;
    };
    const auto place = [&](int64_t index) {
      return std::clamp<int64_t>(index < 0 ? index + count() : index, 0, count());
    };
    const int64_t first = place(field(0, 0)), end = place(field(1, count())), step = field(2, 1);
    if (fields.size() > 3 || step < 1 || first >= end) refuse(part);
    for (auto i = first; i < end; i += step) chosen_[static_cast<size_t>(i)] = true;
  }

  // By the middle and eight points of the outline, with longitudes unwrapped around the middle.
  static bool meets(const geo::Grid& grid, const std::array<double, 4>& wsen) {
    const geo::Box box = grid.box();
    const double middle_x = (box.min_x + box.max_x) / 2, middle_y = (box.min_y + box.max_y) / 2;
    const double middle = geo::to_lon_lat(grid.crs, middle_x, middle_y).lon;
    std::optional<geo::Box> outline;
    for (const double x : {box.min_x, middle_x, box.max_x}) {
      for (const double y : {box.min_y, middle_y, box.max_y}) {
        auto place = geo::to_lon_lat(grid.crs, x, y);
        if (place.lon - middle > 180) place.lon -= 360;
        if (place.lon - middle < -180) place.lon += 360;
        if (!outline) outline = {place.lon, place.lat, place.lon, place.lat};
        outline = {std::min(outline->min_x, place.lon), std::min(outline->min_y, place.lat),
                   std::max(outline->max_x, place.lon), std::max(outline->max_y, place.lat)};
      }
    }
    const double east = wsen[2] < wsen[0] ? wsen[2] + 360 : wsen[2];
    for (const double turn : {-360.0, 0.0, 360.0})
      if (outline->intersects({wsen[0] + turn, wsen[1], east + turn, wsen[3]})) return true;
    return false;
  }

  const std::vector<Item>& items_;
  std::vector<bool> chosen_;
  std::unordered_map<std::string_view, size_t> names_;
};

std::array<double, 4> box_of(const std::vector<std::string_view>& parts, size_t at) {
  std::array<double, 4> wsen{};
  constexpr std::string_view kKey = "bbox=";
  for (size_t i = 0; i < 4; ++i) {
    const auto text = at + i < parts.size() ? parts[at + i] : std::string_view();
    const auto value = number_of<double>(i == 0 ? text.substr(kKey.size()) : text);
    if (!value)
      throw Error(ErrorCode::invalid, "--tiles: bbox needs west, south, east and north in degrees")
          .hint("as in --tiles bbox=1.2,43.1,1.8,43.6");
    wsen[i] = *value;
  }
  return wsen;
}

// Evenly spread, and from the middle of each share, so that a sample of one is not a corner.
std::vector<Item> sampled(const std::vector<Item>& items, size_t wanted) {
  std::vector<Item> out;
  for (size_t i = 0; i < wanted; ++i)
    out.push_back(items[(2 * i + 1) * items.size() / (2 * wanted)]);
  return out;
}

}  // namespace

std::vector<Item> select_items(const std::vector<Item>& items, const Selection& selection) {
  if (selection.everything() || items.empty()) return items;
  Selector selector(items);
  if (selection.tiles.empty()) {
    selector.take_all();
  } else {
    const auto parts = split(selection.tiles, ',');
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!parts[i].starts_with("bbox=")) {
        selector.take(parts[i]);
        continue;
      }
      selector.take_box(box_of(parts, i));
      i += 3;
    }
  }
  auto out = selector.chosen();
  const auto wanted = static_cast<size_t>(selection.sample);
  if (wanted == 0 || wanted >= out.size()) return out;
  return sampled(out, wanted);
}

}  // namespace geoloom::workflow
