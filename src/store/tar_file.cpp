// SPDX-License-Identifier: Apache-2.0
#include "store/tar_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "error/error.h"
#include "store/archive_handle.h"

namespace geoloom::store {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr int kMode = 0644;

void write_entries(archive* file, const std::string& path, const NamedTexts& texts) {
  for (const auto& [name, text] : texts) {
    const Entry entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(text.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), kMode);
    if (archive_write_header(file, entry.get()) != ARCHIVE_OK ||
        archive_write_data(file, text.data(), text.size()) != static_cast<la_ssize_t>(text.size()))
      throw_unwritable(file, path);
  }
  if (archive_write_close(file) != ARCHIVE_OK) throw_unwritable(file, path);
}

// Below the folder it would be unpacked in.
bool leads_out(const std::string& name) {
  const std::filesystem::path path(name);
  if (name.empty() || path.is_absolute() || name.find('\\') != std::string::npos) return true;
  for (const auto& part : path)
    if (part == "..") return true;
  return false;
}

std::string text_of(archive* file, const std::string& path, size_t limit_bytes) {
  std::string text, piece(kPieceBytes, '\0');
  for (;;) {
    const auto got = archive_read_data(file, piece.data(), piece.size());
    if (got < 0)
      throw Error(ErrorCode::corrupt, "the tar file is damaged")
          .at({.file = path})
          .cause(words_of(file));
    if (got == 0) return text;
    if (text.size() + static_cast<size_t>(got) > limit_bytes)
      throw_refused(path, fmt::format("it holds more than {} bytes", limit_bytes));
    text.append(piece, 0, static_cast<size_t>(got));
  }
}

Archive opened(const std::string& path) {
  Archive file(archive_read_new());
  archive_read_support_format_tar(file.get());
  archive_read_support_filter_all(file.get());
  if (archive_read_open_filename(file.get(), path.c_str(), kPieceBytes) == ARCHIVE_OK) return file;
  const bool there = std::filesystem::exists(path);
  throw Error(there ? ErrorCode::corrupt : ErrorCode::missing,
              there ? "this is no tar file" : "there is no such file")
      .at({.file = path})
      .cause(words_of(file.get()));
}

}  // namespace

void write_tar_file(const std::string& path, const NamedTexts& texts) {
  const auto unfinished = path + ".part";
  try {
    const Archive file(archive_write_new());
    archive_write_set_format_pax_restricted(file.get());
    if (archive_write_open_filename(file.get(), unfinished.c_str()) != ARCHIVE_OK)
      throw_unwritable(file.get(), path);
    write_entries(file.get(), path, texts);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(unfinished, ignored);
    throw;
  }
  std::error_code error;
  std::filesystem::rename(unfinished, path, error);
  if (error)
    throw Error(ErrorCode::denied, "the file cannot be written")
        .at({.file = path})
        .cause(error.message());
}

NamedTexts read_tar_file(const std::string& path, size_t limit_bytes) {
  const auto file = opened(path);
  NamedTexts texts;
  size_t left = limit_bytes;
  archive_entry* entry = nullptr;
  for (;;) {
    const int status = archive_read_next_header(file.get(), &entry);
    if (status == ARCHIVE_EOF) return texts;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
      throw Error(ErrorCode::corrupt, "the tar file is damaged")
          .at({.file = path})
          .cause(words_of(file.get()));
    const char* given = archive_entry_pathname(entry);
    const std::string name = given == nullptr ? "" : given;
    if (leads_out(name)) throw_refused(path, fmt::format("'{}' leads out of the folder", name));
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr)
      throw_refused(path, fmt::format("'{}' is a link or a device", name));
    auto text = text_of(file.get(), path, left);
    left -= text.size();
    if (!texts.emplace(name, std::move(text)).second)
      throw_refused(path, fmt::format("'{}' is there twice", name));
  }
}

}  // namespace geoloom::store
