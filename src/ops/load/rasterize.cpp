// SPDX-License-Identifier: Apache-2.0
// Shapes as pixels: labels, masks and counts from a vector file on the grid of the area.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include "catalog/href.h"
#include "error/error.h"
#include "gdal/shape_mask.h"
#include "ops/class_names.h"
#include "ops/load/shape_file.h"
#include "store/checksum.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::PixelType;
using workflow::Json;

const workflow::OpDescription kDescription{
    .name = "rasterize",
    .kind = workflow::OpKind::source,
    .version = 2,
    .summary = "Pixels from the polygons, lines and points of a vector file",
    .documentation =
        R"(Gives one band without time: `value`, or the number in a column, where a shape covers a pixel.
Formats are those of areas of interest; a CSV may have columns x and y, or lon and lat. Shapes of
another CRS are brought onto the grid with their edges followed in steps of 5 km (0.05 degrees), so
that long ones bend as they should.

**What a shape covers**: a polygon the pixels whose centres it holds, a line those it steps through,
a point the one it lies in; with `all_touched` every pixel that is touched. That is how GDAL
burns, so `gdal_rasterize` and rasterio give the same pixels. Tiles of any size give the same as the
whole area. `buffer` grows the shapes first (shrinks, where negative), in units of the grid's CRS.

**Overlaps.** Where several shapes cover a pixel, `overlap` decides: the `last` one of the file, the
`first`, the `max` or `min` of their values, their `sum`, or their `count`. `{value: 255}` marks pixels
that shapes of different values claim.

**Elsewhere** pixels are invalid, or with `background` they have that value and are valid. Without
it, tiles that no shape comes near are empty items.

`classes: {1: maize, 2: fallow}` names the values, in files and in what is made of them.

Features whose column is empty are left out and counted. Only the tiles that a changed shape touches
are made again.)",
    .inputs = {},
    .outputs = {{"shapes", "one band, without time"}}};

struct RasterizeSettings {
  ShapeQuery query;
  BurnRules rules;
  std::string band = "value", type = "uint8", kind;
  std::optional<double> background;
  ClassNames classes;

  PixelType pixel_type() const { return raster::pixel_type_of(type); }
  raster::BandKind band_kind() const {
    if (rules.overlap == Overlap::count) return raster::BandKind::count;
    if (!kind.empty())
      return kind == "category" ? raster::BandKind::category : raster::BandKind::measure;
    return pixel_type() == PixelType::float32 || rules.overlap == Overlap::sum
               ? raster::BandKind::measure
               : raster::BandKind::category;
  }
};

class ShapeSource : public workflow::Source {
 public:
  ShapeSource(RasterizeSettings settings, const Json& frozen,
              const std::vector<workflow::Zone>& zones)
      : settings_(std::move(settings)),
        sha256_(frozen.at("sha256").get<std::string>()),
        operations_(frozen.at("operations").get<std::vector<std::string>>()),
        zones_(zones) {
    settings_.query.file = frozen.at("file").get<std::string>();
  }

  workflow::SourceItem plan(const workflow::Item& item, const workflow::Layers*) const override {
    workflow::SourceItem plan;
    plan.zone = item.zone;
    plan.schema.bands = {
        {.name = settings_.band, .type = settings_.pixel_type(), .kind = settings_.band_kind()}};
    settings_.classes.give_to(plan.schema.bands.front(), "rasterize.classes");
    plan.block_width = plan.block_height = gdal::kMaskCell;
    plan.scratch_bytes = static_cast<size_t>(gdal::kMaskCell * gdal::kMaskCell) * 2;
    plan.scratch_bytes_per_pixel = sizeof(double) + 1;
    const auto shapes = file().zones.at(item.zone).touching(item.window);
    if (shapes.empty() && !settings_.background) return plan;
    plan.schema.slices = {{.period = {}, .timed = false, .label = ""}};
    plan.members = {0};
    plan.identities = {identity(shapes, item.zone)};
    plan.scenes = {settings_.query.file.substr(settings_.query.file.rfind('/') + 1)};
    return plan;
  }

  workflow::ReadCounts read(const workflow::SourceItem& plan, size_t, raster::Block& block,
                            size_t slice, raster::AssetPool&) const override {
    const auto& window = block.window();
    std::vector<double> values(block.pixels());
    std::vector<uint8_t> covered(block.pixels());
    burn_shapes(file().zones.at(plan.zone).touching(window), settings_.rules,
                zones_[plan.zone].grid, window, values, covered);
    workflow::ReadCounts counts;
    raster::visit(settings_.pixel_type(), [&]<class T>(T) {
      const auto to = block.plane<T>(0, slice);
      const auto valid = block.validity(slice, 0);
      for (size_t i = 0; i < values.size(); ++i) {
        const bool background = covered[i] == 0;
        valid[i] = background && !settings_.background ? 0 : 1;
        const double value = background ? settings_.background.value_or(0) : values[i];
        counts.clipped += put(value, to[i]);
      }
    });
    return counts;
  }

  size_t tolerated(size_t) const override { return 0; }

 private:
  // Values of shapes fit their type; sums and counts may grow out of it.
  template <class T>
  static uint64_t put(double value, T& to) {
    if constexpr (std::is_same_v<T, float>) {
      to = static_cast<float>(value);
      return 0;
    } else {
      const double bounded =
          std::clamp<double>(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
      to = static_cast<T>(bounded);
      return bounded != value ? 1 : 0;
    }
  }

  std::string identity(const std::vector<const BurnedShape*>& shapes, size_t zone) const {
    std::string all;
    // A zone has an operation for each layer of the file.
    for (size_t i = zone; i < operations_.size(); i += zones_.size()) all += operations_[i] + "\n";
    for (const auto* shape : shapes) all += shape->identity;
    return "shapes " + store::sha256_hex(all);
  }

  // When pixels are first asked for: many commands look at a run without them.
  const ShapeFile& file() const {
    std::call_once(once_, [this] {
      if (vector_file_hash(settings_.query.file) != sha256_)
        throw Error(ErrorCode::invalid, "the vector file changed after the run was created")
            .at({.file = settings_.query.file})
            .hint("start the run again: it looks at the file anew");
      auto operations = operations_;
      file_ = read_shapes(settings_.query, zones_, operations);
    });
    return file_;
  }

  RasterizeSettings settings_;
  const std::string sha256_;
  const std::vector<std::string> operations_;
  const std::vector<workflow::Zone> zones_;
  mutable std::once_flag once_;
  mutable ShapeFile file_;
};

struct OverlapChoice {
  std::string rule = "last";
  std::optional<double> value;
  void declare(workflow::Parameters& parameters) {
    parameters.add("rule", &rule, "Which shape decides")
        .choices({"last", "first", "max", "min", "sum", "count"})
        .main();
    parameters.add("value", &value,
                   "What pixels get that shapes of different values cover, instead of a rule");
  }
};

class Rasterize : public workflow::SourceOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    auto& query = settings_.query;
    // What shapes are and where they lie is hashed tile by tile, so the file is no identity.
    parameters
        .add("file", &query.file,
             "Vector file: GeoPackage, GeoJSON, Shapefile, FlatGeobuf, KML, or CSV with a column "
             "of WKT or columns x and y")
        .main()
        .required()
        .meaning(workflow::Meaning::path)
        .not_identity();
    parameters.add("layer", &query.layer, "Of a file with several; default: all").not_identity();
    parameters.add("where", &query.where, "Which features: a condition on columns, as in SQL")
        .not_identity();
    parameters.add("crs", &crs_, "CRS of a file that does not tell its own");
    parameters.add("value", &value_, "What pixels of shapes get. Default: 1");
    parameters.add("column", &query.column, "The column whose numbers they get instead");
    parameters.add("type", &settings_.type, "Type of the band")
        .choices({"uint8", "uint16", "int16", "float32"});
    parameters.add("band", &settings_.band, "Name of the band");
    parameters.add("overlap", &overlap_, "What pixels of several shapes get");
    parameters.add("background", &settings_.background,
                   "Value of pixels of no shape. Default: they are invalid");
    parameters.add("all_touched", &settings_.rules.all_touched,
                   "Every pixel that a shape touches, not only those whose centres it holds");
    parameters.add("buffer", &query.buffer,
                   "Grow shapes by so much, in units of the grid's CRS; negative: shrink them");
    parameters
        .add("kind", &settings_.kind,
             "What values mean: `measure` or `category` (classes). Default: category for whole "
             "numbers, measure for float32 and sums")
        .choices({"measure", "category"});
    parameters.add("classes", &class_names_, "Names of classes by their values")
        .identity_if_changed();
  }

  void check() override {
    auto& query = settings_.query;
    if (value_ && !query.column.empty())
      throw Error(ErrorCode::invalid, "rasterize: `value` and `column` exclude each other");
    query.value = value_.value_or(1);
    query.crs = crs_;
    settings_.classes = ClassNames(class_names_, "rasterize.classes");
    settings_.rules.overlap = rule();
    if (!settings_.classes.empty() && settings_.band_kind() != raster::BandKind::category)
      throw Error(ErrorCode::invalid, "rasterize.classes: values are measures or counts here")
          .hint("choose a type of whole numbers, and no sum or count of overlaps");
    settings_.rules.conflict_value = overlap_.value.value_or(0);
    check_fits("value", query.value);
    if (settings_.background) check_fits("background", *settings_.background);
    if (overlap_.value) check_fits("overlap.value", *overlap_.value);
  }

  Json freeze(const std::vector<workflow::Zone>& zones,
              workflow::FreezeReport& report) const override {
    std::vector<std::string> operations;
    const auto sha256 = vector_file_hash(settings_.query.file);
    const auto file = read_shapes(settings_.query, zones, operations);
    report.after_filter = {{"shapes found", file.shapes},
                           {"with a value", file.shapes - file.without_value}};
    report.scenes = file.shapes - file.without_value;
    if (report.scenes == 0 && !settings_.background)
      throw Error(ErrorCode::empty, "rasterize: the file has no shape with a value")
          .at({.file = settings_.query.file});
    for (size_t z = 0; z < zones.size(); ++z)
      for (const auto* shape : file.zones[z].touching(zones[z].grid.window()))
        check_fits(settings_.query.column.empty() ? "value" : "column", shape->value);
    return {{"file", settings_.query.file}, {"sha256", sha256}, {"operations", operations}};
  }

  std::unique_ptr<workflow::Source> open(const Json& frozen,
                                         const std::vector<workflow::Zone>& zones,
                                         const workflow::Layers&) const override {
    return std::make_unique<ShapeSource>(settings_, frozen, zones);
  }

 private:
  Overlap rule() const {
    if (overlap_.value) return Overlap::conflict;
    if (overlap_.rule == "first") return Overlap::first;
    if (overlap_.rule == "max") return Overlap::highest;
    if (overlap_.rule == "min") return Overlap::lowest;
    if (overlap_.rule == "sum") return Overlap::sum;
    return overlap_.rule == "count" ? Overlap::count : Overlap::last;
  }

  void check_fits(const char* what, double value) const {
    if (raster::holds(settings_.pixel_type(), value)) return;
    throw Error(ErrorCode::invalid,
                fmt::format("rasterize.{}: {} is not a value of {}", what, value, settings_.type))
        .hint("choose another type: uint16 and int16 hold larger whole numbers, float32 fractions");
  }

  RasterizeSettings settings_;
  OverlapChoice overlap_;
  std::optional<double> value_;
  std::optional<std::string> crs_;
  std::map<std::string, std::string> class_names_;
};

}  // namespace

std::unique_ptr<workflow::Op> make_rasterize() {
  return std::make_unique<Rasterize>();
}

}  // namespace geoloom::ops
