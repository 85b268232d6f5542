// SPDX-License-Identifier: Apache-2.0
#include "tiff/scratch_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include "error/error.h"

namespace geoloom::tiff {
namespace {

[[noreturn]] void fail(const std::string& folder, const char* what, int error) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  throw Error(denied ? ErrorCode::denied : ErrorCode::resource, what)
      .at({.file = folder})
      .cause(std::generic_category().message(error));
}

}  // namespace

ScratchFile::~ScratchFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int ScratchFile::opened() {
  const std::lock_guard lock(opening_);
  if (descriptor_ >= 0) return descriptor_;
  static std::atomic<unsigned> counter{0};
  const std::string path = fmt::format("{}/blocks-{}-{}", folder_, ::getpid(), counter++);
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor_ < 0) fail(folder_, "the scratch file cannot be created", errno);
  ::unlink(path.c_str());
  return descriptor_;
}

void ScratchFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  const int descriptor = opened();
  while (!bytes.empty()) {
    const ssize_t done =
        ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail(folder_, "writing the scratch file failed", done < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<size_t>(done));
    offset += static_cast<uint64_t>(done);
  }
}

void ScratchFile::read(uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t done =
        ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail(folder_, "reading the scratch file failed", done < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<size_t>(done));
    offset += static_cast<uint64_t>(done);
  }
}

}  // namespace geoloom::tiff
