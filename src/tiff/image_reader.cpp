// SPDX-License-Identifier: Apache-2.0
#include "tiff/image_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "error/error.h"
#include "kernels/deinterleave.h"

namespace geoloom::tiff {
namespace {

// Blocks that lie next to each other in the file, or nearly (COGs put a few bytes between them, and
// blocks of a mask), come in one request; what lies between is fetched in vain.
constexpr uint64_t kJoinedGapBytes = size_t{8} << 10;
constexpr uint64_t kJoinedGapShare = 16;  // of the bytes before it: one in so many

template <class T>
void fill_rows(std::byte* plane, size_t row_stride_bytes, const geo::Window& part, double value) {
  const T fill = static_cast<T>(value);
  for (int64_t row = 0; row < part.height; ++row) {
    T* to = reinterpret_cast<T*>(plane + static_cast<size_t>(row) * row_stride_bytes);
    std::fill(to, to + part.width, fill);
  }
}

void fill(const BlockFormat& format, std::byte* plane, size_t row_stride_bytes,
          const geo::Window& part, double value) {
  const bool is_signed = format.sample_format == SampleFormat::signed_integer;
  if (format.bits == 8) return fill_rows<uint8_t>(plane, row_stride_bytes, part, value);
  if (format.bits == 32) return fill_rows<float>(plane, row_stride_bytes, part, value);
  if (is_signed) return fill_rows<int16_t>(plane, row_stride_bytes, part, value);
  fill_rows<uint16_t>(plane, row_stride_bytes, part, value);
}

// Samples of one size, from the rows of a block to planes.
template <class T>
void split(const std::byte* pixels, const BlockFormat& format, const geo::Window& part,
           const std::vector<std::byte*>& planes, size_t row_stride_bytes) {
  std::vector<T*> typed;
  for (std::byte* plane : planes) typed.push_back(reinterpret_cast<T*>(plane));
  kernels::deinterleave<T>(reinterpret_cast<const T*>(pixels), format.row_bytes() / sizeof(T),
                           static_cast<size_t>(format.samples), static_cast<size_t>(part.width),
                           static_cast<size_t>(part.height), typed.data(),
                           row_stride_bytes / sizeof(T));
}

void copy_rows(const std::byte* from, size_t from_stride, std::byte* to, size_t to_stride,
               size_t bytes, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row, from += from_stride, to += to_stride)
    std::memcpy(to, from, bytes);
}

// `planes` has one entry per sample of the block; null: not wanted.
void scatter(const std::byte* pixels, const BlockFormat& format, const geo::Window& part,
             const std::vector<std::byte*>& planes, size_t row_stride_bytes) {
  const size_t sample = static_cast<size_t>(format.bits) / 8;
  if (format.samples == 1)
    return copy_rows(pixels, format.row_bytes(), planes.front(), row_stride_bytes,
                     static_cast<size_t>(part.width) * sample, part.height);
  if (sample == 1) return split<uint8_t>(pixels, format, part, planes, row_stride_bytes);
  if (sample == 2) return split<uint16_t>(pixels, format, part, planes, row_stride_bytes);
  split<uint32_t>(pixels, format, part, planes, row_stride_bytes);
}

}  // namespace

// A block that a window touches.
struct Image::BlockPlace {
  int64_t column = 0, row = 0;  // counted in blocks
  int plane = 0;                // of planes that stand apart
  geo::Window part;             // of the window, in pixels of the image
  uint64_t offset = 0, bytes = 0;

  bool there() const { return offset != 0 && bytes != 0; }
};

std::vector<Image::BlockPlace> Image::blocks_of(const geo::Window& window,
                                                const std::vector<int>& planes) const {
  std::vector<BlockPlace> places;
  const int64_t width = directory_.block.width, height = directory_.block.height;
  for (const int plane : planes) {
    for (int64_t row = window.y / height; row * height < window.bottom(); ++row) {
      for (int64_t column = window.x / width; column * width < window.right(); ++column) {
        BlockPlace place{column, row, plane, {}, 0, 0};
        place.part = geo::Window{column * width, row * height, width, height}.intersect(window);
        const auto index = static_cast<size_t>(
            (plane * directory_.blocks_down + row) * directory_.blocks_across + column);
        place.offset = blocks_.offsets[index];
        place.bytes = blocks_.sizes[index];
        places.push_back(place);
      }
    }
  }
  return places;
}

// The last strip ends with the image.
BlockFormat Image::format_of(const BlockPlace& place) const {
  BlockFormat format = directory_.block;
  if (directory_.strips)
    format.height = static_cast<int>(
        std::min<int64_t>(format.height, directory_.height - place.row * format.height));
  return format;
}

// Blocks that are fetched together: ranges, and where each block will stand in the buffer.
struct Image::Batch {
  size_t end = 0;  // the first block that is not part of it
  std::vector<gdal::ByteRange> ranges;
  std::vector<size_t> at;  // by block from the first on
  size_t bytes = 0;

  // Makes the last range longer where the block follows it closely.
  void add(const BlockPlace& place, bool join) {
    if (join && !ranges.empty()) {
      gdal::ByteRange& last = ranges.back();
      const uint64_t after = last.offset + last.bytes;
      const uint64_t gap = place.offset - after;  // enormous when it lies before
      if (place.offset >= after && gap <= kJoinedGapBytes && gap * kJoinedGapShare <= last.bytes) {
        last.bytes += gap + place.bytes;
        at.push_back(bytes + gap);
        bytes += gap + place.bytes;
        return;
      }
    }
    ranges.push_back({place.offset, place.bytes, nullptr});
    at.push_back(bytes);
    bytes += place.bytes;
  }
};

Image::Batch Image::batch_from(const gdal::RandomAccessFile& file,
                               const std::vector<BlockPlace>& places, size_t first) {
  const size_t limit = file.remote() ? kMostRequestedBytes : 0;
  Batch batch;
  for (batch.end = first; batch.end < places.size(); ++batch.end) {
    const BlockPlace& place = places[batch.end];
    if (batch.bytes > 0 && batch.bytes + place.bytes > limit) break;
    if (!place.there()) {
      batch.at.push_back(0);
      continue;
    }
    if (place.bytes > file.size())
      throw Error(ErrorCode::corrupt, "a block is larger than the file");
    batch.add(place, file.remote());
  }
  return batch;
}

template <class Use>
void Image::for_each_block(const gdal::RandomAccessFile& file,
                           const std::vector<BlockPlace>& places, ReadScratch& scratch,
                           Use use) const {
  for (size_t first = 0; first < places.size();) {
    Batch batch = batch_from(file, places, first);
    scratch.stored.resize(std::max(scratch.stored.size(), batch.bytes));
    size_t to = 0;
    for (auto& range : batch.ranges) {
      range.to = scratch.stored.data() + to;
      to += range.bytes;
    }
    file.read(batch.ranges);
    for (size_t i = first; i < batch.end; ++i) {
      if (!places[i].there()) {
        use(places[i], nullptr, directory_.block);
        continue;
      }
      const BlockFormat format = format_of(places[i]);
      scratch.block.resize(std::max(scratch.block.size(), format.bytes()));
      const std::span<const std::byte> stored{scratch.stored.data() + batch.at[i - first],
                                              places[i].bytes};
      try {
        scratch.decoder.decode(format, stored, {scratch.block.data(), format.bytes()});
      } catch (const Error& error) {
        throw Error(error.code(), fmt::format("block {} of row {}: {}", places[i].column,
                                              places[i].row, error.message()))
            .cause(error.cause());
      }
      use(places[i], scratch.block.data(), format);
    }
    first = batch.end;
  }
}

void Image::read(const gdal::RandomAccessFile& file, const geo::Window& window,
                 const std::vector<Plane>& planes, size_t row_stride_bytes,
                 ReadScratch& scratch) const {
  std::vector<int> apart{0};
  if (directory_.planes_apart) {
    apart.clear();
    for (const Plane& plane : planes)
      if (std::find(apart.begin(), apart.end(), plane.band) == apart.end())
        apart.push_back(plane.band);
  }
  const size_t sample = static_cast<size_t>(directory_.block.bits) / 8;
  const auto use = [&](const BlockPlace& place, const std::byte* block, const BlockFormat& format) {
    const geo::Window& part = place.part;
    const size_t to = static_cast<size_t>(part.y - window.y) * row_stride_bytes +
                      static_cast<size_t>(part.x - window.x) * sample;
    const size_t from =
        static_cast<size_t>(part.y - place.row * directory_.block.height) * format.row_bytes() +
        static_cast<size_t>(part.x - place.column * directory_.block.width) * sample *
            static_cast<size_t>(format.samples);
    std::vector<std::byte*> wanted(static_cast<size_t>(format.samples), nullptr);
    for (const Plane& plane : planes) {
      if (directory_.planes_apart && plane.band != place.plane) continue;
      if (block == nullptr) {
        fill(format, plane.pixels + to, row_stride_bytes, part, plane.fill);
        continue;
      }
      auto& slot = wanted[directory_.planes_apart ? 0 : static_cast<size_t>(plane.band)];
      if (slot != nullptr) {  // a band that is asked for twice
        scatter(block + from, format, part, wanted, row_stride_bytes);
        std::fill(wanted.begin(), wanted.end(), nullptr);
      }
      slot = plane.pixels + to;
    }
    if (block != nullptr) scatter(block + from, format, part, wanted, row_stride_bytes);
  };
  for_each_block(file, blocks_of(window, apart), scratch, use);
}

void Image::read_mask(const gdal::RandomAccessFile& file, const geo::Window& window, uint8_t* mask,
                      size_t row_stride_bytes, ReadScratch& scratch) const {
  const auto use = [&](const BlockPlace& place, const std::byte* block, const BlockFormat& format) {
    const geo::Window& part = place.part;
    const int64_t first = part.x - place.column * directory_.block.width;
    for (int64_t y = part.y; y < part.bottom(); ++y) {
      uint8_t* to = mask + static_cast<size_t>(y - window.y) * row_stride_bytes + part.x - window.x;
      if (block == nullptr) {
        std::memset(to, 0, static_cast<size_t>(part.width));
        continue;
      }
      const auto* row = reinterpret_cast<const uint8_t*>(
          block +
          static_cast<size_t>(y - place.row * directory_.block.height) * format.row_bytes());
      for (int64_t x = 0; x < part.width; ++x) {
        const int64_t at = first + x;
        const bool set = format.bits == 8 ? row[at] != 0 : (row[at / 8] >> (7 - at % 8) & 1) != 0;
        to[x] = set ? 255 : 0;
      }
    }
  };
  for_each_block(file, blocks_of(window, {0}), scratch, use);
}

}  // namespace geoloom::tiff
