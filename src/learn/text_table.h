// SPDX-License-Identifier: Apache-2.0
// Tables of samples as texts: CSV (RFC 4180, with , ; or tab between the columns) and what
// numpy.savetxt writes with a header: "# name name ..." and then numbers between blanks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "learn/table_file.h"

namespace geoloom::learn {

// Which column is what. Names are those of the file's first line.
struct TextColumns {
  // In this order; empty: all columns that hold nothing but numbers and are not named below.
  std::vector<std::string> features;
  std::vector<std::string> ignore;
  std::string label;  // empty: none
  // Texts become codes 1, 2, ... in the order of their bytes, and their names are kept. Of none:
  // classes when all are whole numbers or texts, else number.
  std::optional<LabelType> label_type;
  std::vector<LabelClass> classes;  // empty: those that are there
  std::string x, y, crs;
  std::string date;   // 2019-04-14, with or without a time
  std::string group;  // whole numbers as they are; other texts become 63 bit of their XXH3 hash
  std::string weight;
  std::string item;  // texts
  // A feature of this value is missing, as are "", "nan", "NA", "null" and infinite numbers.
  std::optional<double> missing;
};

// Throws Error: missing, invalid (with the line: a row that is too short or long, a feature that
// is no number; with the nearest name: a column that is not there), resource beyond `limit_bytes`.
SampleTable read_text_table(const std::string& path, const TextColumns& columns,
                            uint64_t limit_bytes);
// Adds x and y of a file with one "x y" per row of the table, in its order.
void read_text_locations(const std::string& path, const std::string& crs, SampleTable& table);

// A field of CSV: in quotes where it has to be.
std::string in_quotes(const std::string& text);

// CSV of a table file, read in pieces: item, x, y, date, group, weight, fold, label, features;
// numbers in the fewest digits that give them back, nothing for what is missing. Throws
// Error(invalid) for blocks of more than one pixel.
void write_csv(const std::string& table_path, const std::string& to);

}  // namespace geoloom::learn
