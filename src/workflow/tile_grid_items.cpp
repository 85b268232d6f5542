// SPDX-License-Identifier: Apache-2.0
// Items and JSON of a tile grid.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "workflow/tile_grid.h"

namespace geoloom::workflow {
namespace {

// eo-grow numbers the cells of an area: n over all zones, columns and rows from the first ones the
// area takes in each zone.
class SequenceNames {
 public:
  explicit SequenceNames(const TileGrid& grid) {
    int64_t total = 0;
    for (const auto& zone : grid.zones)
      for (const auto& run : zone.cells) total += run.count();
    digits_ = static_cast<int>(std::to_string(std::max<int64_t>(0, total - 1)).size());
  }
  void begin(const TileGrid::ZoneTiles& zone) {
    first_column_ = zone.cells.front().column;
    first_row_ = zone.cells.front().first_row;
    for (const auto& run : zone.cells) first_row_ = std::min(first_row_, run.first_row);
  }
  std::string next(int64_t column, int64_t row) {
    return fmt::format("eopatch-id-{:0{}}-col-{}-row-{}", count_++, digits_, column - first_column_,
                       row - first_row_);
  }

 private:
  int digits_ = 1;
  int64_t count_ = 0, first_column_ = 0, first_row_ = 0;
};

class ItemMaker {
 public:
  ItemMaker(const TileGrid& grid, const std::vector<Zone>& zones) : grid_(grid), zones_(zones) {
    int64_t count = 0;
    for (const auto& zone : grid.zones) {
      count += static_cast<int64_t>(zone.listed.size());
      for (const auto& run : zone.cells) count += run.count();
    }
    items_.reserve(static_cast<size_t>(count * grid.split_x * grid.split_y));
  }

  // `inner` is the window without the buffer; `box` what it covers.
  void add(size_t zone, const std::string& name, const geo::Window& inner, const geo::Box& box) {
    const int64_t width = inner.width / grid_.split_x, height = inner.height / grid_.split_y;
    const bool split = grid_.split_x > 1 || grid_.split_y > 1;
    for (int64_t ix = 0; ix < grid_.split_x; ++ix) {
      for (int64_t iy = 0; iy < grid_.split_y; ++iy) {
        const int64_t down = (grid_.split_y - 1 - iy) * height;
        const geo::Window part{inner.x + ix * width, inner.y + down, width, height};
        add_part(zone, split ? fmt::format("{}_{}_{}", name, ix, iy) : name, part, box, ix * width,
                 down);
      }
    }
  }
  std::vector<Item> take() {
    for (size_t i = 0; i < items_.size(); ++i) items_[i].index = static_cast<int64_t>(i);
    return std::move(items_);
  }
  void sort_by_name() {
    std::sort(items_.begin(), items_.end(),
              [](const Item& a, const Item& b) { return a.name < b.name; });
  }

 private:
  // The origin counts from the cell's own corner: it must not change in the last digit when the
  // area, and with it the zone's grid, does.
  void add_part(size_t zone, std::string name, const geo::Window& part, const geo::Box& box,
                int64_t right, int64_t down) {
    const auto& grid = zones_[zone].grid;
    Item item;
    item.name = std::move(name);
    item.tile_length = item.name.size();
    item.zone = zone;
    item.window = {part.x - grid_.buffer_x, part.y - grid_.buffer_y,
                   part.width + 2 * grid_.buffer_x, part.height + 2 * grid_.buffer_y};
    item.grid = grid.sub(item.window);
    item.grid.origin_x = box.min_x + static_cast<double>(right - grid_.buffer_x) * grid.pixel_width;
    item.grid.origin_y = box.max_y - static_cast<double>(down - grid_.buffer_y) * grid.pixel_height;
    items_.push_back(std::move(item));
  }

  const TileGrid& grid_;
  const std::vector<Zone>& zones_;
  std::vector<Item> items_;
};

geo::Window inner_window(const geo::Box& box, const geo::Grid& grid) {
  return {std::llround((box.min_x - grid.origin_x) / grid.pixel_width),
          std::llround((grid.origin_y - box.max_y) / grid.pixel_height),
          std::llround((box.max_x - box.min_x) / grid.pixel_width),
          std::llround((box.max_y - box.min_y) / grid.pixel_height)};
}

void add_cells(ItemMaker& maker, const TileGrid& grid, const std::vector<Zone>& zones) {
  const auto scheme = scheme_of(grid.scheme);
  SequenceNames sequence(grid);
  for (size_t zone = 0; zone < zones.size(); ++zone) {
    const auto& tiles = grid.zones[zone];
    if (grid.sequence_names) sequence.begin(tiles);
    for (const auto& run : tiles.cells) {
      for (int64_t row = run.first_row; row <= run.last_row; ++row) {
        const geo::Box box = scheme->cell_box(tiles.scheme_zone, run.column, row);
        maker.add(zone,
                  grid.sequence_names ? sequence.next(run.column, row)
                                      : scheme->cell_name(tiles.scheme_zone, run.column, row),
                  inner_window(box, zones[zone].grid), box);
      }
    }
  }
  if (scheme->ordered_by_name()) maker.sort_by_name();
}

void add_listed(ItemMaker& maker, const TileGrid& grid, const std::vector<Zone>& zones) {
  for (size_t zone = 0; zone < zones.size(); ++zone) {
    for (const auto& tile : grid.zones[zone].listed) {
      const geo::Window inner{tile.window.x + grid.buffer_x, tile.window.y + grid.buffer_y,
                              tile.window.width - 2 * grid.buffer_x,
                              tile.window.height - 2 * grid.buffer_y};
      maker.add(zone, tile.name, inner, zones[zone].grid.box(inner));
    }
  }
}

}  // namespace

std::vector<Item> tiles_of(const TileGrid& grid, const std::vector<Zone>& zones) {
  ItemMaker maker(grid, zones);
  if (grid.scheme.is_null())
    add_listed(maker, grid, zones);
  else
    add_cells(maker, grid, zones);
  return maker.take();
}

Json runs_to_json(const std::vector<geo::CellRun>& runs) {
  Json out = Json::array();
  for (const auto& run : runs) out.push_back({run.column, run.first_row, run.last_row});
  return out;
}

std::vector<geo::CellRun> runs_from_json(const Json& json) {
  std::vector<geo::CellRun> runs;
  for (const auto& run : json)
    runs.push_back({run.at(0).get<int64_t>(), run.at(1).get<int64_t>(), run.at(2).get<int64_t>()});
  return runs;
}

Json tile_grid_to_json(const TileGrid& grid) {
  Json zones = Json::array();
  for (const auto& zone : grid.zones) {
    Json listed = Json::array();
    for (const auto& tile : zone.listed)
      listed.push_back(
          {tile.name, tile.window.x, tile.window.y, tile.window.width, tile.window.height});
    zones.push_back({{"scheme_zone", zone.scheme_zone},
                     {"cells", runs_to_json(zone.cells)},
                     {"listed", listed}});
  }
  return {{"scheme", grid.scheme},
          {"buffer", {grid.buffer_x, grid.buffer_y}},
          {"split", {grid.split_x, grid.split_y}},
          {"sequence_names", grid.sequence_names},
          {"zones", zones}};
}

TileGrid tile_grid_from_json(const Json& json) {
  TileGrid grid;
  grid.scheme = json.at("scheme");
  grid.buffer_x = json.at("buffer").at(0).get<int64_t>();
  grid.buffer_y = json.at("buffer").at(1).get<int64_t>();
  grid.split_x = json.at("split").at(0).get<int64_t>();
  grid.split_y = json.at("split").at(1).get<int64_t>();
  grid.sequence_names = json.at("sequence_names").get<bool>();
  for (const auto& zone : json.at("zones")) {
    TileGrid::ZoneTiles tiles;
    tiles.scheme_zone = zone.at("scheme_zone").get<size_t>();
    tiles.cells = runs_from_json(zone.at("cells"));
    for (const auto& tile : zone.at("listed"))
      tiles.listed.push_back({tile.at(0).get<std::string>(),
                              {tile.at(1).get<int64_t>(), tile.at(2).get<int64_t>(),
                               tile.at(3).get<int64_t>(), tile.at(4).get<int64_t>()}});
    grid.zones.push_back(std::move(tiles));
  }
  return grid;
}

}  // namespace geoloom::workflow
