// SPDX-License-Identifier: Apache-2.0
#include "store/local_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "error/error.h"
#include "gdal/allowed_roots.h"

namespace geoloom::store {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, mode_t mode = 0644)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& what, const std::string& path, int error) {
  ErrorCode code = ErrorCode::unavailable;
  std::string hint;
  if (error == EACCES || error == EPERM || error == EROFS) {
    code = ErrorCode::denied;
    hint = "choose a store that can be written to";
  } else if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    code = ErrorCode::resource;
    hint = "free disk space and run the same command again; finished items are kept";
  } else if (error == ENOENT) {
    code = ErrorCode::missing;
  } else if (error == ENOTDIR || error == EISDIR || error == EEXIST || error == ENAMETOOLONG) {
    code = ErrorCode::invalid;
  }
  Error failure(code, what);
  failure.at({.file = path}).cause(std::strerror(error)).hint(hint);
  throw failure;
}

void write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// Renames survive a power cut only when the folder is synced too.
void sync_folder(const fs::path& folder) {
  const Descriptor handle(folder.string(), O_RDONLY | O_DIRECTORY);
  if (!handle.ok() || ::fsync(handle.get()) != 0)
    fail("cannot sync the folder", folder.string(), errno);
}

// A new folder is an entry of its parent, which must be on disk as well.
void make_folders(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return;
  if (folder.has_parent_path() && folder.parent_path() != folder)
    make_folders(folder.parent_path());
  if (!fs::create_directory(folder, error) && !error) return;
  if (error) fail("cannot make the folder", folder.string(), error.value());
  if (folder.has_parent_path()) sync_folder(folder.parent_path());
}

class LocalStore final : public Store {
 public:
  explicit LocalStore(const std::string& folder)
      : url_(folder), root_(fs::absolute(folder).lexically_normal()) {
    if (root_.filename().empty()) root_ = root_.parent_path();
    gdal::check_writable(root_.string());
    make_folders(root_);
    // Permission bits say little (root, read-only mounts), so try.
    const auto probe = (root_ / fmt::format(".write-test-{}", ::getpid())).string();
    const Descriptor file(probe, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.ok()) fail("the store cannot be written to", root_.string(), errno);
    ::unlink(probe.c_str());
  }

  void put_file(const std::string& scratch_path, const std::string& name) override {
    const auto target = place(name, gdal::Access::write);
    {
      const Descriptor file(scratch_path, O_RDONLY);
      if (!file.ok()) fail("the finished file is gone", scratch_path, errno);
      if (::fsync(file.get()) != 0) fail("cannot sync", scratch_path, errno);
    }
    make_folders(target.parent_path());
    if (::rename(scratch_path.c_str(), target.c_str()) != 0)
      fail("cannot move the finished file into the store", target.string(), errno);
    // Two names of one file (a hard link) make rename do nothing and leave the scratch name.
    ::unlink(scratch_path.c_str());
    sync_folder(target.parent_path());
  }

  // By way of a scratch folder: what a killed process leaves there, the next one removes.
  void put_bytes(std::string_view bytes, const std::string& name) override {
    (void)place(name, gdal::Access::write);
    const Scratch scratch(scratch_parent(*this));
    const auto temporary = scratch.file("bytes");
    {
      const Descriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL);
      if (!file.ok()) fail("cannot write", temporary, errno);
      write_all(file.get(), bytes, temporary);
    }
    put_file(temporary, name);
  }

  void copy(const std::string& name, const std::string& to) override {
    const auto source = place(name), target = place(to, gdal::Access::write);
    make_folders(target.parent_path());
    std::error_code error;
    fs::create_hard_link(source, target, error);
    if (!error) return;
    const Scratch scratch(scratch_parent(*this));
    const auto temporary = scratch.file("copy");
    fs::create_hard_link(source, temporary, error);
    if (error) fs::copy_file(source, temporary, error);
    if (error) fail("cannot copy", source.string(), error.value());
    if (::rename(temporary.c_str(), target.c_str()) != 0)
      fail("cannot move the copy into the store", target.string(), errno);
    ::unlink(temporary.c_str());  // two names of one file make rename do nothing
  }

  void append_record(std::string_view bytes, const std::string& name) override {
    const auto target = place(name, gdal::Access::write);
    make_folders(target.parent_path());
    const Descriptor file(target.string(), O_WRONLY | O_CREAT | O_APPEND);
    if (!file.ok()) fail("cannot append", target.string(), errno);
    write_all(file.get(), bytes, target.string());
    if (::fdatasync(file.get()) != 0) fail("cannot sync", target.string(), errno);
  }

  std::string get_bytes(const std::string& name, size_t limit_bytes) const override {
    const auto path = place(name).string();
    const Descriptor file(path, O_RDONLY);
    if (!file.ok()) fail("cannot read", path, errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) fail("cannot read", path, errno);
    if (static_cast<size_t>(status.st_size) > limit_bytes)
      throw Error(ErrorCode::invalid, fmt::format("{} bytes are more than the {} allowed here",
                                                  status.st_size, limit_bytes))
          .at({.file = path});
    std::string bytes(static_cast<size_t>(status.st_size), '\0');
    size_t got = 0;
    while (got < bytes.size()) {
      const ssize_t read = ::read(file.get(), bytes.data() + got, bytes.size() - got);
      if (read < 0 && errno == EINTR) continue;
      if (read < 0) fail("cannot read", path, errno);
      if (read == 0) break;
      got += static_cast<size_t>(read);
    }
    bytes.resize(got);
    return bytes;
  }

  std::optional<int64_t> size_of(const std::string& name) const override {
    struct stat status {};
    const auto path = place(name).string();
    if (::stat(path.c_str(), &status) == 0)
      return S_ISREG(status.st_mode) ? std::optional<int64_t>(status.st_size) : std::nullopt;
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail("cannot look at", path, errno);
  }

  std::vector<std::string> list(const std::string& prefix) const override {
    // Only the folder part narrows the walk; the rest is compared.
    const auto slash = prefix.rfind('/');
    const auto start = slash == std::string::npos ? root_ : place(prefix.substr(0, slash));
    std::vector<std::string> names;
    std::error_code error;
    fs::recursive_directory_iterator entry(start, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      std::error_code vanished;  // removed between listing and looking: simply not there
      const bool hidden = entry->path().filename().string().starts_with(".");
      if (hidden && entry->is_directory(vanished)) entry.disable_recursion_pending();
      if (hidden || !entry->is_regular_file(vanished)) continue;
      auto name = entry->path().lexically_relative(root_).generic_string();
      if (name.starts_with(prefix)) names.push_back(std::move(name));
    }
    // A folder that may not be read is not an empty one.
    const bool absent =
        error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
    if (error && !absent) fail("cannot list", start.string(), error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  void remove(const std::string& name) override {
    const auto path = place(name, gdal::Access::write).string();
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail("cannot remove", path, errno);
  }

  // As the user wrote it: relative stays relative, so that messages and printed paths are short.
  std::string path_of(const std::string& name) const override {
    check_name(name);
    return (fs::path(url_) / name).lexically_normal().string();
  }
  const std::string& url() const override { return url_; }
  bool local() const override { return true; }

 private:
  fs::path place(const std::string& name, gdal::Access access = gdal::Access::read) const {
    check_name(name);
    auto path = root_ / name;
    gdal::check_access(path.string(), access);  // a link in the store may lead out of it
    return path;
  }

  std::string url_;
  fs::path root_;
};

}  // namespace

std::unique_ptr<Store> open_local_store(const std::string& folder) {
  return std::make_unique<LocalStore>(folder);
}

}  // namespace geoloom::store
