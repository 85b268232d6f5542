// SPDX-License-Identifier: Apache-2.0
#include "cli/parameter_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "catalog/csv.h"
#include "error/error.h"
#include "error/spelling.h"
#include "gdal/dataset.h"

namespace geoloom::cli {
namespace {

constexpr size_t kMatrixLimitBytes = size_t{16} << 20;

Error wrong(const std::string& path, int line, std::string message) {
  Error error(ErrorCode::invalid, std::move(message));
  return error.at({.file = path, .line = line});
}

void check_columns(const catalog::CsvLine& head, const std::string& path,
                   const workflow::Document& document) {
  std::vector<std::string> known;
  for (const auto& declaration : document.params) known.push_back(declaration.name);
  for (auto column = head.fields.begin(); column != head.fields.end(); ++column) {
    if (std::find(known.begin(), known.end(), *column) == known.end())
      throw wrong(path, head.number,
                  fmt::format("the column '{}' is no parameter of the document", *column))
          .hint(known.empty() ? "the document declares no params" : spelling_hint(*column, known));
    if (std::find(head.fields.begin(), column, *column) != column)
      throw wrong(path, head.number, fmt::format("the column '{}' stands twice", *column));
  }
}

MatrixRow read_row(const catalog::CsvLine& line, const catalog::CsvLine& head,
                   const std::string& path) {
  if (line.fields.size() != head.fields.size())
    throw wrong(path, line.number,
                fmt::format("{} cells, and the first line names {} columns", line.fields.size(),
                            head.fields.size()))
        .hint("put cells that hold commas into double quotes");
  MatrixRow row;
  row.label = line.fields.front();
  row.place = fmt::format("{}:{}", path, line.number);
  for (size_t c = 0; c < line.fields.size(); ++c) {
    if (line.fields[c].empty()) continue;
    auto value = workflow::parse_yaml_scalar(line.fields[c], row.place);
    Place place;
    place.file = path;
    place.line = line.number;
    value.move_to(place);
    row.given[head.fields[c]] = {std::move(value), "matrix " + row.place};
  }
  return row;
}

// "out/a/", "./out/a" and "out/a" are one store.
std::string settled(const std::string& store) {
  if (store.find("://") != std::string::npos)
    return store.substr(0, store.find_last_not_of('/') + 1);
  auto path = std::filesystem::absolute(store).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

std::vector<MatrixRow> read_matrix(const std::string& path, const workflow::Document& document) {
  const auto lines = catalog::csv_lines(gdal::read_file(path, kMatrixLimitBytes), path);
  if (lines.size() < 2)
    throw wrong(path, 0, "the matrix has no row")
        .hint("the first line names parameters; each line after it is a run");
  if (lines.size() > kMaxMatrixRows + 1)
    throw wrong(path, 0, fmt::format("the matrix has more than {} rows", kMaxMatrixRows));
  check_columns(lines.front(), path, document);
  std::vector<MatrixRow> rows;
  for (size_t i = 1; i < lines.size(); ++i) rows.push_back(read_row(lines[i], lines.front(), path));
  return rows;
}

void check_stores(const std::vector<MatrixTarget>& targets) {
  std::map<std::pair<std::string, std::string>, const MatrixTarget*> makers;
  for (const auto& target : targets) {
    for (const auto& layer : target.layers) {
      const auto [known, first] = makers.emplace(std::pair(settled(target.store), layer), &target);
      if (first) continue;
      throw Error(ErrorCode::invalid,
                  fmt::format("{} and {} both make the layer '{}' in {}: the later would take the "
                              "place of the earlier",
                              known->second->place, target.place, layer, target.store))
          .hint(
              "put a parameter that differs from row to row into `store`, as in "
              "\"out/${region}\", or into the layer's name");
    }
  }
}

}  // namespace geoloom::cli
