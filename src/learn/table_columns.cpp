// SPDX-License-Identifier: Apache-2.0
#include "learn/table_columns.h"

namespace geoloom::learn {

std::vector<TableColumn> columns_of(const TableSchema& schema) {
  std::vector<uint64_t> pixels;
  if (schema.block_pixels() != 1) pixels = {schema.block_height, schema.block_width};
  auto values = pixels;
  values.push_back(schema.features.size());
  std::vector<TableColumn> columns{{"features", NpyType::float32, values}};
  if (schema.label_type != LabelType::none)
    columns.push_back({"label",
                       schema.label_type == LabelType::classes ? NpyType::int64 : NpyType::float64,
                       pixels});
  if (schema.located) {
    columns.push_back({"x", NpyType::float64, {}});
    columns.push_back({"y", NpyType::float64, {}});
  }
  columns.push_back({"item", NpyType::uint32, {}});
  if (schema.dated) columns.push_back({"date", NpyType::days, {}});
  if (schema.grouped) columns.push_back({"group", NpyType::int64, {}});
  if (schema.weighted) columns.push_back({"weight", NpyType::float64, {}});
  if (schema.folded) columns.push_back({"fold", NpyType::int32, {}});
  return columns;
}

std::vector<uint64_t> shape_of(const TableColumn& column, uint64_t rows) {
  std::vector<uint64_t> shape{rows};
  shape.insert(shape.end(), column.inner.begin(), column.inner.end());
  return shape;
}

}  // namespace geoloom::learn
