// SPDX-License-Identifier: Apache-2.0
#include "gdal/dataset_pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace geoloom::gdal {

DatasetPool::DatasetPool(size_t max_open) : max_open_(std::max<size_t>(max_open, 1)) {}

DatasetPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      dataset_(std::move(other.dataset_)),
      reusable_(other.reusable_) {}

DatasetPool::Lease::~Lease() {
  if (pool_ != nullptr) pool_->give_back(std::move(dataset_), reusable_);
}

DatasetPool::Lease DatasetPool::lease(const std::string& path) {
  std::list<Dataset> closed;  // destroyed after the lock is released: closing may take time
  {
    std::unique_lock lock(mutex_);
    for (;;) {
      const auto idle = std::find_if(idle_.begin(), idle_.end(),
                                     [&path](const Dataset& d) { return d.path() == path; });
      if (idle != idle_.end()) {
        Dataset dataset = std::move(*idle);
        idle_.erase(idle);
        ++leased_;
        return Lease(*this, std::move(dataset));
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
    return Lease(*this, Dataset::open(path));
  } catch (...) {
    const std::lock_guard lock(mutex_);
    --leased_;
    returned_.notify_one();
    throw;
  }
}

size_t DatasetPool::open_count() const {
  const std::lock_guard lock(mutex_);
  return idle_.size() + leased_;
}

void DatasetPool::give_back(Dataset dataset, bool reusable) {
  std::list<Dataset> returned;
  returned.push_back(std::move(dataset));
  const std::lock_guard lock(mutex_);
  --leased_;
  if (reusable) idle_.splice(idle_.begin(), returned);
  returned_.notify_one();
}

}  // namespace geoloom::gdal
