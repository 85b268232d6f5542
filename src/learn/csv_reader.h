// SPDX-License-Identifier: Apache-2.0
// Records of a text file, one at a time, so that the file need not fit into memory.
#pragma once

#include <fstream>
#include <string>
#include <vector>

namespace geoloom::learn {

class CsvReader {
 public:
  // Reads the first record, which holds names. A file that begins with "# " has blanks between
  // the columns; else it is the first of , ; and tab in the first line. Throws Error: missing,
  // invalid.
  explicit CsvReader(const std::string& path);
  const std::vector<std::string>& names() const { return names_; }
  // The next record, false at the end. Empty lines are left out. Throws Error(invalid) with the
  // line: a quote that does not end, more than kMostRecordBytes, not as many fields as names.
  bool next(std::vector<std::string>& fields);
  int line() const { return line_; }  // of the record read last

  static constexpr size_t kMostRecordBytes = size_t{16} << 20;

 private:
  bool take_line(std::string& text);
  void split(const std::string& first_line, std::vector<std::string>& fields);
  void take_quoted(std::string& text, size_t& at, std::string& field);
  [[noreturn]] void refuse(const std::string& why) const;

  std::string path_;
  std::ifstream file_;
  char separator_ = ',';  // ' ': any blanks
  int line_ = 0, lines_read_ = 0;
  std::vector<std::string> names_;
};

}  // namespace geoloom::learn
