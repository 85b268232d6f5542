// SPDX-License-Identifier: Apache-2.0
#include <cpl_vsi_error.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "gdal/handles.h"

namespace geoloom::gdal {
namespace {

constexpr std::array<std::string_view, 5> kAllowedPrefixes{"/vsis3/", "/vsicurl/", "/vsigs/",
                                                           "/vsiaz/", "/vsimem/"};

[[noreturn]] void deny(const std::string& path, std::string why) {
  Place place;
  place.file = path.substr(0, 200);
  throw Error(ErrorCode::denied, std::move(why))
      .at(place)
      .hint("give a local path, or /vsis3/, /vsigs/, /vsiaz/ or /vsicurl/http(s)://");
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// "GTIFF_DIR:1:a.tif": GDAL gives such prefixes a meaning of their own.
bool has_connection_prefix(std::string_view path) {
  const size_t colon = path.find(':');
  if (colon == std::string_view::npos || colon < 2) return false;
  const std::string_view word = path.substr(0, colon);
  return is_word(word) &&
         std::none_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// Another "/vsi...something/" inside of a path.
bool chains(std::string_view rest) {
  for (size_t at = rest.find("/vsi"); at != std::string_view::npos;
       at = rest.find("/vsi", at + 1)) {
    const size_t end = rest.find('/', at + 1);
    if (end != std::string_view::npos && is_word(rest.substr(at + 1, end - at - 1))) return true;
  }
  return rest.starts_with("vsi") && rest.find('/') != std::string_view::npos &&
         is_word(rest.substr(0, rest.find('/')));
}

void check_virtual(const std::string& path) {
  const auto prefix = std::find_if(kAllowedPrefixes.begin(), kAllowedPrefixes.end(),
                                   [&path](std::string_view p) { return path.starts_with(p); });
  if (prefix == kAllowedPrefixes.end()) deny(path, "this virtual file system is not allowed");
  const std::string_view rest = std::string_view(path).substr(prefix->size());
  if (chains(rest)) deny(path, "chained virtual file systems are not allowed");
  if (*prefix == "/vsicurl/" && !rest.starts_with("http://") && !rest.starts_with("https://"))
    deny(path, "only http:// and https:// may follow /vsicurl/");
}

[[noreturn]] void throw_local(const std::string& path, int error_number) {
  Place place;
  place.file = path;
  const std::string cause = std::generic_category().message(error_number);
  if (error_number == ENOENT || error_number == ENOTDIR)
    throw Error(ErrorCode::missing, "there is no such file").at(place);
  if (error_number == EACCES || error_number == EPERM)
    throw Error(ErrorCode::denied, "the file may not be read").at(place).cause(cause);
  if (error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM)
    throw Error(ErrorCode::resource, "the file cannot be opened").at(place).cause(cause);
  if (error_number == ENAMETOOLONG || error_number == ELOOP)
    throw Error(ErrorCode::invalid, "the path cannot be followed").at(place).cause(cause);
  throw Error(ErrorCode::unavailable, "the file cannot be read").at(place).cause(cause);
}

}  // namespace

bool is_remote(std::string_view path) {
  return path.starts_with("/vsi") && !path.starts_with("/vsimem/");
}

std::string checked_path(const std::string& path, Access access) {
  if (path.empty()) deny(path, "the path is empty");
  if (path.find('\0') != std::string::npos) deny(path, "the path holds a zero byte");
  if (path.front() == '<' || path.front() == '{') deny(path, "this is a document, not a path");
  if (path.find("://") != std::string::npos && !path.starts_with("/"))
    deny(path, "this is an address, not a path");
  if (has_connection_prefix(path)) deny(path, "this is a connection string, not a path");
  if (path.starts_with("/vsi")) {
    check_virtual(path);
    check_access(path, access);
    return path;
  }
  check_access(path, access);
  // "./" takes the meaning from every prefix that some driver may know.
  return path.front() == '/' ? path : "./" + path;
}

std::string looks_like(std::string_view bytes) {
  struct Signature {
    std::string_view start;
    const char* name;
  };
  using namespace std::string_view_literals;
  static constexpr std::array<Signature, 17> signatures{{{"II*\0"sv, "TIFF"},
                                                         {"MM\0*"sv, "TIFF"},
                                                         {"II+\0"sv, "TIFF"},
                                                         {"MM\0+"sv, "TIFF"},
                                                         {"\x89PNG"sv, "PNG"},
                                                         {"\xFF\xD8\xFF"sv, "JPEG"},
                                                         {"\0\0\0\x0CjP  "sv, "JPEG 2000"},
                                                         {"\xFF\x4F\xFF\x51"sv, "JPEG 2000"},
                                                         {"%PDF"sv, "a PDF document"},
                                                         {"SQLite format 3"sv, "a GeoPackage"},
                                                         {"\x89HDF"sv, "HDF5 or netCDF"},
                                                         {"CDF\x01"sv, "netCDF"},
                                                         {"CDF\x02"sv, "netCDF"},
                                                         {"PK\x03\x04"sv, "a zip archive"},
                                                         {"\x1F\x8B"sv, "a gzip archive"},
                                                         {"\x0E\x03\x13\x01"sv, "HDF4"},
                                                         {"GIF8"sv, "GIF"}}};
  for (const Signature& signature : signatures)
    if (bytes.starts_with(signature.start)) return signature.name;
  const size_t text = std::min(bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF"), bytes.size());
  const std::string_view body = bytes.substr(text);
  if (body.find("<VRTDataset") != std::string_view::npos) return "a VRT document";
  std::string lower(body.substr(0, 256));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower.starts_with("<!doctype html") || lower.starts_with("<html")) return "a web page";
  if (lower.starts_with("<")) return "an XML document";
  if (lower.starts_with("{") || lower.starts_with("[")) return "a JSON document";
  return {};
}

std::string first_bytes(const std::string& path, size_t count) {
  const std::string checked = checked_path(path);
  if (is_remote(checked)) VSICurlPartialClearCache(checked.c_str());
  const Capture capture(path);
  VSIStatBufL status{};
  errno = 0;
  const bool local = !is_remote(checked);
  if (local &&
      VSIStatExL(checked.c_str(), &status, VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG) != 0)
    throw_local(path, errno == 0 ? ENOENT : errno);
  if (local && !VSI_ISREG(status.st_mode)) {
    Place place;
    place.file = path;
    throw Error(ErrorCode::invalid, VSI_ISDIR(status.st_mode) ? "this is a folder, not a file"
                                                              : "this is not a regular file")
        .at(place);
  }
  errno = 0;
  const std::unique_ptr<VSILFILE, int (*)(VSILFILE*)> file(VSIFOpenExL(checked.c_str(), "rb", true),
                                                           &VSIFCloseL);
  if (!file && local) throw_local(path, errno == 0 ? EIO : errno);
  if (!file) throw capture.error(ErrorCode::unavailable, "the file cannot be opened");
  std::string bytes(count, '\0');
  bytes.resize(VSIFReadL(bytes.data(), 1, count, file.get()));
  if (bytes.empty() && capture.remote_code())
    throw capture.error(ErrorCode::unavailable, "the file cannot be read");
  return bytes;
}

}  // namespace geoloom::gdal
