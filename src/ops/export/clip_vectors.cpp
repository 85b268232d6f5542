// SPDX-License-Identifier: Apache-2.0
// Features of a vector file, tile by tile: labels, parcels and samples beside the pixels that they
// are looked at with.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "catalog/href.h"
#include "error/error.h"
#include "gdal/dataset.h"
#include "gdal/feature_table.h"
#include "geo/box_index.h"
#include "ops/export/profile.h"
#include "ops/load/shape_file.h"
#include "ops/load/shape_placement.h"
#include "store/checksum.h"
#include "workflow/item_task.h"

namespace geoloom::ops {
namespace {

using workflow::Json;

const workflow::OpDescription kDescription{
    .name = "clip_vectors",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "The features of a vector file, item by item",
    .documentation =
        R"(Makes a file of features for each item: those that lie in its window, cut at the window's edges, in
the CRS of its grid, with all columns as they are typed or those that `columns` names. It runs over
tiles, windows, zones or the whole area, in a step without pixels:

```yaml
steps:
  parcels:
    over: tiles
    do:
      - clip_vectors: {file: parcels.gpkg, columns: [crop, year], as: parcels}
```

**What lies in a window.** Polygons that share some of its area, lines that share some of their
length, and points that are in it; what only touches an edge does not count. A point on a border of
two tiles belongs to one of them, the one that its pixel is of. `clip: false` keeps the shapes whole;
a parcel on a border is then in both tiles' files. Ids are kept, so that the parts of a feature find
each other.

**Shapes** of another CRS are brought to the grid's with their edges followed in steps of 5 km
(0.05 degrees). Polygons that cross themselves are repaired, and counted in a note; curves become
lines, heights are dropped. Polygons are written as multi-polygons, lines as multi-lines.

**Formats.** A GeoPackage; or GeoJSON, which is in WGS84 whatever the grid (RFC 7946). The same
features give the same bytes. An item without features has no file. Only the items whose features
changed are made again.

The layer is named by `as:`, by default like the file. Its files are in `layers/NAME/`, listed in
`layers/NAME/layer.json`. To have shapes as pixels, use `rasterize`.)",
    .inputs = {},
    .outputs = {}};

struct ClipSettings {
  gdal::FeatureQuery query;
  std::string file, format = "geopackage", layer;
  std::optional<std::string> crs;
  bool clip = true;

  std::string extension() const { return format == "geojson" ? ".geojson" : ".gpkg"; }
};

gdal::FeatureTable read_table(const ClipSettings& settings) {
  return gdal::FeatureTable::read(catalog::gdal_path(settings.file), settings.query);
}

geo::Crs crs_of(const gdal::FeatureTable& table, const ClipSettings& settings) {
  if (table.crs().known()) return table.crs();
  if (settings.crs) return geo::Crs::parse(*settings.crs);
  throw Error(ErrorCode::invalid,
              fmt::format("{} does not tell its coordinate reference system", settings.file))
      .at({.file = settings.file})
      .hint("say which one, as in clip_vectors: {crs: EPSG:4326}");
}

// The file, open, with what finds features by place.
struct IndexedTable {
  gdal::FeatureTable table;
  geo::Crs crs;
  geo::BoxIndex boxes;  // in the file's CRS
  std::vector<std::string> hashes;

  explicit IndexedTable(const ClipSettings& settings)
      : table(read_table(settings)), crs(crs_of(table, settings)) {
    std::vector<geo::Box> bounds;
    for (size_t i = 0; i < table.size(); ++i) {
      bounds.push_back(table.shape(i).bounds());
      hashes.push_back(store::sha256_hex(table.text(i) + "\n" + table.shape(i).wkt()));
    }
    boxes = geo::BoxIndex(std::move(bounds));
  }

  // Those that may have a part in an item, in the order of the file.
  std::vector<uint32_t> near(const ShapePlacement& placement) const {
    if (placement.extent()) return boxes.touching(*placement.extent());
    std::vector<uint32_t> all(table.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint32_t>(i);
    return all;
  }
};

class ClippingWork : public workflow::ItemWork {
 public:
  ClippingWork(ClipSettings settings, const Json& frozen)
      : settings_(std::move(settings)), sha256_(frozen.at("sha256").get<std::string>()) {
    settings_.file = frozen.at("file").get<std::string>();
    for (const auto& text : frozen.at("operations"))
      operations_.push_back(geo::CoordinateOperation::parse(text.get<std::string>()));
  }

  std::optional<std::string> identity(const workflow::Item& item) const override {
    std::string all = operations_.at(item.zone).text();
    const auto near = table().near(placement(item.zone, item.grid));
    if (near.empty()) return std::nullopt;
    for (const auto feature : near) all += "\n" + table().hashes[feature];
    return "features " + store::sha256_hex(all);
  }

  std::optional<workflow::Product> run(const workflow::TaskContext& context) const override {
    const auto rows = rows_in(context);
    if (rows.empty()) return std::nullopt;
    workflow::Product product;
    product.layer = settings_.layer;
    product.extension = settings_.extension();
    product.media_type =
        settings_.format == "geojson" ? "application/geo+json" : "application/geopackage+sqlite3";
    product.scratch_path =
        fmt::format("{}/{}{}", context.scratch_folder, settings_.layer, product.extension);
    table().table.write(product.scratch_path, settings_.layer, context.grid.crs, rows);
    product.summary.path = product.scratch_path;
    product.summary.sha256 = store::sha256_hex_of_file(product.scratch_path);
    if (const auto status = gdal::file_status(product.scratch_path))
      product.summary.bytes = status->size;
    product.grid = context.grid;
    return product;
  }

 private:
  ShapePlacement placement(size_t zone, const geo::Grid& grid) const {
    return {table().crs, grid, 0, 0, operations_.at(zone)};
  }

  std::vector<gdal::FeatureTable::Row> rows_in(const workflow::TaskContext& context) const {
    const auto place = placement(context.item.zone, context.grid);
    std::vector<gdal::FeatureTable::Row> rows;
    size_t repaired = 0;
    for (const auto feature : table().near(place)) {
      if (context.cancelled && context.cancelled())
        throw Error(ErrorCode::cancelled, "the run was stopped");
      try {
        auto shape = placed(place, table().table.shape(feature), repaired);
        auto inside = gdal::clipped(shape, context.grid.box());
        if (inside.empty()) continue;
        rows.push_back({feature, settings_.clip ? std::move(inside) : std::move(shape)});
      } catch (const Error& error) {
        throw Error(ErrorCode::invalid, fmt::format("feature {} cannot be brought onto the grid",
                                                    table().table.id(feature)))
            .at({.file = settings_.file})
            .cause(error.message())
            .hint("mend it, or choose features with `where`");
      }
    }
    if (repaired > 0 && context.notes != nullptr)
      context.notes->push_back(
          fmt::format("{} polygons crossed themselves and were repaired", repaired));
    return rows;
  }

  // As a whole, so that it is the same in all items; a large shape may have parts that have no
  // place in the grid's CRS, and is cut around the item then.
  gdal::Geometry placed(const ShapePlacement& place, const gdal::Geometry& shape,
                        size_t& repaired) const {
    const auto mended = valid(shape, repaired);
    try {
      return valid(place.placed(mended), repaired);
    } catch (const Error&) {
      if (!settings_.clip) throw;
      return valid(place.placed(place.cut(mended)), repaired);
    }
  }

  static gdal::Geometry valid(gdal::Geometry shape, size_t& repaired) {
    if (shape.empty() || !shape.all_polygons() || shape.why_invalid().empty()) return shape;
    ++repaired;
    return shape.repaired();
  }

  // When items are first asked for: many commands look at a run without them.
  const IndexedTable& table() const {
    std::call_once(once_, [this] {
      if (vector_file_hash(settings_.file) != sha256_)
        throw Error(ErrorCode::invalid, "the vector file changed after the run was created")
            .at({.file = settings_.file})
            .hint("start the run again: it looks at the file anew");
      table_ = std::make_unique<const IndexedTable>(settings_);
    });
    return *table_;
  }

  ClipSettings settings_;
  const std::string sha256_;
  std::vector<geo::CoordinateOperation> operations_;  // by zone
  mutable std::once_flag once_;
  mutable std::unique_ptr<const IndexedTable> table_;
};

class ClipVectors : public workflow::ItemTaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    // What features are and where they lie is hashed item by item, so the file is no identity.
    parameters
        .add("file", &settings_.file,
             "Vector file: GeoPackage, GeoJSON, Shapefile, FlatGeobuf, KML, or CSV with a column "
             "of WKT or columns x and y")
        .main()
        .required()
        .meaning(workflow::Meaning::path)
        .not_identity();
    parameters.add("layer", &settings_.query.layer, "Of a file with several").not_identity();
    parameters
        .add("where", &settings_.query.where, "Which features: a condition on columns, as in SQL")
        .not_identity();
    parameters.add("crs", &settings_.crs, "CRS of a file that does not tell its own");
    parameters.add("columns", &settings_.query.columns, "Columns to keep. Default: all");
    parameters.add("clip", &settings_.clip,
                   "Cut shapes at the edges of the item's window; `false`: keep them whole");
    parameters.add("format", &settings_.format, "What files are")
        .choices({"geopackage", "geojson"});
  }

  void set_result_name(const std::string& layer) override { settings_.layer = layer; }

  void check() override {
    if (settings_.layer.empty()) settings_.layer = stem();
    check_layer_name("clip_vectors.as", settings_.layer);
  }

  std::string layer_made() const override { return settings_.layer; }

  workflow::LayerInfo plan(const workflow::Layers& /*layers*/) const override {
    workflow::LayerInfo made;
    made.name = settings_.layer;
    made.kind = workflow::LayerKind::features;
    return made;
  }

  // Of the shapes of one item; the file itself is in memory once.
  size_t memory_bytes(const geo::Grid& /*grid*/) const override { return size_t{32} << 20; }

  Json freeze(const std::vector<workflow::Zone>& zones,
              workflow::FreezeReport& report) const override {
    const auto sha256 = vector_file_hash(settings_.file);
    const IndexedTable indexed(settings_);
    Json operations = Json::array();
    std::vector<bool> seen(indexed.table.size(), false);
    for (const auto& zone : zones) {
      const ShapePlacement placement(indexed.crs, zone.grid, 0);
      operations.push_back(placement.operation().text());
      for (const auto feature : indexed.near(placement)) seen[feature] = true;
    }
    const auto near = static_cast<size_t>(std::count(seen.begin(), seen.end(), true));
    report.after_filter = {{"features found", seen.size()}, {"near the area", near}};
    report.scenes = near;
    if (near == 0)
      throw Error(ErrorCode::empty, seen.empty()
                                        ? "clip_vectors: the file has no feature with a shape"
                                        : "clip_vectors: no feature of the file is near the area")
          .at({.file = settings_.file})
          .hint("look at the file with geoloom inspect, and at `where` and `crs`");
    return {{"file", settings_.file}, {"sha256", sha256}, {"operations", std::move(operations)}};
  }

  std::unique_ptr<workflow::ItemWork> open(
      const Json& frozen, const std::vector<workflow::Zone>& /*zones*/) const override {
    return std::make_unique<ClippingWork>(settings_, frozen);
  }

 private:
  std::string stem() const {
    const auto name = settings_.file.substr(settings_.file.rfind('/') + 1);
    return name.substr(0, name.rfind('.'));
  }

  ClipSettings settings_;
};

}  // namespace

std::unique_ptr<workflow::Op> make_clip_vectors() {
  return std::make_unique<ClipVectors>();
}

}  // namespace geoloom::ops
