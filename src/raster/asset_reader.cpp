// SPDX-License-Identifier: Apache-2.0
#include "raster/asset_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "error/error.h"
#include "kernels/reject.h"

namespace geoloom::raster {
namespace {

// The columns (or rows) of a window that have a source, and which one: source[i] for first + i.
struct SourceIndices {
  int64_t first = 0;  // counted from the window's own first column
  std::vector<int64_t> source;

  int64_t count() const { return static_cast<int64_t>(source.size()); }
  bool contiguous() const {
    return source.empty() || source.back() - source.front() == count() - 1;
  }
};

template <class Index>
SourceIndices source_indices(int64_t start, int64_t count, int64_t limit, Index index) {
  SourceIndices result;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t source = index(start + i);
    if (source >= limit) break;
    if (source < 0) continue;
    if (result.source.empty()) result.first = i;
    result.source.push_back(source);
  }
  return result;
}

// Bands that one call can fill: one type, planes equally far apart.
struct BandRun {
  size_t first = 0;
  size_t count = 1;
  size_t stride_bytes = 0;
};

std::vector<BandRun> runs_of(const std::vector<AssetBand>& bands,
                             const std::vector<void*>& planes) {
  const auto distance = [&](size_t i) {
    return reinterpret_cast<intptr_t>(planes[i]) - reinterpret_cast<intptr_t>(planes[i - 1]);
  };
  std::vector<BandRun> runs;
  for (size_t i = 0; i < bands.size();) {
    BandRun run{i, 1, 0};
    while (i + run.count < bands.size() && bands[i + run.count].type == bands[i].type) {
      const intptr_t step = distance(i + run.count);
      if (step <= 0 || (run.count > 1 && static_cast<size_t>(step) != run.stride_bytes)) break;
      run.stride_bytes = static_cast<size_t>(step);
      ++run.count;
    }
    i += run.count;
    runs.push_back(run);
  }
  return runs;
}

// How many of the indices from `begin` on span at most max_source source pixels. Ends where a block
// of the file ends if it can, so that a block is not decoded for two chunks.
int64_t chunk_length(const std::vector<int64_t>& source, int64_t begin, int64_t max_source,
                     int64_t block) {
  const auto from = source.begin() + begin;
  const auto end = std::lower_bound(from, source.end(), *from + std::max<int64_t>(1, max_source));
  if (end == source.end() || block <= 1) return std::max<int64_t>(1, end - from);
  const auto aligned = std::lower_bound(from, end, *end / block * block);
  return std::max<int64_t>(1, (aligned > from ? aligned : end) - from);
}

// One call's work: the window's parts that lie in the raster, and buffers of bounded size.
class WindowReader {
 public:
  WindowReader(const Asset& asset, const AssetPlacement& placement, const geo::Window& window,
               size_t scratch_bytes)
      : asset_(asset),
        placement_(placement),
        window_(window),
        scratch_bytes_(scratch_bytes),
        columns_(source_indices(window.x, window.width, placement.raster.width,
                                [&](int64_t c) { return placement.mapping.source_column(c); })),
        rows_(source_indices(window.y, window.height, placement.raster.height,
                             [&](int64_t r) { return placement.mapping.source_row(r); })) {}

  bool empty() const { return columns_.source.empty() || rows_.source.empty(); }
  bool whole() const {
    return columns_.count() == window_.width && rows_.count() == window_.height;
  }
  // The part of the window that has sources, counted from its corner.
  geo::Window inside() const {
    return {columns_.first, rows_.first, columns_.count(), rows_.count()};
  }

  void read_bands(const std::vector<int>& numbers, PixelType type, void* plane,
                  size_t band_stride) {
    const size_t bytes = byte_size(type);
    if (placement_.overview > 1) return read_overview(numbers, type, plane, band_stride);
    if (one_to_one()) {
      asset_.read(source_window(0, columns_.count(), 0, rows_.count()), numbers, type,
                  static_cast<std::byte*>(plane) + offset(0, 0) * bytes,
                  static_cast<size_t>(window_.width) * bytes, band_stride);
      return;
    }
    const auto read = [&](const geo::Window& source, std::byte* buffer) {
      const size_t row = static_cast<size_t>(source.width) * bytes;
      asset_.read(source, numbers, type, buffer, row, row * static_cast<size_t>(source.height));
    };
    pick(bytes, numbers.size(), plane, band_stride, read);
  }

  void read_mask(int band, uint8_t* plane) {
    if (one_to_one()) {
      asset_.read_mask(source_window(0, columns_.count(), 0, rows_.count()), band,
                       plane + offset(0, 0), static_cast<size_t>(window_.width));
      return;
    }
    const auto read = [&](const geo::Window& source, std::byte* buffer) {
      asset_.read_mask(source, band, reinterpret_cast<uint8_t*>(buffer),
                       static_cast<size_t>(source.width));
    };
    pick(1, 1, plane, 0, read);
  }

 private:
  bool one_to_one() const { return columns_.contiguous() && rows_.contiguous(); }

  // Samples come as float, which holds all values of the types that pixels have.
  void read_overview(const std::vector<int>& numbers, PixelType type, void* plane,
                     size_t band_stride) {
    if (!one_to_one() || !no_mask())
      throw Error(ErrorCode::internal, "overviews are read as they are, and without masks");
    const geo::Window part = source_window(0, columns_.count(), 0, rows_.count());
    const int64_t times = placement_.overview;
    const geo::Window full{part.x * times, part.y * times, part.width * times, part.height * times};
    for (size_t band = 0; band < numbers.size(); ++band) {
      const auto values = asset_.read_overview(full, numbers[band], part.width, part.height);
      visit(type, [&]<class T>(T) {
        T* const to = reinterpret_cast<T*>(static_cast<std::byte*>(plane) + band * band_stride) +
                      offset(0, 0);
        for (int64_t y = 0; y < part.height; ++y)
          for (int64_t x = 0; x < part.width; ++x)
            to[y * window_.width + x] =
                static_cast<T>(values[static_cast<size_t>(y * part.width + x)]);
      });
    }
  }
  bool no_mask() const {
    return std::none_of(placement_.masked.begin(), placement_.masked.end(),
                        [](bool masked) { return masked; });
  }

  // Pixels from the plane's start to the i-th column and j-th row that have a source.
  size_t offset(int64_t column, int64_t row) const {
    return static_cast<size_t>((rows_.first + row) * window_.width + columns_.first + column);
  }

  geo::Window source_window(int64_t column, int64_t columns, int64_t row, int64_t rows) const {
    const auto span = [](const std::vector<int64_t>& source, int64_t first, int64_t count) {
      return source[static_cast<size_t>(first + count - 1)] - source[static_cast<size_t>(first)] +
             1;
    };
    return {columns_.source[static_cast<size_t>(column)], rows_.source[static_cast<size_t>(row)],
            span(columns_.source, column, columns), span(rows_.source, row, rows)};
  }

  // Reads the sources of the window in chunks of bounded size and copies the picked pixels.
  template <class Read>
  void pick(size_t bytes, size_t bands, void* plane, size_t band_stride, Read read) {
    const auto budget = static_cast<int64_t>(std::max<size_t>(1, scratch_bytes_ / bytes / bands));
    const int64_t block_rows = std::max(1, placement_.block_height);
    for (int64_t column = 0; column < columns_.count();) {
      // As wide as leaves room for one row of the file's blocks.
      const int64_t columns =
          chunk_length(columns_.source, column, budget / block_rows, placement_.block_width);
      const int64_t width = source_window(column, columns, 0, 1).width;
      for (int64_t row = 0; row < rows_.count();) {
        const int64_t rows = chunk_length(rows_.source, row, budget / width, block_rows);
        const geo::Window source = source_window(column, columns, row, rows);
        scratch_.resize(static_cast<size_t>(source.pixels()) * bytes * bands);
        read(source, scratch_.data());
        for (size_t band = 0; band < bands; ++band) {
          copy_picked(bytes, source, band, {column, row, columns, rows},
                      static_cast<std::byte*>(plane) + band * band_stride);
        }
        row += rows;
      }
      column += columns;
    }
  }

  void copy_picked(size_t bytes, const geo::Window& source, size_t band, const geo::Window& part,
                   std::byte* plane) const {
    switch (bytes) {
      case 1:
        copy_typed<uint8_t>(source, band, part, plane);
        break;
      case 2:
        copy_typed<uint16_t>(source, band, part, plane);
        break;
      default:
        copy_typed<uint32_t>(source, band, part, plane);
        break;
    }
  }

  template <class T>  // an integer of the pixel's size: bits are moved, not values
  void copy_typed(const geo::Window& source, size_t band, const geo::Window& part,
                  std::byte* plane) const {
    const T* pixels =
        reinterpret_cast<const T*>(scratch_.data()) + band * static_cast<size_t>(source.pixels());
    const int64_t* columns = columns_.source.data() + part.x;
    for (int64_t j = part.y; j < part.bottom(); ++j) {
      const T* from =
          pixels + (rows_.source[static_cast<size_t>(j)] - source.y) * source.width - source.x;
      T* to = reinterpret_cast<T*>(plane) + offset(part.x, j);
      for (int64_t i = 0; i < part.width; ++i) to[i] = from[columns[i]];
    }
  }

  const Asset& asset_;
  const AssetPlacement& placement_;
  const geo::Window window_;
  const size_t scratch_bytes_;
  const SourceIndices columns_, rows_;
  std::vector<std::byte> scratch_;
};

// What a raw sample is compared with.
template <class T>
struct NodataTest {
  std::optional<T> value;

  explicit NodataTest(const std::optional<double>& nodata) {
    if (!nodata || std::isnan(*nodata)) return;  // NaN samples are invalid anyway
    if constexpr (std::is_same_v<T, float>) {
      // A double out of range (-1.8e308 is common) reaches float samples as an infinity.
      constexpr double limit = std::numeric_limits<float>::max();
      const float infinity = std::numeric_limits<float>::infinity();
      if (*nodata > limit * (1 + 1e-7))
        value = infinity;
      else if (*nodata < -limit * (1 + 1e-7))
        value = -infinity;
      else
        value = static_cast<float>(std::clamp(*nodata, -limit, limit));
    } else {
      if (holds(pixel_type<T>(), *nodata)) value = static_cast<T>(*nodata);
    }
  }
};

// Clears validity where the sample is nodata or NaN.
template <class T>
void keep_valid(const T* pixels, const std::optional<double>& nodata, size_t count,
                uint8_t* valid) {
  const NodataTest<T> test(nodata);
  if (test.value)
    kernels::invalidate_value(pixels, *test.value, count, valid);
  else if constexpr (std::is_same_v<T, float>)
    kernels::invalidate_value(pixels, std::numeric_limits<float>::quiet_NaN(), count, valid);
}

// The pixels of a window that lie in a part of it, as few runs of neighbours.
template <class Span>
void for_each_span(const geo::Window& window, const geo::Window& part, Span span) {
  if (part.width == window.width) {
    span(static_cast<size_t>(part.y * window.width), static_cast<size_t>(part.pixels()));
    return;
  }
  for (int64_t row = part.y; row < part.bottom(); ++row)
    span(static_cast<size_t>(row * window.width + part.x), static_cast<size_t>(part.width));
}

// Starts the validity planes: 0 outside of the raster, inside what the mask band says, or 1. Planes
// that bands share are started once.
void start_validity(WindowReader& reader, const AssetPlacement& placement,
                    const geo::Window& window, const std::vector<AssetBand>& bands,
                    const std::vector<uint8_t*>& valid) {
  const geo::Window inside = reader.inside();
  for (size_t i = 0; i < bands.size(); ++i) {
    if (std::find(valid.begin(), valid.begin() + static_cast<ptrdiff_t>(i), valid[i]) !=
        valid.begin() + static_cast<ptrdiff_t>(i)) {
      continue;
    }
    if (!reader.whole()) std::memset(valid[i], 0, static_cast<size_t>(window.pixels()));
    if (reader.empty()) continue;
    int mask_of = 0;
    for (size_t j = i; j < bands.size() && mask_of == 0; ++j) {
      const size_t number = static_cast<size_t>(bands[j].number);
      if (valid[j] == valid[i] && number <= placement.masked.size() &&
          placement.masked[number - 1]) {
        mask_of = bands[j].number;
      }
    }
    if (mask_of != 0) {
      reader.read_mask(mask_of, valid[i]);
      for_each_span(window, inside, [&](size_t start, size_t count) {
        for (size_t p = start; p < start + count; ++p) valid[i][p] &= 1;
      });
      continue;
    }
    for_each_span(window, inside,
                  [&](size_t start, size_t count) { std::memset(valid[i] + start, 1, count); });
  }
}

}  // namespace

AssetPlacement place_asset(const gdal::RasterInfo& info, const geo::Grid& target) {
  if (!info.grid) {
    throw Error(ErrorCode::invalid,
                fmt::format("the raster has no north-up pixel grid ({})", info.why_no_grid))
        .hint("warp it to a grid first");
  }
  const std::string why = geo::why_not_nested(target, *info.grid);
  if (!why.empty()) {
    throw Error(ErrorCode::invalid,
                fmt::format("the raster's pixels do not fall on the grid: {}", why));
  }
  AssetPlacement placement;
  placement.mapping = geo::nearest_mapping(target, *info.grid);
  placement.raster = {0, 0, info.width, info.height};
  if (!info.bands.empty()) {
    placement.block_width = info.bands.front().block_width;
    placement.block_height = info.bands.front().block_height;
  }
  for (const gdal::BandInfo& band : info.bands) placement.masked.push_back(band.has_mask_band);
  return placement;
}

void read_asset(const Asset& asset, const AssetPlacement& placement, const geo::Window& window,
                const std::vector<AssetBand>& bands, const std::vector<void*>& planes,
                const std::vector<uint8_t*>& valid, size_t scratch_bytes) {
  if (planes.size() != bands.size() || valid.size() != bands.size()) {
    throw Error(ErrorCode::internal, "read_asset needs one plane and one validity per band");
  }
  for (const AssetBand& band : bands) {
    const size_t there = asset.info().bands.size();
    if (band.number < 1 || static_cast<size_t>(band.number) > there) {
      Place place;
      place.file = asset.path();
      throw Error(ErrorCode::invalid, fmt::format("there is no band {}: the file has {} band{}",
                                                  band.number, there, there == 1 ? "" : "s"))
          .at(place);
    }
  }
  if (window.empty()) return;
  WindowReader reader(asset, placement, window, scratch_bytes);
  if (!reader.empty()) {
    for (const BandRun& run : runs_of(bands, planes)) {
      std::vector<int> numbers;
      for (size_t i = 0; i < run.count; ++i) numbers.push_back(bands[run.first + i].number);
      reader.read_bands(numbers, bands[run.first].type, planes[run.first], run.stride_bytes);
    }
  }
  start_validity(reader, placement, window, bands, valid);
  if (reader.empty()) return;

  for (size_t i = 0; i < bands.size(); ++i) {
    visit(bands[i].type, [&]<class T>(T) {
      for_each_span(window, reader.inside(), [&](size_t start, size_t count) {
        keep_valid(static_cast<const T*>(planes[i]) + start, bands[i].nodata, count,
                   valid[i] + start);
      });
    });
  }
}

}  // namespace geoloom::raster
