// SPDX-License-Identifier: Apache-2.0
// What reading keeps from scene to scene: memory that is not given back to the system in between,
// and the places of pixels, which scenes of one grid share.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "ops/load/frozen_series.h"
#include "raster/warp.h"

namespace geoloom::ops {

// Bytes that are written before they are read. Only ever grows.
class ScratchBytes {
 public:
  // Invalidates what was got before.
  template <class T>
  T* get(size_t count) {
    const size_t bytes = count * sizeof(T);
    if (bytes > size_) {
      bytes_.reset();
      bytes_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
      size_ = bytes;
    }
    return reinterpret_cast<T*>(bytes_.get());
  }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  size_t size_ = 0;
};

// Windows of warps that were asked for last.
class WarpedWindows {
 public:
  // `onto` is the grid of the zone; valid until the next call.
  const raster::WarpedWindow& get(const geo::Grid& onto, const geo::Grid& source,
                                  const FrozenWarp& frozen, const raster::Warp& warp,
                                  const geo::Window& part,
                                  std::span<const raster::Resampling> methods);

 private:
  struct Entry {
    geo::Grid onto, source;
    geo::CoordinateOperation operation;
    geo::PixelScale scale;
    geo::Window part;
    std::vector<raster::Resampling> methods;
    raster::WarpedWindow window;
  };
  std::vector<std::unique_ptr<Entry>> entries_;  // the last one used first
};
inline constexpr size_t kKeptWarpedWindows = 2;  // bands of two pixel sizes are common
inline constexpr size_t kKeptBytesPerTargetPixel = kKeptWarpedWindows * 3 * sizeof(int32_t);

// Of one read at a time.
struct ReadScratch {
  WarpedWindows windows;
  raster::ResampleScratch resampling;
  std::vector<ScratchBytes> planes;  // by band of a file
  ScratchBytes valid, part_valid, resampled;
};

// As many as there were reads at once.
class ReadScratchPool {
 public:
  class Lease {
   public:
    explicit Lease(ReadScratchPool& pool) : pool_(pool), scratch_(pool.take()) {}
    ~Lease() { pool_.give_back(std::move(scratch_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ReadScratch& operator*() const { return *scratch_; }

   private:
    ReadScratchPool& pool_;
    std::unique_ptr<ReadScratch> scratch_;
  };

 private:
  std::unique_ptr<ReadScratch> take();
  void give_back(std::unique_ptr<ReadScratch> scratch);

  std::mutex mutex_;
  std::vector<std::unique_ptr<ReadScratch>> free_;
};

}  // namespace geoloom::ops
