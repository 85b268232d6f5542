// SPDX-License-Identifier: Apache-2.0
#include "raster/pixel_hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "store/checksum.h"

namespace geoloom::raster {
namespace {

constexpr auto kSide = static_cast<size_t>(PixelHasher::kCell);

// What is hashed of one cell. Whole cells have a row length that the compiler knows.
template <class T>
class Cell {
 public:
  void name(uint64_t cell, uint64_t band) {
    std::memcpy(bytes_.data(), &cell, 8);
    std::memcpy(bytes_.data() + 8, &band, 8);
  }
  void fill(const T* values, const uint8_t* valid, size_t stride, size_t width, size_t height) {
    T* to = reinterpret_cast<T*>(bytes_.data() + kName);
    uint8_t* validity = bytes_.data() + kName + width * height * sizeof(T);
    for (size_t y = 0; y < height; ++y) {
      if (width == kSide)
        fill_row(values + y * stride, valid + y * stride, kSide, to + y * kSide,
                 validity + y * kSide);
      else
        fill_row(values + y * stride, valid + y * stride, width, to + y * width,
                 validity + y * width);
    }
    size_ = kName + width * height * (sizeof(T) + 1);
  }
  store::Hash128 hash() const { return store::xxh3_128(bytes_.data(), size_); }

 private:
  static void fill_row(const T* values, const uint8_t* valid, size_t width, T* to,
                       uint8_t* validity) {
    for (size_t x = 0; x < width; ++x) to[x] = valid[x] != 0 ? values[x] : T{};
    std::memcpy(validity, valid, width);
  }

  static constexpr size_t kName = 16;
  alignas(16) std::array<uint8_t, kName + kSide * kSide*(sizeof(T) + 1)> bytes_;
  size_t size_ = 0;
};

}  // namespace

template <class T>
void PixelHasher::add(const geo::Window& window, size_t band, const T* values, const uint8_t* valid,
                      size_t stride) {
  const int64_t across = (width_ + kCell - 1) / kCell;
  Cell<T> cell;
  for (int64_t y = 0; y < window.height; y += kCell) {
    for (int64_t x = 0; x < window.width; x += kCell) {
      const auto number = (window.y + y) / kCell * across + (window.x + x) / kCell;
      const size_t at = static_cast<size_t>(y) * stride + static_cast<size_t>(x);
      cell.name(static_cast<uint64_t>(number), band);
      cell.fill(values + at, valid + at, stride,
                static_cast<size_t>(std::min(kCell, window.width - x)),
                static_cast<size_t>(std::min(kCell, window.height - y)));
      const store::Hash128 hash = cell.hash();
      low_ += hash.low;
      high_ += hash.high;
    }
  }
}

template void PixelHasher::add(const geo::Window&, size_t, const uint8_t*, const uint8_t*, size_t);
template void PixelHasher::add(const geo::Window&, size_t, const uint16_t*, const uint8_t*, size_t);
template void PixelHasher::add(const geo::Window&, size_t, const int16_t*, const uint8_t*, size_t);
template void PixelHasher::add(const geo::Window&, size_t, const float*, const uint8_t*, size_t);

void PixelHasher::merge(const PixelHasher& other) {
  low_ += other.low_;
  high_ += other.high_;
}

std::string PixelHasher::hex(const std::vector<PixelType>& types) const {
  store::PixelHash hash;
  hash.add(fmt::format("pixels 2 {} {}", width_, height_));
  for (const PixelType type : types) hash.add(fmt::format(" {}", name(type)));
  hash.add(&low_, sizeof low_);
  hash.add(&high_, sizeof high_);
  return hash.hex();
}

}  // namespace geoloom::raster
