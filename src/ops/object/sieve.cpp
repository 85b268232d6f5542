// SPDX-License-Identifier: Apache-2.0
// Small areas of a map go to their largest neighbour.
#include <fmt/format.h>

#include <limits>
#include <memory>

#include "error/error.h"
#include "kernels/components.h"
#include "ops/object/area_unit.h"
#include "ops/object/map_task.h"

namespace geoloom::ops {
namespace {

using kernels::Connectivity;

const workflow::OpDescription kDescription{
    .name = "sieve",
    .kind = workflow::OpKind::task,
    .version = 2,
    .summary = "Areas of a map that are too small go to their largest neighbour",
    .documentation =
        R"(An area is pixels of one class that touch: those that share an edge, with `touch: corners` those at the corners too.
Areas smaller than `smallest` take the class of the largest area beside them; of equally large ones, of the one that begins first, row by row from
the top. Where the largest neighbour is too small itself, they go where it goes; areas that are each other's largest neighbours stay as they are.
This is what GDAL's sieve does (`gdal_sieve`, and rasterio by it), which counts pixels and decides between equally large neighbours by the order in which it meets them.

**Units.** `smallest` counts pixels, or square metres or hectares with `unit`. On grids in metres or feet that is the area on the grid; on grids in
degrees the area on the Earth, row by row.

**Invalid pixels** belong to no area and stay invalid; they are nobody's neighbour.

The layer is looked at as a whole, so tiles leave no traces. It is read three times; memory grows with the number of areas, not with
the number of pixels. The result is a layer of one band named by `as:`, by default `<layer>_sieve`.)",
    .inputs = {},
    .outputs = {{"map", "the band of classes"}}};

// On whole rows of one type.
template <class T>
class Sieving {
 public:
  Sieving(const LayerPicture& picture, Connectivity connectivity,
          const std::vector<double>& pixel_sizes)
      : picture_(picture),
        pixel_sizes_(pixel_sizes),
        connectivity_(connectivity),
        width_(static_cast<size_t>(picture.window().width)),
        sweep_(width_, connectivity) {}

  std::vector<uint32_t> find_takers(double smallest) {
    picture_.for_rows([&](const raster::Block& strip, size_t row, int64_t y) {
      sweep_.add_row(values(strip, row), valid(strip, row),
                     pixel_sizes_[static_cast<size_t>(y - picture_.window().y)]);
    });
    sweep_.close();
    class_of_.resize(sweep_.sizes().size());
    kernels::SmallAreas small(sweep_.sizes(), connectivity_);
    std::vector<uint32_t> above(width_), labels(width_);
    bool first = true;
    picture_.for_rows([&](const raster::Block& strip, size_t row, int64_t) {
      sweep_.label_row(values(strip, row), valid(strip, row), labels.data());
      for (size_t x = 0; x < width_; ++x) class_of_[labels[x]] = values(strip, row)[x];
      small.add_row(first ? nullptr : above.data(), labels.data(), width_);
      std::swap(above, labels);
      first = false;
    });
    sweep_.rewind();
    return small.taken_over_by(smallest);
  }

  // Rows in the order of the picture.
  void write_row(const raster::Block& strip, size_t row, const std::vector<uint32_t>& takers,
                 raster::Block& out) {
    labels_.resize(width_);
    sweep_.label_row(values(strip, row), valid(strip, row), labels_.data());
    T* const to = out.plane<T>(0, 0).data() + row * width_;
    uint8_t* const to_valid = out.validity(0).data() + row * width_;
    for (size_t x = 0; x < width_; ++x) {
      const uint32_t area = labels_[x];
      if (area == 0) continue;
      to[x] = class_of_[takers[area] != kernels::SmallAreas::kStays ? takers[area] : area];
      to_valid[x] = 1;
    }
  }

 private:
  const T* values(const raster::Block& strip, size_t row) const {
    return strip.plane<T>(0, 0).data() + row * width_;
  }
  const uint8_t* valid(const raster::Block& strip, size_t row) const {
    return strip.validity(0).data() + row * width_;
  }

  const LayerPicture& picture_;
  const std::vector<double>& pixel_sizes_;
  Connectivity connectivity_;
  size_t width_;
  kernels::ComponentSweep<T> sweep_;
  std::vector<T> class_of_;  // by area
  std::vector<uint32_t> labels_;
};

class SieveMap : public MapTask {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "The layer to clean")
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("band", &band_, "Which of its bands; needed where there are several");
    parameters.add("smallest", &smallest_, "Areas below this go")
        .required()
        .range(0, std::numeric_limits<double>::max());
    parameters.add("unit", &unit_, "Of `smallest`").choices(kAreaUnits);
    parameters.add("touch", &touch_, "Which pixels touch").choices({"edges", "corners"});
    declare_profile(parameters);
  }

  // Areas are not known; a third of a map's pixels is far more than maps have.
  size_t memory_bytes(const geo::Grid& grid) const override {
    constexpr size_t kBytesPerArea = 24, kPixelsPerArea = 8;
    return writing_bytes(grid, 8) +
           static_cast<size_t>(grid.window().pixels()) / kPixelsPerArea * kBytesPerArea;
  }

  workflow::Product run(const workflow::TaskContext& context) const override;

 protected:
  raster::Band band_made(const workflow::Layers& layers) const override {
    return class_band(layers.info(layer_), band_, "sieve.layer");
  }

 private:
  std::string band_, unit_ = "pixels", touch_ = "edges";
  double smallest_ = 0;
};

workflow::Product SieveMap::run(const workflow::TaskContext& context) const {
  const auto& band = class_band(context.layers->info(layer_), band_, "sieve.layer");
  const LayerPicture picture(context, layer_, {band.name}, "sieve");
  const auto sizes = pixel_sizes(context, unit_);
  Output output(*this, context);
  raster::visit(band.type, [&]<class T>(T) {
    if constexpr (std::is_integral_v<T>) {
      Sieving<T> sieving(picture, touch_ == "edges" ? Connectivity::edges : Connectivity::corners,
                         sizes);
      const auto takers = sieving.find_takers(as_pixel_sizes(smallest_, unit_));
      raster::Block out;
      picture.for_rows([&](const raster::Block& strip, size_t row, int64_t) {
        if (row == 0) out = output.block(strip.window());
        sieving.write_row(strip, row, takers, out);
        if (static_cast<int64_t>(row) + 1 == strip.window().height) output.write(out);
      });
    }
  });
  return output.finish();
}

}  // namespace

std::unique_ptr<workflow::Op> make_sieve() {
  return std::make_unique<SieveMap>();
}

}  // namespace geoloom::ops
