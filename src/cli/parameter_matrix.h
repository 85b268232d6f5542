// SPDX-License-Identifier: Apache-2.0
// --matrix regions.csv: a table of parameters, one run per row.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "workflow/document.h"

namespace geoloom::cli {

inline constexpr size_t kMaxMatrixRows = 10000;

struct MatrixRow {
  std::string label;                                      // its first cell
  std::string place;                                      // "regions.csv:3"
  std::map<std::string, workflow::GivenParameter> given;  // an empty cell gives nothing
};

// The first line names parameters of the document; cells are read like values of -p. Throws
// Error(invalid) with file and line: a column that is no parameter or stands twice, a line with
// another number of cells than the first, no row, too many rows.
std::vector<MatrixRow> read_matrix(const std::string& path, const workflow::Document& document);

// What one row comes to before anything is looked up.
struct MatrixTarget {
  std::string place;
  std::string store;
  std::vector<std::string> layers;
};

// Throws Error(invalid) where two rows make a layer of one name in one store: the later would take
// the place of the earlier.
void check_stores(const std::vector<MatrixTarget>& targets);

}  // namespace geoloom::cli
