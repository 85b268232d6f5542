// SPDX-License-Identifier: Apache-2.0
// Ending reads that wait for a server, because somebody asked to stop.
#pragma once

#include <atomic>
#include <chrono>

namespace geoloom::gdal {

// While it lives, requests and waits of this thread end soon after the flag is set, with
// Error(cancelled). Files on web servers (/vsicurl/) end at once; requests that GDAL sends itself,
// as to buckets, end when they are answered or out of time. The flag outlives it.
class Interruptible {
 public:
  // Null: not interrupted.
  explicit Interruptible(const std::atomic<bool>* flag);
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  ~Interruptible();

 private:
  const std::atomic<bool>* before_;
};

// Of this thread; null where there is none.
const std::atomic<bool>* interruption();

// A wait that ends early by throwing Error(cancelled).
void interruptible_sleep(std::chrono::duration<double> time);

}  // namespace geoloom::gdal
