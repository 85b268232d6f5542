// SPDX-License-Identifier: Apache-2.0
// The median of a series of colour images, as one observed colour per pixel: samples are ranked by
// brightness and the whole triplet of the middle sample is kept, so no colour is ever invented.
#pragma once

#include "kernels/samples.h"

namespace geoloom::kernels {

// For each of `pixels` pixels, over its m valid samples:
//   key   = red + green + blue as integers (unweighted, 0..765);
//   order = ascending by (key, slice index), so that equal keys keep the order of the slices;
//   answer = the triplet at 0-based index floor(m / 2): for even m the brighter of the two middles.
// m = 0 gives (0, 0, 0) and out_valid 0; otherwise out_valid is 1. Rejecting 0 and 255 is not done
// here: see reject.h. This is the rule of the luminance-rank median of the "big data" course of
// T. Bonfort (median of 216 Sentinel-2 scenes), whose ties were undefined and are defined here.
//
// The three bands have the same number of slices, at most 65535 (else std::invalid_argument).
// Outputs hold `pixels` values each and must not overlap the inputs.
void median_rgb(Samples<uint8_t> red, Samples<uint8_t> green, Samples<uint8_t> blue, Validity valid,
                size_t pixels, uint8_t* out_red, uint8_t* out_green, uint8_t* out_blue,
                uint8_t* out_valid);

namespace reference {

// The same by sorting; slow and plain. Every target of median_rgb gives its bytes.
void median_rgb(Samples<uint8_t> red, Samples<uint8_t> green, Samples<uint8_t> blue, Validity valid,
                size_t pixels, uint8_t* out_red, uint8_t* out_green, uint8_t* out_blue,
                uint8_t* out_valid);

}  // namespace reference
}  // namespace geoloom::kernels
