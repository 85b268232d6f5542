// SPDX-License-Identifier: Apache-2.0
// Writing a Cloud Optimized GeoTIFF from blocks that arrive in any order, in bounded memory, with
// bytes that do not depend on that order. Tiles are compressed by the thread that completes them,
// overviews are made as tiles are, and compressed tiles are put in order once: no pixel is written
// uncompressed or read again.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gdal/geotiff_writer.h"
#include "raster/cube.h"

namespace geoloom::raster {

enum class Codec { deflate, zstd, lzw, jpeg, lerc };
enum class OverviewResampling { automatic, average, mode, nearest };

struct CogProfile {
  Codec codec = Codec::deflate;
  int level = 6;     // deflate 1..12, zstd 1..22
  int quality = 90;  // jpeg 1..100
  // lerc: the largest difference between a value and what is stored of it, in stored units; 0 loses
  // nothing.
  double max_z_error = 0;
  int block_size = 512;   // 128..4096, a multiple of 16; smaller images get smaller tiles
  bool predictor = true;  // horizontal for integers, floating point for float32; not for jpeg, lerc
  // automatic: mode if any band is a category, else nearest if any is a count, else average. An
  // average of classes is a class that is not there, an average of counts is not a count.
  OverviewResampling overviews = OverviewResampling::automatic;
  bool always_big_tiff = false;  // even where 4 GiB suffice
};
std::string_view name(Codec codec);
// Throws Error(invalid) with what a profile may say.
void check(const CogProfile& profile);
// Whether validity is a mask band in the file instead of nodata: where a band has no nodata or
// bands differ in theirs, for jpeg, and for lerc with a tolerance or with NaN as nodata.
bool has_mask_band(const CubeSchema& schema, const CogProfile& profile);

// What is known of a finished file.
struct CogSummary {
  std::string path;
  int64_t bytes = 0;
  std::string sha256;
  // Of types, shape, values and validity (raster/pixel_hash.h); independent of codec and library
  // versions. For lossy files it is that of the pixels before encoding.
  std::string pixel_hash;
  bool mask_band = false;             // says what is valid, instead of the schema's nodata
  std::vector<BandStatistics> bands;  // in file order
};

// What is to stand beside the file under its name and gdal::kAttributesEnding, so that GDAL and
// QGIS show the names of classes; empty where the bands have none.
std::string attributes_beside(const CubeSchema& schema);

// What a band is called in the file: "red" for one slice, else "red_2018-05".
std::string file_band_name(const CubeSchema& schema, size_t slice, size_t band);

// One output file. All slices of a cube become bands named "<band>" (one slice) or
// "<band>_<label>"; all bands of the first slice come first.
class CogWriter {
 public:
  // Types of all bands must be equal (Error(invalid) says to save them as separate layers
  // otherwise). Nodata is written where a pixel is invalid, or the file gets a mask band instead:
  // it is one for the file, so a pixel is valid where all bands are, and invalid pixels are 0.
  CogWriter(const std::string& scratch_folder, const std::string& stem, const geo::Grid& grid,
            const CubeSchema& schema, const CogProfile& profile,
            const std::vector<std::pair<std::string, std::string>>& metadata);
  CogWriter(const CogWriter&) = delete;
  CogWriter& operator=(const CogWriter&) = delete;
  ~CogWriter();  // a finished file is the caller's; scratch files have no names
  // Thread-safe. The block's window lies in the grid; every pixel is written exactly once in all.
  // A file with a mask band takes blocks of all slices only.
  void write(const Block& block);
  // The COG "<scratch_folder>/<stem>.tif". Pixels never written are invalid. Call once.
  CogSummary finish();
  // The most bytes held beside the caller's block, for the memory plan.
  static size_t memory_bytes(const geo::Grid& grid, const CubeSchema& schema,
                             const CogProfile& profile);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The pixel hash of a finished file, read back (for `diff` and for checks).
std::string pixel_hash_of_file(const std::string& path);

}  // namespace geoloom::raster
