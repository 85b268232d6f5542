// SPDX-License-Identifier: Apache-2.0
// Cleaning up a mask: specks go, gaps close, edges grow. All are made of one operation with a disk.
//
//   dilate  set where a set pixel is at most the radius away (from centre to centre)
//   erode   clear where a clear pixel is at most the radius away
//   open    erode, then dilate: what no disk of the radius fits into goes
//   close   dilate, then erode: gaps that no disk fits into are filled
//
// The plane goes on beyond the array without end, and nothing is set there. So whoever cleans a
// part of an image takes a halo of cleaning_halo() pixels around it, with nothing set outside of
// the image, and gets what cleaning the whole image would give there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace geoloom::kernels {

// The pixels whose centres are within a radius of a pixel's centre: at `dy` rows above and below
// half_widths[dy] pixels to each side.
struct Disk {
  std::vector<int32_t> half_widths;
  int32_t reach_x() const { return half_widths.empty() ? 0 : half_widths.front(); }
  int32_t reach_y() const { return static_cast<int32_t>(half_widths.size()) - 1; }
};
// Radius and pixel sizes in one unit; a millionth of a pixel beyond the radius still counts, so
// that 40 m are two pixels of 20 m. Throws std::invalid_argument for a negative radius and for one
// above kLargestDisk pixels.
inline constexpr int32_t kLargestDisk = 2000;
Disk disk(double radius, double pixel_width, double pixel_height);

enum class Morphology : uint8_t { open, close, erode, dilate };
struct CleaningStep {
  Morphology operation = Morphology::open;
  Disk disk;
};
// How far away pixels can be that matter.
struct CleaningHalo {
  int64_t columns = 0, rows = 0;
};
CleaningHalo cleaning_halo(std::span<const CleaningStep> steps);

// Carries the steps out in order, in place; bytes other than 0 are set, results are 0 or 1.
void clean_mask(uint8_t* mask, size_t width, size_t height, std::span<const CleaningStep> steps);

// What that holds beside the mask.
size_t cleaning_bytes(size_t width, size_t height, std::span<const CleaningStep> steps);

namespace reference {
void clean_mask(uint8_t* mask, size_t width, size_t height, std::span<const CleaningStep> steps);
}  // namespace reference
}  // namespace geoloom::kernels
