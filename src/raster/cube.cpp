// SPDX-License-Identifier: Apache-2.0
#include "raster/cube.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

#include "error/error.h"
#include "error/spelling.h"

namespace geoloom::raster {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kPage = 4096;
// Neighbouring bands start this far apart modulo a page: five cache lines.
constexpr size_t kBandStagger = 320;
// Smaller blocks come from the heap: a mapping costs a system call and whole pages.
constexpr size_t kMapFrom = size_t{256} << 10;
constexpr size_t kHugePagesFrom = size_t{32} << 20;

constexpr std::array<std::string_view, 4> kTypeNames{"uint8", "uint16", "int16", "float32"};

size_t round_up(size_t value, size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// An odd number of 64-pixel units: whatever the pixel's size, the stride in bytes is then a
// multiple of 64 that walks through many cache sets, and never a multiple of 4096.
size_t padded_stride(size_t pixels) {
  const size_t units = std::max<size_t>(1, (pixels + kAlignment - 1) / kAlignment);
  return (units | 1U) * kAlignment;
}

size_t band_bytes(PixelType type, size_t stride, size_t slices) {
  return round_up(byte_size(type) * stride * slices, kPage) + kBandStagger;
}

struct Layout {
  size_t stride;
  std::vector<size_t> band_offsets;
  size_t validity_offset;
  size_t bytes;
};

Layout layout_of(const CubeSchema& schema, size_t pixels, size_t slices) {
  Layout layout;
  layout.stride = padded_stride(pixels);
  size_t offset = 0;
  for (const Band& band : schema.bands) {
    layout.band_offsets.push_back(offset);
    offset += band_bytes(band.type, layout.stride, slices);
  }
  layout.validity_offset = offset;
  layout.bytes =
      offset + round_up(layout.stride * slices * schema.validity_planes_per_slice(), kAlignment);
  return layout;
}

[[noreturn]] void refuse(size_t bytes) {
  throw Error(ErrorCode::resource, fmt::format("cannot get {} bytes of memory for pixels", bytes));
}

// Mapped pages come zeroed when first touched and go back to the system at once when freed, which
// keeps the size of the process equal to what the budget says.
std::shared_ptr<std::byte> map_zeroed(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) refuse(bytes);
  // A block of hundreds of MiB costs a fault per 4 KiB page otherwise, a sixth of a median's time.
  // A hint: where it is not followed, nothing else changes.
  if (bytes >= kHugePagesFrom) madvise(memory, bytes, MADV_HUGEPAGE);
  return {static_cast<std::byte*>(memory), [bytes](std::byte* p) { munmap(p, bytes); }};
}

std::shared_ptr<std::byte> allocate_zeroed(size_t bytes) {
  if (bytes >= kMapFrom) return map_zeroed(bytes);
  constexpr std::align_val_t alignment{kAlignment};
  void* memory = ::operator new(bytes, alignment, std::nothrow);
  if (memory == nullptr) refuse(bytes);
  std::memset(memory, 0, bytes);
  return {static_cast<std::byte*>(memory),
          [](std::byte* p) { ::operator delete (p, std::align_val_t{kAlignment}); }};
}

// A window's size and slices that cannot overflow a size_t, whatever the bands.
void check_size(const CubeSchema& schema, const geo::Window& window, size_t slices) {
  const double bytes = static_cast<double>(window.width) * static_cast<double>(window.height) *
                       static_cast<double>(slices) *
                       static_cast<double>(schema.bytes_per_pixel(1) + 1);
  if (window.width < 0 || window.height < 0 || bytes > 1e15) {
    throw Error(ErrorCode::resource, fmt::format("a block of {} x {} pixels and {} slices is too "
                                                 "large",
                                                 window.width, window.height, slices));
  }
}

// Copies the pixels of `part` between two planes of dense rows.
void copy_plane(const geo::Window& part, size_t pixel_bytes, const geo::Window& from_window,
                const void* from, const geo::Window& to_window, void* to) {
  const auto place = [&](const geo::Window& window, int64_t row) {
    return static_cast<size_t>((row - window.y) * window.width + part.x - window.x) * pixel_bytes;
  };
  for (int64_t row = part.y; row < part.bottom(); ++row) {
    std::memcpy(static_cast<std::byte*>(to) + place(to_window, row),
                static_cast<const std::byte*>(from) + place(from_window, row),
                static_cast<size_t>(part.width) * pixel_bytes);
  }
}

}  // namespace

size_t byte_size(PixelType type) {
  return visit(type, [](auto value) { return sizeof(value); });
}

std::string_view name(PixelType type) {
  return kTypeNames[static_cast<size_t>(type)];
}

PixelType pixel_type_of(std::string_view name) {
  const auto found = std::find(kTypeNames.begin(), kTypeNames.end(), name);
  if (found == kTypeNames.end()) {
    const std::vector<std::string> known(kTypeNames.begin(), kTypeNames.end());
    throw Error(ErrorCode::invalid, fmt::format("'{}' is not a pixel type", name))
        .hint(spelling_hint(name, known));
  }
  return static_cast<PixelType>(found - kTypeNames.begin());
}

bool holds(PixelType type, double value) {
  return visit(type, [value]<class T>(T) {
    if constexpr (std::is_same_v<T, float>)
      return !std::isfinite(value) || std::abs(value) <= std::numeric_limits<float>::max();
    else
      return value == std::floor(value) && value >= std::numeric_limits<T>::min() &&
             value <= std::numeric_limits<T>::max();
  });
}

std::string text(const Colour& colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour[0], colour[1], colour[2]);
}

Colour colour_of(std::string_view text) {
  Colour colour{};
  bool good = text.size() == 7 && text.front() == '#';
  for (size_t i = 0; good && i < colour.size(); ++i) {
    const char* const begin = text.data() + 1 + 2 * i;
    const auto parsed = std::from_chars(begin, begin + 2, colour[i], 16);
    good = parsed.ec == std::errc() && parsed.ptr == begin + 2;
  }
  if (!good)
    throw Error(ErrorCode::invalid, fmt::format("'{}' is not a colour", text))
        .hint("write red, green and blue as \"#rrggbb\", as in \"#228b22\"");
  return colour;
}

size_t CubeSchema::bytes_per_pixel(size_t slices_held) const {
  size_t bytes = validity_planes_per_slice();
  for (const Band& band : bands) bytes += byte_size(band.type);
  return bytes * slices_held;
}

int CubeSchema::find_band(std::string_view band) const {
  for (size_t i = 0; i < bands.size(); ++i) {
    if (bands[i].name == band) return static_cast<int>(i);
  }
  return -1;
}

int CubeSchema::band_index(std::string_view band) const {
  const int index = find_band(band);
  if (index < 0) {
    throw Error(ErrorCode::invalid, fmt::format("there is no band '{}'", band))
        .hint(spelling_hint(band, band_names()));
  }
  return index;
}

std::vector<std::string> CubeSchema::band_names() const {
  std::vector<std::string> names;
  for (const Band& band : bands) names.push_back(band.name);
  return names;
}

Block::Block(const CubeSchema& schema, const geo::Window& window, size_t first_slice,
             size_t slice_count)
    : window_(window),
      first_slice_(first_slice),
      slices_(slice_count),
      validity_planes_(schema.validity_planes_per_slice()) {
  memory_bytes_ = lay_out(schema);
  memory_ = allocate_zeroed(memory_bytes_);
}

Block::Block(const CubeSchema& schema, const geo::Window& window, size_t first_slice,
             size_t slice_count, Block&& spent)
    : window_(window),
      first_slice_(first_slice),
      slices_(slice_count),
      validity_planes_(schema.validity_planes_per_slice()) {
  const size_t needed = lay_out(schema);
  memory_ = std::move(spent.memory_);
  memory_bytes_ = spent.memory_bytes_;
  if (memory_ && memory_.use_count() == 1 && memory_bytes_ >= needed) return;
  memory_.reset();  // first, so that there are never two
  memory_ = allocate_zeroed(needed);
  memory_bytes_ = needed;
}

size_t Block::lay_out(const CubeSchema& schema) {
  check_size(schema, window_, slices_);
  const Layout layout = layout_of(schema, pixels(), slices_);
  stride_ = layout.stride;
  validity_offset_ = layout.validity_offset;
  for (size_t band = 0; band < schema.bands.size(); ++band) {
    bands_.push_back({schema.bands[band].type, layout.band_offsets[band]});
  }
  return std::max(layout.bytes, kAlignment);
}

size_t Block::bytes_needed(const CubeSchema& schema, int64_t pixels, size_t slice_count) {
  const size_t bytes =
      layout_of(schema, static_cast<size_t>(std::max<int64_t>(0, pixels)), slice_count).bytes;
  return bytes >= kMapFrom ? round_up(bytes, kPage) : bytes;
}

void* Block::raw(size_t band, size_t slice, PixelType asked) {
  assert(band < bands_.size() && slice < slices_ && asked == bands_[band].type);
  const BandPlace& place = bands_[band];
  return memory_.get() + place.offset + (slice * stride_ + row_skip_) * byte_size(asked);
}

std::span<uint8_t> Block::validity(size_t slice, size_t band) {
  const size_t plane = validity_per_band() ? slice * validity_planes_ + band : slice;
  assert(slice < slices_ && (!validity_per_band() || band < bands_.size()));
  std::byte* start = memory_.get() + validity_offset_ + plane * stride_ + row_skip_;
  return {reinterpret_cast<uint8_t*>(start), pixels()};
}

std::span<const uint8_t> Block::validity(size_t slice, size_t band) const {
  return const_cast<Block*>(this)->validity(slice, band);
}

void Block::copy_from(const Block& from) {
  bool alike = from.slices_ == slices_ && from.first_slice_ == first_slice_ &&
               from.bands() == bands() && from.validity_planes_ == validity_planes_;
  for (size_t band = 0; alike && band < bands(); ++band) alike = type(band) == from.type(band);
  if (!alike) throw Error(ErrorCode::internal, "blocks of different cubes cannot be copied");

  const geo::Window part = window_.intersect(from.window_);
  if (part.empty()) return;
  for (size_t slice = 0; slice < slices_; ++slice) {
    for (size_t band = 0; band < bands(); ++band) {
      copy_plane(part, byte_size(type(band)), from.window_, from.raw_plane(band, slice), window_,
                 raw_plane(band, slice));
    }
    for (size_t plane = 0; plane < validity_planes_; ++plane) {
      copy_plane(part, 1, from.window_, from.validity(slice, plane).data(), window_,
                 validity(slice, plane).data());
    }
  }
}

Block Block::strip(int64_t row, int64_t rows) {
  if (row < 0 || rows < 0 || row + rows > window_.height) {
    throw Error(ErrorCode::internal, fmt::format("rows {}..{} are not in a block of {} rows", row,
                                                 row + rows, window_.height));
  }
  Block view = *this;
  view.window_.y += row;
  view.window_.height = rows;
  view.row_skip_ += static_cast<size_t>(row * window_.width);
  return view;
}

}  // namespace geoloom::raster
