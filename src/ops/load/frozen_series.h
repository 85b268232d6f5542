// SPDX-License-Identifier: Apache-2.0
// A series of scenes as the run record keeps it: everything that planning and reading need, so that
// no header is read again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/archive_search.h"
#include "catalog/scene.h"
#include "geo/grid.h"
#include "geo/pixel_mapping.h"
#include "geo/sun.h"
#include "raster/asset_reader.h"
#include "raster/cube.h"
#include "raster/warp.h"
#include "workflow/op.h"

namespace geoloom::ops {

// A band of a file that is read, and what makes its samples those of the series:
// value = stored * gain + shift.
struct FrozenBand {
  size_t target = 0;  // band of the series; kMaskTarget for a band that masks
  size_t mask = 0;    // then: which of the bands that masks look up
  int number = 1;     // 1-based in the file
  raster::PixelType type = raster::PixelType::uint8;
  std::optional<double> nodata;
  double gain = 1;
  double shift = 0;
  // As declared, before scenes are brought to one.
  double scale = 1;
  double offset = 0;
  bool offset_by_scene = false;  // see catalog::AssetBand; not kept in records
};
inline constexpr size_t kMaskTarget = SIZE_MAX;

// How a file whose pixels do not nest with those of a zone gets onto its grid.
struct FrozenWarp {
  size_t zone = 0;
  geo::CoordinateOperation operation;  // from the zone's CRS to the file's
  geo::PixelScale scale;
  geo::Window on_zone;                      // pixels of the zone that it may lie on
  std::vector<raster::Resampling> methods;  // by band of FrozenFile::bands
};

struct FrozenFile {
  std::string path;
  geo::Grid grid;        // of the pixels that are read
  int64_t overview = 1;  // above 1: they are an overview's, this many times as large as the file's
  int block_width = 0, block_height = 0;
  int64_t bytes = 0;         // stored
  size_t band_count = 0;     // in the file
  double share = 1;          // of the bytes that the bands read stand for, about
  std::vector<bool> masked;  // by band of the file
  std::vector<FrozenBand> bands;
  std::vector<FrozenWarp> warps;  // of the zones that it has to be warped for

  bool only_mask() const;
  const FrozenWarp* warp_for(size_t zone) const;  // null: it nests, or lies elsewhere
  // Throws Error(corrupt) when the file is not the one that was frozen.
  void check_unchanged(const gdal::RasterInfo& info) const;
  // Its own pixels, one by one.
  raster::AssetPlacement own_pixels() const;
};

struct FrozenScene {
  catalog::Scene scene;  // with the assets that are read
  std::string label;     // its id, unique in the series
  // Of the middle of its first file, WGS84 degrees; absent where that is not known.
  std::optional<double> centre_lon;
  std::string baseline;                 // of its processing, "05.09"; empty if unknown
  std::optional<geo::SunPosition> sun;  // where a mask rule needs it
  std::vector<FrozenFile> files;
};

// The polygons of a vector rule on a zone, in its CRS.
struct FrozenShapes {
  size_t rule = 0;  // of `load.mask`
  size_t zone = 0;
  std::vector<std::string> polygons;  // as WKT
};

struct FrozenSeries;
// The elevation model of a rule about the terrain's shadow, on zones that go on beyond the area's.
struct FrozenTerrain {
  size_t rule = 0;  // of `load.mask`
  std::shared_ptr<const FrozenSeries> model;
};

struct FrozenSeries {
  std::vector<raster::Band> bands;
  std::vector<FrozenScene> scenes;
  std::vector<workflow::Dropped> dropped;        // headers that could not be read
  std::vector<catalog::ExcludedScene> excluded;  // by the user
  std::vector<FrozenShapes> shapes;
  std::vector<FrozenTerrain> terrain;

  workflow::Json to_json() const;
  static FrozenSeries from_json(const workflow::Json& json);
};

}  // namespace geoloom::ops
