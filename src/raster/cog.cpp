// SPDX-License-Identifier: Apache-2.0
#include "raster/cog.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <mutex>

#include "error/error.h"
#include "gdal/dataset.h"
#include "raster/asset_reader.h"
#include "raster/exact_statistics.h"
#include "store/checksum.h"

namespace geoloom::raster {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::array<std::string_view, 4> kCodecNames{"deflate", "zstd", "lzw", "jpeg"};
constexpr int kSmallestBlock = 128;  // GDAL's COG driver warns below
constexpr int kLargestBlock = 4096;
constexpr int kScratchBlock = 256;
constexpr int64_t kPartWidth = 4 * kScratchBlock;
// Cells of the pixel hash. Part of its definition: another size gives other hashes.
constexpr int64_t kHashCell = 512;
constexpr size_t kHashBufferBytes = size_t{8} << 20;

gdal::BufferType buffer_type(PixelType type) {
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

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::invalid, message).hint(hint);
}

bool holds(PixelType type, double value) {
  return visit(type, [value]<class T>(T) {
    if constexpr (std::is_same_v<T, float>) {
      return !std::isfinite(value) || std::abs(value) <= std::numeric_limits<float>::max();
    } else {
      return value == std::floor(value) && value >= std::numeric_limits<T>::min() &&
             value <= std::numeric_limits<T>::max();
    }
  });
}

bool same_nodata(const std::optional<double>& a, const std::optional<double>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || *a == *b || (std::isnan(*a) && std::isnan(*b));
}

// How a cube is laid out in a file.
struct FileLayout {
  PixelType type = PixelType::uint8;
  std::optional<double> nodata;
  bool mask = false;
  size_t bands = 0;  // of the file
};

void check_jpeg(const FileLayout& layout) {
  if (layout.type != PixelType::uint8 || (layout.bands != 1 && layout.bands != 3)) {
    refuse(fmt::format("JPEG holds 1 or 3 bands of uint8, not {} of {}", layout.bands,
                       name(layout.type)),
           "choose compress: deflate, or scale to 8 bits and select three bands first");
  }
}

FileLayout layout_of(const CubeSchema& schema, const CogProfile& profile) {
  check(profile);
  if (schema.bands.empty() || schema.slices.empty()) {
    throw Error(ErrorCode::invalid, "a file needs at least one band");
  }
  const Band& first = schema.bands.front();
  FileLayout layout{first.type, first.nodata, false, schema.bands.size() * schema.slices.size()};
  for (const Band& band : schema.bands) {
    if (band.type != first.type) {
      refuse(fmt::format("bands of one file need one type: {} is {}, {} is {}", first.name,
                         name(first.type), band.name, name(band.type)),
             "save them as separate layers");
    }
    if (!band.nodata) layout.mask = true;
    if (band.nodata && !holds(band.type, *band.nodata)) {
      refuse(
          fmt::format("nodata {} of band {} is not a {}", *band.nodata, band.name, name(band.type)),
          "choose a value of the band's type");
    }
  }
  if (profile.codec == Codec::jpeg) {
    check_jpeg(layout);
    layout.mask = true;
  }
  if (layout.mask) layout.nodata.reset();
  for (const Band& band : schema.bands) {
    if (!layout.mask && !same_nodata(band.nodata, first.nodata)) {
      refuse(fmt::format("bands of one file need one nodata: {} has {}, {} has {}", first.name,
                         *first.nodata, band.name, *band.nodata),
             "save them as separate layers");
    }
  }
  return layout;
}

// Viewers show a picture when three 8-bit bands say what they are.
bool is_picture(const CubeSchema& schema, const FileLayout& layout) {
  return layout.type == PixelType::uint8 && layout.bands == 3 && schema.bands.size() == 3 &&
         schema.find_band("red") == 0 && schema.find_band("green") == 1 &&
         schema.find_band("blue") == 2;
}

gdal::ScratchWriter::Options scratch_options(const CubeSchema& schema, const FileLayout& layout) {
  gdal::ScratchWriter::Options options;
  options.type = buffer_type(layout.type);
  options.nodata = layout.nodata;
  options.mask_band = layout.mask;
  options.block_size = kScratchBlock;
  const bool picture = is_picture(schema, layout);
  for (size_t slice = 0; slice < schema.slices.size(); ++slice) {
    for (size_t i = 0; i < schema.bands.size(); ++i) {
      const Band& band = schema.bands[i];
      const std::string colour = picture ? band.name : options.bands.empty() ? "grey" : "";
      options.bands.push_back(
          {file_band_name(schema, slice, i), band.unit, band.scale, band.offset, colour});
    }
  }
  return options;
}

std::string_view resampling_name(const CubeSchema& schema, OverviewResampling asked) {
  switch (asked) {
    case OverviewResampling::average:
      return "AVERAGE";
    case OverviewResampling::mode:
      return "MODE";
    case OverviewResampling::nearest:
      return "NEAREST";
    case OverviewResampling::automatic:
      break;
  }
  const auto any = [&](BandKind kind) {
    return std::any_of(schema.bands.begin(), schema.bands.end(),
                       [kind](const Band& band) { return band.kind == kind; });
  };
  return any(BandKind::category) ? "MODE" : any(BandKind::count) ? "NEAREST" : "AVERAGE";
}

// Halved until the image is larger than a tile, so that small images get tiles and overviews too.
int block_size_for(const geo::Grid& grid, const CogProfile& profile) {
  const int64_t side = std::max(grid.width, grid.height);
  int block = profile.block_size;
  while (block >= side && block / 2 >= kSmallestBlock && block / 2 % 16 == 0) block /= 2;
  return block;
}

Pairs creation_options(const geo::Grid& grid, const CubeSchema& schema, PixelType type,
                       const CogProfile& profile) {
  constexpr std::array<std::string_view, 4> codecs{"DEFLATE", "ZSTD", "LZW", "JPEG"};
  Pairs options{{"COMPRESS", std::string(codecs[static_cast<size_t>(profile.codec)])},
                {"BLOCKSIZE", std::to_string(block_size_for(grid, profile))},
                {"OVERVIEWS", "AUTO"},
                {"OVERVIEW_RESAMPLING", std::string(resampling_name(schema, profile.overviews))},
                {"BIGTIFF", "IF_SAFER"},
                {"NUM_THREADS", "1"}};
  if (profile.codec == Codec::jpeg) {
    options.emplace_back("QUALITY", std::to_string(profile.quality));
    options.emplace_back("OVERVIEW_QUALITY", std::to_string(profile.quality));
    return options;
  }
  if (profile.codec != Codec::lzw) options.emplace_back("LEVEL", std::to_string(profile.level));
  const std::string predictor = !profile.predictor           ? "NO"
                                : type == PixelType::float32 ? "FLOATING_POINT"
                                                             : "STANDARD";
  options.emplace_back("PREDICTOR", predictor);
  options.emplace_back("OVERVIEW_PREDICTOR", predictor);
  return options;
}

// The statistics tags that GDAL, QGIS and browsers read.
Pairs statistics_items(const BandStatistics& statistics) {
  const auto share = 100.0 * static_cast<double>(statistics.valid) /
                     static_cast<double>(std::max<uint64_t>(1, statistics.total));
  Pairs items;
  if (statistics.valid > 0) {
    items = {{"STATISTICS_MINIMUM", fmt::format("{}", statistics.minimum)},
             {"STATISTICS_MAXIMUM", fmt::format("{}", statistics.maximum)},
             {"STATISTICS_MEAN", fmt::format("{}", statistics.mean)},
             {"STATISTICS_STDDEV", fmt::format("{}", statistics.deviation)}};
  }
  items.emplace_back("STATISTICS_VALID_PERCENT", fmt::format("{:.4g}", share));
  return items;
}

// The pixels of one band in part of a block, dense, as they go to the file.
template <class T>
struct Encoded {
  std::vector<T> pixels;
  std::vector<uint8_t> valid;
  uint64_t collisions = 0;
};

// Rows of a part of a block's window: where each begins in the block's planes and in the part.
template <class Row>
void for_each_row(const geo::Window& window, const geo::Window& part, Row row) {
  for (int64_t y = 0; y < part.height; ++y) {
    row(static_cast<size_t>((part.y - window.y + y) * window.width + part.x - window.x),
        static_cast<size_t>(y * part.width));
  }
}

// 1 where a sample may stand in the file: valid, and not NaN.
template <class T>
std::vector<uint8_t> validity_of_part(const Block& block, size_t slice, size_t band,
                                      const geo::Window& part) {
  std::vector<uint8_t> result(static_cast<size_t>(part.pixels()));
  const auto valid = block.validity(slice, band);
  [[maybe_unused]] const auto plane = block.plane<T>(band, slice);
  for_each_row(block.window(), part, [&](size_t from, size_t to) {
    for (size_t i = 0; i < static_cast<size_t>(part.width); ++i) {
      bool good = valid[from + i] != 0;
      if constexpr (std::is_same_v<T, float>) good = good && !std::isnan(plane[from + i]);
      result[to + i] = good ? 1 : 0;
    }
  });
  return result;
}

template <class T>
Encoded<T> encode(const Block& block, size_t slice, size_t band, const geo::Window& part,
                  const std::optional<double>& nodata, std::vector<uint8_t> valid) {
  const T fill = nodata ? static_cast<T>(*nodata) : T{};
  Encoded<T> result{std::vector<T>(valid.size()), std::move(valid), 0};
  const auto plane = block.plane<T>(band, slice);
  for_each_row(block.window(), part, [&](size_t from, size_t to) {
    for (size_t i = 0; i < static_cast<size_t>(part.width); ++i) {
      const T value = plane[from + i];
      uint8_t& good = result.valid[to + i];
      if (nodata && good != 0 && value == fill) {
        ++result.collisions;  // readers will take it for nodata, so statistics and hash do
        good = 0;
      }
      result.pixels[to + i] = good != 0 ? value : fill;
    }
  });
  return result;
}

// Parts of a window that hold whole tiles of the scratch file, as far as the window does: a tile
// that is written in pieces is read again for each of them.
std::vector<geo::Window> parts_of(const geo::Window& window) {
  std::vector<geo::Window> parts;
  const auto aligned = [](int64_t value, int64_t unit) { return value / unit * unit; };
  for (int64_t y = aligned(window.y, kScratchBlock); y < window.bottom(); y += kScratchBlock) {
    for (int64_t x = aligned(window.x, kPartWidth); x < window.right(); x += kPartWidth) {
      parts.push_back(geo::Window{x, y, kPartWidth, kScratchBlock}.intersect(window));
    }
  }
  return parts;
}

// Hashes one cell: bands in groups, so that many bands do not cost much memory.
void hash_cell(const Asset& dataset, const AssetPlacement& placement,
               const geo::Window& cell, const std::vector<AssetBand>& bands,
               store::PixelHash& hash) {
  const auto pixels = static_cast<size_t>(cell.pixels());
  const size_t group = std::max<size_t>(1, kHashBufferBytes / (pixels * 5));
  for (size_t first = 0; first < bands.size(); first += group) {
    const std::vector<AssetBand> part(
        bands.begin() + static_cast<ptrdiff_t>(first),
        bands.begin() + static_cast<ptrdiff_t>(std::min(bands.size(), first + group)));
    std::vector<float> values(pixels * part.size());  // wide enough for every type
    std::vector<uint8_t> validity(pixels * part.size());
    std::vector<void*> planes;
    std::vector<uint8_t*> valid;
    for (size_t i = 0; i < part.size(); ++i) {
      planes.push_back(values.data() + i * pixels);
      valid.push_back(validity.data() + i * pixels);
    }
    read_asset(dataset, placement, cell, part, planes, valid);
    for (size_t i = 0; i < part.size(); ++i) {
      visit(part[i].type, [&]<class T>(T) {
        T* plane = static_cast<T*>(planes[i]);
        for (size_t p = 0; p < pixels; ++p) {
          if (valid[i][p] == 0) plane[p] = T{};
        }
        hash.add(plane, pixels * sizeof(T));
      });
      hash.add(valid[i], pixels);
    }
  }
}

}  // namespace

std::string_view name(Codec codec) {
  return kCodecNames[static_cast<size_t>(codec)];
}

void check(const CogProfile& profile) {
  const auto within = [](std::string_view what, int value, int low, int high) {
    if (value < low || value > high) {
      refuse(fmt::format("{} {} is not in {}..{}", what, value, low, high), "");
    }
  };
  within("block size", profile.block_size, kSmallestBlock, kLargestBlock);
  if (profile.block_size % 16 != 0) {
    refuse(fmt::format("block size {} is not a multiple of 16", profile.block_size),
           fmt::format("try {}", (profile.block_size + 8) / 16 * 16));
  }
  if (profile.codec == Codec::deflate) within("deflate level", profile.level, 1, 12);
  if (profile.codec == Codec::zstd) within("zstd level", profile.level, 1, 22);
  if (profile.codec == Codec::jpeg) within("jpeg quality", profile.quality, 1, 100);
}

std::string file_band_name(const CubeSchema& schema, size_t slice, size_t band) {
  const std::string& label = schema.slices[slice].label;
  const std::string& base = schema.bands[band].name;
  if (schema.slices.size() == 1) return base;
  return fmt::format("{}_{}", base, label.empty() ? std::to_string(slice + 1) : label);
}

struct CogWriter::Impl {
  Impl(const std::string& folder, const std::string& stem, const geo::Grid& grid_in,
       const CubeSchema& schema_in, const CogProfile& profile_in, Pairs metadata_in)
      : grid(grid_in),
        schema(schema_in),
        profile(profile_in),
        layout(layout_of(schema_in, profile_in)),
        metadata(std::move(metadata_in)),
        scratch_path(fmt::format("{}/{}.scratch.tif", folder, stem)),
        path(fmt::format("{}/{}.tif", folder, stem)),
        scratch(scratch_path, grid, scratch_options(schema, layout)),
        statistics(layout.bands, ExactStatistics(layout.type)),
        collisions(layout.bands, 0) {}

  template <class T>
  void write_band(const Block& block, size_t slice, size_t band, const geo::Window& part,
                  std::vector<uint8_t> valid) {
    const Encoded<T> encoded = encode<T>(block, slice, band, part, layout.nodata, std::move(valid));
    ExactStatistics counted(layout.type);
    counted.add(encoded.pixels.data(), encoded.valid.data(), encoded.pixels.size());

    const size_t file_band = (block.first_slice() + slice) * schema.bands.size() + band;
    const std::lock_guard lock(mutex);
    statistics[file_band].merge(counted);
    collisions[file_band] += encoded.collisions;
    scratch.write(part, static_cast<int>(file_band) + 1, encoded.pixels.data(),
                  static_cast<size_t>(part.width) * sizeof(T));
  }

  template <class T>
  void write_part(const Block& block, const geo::Window& part) {
    std::vector<uint8_t> common;  // where all bands are valid
    for (size_t slice = 0; layout.mask && slice < block.slices(); ++slice) {
      for (size_t band = 0; band < block.bands(); ++band) {
        const std::vector<uint8_t> valid = validity_of_part<T>(block, slice, band, part);
        if (common.empty())
          common = valid;
        else
          std::transform(common.begin(), common.end(), valid.begin(), common.begin(),
                         std::bit_and<uint8_t>());
      }
    }
    for (size_t slice = 0; slice < block.slices(); ++slice) {
      for (size_t band = 0; band < block.bands(); ++band) {
        write_band<T>(block, slice, band, part,
                      layout.mask ? common : validity_of_part<T>(block, slice, band, part));
      }
    }
    if (!layout.mask) return;
    for (uint8_t& valid : common) valid = valid != 0 ? 255 : 0;
    const std::lock_guard lock(mutex);
    scratch.write_mask(part, common.data(), static_cast<size_t>(part.width));
  }

  void check_block(const Block& block) const {
    bool fits = grid.window().contains(block.window()) && block.bands() == schema.bands.size() &&
                block.first_slice() + block.slices() <= schema.slices.size() &&
                (!layout.mask || block.slices() == schema.slices.size());
    for (size_t band = 0; fits && band < block.bands(); ++band) {
      fits = block.type(band) == layout.type;
    }
    if (!fits) {
      throw Error(ErrorCode::internal, fmt::format("block {} does not fit the file being written",
                                                   block.window().text()));
    }
  }

  std::vector<BandStatistics> results() const {
    std::vector<BandStatistics> all;
    for (size_t band = 0; band < layout.bands; ++band) {
      all.push_back(statistics[band].result(static_cast<uint64_t>(grid.window().pixels())));
      all.back().nodata_collisions = collisions[band];
    }
    return all;
  }

  const geo::Grid grid;
  const CubeSchema schema;
  const CogProfile profile;
  const FileLayout layout;
  const Pairs metadata;
  const std::string scratch_path, path;
  std::mutex mutex;  // of everything below
  gdal::ScratchWriter scratch;
  std::vector<ExactStatistics> statistics;
  std::vector<uint64_t> collisions;
};

CogWriter::CogWriter(const std::string& scratch_folder, const std::string& stem,
                     const geo::Grid& grid, const CubeSchema& schema, const CogProfile& profile,
                     const Pairs& metadata)
    : impl_(std::make_unique<Impl>(scratch_folder, stem, grid, schema, profile, metadata)) {}

CogWriter::~CogWriter() {
  if (impl_ == nullptr) return;
  const std::string scratch_path = impl_->scratch_path;
  impl_.reset();  // closes the file first
  try {
    gdal::remove_file(scratch_path);
  } catch (const Error&) {
    // The scratch folder is removed as a whole by its owner.
  }
}

void CogWriter::write(const Block& block) {
  if (block.window().empty()) return;
  impl_->check_block(block);
  visit(impl_->layout.type, [&]<class T>(T) {
    for (const geo::Window& part : parts_of(block.window())) impl_->write_part<T>(block, part);
  });
}

CogSummary CogWriter::finish() {
  Impl& impl = *impl_;
  const std::lock_guard lock(impl.mutex);
  CogSummary summary;
  summary.path = impl.path;
  summary.mask_band = impl.layout.mask;
  summary.bands = impl.results();
  for (size_t band = 0; band < summary.bands.size(); ++band) {
    impl.scratch.set_band_metadata(static_cast<int>(band) + 1,
                                   statistics_items(summary.bands[band]));
  }
  impl.scratch.set_metadata(impl.metadata);
  impl.scratch.close();
  summary.pixel_hash = pixel_hash_of_file(impl.scratch_path);
  gdal::translate(impl.scratch_path, impl.path, "COG",
                  creation_options(impl.grid, impl.schema, impl.layout.type, impl.profile));
  gdal::remove_file(impl.scratch_path);
  const auto status = gdal::file_status(impl.path);
  summary.bytes = status ? status->size : 0;
  summary.sha256 = store::sha256_hex_of_file(impl.path);
  return summary;
}

size_t CogWriter::memory_bytes(const geo::Grid& grid, const CubeSchema& schema,
                               const CogProfile& profile) {
  const FileLayout layout = layout_of(schema, profile);
  const auto block = static_cast<size_t>(block_size_for(grid, profile));
  const size_t sample = byte_size(layout.type);
  // Measured, for GDAL 3.6: encoding holds about four tiles of all bands, and the first overview is
  // made from strips of full width. The rest is what the encoder and the hash pass take anyway.
  const size_t tile = block * block * (layout.bands * sample + (layout.mask ? 1 : 0));
  const size_t strips = static_cast<size_t>(grid.width) * 1200 * std::max<size_t>(2, sample);
  const size_t statistics_bytes = layout.bands * sizeof(ExactStatistics) +
                                  (layout.type == PixelType::float32 ? layout.bands * 8192 : 0);
  return (size_t{24} << 20) + 4 * tile + strips + statistics_bytes;
}

std::string pixel_hash_of_file(const std::string& path) {
  const Asset dataset = Asset::open(path);
  const gdal::RasterInfo& info = dataset.info();
  AssetPlacement placement;
  placement.raster = {0, 0, info.width, info.height};
  std::vector<AssetBand> bands;
  store::PixelHash hash;
  hash.add(fmt::format("pixels 1 {} {}", info.width, info.height));
  for (const gdal::BandInfo& band : info.bands) {
    bands.push_back({static_cast<int>(bands.size()) + 1, pixel_type_of(band.type), band.nodata});
    placement.masked.push_back(band.has_mask_band);
    hash.add(fmt::format(" {}", name(bands.back().type)));
  }
  for (int64_t y = 0; y < info.height; y += kHashCell) {
    for (int64_t x = 0; x < info.width; x += kHashCell) {
      const geo::Window cell{x, y, kHashCell, kHashCell};
      hash_cell(dataset, placement, cell.intersect(placement.raster), bands, hash);
    }
  }
  return hash.hex();
}

}  // namespace geoloom::raster
