// SPDX-License-Identifier: Apache-2.0
#include "workflow/feature_windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "catalog/href.h"
#include "gdal/vector_file.h"
#include "geo/coordinate_operation.h"
#include "workflow/parameters.h"

namespace geoloom::workflow {
namespace {

// Parts of a pixel by which an outline may miss an edge that it means.
constexpr double kSnap = 1e-6;
constexpr int64_t kMostGrow = 4096;
// An edge of a feature is followed in steps of this part of its extent.
constexpr double kSteps = 16;

struct WindowsParameter {
  std::string file;
  std::optional<std::string> layer, where, name, crs;
  int64_t grow = 0;
  std::vector<std::string> period;
  void declare(Parameters& p) {
    p.add("file", &file, "Vector file, as of an aoi").main().required().meaning(Meaning::path);
    p.add("layer", &layer, "Of a file with several");
    p.add("where", &where, "Which features: a condition on columns, as in SQL");
    p.add("name", &name, "Column with unique names; default: w and the feature's number");
    p.add("crs", &crs, "CRS of a file that does not tell its own");
    p.add("grow", &grow, "Pixels more on every side").range(0, kMostGrow).unit("px");
    p.add("period", &period,
          "Which scenes a feature is made of: a column with periods, or two with the first and the "
          "last day");
  }
};

// Tiles by where they are, in squares as large as the largest of them.
class TileIndex {
 public:
  explicit TileIndex(const std::vector<Item>& tiles) : tiles_(tiles) {
    for (const auto& tile : tiles) {
      width_ = std::max(width_, tile.window.width);
      height_ = std::max(height_, tile.window.height);
    }
    for (size_t i = 0; i < tiles.size(); ++i)
      squares_[{tiles[i].zone, column(tiles[i].window.x), row(tiles[i].window.y)}].push_back(i);
  }

  // The first tile at the middle of the window, else the first one that touches it, else null.
  const Item* find(size_t zone, const geo::Window& window) const {
    const geo::Window middle{window.x + window.width / 2, window.y + window.height / 2, 1, 1};
    const Item* found = first(zone, middle);
    return found ? found : first(zone, window);
  }

  const Item* first(size_t zone, const geo::Window& window) const {
    size_t best = tiles_.size();
    for (int64_t c = column(window.x) - 1; c <= column(window.right() - 1); ++c) {
      for (int64_t r = row(window.y) - 1; r <= row(window.bottom() - 1); ++r) {
        const auto square = squares_.find({zone, c, r});
        if (square == squares_.end()) continue;
        for (const size_t i : square->second)
          if (i < best && !tiles_[i].window.intersect(window).empty()) best = i;
      }
    }
    return best == tiles_.size() ? nullptr : &tiles_[best];
  }

 private:
  struct Square {
    size_t zone;
    int64_t column, row;
    auto operator<=>(const Square&) const = default;
  };
  static int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
  int64_t column(int64_t x) const { return floor_div(x, width_); }
  int64_t row(int64_t y) const { return floor_div(y, height_); }

  const std::vector<Item>& tiles_;
  int64_t width_ = 1, height_ = 1;
  std::map<Square, std::vector<size_t>> squares_;
};

// First pixel and the one after the last that [low, high] touches, counted in pixels.
std::pair<int64_t, int64_t> pixels_between(double low, double high) {
  const auto snapped = [](double v) {
    const double whole = std::round(v);
    return std::abs(v - whole) < kSnap ? whole : v;
  };
  const auto first = static_cast<int64_t>(std::floor(snapped(low)));
  const auto end = static_cast<int64_t>(std::ceil(snapped(high)));
  return {first, std::max(end, first + 1)};
}

geo::Window window_of(const geo::Box& box, const geo::Grid& grid, int64_t grow) {
  const auto [left, right] = pixels_between((box.min_x - grid.origin_x) / grid.pixel_width,
                                            (box.max_x - grid.origin_x) / grid.pixel_width);
  const auto [top, bottom] = pixels_between((grid.origin_y - box.max_y) / grid.pixel_height,
                                            (grid.origin_y - box.min_y) / grid.pixel_height);
  const geo::Window window{left - grow, top - grow, right - left + 2 * grow,
                           bottom - top + 2 * grow};
  return window.intersect(grid.window());
}

class Finder {
 public:
  Finder(const WindowsOf& asked, const Area& area)
      : asked_(asked), area_(area), tiles_(tile_items(area)), index_(tiles_) {
    place_.file = asked.file;
  }

  FeatureWindows find() {
    const auto layers = gdal::read_vectors(catalog::gdal_path(asked_.file), query());
    check_layers(layers);
    for (const auto& layer : layers) add_layer(layer);
    if (out_.windows.empty())
      throw Error(ErrorCode::empty, fmt::format("none of the {} features of {} lies in the area",
                                                out_.features, asked_.file))
          .at(place_)
          .hint("look at the area, and at the CRS of the file");
    return std::move(out_);
  }

 private:
  gdal::VectorQuery query() const {
    gdal::VectorQuery query{.layer = asked_.layer, .where = asked_.where, .columns = {}};
    if (!asked_.name_column.empty()) query.columns = {asked_.name_column};
    query.columns.insert(query.columns.end(), asked_.period_columns.begin(),
                         asked_.period_columns.end());
    return query;
  }

  void check_layers(const std::vector<gdal::VectorLayer>& layers) const {
    if (layers.size() < 2) return;
    throw Error(ErrorCode::invalid,
                fmt::format("{} has several layers: {}, {}{}", asked_.file, layers[0].name,
                            layers[1].name, layers.size() > 2 ? " ..." : ""))
        .at(place_)
        .hint("say which one with `layer`");
  }

  void add_layer(const gdal::VectorLayer& layer) {
    const auto crs =
        gdal::crs_of(layer, asked_.crs, asked_.file, "`windows_of: {file: ..., crs: EPSG:4326}`");
    std::vector<geo::CoordinateOperation> to_zones;
    for (const auto& zone : area_.zones)
      to_zones.push_back(geo::CoordinateOperation::between(crs, zone.grid.crs));
    for (const auto& feature : layer.features) {
      ++out_.features;
      const auto name = name_of(feature);
      for (size_t zone = 0; zone < area_.zones.size(); ++zone)
        if (add_in_zone(zone, name, feature.geometry, to_zones[zone])) {
          out_.windows.back().period = period_of(feature);
          break;
        }
    }
  }

  std::string name_of(const gdal::VectorFeature& feature) {
    auto name =
        asked_.name_column.empty() ? fmt::format("w{}", feature.id) : feature.values.front();
    if (!usable_as_name(name))
      throw Error(ErrorCode::invalid,
                  fmt::format("'{}' cannot name a window (feature {})", name, feature.id))
          .at(place_)
          .hint("names are file names: up to 100 letters, digits, '_' and '-'");
    if (!names_.insert(name).second)
      throw Error(ErrorCode::invalid, fmt::format("two windows are called '{}'", name))
          .at(place_)
          .hint("name a column whose values are unique");
    return name;
  }

  geo::Period period_of(const gdal::VectorFeature& feature) const {
    const auto& columns = asked_.period_columns;
    if (columns.empty()) return {};
    const size_t first = asked_.name_column.empty() ? 0 : 1;
    const auto text = [&](size_t column) {
      auto value = feature.values[first + column];
      std::replace(value.begin(), value.end(), '/', '-');  // as OGR writes dates
      return value;
    };
    try {
      return geo::parse_period(columns.size() == 1 ? text(0) : text(0) + ".." + text(1));
    } catch (const Error& error) {
      throw Error(ErrorCode::invalid, fmt::format("feature {}: {}", feature.id, error.message()))
          .at(place_)
          .hint(fmt::format("column {} must hold {}; leave others out with `where`",
                            fmt::join(columns, " and "),
                            columns.size() == 1 ? "periods such as 2019-03..2019-09"
                                                : "dates such as 2019-03-15"));
    }
  }

  bool add_in_zone(size_t zone, const std::string& name, const gdal::Geometry& shape,
                   const geo::CoordinateOperation& operation) {
    const auto& grid = area_.zones[zone].grid;
    const auto box = bounds_in(shape, operation);
    if (!box || !box->intersects(grid.box())) return false;
    const auto window = window_of(*box, grid, asked_.grow_pixels);
    if (window.empty()) return false;
    const Item* tile = index_.find(zone, window);
    if (!tile) return false;
    const auto offset_x = static_cast<double>(window.x - tile->window.x);
    const auto offset_y = static_cast<double>(window.y - tile->window.y);
    out_.windows.push_back({name,
                            zone,
                            window,
                            tile->grid.origin_x + offset_x * grid.pixel_width,
                            tile->grid.origin_y - offset_y * grid.pixel_height,
                            {}});
    return true;
  }

  // Nothing where the shape has no place in the zone's CRS.
  static std::optional<geo::Box> bounds_in(const gdal::Geometry& shape,
                                           const geo::CoordinateOperation& operation) {
    try {
      const auto box = shape.bounds();
      const double extent = std::max(box.max_x - box.min_x, box.max_y - box.min_y);
      const auto fine = extent > 0 ? shape.densified(extent / kSteps) : shape;
      return fine.transformed(operation).bounds();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid) throw;
      return std::nullopt;
    }
  }

  const WindowsOf& asked_;
  const Area& area_;
  const std::vector<Item> tiles_;
  const TileIndex index_;
  Place place_;
  std::set<std::string> names_;
  FeatureWindows out_;
};

}  // namespace

WindowsOf windows_of_from(const Value& value) {
  WindowsParameter given;
  Parameters parameters;
  given.declare(parameters);
  parameters.bind(value, "windows_of");
  if (given.period.size() > 2)
    throw value.error(fmt::format("windows_of.period: names {} columns", given.period.size()))
        .hint("one column with periods, or two with the first and the last day");
  return {given.file,
          given.layer.value_or(""),
          given.where.value_or(""),
          given.name.value_or(""),
          given.crs.value_or(""),
          given.grow,
          given.period};
}

FeatureWindows find_windows(const WindowsOf& asked, const Area& area) {
  return Finder(asked, area).find();
}

std::vector<Item> window_items(const std::vector<FeatureWindow>& windows,
                               const std::vector<Zone>& zones) {
  std::vector<Item> items;
  items.reserve(windows.size());
  for (const auto& window : windows) {
    Item item;
    item.name = window.name;
    item.index = static_cast<int64_t>(items.size());
    item.zone = window.zone;
    item.window = window.window;
    item.grid = zones[window.zone].grid.sub(window.window);
    item.grid.origin_x = window.origin_x;
    item.grid.origin_y = window.origin_y;
    item.is_window = true;
    item.period = window.period;
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<Item> items_touching(const std::vector<Item>& items, const std::vector<Item>& tiles) {
  const TileIndex index(tiles);
  std::vector<Item> out;
  for (const auto& item : items)
    if (index.first(item.zone, item.window)) out.push_back(item);
  return out;
}

Json windows_to_json(const FeatureWindows& windows) {
  Json list = Json::array();
  for (const auto& w : windows.windows) {
    list.push_back({w.name, w.zone, w.window.x, w.window.y, w.window.width, w.window.height,
                    w.origin_x, w.origin_y});
    if (w.period.end > w.period.start) {
      list.back().push_back(w.period.start);
      list.back().push_back(w.period.end);
    }
  }
  return {{"features", windows.features}, {"windows", list}};
}

FeatureWindows windows_from_json(const Json& json) {
  FeatureWindows windows;
  windows.features = json.at("features").get<size_t>();
  for (const auto& w : json.at("windows"))
    windows.windows.push_back({w.at(0),
                               w.at(1),
                               {w.at(2), w.at(3), w.at(4), w.at(5)},
                               w.at(6).get<double>(),
                               w.at(7).get<double>(),
                               w.size() > 8 ? geo::Period{w.at(8), w.at(9)} : geo::Period{}});
  return windows;
}

}  // namespace geoloom::workflow
