// SPDX-License-Identifier: Apache-2.0
// A nameless file for what does not fit in memory. It is made when the first byte is written, and
// goes with its object, or with the process, however that ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>

namespace geoloom::tiff {

// Thread-safe. Throws Error(resource) when the disk is full, Error(denied) when the folder cannot
// be written to; both name the folder.
class ScratchFile {
 public:
  explicit ScratchFile(std::string folder) : folder_(std::move(folder)) {}
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile();

  void write(uint64_t offset, std::span<const std::byte> bytes);
  void read(uint64_t offset, std::span<std::byte> bytes) const;

 private:
  int opened();

  const std::string folder_;
  std::mutex opening_;
  int descriptor_ = -1;
};

}  // namespace geoloom::tiff
