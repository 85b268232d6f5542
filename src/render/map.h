// SPDX-License-Identifier: Apache-2.0
// A map to look at: one raster file, or many that lie side by side and have the same bands, drawn
// onto any grid through their overviews.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "geo/box_index.h"
#include "geo/coordinate_operation.h"
#include "geo/web_tile.h"
#include "raster/asset_pool.h"
#include "raster/cube.h"
#include "render/style.h"

namespace geoloom::render {

// Longitude and latitude in degrees, on the web's map.
struct MapBounds {
  double west = 180, south = 90, east = -180, north = -90;
};

// Thread-safe once it is open.
class Map {
 public:
  // `place`: a GeoTIFF, or a folder of which all *.tif and *.tiff are taken, those of its folders
  // too. Where files overlap the one whose name comes first is seen. Throws Error: missing (also
  // where there is no such file), denied, corrupt, invalid (bands differ; no CRS; not north-up).
  static std::shared_ptr<const Map> open(const std::string& place, raster::AssetPool& pool);

  const std::vector<raster::Band>& bands() const { return bands_; }
  size_t file_count() const { return files_.size(); }
  const MapBounds& bounds() const { return bounds_; }
  // Zooms between which there is something to see: all of it in one tile, and pixels of tiles as
  // large as the finest ones of the files.
  int least_zoom() const { return least_zoom_; }
  int most_zoom() const { return most_zoom_; }
  // Red, green and blue where bands are called so, or there are three; else the first.
  const std::vector<size_t>& usual_bands() const { return usual_bands_; }
  // Of some files' coarsest overviews: 2nd to 98th percentile; of pictures of 8 bits with three
  // bands the whole range. None of a class map.
  const std::vector<Limits>& usual_limits() const { return usual_limits_; }
  std::vector<Limits> limits_of(const std::vector<size_t>& bands) const;

  // Stored values of `bands` for a window of the web's map with tiles of `tile_pixels`. Classes and
  // counts by nearest neighbour, others bilinear, from the coarsest overview that is as fine as the
  // tile. Throws Error(invalid) where files without overviews are asked for at so low a zoom that
  // more than kMostSourcePixels were to be read, and as raster::Asset does.
  raster::Block tile(const geo::WebTile& tile, int64_t tile_pixels,
                     const std::vector<size_t>& bands) const;
  static constexpr int64_t kMostSourcePixels = int64_t{1} << 22;

  // What identifies the files that a tile is made of, as they are now. Nothing where that is not
  // known: of files on servers, and of those that are gone.
  std::optional<std::string> version(const geo::WebTile& tile) const;

  struct Value {
    std::string file;
    int64_t column, row;
    std::vector<std::optional<double>> stored;  // by band; nothing where it is invalid
  };
  // The pixel at a place, of each file that has one there.
  std::vector<Value> values_at(double lon, double lat) const;

 private:
  struct File;
  Map(std::vector<std::string> paths, raster::AssetPool& pool);
  void add_file(const std::string& path);
  void find_zooms();
  void find_usual_bands();
  std::vector<float> sample(size_t band) const;
  Limits sampled_limits(size_t band) const;
  raster::CubeSchema schema_of(const std::vector<size_t>& bands) const;
  // Fills what is not valid yet; true when all of it is.
  bool add(const File& file, const geo::WebTile& tile, int64_t tile_pixels,
           const std::vector<size_t>& bands, raster::Block& block) const;
  raster::AssetPool::Lease lease(const File& file) const;

  raster::AssetPool& pool_;
  std::vector<raster::Band> bands_;
  std::vector<std::shared_ptr<const File>> files_;
  geo::BoxIndex index_;
  MapBounds bounds_;
  int least_zoom_ = 0, most_zoom_ = 0;
  std::vector<size_t> usual_bands_;
  std::vector<Limits> usual_limits_;
  mutable std::mutex sampled_mutex_;
  mutable std::vector<std::optional<Limits>> sampled_;  // by band
};

}  // namespace geoloom::render
