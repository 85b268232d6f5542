// SPDX-License-Identifier: Apache-2.0
// Parts of a file, wherever it is: local files by pread, others by range requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace geoloom::gdal {

struct ByteRange {
  uint64_t offset = 0;
  size_t bytes = 0;
  std::byte* to = nullptr;
};

// Open for reading. Local files may be read by several threads at once, others by one at a time.
class RandomAccessFile {
 public:
  // `path` as for Dataset::open. Throws Error: missing, denied, invalid, resource, unavailable.
  static RandomAccessFile open(const std::string& path);
  RandomAccessFile(RandomAccessFile&&) noexcept;
  RandomAccessFile& operator=(RandomAccessFile&&) noexcept;
  ~RandomAccessFile();

  uint64_t size() const;
  bool remote() const;  // every read is a request
  // Changes when the file is replaced or written to. Of objects in stores size and time, as the
  // library last heard of them.
  const std::string& version() const;
  // Fills all ranges. Throws Error(corrupt) when the file ends before a range does or is no longer
  // the one that was opened, and
  // Error(unavailable|denied|missing) when the disk or the server fails.
  void read(std::span<const ByteRange> ranges) const;
  // The same for pieces of a header, which lie near each other: over a network what is around a
  // piece comes with it, and is kept for the next.
  void read_header(const ByteRange& piece) const;

 private:
  struct Impl;
  explicit RandomAccessFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The version that a local file at this path has now; empty when there is none, or it is remote.
std::string local_version(const std::string& path);

}  // namespace geoloom::gdal
