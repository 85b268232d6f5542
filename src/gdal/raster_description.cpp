// SPDX-License-Identifier: Apache-2.0
#include "gdal/raster_description.h"

#include <fmt/format.h>
#include <ogr_srs_api.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace geoloom::gdal {
namespace {

// One compressed block is decoded at once; a block above this would be a way to eat all memory.
constexpr int64_t kMaxBlockBytes = int64_t{1} << 30;
constexpr int kMaxBands = 10000;
constexpr int kMaxMetadataItems = 10000;

// A rotation that moves no pixel of the raster by more than this share of a pixel is noise.
constexpr double kRotationTolerance = 1.0 / 1024;

std::string text_or_empty(const char* text) {
  return text == nullptr ? std::string() : text;
}

SampleType sample_type(GDALRasterBandH band) {
  // GDAL before 3.7 has no type for signed bytes.
  const auto type = sample_type_of(GDALGetRasterDataType(band));
  const bool is_signed =
      type == SampleType::uint8 && item_of(band, "PIXELTYPE", "IMAGE_STRUCTURE") == "SIGNEDBYTE";
  return is_signed ? SampleType::int8 : type;
}

int64_t sample_bytes(SampleType type) {
  switch (type) {
    case SampleType::uint8:
    case SampleType::int8:
      return 1;
    case SampleType::uint16:
    case SampleType::int16:
      return 2;
    case SampleType::uint32:
    case SampleType::int32:
    case SampleType::float32:
      return 4;
    case SampleType::float64:
      return 8;
    case SampleType::other:
      return 16;
  }
  return 16;
}

std::string colour_name(GDALColorInterp colour) {
  switch (colour) {
    case GCI_GrayIndex:
      return "grey";
    case GCI_PaletteIndex:
      return "palette";
    case GCI_RedBand:
      return "red";
    case GCI_GreenBand:
      return "green";
    case GCI_BlueBand:
      return "blue";
    case GCI_AlphaBand:
      return "alpha";
    default:
      return {};
  }
}

std::vector<std::array<uint8_t, 3>> colours_of(GDALRasterBandH band) {
  const GDALColorTableH table = GDALGetRasterColorTable(band);
  std::vector<std::array<uint8_t, 3>> colours;
  if (table == nullptr || GDALGetPaletteInterpretation(table) != GPI_RGB) return colours;
  for (int i = 0; i < GDALGetColorEntryCount(table); ++i) {
    GDALColorEntry entry{};
    GDALGetColorEntryAsRGB(table, i, &entry);
    colours.push_back({static_cast<uint8_t>(entry.c1), static_cast<uint8_t>(entry.c2),
                       static_cast<uint8_t>(entry.c3)});
  }
  while (!colours.empty() && colours.back() == std::array<uint8_t, 3>{}) colours.pop_back();
  return colours;
}

BandInfo band_info(GDALRasterBandH band) {
  BandInfo info;
  info.type = sample_type(band);
  info.name = text_or_empty(GDALGetDescription(band));
  int found = 0;
  const double nodata = GDALGetRasterNoDataValue(band, &found);
  if (found != 0) info.nodata = nodata;
  const double scale = GDALGetRasterScale(band, &found);
  if (found != 0) info.scale = scale;
  const double offset = GDALGetRasterOffset(band, &found);
  if (found != 0) info.offset = offset;
  info.unit = text_or_empty(GDALGetRasterUnitType(band));
  info.colour = colour_name(GDALGetRasterColorInterpretation(band));
  if (info.colour == "palette") info.colours = colours_of(band);
  if (const char* const names = GDALGetMetadataItem(band, kClassNamesItem, nullptr))
    info.class_names = class_names_of(names);
  GDALGetBlockSize(band, &info.block_width, &info.block_height);
  info.has_mask_band = (GDALGetMaskFlags(band) & (GMF_PER_DATASET | GMF_ALPHA)) != 0;
  return info;
}

// Why a geotransform is not that of a north-up grid; empty when it is.
std::string why_not_north_up(const std::array<double, 6>& transform, int width, int height) {
  if (!std::all_of(transform.begin(), transform.end(), [](double v) { return std::isfinite(v); }) ||
      transform[1] == 0 || transform[5] == 0)
    return transform[1] == 0 && transform[2] != 0 ? "rotated" : "degenerate geotransform";
  if (std::abs(transform[2]) * height > std::abs(transform[1]) * kRotationTolerance ||
      std::abs(transform[4]) * width > std::abs(transform[5]) * kRotationTolerance)
    return "rotated";
  if (transform[5] > 0) return "south-up";
  if (transform[1] < 0) return "columns run west";
  return {};
}

std::string why_no_transform(GDALDatasetH dataset) {
  if (GDALGetGCPCount(dataset) > 0) return "ground control points";
  if (GDALGetMetadata(dataset, "RPC") != nullptr) return "rational polynomial coefficients";
  return "no georeferencing";
}

void read_grid(GDALDatasetH dataset, RasterInfo& info) {
  std::array<double, 6> transform{};
  if (GDALGetGeoTransform(dataset, transform.data()) != CE_None) {
    info.why_no_grid = why_no_transform(dataset);
    return;
  }
  info.why_no_grid =
      why_not_north_up(transform, GDALGetRasterXSize(dataset), GDALGetRasterYSize(dataset));
  if (!info.why_no_grid.empty()) return;
  geo::Grid grid;
  grid.crs = crs_of(GDALGetSpatialRef(dataset));
  grid.origin_x = transform[0];
  grid.origin_y = transform[3];
  grid.pixel_width = transform[1];
  grid.pixel_height = -transform[5];
  grid.width = info.width;
  grid.height = info.height;
  info.grid = std::move(grid);
}

std::vector<std::pair<std::string, std::string>> metadata_of(GDALDatasetH dataset) {
  std::vector<std::pair<std::string, std::string>> items;
  char** list = GDALGetMetadata(dataset, nullptr);
  for (int i = 0; list != nullptr && list[i] != nullptr && i < kMaxMetadataItems; ++i) {
    const std::string_view item = list[i];
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    items.emplace_back(item.substr(0, equals), item.substr(equals + 1));
  }
  return items;
}

void check_limits(const std::string& path, const RasterInfo& info) {
  if (info.bands.empty())
    throw Error(ErrorCode::invalid, "the file holds no raster bands").at({.file = path});
  const BandInfo& first = info.bands.front();
  const int64_t bands =
      info.interleaving == "PIXEL" ? static_cast<int64_t>(info.bands.size()) : int64_t{1};
  const int64_t block_pixels = int64_t{first.block_width} * first.block_height;
  if (block_pixels > kMaxBlockBytes / (bands * sample_bytes(first.type)))
    throw Error(ErrorCode::invalid,
                fmt::format("blocks of {}x{} pixels with {} bands are too large to be decoded",
                            first.block_width, first.block_height, bands))
        .at({.file = path})
        .hint("rewrite the file with internal tiles");
}

}  // namespace

std::string item_of(GDALMajorObjectH object, const char* name, const char* domain) {
  return text_or_empty(GDALGetMetadataItem(object, name, domain));
}

geo::Crs crs_of(OGRSpatialReferenceH reference) {
  if (reference == nullptr) return {};
  const std::array<const char*, 3> options{"FORMAT=WKT2_2019", "MULTILINE=NO", nullptr};
  char* raw = nullptr;
  const OGRErr result = OSRExportToWktEx(reference, &raw, options.data());
  const std::unique_ptr<char, void (*)(void*)> wkt(raw, &VSIFree);
  if (result != OGRERR_NONE || !wkt) return {};
  try {
    return geo::Crs::parse(wkt.get());
  } catch (const Error&) {
    // A definition that PROJ refuses (a local system, nonsense) is as good as none.
    return {};
  }
}

SampleType sample_type_of(GDALDataType type) {
  switch (type) {
    case GDT_Byte:
      return SampleType::uint8;
    case GDT_UInt16:
      return SampleType::uint16;
    case GDT_Int16:
      return SampleType::int16;
    case GDT_UInt32:
      return SampleType::uint32;
    case GDT_Int32:
      return SampleType::int32;
    case GDT_Float32:
      return SampleType::float32;
    case GDT_Float64:
      return SampleType::float64;
    default:
      return SampleType::other;
  }
}

RasterInfo describe_raster(const std::string& path, GDALDatasetH dataset) {
  RasterInfo info;
  info.driver = text_or_empty(GDALGetDriverShortName(GDALGetDatasetDriver(dataset)));
  info.width = GDALGetRasterXSize(dataset);
  info.height = GDALGetRasterYSize(dataset);
  const int count = GDALGetRasterCount(dataset);
  if (count > kMaxBands)
    throw Error(ErrorCode::invalid, fmt::format("{} bands; at most {} are read", count, kMaxBands))
        .at({.file = path});
  for (int band = 1; band <= count; ++band)
    info.bands.push_back(band_info(GDALGetRasterBand(dataset, band)));
  info.compression = item_of(dataset, "COMPRESSION", "IMAGE_STRUCTURE");
  info.interleaving = item_of(dataset, "INTERLEAVE", "IMAGE_STRUCTURE");
  check_limits(path, info);
  read_grid(dataset, info);
  info.metadata = metadata_of(dataset);
  const GDALRasterBandH first = GDALGetRasterBand(dataset, 1);
  for (int i = 0; i < GDALGetOverviewCount(first); ++i) {
    const GDALRasterBandH overview = GDALGetOverview(first, i);
    if (overview != nullptr)
      info.overviews.emplace_back(GDALGetRasterBandXSize(overview),
                                  GDALGetRasterBandYSize(overview));
  }
  std::sort(info.overviews.rbegin(), info.overviews.rend());
  return info;
}

}  // namespace geoloom::gdal
