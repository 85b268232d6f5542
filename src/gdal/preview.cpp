// SPDX-License-Identifier: Apache-2.0
#include "gdal/preview.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "gdal/geotiff_writer.h"
#include "gdal/handles.h"
#include "gdal/raster_description.h"

namespace geoloom::gdal {
namespace {

struct Size {
  int width = 0, height = 0;
  size_t pixels() const { return static_cast<size_t>(width) * static_cast<size_t>(height); }
};

Size size_within(const RasterInfo& info, int64_t longest_side) {
  const auto longer = static_cast<double>(std::max(info.width, info.height));
  const double factor = std::min(1.0, static_cast<double>(longest_side) / longer);
  const auto scaled = [&](int64_t length) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(length) * factor)));
  };
  return {scaled(info.width), scaled(info.height)};
}

// Red, green and blue, or one band; counted from 1.
std::vector<int> bands_to_draw(const RasterInfo& info) {
  std::vector<int> bands;
  for (const char* colour : {"red", "green", "blue"})
    for (size_t i = 0; i < info.bands.size(); ++i)
      if (info.bands[i].name == colour || info.bands[i].colour == colour) {
        bands.push_back(static_cast<int>(i) + 1);
        break;
      }
  return bands.size() == 3 ? bands : std::vector<int>{1};
}

struct DrawnBand {
  std::vector<float> values;
  std::vector<uint8_t> mask;

  bool valid(size_t i) const { return mask[i] != 0 && std::isfinite(values[i]); }
};

DrawnBand read_band(GDALDatasetH dataset, const RasterInfo& info, int number, const Size& size,
                    const Capture& capture) {
  DrawnBand drawn{std::vector<float>(size.pixels()), std::vector<uint8_t>(size.pixels())};
  const auto read = [&](GDALRasterBandH band, GDALDataType type, void* buffer) {
    if (GDALRasterIOEx(band, GF_Read, 0, 0, static_cast<int>(info.width),
                       static_cast<int>(info.height), buffer, size.width, size.height, type, 0, 0,
                       nullptr) != CE_None)
      throw capture.error(ErrorCode::corrupt, "it cannot be read");
  };
  const GDALRasterBandH band = GDALGetRasterBand(dataset, number);
  read(band, GDT_Float32, drawn.values.data());
  read(GDALGetMaskBand(band), GDT_Byte, drawn.mask.data());
  return drawn;
}

// From the 2nd to the 98th percentile by rank.
std::vector<uint8_t> stretched(const DrawnBand& band) {
  std::vector<float> sorted;
  for (size_t i = 0; i < band.values.size(); ++i)
    if (band.valid(i)) sorted.push_back(band.values[i]);
  std::sort(sorted.begin(), sorted.end());
  std::vector<uint8_t> shades(band.values.size(), 128);
  if (sorted.empty()) return shades;
  const float low = sorted[sorted.size() * 2 / 100], high = sorted[(sorted.size() - 1) * 98 / 100];
  for (size_t i = 0; high > low && i < shades.size(); ++i)
    if (band.valid(i))
      shades[i] = static_cast<uint8_t>(
          std::clamp(255 * (band.values[i] - low) / (high - low), 0.0F, 255.0F));
  return shades;
}

std::vector<uint8_t> as_they_are(const DrawnBand& band) {
  std::vector<uint8_t> shades(band.values.size());
  for (size_t i = 0; i < shades.size(); ++i)
    if (band.valid(i)) shades[i] = static_cast<uint8_t>(std::clamp(band.values[i], 0.0F, 255.0F));
  return shades;
}

std::vector<uint8_t> by_colour(const DrawnBand& band,
                               const std::vector<std::array<uint8_t, 3>>& colours, size_t channel) {
  std::vector<uint8_t> shades(band.values.size());
  for (size_t i = 0; i < shades.size(); ++i) {
    if (!band.valid(i) || band.values[i] < 0) continue;
    const auto value = static_cast<size_t>(band.values[i]);
    if (value < colours.size()) shades[i] = colours[value][channel];
  }
  return shades;
}

using Planes = std::vector<std::vector<uint8_t>>;

Planes draw(const RasterInfo& info, const std::vector<int>& numbers,
            const std::vector<DrawnBand>& bands) {
  const auto& first = info.bands[static_cast<size_t>(numbers.front()) - 1];
  const bool picture = first.type == SampleType::uint8 && bands.size() == 3;
  Planes planes;
  for (size_t channel = 0; channel < 3; ++channel) {
    const auto& band = bands[std::min(channel, bands.size() - 1)];
    planes.push_back(picture                  ? as_they_are(band)
                     : !first.colours.empty() ? by_colour(band, first.colours, channel)
                                              : stretched(band));
  }
  auto& alpha = planes.emplace_back(bands.front().values.size(), uint8_t{255});
  for (const auto& band : bands)
    for (size_t i = 0; i < alpha.size(); ++i)
      if (!band.valid(i)) alpha[i] = 0;
  return planes;
}

}  // namespace

std::string preview_png(const std::string& path, int64_t longest_side) {
  initialise();
  const auto checked = checked_path(path);
  const Capture capture(path);
  constexpr std::array<const char*, 3> kDrivers{"GTiff", "PNG", nullptr};
  const DatasetHandle handle(GDALOpenEx(checked.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR,
                                        kDrivers.data(), nullptr, nullptr));
  if (!handle) throw capture.error(ErrorCode::invalid, "it is no GeoTIFF and no PNG");
  const auto info = describe_raster(path, handle.get());
  const auto size = size_within(info, longest_side);
  const auto numbers = bands_to_draw(info);
  std::vector<DrawnBand> bands;
  for (const int number : numbers)
    bands.push_back(read_band(handle.get(), info, number, size, capture));
  const auto planes = draw(info, numbers, bands);
  std::vector<const uint8_t*> pointers;
  for (const auto& plane : planes) pointers.push_back(plane.data());
  return png_bytes(size.width, size.height, pointers);
}

}  // namespace geoloom::gdal
