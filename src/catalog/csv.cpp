// SPDX-License-Identifier: Apache-2.0
#include "catalog/csv.h"

#include "error/error.h"

namespace geoloom::catalog {
namespace {

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

[[noreturn]] void refuse(const std::string& file, int line) {
  Place place;
  place.file = file;
  place.line = line;
  throw Error(ErrorCode::invalid, "a quote does not end on its line").at(place);
}

// The quoted field that begins at `at`; moves `at` behind it.
std::string quoted_field(std::string_view line, size_t& at, const std::string& file, int number) {
  std::string field;
  for (size_t i = at + 1; i < line.size(); ++i) {
    if (line[i] != '"') {
      field += line[i];
    } else if (i + 1 < line.size() && line[i + 1] == '"') {
      field += line[i++];
    } else {
      at = i + 1;
      return field;
    }
  }
  refuse(file, number);
}

std::vector<std::string> fields_of(std::string_view line, char separator, const std::string& file,
                                   int number) {
  std::vector<std::string> fields;
  for (size_t at = 0;; ++at) {
    const size_t first = line.find_first_not_of(" \t", at);
    if (first != std::string_view::npos && line[first] == '"') {
      at = first;
      fields.push_back(quoted_field(line, at, file, number));
      at = line.find(separator, at);
    } else {
      const size_t end = line.find(separator, at);
      fields.push_back(trimmed(line.substr(at, end == std::string_view::npos ? end : end - at)));
      at = end;
    }
    if (at == std::string_view::npos) return fields;
  }
}

}  // namespace

std::vector<CsvLine> csv_lines(std::string_view text, const std::string& file) {
  std::vector<CsvLine> lines;
  char separator = 0;
  int number = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const auto line = text.substr(start, end - start);
    start = end + 1;
    ++number;
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') continue;
    if (separator == 0) {
      const size_t at = line.find_first_of(",;\t");
      separator = at == std::string_view::npos ? ',' : line[at];
    }
    lines.push_back({number, fields_of(line, separator, file, number)});
  }
  return lines;
}

}  // namespace geoloom::catalog
