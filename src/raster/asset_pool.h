// SPDX-License-Identifier: Apache-2.0
// Leases of open files. Opening a scene costs a header read, so handles are kept; a handle has
// one user at a time, so two threads that want one file get two handles.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>

#include "raster/asset.h"

namespace geoloom::raster {

class AssetPool {
 public:
  explicit AssetPool(size_t max_open);

  class Lease {
   public:
    Lease(AssetPool& pool, Asset asset) : pool_(&pool), asset_(std::move(asset)) {}
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    const Asset& operator*() const { return asset_; }
    const Asset* operator->() const { return &asset_; }
    // Call when a read failed: the handle is closed instead of being reused.
    void discard() { reusable_ = false; }

   private:
    AssetPool* pool_;
    Asset asset_;
    bool reusable_ = true;
  };

  // An idle handle of that path, unless the file was replaced meanwhile, or a new one. Remote files
  // are opened anew when their handle was idle for a minute, as whether they were replaced cannot
  // be told without asking. When max_open handles are idle or leased, the least recently used idle
  // one is closed first; when all are leased, waits.
  Lease lease(const std::string& path);
  size_t open_count() const;

 private:
  void give_back(Asset asset, bool reusable);

  const size_t max_open_;
  mutable std::mutex mutex_;
  std::condition_variable returned_;
  struct Idle {
    Asset asset;
    std::chrono::steady_clock::time_point since;
    bool current() const;
  };
  std::list<Idle> idle_;  // most recently used first
  size_t leased_ = 0;
};

}  // namespace geoloom::raster
