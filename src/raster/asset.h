// SPDX-License-Identifier: Apache-2.0
// An open raster file. Tiled and striped TIFFs are read straight from their blocks; whatever this
// reader leaves out (other formats, codecs, sample types that have to be converted) is read by
// GDAL. The pixels are the same either way.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gdal/dataset.h"
#include "geo/grid.h"
#include "raster/cube.h"

namespace geoloom::raster {

// Who reads the pixels. GEOLOOM_READER=gdal in the environment leaves all to GDAL.
enum class Reader { automatic, gdal };

// Move-only; one user at a time. Headers are parsed once per process and version of a file.
class Asset {
 public:
  // `path` is a local path or a /vsi path. Throws as gdal::Dataset::open does.
  static Asset open(const std::string& path);
  static Asset open(const std::string& path, Reader reader);
  Asset(Asset&&) noexcept;
  Asset& operator=(Asset&&) noexcept;
  ~Asset();

  const std::string& path() const;
  // A local file at this path is another one by now, or was written to.
  bool outdated() const;
  const gdal::RasterInfo& info() const;
  // Empty when blocks are read directly, else why GDAL reads them.
  const std::string& why_gdal() const;

  // Reads a window that lies inside the raster; band numbers are 1-based and band i goes to
  // buffer + i * band_stride_bytes, rows row_stride_bytes apart. `type` is that of the bands, as
  // pixel_type_of tells. Throws Error(corrupt|unavailable|...) with the path as the place.
  void read(const geo::Window& window, const std::vector<int>& bands, PixelType type, void* buffer,
            size_t row_stride_bytes, size_t band_stride_bytes) const;
  // What the file's mask or alpha band says, as 0 / 255.
  void read_mask(const geo::Window& window, int band, uint8_t* buffer,
                 size_t row_stride_bytes) const;

  // The image (level 0) and those of its overviews that read_level() can read, largest first.
  struct Level {
    int64_t width, height;
  };
  std::vector<Level> levels() const;
  // As read() and read_mask() of a level: the window is in its pixels and inside of it. Dense rows,
  // and bands one after the other.
  void read_level(size_t level, const geo::Window& window, const std::vector<int>& bands,
                  PixelType type, void* buffer) const;
  void read_level_mask(size_t level, const geo::Window& window, int band, uint8_t* buffer) const;

  // One band of a window as width x height samples for a picture: the nearest pixels of the
  // coarsest overview that is at least as fine as asked for, else of the image.
  std::vector<float> read_overview(const geo::Window& window, int band, int64_t width,
                                   int64_t height) const;

 private:
  struct Impl;
  explicit Asset(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The pixel type a stored sample type becomes. Throws Error(invalid) for complex and 64-bit
// samples.
PixelType pixel_type_of(gdal::SampleType type);

gdal::BufferType buffer_type_of(PixelType type);

// What a file says of itself, without keeping it open; costs little for a file whose header is like
// that of one seen before. Throws as Asset::open does.
struct AssetDescription {
  std::shared_ptr<const gdal::RasterInfo> info;
  int64_t bytes = 0;  // of the file
};
AssetDescription describe_asset(const std::string& path);

}  // namespace geoloom::raster
