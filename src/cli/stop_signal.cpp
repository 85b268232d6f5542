// SPDX-License-Identifier: Apache-2.0
#include "cli/stop_signal.h"

#include <unistd.h>

#include <csignal>
#include <cstring>

namespace geoloom::cli {
namespace {

std::atomic<bool> requested{false};
std::atomic<int> received{0};
std::atomic<const char*> announcement{""};

extern "C" void on_signal(int signal) {
  if (requested.exchange(true)) _exit(128 + signal);
  received.store(signal);
  const char* text = announcement.load();
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
}

}  // namespace

const std::atomic<bool>& stop_on_signals(const char* text) {
  announcement.store(text);
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  return requested;
}

int stop_signal() {
  return received.load();
}

}  // namespace geoloom::cli
