// SPDX-License-Identifier: Apache-2.0
#include "raster/asset_pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gdal/dataset.h"

namespace geoloom::raster {

namespace {

constexpr std::chrono::seconds kLongestIdle{60};

}  // namespace

bool AssetPool::Idle::current() const {
  if (!gdal::is_remote(asset.path())) return !asset.outdated();
  return std::chrono::steady_clock::now() - since < kLongestIdle;
}

AssetPool::AssetPool(size_t max_open) : max_open_(std::max<size_t>(max_open, 1)) {}

AssetPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      asset_(std::move(other.asset_)),
      reusable_(other.reusable_) {}

AssetPool::Lease::~Lease() {
  if (pool_ != nullptr) pool_->give_back(std::move(asset_), reusable_);
}

AssetPool::Lease AssetPool::lease(const std::string& path) {
  std::list<Idle> closed;  // destroyed after the lock is released: closing may take time
  {
    std::unique_lock lock(mutex_);
    for (;;) {
      const auto idle = std::find_if(idle_.begin(), idle_.end(),
                                     [&path](const Idle& d) { return d.asset.path() == path; });
      if (idle != idle_.end() && !idle->current()) {
        closed.splice(closed.end(), idle_, idle);
        continue;
      }
      if (idle != idle_.end()) {
        Asset asset = std::move(idle->asset);
        idle_.erase(idle);
        ++leased_;
        return Lease(*this, std::move(asset));
      }
      if (idle_.size() + leased_ < max_open_) break;
      if (!idle_.empty()) {
        closed.splice(closed.end(), idle_, std::prev(idle_.end()));
        break;
      }
      returned_.wait(lock);
    }
    ++leased_;
  }
  closed.clear();
  try {
    return Lease(*this, Asset::open(path));
  } catch (...) {
    const std::lock_guard lock(mutex_);
    --leased_;
    returned_.notify_one();
    throw;
  }
}

size_t AssetPool::open_count() const {
  const std::lock_guard lock(mutex_);
  return idle_.size() + leased_;
}

void AssetPool::give_back(Asset asset, bool reusable) {
  std::list<Idle> returned;
  returned.push_back({std::move(asset), std::chrono::steady_clock::now()});
  const std::lock_guard lock(mutex_);
  --leased_;
  if (reusable) idle_.splice(idle_.begin(), returned);
  returned_.notify_one();
}

}  // namespace geoloom::raster
