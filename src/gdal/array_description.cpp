// SPDX-License-Identifier: Apache-2.0
#include "gdal/array_description.h"

#include <fmt/format.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <locale>
#include <sstream>

#include "gdal/raster_description.h"
#include "geo/cf_time.h"

namespace geoloom::gdal {
namespace {

using Array = std::shared_ptr<GDALMDArray>;

constexpr int64_t kMostCoordinates = int64_t{1} << 20;
// How far a coordinate may be from where even spacing puts it: single precision degrees are off by
// some thousandths of a pixel.
constexpr double kSpacingTolerance = 0.02;
// Where GDAL shows the grids of HDF-EOS2, their fields, and HDF4's data sets.
constexpr std::string_view kEosGrids = "/eos_grids/", kEosFields = "/Data Fields/",
                           kDataSets = "/scientific_datasets/";
// Blocks of what is stored in one piece: rows of the file.
constexpr int64_t kRowsOfContiguous = 64;
constexpr int64_t kMostBlockBytes = int64_t{1} << 30;

std::string text_of(const GDALAttribute* attribute) {
  if (attribute == nullptr || attribute->GetDataType().GetClass() != GEDTC_STRING) return {};
  const char* text = attribute->ReadAsString();
  return text == nullptr ? std::string() : text;
}

std::string text_of(const GDALMDArray& array, const char* name) {
  return text_of(array.GetAttribute(name).get());
}

std::optional<double> number_of(const GDALMDArray& array, const char* name) {
  const auto attribute = array.GetAttribute(name);
  if (!attribute || attribute->GetDataType().GetClass() != GEDTC_NUMERIC) return std::nullopt;
  if (attribute->GetTotalElementsCount() != 1) return std::nullopt;
  return attribute->ReadAsDouble();
}

// GDAL keeps the attribute of units apart.
std::string units_of(const GDALMDArray& array) {
  const auto& unit = array.GetUnit();
  return unit.empty() ? text_of(array, "units") : unit;
}

std::vector<double> numbers_in(const GDALMDArray& array) {
  const auto& dimensions = array.GetDimensions();
  const uint64_t count = dimensions.empty() ? 1 : dimensions[0]->GetSize();
  if (dimensions.size() > 1 || count > kMostCoordinates ||
      array.GetDataType().GetClass() != GEDTC_NUMERIC)
    return {};
  std::vector<double> values(count);
  const GUInt64 start = 0;
  const size_t length = count;
  if (!array.Read(&start, &length, nullptr, nullptr, GDALExtendedDataType::Create(GDT_Float64),
                  values.data()))
    return {};
  bool found = false;
  double scale = array.GetScale(&found);
  if (!found) scale = number_of(array, "scale_factor").value_or(1);
  double offset = array.GetOffset(&found);
  if (!found) offset = number_of(array, "add_offset").value_or(0);
  for (double& value : values) value = value * scale + offset;
  return values;
}

std::vector<std::string> texts_in(const GDALMDArray& array) {
  if (array.GetDataType().GetClass() != GEDTC_STRING || array.GetDimensionCount() != 1) return {};
  const uint64_t count = array.GetDimensions()[0]->GetSize();
  if (count > 10'000) return {};
  std::vector<char*> raw(count, nullptr);
  const GUInt64 start = 0;
  const size_t length = count;
  std::vector<std::string> texts;
  if (array.Read(&start, &length, nullptr, nullptr, GDALExtendedDataType::CreateString(),
                 raw.data()))
    for (const char* text : raw) texts.emplace_back(text == nullptr ? "" : text);
  for (char* text : raw) CPLFree(text);
  return texts;
}

// "/a/b/c" -> "/a/b"
std::string group_of(const GDALMDArray& array) {
  const auto& full = array.GetFullName();
  const size_t slash = full.rfind('/');
  return slash == std::string::npos ? "" : full.substr(0, slash);
}

// A variable that another one names: in its group, or in one around it.
Array look_up(const GDALGroup& root, const GDALMDArray& from, const std::string& name) {
  if (name.empty()) return nullptr;
  if (name.front() == '/') return root.OpenMDArrayFromFullname(name);
  for (std::string group = group_of(from);; group.resize(group.rfind('/'))) {
    if (auto found = root.OpenMDArrayFromFullname(group + "/" + name)) return found;
    if (group.find('/') == std::string::npos) return nullptr;
  }
}

Array coordinate_of(const GDALGroup& root, const GDALMDArray& array,
                    const GDALDimension& dimension) {
  auto coordinate = dimension.GetIndexingVariable();
  if (!coordinate) coordinate = look_up(root, array, dimension.GetName());
  if (!coordinate || coordinate->GetDimensionCount() != 1 ||
      coordinate->GetDimensions()[0]->GetSize() != dimension.GetSize())
    return nullptr;
  return coordinate;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

bool is_one_of(const std::string& text, std::initializer_list<const char*> known) {
  return std::any_of(known.begin(), known.end(),
                     [&text](const char* each) { return text == each; });
}

enum class Axis { unknown, x, y, time };

Axis axis_of(const GDALDimension& dimension, const GDALMDArray* coordinate) {
  if (coordinate != nullptr) {
    const auto units = lower(units_of(*coordinate));
    const auto standard = text_of(*coordinate, "standard_name");
    const auto axis = lower(text_of(*coordinate, "axis"));
    if (geo::CfTimeUnits::are_time_units(units)) return Axis::time;
    if (units.starts_with("degrees_e") || units == "degree_east" ||
        is_one_of(standard, {"longitude", "projection_x_coordinate"}) || axis == "x")
      return Axis::x;
    if (units.starts_with("degrees_n") || units == "degree_north" ||
        is_one_of(standard, {"latitude", "projection_y_coordinate"}) || axis == "y")
      return Axis::y;
    if (axis == "t" || standard == "time") return Axis::time;
  }
  const auto name = lower(dimension.GetName());
  if (is_one_of(name, {"x", "lon", "longitude", "easting"})) return Axis::x;
  if (is_one_of(name, {"y", "lat", "latitude", "northing"})) return Axis::y;
  if (name == "time") return Axis::time;
  // Those of HDF-EOS grids.
  if (dimension.GetType() == GDAL_DIM_TYPE_HORIZONTAL_X) return Axis::x;
  if (dimension.GetType() == GDAL_DIM_TYPE_HORIZONTAL_Y) return Axis::y;
  return Axis::unknown;
}

void read_times(const GDALMDArray* coordinate, ArrayDimension& dimension) {
  dimension.is_time = true;
  if (coordinate == nullptr) {
    dimension.why_no_times = "it has no coordinate variable";
    return;
  }
  try {
    const geo::CfTimeUnits units(units_of(*coordinate), text_of(*coordinate, "calendar"));
    for (const double value : numbers_in(*coordinate)) dimension.times.push_back(units.at(value));
    if (dimension.times.size() != static_cast<size_t>(dimension.size))
      throw Error(ErrorCode::corrupt, "its coordinate variable cannot be read");
  } catch (const Error& error) {
    dimension.times.clear();
    dimension.why_no_times = error.message();
  }
}

// First value and step between values, which are evenly spaced.
struct Spacing {
  double first = 0, step = 0;
};

// Nullopt, and why, where values are not evenly spaced or cannot be known.
std::optional<Spacing> spacing_of(const GDALMDArray& coordinate, std::string& why) {
  const auto values = numbers_in(coordinate);
  const auto& name = coordinate.GetName();
  if (values.size() < 2) {
    why = values.empty() ? fmt::format("the coordinates '{}' cannot be read", name)
                         : fmt::format("one coordinate '{}' does not tell a pixel's size", name);
    return std::nullopt;
  }
  const auto last = static_cast<double>(values.size() - 1);
  const Spacing spacing{values.front(), (values.back() - values.front()) / last};
  for (size_t i = 0; i < values.size(); ++i) {
    const double even = spacing.first + static_cast<double>(i) * spacing.step;
    if (std::abs(values[i] - even) <= kSpacingTolerance * std::abs(spacing.step) &&
        spacing.step != 0)
      continue;
    why = fmt::format("the coordinates '{}' are not evenly spaced", name);
    return std::nullopt;
  }
  return spacing;
}

Array grid_mapping_of(const GDALGroup& root, const GDALMDArray& array) {
  // "crs", or in the longer form "crs: x y".
  std::istringstream words(text_of(array, "grid_mapping") + " " + text_of(array, "coordinates") +
                           " spatial_ref crs");
  for (std::string word; words >> word;) {
    if (word.back() == ':') word.pop_back();
    auto found = look_up(root, array, word);
    if (found && (found->GetAttribute("crs_wkt") || found->GetAttribute("spatial_ref") ||
                  found->GetAttribute("GeoTransform")))
      return found;
  }
  return nullptr;
}

geo::Crs crs_of_array(const GDALMDArray& array, const GDALMDArray* mapping, bool degrees) {
  for (const char* key : {"crs_wkt", "spatial_ref"}) {
    const auto wkt = mapping == nullptr ? std::string() : text_of(*mapping, key);
    if (wkt.empty()) continue;
    try {
      return geo::Crs::parse(wkt);
    } catch (const Error&) {
      // GDAL may make something of the mapping's parameters.
    }
  }
  if (const auto reference = array.GetSpatialRef()) {
    auto crs = crs_of(OGRSpatialReference::ToHandle(
        const_cast<OGRSpatialReference*>(reference.get())));  // NOLINT: is only read
    if (crs.known()) return crs;
  }
  return degrees ? geo::Crs::parse("EPSG:4326") : geo::Crs();
}

// The six numbers as GDAL writes them beside a grid mapping, where they agree with the coordinates:
// these are centres in the decimals somebody chose, those the corner itself.
std::optional<std::array<double, 6>> transform_of(const GDALMDArray* mapping) {
  if (mapping == nullptr) return std::nullopt;
  std::istringstream numbers(text_of(*mapping, "GeoTransform"));
  numbers.imbue(std::locale::classic());
  std::array<double, 6> transform{};
  for (double& value : transform)
    if (!(numbers >> value)) return std::nullopt;
  return transform;
}

bool agree(double transform_origin, double transform_step, const Spacing& spacing) {
  const double tolerance = kSpacingTolerance * std::abs(spacing.step);
  return std::abs(transform_origin + transform_step / 2 - spacing.first) <= tolerance &&
         std::abs(transform_step - spacing.step) <= 1e-6 * std::abs(spacing.step);
}

class GridReader {
 public:
  GridReader(const GDALGroup& root, const GDALMDArray& array, DescribedArray& to)
      : root_(root), array_(array), info_(to.variable.info), to_(to) {}

  void read() {
    const auto& dimensions = array_.GetDimensions();
    rows_ = dimensions[dimensions.size() - 2].get();
    columns_ = dimensions.back().get();
    const auto y = coordinate_of(root_, array_, *rows_),
               x = coordinate_of(root_, array_, *columns_);
    if (!check_axes(axis_of(*rows_, y.get()), axis_of(*columns_, x.get()))) return;
    const auto mapping = grid_mapping_of(root_, array_);
    const auto transform = transform_of(mapping.get());
    std::optional<Spacing> across, down;
    if (x && y) {
      across = spacing_of(*x, info_.why_no_grid);
      if (across) down = spacing_of(*y, info_.why_no_grid);
      if (!across || !down) return;
    } else if (!transform || (*transform)[2] != 0 || (*transform)[4] != 0) {
      info_.why_no_grid = fmt::format("there are no coordinate variables '{}' and '{}'",
                                      rows_->GetName(), columns_->GetName());
      return;
    }
    set_grid(across, down, transform);
    const bool degrees = x && y && lower(units_of(*x)).starts_with("degree") &&
                         lower(units_of(*y)).starts_with("degree");
    if (info_.grid) info_.grid->crs = crs_of_array(array_, mapping.get(), degrees);
  }

 private:
  bool check_axes(Axis rows, Axis columns) {
    if (rows == Axis::time || columns == Axis::time || rows == Axis::x || columns == Axis::y)
      info_.why_no_grid = fmt::format(
          "its last dimensions are '{}' and '{}', not rows (y) and columns (x): reorder it, in "
          "xarray by transpose(..., 'y', 'x')",
          rows_->GetName(), columns_->GetName());
    return info_.why_no_grid.empty();
  }

  void set_grid(const std::optional<Spacing>& across, const std::optional<Spacing>& down,
                const std::optional<std::array<double, 6>>& transform) {
    const bool stated =
        transform && (!across || (agree((*transform)[0], (*transform)[1], *across) &&
                                  agree((*transform)[3], (*transform)[5], *down)));
    const double dx = stated ? (*transform)[1] : across->step;
    const double dy = stated ? (*transform)[5] : down->step;
    const double left = stated ? (*transform)[0] : across->first - dx / 2;
    const double start = stated ? (*transform)[3] : down->first - dy / 2;
    if (!(dx > 0) || !std::isfinite(left + start + dx + dy) || dy == 0) {
      info_.why_no_grid = dx < 0 ? "columns run west" : "degenerate coordinates";
      return;
    }
    to_.south_up = dy > 0;
    geo::Grid grid;
    grid.origin_x = left;
    grid.origin_y = to_.south_up ? start + dy * static_cast<double>(info_.height) : start;
    grid.pixel_width = dx;
    grid.pixel_height = std::abs(dy);
    grid.width = info_.width;
    grid.height = info_.height;
    info_.grid = std::move(grid);
  }

  const GDALGroup& root_;
  const GDALMDArray& array_;
  RasterInfo& info_;
  DescribedArray& to_;
  const GDALDimension* rows_ = nullptr;
  const GDALDimension* columns_ = nullptr;
};

std::optional<double> nodata_of(const GDALMDArray& array, ArrayFormat format) {
  const auto fill = number_of(array, "_FillValue"), missing = number_of(array, "missing_value");
  if (fill) return fill;
  // HDF5 has a fill value of its own, which says nothing of validity.
  if (format == ArrayFormat::hdf5) return missing;
  bool found = false;
  const double nodata = array.GetNoDataValueAsDouble(&found);
  if (found) return nodata;
  return missing;
}

// Only one can be taken for nodata.
bool two_missing_values(const GDALMDArray& array) {
  const auto fill = number_of(array, "_FillValue"), missing = number_of(array, "missing_value");
  return fill && missing && *fill != *missing && !(std::isnan(*fill) && std::isnan(*missing));
}

void read_blocks(const GDALMDArray& array, int64_t sample_bytes, RasterInfo& info, BandInfo& band) {
  const auto blocks = array.GetBlockSize();
  int64_t bytes = sample_bytes;
  for (const auto size : blocks)
    if (size > 0) bytes = bytes > kMostBlockBytes ? bytes : bytes * static_cast<int64_t>(size);
  if (bytes > kMostBlockBytes) info.why_no_grid = "its chunks are too large to be decoded";
  const auto rows = static_cast<int64_t>(blocks[blocks.size() - 2]);
  const auto columns = static_cast<int64_t>(blocks.back());
  const bool chunked = rows > 0 && columns > 0;
  band.block_width = static_cast<int>(std::min(chunked ? columns : info.width, info.width));
  band.block_height = static_cast<int>(std::min(chunked ? rows : kRowsOfContiguous, info.height));
}

// See array_file.h on calibrations of HDF4.
void turn_calibration(const GDALMDArray& array, BandInfo& band) {
  if (band.scale > 1 && band.offset == 0 && number_of(array, "calibrated_nt"))
    band.scale = 1 / band.scale;
}

// Of the integers of a file that has no unsigned ones, as netCDF of version 3.
double wrap_of(const GDALMDArray& array, SampleType type) {
  if (lower(text_of(array, "_Unsigned")) != "true") return 0;
  return type == SampleType::int16 ? 65536.0 : type == SampleType::int32 ? 4294967296.0 : 0;
}

void make_unsigned(double wrap, BandInfo& band) {
  band.type = band.type == SampleType::int16 ? SampleType::uint16 : SampleType::uint32;
  if (band.nodata && *band.nodata < 0) *band.nodata += wrap;
}

BandInfo band_of(const GDALMDArray& array, ArrayFormat format) {
  BandInfo band;
  band.type = sample_type_of(array.GetDataType().GetNumericDataType());
  band.name = array.GetName();
  band.nodata = nodata_of(array, format);
  bool found = false;
  band.scale = array.GetScale(&found);
  if (!found) band.scale = number_of(array, "scale_factor").value_or(1);
  band.offset = array.GetOffset(&found);
  if (!found) band.offset = number_of(array, "add_offset").value_or(0);
  band.unit = units_of(array);
  if (format == ArrayFormat::hdf4) turn_calibration(array, band);
  return band;
}

// Of the time as one number: a variable `time` of one value.
std::optional<geo::TimeMs> single_time(const GDALGroup& root) {
  const auto time = root.OpenMDArray("time");
  if (!time || !geo::CfTimeUnits::are_time_units(units_of(*time))) return std::nullopt;
  const auto values = numbers_in(*time);
  if (values.size() != 1) return std::nullopt;
  return geo::CfTimeUnits(units_of(*time), text_of(*time, "calendar")).at(values[0]);
}

}  // namespace

std::string variable_name(const std::string& full_name, ArrayFormat format) {
  std::string_view name = full_name;
  if (format == ArrayFormat::hdf4 && name.starts_with(kDataSets))
    return full_name.substr(kDataSets.size());
  const size_t fields = name.find(kEosFields);
  if (format == ArrayFormat::hdf4 && name.starts_with(kEosGrids) && fields != name.npos)
    return fmt::format("{}/{}", name.substr(kEosGrids.size(), fields - kEosGrids.size()),
                       name.substr(fields + kEosFields.size()));
  return full_name.substr(1);
}

std::string full_name_of(const std::string& variable, ArrayFormat format) {
  if (format != ArrayFormat::hdf4) return "/" + variable;
  const size_t slash = variable.find('/');
  if (slash == std::string::npos) return fmt::format("{}{}", kDataSets, variable);
  // Those of swaths and of images are named in full.
  if (variable.find('/', slash + 1) != std::string::npos) return "/" + variable;
  return fmt::format("{}{}{}{}", kEosGrids, variable.substr(0, slash), kEosFields,
                     variable.substr(slash + 1));
}

bool is_raster(const GDALGroup& root, const GDALMDArray& array) {
  const auto& dimensions = array.GetDimensions();
  if (dimensions.size() < 2 || array.GetDataType().GetClass() != GEDTC_NUMERIC) return false;
  const auto& rows = *dimensions[dimensions.size() - 2];
  const auto& columns = *dimensions.back();
  // Bounds of coordinates: a time and its two ends.
  if (columns.GetSize() == 2 && !coordinate_of(root, array, columns) && dimensions.size() == 2 &&
      coordinate_of(root, array, rows))
    return false;
  // Latitudes and longitudes of each pixel.
  const auto standard = text_of(array, "standard_name");
  return !is_one_of(standard, {"latitude", "longitude"}) && rows.GetSize() > 0 &&
         columns.GetSize() > 0;
}

DescribedArray describe_array(const GDALGroup& root, const GDALMDArray& array, ArrayFormat format) {
  DescribedArray described;
  auto& variable = described.variable;
  const auto& dimensions = array.GetDimensions();
  variable.name = variable.band = variable_name(array.GetFullName(), format);
  for (size_t i = 0; i + 2 < dimensions.size(); ++i) {
    ArrayDimension& dimension = variable.leading.emplace_back();
    dimension.name = dimensions[i]->GetName();
    dimension.size = static_cast<int64_t>(dimensions[i]->GetSize());
    const auto coordinate = coordinate_of(root, array, *dimensions[i]);
    if (axis_of(*dimensions[i], coordinate.get()) == Axis::time)
      read_times(coordinate.get(), dimension);
    else if (coordinate)
      dimension.labels = texts_in(*coordinate);
  }
  RasterInfo& info = variable.info;
  info.driver = name(format);
  info.interleaving = "BAND";
  info.width = static_cast<int64_t>(dimensions.back()->GetSize());
  info.height = static_cast<int64_t>(dimensions[dimensions.size() - 2]->GetSize());
  BandInfo band = band_of(array, format);
  read_blocks(array, GDALGetDataTypeSizeBytes(array.GetDataType().GetNumericDataType()), info,
              band);
  described.wrap = wrap_of(array, band.type);
  if (described.wrap != 0) make_unsigned(described.wrap, band);
  if (two_missing_values(array)) info.why_no_grid = "_FillValue and missing_value differ";
  info.bands = {std::move(band)};
  if (info.why_no_grid.empty()) GridReader(root, array, described).read();
  if (!info.why_no_grid.empty()) info.grid.reset();
  return described;
}

void read_time_of_file(const GDALGroup& root, ArrayFileInfo& info) {
  try {
    info.time = single_time(root);
  } catch (const Error& error) {
    info.why_no_time = error.message();
    return;
  }
  if (!info.time)
    info.time = geo::parse_time(text_of(root.GetAttribute("time_coverage_start").get()));
  const auto day = text_of(root.GetAttribute("RANGEBEGINNINGDATE").get()),
             hour = text_of(root.GetAttribute("RANGEBEGINNINGTIME").get());
  if (!info.time) info.time = geo::parse_time(hour.empty() ? day : day + "T" + hour + "Z");
}

}  // namespace geoloom::gdal
