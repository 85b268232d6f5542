// SPDX-License-Identifier: Apache-2.0
// Tables of samples in files: an .npz, which is a zip of arrays that numpy.load reads, and beside
// them meta.json, which says what they are. For N rows of F features:
//
//   features  float32  N x F, or N x height x width x F of blocks
//   label     int64 (classes; the smallest number: not known) or float64; N, or N x height x width
//   x, y      float64  N, in the CRS of meta.json: centres of samples
//   item      uint32   N, index into the items of meta.json
//   date      datetime64[D]  N, NaT: none
//   group     int64    N, -1: none
//   weight    float64  N, how many pixels the sample stands for
//   fold      int32    N, the round in which the row is tested; -1: in none
//
// Columns that meta.json says are not there are absent. The same table gives the same bytes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "learn/sample_table.h"

namespace geoloom::learn {

// All of a table but its columns.
struct TableInfo {
  TableSchema schema;
  uint64_t rows = 0;
  std::vector<std::string> items;
  SamplingRecord sampling;
};

// Bytes of memory that the columns of one row take.
size_t bytes_per_row(const TableSchema& schema);

void write_table(const std::string& path, const SampleTable& table);
// Of meta.json alone. Throws Error: missing, corrupt, denied, invalid (no table of ours, with what
// to do).
TableInfo describe_table(const std::string& path);
// Throws Error(resource) where the columns need more than `limit_bytes`; else as describe_table().
SampleTable read_table(const std::string& path, uint64_t limit_bytes);

// All columns but the features, which stay empty: what splits look at. Throws Error(resource) where
// these columns need more than `limit_bytes`; else as describe_table().
SampleTable read_table_without_features(const std::string& path, uint64_t limit_bytes);
// One feature of the (first pixel of the) rows, read in pieces.
std::vector<float> read_feature(const std::string& path, size_t feature);
// The table `from` with these folds, one per row, in place of those it may have. Other columns are
// copied in pieces.
void write_table_with_folds(const std::string& from, std::span<const int32_t> fold,
                            const std::string& to);

// One table of several, rows in the order of the paths; what memory holds besides the names of
// items does not grow with the number of tables or rows. Throws Error(invalid) naming the first
// table whose rows do not fit, and what differs. A table of no rows is merged like any other.
TableInfo merge_tables(const std::vector<std::string>& paths, const std::string& to);

}  // namespace geoloom::learn
