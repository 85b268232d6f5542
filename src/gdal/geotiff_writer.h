// SPDX-License-Identifier: Apache-2.0
// Writing rasters through GDAL: plain GeoTIFFs filled window by window, what a GeoTIFF says of its
// grid and bands, and pictures.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gdal/dataset.h"

namespace geoloom::gdal {

struct WriterBand {
  std::string name;
  std::string unit;
  double scale = 1;
  double offset = 0;
  std::string colour;  // as BandInfo::colour
};

// A tiled, uncompressed, sparse scratch file.
class ScratchWriter {
 public:
  struct Options {
    BufferType type = BufferType::uint8;
    std::vector<WriterBand> bands;
    std::optional<double> nodata;
    bool mask_band = false;  // an internal mask instead of nodata
    int block_size = 256;
  };
  ScratchWriter(const std::string& path, const geo::Grid& grid, const Options& options);
  ScratchWriter(ScratchWriter&&) noexcept;
  ScratchWriter& operator=(ScratchWriter&&) noexcept;
  ~ScratchWriter();
  void write(const geo::Window& window, int band, const void* pixels, size_t row_stride_bytes);
  void write_mask(const geo::Window& window, const uint8_t* zero_or_255, size_t row_stride_bytes);
  void set_band_metadata(int band, const std::vector<std::pair<std::string, std::string>>& items);
  void set_metadata(const std::vector<std::pair<std::string, std::string>>& items);
  void set_colour_table(const std::vector<std::array<uint8_t, 3>>& rgb_by_value);
  void close();  // flushes; throws Error(resource) when the disk is full

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

using MetadataItems = std::vector<std::pair<std::string, std::string>>;

// The bytes of a GeoTIFF of one pixel that says of CRS, grid origin, bands, nodata, colours and
// metadata what a file of this grid has to say: GDAL is who knows how GeoTIFF writes them. Classic
// TIFF, little-endian. `band_items` has one entry for each band, `colours` (by value; of one band)
// may be empty.
std::string described_geotiff(const geo::Grid& grid, const ScratchWriter::Options& options,
                              const MetadataItems& items,
                              const std::vector<MetadataItems>& band_items,
                              const std::vector<std::array<uint8_t, 3>>& colours);

// Translates a raster with a driver and creation options ("COG", "PNG", "JPEG"). The target appears
// only when it is complete. Throws Error(resource) on a full disk.
void translate(const std::string& source, const std::string& target, const std::string& driver,
               const std::vector<std::pair<std::string, std::string>>& options);

// An RGB, RGBA or grey 8-bit picture, band-sequential planes of width x height.
void write_png(const std::string& path, int64_t width, int64_t height,
               const std::vector<const uint8_t*>& planes);
// The same as the bytes of a PNG.
std::string png_bytes(int64_t width, int64_t height, const std::vector<const uint8_t*>& planes);

}  // namespace geoloom::gdal
