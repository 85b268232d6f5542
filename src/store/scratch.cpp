// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>

#include "error/error.h"
#include "store/scratch_locks.h"
#include "store/store.h"

namespace geoloom::store {
namespace {

namespace fs = std::filesystem;
constexpr const char* kLock = "lock";
constexpr const char* kPrefix = "geoloom-";
// A folder is being made for some milliseconds; one that is this old never will be.
constexpr std::chrono::hours kNewbornAge{1};
constexpr int kMaxAttempts = 1000;

class LockFile {
 public:
  LockFile(const fs::path& folder, int flags)
      : fd_(::open((folder / kLock).c_str(), flags | O_CLOEXEC, 0644)) {}
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool opened() const { return fd_ >= 0; }
  bool taken() const { return fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) == 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A folder whose lock nobody holds belongs to a process that died.
void remove_dead_siblings(const fs::path& parent) {
  std::error_code error;
  for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    const bool newborn = name.starts_with(std::string("new-") + kPrefix);
    if (!newborn && !name.starts_with(kPrefix)) continue;
    const LockFile lock(it->path(), O_RDONLY);
    bool dead = lock.taken();
    if (newborn && !lock.opened()) {  // its owner may be about to lock it
      const auto age = fs::file_time_type::clock::now() - fs::last_write_time(it->path(), ignored);
      dead = !ignored && age > kNewbornAge;
    }
    if (dead) fs::remove_all(it->path(), ignored);
  }
}

// Throws what a failure to make a folder means.
[[noreturn]] void fail(const std::string& path, int number) {
  ErrorCode code = ErrorCode::unavailable;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::denied;
  if (number == ENOSPC || number == EDQUOT || number == EMFILE) code = ErrorCode::resource;
  if (number == EEXIST || number == ENOTDIR) code = ErrorCode::invalid;
  throw Error(code, "cannot make a scratch folder")
      .at({.file = path})
      .cause(std::generic_category().message(number));
}

}  // namespace

bool scratch_in_use(const std::string& parent) {
  std::error_code error;
  for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
    if (!it->path().filename().string().starts_with(kPrefix)) continue;
    const LockFile lock(it->path(), O_RDONLY);
    if (lock.opened() && !lock.taken()) return true;
  }
  return false;
}

Scratch::Scratch(const std::string& parent) {
  remove_dead_siblings(parent);
  // Another process that cleans up may take a folder between its making and its locking.
  for (int attempts = 1; !make(parent, attempts == kMaxAttempts); ++attempts) {
  }
}

bool Scratch::make(const std::string& parent, bool last_attempt) {
  std::error_code error;
  int attempts = 0;
  const std::string name = fmt::format("{}{}-{:08x}", kPrefix, ::getpid(), std::random_device{}());
  // Under its final name the folder is locked from the beginning: others take a folder without a
  // held lock for a dead one.
  const fs::path made = fs::path(parent) / ("new-" + name);
  const fs::path final_path = fs::path(parent) / name;
  // The last owner beside us removes an empty parent when it leaves; then it is made again.
  bool again = true;
  while (again) {
    fs::create_directories(made, error);
    again = (error == std::errc::no_such_file_or_directory || error == std::errc::file_exists) &&
            ++attempts < kMaxAttempts;
  }
  if (error) fail(made.string(), error.value());
  LockFile lock(made, O_RDWR | O_CREAT);
  const int number = errno;
  const bool locked = lock.taken();
  if (locked) fs::rename(made, final_path, error);
  if (!locked || error) {
    std::error_code ignored;
    const bool lost = locked ? error == std::errc::no_such_file_or_directory
                             : lock.opened() && errno == EWOULDBLOCK;
    fs::remove_all(made, ignored);
    if (lost && !last_attempt) return false;
    fail(made.string(), error ? error.value() : lock.opened() ? errno : number);
  }
  path_ = final_path.string();
  own_ = std::make_unique<gdal::OwnFolder>(path_);
  lock_fd_ = lock.release();
  return true;
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

ScratchFolder::ScratchFolder(const Scratch& scratch) : path_(scratch.file("attempt")) {
  std::error_code error;
  fs::create_directory(path_, error);
  if (error) fail(path_, error.value());
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace geoloom::store
