// SPDX-License-Identifier: Apache-2.0
// The columns of a table as arrays: their names, types and shapes in files, and where they are in
// memory. Only for what reads and writes tables.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "error/error.h"
#include "learn/npy.h"
#include "learn/sample_table.h"

namespace geoloom::learn {

struct TableColumn {
  std::string name;
  NpyType type = NpyType::float64;
  std::vector<uint64_t> inner;  // shape behind the rows; empty: one number per row
  size_t values_per_row() const {
    size_t values = 1;
    for (const uint64_t length : inner) values *= length;
    return values;
  }
};

// In the order in which files hold them.
std::vector<TableColumn> columns_of(const TableSchema& schema);
std::vector<uint64_t> shape_of(const TableColumn& column, uint64_t rows);

// Calls body(T{}) with the type that holds the column in memory.
template <class Body>
void with_element(NpyType type, const Body& body) {
  switch (type) {
    case NpyType::float32:
      return body(float{});
    case NpyType::float64:
      return body(double{});
    case NpyType::int64:
    case NpyType::days:
      return body(int64_t{});
    case NpyType::uint32:
      return body(uint32_t{});
    case NpyType::int32:
      return body(int32_t{});
    default:
      throw Error(ErrorCode::internal, "no column of a table has this type");
  }
}

// Calls body(vector) with the column's values in `table`, const or not.
template <class Table, class Body>
void with_values(Table& table, const TableColumn& column, const Body& body) {
  if (column.name == "features") return body(table.features);
  if (column.name == "label" && column.type == NpyType::int64) return body(table.class_labels);
  if (column.name == "label") return body(table.number_labels);
  if (column.name == "x") return body(table.x);
  if (column.name == "y") return body(table.y);
  if (column.name == "item") return body(table.item);
  if (column.name == "date") return body(table.date);
  if (column.name == "group") return body(table.group);
  if (column.name == "weight") return body(table.weight);
  if (column.name == "fold") return body(table.fold);
  throw Error(ErrorCode::internal, "no column of a table is called " + column.name);
}

}  // namespace geoloom::learn
