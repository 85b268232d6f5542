// SPDX-License-Identifier: Apache-2.0
// Hrefs: what documents write, what people read, what GDAL opens. Of the address of a variable
// (gdal/array_address.h) the file in it counts, and comes out resolved within the address.
#pragma once

#include <string>
#include <string_view>

namespace geoloom::catalog {

// "s3://", "https://", ... and GDAL's /vsi names: not on this machine's disk.
bool is_remote(std::string_view href);

// The name GDAL opens: s3://b/k -> /vsis3/b/k, https://... -> /vsicurl/https://..., file:// ->
// path. Network file systems only: another /vsi name (archives, memory, standard input) and another
// scheme is Error(denied), because documents come from strangers.
std::string gdal_path(const std::string& href);

// An href of a document made absolute: relative ones count from the document's folder. A document
// from the network cannot point to this machine's disk: Error(denied).
std::string resolve_href(const std::string& document, const std::string& href);

std::string absolute_path(const std::string& path);  // local paths; remote names stay
// URLs without "?..." and "#...": signatures change, objects do not.
std::string without_query(const std::string& href);

std::string folder_of(const std::string& path);     // without the last '/'
std::string file_name_of(const std::string& path);  // after the last '/'
std::string extension_of(const std::string& path);  // lower case, without the dot
bool is_image_name(const std::string& path);        // tif, tiff, jp2

}  // namespace geoloom::catalog
