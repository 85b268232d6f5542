// SPDX-License-Identifier: Apache-2.0
#include "tiff/block_store.h"

#include <cstring>

namespace geoloom::tiff {

BlockStore::BlockStore(const std::string& scratch_folder, size_t memory_bytes)
    : memory_bytes_(memory_bytes),
      memory_(std::make_unique_for_overwrite<std::byte[]>(memory_bytes)),
      file_(scratch_folder) {}

BlockStore::Place BlockStore::add(std::span<const std::byte> block) {
  const Place place{end_.fetch_add(block.size()), static_cast<uint32_t>(block.size())};
  if (place.offset + place.size <= memory_bytes_)
    std::memcpy(memory_.get() + place.offset, block.data(), block.size());
  else
    file_.write(place.offset, block);  // the file begins with a hole as large as the memory
  return place;
}

std::span<const std::byte> BlockStore::read(const Place& place,
                                            std::vector<std::byte>& buffer) const {
  if (place.offset + place.size <= memory_bytes_) return {memory_.get() + place.offset, place.size};
  buffer.resize(place.size);
  file_.read(place.offset, buffer);
  return buffer;
}

}  // namespace geoloom::tiff
