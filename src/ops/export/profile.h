// SPDX-License-Identifier: Apache-2.0
// How files are encoded: the `profile` parameter of the ops that write rasters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "raster/chunked_cube.h"
#include "raster/cog.h"
#include "raster/cube.h"
#include "workflow/parameters.h"

namespace geoloom::ops {

struct Profile {
  std::string compress = "deflate";
  std::optional<int64_t> level;
  int64_t quality = 90;
  double max_z_error = 0;
  int64_t block = 512;
  std::string overviews = "automatic";
  bool predictor = true;

  void declare(workflow::Parameters& parameters);
  // Throws Error(invalid) when the values do not go together.
  raster::CogProfile cog() const;
  // The same for cubes; what they do not have must be left at its default.
  raster::ChunkProfile chunks() const;
};

// The schema as a file of this profile holds it: without colours and names of classes where values
// are not kept, without nodata where the file gets a mask band instead (raster::has_mask_band).
// Where one mask for the whole file would lose pixels, as it would of several slices, float32 bands
// get NaN and counts 65535 as nodata. Throws Error(invalid) when it cannot be stored; `layer` is
// for messages.
raster::CubeSchema as_stored(raster::CubeSchema schema, const raster::CogProfile& profile,
                             const std::string& layer);
// The same for a cube: float32 bands and counts without nodata get NaN and 65535.
raster::CubeSchema as_stored(raster::CubeSchema schema, const raster::ChunkProfile& profile,
                             const std::string& layer);
// Layers name files: letters, digits, '_' and '-'. Throws Error(invalid).
void check_layer_name(const std::string& parameter, const std::string& layer);

inline constexpr const char* kCogMediaType =
    "image/tiff; application=geotiff; profile=cloud-optimized";
inline constexpr const char* kZarrMediaType = "application/vnd+zarr";

}  // namespace geoloom::ops
