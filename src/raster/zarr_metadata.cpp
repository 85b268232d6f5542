// SPDX-License-Identifier: Apache-2.0
#include "raster/zarr_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "error/error.h"

namespace geoloom::raster {
namespace {

using Json = nlohmann::ordered_json;
using Objects = std::vector<std::pair<std::string, std::string>>;

static_assert(std::endian::native == std::endian::little,
              "arrays are stored as they are in memory");

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

const char* dtype_of(PixelType type) {
  switch (type) {
    case PixelType::uint8:
      return "|u1";
    case PixelType::uint16:
      return "<u2";
    case PixelType::int16:
      return "<i2";
    case PixelType::float32:
      break;
  }
  return "<f4";
}

Json fill_value(const Band& band) {
  const double nodata = *band.nodata;
  if (std::isnan(nodata)) return "NaN";
  if (std::isinf(nodata)) return nodata > 0 ? "Infinity" : "-Infinity";
  if (band.type == PixelType::float32) return nodata;
  return static_cast<int64_t>(nodata);
}

Json compressor_of(const ChunkProfile& profile) {
  return {{"id", profile.layout.codec == Codec::zstd ? "zstd" : "zlib"}, {"level", profile.level}};
}

Json array_json(const Json& shape, const Json& chunks, const std::string& dtype) {
  return {{"chunks", chunks},   {"compressor", nullptr}, {"dtype", dtype}, {"fill_value", nullptr},
          {"filters", nullptr}, {"order", "C"},          {"shape", shape}, {"zarr_format", 2}};
}

// Gathers objects, and the JSON ones for the consolidated metadata.
class Folder {
 public:
  // A coordinate: one chunk, not compressed.
  void add_coordinate(const std::string& name, const Json& shape, const std::string& dtype,
                      const Json& attributes, const std::string& bytes) {
    std::string chunk;
    for (size_t i = 0; i < shape.size(); ++i) chunk += i == 0 ? "0" : ".0";
    objects_.emplace_back(name + "/" + (chunk.empty() ? "0" : chunk), bytes);
    add_array(name, array_json(shape, shape, dtype), attributes);
  }
  void add_array(const std::string& name, const Json& array, const Json& attributes) {
    add(name + "/.zarray", array);
    add(name + "/.zattrs", attributes);
  }
  void add(const std::string& name, const Json& json) {
    consolidated_[name] = json;
    objects_.emplace_back(name, json.dump(1) + "\n");
  }
  Objects finish() {
    const Json all{{"metadata", consolidated_}, {"zarr_consolidated_format", 1}};
    objects_.emplace_back(".zmetadata", all.dump(1) + "\n");
    return std::move(objects_);
  }

 private:
  Objects objects_;
  Json consolidated_ = Json::object();
};

void add_axis(Folder& folder, const std::string& name, int64_t count, double first, double step,
              const geo::Crs& crs) {
  std::vector<double> centres;
  for (int64_t i = 0; i < count; ++i)
    centres.push_back(first + (static_cast<double>(i) + 0.5) * step);
  const bool x = name == "x";
  Json attributes{{"_ARRAY_DIMENSIONS", {name}}, {"axis", x ? "X" : "Y"}};
  if (crs.geographic()) {
    attributes["standard_name"] = x ? "longitude" : "latitude";
    attributes["units"] = x ? "degrees_east" : "degrees_north";
  } else {
    attributes["standard_name"] = x ? "projection_x_coordinate" : "projection_y_coordinate";
    if (crs.metres_per_unit() == 1) attributes["units"] = "m";
  }
  folder.add_coordinate(name, {count}, "<f8", attributes, bytes_of(centres));
}

bool are_periods(const std::vector<Slice>& slices) {
  return std::any_of(slices.begin(), slices.end(),
                     [](const Slice& slice) { return slice.period.end > slice.period.start; });
}

void add_times(Folder& folder, const std::vector<Slice>& slices) {
  constexpr const char* kUnits = "milliseconds since 1970-01-01";
  std::vector<int64_t> starts, bounds;
  for (const auto& slice : slices) {
    starts.push_back(slice.period.start);
    bounds.push_back(slice.period.start);
    bounds.push_back(slice.period.end);
  }
  const bool periods = are_periods(slices);
  Json attributes{{"_ARRAY_DIMENSIONS", {"time"}},
                  {"axis", "T"},
                  {"standard_name", "time"},
                  {"units", kUnits},
                  {"calendar", "proleptic_gregorian"}};
  if (periods) attributes["bounds"] = "time_bnds";
  folder.add_coordinate("time", {slices.size()}, "<i8", attributes, bytes_of(starts));
  if (periods)
    folder.add_coordinate("time_bnds", {slices.size(), 2}, "<i8",
                          {{"_ARRAY_DIMENSIONS", {"time", "bnds"}},
                           {"units", kUnits},
                           {"calendar", "proleptic_gregorian"}},
                          bytes_of(bounds));
}

// Code points of UTF-8; what is none becomes the replacement character.
std::u32string code_points(const std::string& text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    bool good = (lead < 0x80 || lead >= 0xC2) && i + length <= text.size();
    for (size_t k = 1; good && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      good = (next & 0xC0U) == 0x80;
      point = point << 6 | (next & 0x3FU);
    }
    out.push_back(good && point <= 0x10FFFF ? point : U'\uFFFD');
    i += good ? length : 1;
  }
  return out;
}

void add_labels(Folder& folder, const std::vector<Slice>& slices) {
  std::vector<std::u32string> labels;
  size_t longest = 1;
  for (const auto& slice : slices) {
    labels.push_back(code_points(slice.label));
    longest = std::max(longest, labels.back().size());
  }
  std::vector<char32_t> text;
  for (auto& label : labels) {
    label.resize(longest, U'\0');
    text.insert(text.end(), label.begin(), label.end());
  }
  folder.add_coordinate("label", {slices.size()}, fmt::format("<U{}", longest),
                        {{"_ARRAY_DIMENSIONS", {"time"}}, {"long_name", "scene or period"}},
                        bytes_of(text));
}

void add_grid_mapping(Folder& folder, const geo::Grid& grid) {
  Json attributes{{"_ARRAY_DIMENSIONS", Json::array()}};
  if (grid.crs.geographic()) attributes["grid_mapping_name"] = "latitude_longitude";
  attributes["crs_wkt"] = grid.crs.wkt();
  attributes["spatial_ref"] = grid.crs.wkt();
  attributes["GeoTransform"] = fmt::format("{} {} 0 {} 0 {}", grid.origin_x, grid.pixel_width,
                                           grid.origin_y, -grid.pixel_height);
  folder.add_coordinate("spatial_ref", Json::array(), "<i8", attributes, std::string(8, '\0'));
}

// Names of classes as CF has them (3.5, "Flags"): meanings are words, with blanks between them.
void add_flags(const Band& band, Json& attributes) {
  if (band.class_names.empty()) return;
  std::string meanings;
  for (const auto& [value, name] : band.class_names) {
    attributes["flag_values"].push_back(value);
    if (!meanings.empty()) meanings += ' ';
    for (const char c : name) meanings += c == ' ' || c == '\t' ? '_' : c;
  }
  attributes["flag_meanings"] = meanings;
}

void add_band(Folder& folder, const ZarrCube& cube, const Band& band) {
  const auto& grid = cube.grid;
  const int64_t side = cube.profile.layout.side;
  Json shape{grid.height, grid.width}, chunks{side, side}, dimensions{"y", "x"};
  if (cube.timed()) {
    shape = {cube.slices.size(), grid.height, grid.width};
    chunks = {1, side, side};
    dimensions = {"time", "y", "x"};
  }
  Json array = array_json(shape, chunks, dtype_of(band.type));
  array["compressor"] = compressor_of(cube.profile);
  array["fill_value"] = fill_value(band);
  Json attributes{{"_ARRAY_DIMENSIONS", dimensions}, {"long_name", band.name}};
  if (band.scale != 1 || band.offset != 0) {
    attributes["scale_factor"] = band.scale;
    attributes["add_offset"] = band.offset;
  }
  if (!band.unit.empty()) attributes["units"] = band.unit;
  add_flags(band, attributes);
  if (grid.crs.known()) {
    attributes["grid_mapping"] = "spatial_ref";
    attributes["_CRS"] = {{"wkt", grid.crs.wkt()}};
  }
  folder.add_array(band.name, array, attributes);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> zarr_metadata(const ZarrCube& cube) {
  check_chunked({.bands = cube.bands, .slices = cube.slices}, cube.profile);
  Folder folder;
  const auto& grid = cube.grid;
  std::string coordinates;
  add_axis(folder, "x", grid.width, grid.origin_x, grid.pixel_width, grid.crs);
  add_axis(folder, "y", grid.height, grid.origin_y, -grid.pixel_height, grid.crs);
  if (cube.timed()) {
    add_times(folder, cube.slices);
    add_labels(folder, cube.slices);
    coordinates = are_periods(cube.slices) ? "label time_bnds" : "label";
  }
  if (grid.crs.known()) {
    add_grid_mapping(folder, grid);
    coordinates += coordinates.empty() ? "spatial_ref" : " spatial_ref";
  }
  for (const auto& band : cube.bands) add_band(folder, cube, band);
  Json attributes{{"Conventions", "CF-1.10"}, {"title", cube.title}};
  if (!coordinates.empty()) attributes["coordinates"] = coordinates;
  folder.add(".zattrs", attributes);
  folder.add(".zgroup", {{"zarr_format", 2}});
  return folder.finish();
}

std::string zarr_chunk_name(const ZarrCube& cube, const std::string& band, size_t slice,
                            int64_t row, int64_t column) {
  return cube.timed() ? chunk_name(band, slice, row, column)
                      : fmt::format("{}/{}.{}", band, row, column);
}

}  // namespace geoloom::raster
