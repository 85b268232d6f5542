// SPDX-License-Identifier: Apache-2.0
// Cubes: bands x time slices x rows x columns. A CubeSchema says what a cube is without pixels (all
// that planning needs); a Block holds the pixels of one window. Used by ops and by the engine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "geo/grid.h"
#include "geo/time.h"

namespace geoloom::raster {

// Pixels keep their type from file to kernel. Wider types of a source become float32, int8 int16.
enum class PixelType : uint8_t { uint8, uint16, int16, float32 };
size_t byte_size(PixelType type);
std::string_view name(PixelType type);           // "uint8" ...
PixelType pixel_type_of(std::string_view name);  // throws Error(invalid)

template <class T>
constexpr PixelType pixel_type() {
  if constexpr (std::is_same_v<T, uint8_t>)
    return PixelType::uint8;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return PixelType::uint16;
  else if constexpr (std::is_same_v<T, int16_t>)
    return PixelType::int16;
  else {
    static_assert(std::is_same_v<T, float>);
    return PixelType::float32;
  }
}

// Calls f(T{}) with the C++ type of a pixel type: the one place where types are dispatched.
template <class F>
decltype(auto) visit(PixelType type, F&& f) {
  switch (type) {
    case PixelType::uint8:
      return f(uint8_t{});
    case PixelType::uint16:
      return f(uint16_t{});
    case PixelType::int16:
      return f(int16_t{});
    case PixelType::float32:
      break;
  }
  return f(float{});
}

// Whether a sample of the type can be exactly this number. Of float32: within its range, and NaN
// and infinities too.
bool holds(PixelType type, double value);

// Red, green and blue, as "#rrggbb" in texts.
using Colour = std::array<uint8_t, 3>;
std::string text(const Colour& colour);
Colour colour_of(std::string_view text);  // throws Error(invalid)
// Colour tables are for whole numbers from 0 on.
inline bool can_have_colours(PixelType type) {
  return type == PixelType::uint8 || type == PixelType::uint16;
}

// What the values mean decides overviews: averages for measures, the most frequent for classes.
enum class BandKind { measure, category, count };

struct Band {
  std::string name;
  PixelType type = PixelType::uint16;
  BandKind kind = BandKind::measure;
  double scale = 1;  // physical value = stored * scale + offset
  double offset = 0;
  std::string unit;
  std::optional<double> nodata;  // what `save` writes where a pixel is invalid
  // Of classes: colours[value], black beyond its end and never at it; empty without a colour table.
  std::vector<Colour> colours;
  // Of classes: what values are called; none for those that are not known.
  std::map<int64_t, std::string> class_names;
  friend bool operator==(const Band&, const Band&) = default;
};

// One step of the time axis: a scene's instant, or a period of a composite.
struct Slice {
  geo::Period period;  // a scene: [t, t]
  bool timed = true;   // false: a scene without time
  std::string label;   // scene id, or "2018-05"
  friend bool operator==(const Slice&, const Slice&) = default;
};

struct CubeSchema {
  std::vector<Band> bands;
  std::vector<Slice> slices;
  // Validity is one plane per slice, or one per slice and band where bands differ.
  bool validity_per_band = false;

  size_t validity_planes_per_slice() const { return validity_per_band ? bands.size() : 1; }
  // Bytes of one pixel with all bands, validity planes and the given number of slices.
  size_t bytes_per_pixel(size_t slices_held) const;
  int find_band(std::string_view band) const;   // index or -1
  int band_index(std::string_view band) const;  // throws Error(invalid) with the nearest name
  std::vector<std::string> band_names() const;
};

// The pixels of a window for slices [first_slice, first_slice + slice_count) of a schema. Planes
// are dense rows of window.width pixels; consecutive slices of one band lie plane_stride() pixels
// apart (all bands alike), padded so that planes do not fall on the same cache sets. Neighbouring
// bands of one type lie equally far apart, so one call can read several of them. Validity bytes are
// 1 or 0; where a pixel is invalid its value is unspecified, and NaN never stands in a valid float
// sample.
class Block {
 public:
  Block() = default;
  // Memory comes zeroed (nothing is valid). Throws Error(resource) when the system refuses it.
  Block(const CubeSchema& schema, const geo::Window& window, size_t first_slice,
        size_t slice_count);
  // Takes over the memory of a block that nobody else looks at any more, where it is large enough:
  // validity and values are then unspecified, for a reader that fills all of them. Clearing memory
  // and asking the system for it takes as long as a third of a median's reading.
  Block(const CubeSchema& schema, const geo::Window& window, size_t first_slice, size_t slice_count,
        Block&& spent);
  static size_t bytes_needed(const CubeSchema& schema, int64_t pixels, size_t slice_count);

  const geo::Window& window() const { return window_; }
  size_t pixels() const { return static_cast<size_t>(window_.pixels()); }
  size_t bands() const { return bands_.size(); }
  size_t first_slice() const { return first_slice_; }
  size_t slices() const { return slices_; }  // held here
  size_t plane_stride() const { return stride_; }
  PixelType type(size_t band) const { return bands_[band].type; }
  bool validity_per_band() const { return validity_planes_ > 1; }

  // slice counts from 0 within this block. Debug builds check type and bounds.
  template <class T>
  std::span<T> plane(size_t band, size_t slice) {
    return {reinterpret_cast<T*>(raw(band, slice, pixel_type<T>())), pixels()};
  }
  template <class T>
  std::span<const T> plane(size_t band, size_t slice) const {
    return const_cast<Block*>(this)->plane<T>(band, slice);
  }
  void* raw_plane(size_t band, size_t slice) { return raw(band, slice, type(band)); }
  const void* raw_plane(size_t band, size_t slice) const {
    return const_cast<Block*>(this)->raw(band, slice, type(band));
  }
  std::span<uint8_t> validity(size_t slice, size_t band = 0);
  std::span<const uint8_t> validity(size_t slice, size_t band = 0) const;

  // Copies the part of `from` that lies in this block's window; slices and bands must match.
  void copy_from(const Block& from);
  // The same pixels under another origin, for a reader that counts from its own corner.
  void move_window(int64_t x, int64_t y) {
    window_.x = x;
    window_.y = y;
  }
  // A view of rows [row, row + rows) of the window that shares this block's memory.
  Block strip(int64_t row, int64_t rows);

 private:
  struct BandPlace {
    PixelType type;
    size_t offset;  // bytes from the start of the memory to slice 0
  };
  void* raw(size_t band, size_t slice, PixelType asked);
  size_t lay_out(const CubeSchema& schema);  // gives the bytes needed

  geo::Window window_;
  size_t first_slice_ = 0;
  size_t slices_ = 0;
  size_t stride_ = 0;  // pixels between slices of a band
  size_t validity_planes_ = 1;
  size_t validity_offset_ = 0;
  std::vector<BandPlace> bands_;
  std::shared_ptr<std::byte> memory_;  // of the whole block; strips share it
  size_t memory_bytes_ = 0;
  size_t row_skip_ = 0;  // pixels from the memory's first row to this view's first row
};

// What describes an output band. Sums are exact, so nothing depends on blocks or their order.
struct BandStatistics {
  uint64_t valid = 0;
  uint64_t total = 0;
  // Of finite stored values; 0 when there is none. The deviation is that of the whole population.
  double minimum = 0, maximum = 0, mean = 0, deviation = 0;
  uint64_t clipped = 0;            // values outside of the stored type's range; set by who encodes
  uint64_t nodata_collisions = 0;  // valid pixels that hold the nodata value
};

}  // namespace geoloom::raster
