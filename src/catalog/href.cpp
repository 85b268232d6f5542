// SPDX-License-Identifier: Apache-2.0
#include "catalog/href.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <utility>

#include "error/error.h"
#include "gdal/array_address.h"

namespace geoloom::catalog {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kSchemes{{
    {"s3://", "/vsis3/"},
    {"gs://", "/vsigs/"},
    {"az://", "/vsiaz/"},
    {"https://", "/vsicurl/https://"},
    {"http://", "/vsicurl/http://"},
}};
constexpr std::string_view kFileScheme = "file://";

bool has_scheme(std::string_view href) {
  const size_t colon = href.find("://");
  return colon != std::string_view::npos && colon > 0 && href.find('/') > colon;
}

bool is_network_name(std::string_view path) {
  return std::any_of(kSchemes.begin(), kSchemes.end(),
                     [path](const auto& scheme) { return path.starts_with(scheme.second); });
}

std::string normal(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

// Joins below a root that ".." cannot leave ("https://host/" or "/vsis3/bucket/").
std::string join_below(const std::string& base, size_t root, const std::string& relative) {
  const std::string path =
      normal("/" + folder_of(base.substr(std::min(root, base.size()))) + "/" + relative);
  return base.substr(0, root) + path.substr(std::min<size_t>(1, path.size()));
}

// Where the path begins that relative names may walk in: after the host or bucket.
size_t root_length(const std::string& remote) {
  const size_t scheme = remote.find("://");
  size_t from = 0;
  if (scheme != std::string::npos)
    from = scheme + 3;
  else
    from = remote.find('/', 1) + 1;  // "/vsis3/"
  const size_t slash = remote.find('/', from);
  return slash == std::string::npos ? remote.size() : slash + 1;
}

}  // namespace

bool is_remote(std::string_view href) {
  if (const auto address = gdal::array_address(href)) return is_remote(address->file);
  return (has_scheme(href) && !href.starts_with(kFileScheme)) || href.starts_with("/vsi");
}

std::string gdal_path(const std::string& href) {
  if (const auto address = gdal::array_address(href))
    return gdal::with_file(href, gdal_path(address->file));
  if (href.starts_with(kFileScheme)) return href.substr(kFileScheme.size());
  for (const auto& [scheme, prefix] : kSchemes) {
    if (href.starts_with(scheme)) return std::string(prefix) + href.substr(scheme.size());
  }
  if (!is_remote(href) || is_network_name(href)) return href;
  throw Error(ErrorCode::denied, fmt::format("'{}' is not a place scenes may come from", href))
      .hint("use a local path, http(s)://, s3://, gs:// or az://");
}

std::string resolve_href(const std::string& document, const std::string& href) {
  if (const auto address = gdal::array_address(href))
    return gdal::with_file(href, resolve_href(document, address->file));
  if (has_scheme(href) || href.starts_with("/vsi")) {
    if (href.starts_with(kFileScheme) && is_remote(document)) {
      throw Error(ErrorCode::denied,
                  fmt::format("'{}' in a remote document names a local file", href));
    }
    return href.starts_with(kFileScheme) ? href.substr(kFileScheme.size()) : href;
  }
  if (!is_remote(document)) {
    if (href.starts_with('/')) return normal(href);
    return normal(folder_of(absolute_path(document)) + "/" + href);
  }
  if (href.starts_with('/')) {
    throw Error(ErrorCode::denied,
                fmt::format("'{}' in a remote document names a local file", href));
  }
  return join_below(document, root_length(document), href);
}

std::string absolute_path(const std::string& path) {
  if (const auto address = gdal::array_address(path))
    return gdal::with_file(path, absolute_path(address->file));
  if (is_remote(path)) return path;
  if (path.starts_with(kFileScheme)) return normal(path.substr(kFileScheme.size()));
  return normal(std::filesystem::absolute(path).string());
}

std::string without_query(const std::string& href) {
  return is_remote(href) ? href.substr(0, href.find_first_of("?#")) : href;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string file_name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string extension_of(const std::string& path) {
  const std::string name = file_name_of(path);
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0) return "";
  std::string extension = name.substr(dot + 1);
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_image_name(const std::string& path) {
  const std::string extension = extension_of(path);
  return extension == "tif" || extension == "tiff" || extension == "jp2";
}

}  // namespace geoloom::catalog
