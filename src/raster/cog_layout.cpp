// SPDX-License-Identifier: Apache-2.0
#include "raster/cog_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "error/error.h"
#include "gdal/class_names.h"
#include "raster/asset.h"

namespace geoloom::raster {
namespace {

constexpr std::array<std::string_view, 5> kCodecNames{"deflate", "zstd", "lzw", "jpeg", "lerc"};
constexpr int kSmallestBlock = 128;  // readers are told that smaller ones are slow
constexpr int kLargestBlock = 4096;

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::invalid, message).hint(hint);
}

bool same_nodata(const std::optional<double>& a, const std::optional<double>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || *a == *b || (std::isnan(*a) && std::isnan(*b));
}

void check_bands(const CubeSchema& schema) {
  if (schema.bands.empty() || schema.slices.empty())
    throw Error(ErrorCode::invalid, "a file needs at least one band");
  const Band& first = schema.bands.front();
  for (const Band& band : schema.bands) {
    if (band.type != first.type)
      refuse(fmt::format("bands of one file need one type: {} is {}, {} is {}", first.name,
                         name(first.type), band.name, name(band.type)),
             "save them as separate layers");
    if (band.nodata && !holds(band.type, *band.nodata))
      refuse(
          fmt::format("nodata {} of band {} is not a {}", *band.nodata, band.name, name(band.type)),
          "choose a value of the band's type");
  }
}

void check_codec(const TileShape& shape, const CogProfile& profile) {
  if (profile.codec != Codec::jpeg) return;
  if (shape.type != PixelType::uint8 || (shape.bands != 1 && shape.bands != 3))
    refuse(fmt::format("JPEG holds 1 or 3 bands of uint8, not {} of {}", shape.bands,
                       name(shape.type)),
           "choose compress: deflate, or scale to 8 bits and select three bands first");
}

// Viewers show a picture when three 8-bit bands say what they are.
bool is_picture(const CubeSchema& schema, const TileShape& shape) {
  return shape.type == PixelType::uint8 && shape.bands == 3 && schema.bands.size() == 3 &&
         schema.find_band("red") == 0 && schema.find_band("green") == 1 &&
         schema.find_band("blue") == 2;
}

// Halved until the image is larger than a tile, so that small images get tiles and overviews too.
int block_size_for(const geo::Grid& grid, const CogProfile& profile) {
  const int64_t side = std::max(grid.width, grid.height);
  int block = profile.block_size;
  while (block >= side && block / 2 >= kSmallestBlock && block / 2 % 16 == 0) block /= 2;
  return block;
}

Halving halving_of(const CubeSchema& schema, OverviewResampling asked) {
  switch (asked) {
    case OverviewResampling::average:
      return Halving::average;
    case OverviewResampling::mode:
      return Halving::mode;
    case OverviewResampling::nearest:
      return Halving::nearest;
    case OverviewResampling::automatic:
      break;
  }
  const auto any = [&](BandKind kind) {
    return std::any_of(schema.bands.begin(), schema.bands.end(),
                       [kind](const Band& band) { return band.kind == kind; });
  };
  return any(BandKind::category) ? Halving::mode
         : any(BandKind::count)  ? Halving::nearest
                                 : Halving::average;
}

tiff::Compression compression_of(Codec codec) {
  switch (codec) {
    case Codec::zstd:
      return tiff::Compression::zstd;
    case Codec::lzw:
      return tiff::Compression::lzw;
    case Codec::jpeg:
      return tiff::Compression::jpeg;
    case Codec::lerc:
      return tiff::Compression::lerc;
    case Codec::deflate:
      break;
  }
  return tiff::Compression::deflate;
}

tiff::BlockFormat block_format(const TileShape& shape, const CogProfile& profile) {
  tiff::BlockFormat block;
  block.width = block.height = static_cast<int>(shape.size);
  block.samples = static_cast<int>(shape.bands);
  block.bits = static_cast<int>(8 * byte_size(shape.type));
  block.compression = compression_of(profile.codec);
  const bool floats = shape.type == PixelType::float32;
  block.sample_format = floats                           ? tiff::SampleFormat::floating_point
                        : shape.type == PixelType::int16 ? tiff::SampleFormat::signed_integer
                                                         : tiff::SampleFormat::unsigned_integer;
  if (profile.predictor && profile.codec != Codec::jpeg && profile.codec != Codec::lerc)
    block.predictor = floats ? tiff::Predictor::floating_point : tiff::Predictor::horizontal;
  if (profile.codec == Codec::jpeg && shape.bands == 3)
    block.photometric = tiff::Photometric::ycbcr;
  return block;
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
  if (profile.codec == Codec::lerc && !(profile.max_z_error >= 0 && profile.max_z_error < 1e300))
    refuse(fmt::format("lerc's max_z_error {} is no tolerance", profile.max_z_error),
           "give the largest difference of a stored value, or 0 for none");
}

std::string file_band_name(const CubeSchema& schema, size_t slice, size_t band) {
  const std::string& label = schema.slices[slice].label;
  const std::string& base = schema.bands[band].name;
  if (schema.slices.size() == 1) return base;
  return fmt::format("{}_{}", base, label.empty() ? std::to_string(slice + 1) : label);
}

std::string attributes_beside(const CubeSchema& schema) {
  std::vector<gdal::NamedClasses> named;
  int number = 0;
  for (size_t slice = 0; slice < schema.slices.size(); ++slice)
    for (const Band& band : schema.bands) {
      ++number;
      if (!band.class_names.empty()) named.push_back({number, band.class_names, band.colours});
    }
  return named.empty() ? std::string() : gdal::attributes_file(named);
}

bool has_mask_band(const CubeSchema& schema, const CogProfile& profile) {
  if (profile.codec == Codec::jpeg) return true;
  const auto& first = schema.bands.front().nodata;
  // LERC holds no NaN, and a tolerance would blur the edge between values and nodata.
  if (profile.codec == Codec::lerc && (profile.max_z_error > 0 || (first && std::isnan(*first))))
    return true;
  return !std::all_of(schema.bands.begin(), schema.bands.end(), [&](const Band& band) {
    return band.nodata && same_nodata(band.nodata, first);
  });
}

CogLayout layout_of(const geo::Grid& grid, const CubeSchema& schema, const CogProfile& profile) {
  check(profile);
  check_bands(schema);
  CogLayout layout;
  layout.shape.type = schema.bands.front().type;
  layout.shape.bands = schema.bands.size() * schema.slices.size();
  layout.shape.mask = has_mask_band(schema, profile);
  layout.shape.size = block_size_for(grid, profile);
  if (!layout.shape.mask) layout.shape.nodata = schema.bands.front().nodata;
  check_codec(layout.shape, profile);
  layout.halving = halving_of(schema, profile.overviews);
  layout.block = block_format(layout.shape, profile);
  layout.encoding = {profile.level, profile.quality, profile.max_z_error};
  return layout;
}

tiff::BlockFormat mask_format(const tiff::BlockFormat& block) {
  tiff::BlockFormat mask;
  mask.width = block.width / 8;
  mask.height = block.height;
  mask.compression = tiff::Compression::deflate;
  return mask;
}

gdal::ScratchWriter::Options described_bands(const CubeSchema& schema, const CogLayout& layout) {
  gdal::ScratchWriter::Options options;
  options.type = buffer_type_of(layout.shape.type);
  options.nodata = layout.shape.nodata;
  const bool picture = is_picture(schema, layout.shape);
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

std::vector<Colour> colour_table(const CubeSchema& schema, const CogLayout& layout) {
  const bool exact =
      layout.block.compression != tiff::Compression::jpeg && layout.encoding.max_z_error == 0;
  if (layout.shape.bands != 1 || !exact || !can_have_colours(layout.shape.type)) return {};
  return schema.bands.front().colours;
}

// The statistics tags that GDAL, QGIS and browsers read.
gdal::MetadataItems statistics_items(const BandStatistics& statistics) {
  const auto share = 100.0 * static_cast<double>(statistics.valid) /
                     static_cast<double>(std::max<uint64_t>(1, statistics.total));
  gdal::MetadataItems items;
  if (statistics.valid > 0) {
    items = {{"STATISTICS_MINIMUM", fmt::format("{}", statistics.minimum)},
             {"STATISTICS_MAXIMUM", fmt::format("{}", statistics.maximum)},
             {"STATISTICS_MEAN", fmt::format("{}", statistics.mean)},
             {"STATISTICS_STDDEV", fmt::format("{}", statistics.deviation)}};
  }
  items.emplace_back("STATISTICS_VALID_PERCENT", fmt::format("{:.4g}", share));
  return items;
}

}  // namespace geoloom::raster
