// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "gdal/azure_upload.h"
#include "gdal/dataset.h"
#include "gdal/handles.h"
#include "gdal/request_retry.h"

namespace geoloom::gdal {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCopyBytes = size_t{1} << 20;
// GDAL sends what is smaller to Azure in one piece.
constexpr size_t kOnePieceBytes = size_t{1} << 20;

using FileHandle = std::unique_ptr<VSILFILE, int (*)(VSILFILE*)>;

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::missing;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorCode::resource;
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return ErrorCode::invalid;
    default:
      return ErrorCode::unavailable;
  }
}

Error local_error(int error_number, const std::string& path, std::string message) {
  return Error(code_of(error_number), std::move(message))
      .at({.file = path})
      .cause(std::generic_category().message(error_number));
}

// What other processes wrote must be seen, and so must what was not there before.
std::string fresh(const std::string& path, Access access = Access::read) {
  initialise();
  std::string checked = checked_path(path, access);
  if (is_remote(checked)) VSICurlPartialClearCache(checked.c_str());
  return checked;
}

std::string without_quotes(std::string etag) {
  etag.erase(std::remove(etag.begin(), etag.end(), '"'), etag.end());
  return etag;
}

std::string etag_of(const std::string& path) {
  const CPLStringList headers(VSIGetFileMetadata(path.c_str(), "HEADERS", nullptr));
  for (const char* const name : {"ETag", "etag", "Etag"})
    if (const char* value = headers.FetchNameValue(name)) return without_quotes(value);
  return {};
}

// Writes are complete only when the handle is closed without an error: object stores send the last
// part then, and file systems may find out about quotas.
class Output {
 public:
  explicit Output(const std::string& path)
      : path_(path), capture_(path), file_(open(checked_path(path, Access::write)), &VSIFCloseL) {
    if (file_) return;
    if (is_remote(path)) throw capture_.error(ErrorCode::unavailable, "cannot be written");
    throw local_error(errno, path_, "the file cannot be written");
  }
  void write(std::string_view bytes) {
    errno = 0;
    if (VSIFWriteL(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) fail();
  }
  void close() {
    errno = 0;
    if (VSIFCloseL(file_.release()) != 0) fail();
  }

 private:
  static VSILFILE* open(const std::string& path) { return VSIFOpenExL(path.c_str(), "wb", true); }
  [[noreturn]] void fail() const {
    const int error_number = errno;
    if (is_remote(path_))
      throw capture_.error(ErrorCode::unavailable, "the object cannot be written");
    throw local_error(error_number == 0 ? ENOSPC : error_number, path_, "writing failed");
  }

  std::string path_;
  Capture capture_;
  FileHandle file_;
};

std::string name_beside(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return fmt::format("{}.part-{}-{}", path, getpid(), counter++);
}

// Runs `fill` on an Output for the path; a local file shows up only when it is complete.
template <typename Fill>
void put(const std::string& path, const Fill& fill) {
  initialise();
  const bool remote = path.starts_with("/vsi");
  const std::string scratch = remote ? path : name_beside(path);
  try {
    Output output(scratch);
    fill(output);
    output.close();
    std::error_code failed;
    if (!remote) fs::rename(scratch, path, failed);
    if (failed) throw local_error(failed.value(), path, "the file cannot be put in place");
  } catch (...) {
    std::error_code ignored;
    if (!remote) fs::remove(scratch, ignored);
    throw;
  }
}

std::vector<FileEntry> list_local(const std::string& folder, bool recursive) {
  std::vector<FileEntry> entries;
  std::error_code failed;
  const auto check = [&](const char* message) {
    if (failed) throw local_error(failed.value(), folder, message);
  };
  const auto add = [&](const fs::directory_entry& entry) {
    struct stat status {};  // a file that vanishes meanwhile is simply not there
    if (::stat(entry.path().c_str(), &status) == 0 && S_ISREG(status.st_mode))
      entries.push_back({.name = entry.path().lexically_relative(folder).generic_string(),
                         .size = status.st_size,
                         .modified_s = status.st_mtime});
  };
  if (recursive) {
    for (fs::recursive_directory_iterator it(folder, failed), end; !failed && it != end;
         it.increment(failed))
      add(*it);
  } else {
    for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed))
      add(*it);
  }
  check("the folder cannot be listed");
  return entries;
}

struct CloseDir {
  void operator()(VSIDIR* dir) const { VSICloseDir(dir); }
};

std::vector<FileEntry> list_virtual(const std::string& folder, bool recursive) {
  const Capture capture(folder);
  std::vector<FileEntry> entries;
  const std::unique_ptr<VSIDIR, CloseDir> dir(
      VSIOpenDir(folder.c_str(), recursive ? -1 : 0, nullptr));
  while (dir) {
    const VSIDIREntry* entry = VSIGetNextDirEntry(dir.get());
    if (entry == nullptr) break;
    if (VSI_ISDIR(entry->nMode)) continue;
    const char* etag = CSLFetchNameValue(entry->papszExtra, "ETag");
    entries.push_back({.name = entry->pszName,
                       .size = static_cast<int64_t>(entry->nSize),
                       .modified_s = static_cast<int64_t>(entry->nMTime),
                       .etag = without_quotes(etag == nullptr ? "" : etag)});
  }
  // GDAL ends a listing early, and silently, when a page of it is refused.
  if (capture.remote_code() || capture.without_credentials())
    throw capture.error(ErrorCode::unavailable, "the folder cannot be listed");
  return entries;
}

std::optional<FileStatus> status_of(const std::string& path) {
  const std::string checked = fresh(path);
  const Capture capture(path);
  VSIStatBufL status{};
  errno = 0;
  const int flags = VSI_STAT_EXISTS_FLAG | VSI_STAT_NATURE_FLAG | VSI_STAT_SIZE_FLAG;
  if (VSIStatExL(checked.c_str(), &status, flags) == 0) {
    FileStatus out;
    out.size = static_cast<int64_t>(status.st_size);
    out.modified_s = static_cast<int64_t>(status.st_mtime);
    out.directory = VSI_ISDIR(status.st_mode);
    if (is_remote(checked) && !out.directory) out.etag = etag_of(checked);
    return out;
  }
  if (!is_remote(checked)) {
    if (errno == 0 || code_of(errno) == ErrorCode::missing) return std::nullopt;
    throw local_error(errno, path, "the file cannot be looked at");
  }
  if (capture.remote_code() == ErrorCode::missing &&
      capture.remote_text().find("NoSuchBucket") == std::string::npos)
    return std::nullopt;
  throw capture.error(ErrorCode::unavailable, "the object cannot be looked at");
}

std::string bytes_of(const std::string& path, size_t limit_bytes) {
  initialise();
  const std::string first = first_bytes(path, std::min<size_t>(limit_bytes + 1, 16384));
  const Capture capture(path);
  const FileHandle file(VSIFOpenExL(checked_path(path).c_str(), "rb", true), &VSIFCloseL);
  if (!file || VSIFSeekL(file.get(), 0, SEEK_END) != 0)
    throw capture.error(ErrorCode::unavailable, "the file cannot be opened");
  const vsi_l_offset size = VSIFTellL(file.get());
  if (size > limit_bytes)
    throw Error(ErrorCode::invalid,
                fmt::format("the file has {} bytes; at most {} are read here", size, limit_bytes))
        .at({.file = path});
  VSIRewindL(file.get());
  std::string bytes(static_cast<size_t>(size), '\0');
  if (VSIFReadL(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    throw capture.error(ErrorCode::unavailable, "the file ended early");
  return bytes;
}

void write_whole(const std::string& path, std::string_view bytes) {
  initialise();
  if (is_azure(path) && bytes.size() > kOnePieceBytes) return put_blob_bytes(bytes, path);
  put(path, [bytes](Output& output) { output.write(bytes); });
}

void remove_whole(const std::string& path);

void copy_whole(const std::string& local_path, const std::string& vsi_path) {
  initialise();
  const std::string source_path = checked_path(local_path);
  first_bytes(local_path, 1);
  if (is_azure(vsi_path)) return put_blob_file(local_path, vsi_path);
  const FileHandle source(VSIFOpenExL(source_path.c_str(), "rb", true), &VSIFCloseL);
  if (!source) throw local_error(errno, local_path, "the file cannot be read");
  VSIFSeekL(source.get(), 0, SEEK_END);
  const vsi_l_offset size = VSIFTellL(source.get());
  VSIRewindL(source.get());
  vsi_l_offset copied = 0;
  put(vsi_path, [&](Output& output) {
    std::string buffer(kCopyBytes, '\0');
    while (copied < size) {
      const size_t count = VSIFReadL(buffer.data(), 1, buffer.size(), source.get());
      if (count == 0) break;
      output.write(std::string_view(buffer).substr(0, count));
      copied += count;
    }
  });
  if (copied == size) return;
  // Closing a handle completes the object, whatever is in it; there is no way to give it up.
  remove_whole(vsi_path);
  throw Error(ErrorCode::unavailable, "the file ended early while it was copied")
      .at({.file = local_path});
}

std::vector<FileEntry> entries_in(const std::string& folder, bool recursive) {
  std::string checked = fresh(folder);
  while (checked.size() > 1 && checked.ends_with('/')) checked.pop_back();
  auto entries = checked.starts_with("/vsi") ? list_virtual(checked, recursive)
                                             : list_local(checked, recursive);
  std::sort(entries.begin(), entries.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.name < b.name; });
  return entries;
}

void remove_whole(const std::string& path) {
  const std::string checked = fresh(path, Access::write);
  const Capture capture(path);
  errno = 0;
  if (VSIUnlink(checked.c_str()) == 0) return;
  if (!is_remote(checked)) {
    if (errno == 0 || code_of(errno) == ErrorCode::missing) return;
    throw local_error(errno, path, "the file cannot be removed");
  }
  if (capture.remote_code() == ErrorCode::missing) return;
  throw capture.error(ErrorCode::unavailable, "the object cannot be removed");
}

}  // namespace

std::optional<FileStatus> file_status(const std::string& path) {
  return with_retries([&] { return status_of(path); });
}

std::string read_file(const std::string& path, size_t limit_bytes) {
  return with_retries([&] { return bytes_of(path, limit_bytes); });
}

void write_file(const std::string& path, std::string_view bytes) {
  with_retries([&] { write_whole(path, bytes); });
}

void copy_into(const std::string& local_path, const std::string& vsi_path) {
  with_retries([&] { copy_whole(local_path, vsi_path); });
}

std::vector<FileEntry> list_entries(const std::string& folder, bool recursive) {
  return with_retries([&] { return entries_in(folder, recursive); });
}

std::vector<std::string> list_files(const std::string& folder, bool recursive) {
  std::vector<std::string> names;
  for (auto& entry : list_entries(folder, recursive)) names.push_back(std::move(entry.name));
  return names;
}

void remove_file(const std::string& path) {
  with_retries([&] { remove_whole(path); });
}

void move_file(const std::string& from, const std::string& to) {
  std::error_code failed;
  fs::rename(checked_path(from, Access::write), checked_path(to, Access::write), failed);
  if (failed) throw local_error(failed.value(), to, "the file cannot be put in place");
}

void forget_cached_listings() {
  initialise();
  VSICurlClearCache();
}

}  // namespace geoloom::gdal
