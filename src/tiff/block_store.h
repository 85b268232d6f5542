// SPDX-License-Identifier: Apache-2.0
// Compressed blocks that wait for the end of a file's writing: the first of them in memory, the
// others in a scratch file.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tiff/scratch_file.h"

namespace geoloom::tiff {

class BlockStore {
 public:
  struct Place {
    uint64_t offset = 0;
    uint32_t size = 0;  // bytes; 0: no block
  };

  BlockStore(const std::string& scratch_folder, size_t memory_bytes);
  // Thread-safe. Throws Error(resource) when the disk is full.
  Place add(std::span<const std::byte> block);
  // The block's bytes, in memory of the store or in `buffer`; valid until the next call with it.
  // Not while blocks are still being added by other threads.
  std::span<const std::byte> read(const Place& place, std::vector<std::byte>& buffer) const;

 private:
  const size_t memory_bytes_;
  const std::unique_ptr<std::byte[]> memory_;  // the system gives pages as they are touched
  std::atomic<uint64_t> end_{0};
  ScratchFile file_;
};

}  // namespace geoloom::tiff
