// SPDX-License-Identifier: Apache-2.0
// The two predictors of TIFF (TIFF 6.0 section 14, and Adobe's technical note 3 for floating
// point), on whole blocks in memory. Encoding and decoding are exact inverses.
#pragma once

#include <cstddef>
#include <vector>

#include "tiff/block_format.h"

namespace geoloom::tiff {

// In place, on format.bytes() bytes. Undoing leaves samples in the processor's byte order, whatever
// the file's; applying expects them so and leaves them little-endian, as they are written here
// (floating point: bytes by significance, as the note says). Predictor::none only swaps bytes.
// Horizontal: 8, 16, 32 and 64 bits; floating point: 16, 32 and 64 bits of any sample format.
// `row` is scratch that grows to one row.
void undo_predictor(const BlockFormat& format, std::byte* block, std::vector<std::byte>& row);
void apply_predictor(const BlockFormat& format, std::byte* block, std::vector<std::byte>& row);

}  // namespace geoloom::tiff
