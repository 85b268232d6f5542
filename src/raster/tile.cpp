// SPDX-License-Identifier: Apache-2.0
#include "raster/tile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace geoloom::raster {
namespace {

// Means of quadruples that are all valid: chunks of this many results are looked at together.
constexpr size_t kChunk = 64;

// Two neighbours are read as one number of twice the width, which vectors do well.
template <class T>
struct Pair;
template <>
struct Pair<uint8_t> {
  using Wide = uint16_t;
  static constexpr unsigned kFlip = 0;
};
template <>
struct Pair<uint16_t> {
  using Wide = uint32_t;
  static constexpr unsigned kFlip = 0;
};
template <>
struct Pair<int16_t> {
  using Wide = uint32_t;
  static constexpr unsigned kFlip = 0x8000;  // so that rounding down is rounding towards -infinity
};

template <class T>
void average_valid_chunk(const T* upper, const T* lower, T* to, size_t count) {
  using Wide = typename Pair<T>::Wide;
  constexpr unsigned kBits = 8 * sizeof(T);
  constexpr auto kMask = static_cast<Wide>((Wide{1} << kBits) - 1);
  constexpr auto kFlip = static_cast<Wide>(Pair<T>::kFlip | Pair<T>::kFlip << kBits);
  for (size_t i = 0; i < count; ++i) {
    Wide a, b;
    std::memcpy(&a, upper + 2 * i, sizeof a);
    std::memcpy(&b, lower + 2 * i, sizeof b);
    a ^= kFlip;
    b ^= kFlip;
    const auto sum = static_cast<Wide>((a & kMask) + (a >> kBits) + (b & kMask) + (b >> kBits) + 2);
    to[i] = static_cast<T>((sum >> 2) ^ Pair<T>::kFlip);
  }
}

// The valid ones of up to four pixels, in row order.
template <class T>
struct Quad {
  std::array<T, 4> values{};
  int count = 0;
  void add(T value, bool valid) {
    values[static_cast<size_t>(count)] = value;
    count += valid ? 1 : 0;
  }
};

template <class T>
T mean_of(const Quad<T>& quad) {
  if constexpr (std::is_same_v<T, float>) {
    double sum = 0;
    for (int i = 0; i < quad.count; ++i)
      sum += static_cast<double>(quad.values[static_cast<size_t>(i)]);
    return static_cast<float>(sum / quad.count);
  } else {
    constexpr int kLowest = std::numeric_limits<T>::min();
    int sum = quad.count / 2;
    for (int i = 0; i < quad.count; ++i) sum += quad.values[static_cast<size_t>(i)] - kLowest;
    return static_cast<T>(sum / quad.count + kLowest);
  }
}

template <class T>
T next_above(T value) {
  if constexpr (std::is_same_v<T, float>)
    return std::nextafter(value, std::numeric_limits<float>::infinity());
  else
    return static_cast<T>(value + 1);
}

template <class T>
T mode_of(const Quad<T>& quad) {
  const auto& values = quad.values;
  std::array<int, 4> same{};
  for (size_t i = 0; i < 4; ++i)
    for (size_t j = i; j < 4; ++j)
      same[i] += static_cast<int>(j) < quad.count && values[i] == values[j] ? 1 : 0;
  const auto most = std::max_element(same.begin(), same.end());  // the first of equals
  return values[static_cast<size_t>(most - same.begin())];
}

// One band of one row of results. Nodata and NaN are told apart by `Rules`.
template <class T>
struct Rows {
  const T* upper;
  const T* lower;  // null: the image ends with the upper row
  const uint8_t* upper_mask;
  const uint8_t* lower_mask;
  size_t width;  // pixels of the child
  T* to;
};

template <class T>
class Halver {
 public:
  Halver(const TileShape& shape, Halving halving)
      : halving_(halving),
        mask_(shape.mask),
        has_nodata_(shape.nodata.has_value()),
        fill_(static_cast<T>(shape.fill())) {}

  void row(const Rows<T>& rows) const {
    const size_t results = (rows.width + 1) / 2;
    for (size_t first = 0; first < results; first += kChunk) {
      const size_t last = std::min(results, first + kChunk);
      if constexpr (!std::is_same_v<T, float>) {
        if (halving_ == Halving::average && 2 * last <= rows.width && rows.lower != nullptr &&
            all_valid(rows, 2 * first, 2 * last)) {
          average_valid_chunk(rows.upper + 2 * first, rows.lower + 2 * first, rows.to + first,
                              last - first);
          if (has_nodata_) step_over_nodata(rows.to + first, last - first);
          continue;
        }
      }
      for (size_t i = first; i < last; ++i) rows.to[i] = one(rows, i);
    }
  }

 private:
  bool valid(T value, const uint8_t* mask, size_t at) const {
    if (mask_) return mask[at] != 0;
    if constexpr (std::is_same_v<T, float>) {
      if (std::isnan(value)) return false;
    }
    return !has_nodata_ || value != fill_;
  }

  bool all_valid(const Rows<T>& rows, size_t begin, size_t end) const {
    unsigned invalid = 0;
    if (mask_) {
      for (size_t i = begin; i < end; ++i)
        invalid |= (rows.upper_mask[i] & rows.lower_mask[i]) ^ 1U;
    } else if (has_nodata_) {
      uint8_t found = 0;
      for (size_t i = begin; i < end; ++i)
        found |= static_cast<uint8_t>((rows.upper[i] == fill_) | (rows.lower[i] == fill_));
      invalid = found;
    }
    return invalid == 0;
  }

  void step_over_nodata(T* values, size_t count) const {
    for (size_t i = 0; i < count; ++i)
      values[i] = values[i] == fill_ ? next_above(values[i]) : values[i];
  }

  T one(const Rows<T>& rows, size_t i) const {
    const size_t at = 2 * i;
    if (halving_ == Halving::nearest)
      return valid(rows.upper[at], rows.upper_mask, at) ? rows.upper[at] : fill_;
    Quad<T> quad;
    const size_t end = std::min(at + 2, rows.width);
    for (size_t x = at; x < end; ++x)
      quad.add(rows.upper[x], valid(rows.upper[x], rows.upper_mask, x));
    for (size_t x = at; x < end && rows.lower != nullptr; ++x)
      quad.add(rows.lower[x], valid(rows.lower[x], rows.lower_mask, x));
    if (quad.count == 0) return fill_;
    if (halving_ == Halving::mode) return mode_of(quad);
    T mean = mean_of(quad);
    if constexpr (std::is_same_v<T, float>) {
      if (std::isnan(mean)) return fill_;  // of both infinities
    }
    if (has_nodata_ && mean == fill_) mean = next_above(mean);
    return mean;
  }

  const Halving halving_;
  const bool mask_, has_nodata_;
  const T fill_;
};

void halve_mask(const uint8_t* upper, const uint8_t* lower, size_t width, Halving halving,
                uint8_t* to) {
  for (size_t x = 0; x < width; x += 2) {
    const bool pair = x + 1 < width && halving != Halving::nearest;
    unsigned any = upper[x];
    if (pair) any |= upper[x + 1];
    if (lower != nullptr && halving != Halving::nearest) {
      any |= lower[x];
      if (pair) any |= lower[x + 1];
    }
    to[x / 2] = static_cast<uint8_t>(any);
  }
}

template <class T>
void halve(Tile& parent, Tile& child, const TileShape& shape, Halving halving) {
  const auto size = static_cast<size_t>(shape.size);
  const auto left = static_cast<size_t>(child.window().x / 2 - parent.window().x);
  const auto top = static_cast<size_t>(child.window().y / 2 - parent.window().y);
  const Halver<T> halver(shape, halving);
  const uint8_t* const mask = shape.mask ? child.mask() : nullptr;
  for (size_t y = 0; y < child.height(); y += 2) {
    const bool both = y + 1 < child.height();
    const size_t at = y * size, to = (top + y / 2) * size + left;
    const uint8_t* const upper_mask = mask == nullptr ? nullptr : mask + at;
    const uint8_t* const lower_mask = mask == nullptr ? nullptr : mask + at + size;
    for (size_t band = 0; band < shape.bands; ++band) {
      const T* const plane = child.plane<T>(band);
      halver.row({plane + at, both ? plane + at + size : nullptr, upper_mask, lower_mask,
                  child.width(), parent.plane<T>(band) + to});
    }
    if (mask != nullptr)
      halve_mask(upper_mask, both ? lower_mask : nullptr, child.width(), halving,
                 parent.mask() + to);
  }
}

template <class T>
void pad_plane(T* plane, size_t size, size_t width, size_t height) {
  for (size_t y = 0; y < height; ++y)
    std::fill(plane + y * size + width, plane + (y + 1) * size, plane[y * size + width - 1]);
  for (size_t y = height; y < size; ++y)
    std::copy_n(plane + (height - 1) * size, size, plane + y * size);
}

}  // namespace

Tile::Tile(const TileShape& shape, const geo::Window& window, std::unique_ptr<std::byte[]> memory)
    : window_(window),
      bands_(shape.bands),
      pixels_(shape.plane_pixels()),
      sample_bytes_(byte_size(shape.type)),
      size_(shape.bytes()),
      bytes_(memory ? std::move(memory) : std::make_unique_for_overwrite<std::byte[]>(size_)) {
  visit(shape.type, [&]<class T>(T) {
    std::fill_n(plane<T>(0), bands_ * pixels_, static_cast<T>(shape.fill()));
  });
  if (shape.mask) std::fill_n(mask(), pixels_, uint8_t{0});
}

void Tile::pad(const TileShape& shape) {
  const auto size = static_cast<size_t>(shape.size);
  if (width() == size && height() == size) return;
  visit(shape.type, [&]<class T>(T) {
    for (size_t band = 0; band < bands_; ++band) pad_plane(plane<T>(band), size, width(), height());
  });
  if (shape.mask) pad_plane(mask(), size, width(), height());
}

Pyramid::Pyramid(int64_t width, int64_t height, int64_t tile_size) : tile_size_(tile_size) {
  size_t first = 0;
  for (;;) {
    const Level level{width, height, (width + tile_size - 1) / tile_size,
                      (height + tile_size - 1) / tile_size, first};
    levels_.push_back(level);
    if (width <= tile_size && height <= tile_size) return;
    first += level.tiles();
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
}

size_t Pyramid::number(const Position& position) const {
  const Level& level = levels_[position.level];
  return level.first + static_cast<size_t>(position.row * level.across + position.column);
}

Pyramid::Position Pyramid::position(size_t number) const {
  size_t at = levels_.size() - 1;
  while (levels_[at].first > number) --at;
  const auto within = static_cast<int64_t>(number - levels_[at].first);
  return {at, within % levels_[at].across, within / levels_[at].across};
}

geo::Window Pyramid::window(const Position& position) const {
  const Level& level = levels_[position.level];
  return geo::Window{position.column * tile_size_, position.row * tile_size_, tile_size_,
                     tile_size_}
      .intersect({0, 0, level.width, level.height});
}

void halve_into(Tile& parent, Tile& child, const TileShape& shape, Halving halving) {
  visit(shape.type, [&]<class T>(T) { halve<T>(parent, child, shape, halving); });
}

}  // namespace geoloom::raster
