// SPDX-License-Identifier: Apache-2.0
// What a file will look like, from its schema and profile, before a pixel is there.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gdal/geotiff_writer.h"
#include "raster/cog.h"
#include "raster/tile.h"
#include "tiff/block_format.h"
#include "tiff/libtiff_codec.h"

namespace geoloom::raster {

struct CogLayout {
  TileShape shape;  // bands of all slices
  Halving halving = Halving::average;
  tiff::BlockFormat block;
  tiff::EncodingOptions encoding;
};
// Throws Error(invalid) for what a file cannot hold.
CogLayout layout_of(const geo::Grid& grid, const CubeSchema& schema, const CogProfile& profile);

// A block of the mask: one bit for each pixel, as one sample for each eight.
tiff::BlockFormat mask_format(const tiff::BlockFormat& block);

// What GDAL is told to describe; statistics are those of the finished bands.
gdal::ScratchWriter::Options described_bands(const CubeSchema& schema, const CogLayout& layout);
// The colour table of the file: of its only band, if that has one and keeps its values.
std::vector<Colour> colour_table(const CubeSchema& schema, const CogLayout& layout);
gdal::MetadataItems statistics_items(const BandStatistics& statistics);

}  // namespace geoloom::raster
