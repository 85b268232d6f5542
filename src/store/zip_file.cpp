// SPDX-License-Identifier: Apache-2.0
#include "store/zip_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "error/error.h"
#include "store/archive_handle.h"

namespace geoloom::store {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 16;
constexpr int kMode = 0644;
// Members have no times, so that bytes do not tell when. Zips keep local time from 1980 on; what
// is before that in all time zones becomes 1980-01-01 in all of them.
constexpr time_t kBeforeAll = 315532800 - 2 * 24 * 60 * 60;

[[noreturn]] void throw_corrupt(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::corrupt, "the zip file is damaged").at({.file = path}).cause(why);
}

bool leads_out(const std::string& name) {
  const std::filesystem::path path(name);
  if (name.empty() || path.is_absolute() || name.find('\\') != std::string::npos) return true;
  return std::any_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
}

Archive opened(const std::string& path, const std::string* bytes) {
  Archive file(archive_read_new());
  // The directory at the end counts, as it does for others who read zips.
  archive_read_support_format_zip_seekable(file.get());
  if (bytes != nullptr) {
    if (archive_read_open_memory(file.get(), bytes->data(), bytes->size()) == ARCHIVE_OK)
      return file;
    throw_corrupt(path, words_of(file.get()));
  }
  if (archive_read_open_filename(file.get(), path.c_str(), kPieceBytes) == ARCHIVE_OK) return file;
  const bool there = std::filesystem::exists(path);
  throw Error(there ? ErrorCode::corrupt : ErrorCode::missing,
              there ? "this is no zip file" : "there is no such file")
      .at({.file = path})
      .cause(words_of(file.get()));
}

// Moves to the next plain file, whose name and size these are; false at the end.
bool next_member(archive* file, const std::string& path, ZipMember& member) {
  archive_entry* entry = nullptr;
  for (;;) {
    const int status = archive_read_next_header(file, &entry);
    if (status == ARCHIVE_EOF) return false;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) throw_corrupt(path, words_of(file));
    const char* given = archive_entry_pathname(entry);
    member.name = given == nullptr ? "" : given;
    if (leads_out(member.name))
      throw_refused(path, fmt::format("'{}' leads out of the folder", member.name));
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr)
      throw_refused(path, fmt::format("'{}' is a link or a device", member.name));
    if (archive_entry_is_encrypted(entry) != 0)
      throw_refused(path, fmt::format("'{}' is encrypted", member.name));
    member.bytes = archive_entry_size_is_set(entry) != 0
                       ? static_cast<uint64_t>(std::max<la_int64_t>(0, archive_entry_size(entry)))
                       : 0;
    return true;
  }
}

}  // namespace

struct ZipWriter::Impl {
  std::string path, unfinished;
  Archive file;
  uint64_t left = 0;  // of the member that was begun
  bool closed = false;

  [[noreturn]] void refuse() const { throw_unwritable(file.get(), path); }
  void require_whole() const {
    if (left != 0)
      throw Error(ErrorCode::internal, fmt::format("{} bytes of a member are missing", left))
          .at({.file = path});
  }
};

ZipWriter::ZipWriter(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->unfinished = path + ".part";
  impl_->file.reset(archive_write_new());
  archive_write_set_format_zip(impl_->file.get());
  archive_write_zip_set_compression_store(impl_->file.get());
  archive_write_set_bytes_in_last_block(impl_->file.get(), 1);
  if (archive_write_open_filename(impl_->file.get(), impl_->unfinished.c_str()) != ARCHIVE_OK)
    impl_->refuse();
}

ZipWriter::~ZipWriter() {
  if (impl_->closed) return;
  impl_->file.reset();
  std::error_code ignored;
  std::filesystem::remove(impl_->unfinished, ignored);
}

void ZipWriter::begin(const std::string& name, uint64_t bytes) {
  impl_->require_whole();
  const Entry entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), kMode);
  archive_entry_set_mtime(entry.get(), kBeforeAll, 0);
  if (archive_write_header(impl_->file.get(), entry.get()) != ARCHIVE_OK) impl_->refuse();
  impl_->left = bytes;
}

void ZipWriter::write(const void* data, size_t bytes) {
  if (bytes > impl_->left)
    throw Error(ErrorCode::internal, "more bytes than the member was said to have")
        .at({.file = impl_->path});
  const auto* from = static_cast<const char*>(data);
  for (size_t done = 0; done < bytes;) {
    const auto put = archive_write_data(impl_->file.get(), from + done, bytes - done);
    if (put <= 0) impl_->refuse();
    done += static_cast<size_t>(put);
  }
  impl_->left -= bytes;
}

void ZipWriter::add(const std::string& name, std::string_view content) {
  begin(name, content.size());
  write(content.data(), content.size());
}

void ZipWriter::close() {
  impl_->require_whole();
  if (archive_write_close(impl_->file.get()) != ARCHIVE_OK) impl_->refuse();
  std::error_code error;
  std::filesystem::rename(impl_->unfinished, impl_->path, error);
  if (error)
    throw Error(ErrorCode::denied, "the file cannot be written")
        .at({.file = impl_->path})
        .cause(error.message());
  impl_->closed = true;
}

ZipReader::ZipReader(const std::string& path) : path_(path) {
  list_members();
}

ZipReader::ZipReader(std::string bytes, const std::string& path)
    : path_(path), bytes_(std::make_shared<const std::string>(std::move(bytes))) {
  list_members();
}

void ZipReader::list_members() {
  const auto& path = path_;
  const auto file = opened(path, bytes_.get());
  std::set<std::string> names;
  for (ZipMember member; next_member(file.get(), path, member);) {
    if (!names.insert(member.name).second)
      throw_refused(path, fmt::format("'{}' is there twice", member.name));
    if (members_.size() == kMostZipMembers)
      throw_refused(path, fmt::format("it has more than {} members", kMostZipMembers));
    members_.push_back(member);
  }
}

const ZipMember* ZipReader::find(const std::string& name) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const auto& member) { return member.name == name; });
  return found == members_.end() ? nullptr : &*found;
}

std::string ZipReader::text(const std::string& name, uint64_t limit_bytes) const {
  ZipMemberStream stream(*this, name);
  std::string text, piece(kPieceBytes, '\0');
  for (;;) {
    const size_t got = stream.read(piece.data(), piece.size());
    if (text.size() + got > limit_bytes)
      throw_refused(path_, fmt::format("'{}' holds more than {} bytes", name, limit_bytes));
    text.append(piece, 0, got);
    if (got < piece.size()) return text;
  }
}

struct ZipMemberStream::Impl {
  std::string path;
  std::shared_ptr<const std::string> bytes;  // outlives the file
  Archive file;
};

ZipMemberStream::ZipMemberStream(const ZipReader& zip, const std::string& name)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = zip.path();
  impl_->bytes = zip.bytes_;
  impl_->file = opened(zip.path(), impl_->bytes.get());
  for (ZipMember member; next_member(impl_->file.get(), zip.path(), member);)
    if (member.name == name) return;
  throw Error(ErrorCode::missing, fmt::format("the zip file has no member '{}'", name))
      .at({.file = zip.path()});
}

ZipMemberStream::ZipMemberStream(ZipMemberStream&&) noexcept = default;
ZipMemberStream& ZipMemberStream::operator=(ZipMemberStream&&) noexcept = default;
ZipMemberStream::~ZipMemberStream() = default;

size_t ZipMemberStream::read(void* to, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    const auto got =
        archive_read_data(impl_->file.get(), static_cast<char*>(to) + done, bytes - done);
    if (got < 0) throw_corrupt(impl_->path, words_of(impl_->file.get()));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace geoloom::store
