// SPDX-License-Identifier: Apache-2.0
// Several images of one slice, one above the other.
#pragma once

#include "raster/cube.h"

namespace geoloom::ops {

// Fills the invalid pixels of a slice with those of `below`, a block of one slice, the same bands
// and window: all bands of a pixel together, or band by band where bands have a validity of their
// own.
void show_through(const raster::Block& below, raster::Block& block, size_t slice);

}  // namespace geoloom::ops
