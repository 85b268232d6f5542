// SPDX-License-Identifier: Apache-2.0
// libarchive's handles, and what its refusals mean: what tar and zip files have in common.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <memory>
#include <string>

#include "error/error.h"

namespace geoloom::store {

struct ArchiveCloser {
  void operator()(archive* file) const { archive_free(file); }
};
using Archive = std::unique_ptr<archive, ArchiveCloser>;

struct EntryCloser {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Entry = std::unique_ptr<archive_entry, EntryCloser>;

inline std::string words_of(archive* file) {
  const char* words = archive_error_string(file);
  return words == nullptr ? "unknown error" : words;
}

[[noreturn]] inline void throw_unwritable(archive* file, const std::string& path) {
  throw Error(archive_errno(file) == ENOSPC ? ErrorCode::resource : ErrorCode::denied,
              "the file cannot be written")
      .at({.file = path})
      .cause(words_of(file));
}

[[noreturn]] inline void throw_refused(const std::string& path, const std::string& why) {
  throw Error(ErrorCode::denied, "refused: " + why).at({.file = path});
}

}  // namespace geoloom::store
