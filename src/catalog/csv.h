// SPDX-License-Identifier: Apache-2.0
// Lines of comma-separated values (RFC 4180): quotes may hold commas, and doubled quotes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace geoloom::catalog {

struct CsvLine {
  int number = 0;                   // 1-based, in the file
  std::vector<std::string> fields;  // without blanks around them, unless quoted
};

// Empty lines and those that begin with '#' are left out. The separator is the first of , ; and tab
// in the first line. Throws Error(invalid) with the line for a quote that does not end.
std::vector<CsvLine> csv_lines(std::string_view text, const std::string& file);

}  // namespace geoloom::catalog
