// SPDX-License-Identifier: Apache-2.0
#include "gdal/array_address.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "error/error.h"

namespace geoloom::gdal {
namespace {

struct Spelling {
  ArrayFormat format;
  const char* name;
  std::string_view prefix;
  std::string_view root;  // before the names of variables
};
constexpr std::array<Spelling, 4> kSpellings{{{ArrayFormat::netcdf, "netCDF", "NETCDF:", ""},
                                              {ArrayFormat::hdf4, "HDF4", "HDF4:", "//"},
                                              {ArrayFormat::hdf5, "HDF5", "HDF5:", "//"},
                                              {ArrayFormat::zarr, "Zarr", "ZARR:", "/"}}};

// GDAL's own of a field of an HDF-EOS2 grid.
constexpr std::string_view kEosGrid = "HDF4_EOS:EOS_GRID:";

constexpr std::array<std::pair<std::string_view, ArrayFormat>, 9> kEndings{
    {{".nc", ArrayFormat::netcdf},
     {".nc4", ArrayFormat::netcdf},
     {".cdf", ArrayFormat::netcdf},
     {".hdf", ArrayFormat::hdf4},
     {".hdf4", ArrayFormat::hdf4},
     {".h5", ArrayFormat::hdf5},
     {".he5", ArrayFormat::hdf5},
     {".hdf5", ArrayFormat::hdf5},
     {".zarr", ArrayFormat::zarr}}};

const Spelling& spelling_of(ArrayFormat format) {
  return *std::find_if(kSpellings.begin(), kSpellings.end(),
                       [format](const Spelling& each) { return each.format == format; });
}

Error malformed(std::string_view text, const std::string& why) {
  Place place;
  place.file = std::string(text.substr(0, 200));
  return Error(ErrorCode::invalid, "the address of a variable cannot be read: " + why)
      .at(place)
      .hint(R"(write NETCDF:"file.nc":variable or NETCDF:"file.nc":variable[0])");
}

// "[2]" or "[2,0]" at the end of a variable's name.
std::vector<int64_t> take_index(std::string_view& variable, std::string_view text) {
  std::vector<int64_t> index;
  if (!variable.ends_with(']')) return index;
  const size_t open = variable.rfind('[');
  if (open == std::string_view::npos) throw malformed(text, "'[' is missing");
  std::string_view numbers = variable.substr(open + 1, variable.size() - open - 2);
  variable = variable.substr(0, open);
  while (true) {
    int64_t value = 0;
    const auto [end, failed] =
        std::from_chars(numbers.data(), numbers.data() + numbers.size(), value);
    if (failed != std::errc() || value < 0) throw malformed(text, "an index is no number");
    index.push_back(value);
    numbers.remove_prefix(static_cast<size_t>(end - numbers.data()));
    if (numbers.empty()) return index;
    if (numbers.front() != ',') throw malformed(text, "indices are separated by ','");
    numbers.remove_prefix(1);
  }
}

// The file at the beginning, and the colon after it. Without quotation marks, the file ends before
// the last `names` colons.
void take_file(std::string_view& rest, int names, std::string_view text, ArrayAddress& address) {
  size_t end = rest.size();
  if (rest.starts_with('"')) {
    rest.remove_prefix(1);
    end = rest.find('"');
    if (end == std::string_view::npos) throw malformed(text, "a quotation mark is missing");
    address.file = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (!rest.starts_with(':')) throw malformed(text, "':' and a variable are missing");
  } else {
    for (int i = 0; i < names; ++i) {
      end = end == 0 ? std::string_view::npos : rest.rfind(':', end - 1);
      if (end == std::string_view::npos) throw malformed(text, "':' and a variable are missing");
    }
    address.file = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  rest.remove_prefix(1);
}

}  // namespace

const char* name(ArrayFormat format) {
  return spelling_of(format).name;
}

std::string ArrayAddress::text() const {
  if (file.find('"') != std::string::npos)
    throw malformed(file, "the file's name holds a quotation mark");
  const Spelling& spelling = spelling_of(format);
  return fmt::format("{}\"{}\":{}{}{}", spelling.prefix, file, spelling.root, variable,
                     index.empty() ? "" : fmt::format("[{}]", fmt::join(index, ",")));
}

std::optional<ArrayAddress> array_address(std::string_view text) {
  const bool eos_grid = text.starts_with(kEosGrid);
  const auto* const spelling =
      std::find_if(kSpellings.begin(), kSpellings.end(), [text, eos_grid](const Spelling& each) {
        return eos_grid ? each.format == ArrayFormat::hdf4 : text.starts_with(each.prefix);
      });
  if (spelling == kSpellings.end()) return std::nullopt;
  ArrayAddress address{.format = spelling->format};
  std::string_view rest = text.substr(eos_grid ? kEosGrid.size() : spelling->prefix.size());
  take_file(rest, eos_grid ? 2 : 1, text, address);
  rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
  address.index = take_index(rest, text);
  address.variable = rest;
  if (eos_grid) {
    const size_t colon = address.variable.find(':');
    if (colon == std::string::npos || colon == 0)
      throw malformed(text, "it names a grid and no field of it");
    address.variable[colon] = '/';
  }
  if (address.file.empty()) throw malformed(text, "the file is missing");
  if (address.variable.empty()) throw malformed(text, "the variable is missing");
  return address;
}

std::optional<ArrayFormat> array_format_of_name(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos)
    return std::nullopt;
  std::string ending(path.substr(dot));
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const auto& [known, format] : kEndings)
    if (ending == known) return format;
  return std::nullopt;
}

bool names_array_file(std::string_view text) {
  return array_address(text).has_value() || array_format_of_name(text).has_value();
}

std::string file_of(const std::string& text) {
  const auto address = array_address(text);
  return address ? address->file : text;
}

std::string with_file(const std::string& text, const std::string& file) {
  auto address = array_address(text);
  if (!address) return file;
  address->file = file;
  return address->text();
}

}  // namespace geoloom::gdal
