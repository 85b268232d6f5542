// SPDX-License-Identifier: Apache-2.0
// Physical values (stored * scale + offset) of blocks, as float32 with NaN where a pixel is
// invalid: what ops compute with whose results are not the bands' own values.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "raster/cube.h"

namespace geoloom::ops {

// The physical value of an invalid pixel.
inline constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

// A band of such a result: float32, scale 1, offset 0, nodata NaN.
raster::Band measured_band(std::string name, std::string unit = {});

// Throws Error(invalid) where a band holds classes, of which `op` makes no sense.
void require_measures(const raster::CubeSchema& input, std::string_view op);

// One band of one slice (counted within the block). `out` has the pixels of the block's window. NaN
// where a pixel is invalid or infinite. stored * scale + offset is computed in float32, each
// operation rounded.
void read_physical(const raster::Block& block, const raster::Band& schema, size_t band,
                   size_t slice, std::span<float> out);

// The other way round, into a float32 band: NaN and infinities are invalid. Where all bands of a
// slice share validity, a pixel stays valid only if it is so in every band; write band 0 first.
void write_measured(std::span<const float> values, raster::Block& out, size_t band, size_t slice);

}  // namespace geoloom::ops
