// SPDX-License-Identifier: Apache-2.0
#include "engine/cube_publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "error/error.h"
#include "geo/solar_day.h"
#include "geo/time.h"
#include "raster/zarr_metadata.h"
#include "store/checksum.h"

namespace geoloom::engine {
namespace {

using raster::Slice;
using workflow::Json;

constexpr size_t kLargestRecord = size_t{1} << 30;
constexpr size_t kMostMetadata = size_t{256} << 20;

bool is_period(const std::string& axis) {
  static const std::set<std::string> periods{"year",  "semester", "quarter", "season",
                                             "month", "dekad",    "day",     "period"};
  return periods.contains(axis);
}

// What stands apart: "33N", "maize", "33N_maize"; empty where there is one of everything.
std::string part_name(const workflow::Item& item, const std::vector<workflow::Zone>& zones) {
  std::string name = zones.size() > 1 ? zones[item.zone].name : std::string();
  for (const auto& [axis, label] : item.at())
    if (!is_period(axis)) name += (name.empty() ? "" : "_") + label;
  return name;
}

bool on_chunks(const CubeItem& item) {
  const auto side = item.output->chunks->side;
  return item.item->window.x % side == 0 && item.item->window.y % side == 0;
}

// Whether two tiles share a chunk, as windows around labelled places may.
bool overlap(const std::vector<CubeItem>& items) {
  std::map<std::pair<int64_t, int64_t>, std::string_view> taken;
  for (const auto& [item, receipt, output] : items) {
    const auto side = output->chunks->side;
    const auto& window = item->window;
    for (int64_t y = window.y / side; y * side < window.bottom(); ++y)
      for (int64_t x = window.x / side; x * side < window.right(); ++x) {
        const auto [other, fresh] = taken.try_emplace({y, x}, item->tile());
        if (!fresh && other->second != item->tile()) return true;
      }
  }
  return false;
}

// "2018-05" of an item of May, whatever other axes there are.
std::string period_label(const workflow::Item& item) {
  std::string label;
  for (const auto& [axis, value] : item.at())
    if (is_period(axis)) label += (label.empty() ? "" : ".") + value;
  return label;
}

// The cell of the calendar that a label names: "2018-05", "2018-05-01--P10D".
std::optional<geo::Period> cell_of(const std::string& label) {
  try {
    const auto mark = label.find("--");
    auto cell = geo::parse_period(label.substr(0, mark));
    if (mark == std::string::npos) return cell;
    const auto frequency = geo::parse_frequency(label.substr(mark + 2));
    if (frequency.unit == geo::Frequency::Unit::day)
      cell.end = cell.start + frequency.count * geo::kDayMs;
    else
      cell.end = geo::split({cell.start, cell.start + 1}, frequency).front().end;
    return cell;
  } catch (const Error&) {
    return std::nullopt;  // of several axes
  }
}

// Slices of one name are one: scenes have their ids, cells of a calendar theirs. A composite of all
// that an item loads has no name and the period of its scenes, which differs from tile to tile.
std::string key_of(const CubeItem& item, const Slice& slice) {
  return slice.timed ? period_label(*item.item) + "/" + slice.label : std::string();
}

void set_slices(Cube& cube) {
  std::map<std::string, Slice> slices;
  for (const auto& item : cube.items)
    for (const auto& slice : item.output->schema->slices) {
      const auto [found, fresh] = slices.try_emplace(key_of(item, slice), slice);
      auto& period = found->second.period;
      period.start = std::min(period.start, slice.period.start);
      period.end = std::max(period.end, slice.period.end);
    }
  std::vector<std::pair<std::string, Slice>> ordered;
  for (auto& [key, slice] : slices) {
    if (slice.timed && slice.label.empty()) {
      const auto label = key.substr(0, key.size() - 1);
      slice.period = cell_of(label).value_or(slice.period);
      slice.label = label.empty() ? geo::format_period(slice.period) : label;
    }
    ordered.emplace_back(key, slice);
  }
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    const auto order = [](const auto& each) {
      return std::tie(each.second.period.start, each.second.period.end, each.first);
    };
    return order(a) < order(b);
  });
  cube.schema.slices.clear();
  for (auto& [key, slice] : ordered) {
    cube.slice_keys.push_back(key);
    cube.schema.slices.push_back(std::move(slice));
  }
}

// Bands are those of the first item; a series may bring items that differ.
void set_schema(Cube& cube) {
  auto& schema = cube.schema;
  schema = *cube.items.front().output->schema;
  for (const auto& item : cube.items) {
    const bool same =
        item.output->schema->bands.size() == schema.bands.size() &&
        std::equal(schema.bands.begin(), schema.bands.end(), item.output->schema->bands.begin(),
                   [](const auto& a, const auto& b) {
                     return a.name == b.name && a.type == b.type && a.scale == b.scale &&
                            a.offset == b.offset;
                   });
    if (!same)
      throw Error(ErrorCode::invalid,
                  "its bands differ from those of the cube's other items in name, type or scale")
          .at({.item = item.item->name})
          .hint("give the values one type, scale and offset where the layer is made");
  }
  set_slices(cube);
}

std::string suffixed(const std::string& layer, const std::string& part) {
  return part.empty() ? layer : layer + "_" + part;
}

// Where an item's chunks go.
struct Placed {
  std::string folder;           // of the item
  int64_t column = 0, row = 0;  // of its first chunk in the cube
  int64_t columns = 0, rows = 0;
  std::vector<size_t> slices;  // of the cube, by slice of the item
};

Placed placed(const Cube& cube, const CubeItem& item) {
  const auto side = item.output->chunks->side;
  const auto parts = [side](int64_t pixels) { return (pixels + side - 1) / side; };
  const auto& window = item.item->window;
  Placed out{.folder = chunk_folder(*item.output),
             .column = (window.x - cube.window.x) / side,
             .row = (window.y - cube.window.y) / side,
             .columns = parts(window.width),
             .rows = parts(window.height)};
  const auto& keys = cube.slice_keys;
  for (const auto& slice : item.output->schema->slices) {
    const auto found = std::find(keys.begin(), keys.end(), key_of(item, slice));
    out.slices.push_back(static_cast<size_t>(found - keys.begin()));
  }
  return out;
}

Json to_json(const Placed& item) {
  return {{"from", item.folder},     {"column", item.column}, {"row", item.row},
          {"columns", item.columns}, {"rows", item.rows},     {"slices", item.slices}};
}

Placed placed_from(const Json& json) {
  return {json.at("from").get<std::string>(), json.at("column").get<int64_t>(),
          json.at("row").get<int64_t>(),      json.at("columns").get<int64_t>(),
          json.at("rows").get<int64_t>(),     json.at("slices").get<std::vector<size_t>>()};
}

// Chunks of a cube by name, with the objects they are of.
using Chunks = std::map<std::string, std::string>;

void add_chunks(const Placed& item, const raster::ZarrCube& zarr, Chunks& chunks) {
  for (const auto& band : zarr.bands)
    for (size_t s = 0; s < item.slices.size(); ++s)
      for (int64_t r = 0; r < item.rows; ++r)
        for (int64_t c = 0; c < item.columns; ++c)
          chunks[raster::zarr_chunk_name(zarr, band.name, item.slices[s], item.row + r,
                                         item.column + c)] =
              item.folder + "/" + raster::chunk_name(band.name, s, r, c);
}

raster::ZarrCube zarr_of(const Cube& cube, const std::string& layer) {
  const auto& chunks = *cube.items.front().output->chunks;
  raster::ZarrCube zarr;
  zarr.title = layer;
  zarr.grid = cube.grid;
  zarr.bands = cube.schema.bands;
  zarr.slices = cube.schema.slices;
  zarr.profile.layout = chunks;
  // For who adds to the cube; readers do not need it.
  zarr.profile.level = chunks.codec == raster::Codec::zstd ? 9 : 6;
  return zarr;
}

std::vector<Placed> items_before(const store::Store& store, const std::string& record) {
  std::vector<Placed> items;
  if (!store.size_of(record)) return items;
  try {
    const auto json = Json::parse(store.get_bytes(record, kLargestRecord));
    for (const auto& item : json.at("items")) items.push_back(placed_from(item));
  } catch (const Json::exception&) {
    items.clear();  // not ours: every chunk is written again
  }
  return items;
}

void refuse_overlaps(const std::vector<Placed>& items, const Cube& cube) {
  std::map<std::tuple<int64_t, int64_t, size_t>, size_t> taken;
  for (size_t i = 0; i < items.size(); ++i)
    for (const auto slice : items[i].slices)
      for (int64_t r = 0; r < items[i].rows; ++r)
        for (int64_t c = 0; c < items[i].columns; ++c)
          if (const auto [other, fresh] =
                  taken.try_emplace({items[i].row + r, items[i].column + c, slice}, i);
              !fresh)
            throw Error(ErrorCode::invalid,
                        fmt::format("items {} and {} both have pixels of {} at one place of a cube",
                                    cube.items[other->second].item->name, cube.items[i].item->name,
                                    cube.schema.slices[slice].label))
                .hint(
                    "tiles of a cube may not overlap, and each value on an axis of periods must "
                    "load its own: load: {period: $item.month}");
}

bool same_object(const store::Store& store, const std::string& name, const std::string& bytes) {
  return store.size_of(name) == static_cast<int64_t>(bytes.size()) &&
         store.get_bytes(name, kMostMetadata) == bytes;
}

}  // namespace

std::vector<Cube> cubes_of(const std::string& layer, const std::vector<CubeItem>& items,
                           const std::vector<workflow::Zone>& zones, const std::string& prefix) {
  std::map<std::string, std::vector<CubeItem>> parts;
  for (const auto& item : items) parts[part_name(*item.item, zones)].push_back(item);
  std::vector<Cube> cubes;
  for (const auto& entry : parts) {
    const auto& part = entry.first;
    const auto& members = entry.second;
    const bool aligned = std::all_of(members.begin(), members.end(), [&](const auto& item) {
      return on_chunks(item) && *item.output->chunks == *members.front().output->chunks;
    });
    const bool joined = aligned && !overlap(members);
    std::map<std::string, std::vector<CubeItem>> tiles;
    for (const auto& item : members)
      tiles[joined ? std::string() : std::string(item.item->tile())].push_back(item);
    for (auto& [tile, of_tile] : tiles) {
      const auto& first = *of_tile.front().item;
      const auto& zone = zones[first.zone].grid;
      const auto window = joined ? zone.window() : first.window;
      cubes.push_back({.name = prefix + suffixed(suffixed(layer, part), tile) + ".zarr",
                       .grid = zone.sub(window),
                       .window = window,
                       .items = std::move(of_tile)});
      set_schema(cubes.back());
    }
  }
  return cubes;
}

std::string cube_record_name(const std::string& cube, const std::string& layer) {
  const auto slash = cube.rfind('/');
  const auto folder = slash == std::string::npos ? std::string() : cube.substr(0, slash + 1);
  return fmt::format("{}layers/{}/{}.json", folder, layer, cube.substr(folder.size()));
}

void publish_cube(const Cube& cube, const std::string& layer, store::Store& store,
                  TaskPool& requests) {
  const auto zarr = zarr_of(cube, layer);
  std::vector<Placed> items;
  for (const auto& item : cube.items) items.push_back(placed(cube, item));
  refuse_overlaps(items, cube);
  const auto metadata = raster::zarr_metadata(zarr);
  Json record{{"cube", cube.name},
              {"metadata", store::sha256_hex(metadata.back().second)},
              {"items", Json::array()}};
  for (const auto& item : items) record["items"].push_back(to_json(item));
  const auto record_name = cube_record_name(cube.name, layer);
  const auto text = record.dump(1) + "\n";
  if (same_object(store, record_name, text) &&
      same_object(store, cube.name + "/.zmetadata", metadata.back().second))
    return;

  Chunks before, wanted;
  for (const auto& item : items_before(store, record_name)) add_chunks(item, zarr, before);
  for (const auto& item : items) add_chunks(item, zarr, wanted);
  // Until the new record is there, nothing is known of the cube's chunks.
  store.remove(record_name);
  std::set<std::string> stale;
  for (const auto& name : store.list(cube.name + "/")) stale.insert(name);
  std::vector<std::pair<std::string, std::string>> copies;
  for (const auto& [chunk, object] : wanted) {
    const auto name = cube.name + "/" + chunk;
    const auto known = before.find(chunk);
    const bool there = stale.erase(name) > 0;
    if (!there || known == before.end() || known->second != object)
      copies.emplace_back(object, name);
  }
  requests.for_each_index(copies.size(),
                          [&](size_t i) { store.copy(copies[i].first, copies[i].second); });
  // Metadata last, and into each folder: that puts the links on disk.
  for (const auto& [name, bytes] : metadata) {
    stale.erase(cube.name + "/" + name);
    store.put_bytes(bytes, cube.name + "/" + name);
  }
  for (const auto& name : stale) store.remove(name);
  store.put_bytes(text, record_name);
}

}  // namespace geoloom::engine
