// SPDX-License-Identifier: Apache-2.0
#include "gdal/shape_mask.h"

#include <gdal_alg.h>
#include <ogr_geometry.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "gdal/dataset.h"
#include "gdal/handles.h"

namespace geoloom::gdal {
namespace {

constexpr double kStepsPerPixel = 1 << 20;

// From coordinates to pixels of a cell. Rounded first, so that taking off the cell's corner loses
// no bit.
struct PixelFrame {
  const geo::Grid* grid;
  double left, top;
};

int to_pixels(void* argument, int, int count, double* x, double* y, double*, int* success) {
  const auto& frame = *static_cast<const PixelFrame*>(argument);
  const auto rounded = [](double pixels) {
    return std::nearbyint(pixels * kStepsPerPixel) / kStepsPerPixel;
  };
  for (int i = 0; i < count; ++i) {
    x[i] = rounded((x[i] - frame.grid->origin_x) / frame.grid->pixel_width) - frame.left;
    y[i] = rounded((frame.grid->origin_y - y[i]) / frame.grid->pixel_height) - frame.top;
    success[i] = 1;
  }
  return 1;
}

// An image over memory that somebody else owns.
DatasetHandle image_over(std::vector<uint8_t>& pixels, int side) {
  DatasetHandle image(GDALCreate(GDALGetDriverByName("MEM"), "", side, side, 0, GDT_Byte, nullptr));
  if (!image) return image;
  char pointer[64] = {};
  CPLPrintPointer(pointer, pixels.data(), sizeof pointer - 1);
  Options options;
  options.set("DATAPOINTER", pointer);
  if (GDALAddBand(image.get(), GDT_Byte, options.get()) != CE_None) image.reset();
  return image;
}

}  // namespace

void mask_of_shape(const Geometry& shape, const geo::Grid& grid, const geo::Window& window,
                   bool all_touched, std::span<uint8_t> mask) {
  initialise();
  std::fill(mask.begin(), mask.end(), uint8_t{0});
  if (shape.empty() || window.empty()) return;
  const auto corner = [](int64_t at) {
    return (at >= 0 ? at : at - kMaskCell + 1) / kMaskCell * kMaskCell;
  };
  const int64_t left = corner(window.x), top = corner(window.y);
  std::vector<uint8_t> cell(static_cast<size_t>(kMaskCell * kMaskCell), 0);
  const Capture capture("a shape");
  const DatasetHandle image = image_over(cell, static_cast<int>(kMaskCell));
  if (!image) throw capture.error(ErrorCode::resource, "there is no memory for a mask");
  PixelFrame frame{&grid, static_cast<double>(left), static_cast<double>(top)};
  Options options;
  options.set("OPTIM", "RASTER");  // the other way depends on the image's blocks
  if (all_touched) options.set("ALL_TOUCHED", "TRUE");
  int band = 1;
  double value = 1;
  // GDAL's interface takes shapes that it will not change without const.
  OGRGeometryH handle = OGRGeometry::ToHandle(const_cast<OGRGeometry*>(shape.ogr()));
  if (GDALRasterizeGeometries(image.get(), 1, &band, 1, &handle, &to_pixels, &frame, &value,
                              options.get(), nullptr, nullptr) != CE_None)
    throw capture.error(ErrorCode::invalid, "a shape cannot be rasterized");
  for (int64_t y = 0; y < window.height; ++y) {
    const auto from = (window.y - top + y) * kMaskCell + window.x - left;
    std::copy_n(cell.begin() + from, window.width, mask.begin() + y * window.width);
  }
}

}  // namespace geoloom::gdal
