// SPDX-License-Identifier: Apache-2.0
// Takes the borders off classes: a pixel of a class stays where all pixels around it, as far as an
// element reaches, are of that class. Samples of mixed pixels do not teach what a class looks like.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace geoloom::kernels {

// Which pixels around a pixel count: of the row `dy` below, columns first_dx .. last_dx.
struct ElementRow {
  int32_t dy = 0, first_dx = 0, last_dx = 0;
  friend bool operator==(const ElementRow&, const ElementRow&) = default;
};
using Element = std::vector<ElementRow>;

// Pixels whose centres are at most `radius` pixels away. Throws std::invalid_argument below 0 and
// above kLargestElement.
Element disk_element(double radius);
// The ellipse of OpenCV's getStructuringElement(MORPH_ELLIPSE, (size, size)) about its anchor at
// size / 2; of even sizes it reaches farther up and left. eo-learn calls this size a radius. Throws
// std::invalid_argument outside of 1 .. kLargestElement.
Element ellipse_element(int32_t size);
inline constexpr int32_t kLargestElement = 1000;
// The farthest that it reaches in any direction.
int32_t reach(const Element& element);

// For pixels of a class other than those with `valid` 0: `keep` becomes 1 where all pixels under
// the element are valid and of the pixel's class, else 0. All planes are width x height, dense.
// Pixels outside of the planes do not count, as in OpenCV; who has neighbours beyond them gives a
// plane that is larger by reach() and ignores its edge.
void keep_inner_pixels(std::span<const int32_t> classes, std::span<const uint8_t> valid,
                       size_t width, size_t height, const Element& element,
                       std::span<uint8_t> keep);

namespace reference {
void keep_inner_pixels(std::span<const int32_t> classes, std::span<const uint8_t> valid,
                       size_t width, size_t height, const Element& element,
                       std::span<uint8_t> keep);
}  // namespace reference
}  // namespace geoloom::kernels
