// SPDX-License-Identifier: Apache-2.0
#include "ops/load/read_scratch.h"

#include <algorithm>
#include <utility>

namespace geoloom::ops {

const raster::WarpedWindow& WarpedWindows::get(const geo::Grid& onto, const geo::Grid& source,
                                               const FrozenWarp& frozen, const raster::Warp& warp,
                                               const geo::Window& part,
                                               std::span<const raster::Resampling> methods) {
  const auto same = [&](const std::unique_ptr<Entry>& entry) {
    return entry->part == part && entry->scale == frozen.scale &&
           std::equal(methods.begin(), methods.end(), entry->methods.begin(),
                      entry->methods.end()) &&
           entry->onto == onto && entry->source == source && entry->operation == frozen.operation;
  };
  auto found = std::find_if(entries_.begin(), entries_.end(), same);
  if (found == entries_.end()) {
    if (entries_.size() >= kKeptWarpedWindows) entries_.pop_back();
    entries_.push_back(std::make_unique<Entry>(Entry{
        onto, source, frozen.operation, frozen.scale, part,
        std::vector(methods.begin(), methods.end()), raster::WarpedWindow(warp, part, methods)}));
    found = entries_.end() - 1;
  }
  std::rotate(entries_.begin(), found, found + 1);
  return entries_.front()->window;
}

std::unique_ptr<ReadScratch> ReadScratchPool::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return std::make_unique<ReadScratch>();
  auto scratch = std::move(free_.back());
  free_.pop_back();
  return scratch;
}

void ReadScratchPool::give_back(std::unique_ptr<ReadScratch> scratch) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(scratch));
}

}  // namespace geoloom::ops
