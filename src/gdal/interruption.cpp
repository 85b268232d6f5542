// SPDX-License-Identifier: Apache-2.0
#include "gdal/interruption.h"

#include <algorithm>
#include <thread>

#include "error/error.h"

namespace geoloom::gdal {
namespace {

thread_local const std::atomic<bool>* flag_of_thread = nullptr;

}  // namespace

Interruptible::Interruptible(const std::atomic<bool>* flag) : before_(flag_of_thread) {
  flag_of_thread = flag;
}

Interruptible::~Interruptible() {
  flag_of_thread = before_;
}

const std::atomic<bool>* interruption() {
  return flag_of_thread;
}

void interruptible_sleep(std::chrono::duration<double> time) {
  constexpr std::chrono::duration<double> kLook(0.02);
  const auto until = std::chrono::steady_clock::now() + time;
  for (;;) {
    if (flag_of_thread != nullptr && flag_of_thread->load())
      throw Error(ErrorCode::cancelled, "stopped");
    const std::chrono::duration<double> left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) return;
    std::this_thread::sleep_for(flag_of_thread == nullptr ? left : std::min(left, kLook));
  }
}

}  // namespace geoloom::gdal
