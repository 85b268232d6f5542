// SPDX-License-Identifier: Apache-2.0
// Polygons of a finished map of classes.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>

#include "error/error.h"
#include "gdal/dataset.h"
#include "gdal/vector_file.h"
#include "geo/pixel_area.h"
#include "kernels/components.h"
#include "kernels/outlines.h"
#include "ops/class_names.h"
#include "ops/export/profile.h"
#include "ops/layer_picture.h"
#include "ops/object/area_unit.h"
#include "store/checksum.h"

namespace geoloom::ops {
namespace {

using kernels::Connectivity;
using kernels::LatticeRing;

const workflow::OpDescription kDescription{
    .name = "vectorise",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "Polygons of a map of classes, as GeoPackage, GeoJSON or FlatGeobuf",
    .documentation =
        R"(Makes a polygon of each area of a map: pixels of one class that touch. Those touch that share an edge; with `touch: corners`
those at the corners too, and an area that hangs together by a corner alone is a multipolygon, so that every shape is valid.

**Whole maps.** The layer is looked at as a whole: an area that lies in many tiles is one polygon, whatever the tiles are. Of an area in several UTM
zones each zone has a file of its own (`over: zones`), and polygons end at its edge.

**Edges** are those of the pixels, exactly: burnt onto the same grid the polygons give back the map, neighbours share their edges and leave no gaps.
There is no simplification, which would open them: programs that simplify a coverage as a whole keep shared edges (`v.generalize` of GRASS, `ST_CoverageSimplify` of PostGIS).

**Columns.** `class`, its value; `name`, what it is called (`classes`, or the names that the map carries; else the value); `pixels`; `area_ha`, its area on the
Earth (WGS84 ellipsoid), as in `class_areas`: mapped pixels, not an estimate; `tile`, the item of the layer that holds its first pixel, row by row.

**What is left out.** Invalid pixels have no polygons. `only` takes some classes. `smallest` leaves out smaller areas, in pixels or in square metres or hectares
(`unit`) on the grid, and leaves holes where they were: `sieve` gives them to their neighbours.

**Formats.** GeoPackage and FlatGeobuf are in the grid's CRS, GeoJSON in longitude and latitude (RFC 7946).

**Memory** grows with the number of areas, and with the outlines of those that have not ended while the map is read from the top. Where they need
more than `memory` the step ends with an error: sieve the map first, or take fewer classes. The layer is read twice. The result is a layer of features named by `as:`,
by default `<layer>_polygons`.)",
    .inputs = {},
    .outputs = {{"polygons", "GeoPackage, GeoJSON or FlatGeobuf"}}};

struct VectoriseSettings {
  std::string layer, band, unit = "pixels", touch = "edges", format = "geopackage";
  double smallest = 0;
  std::vector<int64_t> only;
  std::map<std::string, std::string> class_names;
  ClassNames names;

  bool corners() const { return touch == "corners"; }
  std::string extension() const {
    if (format == "geojson") return ".geojson";
    return format == "flatgeobuf" ? ".fgb" : ".gpkg";
  }
  std::string media_type() const {
    if (format == "geojson") return "application/geo+json";
    return format == "flatgeobuf" ? "application/vnd.flatgeobuf" : "application/geopackage+sqlite3";
  }
};

// An area of which not all rows have been seen.
struct Area {
  int64_t value = 0;
  uint64_t pixels = 0;
  double square_metres = 0;
  std::string tile;
  size_t last_row = 0;
  size_t parts_open = 0;  // that hang together by edges
  size_t points = 0;
  std::vector<std::vector<LatticeRing>> parts;
};

// The items of a layer by place, for rows from the top.
class TilesByRow {
 public:
  explicit TilesByRow(const std::vector<workflow::LayerFile>& files) : files_(files) {}

  const std::string& name_at(int64_t x, int64_t y) {
    if (y < from_ || y >= until_) find(y);
    const auto after = std::upper_bound(
        here_.begin(), here_.end(), x,
        [](int64_t at, const workflow::Item* item) { return at < item->window.x; });
    return after == here_.begin() ? none_ : (*std::prev(after))->name;
  }

 private:
  // The rows from y on have the same items up to where one of them ends or another begins.
  void find(int64_t y) {
    here_.clear();
    from_ = y;
    until_ = std::numeric_limits<int64_t>::max();
    for (const auto& file : files_) {
      const auto& window = file.item.window;
      if (y >= window.y && y < window.bottom()) here_.push_back(&file.item);
      for (const int64_t change : {window.y, window.bottom()})
        if (change > y) until_ = std::min(until_, change);
    }
    std::sort(here_.begin(), here_.end(),
              [](const auto* a, const auto* b) { return a->window.x < b->window.x; });
  }

  const std::vector<workflow::LayerFile>& files_;
  std::vector<const workflow::Item*> here_;
  const std::string none_;
  int64_t from_ = 0, until_ = 0;  // no rows yet
};

// On rows of one type: sizes of areas first, then outlines.
template <class T>
class Vectorising {
 public:
  Vectorising(const VectoriseSettings& settings, const workflow::TaskContext& context,
              const LayerPicture& picture, gdal::VectorWriter& writer)
      : settings_(settings),
        context_(context),
        picture_(picture),
        writer_(writer),
        smallest_(as_pixel_sizes(settings.smallest, settings.unit)),
        names_(settings.names.or_of(picture.schema().bands.front())),
        only_(settings.only.begin(), settings.only.end()),
        pixel_areas_(context.grid),
        tiles_(picture.files()),
        width_(static_cast<size_t>(picture.window().width)),
        pieces_(width_, Connectivity::edges),
        outlines_(width_) {
    if (settings.corners()) areas_.emplace(width_, Connectivity::corners);
  }

  // How many features.
  uint64_t run() {
    measure();
    std::vector<uint32_t> pieces(width_), areas(width_);
    size_t number = 0;
    picture_.for_rows([&](const raster::Block& strip, size_t row, int64_t y) {
      label(strip, row, pieces, areas);
      count_row(strip, row, y, number, pieces, areas);
      outlines_.add_row(pieces.data(), taker());
      end_areas(number, areas);
      check_memory();
      ++number;
    });
    outlines_.close(taker());
    end_areas(number, std::vector<uint32_t>(width_));
    return features_;
  }

 private:
  const T* values(const raster::Block& strip, size_t row) const {
    return strip.plane<T>(0, 0).data() + row * width_;
  }
  const uint8_t* valid(const raster::Block& strip, size_t row) const {
    return strip.validity(0).data() + row * width_;
  }
  const std::vector<double>& sizes() const { return areas_ ? areas_->sizes() : pieces_.sizes(); }

  void measure();
  void label(const raster::Block& strip, size_t row, std::vector<uint32_t>& pieces,
             std::vector<uint32_t>& areas);
  void count_row(const raster::Block& strip, size_t row, int64_t y, size_t number,
                 const std::vector<uint32_t>& pieces, const std::vector<uint32_t>& areas);
  kernels::OutlineSweep::Use taker();
  void end_areas(size_t number, const std::vector<uint32_t>& areas);
  void write(const Area& area);
  gdal::Geometry geometry(const Area& area) const;
  void check_memory() const;

  const VectoriseSettings& settings_;
  const workflow::TaskContext& context_;
  const LayerPicture& picture_;
  gdal::VectorWriter& writer_;
  const double smallest_;  // as the sizes of areas
  const ClassNames names_;
  const std::set<int64_t> only_;
  const geo::PixelAreas pixel_areas_;
  TilesByRow tiles_;
  size_t width_;
  kernels::ComponentSweep<T> pieces_;                // that hang together by edges
  std::optional<kernels::ComponentSweep<T>> areas_;  // by corners too; else they are the pieces
  kernels::OutlineSweep outlines_;
  std::unordered_map<uint32_t, Area> open_;                      // by number of the area
  std::unordered_map<uint32_t, uint32_t> area_of_;               // by piece, of those that are open
  std::vector<uint32_t> above_ = std::vector<uint32_t>(width_);  // areas
  size_t points_ = 0;                                            // of parts of open areas
  uint64_t features_ = 0;
};

template <class T>
void Vectorising<T>::measure() {
  const auto pixel_size = pixel_sizes(context_, settings_.unit);
  picture_.for_rows([&](const raster::Block& strip, size_t row, int64_t y) {
    const double size = pixel_size[static_cast<size_t>(y - picture_.window().y)];
    pieces_.add_row(values(strip, row), valid(strip, row), size);
    if (areas_) areas_->add_row(values(strip, row), valid(strip, row), size);
    check_memory();
  });
  pieces_.close();
  if (areas_) areas_->close();
}

// 0 for areas that are not wanted.
template <class T>
void Vectorising<T>::label(const raster::Block& strip, size_t row, std::vector<uint32_t>& pieces,
                           std::vector<uint32_t>& areas) {
  pieces_.label_row(values(strip, row), valid(strip, row), pieces.data());
  if (areas_)
    areas_->label_row(values(strip, row), valid(strip, row), areas.data());
  else
    areas = pieces;
  const T* const of = values(strip, row);
  for (size_t x = 0; x < width_; ++x) {
    const bool wanted = sizes()[areas[x]] >= smallest_ &&
                        (only_.empty() || only_.contains(static_cast<int64_t>(of[x])));
    if (!wanted) pieces[x] = areas[x] = 0;
  }
}

template <class T>
void Vectorising<T>::count_row(const raster::Block& strip, size_t row, int64_t y, size_t number,
                               const std::vector<uint32_t>& pieces,
                               const std::vector<uint32_t>& areas) {
  const auto on_earth = pixel_areas_.row(y, picture_.window().x, picture_.window().width);
  Area* area = nullptr;
  for (size_t x = 0; x < width_; ++x) {
    if (areas[x] == 0) continue;
    if (x == 0 || areas[x] != areas[x - 1]) {
      const auto [found, added] = open_.try_emplace(areas[x]);
      area = &found->second;
      if (added) {
        area->value = static_cast<int64_t>(values(strip, row)[x]);
        area->tile = tiles_.name_at(picture_.window().x + static_cast<int64_t>(x), y);
      }
      area->last_row = number;
    }
    if (x == 0 || pieces[x] != pieces[x - 1])
      if (area_of_.try_emplace(pieces[x], areas[x]).second) ++area->parts_open;
    ++area->pixels;
    area->square_metres += on_earth[x];
  }
}

template <class T>
kernels::OutlineSweep::Use Vectorising<T>::taker() {
  return [this](uint32_t piece, std::vector<LatticeRing> rings) {
    const auto of = area_of_.extract(piece);
    auto& area = open_.at(of.mapped());
    --area.parts_open;
    for (const auto& ring : rings) area.points += ring.size();
    for (const auto& ring : rings) points_ += ring.size();
    area.parts.push_back(std::move(rings));
  };
}

// From the left, as they end.
template <class T>
void Vectorising<T>::end_areas(size_t number, const std::vector<uint32_t>& areas) {
  for (size_t x = 0; x < width_; ++x) {
    if (above_[x] == 0 || (x > 0 && above_[x] == above_[x - 1])) continue;
    const auto found = open_.find(above_[x]);
    if (found == open_.end() || found->second.last_row == number) continue;
    write(found->second);
    points_ -= found->second.points;
    open_.erase(found);
  }
  above_ = areas;
}

template <class T>
gdal::Geometry Vectorising<T>::geometry(const Area& area) const {
  const auto& window = picture_.window();
  const auto& grid = context_.grid;
  std::vector<std::vector<std::vector<geo::XY>>> parts;
  for (const auto& rings : area.parts) {
    auto& part = parts.emplace_back();
    for (const auto& ring : rings) {
      auto& points = part.emplace_back();
      points.reserve(ring.size());
      for (const auto& point : ring) {
        const auto corner = grid.box({window.x + point.x, window.y + point.y, 1, 1});
        points.push_back({corner.min_x, corner.max_y});
      }
    }
  }
  return gdal::Geometry::of_rings(parts);
}

template <class T>
void Vectorising<T>::write(const Area& area) {
  constexpr double kSquareMetresPerHectare = 10'000;
  ++features_;
  writer_.add(geometry(area),
              {std::to_string(area.value), names_.name(area.value), std::to_string(area.pixels),
               fmt::format("{}", area.square_metres / kSquareMetresPerHectare), area.tile});
}

template <class T>
void Vectorising<T>::check_memory() const {
  constexpr size_t kBytesPerArea = 200;  // with its places in the tables
  const size_t held = outlines_.bytes() + points_ * sizeof(kernels::LatticePoint) +
                      open_.size() * kBytesPerArea + pieces_.bytes() +
                      (areas_ ? areas_->bytes() : 0);
  if (held <= context_.memory_bytes) return;
  throw Error(ErrorCode::resource,
              fmt::format("vectorise: the outlines of layer '{}' need more than the {} MiB that "
                          "there are for them",
                          settings_.layer, context_.memory_bytes >> 20))
      .hint("sieve the map first, take fewer classes with `only`, or give the run more --memory");
}

class Vectorise : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &settings_.layer, "The map")
        .main()
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("band", &settings_.band, "Which of its bands; needed where there are several");
    parameters.add("classes", &settings_.class_names,
                   "Names of classes by their values; default: those that the map carries");
    parameters.add("only", &settings_.only, "Values of the classes to take. Default: all");
    parameters.add("smallest", &settings_.smallest, "Areas below this are left out")
        .range(0, std::numeric_limits<double>::max());
    parameters.add("unit", &settings_.unit, "Of `smallest`").choices(kAreaUnits);
    parameters.add("touch", &settings_.touch, "Which pixels touch").choices({"edges", "corners"});
    parameters.add("format", &settings_.format, "What the file is")
        .choices({"geopackage", "geojson", "flatgeobuf"});
  }
  void check() override {
    settings_.names = ClassNames(settings_.class_names, "vectorise.classes");
    check_layer_name("vectorise.as", layer_made());
  }
  void set_result_name(const std::string& layer) override { result_ = layer; }
  std::string layer_made() const override {
    return result_.empty() ? settings_.layer + "_polygons" : result_;
  }
  std::vector<std::string> layers_read() const override { return {settings_.layer}; }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    class_band(layers.info(settings_.layer), settings_.band, "vectorise.layer");
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::features;
    return made;
  }

  // How many areas there are and how frayed they are is not known.
  size_t memory_bytes(const geo::Grid& grid) const override {
    constexpr size_t kFixedBytes = size_t{96} << 20, kBytesPerPixel = 3, kStripBytes = 256 * 8;
    return kFixedBytes + static_cast<size_t>(grid.window().pixels()) * kBytesPerPixel +
           static_cast<size_t>(grid.width) * kStripBytes;
  }

  workflow::Product run(const workflow::TaskContext& context) const override;

 private:
  std::string result_;
  VectoriseSettings settings_;
};

workflow::Product Vectorise::run(const workflow::TaskContext& context) const {
  const auto& band =
      class_band(context.layers->info(settings_.layer), settings_.band, "vectorise.layer");
  const LayerPicture picture(context, settings_.layer, {band.name}, "vectorise");
  workflow::Product product;
  product.layer = layer_made();
  product.extension = settings_.extension();
  product.media_type = settings_.media_type();
  product.scratch_path =
      fmt::format("{}/{}{}", context.scratch_folder, layer_made(), product.extension);
  gdal::VectorWriter writer(product.scratch_path);
  writer.begin_layer(
      layer_made(), context.grid.crs,
      {{"class", true}, {"name"}, {"pixels", true}, {.name = "area_ha", .real = true}, {"tile"}});
  uint64_t features = 0;
  raster::visit(band.type, [&]<class T>(T) {
    if constexpr (std::is_integral_v<T>)
      features = Vectorising<T>(settings_, context, picture, writer).run();
  });
  writer.close();
  product.summary.path = product.scratch_path;
  product.summary.sha256 = store::sha256_hex_of_file(product.scratch_path);
  if (const auto status = gdal::file_status(product.scratch_path))
    product.summary.bytes = status->size;
  product.grid = context.grid.sub(context.selected);
  if (context.notes != nullptr) context.notes->push_back(fmt::format("{} polygons", features));
  return product;
}

}  // namespace

std::unique_ptr<workflow::Op> make_vectorise() {
  return std::make_unique<Vectorise>();
}

}  // namespace geoloom::ops
