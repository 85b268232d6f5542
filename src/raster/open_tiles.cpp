// SPDX-License-Identifier: Apache-2.0
#include "raster/open_tiles.h"

#include <utility>

#include "error/error.h"

namespace geoloom::raster {

OpenTiles::OpenTiles(const TileShape& shape, const Pyramid& pyramid,
                     const std::string& scratch_folder, size_t memory_bytes, size_t images)
    : shape_(shape),
      pyramid_(pyramid),
      memory_bytes_(memory_bytes),
      closed_(pyramid.tiles() * images),
      scratch_(scratch_folder) {}

Pyramid::Position OpenTiles::position(size_t number) const {
  return pyramid_.position(number % pyramid_.tiles());
}

uint64_t OpenTiles::samples_of(size_t number) const {
  const auto at = position(number);
  const auto pixels = static_cast<uint64_t>(pyramid_.window(at).pixels());
  return at.level == 0 ? pixels * shape_.bands : pixels;
}

void OpenTiles::put_aside(Entry& entry) {
  if (entry.slot < 0) {
    if (free_slots_.empty()) free_slots_.push_back(slots_++);
    entry.slot = free_slots_.back();
    free_slots_.pop_back();
  }
  scratch_.write(static_cast<uint64_t>(entry.slot) * shape_.bytes(), entry.tile->bytes());
  spare_ = entry.tile->take_memory();
  entry.tile.reset();
  held_bytes_ -= shape_.bytes();
}

void OpenTiles::make_room() {
  while (held_bytes_ + shape_.bytes() > memory_bytes_) {
    Entry* oldest = nullptr;
    for (auto& [number, entry] : entries_) {
      if (entry.tile == nullptr || entry.holders > 0) continue;
      if (oldest == nullptr || entry.used < oldest->used) oldest = &entry;
    }
    if (oldest == nullptr) return;  // all are at work: as many as there are threads
    put_aside(*oldest);
  }
}

Tile& OpenTiles::hold(size_t number) {
  const std::lock_guard lock(mutex_);
  if (closed_[number]) throw Error(ErrorCode::internal, "pixels of a file were written twice");
  const auto [found, fresh] = entries_.try_emplace(number);
  Entry& entry = found->second;
  if (fresh) entry.missing = samples_of(number);
  if (entry.tile == nullptr) {
    make_room();
    entry.tile =
        std::make_unique<Tile>(shape_, pyramid_.window(position(number)), std::move(spare_));
    held_bytes_ += shape_.bytes();
    if (entry.slot >= 0)
      scratch_.read(static_cast<uint64_t>(entry.slot) * shape_.bytes(), entry.tile->bytes());
  }
  ++entry.holders;
  return *entry.tile;
}

std::unique_ptr<Tile> OpenTiles::let_go(size_t number, uint64_t samples) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(number);
  if (samples > entry.missing)
    throw Error(ErrorCode::internal, "pixels of a file were written twice");
  --entry.holders;
  entry.missing -= samples;
  entry.used = ++clock_;
  // Others that hold it still have something to fill in.
  if (entry.missing > 0) return nullptr;
  std::unique_ptr<Tile> tile = std::move(entry.tile);
  if (entry.slot >= 0) free_slots_.push_back(entry.slot);
  entries_.erase(number);
  closed_[number] = true;
  held_bytes_ -= shape_.bytes();
  return tile;
}

void OpenTiles::reuse(std::unique_ptr<Tile> tile) {
  auto memory = tile->take_memory();
  const std::lock_guard lock(mutex_);
  spare_.swap(memory);
}

bool OpenTiles::closed(size_t number) const {
  const std::lock_guard lock(mutex_);
  return closed_[number];
}

uint64_t OpenTiles::missing(size_t number) const {
  const std::lock_guard lock(mutex_);
  if (closed_[number]) return 0;
  const auto found = entries_.find(number);
  return found == entries_.end() ? samples_of(number) : found->second.missing;
}

}  // namespace geoloom::raster
