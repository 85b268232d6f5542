// SPDX-License-Identifier: Apache-2.0
// What is known of raster files by their headers, kept for the process: a series is opened again
// for every few blocks, and most scenes of a series have headers that differ in nothing but the
// places of their blocks.
#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gdal/dataset.h"
#include "gdal/random_access_file.h"
#include "tiff/image_reader.h"

namespace geoloom::raster {

struct AssetHeader {
  std::shared_ptr<const gdal::RasterInfo> info;
  std::string why_gdal;  // empty: `image` reads the pixels
  std::optional<tiff::Image> image;
  std::optional<tiff::Image> mask;          // the file's own mask band
  std::vector<tiff::Image> overviews;       // largest first
  std::vector<tiff::Image> overview_masks;  // of a file with a mask: one each, or none at all
  int alpha_band = 0;                       // 1-based, when there is no mask but an alpha band

  size_t table_bytes() const;
};

// Thread-safe.
class AssetHeaders {
 public:
  static AssetHeaders& instance();
  // The header of an open file; parsed when this version of it has not been seen or was forgotten.
  // Throws as gdal::Dataset::open does, and Error(unavailable) when the header cannot be read.
  std::shared_ptr<const AssetHeader> header_of(const std::string& path,
                                               const gdal::RandomAccessFile& file);

 private:
  using Description = std::shared_ptr<const gdal::RasterInfo>;
  using Entry = std::pair<std::string, std::shared_ptr<const AssetHeader>>;  // by path and version

  std::shared_ptr<const AssetHeader> parse(const std::string& path,
                                           const gdal::RandomAccessFile& file);
  // What GDAL says of files with these tags; `ask` asks it about one.
  Description describe(const std::string& digest, const std::function<gdal::RasterInfo()>& ask);
  void remember(const std::string& key, std::shared_ptr<const AssetHeader> header);

  std::mutex mutex_;
  std::list<Entry> recent_;  // most recently used first
  std::map<std::string, std::list<Entry>::iterator> by_key_;
  size_t table_bytes_ = 0;
  // By digest; null when GDAL refused the file that was asked about.
  std::map<std::string, std::shared_future<Description>> descriptions_;
};

}  // namespace geoloom::raster
