// SPDX-License-Identifier: Apache-2.0
#include "raster/asset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include "error/error.h"
#include "gdal/array_address.h"
#include "raster/asset_headers.h"

namespace geoloom::raster {
namespace {

// What a thread keeps between reads; more is given back, as a file with huge blocks is rare.
constexpr size_t kKeptScratchBytes = size_t{8} << 20;

tiff::ReadScratch& scratch_of_this_thread() {
  thread_local tiff::ReadScratch scratch;
  return scratch;
}

void trim(tiff::ReadScratch& scratch) {
  for (auto* buffer : {&scratch.stored, &scratch.block})
    if (buffer->capacity() > kKeptScratchBytes) *buffer = {};
}

// What GDAL gives for blocks that are not in the file.
double fill_of(const gdal::BandInfo& band) {
  const double nodata = band.nodata.value_or(0);
  return visit(pixel_type_of(band.type), [nodata]<class T>(T) -> double {
    constexpr double lowest = std::numeric_limits<T>::lowest();
    constexpr double highest = std::numeric_limits<T>::max();
    if constexpr (std::is_same_v<T, float>)
      if (!std::isfinite(nodata)) return nodata;
    if (std::isnan(nodata)) return 0;
    const double value = std::clamp(nodata, lowest, highest);
    return std::is_same_v<T, float> ? value : std::nearbyint(value);
  });
}

// Which of the `there` pixels of an image lie under the middles of `out` pixels, which stand for
// `count` pixels from `first` on of an image of `full`.
std::vector<int64_t> nearest_of(int64_t first, int64_t count, int64_t out, int64_t full,
                                int64_t there) {
  std::vector<int64_t> at;
  const double step = static_cast<double>(count) / static_cast<double>(out);
  const double scale = static_cast<double>(there) / static_cast<double>(full);
  for (int64_t i = 0; i < out; ++i) {
    const double place = static_cast<double>(first) + (static_cast<double>(i) + 0.5) * step;
    at.push_back(std::clamp<int64_t>(static_cast<int64_t>(place * scale), 0, there - 1));
  }
  return at;
}

Reader reader_of_environment() {
  static const Reader reader = [] {
    const char* value = std::getenv("GEOLOOM_READER");
    return value != nullptr && std::string_view(value) == "gdal" ? Reader::gdal : Reader::automatic;
  }();
  return reader;
}

}  // namespace

struct Asset::Impl {
  std::string path;
  std::string version;  // of a local file when it was opened
  std::shared_ptr<const AssetHeader> header;
  std::optional<gdal::RandomAccessFile> file;  // read directly
  std::optional<gdal::Dataset> dataset;        // read by GDAL

  void check(const geo::Window& window, const std::vector<int>& bands) const {
    const auto& info = *header->info;
    if (window.empty() || !geo::Window{0, 0, info.width, info.height}.contains(window))
      throw Error(ErrorCode::internal, fmt::format("the window {} is not inside of {}x{} pixels",
                                                   window.text(), info.width, info.height));
    for (const int band : bands)
      if (band < 1 || static_cast<size_t>(band) > info.bands.size())
        throw Error(ErrorCode::internal,
                    fmt::format("there is no band {} of {}", band, info.bands.size()));
  }

  void read(const geo::Window& window, const std::vector<int>& bands, PixelType type,
            std::byte* buffer, size_t row_stride, size_t band_stride) const {
    check(window, bands);
    read_from(*header->image, window, bands, type, buffer, row_stride, band_stride);
  }

  void read_from(const tiff::Image& image, const geo::Window& window, const std::vector<int>& bands,
                 PixelType type, std::byte* buffer, size_t row_stride, size_t band_stride) const {
    std::vector<tiff::Image::Plane> planes;
    for (size_t i = 0; i < bands.size(); ++i) {
      const auto& band = header->info->bands[static_cast<size_t>(bands[i] - 1)];
      if (pixel_type_of(band.type) != type)
        throw Error(ErrorCode::internal,
                    fmt::format("band {} is not {}", bands[i], raster::name(type)));
      planes.push_back({bands[i] - 1, buffer + i * band_stride, fill_of(band)});
    }
    auto& scratch = scratch_of_this_thread();
    image.read(*file, window, planes, row_stride, scratch);
    trim(scratch);
  }

  // The coarsest image that has at least `width` pixels for the window.
  const tiff::Image& level_for(const geo::Window& window, int64_t width) const {
    const tiff::Image* best = &*header->image;
    for (const auto& overview : header->overviews)
      if (static_cast<double>(overview.directory().width) * static_cast<double>(window.width) >=
          static_cast<double>(width) * static_cast<double>(header->info->width))
        best = &overview;
    return *best;
  }

  template <class T>
  std::vector<float> read_overview(const geo::Window& window, int band, int64_t width,
                                   int64_t height) const {
    const tiff::Image& level = level_for(window, width);
    const auto& directory = level.directory();
    const auto columns =
        nearest_of(window.x, window.width, width, header->info->width, directory.width);
    const auto rows =
        nearest_of(window.y, window.height, height, header->info->height, directory.height);
    std::vector<float> out;
    std::vector<T> pixels;
    auto& scratch = scratch_of_this_thread();
    // A row of blocks at a time: whatever the image's size, that is all that is held.
    geo::Window part{columns.front(), 0, columns.back() - columns.front() + 1, 0};
    for (const int64_t row : rows) {
      if (row >= part.bottom()) {
        part.y = row;
        part.height = std::min<int64_t>(directory.block.height - row % directory.block.height,
                                        rows.back() + 1 - row);
        pixels.resize(static_cast<size_t>(part.pixels()));
        level.read(*file, part,
                   {{band - 1, reinterpret_cast<std::byte*>(pixels.data()),
                     fill_of(header->info->bands[static_cast<size_t>(band - 1)])}},
                   static_cast<size_t>(part.width) * sizeof(T), scratch);
      }
      const T* from = pixels.data() + (row - part.y) * part.width;
      for (const int64_t column : columns) out.push_back(static_cast<float>(from[column - part.x]));
    }
    trim(scratch);
    return out;
  }

  void read_alpha(const tiff::Image& image, const geo::Window& window, uint8_t* buffer,
                  size_t row_stride) const {
    read_from(image, window, {header->alpha_band}, PixelType::uint8,
              reinterpret_cast<std::byte*>(buffer), row_stride, 0);
    for (int64_t y = 0; y < window.height; ++y) {
      uint8_t* row = buffer + static_cast<size_t>(y) * row_stride;
      std::transform(row, row + window.width, row,
                     [](uint8_t alpha) { return static_cast<uint8_t>(alpha == 0 ? 0 : 255); });
    }
  }

  const tiff::Image& level(size_t number) const {
    return number == 0 ? *header->image : header->overviews.at(number - 1);
  }

  bool masked() const {
    const auto& bands = header->info->bands;
    return std::any_of(bands.begin(), bands.end(),
                       [](const gdal::BandInfo& band) { return band.has_mask_band; });
  }

  std::vector<Level> levels() const {
    std::vector<Level> all{{header->info->width, header->info->height}};
    if (dataset) {
      // GDAL has no way to ask for the mask of an overview that it does not average.
      if (!masked())
        for (const auto& [width, height] : header->info->overviews) all.push_back({width, height});
      return all;
    }
    if (header->mask && header->overview_masks.empty()) return all;
    for (const auto& overview : header->overviews)
      all.push_back({overview.directory().width, overview.directory().height});
    return all;
  }

  // The part of the image that a window of a level stands for.
  geo::Window on_image(size_t number, const geo::Window& window) const {
    const auto size = levels().at(number);
    const auto at = [](int64_t place, int64_t of, int64_t full) { return place * full / of; };
    const int64_t x = at(window.x, size.width, header->info->width),
                  y = at(window.y, size.height, header->info->height);
    return {x, y, at(window.right(), size.width, header->info->width) - x,
            at(window.bottom(), size.height, header->info->height) - y};
  }

  void check_level(size_t number, const geo::Window& window) const {
    const auto size = levels().at(number);
    if (window.empty() || !geo::Window{0, 0, size.width, size.height}.contains(window))
      throw Error(ErrorCode::internal, fmt::format("the window {} is not inside of level {}, {}x{}",
                                                   window.text(), number, size.width, size.height));
  }

  void read_mask(const geo::Window& window, int band, uint8_t* buffer, size_t row_stride) const {
    check(window, {band});
    auto& scratch = scratch_of_this_thread();
    if (header->mask) {
      header->mask->read_mask(*file, window, buffer, row_stride, scratch);
    } else if (header->alpha_band > 0) {
      read_alpha(*header->image, window, buffer, row_stride);
    } else {
      throw Error(ErrorCode::internal, "the file has no mask");
    }
    trim(scratch);
  }

  template <class Read>
  void with_place(Read read) const {
    try {
      read();
    } catch (Error& error) {
      error.at({.file = path});
      throw;
    }
  }
};

Asset::Asset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Asset::Asset(Asset&&) noexcept = default;
Asset& Asset::operator=(Asset&&) noexcept = default;
Asset::~Asset() = default;

Asset Asset::open(const std::string& path) {
  return open(path, reader_of_environment());
}

Asset Asset::open(const std::string& path, Reader reader) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->version = gdal::local_version(path);
  const bool array = gdal::names_array_file(path);
  if (reader == Reader::gdal || array) {
    impl->dataset = gdal::Dataset::open(path);
    AssetHeader header;
    header.info = std::make_shared<const gdal::RasterInfo>(impl->dataset->info());
    header.why_gdal = array ? "not a GeoTIFF" : "asked for";
    impl->header = std::make_shared<const AssetHeader>(std::move(header));
    return Asset(std::move(impl));
  }
  auto file = gdal::RandomAccessFile::open(path);
  impl->header = AssetHeaders::instance().header_of(path, file);
  if (impl->header->why_gdal.empty())
    impl->file = std::move(file);
  else
    impl->dataset = gdal::Dataset::open(path);
  return Asset(std::move(impl));
}

bool Asset::outdated() const {
  return gdal::local_version(impl_->path) != impl_->version;
}

const std::string& Asset::path() const {
  return impl_->path;
}
const gdal::RasterInfo& Asset::info() const {
  return *impl_->header->info;
}
const std::string& Asset::why_gdal() const {
  return impl_->header->why_gdal;
}

void Asset::read(const geo::Window& window, const std::vector<int>& bands, PixelType type,
                 void* buffer, size_t row_stride_bytes, size_t band_stride_bytes) const {
  if (impl_->dataset)
    return impl_->dataset->read(window, bands, buffer_type_of(type), buffer, row_stride_bytes,
                                band_stride_bytes);
  impl_->with_place([&] {
    impl_->read(window, bands, type, static_cast<std::byte*>(buffer), row_stride_bytes,
                band_stride_bytes);
  });
}

void Asset::read_mask(const geo::Window& window, int band, uint8_t* buffer,
                      size_t row_stride_bytes) const {
  if (impl_->dataset) return impl_->dataset->read_mask(window, band, buffer, row_stride_bytes);
  impl_->with_place([&] { impl_->read_mask(window, band, buffer, row_stride_bytes); });
}

std::vector<Asset::Level> Asset::levels() const {
  return impl_->levels();
}

void Asset::read_level(size_t level, const geo::Window& window, const std::vector<int>& bands,
                       PixelType type, void* buffer) const {
  const auto row_bytes = static_cast<size_t>(window.width) * byte_size(type);
  const size_t band_bytes = row_bytes * static_cast<size_t>(window.height);
  if (level == 0) return read(window, bands, type, buffer, row_bytes, band_bytes);
  impl_->check_level(level, window);
  if (impl_->dataset)
    return impl_->dataset->read_overview(impl_->on_image(level, window), bands,
                                         buffer_type_of(type), buffer, window.width, window.height);
  impl_->with_place([&] {
    impl_->read_from(impl_->level(level), window, bands, type, static_cast<std::byte*>(buffer),
                     row_bytes, band_bytes);
  });
}

void Asset::read_level_mask(size_t level, const geo::Window& window, int band,
                            uint8_t* buffer) const {
  const auto row_bytes = static_cast<size_t>(window.width);
  if (level == 0) return read_mask(window, band, buffer, row_bytes);
  impl_->check_level(level, window);
  impl_->with_place([&] {
    const auto& header = *impl_->header;
    if (header.alpha_band > 0)
      return impl_->read_alpha(impl_->level(level), window, buffer, row_bytes);
    header.overview_masks.at(level - 1).read_mask(*impl_->file, window, buffer, row_bytes,
                                                  scratch_of_this_thread());
    trim(scratch_of_this_thread());
  });
}

std::vector<float> Asset::read_overview(const geo::Window& window, int band, int64_t width,
                                        int64_t height) const {
  std::vector<float> values;
  if (impl_->dataset) {
    values.resize(static_cast<size_t>(width * height));
    impl_->dataset->read_overview(window, {band}, gdal::BufferType::float32, values.data(), width,
                                  height);
    return values;
  }
  impl_->with_place([&] {
    impl_->check(window, {band});
    const auto& info = impl_->header->info->bands[static_cast<size_t>(band - 1)];
    visit(pixel_type_of(info.type),
          [&]<class T>(T) { values = impl_->read_overview<T>(window, band, width, height); });
  });
  return values;
}

PixelType pixel_type_of(gdal::SampleType type) {
  switch (type) {
    case gdal::SampleType::uint8:
      return PixelType::uint8;
    case gdal::SampleType::uint16:
      return PixelType::uint16;
    case gdal::SampleType::int8:
    case gdal::SampleType::int16:
      return PixelType::int16;
    case gdal::SampleType::uint32:
    case gdal::SampleType::int32:
    case gdal::SampleType::float32:
    case gdal::SampleType::float64:
      return PixelType::float32;
    case gdal::SampleType::other:
      break;
  }
  throw Error(ErrorCode::invalid, "complex and 64-bit integer samples cannot be used");
}

gdal::BufferType buffer_type_of(PixelType type) {
  switch (type) {
    case PixelType::uint8:
      return gdal::BufferType::uint8;
    case PixelType::uint16:
      return gdal::BufferType::uint16;
    case PixelType::int16:
      return gdal::BufferType::int16;
    case PixelType::float32:
      break;
  }
  return gdal::BufferType::float32;
}

AssetDescription describe_asset(const std::string& path) {
  if (gdal::names_array_file(path)) {
    auto info = std::make_shared<const gdal::RasterInfo>(gdal::Dataset::open(path).info());
    // The file holds other variables as well.
    const auto bytes = info->width * info->height *
                       static_cast<int64_t>(byte_size(pixel_type_of(info->bands.front().type)));
    return {std::move(info), bytes};
  }
  const auto file = gdal::RandomAccessFile::open(path);
  const auto bytes = static_cast<int64_t>(file.size());
  if (reader_of_environment() == Reader::gdal)
    return {std::make_shared<const gdal::RasterInfo>(gdal::Dataset::open(path).info()), bytes};
  return {AssetHeaders::instance().header_of(path, file)->info, bytes};
}

}  // namespace geoloom::raster
