// SPDX-License-Identifier: Apache-2.0
#include "learn/csv_reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "error/error.h"

namespace geoloom::learn {
namespace {

constexpr const char* kBlanks = " \t";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

void split_at_blanks(const std::string& text, std::vector<std::string>& fields) {
  for (size_t at = text.find_first_not_of(kBlanks); at != std::string::npos;) {
    const size_t end = text.find_first_of(kBlanks, at);
    fields.push_back(text.substr(at, end == std::string::npos ? end : end - at));
    at = text.find_first_not_of(kBlanks, end);
  }
}

}  // namespace

CsvReader::CsvReader(const std::string& path) : path_(path) {
  if (std::filesystem::is_directory(path))
    throw Error(ErrorCode::invalid, "this is a folder, not a file").at({.file = path});
  file_.open(path, std::ios::binary);
  if (!file_)
    throw Error(errno == ENOENT ? ErrorCode::missing : ErrorCode::denied,
                errno == ENOENT ? "there is no such file" : "the file cannot be read")
        .at({.file = path})
        .cause(std::strerror(errno));
  std::string first;
  while (first.empty())
    if (!take_line(first)) refuse("the file is empty");
  if (first.starts_with(kByteOrderMark)) first.erase(0, kByteOrderMark.size());
  line_ = lines_read_;
  if (first.starts_with("#")) {
    separator_ = ' ';
    first.erase(0, 1);
  } else if (const size_t at = first.find_first_of(",;\t"); at != std::string::npos) {
    separator_ = first[at];
  }
  split(first, names_);
}

void CsvReader::refuse(const std::string& why) const {
  throw Error(ErrorCode::invalid, why).at({.file = path_, .line = line_});
}

bool CsvReader::take_line(std::string& text) {
  text.clear();
  // Character by character: a line without end must not take all memory.
  auto* buffer = file_.rdbuf();
  for (int c = buffer->sbumpc();; c = buffer->sbumpc()) {
    if (c == std::char_traits<char>::eof()) {
      if (text.empty()) return false;
      break;
    }
    if (c == '\n') break;
    if (text.size() == kMostRecordBytes) refuse("a line is longer than 16 MiB");
    text += static_cast<char>(c);
  }
  if (text.ends_with('\r')) text.pop_back();
  ++lines_read_;
  return true;
}

// A field in quotes that begins at `at`; it may go on in the next lines of the file.
void CsvReader::take_quoted(std::string& text, size_t& at, std::string& field) {
  for (++at;; ++at) {
    if (at >= text.size()) {
      std::string more;
      if (!take_line(more)) refuse("a quote does not end");
      if (text.size() + more.size() > kMostRecordBytes) refuse("a record is longer than 16 MiB");
      text += '\n' + more;
    }
    if (text[at] != '"') {
      field += text[at];
    } else if (at + 1 < text.size() && text[at + 1] == '"') {
      field += text[++at];
    } else {
      ++at;
      return;
    }
  }
}

void CsvReader::split(const std::string& first_line, std::vector<std::string>& fields) {
  if (separator_ == ' ') return split_at_blanks(first_line, fields);
  std::string text = first_line;
  for (size_t at = 0;; ++at) {
    const size_t first = text.find_first_not_of(separator_ == '\t' ? " " : kBlanks, at);
    std::string field;
    if (first != std::string::npos && text[first] == '"') {
      at = first;
      take_quoted(text, at, field);
      at = text.find(separator_, at);
    } else {
      const size_t end = text.find(separator_, at);
      field = trimmed(text.substr(at, end == std::string::npos ? end : end - at));
      at = end;
    }
    fields.push_back(std::move(field));
    if (at == std::string::npos) return;
  }
}

bool CsvReader::next(std::vector<std::string>& fields) {
  std::string text;
  fields.clear();
  do {
    if (!take_line(text)) return false;
    line_ = lines_read_;
  } while (text.find_first_not_of(kBlanks) == std::string::npos ||
           (separator_ == ' ' && text.starts_with('#')));
  split(text, fields);
  if (fields.size() != names_.size())
    refuse(
        fmt::format("the row has {} fields, the first line has {}", fields.size(), names_.size()));
  return true;
}

}  // namespace geoloom::learn
