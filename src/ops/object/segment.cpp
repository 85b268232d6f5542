// SPDX-License-Identifier: Apache-2.0
// Segments of a picture by iterative elimination: fields, ponds and blocks instead of pixels.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <memory>
#include <mutex>
#include <semaphore>

#include "error/error.h"
#include "kernels/clusters.h"
#include "kernels/segments.h"
#include "ops/object/map_task.h"
#include "raster/exact_statistics.h"

namespace geoloom::ops {
namespace {

using kernels::ClusterCentres;
using raster::Block;

const workflow::OpDescription kDescription{
    .name = "segment",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "Segments of like pixels (Shepherd, Bunting and Dymond 2019)",
    .documentation =
        R"(Cuts a picture of one or more bands into segments of like pixels, which become the numbers 1, 2, 3 ... of a
new layer. `zonal_majority` gives each of them one class.

**How.** 1. Each band is stretched to 0 .. 255, from two standard deviations below its mean to two above. 2. Clusters are found by
k-means from centres along the diagonal, on every `every`-th pixel. 3. Pixels of one cluster that touch are a clump. 4. Single pixels go to the
neighbour of the nearest values. 5. Clumps below `smallest` pixels are merged, smallest first, into the larger neighbour of the
nearest mean, unless that is farther away than `farthest`. Source: Shepherd, J., Bunting, P. and Dymond, J. (2019), Operational
large-scale segmentation of imagery based on iterative elimination, Remote Sensing 11(6), 658.

**Whole maps.** Stretch and clusters are found once, for the whole map. Then it is segmented in cells of `cell` pixels, each with
`halo` pixels around it, and a segment is the cell's in which its first pixel lies. Where two cells see a segment differently, as they may if it is larger
than the halo, it ends at their edge; such segments are counted in a note. Cells do not depend on tiles, threads or memory. With
`fit: item` each tile of the layer is segmented by itself, with a stretch and clusters of its own, and segments end at its edges: that is how the Digital
Earth Africa cropland maps were made (`clusters: 60, smallest: 100, farthest: 100`).

**pyshepseg.** `like: pyshepseg` does as that program does with a fixed initialisation: no stretch, stored values, initial centres cut to whole
numbers, at most 300 iterations, clumps cut at 10 000 pixels, single pixels at the rim of invalid ones drawn to them, and `farthest` by default the
median distance between centres. Given the same centres the segments are the same, for images of int32; k-means may settle ties in another way.

**Invalid pixels**, in any band, belong to no segment. The result is float32 with whole numbers, exact up to 16 777 216 segments; more are an
error. It is named by `as:`, by default `<layer>_segment`.)",
    .inputs = {},
    .outputs = {{"segments", "one band, `segment`"}}};

constexpr uint32_t kMostMade = 1U << 24;
constexpr size_t kMostClumpOfPyshepseg = 10'000;
// Of a pixel of a cell: block, stretched bands, clusters, and what segmenting holds.
constexpr size_t kBytesPerPixel = 96;

struct SegmentSettings {
  std::vector<std::string> bands;
  int64_t clusters = 60, every = 100, smallest = 100, iterations = 200, cell = 2048, halo = 256;
  double change = 0.0025;
  std::optional<double> farthest;
  std::string fit = "map", touch = "edges", like = "paper";
  bool pyshepseg() const { return like == "pyshepseg"; }
};

// From stored values to those that clusters are made of.
struct Stretch {
  std::vector<double> low, step;  // by band; empty: values as they are
  float value(size_t band, double stored) const {
    if (low.empty()) return static_cast<float>(stored);
    return static_cast<float>(
        std::clamp(std::trunc((stored - low[band]) / step[band]), 0.0, 255.0));
  }
};

struct Fit {
  Stretch stretch;
  ClusterCentres centres;
  double farthest = 0;
};

// The planes of a window: what is valid in all bands, and values as floats.
struct Planes {
  std::vector<std::vector<float>> bands;
  std::vector<uint8_t> valid;

  Planes(const Block& block, const Stretch& stretch) : valid(block.pixels(), 1) {
    for (size_t b = 0; b < block.bands(); ++b) {
      const auto flags = block.validity(0, b);
      for (size_t i = 0; i < valid.size(); ++i) valid[i] &= flags[i];
    }
    for (size_t b = 0; b < block.bands(); ++b) {
      auto& band = bands.emplace_back(block.pixels());
      raster::visit(block.type(b), [&]<class T>(T) {
        const auto plane = block.plane<T>(b, 0);
        for (size_t i = 0; i < band.size(); ++i)
          if (valid[i] != 0) band[i] = stretch.value(b, static_cast<double>(plane[i]));
      });
    }
  }
};

// ---------------------------------------------------------------------------------------------
// Stretch and clusters

// Shows all pixels of a part of the picture, in strips from the top.
using Strips = std::function<void(const std::function<void(const Block&)>&)>;

Stretch stretch_of(const raster::CubeSchema& schema, const Strips& strips) {
  std::vector<raster::ExactStatistics> statistics;
  for (const auto& band : schema.bands) statistics.emplace_back(band.type);
  strips([&](const Block& block) {
    const Planes planes(block, {});
    for (size_t b = 0; b < schema.bands.size(); ++b)
      raster::visit(block.type(b), [&]<class T>(T) {
        statistics[b].add(block.plane<T>(b, 0).data(), planes.valid.data(), block.pixels());
      });
  });
  Stretch stretch;
  for (const auto& each : statistics) {
    const auto result = each.result(0);
    const double low = std::max(result.minimum, result.mean - 2 * result.deviation);
    const double high = std::min(result.maximum, result.mean + 2 * result.deviation);
    stretch.low.push_back(low);
    stretch.step.push_back(high > low ? (high - low) / 255 : 1);
  }
  return stretch;
}

// nullopt where nothing is valid.
std::optional<Fit> fitted(const raster::CubeSchema& schema, const Strips& strips,
                          const SegmentSettings& settings) {
  Fit fit;
  if (!settings.pyshepseg()) fit.stretch = stretch_of(schema, strips);
  std::vector<std::vector<double>> samples(schema.bands.size());
  int64_t seen = 0;
  strips([&](const Block& block) {
    const Planes planes(block, fit.stretch);
    for (size_t i = 0; i < planes.valid.size(); ++i) {
      if (planes.valid[i] == 0 || seen++ % settings.every != 0) continue;
      for (size_t b = 0; b < samples.size(); ++b)
        samples[b].push_back(static_cast<double>(planes.bands[b][i]));
    }
  });
  if (samples.front().empty()) return std::nullopt;
  const auto clusters = std::min(static_cast<size_t>(settings.clusters), samples.front().size());
  const kernels::ClusterRule rule{static_cast<size_t>(settings.iterations), settings.change};
  fit.centres = kernels::fitted_clusters(
      samples, kernels::diagonal_centres(samples, clusters, settings.pyshepseg()), rule);
  fit.farthest = settings.farthest.value_or(kernels::distance_between_centres(fit.centres, 50));
  return fit;
}

std::vector<uint8_t> clusters_of(const Planes& planes, const ClusterCentres& centres) {
  constexpr size_t kAtOnce = 4096;
  const size_t pixels = planes.valid.size();
  std::vector<uint8_t> clusters(pixels);
  std::vector<std::vector<double>> rows(planes.bands.size(), std::vector<double>(kAtOnce));
  std::vector<const double*> pointers;
  for (const auto& row : rows) pointers.push_back(row.data());
  std::vector<uint16_t> nearest(kAtOnce);
  for (size_t first = 0; first < pixels; first += kAtOnce) {
    const size_t count = std::min(kAtOnce, pixels - first);
    for (size_t b = 0; b < rows.size(); ++b)
      std::copy_n(planes.bands[b].data() + first, count, rows[b].data());
    kernels::nearest_centres(pointers.data(), count, centres, nearest.data(), nullptr);
    for (size_t i = 0; i < count; ++i)
      clusters[first + i] =
          planes.valid[first + i] != 0 ? static_cast<uint8_t>(nearest[i] + 1) : uint8_t{0};
  }
  return clusters;
}

std::vector<uint32_t> ids_of(const Block& block, const Fit& fit, const SegmentSettings& settings) {
  const Planes planes(block, fit.stretch);
  const auto clusters = clusters_of(planes, fit.centres);
  std::vector<const float*> bands;
  for (const auto& band : planes.bands) bands.push_back(band.data());
  kernels::SegmentRule rule;
  rule.smallest = static_cast<size_t>(settings.smallest);
  rule.farthest = fit.farthest;
  rule.connectivity =
      settings.touch == "edges" ? kernels::Connectivity::edges : kernels::Connectivity::corners;
  if (settings.pyshepseg()) {
    rule.largest_clump = kMostClumpOfPyshepseg;
    rule.invalid_attracts = true;
  }
  const auto& window = block.window();
  return kernels::segment(bands.data(), bands.size(), clusters.data(),
                          static_cast<size_t>(window.width), static_cast<size_t>(window.height),
                          rule)
      .ids;
}

// ---------------------------------------------------------------------------------------------
// Cells

// A segment as a cell sees it: it is told from others by its first pixel.
struct Seen {
  uint64_t first_pixel = 0;  // row by row on the zone's grid
  uint32_t pixels = 0;
  uint32_t number = 0;  // of the whole map, once known
  bool owned = false;   // the first pixel lies in the cell
};

struct Cell {
  geo::Window core, seen;
  std::vector<Seen> segments;  // those with a pixel in the core, by their numbers in the file
  std::string file;            // the core's numbers, uint32
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File opened(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode));
  if (!file)
    throw Error(ErrorCode::resource, fmt::format("cannot open {}", path)).hint("is the disk full?");
  return file;
}

class Segmentation {
 public:
  Segmentation(const workflow::TaskContext& context, const LayerPicture& picture,
               const SegmentSettings& settings)
      : context_(context), picture_(picture), settings_(settings) {}

  void run();
  // Of the whole map, after run().
  uint32_t count() const { return count_; }
  size_t differing() const { return differing_; }
  const std::vector<Cell>& cells() const { return cells_; }
  void write(const Cell& cell, raster::Block& out) const;

 private:
  void limit_cells_at_once();
  void cut_cells();
  void cut_items();
  void segment(Cell& cell, const Fit& fit, size_t number);
  Strips strips_of(const geo::Window& window) const;
  std::vector<Seen> look_at(Cell& cell, std::vector<uint32_t>& ids) const;
  void number_segments();
  const Cell& cell_with(uint64_t pixel) const;

  const workflow::TaskContext& context_;
  const LayerPicture& picture_;
  const SegmentSettings& settings_;
  std::unique_ptr<std::counting_semaphore<>> at_once_;
  std::vector<Cell> cells_;
  uint32_t count_ = 0;
  size_t differing_ = 0;
};

Strips Segmentation::strips_of(const geo::Window& window) const {
  return [this, window](const std::function<void(const Block&)>& use) {
    constexpr int64_t kRows = 256;
    for (int64_t y = window.y; y < window.bottom(); y += kRows) {
      stop_if_cancelled(context_);
      use(picture_.read({window.x, y, window.width, std::min(kRows, window.bottom() - y)}));
    }
  };
}

// On a lattice of the zone's grid, so that a selection does not move them.
void Segmentation::cut_cells() {
  const auto& whole = picture_.window();
  const int64_t side = settings_.cell;
  for (int64_t y = whole.y / side * side; y < whole.bottom(); y += side) {
    for (int64_t x = whole.x / side * side; x < whole.right(); x += side) {
      Cell cell;
      cell.core = geo::Window{x, y, side, side}.intersect(whole);
      cell.seen = cell.core.expanded(settings_.halo).intersect(whole);
      cells_.push_back(std::move(cell));
    }
  }
}

void Segmentation::cut_items() {
  for (const auto& file : picture_.files()) {
    Cell cell;
    cell.core = cell.seen = file.item.window.intersect(picture_.window());
    cells_.push_back(std::move(cell));
  }
}

// Numbers the segments with a pixel in the core anew; `ids` become those of the core.
std::vector<Seen> Segmentation::look_at(Cell& cell, std::vector<uint32_t>& ids) const {
  const auto count = ids.empty() ? 0 : *std::max_element(ids.begin(), ids.end());
  std::vector<Seen> all(count + size_t{1});
  for (int64_t y = 0; y < cell.seen.height; ++y) {
    for (int64_t x = 0; x < cell.seen.width; ++x) {
      Seen& segment = all[ids[static_cast<size_t>(y * cell.seen.width + x)]];
      if (segment.pixels++ > 0) continue;
      const int64_t on_grid_x = cell.seen.x + x, on_grid_y = cell.seen.y + y;
      segment.first_pixel = static_cast<uint64_t>(on_grid_y * context_.grid.width + on_grid_x);
      segment.owned = cell.core.contains({on_grid_x, on_grid_y, 1, 1});
    }
  }
  std::vector<Seen> kept(1);
  std::vector<uint32_t> number(all.size());
  std::vector<uint32_t> core;
  core.reserve(static_cast<size_t>(cell.core.pixels()));
  for (int64_t y = cell.core.y - cell.seen.y; y < cell.core.bottom() - cell.seen.y; ++y) {
    for (int64_t x = cell.core.x - cell.seen.x; x < cell.core.right() - cell.seen.x; ++x) {
      const uint32_t id = ids[static_cast<size_t>(y * cell.seen.width + x)];
      if (id != 0 && number[id] == 0) {
        number[id] = static_cast<uint32_t>(kept.size());
        kept.push_back(all[id]);
      }
      core.push_back(id == 0 ? 0 : number[id]);
    }
  }
  ids = std::move(core);
  return kept;
}

void Segmentation::segment(Cell& cell, const Fit& fit, size_t number) {
  at_once_->acquire();
  struct Release {
    std::counting_semaphore<>& semaphore;
    ~Release() { semaphore.release(); }
  } const release{*at_once_};
  stop_if_cancelled(context_);
  auto ids = ids_of(picture_.read(cell.seen), fit, settings_);
  cell.segments = look_at(cell, ids);
  cell.file = fmt::format("{}/segments_{}.part", context_.scratch_folder, number);
  const auto file = opened(cell.file, "wb");
  if (std::fwrite(ids.data(), sizeof(uint32_t), ids.size(), file.get()) != ids.size())
    throw Error(ErrorCode::resource, fmt::format("cannot write {}", cell.file))
        .hint("is the disk full?");
}

// As many as there is memory for.
void Segmentation::limit_cells_at_once() {
  int64_t largest = 1;
  for (const auto& cell : cells_) largest = std::max(largest, cell.seen.pixels());
  const size_t cells = context_.memory_bytes / (static_cast<size_t>(largest) * kBytesPerPixel);
  at_once_ = std::make_unique<std::counting_semaphore<>>(
      static_cast<ptrdiff_t>(std::clamp<size_t>(cells, 1, 1024)));
}

void Segmentation::run() {
  std::optional<Fit> of_map;
  if (settings_.fit == "map") {
    of_map = fitted(picture_.schema(), strips_of(picture_.window()), settings_);
    if (of_map) cut_cells();
  } else {
    cut_items();
  }
  limit_cells_at_once();
  std::atomic<size_t> done{0};
  context_.for_each_index(cells_.size(), [&](size_t i) {
    auto& cell = cells_[i];
    const auto fit = of_map ? of_map : fitted(picture_.schema(), strips_of(cell.core), settings_);
    if (fit) segment(cell, *fit, i);
    if (context_.progress)
      context_.progress(static_cast<double>(++done) / static_cast<double>(cells_.size()));
  });
  number_segments();
}

// Of whole maps: cells lie row by row.
const Cell& Segmentation::cell_with(uint64_t pixel) const {
  const auto width = static_cast<uint64_t>(context_.grid.width);
  const auto& whole = picture_.window();
  const int64_t side = settings_.cell;
  const int64_t column = static_cast<int64_t>(pixel % width) / side - whole.x / side;
  const int64_t row = static_cast<int64_t>(pixel / width) / side - whole.y / side;
  const int64_t columns = (whole.right() - 1) / side - whole.x / side + 1;
  return cells_[static_cast<size_t>(row * columns + column)];
}

// Owners number their segments, cell by cell; the others look theirs up by the first pixel. Where
// the owner has none that begins there, or one of another size, the two see it differently.
void Segmentation::number_segments() {
  for (auto& cell : cells_)
    for (auto& segment : cell.segments)
      if (segment.owned) segment.number = ++count_;
  std::vector<std::vector<Seen>> by_pixel;
  const auto before = [](const Seen& a, const Seen& b) { return a.first_pixel < b.first_pixel; };
  for (const auto& cell : cells_) {
    auto& owned = by_pixel.emplace_back();
    for (const auto& segment : cell.segments)
      if (segment.owned) owned.push_back(segment);
    std::sort(owned.begin(), owned.end(), before);
  }
  for (auto& cell : cells_) {
    for (size_t i = 1; i < cell.segments.size(); ++i) {
      auto& segment = cell.segments[i];
      if (segment.owned) continue;
      const Cell& owner = cell_with(segment.first_pixel);
      const auto& owned = by_pixel[static_cast<size_t>(&owner - cells_.data())];
      const auto found = std::lower_bound(owned.begin(), owned.end(), segment, before);
      const bool same = found != owned.end() && found->first_pixel == segment.first_pixel &&
                        found->pixels == segment.pixels;
      if (!same) ++differing_;
      segment.number = same ? found->number : ++count_;
    }
  }
  if (count_ > kMostMade)
    throw Error(ErrorCode::resource,
                fmt::format("there are {} segments; more than {} have no place in a layer", count_,
                            kMostMade))
        .hint("let `smallest` be larger, or segment the zones of a smaller area");
}

// Into a block of the core.
void Segmentation::write(const Cell& cell, raster::Block& out) const {
  if (cell.file.empty()) return;  // nothing is valid in it
  std::vector<uint32_t> ids(out.pixels());
  const auto file = opened(cell.file, "rb");
  if (std::fread(ids.data(), sizeof(uint32_t), ids.size(), file.get()) != ids.size())
    throw Error(ErrorCode::resource, fmt::format("cannot read {}", cell.file));
  const auto plane = out.plane<float>(0, 0);
  const auto valid = out.validity(0);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == 0) continue;
    plane[i] = static_cast<float>(cell.segments[ids[i]].number);
    valid[i] = 1;
  }
}

// ---------------------------------------------------------------------------------------------

class SegmentMap : public MapTask {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters& parameters) override;
  void check() override;

  size_t memory_bytes(const geo::Grid& grid) const override {
    const auto side = [&](int64_t extent) {
      return static_cast<size_t>(std::min(extent, settings_.cell + 2 * settings_.halo));
    };
    return writing_bytes(grid, 16) + side(grid.width) * side(grid.height) * kBytesPerPixel;
  }
  workflow::Product run(const workflow::TaskContext& context) const override;

 protected:
  raster::Band band_made(const workflow::Layers& layers) const override;

 private:
  SegmentSettings settings_;
};

void SegmentMap::declare(workflow::Parameters& parameters) {
  parameters.add("layer", &layer_, "The layer to segment")
      .main()
      .required()
      .meaning(workflow::Meaning::layer);
  parameters.add("bands", &settings_.bands, "Which of its bands; default: all");
  parameters.add("clusters", &settings_.clusters, "How many clusters k-means makes").range(2, 255);
  parameters.add("every", &settings_.every, "Every how manieth valid pixel k-means looks at")
      .range(1, 1e9);
  parameters.add("iterations", &settings_.iterations, "Of k-means, at most").range(1, 100'000);
  parameters
      .add("change", &settings_.change,
           "k-means ends when the squared shifts of all centres are at most this share of the "
           "bands' mean variance")
      .range(0, 1);
  parameters.add("smallest", &settings_.smallest, "Smaller segments are merged")
      .range(1, 1e9)
      .unit("px");
  parameters
      .add("farthest", &settings_.farthest,
           "Means farther apart are not merged, in stretched values; default: the median distance "
           "between centres of clusters")
      .range(0, std::numeric_limits<double>::max());
  parameters.add("touch", &settings_.touch, "Which pixels touch").choices({"edges", "corners"});
  parameters.add("fit", &settings_.fit, "What stretch and clusters are found for")
      .choices({"map", "item"});
  parameters.add("cell", &settings_.cell, "Of whole maps: side of a cell")
      .range(64, 16384)
      .unit("px");
  parameters.add("halo", &settings_.halo, "What a cell sees beyond its edges")
      .range(0, 4096)
      .unit("px");
  parameters.add("like", &settings_.like, "Whose choices are made where the paper leaves them")
      .choices({"paper", "pyshepseg"});
  declare_profile(parameters);
}

void SegmentMap::check() {
  MapTask::check();
  if (!settings_.pyshepseg()) return;
  // Unless they were given.
  const SegmentSettings defaults;
  if (settings_.iterations == defaults.iterations) settings_.iterations = 300;
  if (settings_.change == defaults.change) settings_.change = 1e-4;
}

raster::Band SegmentMap::band_made(const workflow::Layers& layers) const {
  const auto& info = layers.info(layer_);
  workflow::require_pixels(info, "segment.layer");
  for (const auto& band : settings_.bands) info.schema.band_index(band);
  raster::Band made;
  made.name = "segment";
  made.type = raster::PixelType::float32;
  made.kind = raster::BandKind::category;
  made.nodata = 0;
  return made;
}

workflow::Product SegmentMap::run(const workflow::TaskContext& context) const {
  const LayerPicture picture(context, layer_, settings_.bands, "segment");
  Segmentation segmentation(context, picture, settings_);
  segmentation.run();
  Output output(*this, context);
  for (const auto& cell : segmentation.cells()) {
    auto out = output.block(cell.core);
    segmentation.write(cell, out);
    output.write(out);
    if (!cell.file.empty()) std::remove(cell.file.c_str());
  }
  if (context.notes != nullptr) {
    context.notes->push_back(fmt::format("{} segments", segmentation.count()));
    if (segmentation.differing() > 0)
      context.notes->push_back(
          fmt::format("{} segments end at the edge of a cell: two cells saw them differently",
                      segmentation.differing()));
  }
  return output.finish();
}

}  // namespace

std::unique_ptr<workflow::Op> make_segment() {
  return std::make_unique<SegmentMap>();
}

}  // namespace geoloom::ops
