// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>

#include "error/error.h"
#include "store/store.h"

namespace geoloom::store {
namespace {

namespace fs = std::filesystem;
constexpr const char* kLock = "lock";
constexpr const char* kPrefix = "geoloom-";

// A folder whose lock nobody holds belongs to a process that died.
void remove_dead_siblings(const fs::path& parent) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const int fd = ::open((entry.path() / kLock).c_str(), O_RDONLY | O_CLOEXEC);
    // No lock file yet: its owner is about to make it.
    if (fd < 0) continue;
    const bool dead = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (dead) fs::remove_all(entry.path(), error);
    ::close(fd);
  }
}

}  // namespace

Scratch::Scratch(const std::string& parent) {
  std::error_code error;
  fs::create_directories(parent, error);
  if (error)
    throw Error(error == std::errc::permission_denied ? ErrorCode::denied : ErrorCode::unavailable, "cannot make a scratch folder")
        .at({.file = parent})
        .cause(error.message());
  remove_dead_siblings(parent);
  path_ = (fs::path(parent) / fmt::format("{}{}-{:08x}", kPrefix, ::getpid(), std::random_device{}())).string();
  fs::create_directory(path_, error);
  if (!error) lock_fd_ = ::open((fs::path(path_) / kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (error || lock_fd_ < 0 || ::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0)
    throw Error(ErrorCode::denied, "cannot make a scratch folder").at({.file = path_}).cause(error ? error.message() : std::strerror(errno));
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  if (lock_fd_ >= 0) ::close(lock_fd_);
  // Leaves no empty folder behind; fails harmlessly while others use it.
  fs::remove(fs::path(path_).parent_path(), ignored);
}

std::string Scratch::file(std::string_view stem) const {
  static std::atomic<unsigned> counter{0};
  return (fs::path(path_) / fmt::format("{}-{}", stem, counter++)).string();
}

}  // namespace geoloom::store
