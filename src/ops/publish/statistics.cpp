// SPDX-License-Identifier: Apache-2.0
// Counts and moments of a whole layer: what conditions and outputs of a document refer to.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "gdal/dataset.h"
#include "ops/layer_file.h"
#include "ops/layer_gaps.h"
#include "ops/metrics_file.h"
#include "raster/exact_statistics.h"
#include "store/checksum.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;
using workflow::MetricDeclaration;
using workflow::Scalar;
using workflow::ScalarType;

const workflow::OpDescription kDescription{
    .name = "statistics",
    .kind = workflow::OpKind::task,
    .version = 2,
    .summary = "Counts, mean and range of a layer's bands, for conditions and outputs",
    .documentation =
        R"(Reads all files of a layer, all slices together, and reports of each band `count` (valid values),
`valid_share` (of all values of the items that have a file), `minimum`, `maximum`, `mean` and `deviation` (of the whole population), in
physical values: scale and offset are applied. Infinities and NaN are left out of the last four. `valid_share` without a band is
that of all bands together; `items` counts the items that have a file, `gaps` those that have none.

`$step.NAME.valid_share` and `$step.NAME.BAND.mean` stand for these in `when`, `outputs` and the ops of later steps;
NAME is the one given by `as:`, by default `<layer>_statistics`. A band without a valid value has no minimum, maximum,
mean or deviation: such a reference is absent. All values are kept in the run's record too, and written as JSON.

**Classes.** With `classes: true`, of one band of whole numbers, a matrix `classes` lists each value that occurs: `pixels`, `share` of the valid
ones, and `hectares` where the grid is in metres or feet (pixel area on the grid; use an equal-area grid where that matters). `values` is the
list of them, which an axis of a later step may be: `over: [tiles, {class: $step.NAME.values}]`.

Sums are exact, so the result does not depend on tiles or threads.)",
    .inputs = {},
    .outputs = {{"metrics", "JSON"}}};

// Parts of a file that are read at once.
constexpr int64_t kCountedWidth = 2048, kCountedHeight = 512;
constexpr size_t kMostClasses = 4096;

// Of one band.
struct Counted {
  raster::ExactStatistics statistics;
  uint64_t total = 0;
  std::map<int64_t, uint64_t> classes;

  void merge(const Counted& other) {
    statistics.merge(other.statistics);
    total += other.total;
    for (const auto& [value, pixels] : other.classes) classes[value] += pixels;
    if (classes.size() > kMostClasses)
      throw Error(ErrorCode::invalid, fmt::format("the band has more than {} values, which are no "
                                                  "classes",
                                                  kMostClasses))
          .hint("leave `classes` out");
  }
};

class Counting {
 public:
  Counting(const workflow::TaskContext& context, const CubeSchema& schema,
           std::vector<size_t> bands, bool classes)
      : context_(context), bands_(std::move(bands)), classes_(classes) {
    for (const size_t band : bands_) chosen_.bands.push_back(schema.bands[band]);
    chosen_.slices.resize(1);
    chosen_.validity_per_band = bands_.size() > 1;
    counted_ = fresh();
  }

  // On all threads.
  void add(const std::vector<workflow::LayerFile>& files) {
    std::vector<Part> parts;
    for (const auto& file : files)
      for (size_t slice = 0; slice < file.schema.slices.size(); ++slice)
        add_parts(file, slice, parts);
    size_t done = 0;
    context_.for_each_index(parts.size(), [&](size_t i) {
      if (context_.cancelled && context_.cancelled()) throw Error(ErrorCode::cancelled, "stopped");
      const auto counted = count(parts[i]);
      const std::lock_guard lock(mutex_);
      for (size_t band = 0; band < counted.size(); ++band) counted_[band].merge(counted[band]);
      if (context_.progress)
        context_.progress(static_cast<double>(++done) / static_cast<double>(parts.size()));
    });
  }

  const std::vector<Counted>& counted() const { return counted_; }

 private:
  struct Part {
    const workflow::LayerFile* file;
    size_t slice;
    geo::Window window;
  };

  std::vector<Counted> fresh() const {
    std::vector<Counted> out;
    for (const auto& band : chosen_.bands)
      out.push_back({raster::ExactStatistics(band.type), 0, {}});
    return out;
  }

  void add_parts(const workflow::LayerFile& file, size_t slice, std::vector<Part>& parts) const {
    const auto& window = file.item.window;
    for (int64_t y = window.y; y < window.bottom(); y += kCountedHeight)
      for (int64_t x = window.x; x < window.right(); x += kCountedWidth)
        parts.push_back(
            {&file, slice, geo::Window{x, y, kCountedWidth, kCountedHeight}.intersect(window)});
  }

  std::vector<Counted> count(const Part& part) const {
    raster::Block block(chosen_, part.window, 0, 1);
    // Items lie on the zone's grid, whole as the context has it.
    read_layer_file(*part.file, context_.grid, part.slice, bands_, block, 0, *context_.pool);
    auto out = fresh();
    for (size_t band = 0; band < bands_.size(); ++band) {
      raster::visit(block.type(band), [&]<class T>(T) {
        const auto values = block.plane<T>(band, 0);
        const auto valid = block.validity(0, chosen_.validity_per_band ? band : 0);
        out[band].statistics.add(values.data(), valid.data(), block.pixels());
        out[band].total = block.pixels();
        if constexpr (std::is_integral_v<T>)
          if (classes_) count_classes(values, valid, out[band]);
      });
    }
    return out;
  }

  template <class Values, class Valid>
  static void count_classes(const Values& values, const Valid& valid, Counted& out) {
    std::vector<uint64_t> by_value(size_t{1} << 16);
    for (size_t i = 0; i < values.size(); ++i)
      if (valid[i] != 0) ++by_value[static_cast<uint16_t>(values[i])];
    using T = std::remove_cvref_t<decltype(values[0])>;
    for (size_t v = 0; v < by_value.size(); ++v)
      if (by_value[v] > 0) out.classes[static_cast<T>(v)] += by_value[v];
  }

  const workflow::TaskContext& context_;
  const std::vector<size_t> bands_;
  const bool classes_;
  CubeSchema chosen_;
  std::mutex mutex_;
  std::vector<Counted> counted_;
};

// As the metrics name them; a layer's one band is named too, so that documents read alike.
std::vector<MetricDeclaration> band_metrics(const raster::Band& band) {
  const auto named = [&](const char* what, ScalarType type, const std::string& unit,
                         const char* help) {
    return MetricDeclaration{band.name + "." + what, type, unit, help};
  };
  return {named("count", ScalarType::integer, "", "valid values"),
          named("valid_share", ScalarType::number, "", "of all values, 0 to 1"),
          named("minimum", ScalarType::number, band.unit, "of valid values"),
          named("maximum", ScalarType::number, band.unit, "of valid values"),
          named("mean", ScalarType::number, band.unit, "of valid values"),
          named("deviation", ScalarType::number, band.unit, "of valid values")};
}

const std::vector<MetricDeclaration> kOfAll{
    {"valid_share", ScalarType::number, "", "of all values of all bands, 0 to 1"},
    {"items", ScalarType::integer, "", "items that have a file"},
    {"gaps", ScalarType::integer, "", "items that have none"}};

const MetricDeclaration kValues{"values", ScalarType::list, "", "values that occur, rising"};

Scalar share_of(uint64_t part, uint64_t whole) {
  if (whole == 0) return {};
  return {static_cast<double>(part) / static_cast<double>(whole)};
}

class Statistics : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "The layer to look at")
        .main()
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("bands", &bands_, "Which of its bands; default: all")
        .meaning(workflow::Meaning::band);
    parameters.add("gaps", &gaps_, "What to do about items without a result")
        .choices({"refuse", "count"});
    parameters.add("classes", &classes_, "Count each value that occurs");
  }

  void set_result_name(const std::string& layer) override { result_ = layer; }
  std::string layer_made() const override {
    return result_.empty() ? layer_ + "_statistics" : result_;
  }
  std::vector<std::string> layers_read() const override { return {layer_}; }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    const auto& info = layers.info(layer_);
    workflow::require_pixels(info, "statistics.layer");
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::metrics;
    made.metrics = kOfAll;
    for (const size_t band : chosen(info.schema))
      for (auto& metric : band_metrics(info.schema.bands[band]))
        made.metrics.push_back(std::move(metric));
    if (classes_) made.metrics.push_back(kValues);
    return made;
  }

  size_t memory_bytes(const geo::Grid&) const override {
    constexpr size_t kThreads = 2, kBands = 16, kBytesPerPixel = 5;
    return kThreads * static_cast<size_t>(kCountedWidth * kCountedHeight) * kBands *
               kBytesPerPixel +
           (size_t{16} << 20);
  }

  workflow::Product run(const workflow::TaskContext& context) const override;

 private:
  std::vector<size_t> chosen(const CubeSchema& schema) const;
  void set_classes(const Counted& counted, const geo::Grid& grid, workflow::Metrics& metrics) const;

  std::string layer_, result_;
  std::vector<std::string> bands_;
  std::string gaps_ = "refuse";
  bool classes_ = false;
};

std::vector<size_t> Statistics::chosen(const CubeSchema& schema) const {
  std::vector<size_t> out;
  for (const auto& band : bands_) out.push_back(static_cast<size_t>(schema.band_index(band)));
  if (out.empty()) out = all_bands(schema.bands.size());
  if (!classes_) return out;
  if (out.size() != 1 || schema.bands[out.front()].type == raster::PixelType::float32)
    throw Error(ErrorCode::invalid,
                "statistics.classes: counts the values of one band of whole numbers")
        .hint("choose it with `bands:`");
  return out;
}

void set_band(const raster::Band& band, const Counted& counted, workflow::Metrics& metrics) {
  const auto result = counted.statistics.result(counted.total);
  const auto physical = [&](double stored) {
    return result.valid == 0 ? Scalar{} : Scalar{stored * band.scale + band.offset};
  };
  // A scale below zero turns the range around.
  const bool turned = band.scale < 0;
  const std::vector<Scalar> values{
      {static_cast<int64_t>(result.valid)},
      share_of(result.valid, counted.total),
      physical(turned ? result.maximum : result.minimum),
      physical(turned ? result.minimum : result.maximum),
      physical(result.mean),
      result.valid == 0 ? Scalar{} : Scalar{result.deviation * std::abs(band.scale)}};
  const auto declared = band_metrics(band);
  for (size_t i = 0; i < values.size(); ++i) metrics.set(declared[i], values[i]);
}

void Statistics::set_classes(const Counted& counted, const geo::Grid& grid,
                             workflow::Metrics& metrics) const {
  const double metres = grid.crs.metres_per_unit();
  const double hectares = grid.pixel_width * std::abs(grid.pixel_height) * metres * metres / 10'000;
  workflow::MetricMatrix matrix{"class", "of it", {}, {"pixels", "share"}, {}};
  if (metres > 0) matrix.columns.emplace_back("hectares");
  uint64_t valid = 0;
  for (const auto& [value, pixels] : counted.classes) valid += pixels;
  for (const auto& [value, pixels] : counted.classes) {
    const auto count = static_cast<double>(pixels);
    matrix.rows.push_back(std::to_string(value));
    matrix.values.push_back(count);
    matrix.values.push_back(count / static_cast<double>(valid));
    if (metres > 0) matrix.values.push_back(count * hectares);
  }
  metrics.matrices["classes"] = std::move(matrix);
  Scalar::List values;
  for (const auto& [value, pixels] : counted.classes) values.emplace_back().value = value;
  Scalar list;
  list.value = std::move(values);
  metrics.set(kValues, std::move(list));
}

workflow::Product Statistics::run(const workflow::TaskContext& context) const {
  const auto& schema = context.layers->info(layer_).schema;
  const auto bands = chosen(schema);
  std::vector<workflow::LayerFile> files;
  LayerGaps gaps(layer_);
  for (const auto& entry : context.layers->files(layer_, context.item)) {
    gaps.add(entry);
    if (entry.file && !entry.file->empty) files.push_back(*entry.file);
  }
  if (gaps_ == "refuse") gaps.refuse("statistics: {gaps: count} to leave them out");
  gaps.note("left out", context);
  Counting counting(context, schema, bands, classes_);
  counting.add(files);
  workflow::Metrics metrics;
  uint64_t valid = 0, total = 0;
  for (size_t i = 0; i < bands.size(); ++i) {
    const auto& counted = counting.counted()[i];
    set_band(schema.bands[bands[i]], counted, metrics);
    valid += counted.statistics.result(counted.total).valid;
    total += counted.total;
  }
  metrics.set(kOfAll[0], share_of(valid, total));
  metrics.set(kOfAll[1], {static_cast<int64_t>(files.size())});
  metrics.set(kOfAll[2], {static_cast<int64_t>(gaps.count())});
  if (classes_) set_classes(counting.counted().front(), context.grid, metrics);
  return metrics_product(layer_made(), std::move(metrics), context);
}

}  // namespace

std::unique_ptr<workflow::Op> make_statistics() {
  return std::make_unique<Statistics>();
}

}  // namespace geoloom::ops
