// SPDX-License-Identifier: Apache-2.0
#include "engine/item_places.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

#include "geo/coordinate_operation.h"

namespace geoloom::engine {
namespace {

using workflow::OrderedJson;

// Cells along a side of a zone. Positions between the corners of a cell of a UTM zone are then some
// ten metres off: less than a line is wide.
constexpr int64_t kLattice = 24, kLatticeOfMany = 8;
constexpr size_t kManyZones = 12;

// Texts by the order in which they first came.
class Texts {
 public:
  int64_t index_of(std::string_view text) {
    const auto [found, added] = places_.try_emplace(std::string(text), all_.size());
    if (added) all_.emplace_back(text);
    return static_cast<int64_t>(found->second);
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::unordered_map<std::string, size_t> places_;
  std::vector<std::string> all_;
};

// Distinct windows, as five columns of numbers. Steps mostly go over the same windows in the same
// order, so the one after the last found is looked at first.
class Places {
 public:
  int64_t index_of(const workflow::Item& item) {
    const std::array<int64_t, 5> row{static_cast<int64_t>(item.zone), item.window.x, item.window.y,
                                     item.window.width, item.window.height};
    if (++last_ < rows_.size() && rows_[last_] == row) return static_cast<int64_t>(last_);
    const auto [found, added] = known_.try_emplace(row, rows_.size());
    if (added) rows_.push_back(row);
    last_ = found->second;
    return static_cast<int64_t>(last_);
  }
  OrderedJson json() const {
    constexpr std::array<const char*, 5> kColumns{"zone", "x", "y", "width", "height"};
    OrderedJson json{{"count", rows_.size()}};
    for (size_t c = 0; c < kColumns.size(); ++c) {
      std::vector<int64_t> column;
      column.reserve(rows_.size());
      for (const auto& row : rows_) column.push_back(row[c]);
      json[kColumns[c]] = run_lengths_of_differences(column);
    }
    return json;
  }

 private:
  std::map<std::array<int64_t, 5>, size_t> known_;
  std::vector<std::array<int64_t, 5>> rows_;
  size_t last_ = static_cast<size_t>(-1);
};

double rounded(double degrees) {
  return std::round(degrees * 1e6) / 1e6;
}

// Longitudes and latitudes of the corners of a zone's cells; null where a corner has none.
OrderedJson lattice_of(const geo::Grid& grid, int64_t cells) {
  std::vector<double> x, y;
  for (int64_t row = 0; row <= cells; ++row) {
    for (int64_t column = 0; column <= cells; ++column) {
      const auto share = [&](int64_t at) {
        return static_cast<double>(at) / static_cast<double>(cells);
      };
      x.push_back(grid.origin_x +
                  share(column) * grid.pixel_width * static_cast<double>(grid.width));
      y.push_back(grid.origin_y -
                  share(row) * grid.pixel_height * static_cast<double>(grid.height));
    }
  }
  geo::CoordinateOperation::between(grid.crs, geo::Crs::parse("EPSG:4326")).forward(x, y);
  OrderedJson lon = OrderedJson::array(), lat = OrderedJson::array();
  for (size_t i = 0; i < x.size(); ++i) {
    lon.push_back(std::isfinite(x[i]) ? OrderedJson(rounded(x[i])) : OrderedJson());
    lat.push_back(std::isfinite(y[i]) ? OrderedJson(rounded(y[i])) : OrderedJson());
  }
  return {{"lon", lon}, {"lat", lat}};
}

std::string name_of(const geo::Crs& crs) {
  return crs.code().empty() ? "CRS without a code" : crs.code();
}

OrderedJson zones_json(const std::vector<workflow::Zone>& zones) {
  auto json = OrderedJson::array();
  const auto cells = zones.size() > kManyZones ? kLatticeOfMany : kLattice;
  for (const auto& zone : zones) {
    const auto& grid = zone.grid;
    OrderedJson entry{{"name", zone.name},
                      {"crs", name_of(grid.crs)},
                      {"origin", {grid.origin_x, grid.origin_y}},
                      {"pixel", {grid.pixel_width, grid.pixel_height}},
                      {"size", {grid.width, grid.height}}};
    if (zones.size() > 1) {
      entry["cells"] = cells;
      entry["lattice"] = lattice_of(grid, cells);
    }
    json.push_back(std::move(entry));
  }
  return json;
}

}  // namespace

std::vector<int64_t> run_lengths_of_differences(const std::vector<int64_t>& numbers) {
  std::vector<int64_t> runs;
  int64_t before = 0;
  for (const auto number : numbers) {
    const auto difference = number - before;
    before = number;
    if (!runs.empty() && runs[runs.size() - 2] == difference) {
      ++runs.back();
      continue;
    }
    runs.push_back(difference);
    runs.push_back(1);
  }
  return runs;
}

std::string run_lengths_of_letters(const std::string& letters) {
  std::string text;
  for (size_t i = 0; i < letters.size();) {
    size_t end = i;
    while (end < letters.size() && letters[end] == letters[i]) ++end;
    text += letters[i];
    if (end - i > 1) text += std::to_string(end - i);
    i = end;
  }
  return text;
}

OrderedJson item_places(const workflow::Run& run) {
  Texts texts;
  Places places;
  auto steps = OrderedJson::array();
  for (const auto& step : run.steps()) {
    std::vector<int64_t> place, first, second;
    for (const auto& item : step.items) {
      const std::string_view name = item.name;
      place.push_back(places.index_of(item));
      first.push_back(texts.index_of(name.substr(0, item.tile_length)));
      second.push_back(texts.index_of(name.substr(item.tile_length)));
    }
    steps.push_back({{"place", run_lengths_of_differences(place)},
                     {"first", run_lengths_of_differences(first)},
                     {"second", run_lengths_of_differences(second)}});
  }
  const bool too_many = texts.all().size() > kMostNamesOfItems;
  return {{"crs", run.zones().size() > 1 ? "lon/lat" : name_of(run.zones().front().grid.crs)},
          {"zones", zones_json(run.zones())},
          {"places", places.json()},
          {"names", too_many ? OrderedJson::array() : OrderedJson(texts.all())},
          {"names_left_out", too_many ? texts.all().size() : 0},
          {"steps", steps}};
}

}  // namespace geoloom::engine
