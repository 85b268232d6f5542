// SPDX-License-Identifier: Apache-2.0
// Private to this folder: whole blobs for Azure. What GDAL writes to /vsiaz/ in pieces is an append
// blob, which others see while it grows; a list of blocks shows up when it is complete.
#pragma once

#include <string>
#include <string_view>

namespace geoloom::gdal {

bool is_azure(std::string_view path);
// `source` is a local path or another blob; blobs are copied by the server. Throws Error.
void put_blob_file(const std::string& source, const std::string& target);
void put_blob_bytes(std::string_view bytes, const std::string& target);

}  // namespace geoloom::gdal
