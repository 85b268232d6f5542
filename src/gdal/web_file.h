// SPDX-License-Identifier: Apache-2.0
// Private to this folder: files on plain web servers, read in parts without GDAL. GDAL asks for a
// file's size before it asks for bytes, takes whatever part a server sends for the one it asked
// for, and does not notice when a file changes between two parts; over a network these cost time
// and wrong pixels.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gdal/random_access_file.h"

namespace geoloom::gdal {

// A version of a file, as its server's first answer tells of it. Immutable; threads share it.
class WebFile {
 public:
  // Of "/vsicurl/http(s)://...": asks for the first bytes, unless that was done a short while ago.
  // Null where GDAL has to read the file: other paths, servers that redirect or ask who is there,
  // and settings (GDAL_HTTP_HEADERS, proxies, certificates ...) that only GDAL knows.
  //
  // Throws Error: missing, unavailable (after retries), corrupt (an answer that is no part of a
  // file), each with the path as place.
  static std::shared_ptr<const WebFile> open(const std::string& path);

  uint64_t size() const { return size_; }
  size_t known_bytes() const { return start_.size(); }     // from the first on; read without asking
  const std::string& version() const { return version_; }  // entity tag, or time and size
  // Fills all ranges, which lie within the file; several at once. Throws as open does, and
  // Error(corrupt) when the file is no longer the one that was opened.
  void read(std::span<const ByteRange> ranges) const;

 private:
  WebFile() = default;
  void read(const ByteRange& range) const;

  std::string path_, url_;
  uint64_t size_ = 0;
  std::string version_;
  std::vector<std::byte> start_;
};

}  // namespace geoloom::gdal
