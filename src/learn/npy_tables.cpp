// SPDX-License-Identifier: Apache-2.0
#include "learn/npy_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "error/error.h"
#include "error/spelling.h"
#include "learn/npy.h"
#include "learn/table_columns.h"
#include "store/zip_file.h"

namespace geoloom::learn {
namespace {

[[noreturn]] void refuse_shape(const std::string& path, const NpyHeader& header,
                               const std::string& wanted) {
  throw Error(ErrorCode::invalid, fmt::format("the array's shape is ({}), and {}",
                                              fmt::join(header.shape, ", "), wanted))
      .at({.file = path});
}

uint64_t columns_in(const NpyHeader& header) {
  return header.rows() == 0 ? 0 : header.elements() / header.rows();
}

void name_columns(const std::string& path, const NpyHeader& header,
                  std::vector<FeatureColumn>& columns) {
  const auto stem = std::filesystem::path(path).stem().string();
  const auto& shape = header.shape;
  if (shape.size() == 1) return columns.push_back({stem, ""});
  if (shape.size() == 2)
    for (uint64_t band = 0; band < shape[1]; ++band)
      columns.push_back({fmt::format("{}/{}", stem, band), ""});
  else
    for (uint64_t date = 0; date < shape[1]; ++date)
      for (uint64_t band = 0; band < shape[2]; ++band)
        columns.push_back({fmt::format("{}/{}/{}", stem, date, band), ""});
}

struct FeatureArrays {
  std::vector<NpyReader> readers;
  TableSchema schema;
  uint64_t rows = 0;
};

FeatureArrays opened(const NpyTables& tables) {
  FeatureArrays arrays;
  if (tables.features.empty()) throw Error(ErrorCode::invalid, "no array of features is named");
  for (const auto& path : tables.features) {
    const auto& reader = arrays.readers.emplace_back(file_bytes(path), path);
    const auto& header = reader.header();
    if (header.shape.empty() || header.shape.size() > 3)
      refuse_shape(path, header, "features have the shape (N, bands) or (N, dates, bands)");
    if (arrays.readers.size() == 1) arrays.rows = header.rows();
    if (header.rows() != arrays.rows)
      refuse_shape(path, header, fmt::format("{} has {} rows", tables.features[0], arrays.rows));
    if (arrays.rows > 0 && columns_in(header) > 1'000'000)
      refuse_shape(path, header, "a million features are too many");
    if (arrays.rows > 0) name_columns(path, header, arrays.schema.features);
  }
  if (arrays.rows == 0)
    throw Error(ErrorCode::empty, "the array has no rows").at({.file = tables.features[0]});
  return arrays;
}

void take_names(const std::vector<std::string>& names, TableSchema& schema) {
  if (names.empty()) return;
  if (names.size() != schema.features.size())
    throw Error(ErrorCode::invalid, fmt::format("{} names are given for {} features", names.size(),
                                                schema.features.size()));
  for (size_t i = 0; i < names.size(); ++i) schema.features[i].name = names[i];
}

void read_features(FeatureArrays& arrays, SampleTable& table) {
  const size_t columns = table.schema.features.size();
  size_t first = 0;
  for (auto& reader : arrays.readers) {
    const size_t width = columns_in(reader.header());
    std::vector<float> row(width);
    for (size_t i = 0; i < table.rows; ++i) {
      reader.read(std::span(row));
      std::copy(row.begin(), row.end(),
                table.features.begin() + static_cast<ptrdiff_t>(i * columns + first));
    }
    first += width;
  }
}

// A reader of one number per row.
NpyReader opened_single(const std::string& path, uint64_t rows) {
  NpyReader reader(file_bytes(path), path);
  const auto& header = reader.header();
  if (header.shape.empty() || header.rows() != rows || columns_in(header) != 1)
    refuse_shape(path, header, fmt::format("there are {} rows, of one number each", rows));
  return reader;
}

void read_labels(const NpyTables& tables, SampleTable& table) {
  if (tables.label.empty()) return;
  auto reader = opened_single(tables.label, table.rows);
  if (table.schema.label_type == LabelType::number) {
    reader.read(std::span(table.number_labels));
    return;
  }
  reader.read(std::span(table.class_labels));
  for (const int64_t code : codes_in(table)) table.schema.classes.push_back({code, ""});
}

void read_items(const NpyTables& tables, SampleTable& table) {
  if (tables.item.empty()) {
    table.items = {std::filesystem::path(tables.features[0]).filename().string()};
    return;
  }
  auto reader = opened_single(tables.item, table.rows);
  std::vector<int64_t> numbers(table.rows);
  reader.read(std::span(numbers));
  std::map<int64_t, uint32_t> places;
  for (const int64_t number : numbers) places.emplace(number, 0);
  for (auto& [number, place] : places) {
    place = static_cast<uint32_t>(table.items.size());
    table.items.push_back(std::to_string(number));
  }
  for (size_t i = 0; i < table.rows; ++i) table.item[i] = places.at(numbers[i]);
}

std::vector<uint64_t> shape_outside(const TableColumn& column, uint64_t rows, uint64_t steps) {
  auto shape = shape_of(column, rows);
  if (column.name == "label") shape.push_back(1);
  if (column.name != "features" || steps <= 1) return shape;
  if (shape.back() % steps != 0)
    throw Error(ErrorCode::invalid,
                fmt::format("{} features are no {} equal steps of time", shape.back(), steps));
  shape.back() /= steps;
  shape.insert(shape.end() - 1, steps);
  return shape;
}

}  // namespace

SampleTable read_npy_tables(const NpyTables& tables, uint64_t limit_bytes) {
  auto arrays = opened(tables);
  auto& schema = arrays.schema;
  take_names(tables.names, schema);
  if (!tables.label.empty() && tables.label_type != LabelType::none) {
    schema.label = tables.label_name;
    schema.label_type = tables.label_type;
  }
  check(schema);
  if (arrays.rows > limit_bytes / bytes_per_row(schema))
    throw Error(ErrorCode::resource,
                fmt::format("the arrays have {} rows, more than fit into the {} MiB there are",
                            arrays.rows, limit_bytes >> 20))
        .at({.file = tables.features[0]});
  auto table = empty_table(schema, arrays.rows);
  read_features(arrays, table);
  if (schema.label_type != LabelType::none) read_labels(tables, table);
  read_items(tables, table);
  check(table);
  return table;
}

void write_npy_column(const std::string& table_path, const std::string& column, uint64_t steps,
                      const std::string& to) {
  const auto info = describe_table(table_path);
  const auto columns = columns_of(info.schema);
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const auto& one) { return one.name == column; });
  if (found == columns.end()) {
    std::vector<std::string> names;
    for (const auto& one : columns) names.push_back(one.name);
    throw Error(ErrorCode::invalid, fmt::format("the table has no column '{}'", column))
        .at({.file = table_path})
        .hint(spelling_hint(column, names));
  }
  const auto header = npy_header(found->type, shape_outside(*found, info.rows, steps));
  const store::ZipReader zip(table_path);
  const auto member = std::make_shared<store::ZipMemberStream>(zip, column + ".npy");
  NpyReader reader([member](void* bytes, size_t count) { return member->read(bytes, count); },
                   table_path);
  std::ofstream file(to, std::ios::binary);
  file << header;
  constexpr uint64_t kPiece = 1 << 16;
  with_element(found->type, [&]<class T>(T) {
    std::vector<T> piece(std::min(kPiece, reader.left()));
    while (reader.left() > 0) {
      const auto part = std::span(piece).first(std::min<uint64_t>(piece.size(), reader.left()));
      reader.read(part);
      file.write(reinterpret_cast<const char*>(part.data()),
                 static_cast<std::streamsize>(part.size_bytes()));
    }
  });
  file.close();
  if (!file)
    throw Error(ErrorCode::resource, "the file cannot be written")
        .at({.file = to})
        .hint("is the disk full?");
}

}  // namespace geoloom::learn
