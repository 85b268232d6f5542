// SPDX-License-Identifier: Apache-2.0
// Tables as arrays in files of their own, which is how eo-grow merges samples: one .npy per
// feature array, one with the reference, one with the number of the patch of each row.
#pragma once

#include <string>
#include <vector>

#include "learn/table_file.h"

namespace geoloom::learn {

// Arrays of one table: all have as many rows.
struct NpyTables {
  // N, N x d or N x t x d: dates first, then bands, side by side in the order of the list. A
  // column is called after its file and its place there, from 0: "FEATURES/3", "FEATURES/2/3"; or
  // as `names` says.
  std::vector<std::string> features;
  std::vector<std::string> names;  // of all columns; empty: as above
  std::string label;               // N or N x 1; empty: none
  LabelType label_type = LabelType::number;
  std::string label_name = "label";
  std::string item;  // N whole numbers: items "0", "1", ...; empty: one item
};
// Throws Error: missing, corrupt, invalid (shapes that do not agree, and which), resource.
SampleTable read_npy_tables(const NpyTables& tables, uint64_t limit_bytes);

// Writes one column of a table file, in pieces: "features" as N x F, or N x steps x F / steps where
// `steps` > 1 divides F; "label" as N x 1; others as N. Blocks keep their height and width in the
// middle. Throws Error(invalid) for a column that is not there.
void write_npy_column(const std::string& table_path, const std::string& column, uint64_t steps,
                      const std::string& to);

}  // namespace geoloom::learn
