// SPDX-License-Identifier: Apache-2.0
// What `save` opens for each item: pixels are converted to the types of the layer and written, as
// one GeoTIFF or as chunks of a cube.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "raster/chunked_cube.h"
#include "raster/cog.h"
#include "workflow/op.h"

namespace geoloom::ops {

// Which bands of the input a layer takes, and what they become.
struct LayerPixels {
  std::string layer;
  raster::CubeSchema input, output;
  std::vector<size_t> bands;  // output band i is input band bands[i]
};

std::unique_ptr<workflow::Sink> open_cog_sink(LayerPixels pixels,
                                              const workflow::SinkContext& context,
                                              const raster::CogProfile& profile);
std::unique_ptr<workflow::Sink> open_chunk_sink(LayerPixels pixels,
                                                const workflow::SinkContext& context,
                                                const raster::ChunkProfile& profile);

}  // namespace geoloom::ops
