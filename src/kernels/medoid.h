// SPDX-License-Identifier: Apache-2.0
// The medoid of a pixel's observations (see observations.h): the one whose summed Euclidean
// distance to the others is least, of equal ones the earliest (Kaufman and Rousseeuw, "Clustering
// by means of medoids", 1987; for composites Flood, "Seasonal composite Landsat TM/ETM+ images
// using the medoid", Remote Sensing 5, 2013). An observed spectrum, where the geometric median is
// none.
//
// Distances are in float, so differences of values beyond 1e18 count as infinite; their sums, in
// the order of time, are in double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/observations.h"

namespace geoloom::kernels {

// The slice of the medoid, and 0 and invalid where a pixel has fewer than min_count observations or
// none; `count`, of observations, may be null. Throws as geometric_median does.
void medoid(std::span<const StoredBand> bands, size_t pixels, size_t min_count, uint16_t* slice,
            uint8_t* valid, uint16_t* count);

namespace reference {

void medoid(std::span<const StoredBand> bands, size_t pixels, size_t min_count, uint16_t* slice,
            uint8_t* valid, uint16_t* count);

}  // namespace reference
}  // namespace geoloom::kernels
