// SPDX-License-Identifier: Apache-2.0
// Leases of open datasets. Opening a scene costs a header read, so handles are kept; a handle has
// one user at a time, so two threads that want one file get two handles.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>

#include "gdal/dataset.h"

namespace geoloom::gdal {

class DatasetPool {
 public:
  explicit DatasetPool(size_t max_open);

  class Lease {
   public:
    Lease(DatasetPool& pool, Dataset dataset) : pool_(&pool), dataset_(std::move(dataset)) {}
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    const Dataset& operator*() const { return dataset_; }
    const Dataset* operator->() const { return &dataset_; }
    // Call when a read failed: the handle is closed instead of being reused.
    void discard() { reusable_ = false; }

   private:
    DatasetPool* pool_;
    Dataset dataset_;
    bool reusable_ = true;
  };

  // An idle handle of that path, or a new one. When max_open handles are idle or leased, the least
  // recently used idle one is closed first; when all are leased, waits.
  Lease lease(const std::string& path);
  size_t open_count() const;

 private:
  void give_back(Dataset dataset, bool reusable);

  const size_t max_open_;
  mutable std::mutex mutex_;
  std::condition_variable returned_;
  std::list<Dataset> idle_;  // most recently used first
  size_t leased_ = 0;
};

}  // namespace geoloom::gdal
