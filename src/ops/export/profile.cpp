// SPDX-License-Identifier: Apache-2.0
#include "ops/export/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "error/error.h"

namespace geoloom::ops {
namespace {

raster::Codec codec_of(const std::string& name) {
  if (name == "zstd") return raster::Codec::zstd;
  if (name == "lzw") return raster::Codec::lzw;
  if (name == "jpeg") return raster::Codec::jpeg;
  if (name == "lerc") return raster::Codec::lerc;
  return raster::Codec::deflate;
}

raster::OverviewResampling overviews_of(const std::string& name) {
  if (name == "average") return raster::OverviewResampling::average;
  if (name == "mode") return raster::OverviewResampling::mode;
  if (name == "nearest") return raster::OverviewResampling::nearest;
  return raster::OverviewResampling::automatic;
}

// Bands of one type, and for jpeg the few that it takes.
void check_storable(const raster::CubeSchema& schema, const raster::CogProfile& profile,
                    const std::string& layer) {
  if (schema.bands.empty())
    throw Error(ErrorCode::invalid, fmt::format("layer '{}' would have no bands", layer));
  const auto& first = schema.bands.front();
  for (const auto& band : schema.bands)
    if (band.type != first.type)
      throw Error(
          ErrorCode::invalid,
          fmt::format("layer '{}': bands of one file must have one type, but '{}' is {} and "
                      "'{}' is {}",
                      layer, first.name, raster::name(first.type), band.name,
                      raster::name(band.type)))
          .hint("convert them with `type:`, or save them as layers of their own with `bands:`");
  if (profile.codec != raster::Codec::jpeg) return;
  const size_t bands = schema.bands.size() * std::max<size_t>(schema.slices.size(), 1);
  if (first.type != raster::PixelType::uint8 || (bands != 1 && bands != 3))
    throw Error(
        ErrorCode::invalid,
        fmt::format("layer '{}': profile.compress: jpeg stores 1 or 3 bands of uint8, got {} "
                    "of {}",
                    layer, bands, raster::name(first.type)))
        .hint("use deflate, zstd or lzw, which lose nothing");
}

// A file has one mask for all its bands, so slices, or bands with validity of their own, would lose
// the pixels that one of them lacks. In a picture that is what is wanted of its three colours.
bool one_mask_suffices(const raster::CubeSchema& schema, bool jpeg) {
  if (schema.slices.size() > 1) return false;
  return jpeg || !schema.validity_per_band || schema.bands.size() == 1;
}

// A nodata no sample can have been given: NaN, where the codec holds it, never stands in a valid
// one, and counts end long before the largest number of their type. False where the type leaves
// none free.
bool choose_nodata(raster::CubeSchema& schema, bool nan) {
  const bool floats = nan && schema.bands.front().type == raster::PixelType::float32;
  const bool counts = std::all_of(schema.bands.begin(), schema.bands.end(), [](const auto& band) {
    return band.kind == raster::BandKind::count && band.type == raster::PixelType::uint16;
  });
  if (!floats && !counts) return false;
  for (auto& band : schema.bands)
    band.nodata = floats ? std::numeric_limits<double>::quiet_NaN()
                         : static_cast<double>(std::numeric_limits<uint16_t>::max());
  return true;
}

// For the hint: the value at the far end of the type.
double far_value(raster::PixelType type) {
  return raster::visit(type, []<class T>(T) -> double {
    return std::is_signed_v<T> ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
  });
}

Error needs_nodata(const raster::CubeSchema& schema, bool blurs, const std::string& layer) {
  const auto several = schema.slices.size() > 1 ? fmt::format("{} slices", schema.slices.size())
                                                : fmt::format("{} bands", schema.bands.size());
  Error error(ErrorCode::invalid,
              fmt::format("layer '{}': a pixel that is invalid in one of its {} would be lost in "
                          "all of them, because the file would have one mask for all",
                          layer, several));
  if (blurs) return error.hint("use deflate, zstd or lzw, which can store nodata");
  return error.hint(
      fmt::format("give a value that no valid pixel has, as in save: {{layer: {}, nodata: {}}}",
                  layer, far_value(schema.bands.front().type)));
}

}  // namespace

void Profile::declare(workflow::Parameters& parameters) {
  parameters
      .add("compress", &compress,
           "Codec. `deflate`, `zstd` and `lzw` keep every value; `lerc` keeps them within "
           "`max_z_error`; `jpeg` (8-bit, 1 or 3 bands) is for pictures")
      .choices({"deflate", "zstd", "lzw", "lerc", "jpeg"})
      .main();
  parameters
      .add("level", &level,
           "Effort of deflate (1..12, default 6) or zstd (1..22, default 9). Level 1 is the fast "
           "one: files are about a tenth larger and written in half the time")
      .range(1, 22);
  parameters.add("quality", &quality, "Quality of jpeg").range(1, 100);
  parameters
      .add(
          "max_z_error", &max_z_error,
          "lerc: the largest difference between a value and what is stored of it, in stored units. "
          "0 keeps every value")
      .range(0, 1e9);
  parameters
      .add("block", &block,
           "Side of the internal blocks, a multiple of 16 from 128 on; of a cube's chunks, a "
           "multiple of 16 or the side of a tile")
      .range(16, 4096)
      .unit("px");
  parameters
      .add("overviews", &overviews,
           "How overviews are made. `automatic`: average for measures, nearest for counts, the "
           "most frequent "
           "value for categories")
      .choices({"automatic", "average", "mode", "nearest"});
  parameters.add("predictor", &predictor,
                 "Store differences of neighbours, which usually makes files smaller");
}

raster::CogProfile Profile::cog() const {
  raster::CogProfile profile;
  profile.codec = codec_of(compress);
  const int64_t highest = profile.codec == raster::Codec::zstd ? 22 : 12;
  const int64_t usual = profile.codec == raster::Codec::zstd ? 9 : 6;
  if (level && *level > highest)
    throw Error(ErrorCode::invalid, fmt::format("profile.level: {} has levels 1 to {}, got {}",
                                                compress, highest, *level));
  if (block % 16 != 0 || block < 128)
    throw Error(ErrorCode::invalid,
                fmt::format("profile.block: must be a multiple of 16 from 128 on, got {}", block))
        .hint("256 and 512 suit most readers");
  if (max_z_error > 0 && profile.codec != raster::Codec::lerc)
    throw Error(ErrorCode::invalid,
                fmt::format("profile.max_z_error: {} has no tolerance", compress))
        .hint("choose compress: lerc, or leave max_z_error out");
  profile.level = static_cast<int>(level.value_or(usual));
  profile.quality = static_cast<int>(quality);
  profile.max_z_error = max_z_error;
  profile.block_size = static_cast<int>(block);
  profile.predictor = predictor;
  profile.overviews = overviews_of(overviews);
  return profile;
}

raster::ChunkProfile Profile::chunks() const {
  if (compress != "deflate" && compress != "zstd")
    throw Error(ErrorCode::invalid,
                fmt::format("profile.compress: chunks of a cube cannot be {}", compress))
        .hint("choose deflate or zstd");
  const Profile usual;
  if (overviews != usual.overviews || max_z_error != 0 || quality != usual.quality)
    throw Error(ErrorCode::invalid, "profile: a cube has no overviews, max_z_error or quality")
        .hint("leave them out, or save GeoTIFFs: format: cog");
  Profile sized = *this;
  sized.block = usual.block;  // need not be a multiple of 16
  const auto same = sized.cog();
  return {.layout = {.side = block, .codec = same.codec}, .level = same.level};
}

raster::CubeSchema as_stored(raster::CubeSchema schema, const raster::ChunkProfile& profile,
                             const std::string& layer) {
  if (schema.bands.empty())
    throw Error(ErrorCode::invalid, fmt::format("layer '{}' would have no bands", layer));
  for (auto& band : schema.bands) {
    if (band.nodata) continue;
    if (band.type == raster::PixelType::float32)
      band.nodata = std::numeric_limits<double>::quiet_NaN();
    else if (band.kind == raster::BandKind::count && band.type == raster::PixelType::uint16)
      band.nodata = std::numeric_limits<uint16_t>::max();
    else
      throw Error(ErrorCode::invalid,
                  fmt::format("layer '{}': invalid pixels of band '{}' need a value, because the "
                              "arrays of a cube have no mask",
                              layer, band.name))
          .hint(fmt::format("give one that no valid pixel has, as in save: {{layer: {}, format: "
                            "zarr, nodata: {}}}",
                            layer, far_value(band.type)));
  }
  raster::check_chunked(schema, profile);
  return schema;
}

raster::CubeSchema as_stored(raster::CubeSchema schema, const raster::CogProfile& profile,
                             const std::string& layer) {
  check_storable(schema, profile, layer);
  const bool blurs = profile.codec == raster::Codec::jpeg || profile.max_z_error > 0;
  for (auto& band : schema.bands) {
    if (blurs || !raster::can_have_colours(band.type)) band.colours.clear();
    if (blurs) band.class_names.clear();
  }
  if (!raster::has_mask_band(schema, profile)) return schema;
  const bool jpeg = profile.codec == raster::Codec::jpeg;
  if (!one_mask_suffices(schema, jpeg)) {
    if (blurs || !choose_nodata(schema, profile.codec != raster::Codec::lerc))
      throw needs_nodata(schema, blurs, layer);
    return schema;
  }
  for (auto& band : schema.bands) band.nodata.reset();
  return schema;
}

void check_layer_name(const std::string& parameter, const std::string& layer) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  if (!layer.empty() && std::all_of(layer.begin(), layer.end(), fits)) return;
  throw Error(ErrorCode::invalid, fmt::format("{}: '{}' cannot name a layer", parameter, layer))
      .hint("layers name files: use letters, digits, '_' and '-'");
}

}  // namespace geoloom::ops
