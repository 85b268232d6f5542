// SPDX-License-Identifier: Apache-2.0
// How much of each class a map has, region by region.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>

#include "catalog/href.h"
#include "error/error.h"
#include "gdal/shape_mask.h"
#include "gdal/vector_file.h"
#include "geo/pixel_area.h"
#include "ops/class_names.h"
#include "ops/earlier_zones.h"
#include "ops/export/profile.h"
#include "ops/layer_picture.h"
#include "ops/load/shape_burning.h"
#include "ops/load/shape_file.h"
#include "ops/load/shape_placement.h"
#include "ops/metrics_file.h"

namespace geoloom::ops {
namespace {

using workflow::MetricDeclaration;
using workflow::ScalarType;

const workflow::OpDescription kDescription{
    .name = "class_areas",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "Mapped area of each class, region by region",
    .documentation =
        R"(Counts the pixels of each class of a map and adds up their areas on the Earth (WGS84 ellipsoid), for the whole map or
for each region of a vector file.

**These are mapped pixels, not an estimate of area.** A map that finds a class too often has too many pixels of it. Areas with
an interval come from a labelled probability sample: `design` draws it and `assess` takes it back.

**Regions** are polygons; a pixel is in those that hold its centre, and counts in each of them. `name` is the column that
tells what a region is called; features of one name are one region, and their overlap counts once.

**Zones.** Of an area of several UTM zones the map is taken as a whole: areas are those on the Earth, and a region in two zones is one. With
`over: zones` each zone has areas of its own. Tiles of neighbouring zones overlap where they meet; a place counts in the first zone that has a tile there.

**Results.** Matrices `mapped_hectares`, `mapped_pixels` and `mapped_share` (of the valid pixels of the region), with a row for each
region (`all` without regions) and a column for each class that occurs; invalid pixels count nowhere. As metrics they are in the run's record
and in a JSON file named by `as:`, by default `<layer>_areas`.)",
    .inputs = {},
    .outputs = {{"areas", "JSON"}}};

constexpr size_t kMostCounted = 4096;
constexpr double kSquareMetresPerHectare = 10'000;

const std::vector<MetricDeclaration> kDeclared{
    {"valid_pixels", ScalarType::integer, "", "of the whole map"},
    {"valid_hectares", ScalarType::number, "ha", "of the whole map"},
    {"meaning", ScalarType::text, "", "what the areas are"}};

struct Mapped {
  uint64_t pixels = 0;
  double square_metres = 0;
};
using Table = std::map<int64_t, Mapped>;  // by class

// In one zone.
struct Region {
  std::vector<gdal::Geometry> shapes;  // on the grid
  std::vector<geo::Window> reach;
};
using Regions = std::map<std::string, Region>;  // by name
using Tables = std::map<std::string, Table>;

// Pixels of one lattice cell: what masks are made for.
class CellOfZone {
 public:
  CellOfZone(raster::Block block, const geo::PixelAreas& areas) : block_(std::move(block)) {
    const auto& window = block_.window();
    for (int64_t y = window.y; y < window.bottom(); ++y) {
      const auto row = areas.row(y, window.x, window.width);
      areas_.insert(areas_.end(), row.begin(), row.end());
    }
  }
  const geo::Window& window() const { return block_.window(); }

  // Where `mask` is set; all without one.
  void add(const std::vector<uint8_t>* mask, Table& table) const {
    const auto valid = block_.validity(0);
    raster::visit(block_.type(0), [&]<class T>(T) {
      const auto values = block_.plane<T>(0, 0);
      Mapped* last = nullptr;
      T of_last{};
      for (size_t i = 0; i < values.size(); ++i) {
        if (valid[i] == 0 || (mask != nullptr && (*mask)[i] == 0)) continue;
        if (last == nullptr || values[i] != of_last) {
          of_last = values[i];
          last = &table[static_cast<int64_t>(of_last)];
          if (table.size() > kMostCounted)
            throw Error(ErrorCode::invalid,
                        fmt::format("class_areas: the map has more than {} classes", kMostCounted));
        }
        ++last->pixels;
        last->square_metres += areas_[i];
      }
    });
  }

 private:
  raster::Block block_;
  std::vector<double> areas_;
};

class ClassAreas : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "The map").main().required().meaning(workflow::Meaning::layer);
    parameters.add("band", &band_, "Which of its bands; needed where there are several");
    parameters.add("classes", &class_names_,
                   "Names of classes by their values; default: those that the map carries");
    parameters.add("regions", &regions_, "Vector file of polygons")
        .meaning(workflow::Meaning::path);
    parameters.add("name", &name_, "Column of the regions' names; default: numbers of features");
    parameters.add("where", &where_, "Which regions: a condition on columns, as in SQL");
    parameters.add("crs", &crs_, "CRS of a file that does not tell its own");
  }
  void check() override {
    names_ = ClassNames(class_names_, "class_areas.classes");
    check_layer_name("class_areas.as", layer_made());
  }
  void set_result_name(const std::string& layer) override { result_ = layer; }
  std::string layer_made() const override { return result_.empty() ? layer_ + "_areas" : result_; }
  std::vector<std::string> layers_read() const override { return {layer_}; }
  std::vector<workflow::FileInput> files() const override {
    if (regions_.empty()) return {};
    return {{.path = regions_, .limit_bytes = size_t{1} << 30, .by_reference = true}};
  }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    class_band(layers.info(layer_), band_, "class_areas.layer");
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::metrics;
    made.metrics = kDeclared;
    return made;
  }
  bool needs_grid() const override { return false; }
  size_t memory_bytes(const geo::Grid& /*grid*/) const override { return size_t{64} << 20; }
  workflow::Product run(const workflow::TaskContext& context) const override;

 private:
  Regions regions_on(const workflow::TaskContext& context) const;
  void add_zone(const workflow::TaskContext& context, const LayerPicture& picture,
                const EarlierZones& earlier, Table& all, Tables& regions) const;
  workflow::Metrics metrics_of(const Table& all, const Tables& regions,
                               const ClassNames& names) const;

  std::string layer_, band_, result_, regions_, name_, where_, crs_;
  std::map<std::string, std::string> class_names_;
  ClassNames names_;
};

Regions ClassAreas::regions_on(const workflow::TaskContext& context) const {
  Regions regions;
  if (regions_.empty()) return regions;
  gdal::VectorQuery query{.where = where_};
  if (!name_.empty()) query.columns.push_back(name_);
  for (const auto& layer : gdal::read_vectors(catalog::gdal_path(regions_), query)) {
    const auto crs = gdal::crs_of(layer, crs_, regions_, "class_areas: {crs: EPSG:4326}");
    const ShapePlacement placement(crs, context.grid, 0);
    for (const auto& feature : layer.features) {
      if (!placement.may_touch(feature.geometry)) continue;
      auto& region = regions[name_.empty() ? std::to_string(feature.id) : feature.values.front()];
      region.shapes.push_back(placement.placed(feature.geometry));
      region.reach.push_back(reach_of(region.shapes.back(), context.grid));
    }
  }
  return regions;
}

void add_region(const CellOfZone& cell, const geo::Grid& grid, const Region& region, Table& table) {
  std::vector<uint8_t> all, mask(static_cast<size_t>(cell.window().pixels()));
  for (size_t i = 0; i < region.shapes.size(); ++i) {
    if (region.reach[i].intersect(cell.window()).empty()) continue;
    gdal::mask_of_shape(region.shapes[i], grid, cell.window(), false, mask);
    all.resize(mask.size());
    for (size_t p = 0; p < mask.size(); ++p)
      if (mask[p] != 0) all[p] = 1;
  }
  if (!all.empty()) cell.add(&all, table);
}

// A matrix of what `value` makes of each entry.
template <class Value>
workflow::MetricMatrix matrix(const std::vector<std::pair<std::string, const Table*>>& rows,
                              const std::set<int64_t>& classes, const ClassNames& names,
                              Value value) {
  workflow::MetricMatrix out{"region", "class", {}, {}, {}};
  for (const int64_t each : classes) out.columns.push_back(names.name(each));
  for (const auto& [name, table] : rows) {
    out.rows.push_back(name);
    uint64_t pixels = 0;
    for (const auto& [each, mapped] : *table) pixels += mapped.pixels;
    for (const int64_t each : classes) {
      const auto found = table->find(each);
      out.values.push_back(found == table->end() ? 0 : value(found->second, pixels));
    }
  }
  return out;
}

workflow::Metrics ClassAreas::metrics_of(const Table& all, const Tables& regions,
                                         const ClassNames& names) const {
  std::set<int64_t> classes;
  Mapped sum;
  for (const auto& [each, mapped] : all) {
    classes.insert(each);
    sum.pixels += mapped.pixels;
    sum.square_metres += mapped.square_metres;
  }
  std::vector<std::pair<std::string, const Table*>> rows;
  for (const auto& [name, table] : regions) rows.emplace_back(name, &table);
  if (regions.empty()) rows.emplace_back("all", &all);
  workflow::Metrics metrics;
  metrics.matrices["mapped_hectares"] =
      matrix(rows, classes, names, [](const Mapped& mapped, uint64_t) {
        return mapped.square_metres / kSquareMetresPerHectare;
      });
  metrics.matrices["mapped_pixels"] =
      matrix(rows, classes, names,
             [](const Mapped& mapped, uint64_t) { return static_cast<double>(mapped.pixels); });
  metrics.matrices["mapped_share"] =
      matrix(rows, classes, names, [](const Mapped& mapped, uint64_t pixels) {
        return static_cast<double>(mapped.pixels) / static_cast<double>(pixels);
      });
  metrics.set(kDeclared[0], {static_cast<int64_t>(sum.pixels)});
  metrics.set(kDeclared[1], {sum.square_metres / kSquareMetresPerHectare});
  metrics.set(kDeclared[2], {std::string("mapped pixels, not an estimate of area")});
  return metrics;
}

// In cells of the masks' lattice, row by row, so that sums are the same whatever the tiles.
void ClassAreas::add_zone(const workflow::TaskContext& context, const LayerPicture& picture,
                          const EarlierZones& earlier, Table& all, Tables& regions) const {
  const auto here = regions_on(context);
  for (const auto& [name, region] : here) regions.try_emplace(name);
  if (picture.files().empty()) return;
  const geo::PixelAreas areas(context.grid);
  const auto& whole = picture.window();
  constexpr int64_t kSide = gdal::kMaskCell;
  for (int64_t y = whole.y / kSide * kSide; y < whole.bottom(); y += kSide) {
    for (int64_t x = whole.x / kSide * kSide; x < whole.right(); x += kSide) {
      stop_if_cancelled(context);
      auto block = picture.read(geo::Window{x, y, kSide, kSide}.intersect(whole));
      earlier.leave_out(block.window(), block.validity(0));
      const CellOfZone cell(std::move(block), areas);
      cell.add(nullptr, all);
      for (const auto& [name, region] : here)
        add_region(cell, context.grid, region, regions.at(name));
    }
  }
}

workflow::Product ClassAreas::run(const workflow::TaskContext& context) const {
  const auto& band = class_band(context.layers->info(layer_), band_, "class_areas.layer");
  Table all;
  Tables regions;
  const auto zones = workflow::zone_by_zone(context);
  std::deque<LayerPicture> pictures;
  for (const auto& zone : zones) {
    pictures.emplace_back(zone, layer_, std::vector{band.name}, "class_areas");
    EarlierZones earlier(zone.grid);
    for (size_t z = 0; z + 1 < pictures.size(); ++z)
      earlier.add(zones[z].grid, pictures[z].files());
    add_zone(zone, pictures.back(), earlier, all, regions);
  }
  if (!regions_.empty() && regions.empty())
    throw Error(ErrorCode::empty, "class_areas: no region touches the map")
        .at({.file = regions_})
        .hint("look at the file with geoloom inspect, and at `where` and `crs`");
  return metrics_product(layer_made(), metrics_of(all, regions, names_.or_of(band)), context);
}

}  // namespace

std::unique_ptr<workflow::Op> make_class_areas() {
  return std::make_unique<ClassAreas>();
}

}  // namespace geoloom::ops
