// SPDX-License-Identifier: Apache-2.0
// Writing a Cloud Optimized GeoTIFF from blocks that arrive in any order, in bounded memory, with
// bytes that do not depend on that order.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gdal/geotiff_writer.h"
#include "raster/cube.h"

namespace geoloom::raster {

enum class Codec { deflate, zstd, lzw, jpeg };
enum class OverviewResampling { automatic, average, mode, nearest };

struct CogProfile {
  Codec codec = Codec::deflate;
  int level = 6;           // deflate 1..12, zstd 1..22
  int quality = 90;        // jpeg
  int block_size = 512;
  bool predictor = true;   // horizontal for integers, floating point for float32
  OverviewResampling overviews = OverviewResampling::automatic;  // average, or mode for categories
};
std::string_view name(Codec codec);

// What is known of a finished file.
struct CogSummary {
  std::string path;
  int64_t bytes = 0;
  std::string sha256;
  std::string pixel_hash;  // XXH3-128 of type, shape, values and validity; independent of codec and library versions (lossless codecs)
  std::vector<BandStatistics> bands;
};

// One output file: all slices of a cube become bands named "<band>" (one slice) or "<band>_<label>".
class CogWriter {
 public:
  // `types` of all bands must be equal (Error(invalid) says to save them as separate layers otherwise).
  // nodata of the bands is written where a pixel is invalid; bands without nodata, and the JPEG codec, get a mask band.
  CogWriter(const std::string& scratch_folder, std::string stem, const geo::Grid& grid,
            const CubeSchema& schema, const CogProfile& profile,
            const std::vector<std::pair<std::string, std::string>>& metadata);
  CogWriter(const CogWriter&) = delete;
  CogWriter& operator=(const CogWriter&) = delete;
  ~CogWriter();
  // Thread-safe. The block's window lies in the grid; every pixel is written exactly once in all.
  void write(const Block& block);
  // Statistics and pixel hash in one pass in row order, then the COG. Pixels never written are invalid.
  CogSummary finish();
  // Bytes held beside the caller's block, for the memory plan.
  static size_t memory_bytes(const geo::Grid& grid, const CubeSchema& schema, const CogProfile& profile);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The pixel hash of a finished file, read back (for `diff` and for checks).
std::string pixel_hash_of_file(const std::string& path);

}  // namespace geoloom::raster
