// SPDX-License-Identifier: Apache-2.0
// A raster named on a command line, to be looked at pixel by pixel: a file, or a layer of a store.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/opened_run.h"
#include "raster/asset_pool.h"
#include "workflow/op.h"

namespace geoloom::cli {

// One band at one time.
struct RasterPlane {
  raster::Band band;
  raster::Slice slice;
  std::string text() const;  // "ndvi", "ndvi 2023-05"
  struct Part {
    size_t file;   // of the zone
    size_t slice;  // of the file
    size_t band;
  };
  std::vector<Part> parts;
};

// What lies on one pixel grid. Files know their windows on it.
struct RasterZone {
  std::string name;  // empty: of a file
  geo::Grid grid;
  std::vector<RasterPlane> planes;  // by time, then band
  std::vector<workflow::LayerFile> files;

  // One band of a window; pixels that no file has are invalid.
  raster::Block read(const RasterPlane& plane, const geo::Window& window,
                     raster::AssetPool& pool) const;
};

class RasterInput {
 public:
  // `name`: a file (or what GDAL opens: a web address); else a layer, LAYER or LAYER@RUN, of
  // `store`, or of that of the last run. Throws Error: missing, invalid.
  static RasterInput open(const std::string& name, const std::string& store,
                          const workflow::Registry& registry);

  const std::string& name() const { return name_; }
  const std::vector<RasterZone>& zones() const { return zones_; }
  bool of_layer() const { return of_layer_; }

 private:
  void open_file(const std::string& path);
  void open_layer(const std::string& store, const workflow::Registry& registry);

  std::string name_;
  bool of_layer_ = false;
  std::vector<RasterZone> zones_;
};

}  // namespace geoloom::cli
