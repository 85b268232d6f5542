// SPDX-License-Identifier: Apache-2.0
// A probability sample of a finished map, to be labelled.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "error/error.h"
#include "gdal/dataset.h"
#include "gdal/vector_file.h"
#include "geo/pixel_area.h"
#include "learn/sampling_design.h"
#include "ops/assess/sample_design.h"
#include "ops/class_names.h"
#include "ops/earlier_zones.h"
#include "ops/export/profile.h"
#include "ops/layer_picture.h"
#include "store/checksum.h"

namespace geoloom::ops {
namespace {

using learn::DrawnUnit;
using learn::StratumPlan;

const workflow::OpDescription kDescription{
    .name = "design",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "Draws a probability sample of a finished map, to be labelled and assessed",
    .documentation =
        R"(How good a map is and how much of a class there is can be told from a sample that was drawn from the map itself, with known
probabilities, and labelled by somebody who looks at better pictures. `design` draws it and writes a GeoPackage of points; somebody fills
the column `label`; `assess` takes the file back.

**Strata.** The sample is drawn by strata: the map's classes, or those of another layer on the same grid (`strata`), such as
regions or the classes of an older map. Within a stratum every valid pixel has the same probability, `probability`.

**How many.** `total` says it, or `target_error`: the standard error that the overall accuracy is to have, from the user's accuracies that are
expected of the classes (`expected`, 0.8 where nothing is said); Cochran (1977) equation 5.25, as in Olofsson et al. (2014) equation 13. `allocation` shares the units out: `equal`,
`proportional` to the strata's sizes, or `optimal` (Neyman). No stratum gets fewer than `minimum`, so that rare classes can be told of.

**Which.** Seed and place of a pixel give a rank, and the lowest ranks of a stratum are the sample: it does not depend on tiles, and a larger sample
with the same seed contains the smaller one. Units are numbered by rank across strata, so they may be labelled in their order,
and a beginning is a sample too.

**The file.** Layer `sample` with a point at the centre of each pixel and the columns `unit`, `stratum`, `mapped` (hide it from who labels),
`probability`, `label` (empty) and `design`, which must stay as it is. Labels are names of classes or their values; leave out what cannot be told.

**Zones.** Of an area of several UTM zones one sample is drawn from the map as a whole, and its points are in degrees; with `over: zones` each zone
has a sample of its own. Tiles of neighbouring zones overlap where they meet; a place can be drawn in the first zone that has a tile there.

The grid must be in metres or feet: in degrees pixels are not equally large, and so not equally likely to be drawn by area. Source: Olofsson, P. et al.
(2014), Good practices for estimating area and assessing accuracy of land change, Remote Sensing of Environment 148, 42-57.)",
    .inputs = {},
    .outputs = {{"sample", "GeoPackage"}}};

constexpr size_t kMostStrata = 1000;

class Design : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override;
  void check() override;
  void set_result_name(const std::string& layer) override { result_ = layer; }
  std::string layer_made() const override { return result_.empty() ? layer_ + "_sample" : result_; }
  std::vector<std::string> layers_read() const override {
    if (strata_.empty()) return {layer_};
    return {layer_, strata_};
  }
  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    class_band(layers.info(layer_), band_, "design.layer");
    if (!strata_.empty()) class_band(layers.info(strata_), "", "design.strata");
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::features;
    return made;
  }
  bool needs_grid() const override { return false; }
  size_t memory_bytes(const geo::Grid& grid) const override {
    return (size_t{32} << 20) + static_cast<size_t>(grid.width) * 256 * 8;
  }
  workflow::Product run(const workflow::TaskContext& context) const override;

 private:
  friend class Drawing;
  std::string layer_, band_, strata_, result_, allocation_ = "proportional";
  std::map<std::string, std::string> class_names_, strata_names_;
  std::map<std::string, double> expected_;
  std::optional<int64_t> total_;
  std::optional<double> target_error_;
  int64_t minimum_ = 50, seed_ = 1;
  ClassNames classes_, strata_called_;
};

void Design::declare(workflow::Parameters& parameters) {
  parameters.add("layer", &layer_, "The map").main().required().meaning(workflow::Meaning::layer);
  parameters.add("band", &band_, "Which of its bands; needed where there are several");
  parameters.add("classes", &class_names_,
                 "Names of the map's classes by their values; default: those that it carries");
  parameters.add("strata", &strata_, "Layer of strata; default: the map's classes")
      .meaning(workflow::Meaning::layer);
  parameters.add("strata_names", &strata_names_,
                 "Names of its strata by their values; default: those that it carries");
  parameters.add("total", &total_, "How many units").range(1, 10'000'000);
  parameters
      .add("target_error", &target_error_,
           "Instead of `total`: standard error that the overall accuracy is to have")
      .range(1e-6, 0.5);
  parameters
      .add("expected", &expected_,
           "Accuracy that is expected of a stratum's pixels, by its name; default: 0.8")
      .range(0, 1);
  parameters.add("allocation", &allocation_, "How units are shared out among strata")
      .choices({"equal", "proportional", "optimal"});
  parameters.add("minimum", &minimum_, "Fewest units of a stratum").range(0, 1'000'000);
  parameters.add("seed", &seed_, "Another one draws another sample")
      .range(0, 9'007'199'254'740'992);
}

void Design::check() {
  if (total_.has_value() == target_error_.has_value())
    throw Error(ErrorCode::invalid, "design: needs either `total` or `target_error`")
        .hint("design: {layer: map, total: 500}, or target_error: 0.01");
  classes_ = ClassNames(class_names_, "design.classes");
  strata_called_ = ClassNames(strata_names_, "design.strata_names");
  check_layer_name("design.as", layer_made());
}

// A stratum as the map has it.
struct Counted {
  uint64_t units = 0;
  double square_metres = 0;
};

struct Unit {
  DrawnUnit drawn;
  size_t stratum = 0;
  int64_t mapped = 0;
};

// The map in one zone, and the strata.
class ZoneMap {
 public:
  ZoneMap(const workflow::TaskContext& context, const std::string& layer, const std::string& band,
          const std::string& strata)
      : grid_(context.grid), map_(context, layer, {band}, "design"), earlier_(context.grid) {
    if (!strata.empty())
      strata_ = std::make_unique<const LayerPicture>(context, strata, std::vector<std::string>{},
                                                     "design");
  }
  const geo::Grid& grid() const { return grid_; }
  const geo::Window& window() const { return map_.window(); }
  void leave_out(const ZoneMap& before) { earlier_.add(before.grid_, before.map_.files()); }

  // Classes and strata of each pixel where both are valid.
  template <class Use>
  void for_pixels(Use use) const;

 private:
  geo::Grid grid_;
  LayerPicture map_;
  EarlierZones earlier_;
  std::unique_ptr<const LayerPicture> strata_;
};

class Drawing {
 public:
  Drawing(const Design& op, const workflow::TaskContext& context) : op_(op) {
    const auto& layers = *context.layers;
    const auto& band = class_band(layers.info(op.layer_), op.band_, "design.layer");
    classes_called_ = op.classes_.or_of(band);
    strata_called_ = op.strata_.empty()
                         ? classes_called_
                         : op.strata_called_.or_of(layers.info(op.strata_).schema.bands.front());
    contexts_ = workflow::zone_by_zone(context);
    for (const auto& zone : contexts_) {
      ZoneMap map(zone, op.layer_, band.name, op.strata_);
      for (const auto& before : zones_) map.leave_out(before);
      zones_.push_back(std::move(map));
    }
  }

  // Counts, draws and looks up what the map says of the units.
  void run() {
    count();
    draw();
    look_up();
  }
  SampleDesign design() const;
  const std::vector<Unit>& units() const { return units_; }
  std::string name_of_stratum(size_t stratum) const {
    return strata_called_.name(values_[stratum]);
  }
  std::string name_of_class(int64_t value) const { return classes_called_.name(value); }
  gdal::Geometry point(const Unit& unit) const;
  geo::Crs crs() const;
  double probability(size_t stratum) const {
    const auto& counted = counted_.at(values_[stratum]);
    return static_cast<double>(sampled_[stratum]) / static_cast<double>(counted.units);
  }

 private:
  uint32_t zone_number(size_t z) const { return static_cast<uint32_t>(contexts_[z].item.zone); }
  void count();
  void count(const ZoneMap& zone);
  void draw();
  void look_up();

  const Design& op_;
  ClassNames classes_called_, strata_called_;
  std::vector<workflow::TaskContext> contexts_;
  std::deque<ZoneMap> zones_;
  std::map<int64_t, Counted> counted_;  // by value of the stratum
  std::vector<int64_t> values_;         // of strata, rising
  std::map<int64_t, size_t> index_;     // of a value
  std::vector<uint64_t> sampled_;
  std::vector<Unit> units_;
  std::map<int64_t, uint64_t> classes_;
};

std::vector<int64_t> whole_numbers(const raster::Block& block) {
  std::vector<int64_t> values(block.pixels());
  raster::visit(block.type(0), [&]<class T>(T) {
    const auto plane = block.plane<T>(0, 0);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(plane[i]);
  });
  return values;
}

template <class Use>
void ZoneMap::for_pixels(Use use) const {
  if (map_.files().empty()) return;
  map_.for_strips([&](const raster::Block& strip) {
    const auto& window = strip.window();
    const auto classes = whole_numbers(strip);
    std::optional<raster::Block> other;
    std::vector<int64_t> strata;
    if (strata_) {
      other = strata_->read(window);
      strata = whole_numbers(*other);
    }
    const auto read = strip.validity(0);
    std::vector<uint8_t> valid(read.begin(), read.end());
    earlier_.leave_out(window, valid);
    for (size_t i = 0; i < classes.size(); ++i) {
      if (valid[i] == 0 || (other && other->validity(0)[i] == 0)) continue;
      const auto at = static_cast<int64_t>(i);
      use(window.x + at % window.width, window.y + at / window.width, classes[i],
          other ? strata[i] : classes[i]);
    }
  });
}

void Drawing::count(const ZoneMap& zone) {
  const geo::PixelAreas areas(zone.grid());
  const auto& window = zone.window();
  std::vector<double> row;
  int64_t row_y = -1;
  Counted* last = nullptr;
  int64_t of_last = 0;
  zone.for_pixels([&](int64_t x, int64_t y, int64_t mapped, int64_t stratum) {
    if (y != row_y) {
      row = areas.row(y, window.x, window.width);
      row_y = y;
    }
    if (last == nullptr || stratum != of_last) {
      last = &counted_[stratum];
      of_last = stratum;
      if (counted_.size() > kMostStrata)
        throw Error(ErrorCode::invalid,
                    fmt::format("design: there are more than {} strata", kMostStrata))
            .hint("is this a map of classes?");
    }
    ++last->units;
    last->square_metres += row[static_cast<size_t>(x - window.x)];
    if (!op_.strata_.empty()) ++classes_[mapped];
  });
}

void Drawing::count() {
  for (const auto& zone : zones_) count(zone);
  if (counted_.empty())
    throw Error(ErrorCode::empty, "design: the map has no valid pixel to draw from");
  for (const auto& [value, counted] : counted_) {
    index_[value] = values_.size();
    values_.push_back(value);
    if (op_.strata_.empty()) classes_[value] = counted.units;
  }
}

void Drawing::draw() {
  std::vector<StratumPlan> plans;
  for (const int64_t value : values_) {
    StratumPlan plan{static_cast<double>(counted_[value].units)};
    const auto expected = op_.expected_.find(strata_called_.name(value));
    if (expected != op_.expected_.end()) plan.expected_accuracy = expected->second;
    plans.push_back(plan);
  }
  const uint64_t total = op_.total_ ? static_cast<uint64_t>(*op_.total_)
                                    : learn::sample_size(plans, *op_.target_error_);
  const auto allocation = op_.allocation_ == "equal"          ? learn::Allocation::equal
                          : op_.allocation_ == "proportional" ? learn::Allocation::proportional
                                                              : learn::Allocation::optimal;
  sampled_ = learn::allocate(plans, total, allocation, static_cast<uint64_t>(op_.minimum_));
  learn::StratifiedDraw draw(static_cast<uint64_t>(op_.seed_), sampled_);
  for (size_t z = 0; z < zones_.size(); ++z)
    zones_[z].for_pixels([&](int64_t x, int64_t y, int64_t, int64_t stratum) {
      draw.offer(static_cast<uint32_t>(index_.at(stratum)), zone_number(z), x, y);
    });
  for (size_t h = 0; h < values_.size(); ++h)
    for (const auto& drawn : draw.drawn(static_cast<uint32_t>(h)))
      units_.push_back({drawn, h, values_[h]});
  std::sort(units_.begin(), units_.end(),
            [](const Unit& a, const Unit& b) { return a.drawn < b.drawn; });
}

// Where strata are not the map's classes.
void Drawing::look_up() {
  if (op_.strata_.empty()) return;
  for (size_t z = 0; z < zones_.size(); ++z) {
    std::map<std::pair<int64_t, int64_t>, Unit*> at;
    for (auto& unit : units_)
      if (unit.drawn.zone == zone_number(z)) at[{unit.drawn.y, unit.drawn.x}] = &unit;
    auto next = at.begin();
    zones_[z].for_pixels([&](int64_t x, int64_t y, int64_t mapped, int64_t) {
      if (next == at.end() || next->first != std::pair(y, x)) return;
      next->second->mapped = mapped;
      ++next;
    });
  }
}

// In the grid's CRS, or where there are several in degrees.
gdal::Geometry Drawing::point(const Unit& unit) const {
  for (size_t z = 0; z < zones_.size(); ++z) {
    if (unit.drawn.zone != zone_number(z)) continue;
    const auto& grid = zones_[z].grid();
    const auto box = grid.box({unit.drawn.x, unit.drawn.y, 1, 1});
    geo::XY at{(box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2};
    if (zones_.size() > 1) {
      const auto degrees = geo::to_lon_lat(grid.crs, at.x, at.y);
      at = {degrees.lon, degrees.lat};
    }
    return gdal::Geometry::from_wkt(fmt::format("POINT ({} {})", at.x, at.y));
  }
  return {};
}

geo::Crs Drawing::crs() const {
  return zones_.size() > 1 ? geo::Crs::parse("EPSG:4326") : zones_.front().grid().crs;
}

SampleDesign Drawing::design() const {
  SampleDesign design;
  design.map = op_.layer_;
  design.by_class = op_.strata_.empty();
  design.seed = static_cast<uint64_t>(op_.seed_);
  for (const auto& [value, count] : classes_) design.classes.push_back(classes_called_.name(value));
  for (size_t h = 0; h < values_.size(); ++h) {
    const auto& counted = counted_.at(values_[h]);
    design.strata.push_back(
        {name_of_stratum(h), counted.units, sampled_[h], counted.square_metres});
  }
  return design;
}

workflow::Product Design::run(const workflow::TaskContext& context) const {
  for (const auto& zone : workflow::zone_by_zone(context))
    if (!(zone.grid.crs.metres_per_unit() > 0))
      throw Error(ErrorCode::invalid,
                  "design: the grid is in degrees, where pixels are not equally large")
          .hint("make the map on a projected grid: `crs:` of the area");
  Drawing drawing(*this, context);
  drawing.run();
  const auto text = drawing.design().text();
  workflow::Product product;
  product.layer = layer_made();
  product.extension = ".gpkg";
  product.media_type = "application/geopackage+sqlite3";
  product.scratch_path = fmt::format("{}/{}.gpkg", context.scratch_folder, layer_made());
  gdal::VectorWriter writer(product.scratch_path);
  writer.begin_layer("sample", drawing.crs(),
                     {{kUnitColumn, true},
                      {kStratumColumn},
                      {kMappedColumn},
                      {.name = "probability", .real = true},
                      {kLabelColumn},
                      {kDesignColumn}});
  size_t number = 0;
  for (const auto& unit : drawing.units()) {
    writer.add(drawing.point(unit),
               {std::to_string(++number), drawing.name_of_stratum(unit.stratum),
                drawing.name_of_class(unit.mapped),
                fmt::format("{}", drawing.probability(unit.stratum)), "", text});
  }
  writer.close();
  product.summary.path = product.scratch_path;
  product.summary.sha256 = store::sha256_hex_of_file(product.scratch_path);
  if (const auto status = gdal::file_status(product.scratch_path))
    product.summary.bytes = status->size;
  product.grid = context.grid;
  if (context.notes != nullptr)
    context.notes->push_back(fmt::format("{} units drawn from {} strata", drawing.units().size(),
                                         drawing.design().strata.size()));
  return product;
}

}  // namespace

std::unique_ptr<workflow::Op> make_design() {
  return std::make_unique<Design>();
}

}  // namespace geoloom::ops
