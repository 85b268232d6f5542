// SPDX-License-Identifier: Apache-2.0
// GDAL behind RAII. This folder holds the only GDAL and OGR includes of the project; nothing of
// GDAL's shows in its headers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gdal/class_names.h"
#include "geo/grid.h"

namespace geoloom::gdal {

// Registers the allowed drivers, routes GDAL's messages into Errors, and sets the options every
// process needs (no directory scans on open, no sidecar writing, exact PROJ paths). Call once,
// before any other function here; later calls do nothing.
void initialise();
// The bytes of GDAL's block cache, a ticket from the process's memory budget.
void set_block_cache_bytes(size_t bytes);
std::string version();         // "3.6.2"
bool built_with_libdeflate();  // decoding is about three times slower without
// Formats scenes may have. Everything else is refused, above all VRT: a VRT may read any file.
const std::vector<std::string>& allowed_drivers();

enum class SampleType { uint8, int8, uint16, int16, uint32, int32, float32, float64, other };

struct BandInfo {
  SampleType type = SampleType::uint8;
  std::string name;  // band description; empty if the file gives none
  std::optional<double> nodata;
  double scale = 1;
  double offset = 0;
  std::string unit;
  std::string colour;  // "red", "green", "blue", "grey", "palette", "alpha" or ""
  // Of a palette: red, green and blue by value, up to the last that is not black.
  std::vector<std::array<uint8_t, 3>> colours;
  ClassNamesByValue class_names;  // gdal/class_names.h
  int block_width = 0;
  int block_height = 0;
  bool has_mask_band = false;  // an internal mask or alpha says what is valid
};

struct RasterInfo {
  std::string driver;
  int64_t width = 0;
  int64_t height = 0;
  std::vector<BandInfo> bands;
  std::optional<geo::Grid> grid;  // nullopt when not north-up and affine
  std::string why_no_grid;        // "rotated", "ground control points", "south-up", ...
  std::vector<std::pair<int64_t, int64_t>> overviews;  // width, height, largest first
  std::string compression;                             // "DEFLATE", "" when none
  std::string interleaving;                            // "PIXEL" or "BAND"
  std::vector<std::pair<std::string, std::string>> metadata;
};

// The pixel type of a caller's buffer.
enum class BufferType { uint8, uint16, int16, float32 };
size_t byte_size(BufferType type);

// One open raster, read only. Move-only; one user at a time.
class Dataset {
 public:
  // `path` is a local path or a /vsi path. Throws Error: missing, denied, invalid (no allowed
  // driver takes it; says what it looks like), corrupt, unavailable.
  static Dataset open(const std::string& path);
  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;
  ~Dataset();

  const std::string& path() const;
  const RasterInfo& info() const;

  // Reads a window that lies inside the raster; band numbers are 1-based and band i goes to
  // buffer + i * band_stride_bytes, rows row_stride_bytes apart. Values are converted as GDAL does;
  // ask for the file's own type. Throws Error(corrupt|unavailable|...) with the path as the place.
  void read(const geo::Window& window, const std::vector<int>& bands, BufferType type, void* buffer,
            size_t row_stride_bytes, size_t band_stride_bytes) const;
  // The mask band (internal mask, alpha or nodata) as 0 / 255.
  void read_mask(const geo::Window& window, int band, uint8_t* buffer,
                 size_t row_stride_bytes) const;
  // Nearest neighbour decimation to the given size through overviews, for looking at things.
  void read_overview(const geo::Window& window, const std::vector<int>& bands, BufferType type,
                     void* buffer, int64_t out_width, int64_t out_height) const;

 private:
  struct Impl;
  explicit Dataset(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The same of a TIFF by its first bytes alone, which hold all of its directories and tables.
RasterInfo info_of_header(std::span<const std::byte> start);

// Over a network, by its prefix.
bool is_remote(std::string_view path);

// GDAL's file system: local paths, /vsimem/, /vsis3/, /vsicurl/ ...
struct FileStatus {
  int64_t size = 0;
  int64_t modified_s = 0;
  bool directory = false;
  std::string etag;  // HTTP and object stores
};
std::optional<FileStatus> file_status(const std::string& path);      // nullopt: does not exist
std::string read_file(const std::string& path, size_t limit_bytes);  // throws Error
void write_file(const std::string& path, std::string_view bytes);    // one put; throws Error
void copy_into(const std::string& local_path, const std::string& vsi_path);  // streamed put
std::vector<std::string> list_files(
    const std::string& folder, bool recursive);  // relative names, sorted bytewise; throws missing
// The same with what the listing tells of each; local files have no ETag.
struct FileEntry {
  std::string name;
  int64_t size = 0;
  int64_t modified_s = 0;
  std::string etag;
};
std::vector<FileEntry> list_entries(const std::string& folder, bool recursive);
// Within one local file system; replaces what is there. Throws Error.
void move_file(const std::string& from, const std::string& to);
void remove_file(const std::string& path);  // no error when it is already gone
void forget_cached_listings();              // object stores: others may have written

}  // namespace geoloom::gdal
