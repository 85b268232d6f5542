// SPDX-License-Identifier: Apache-2.0
#include "learn/table_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <type_traits>

#include "error/error.h"
#include "learn/npy.h"
#include "learn/table_columns.h"
#include "store/zip_file.h"

namespace geoloom::learn {
namespace {

using Json = nlohmann::json;

constexpr const char* kMeta = "meta.json";
constexpr uint64_t kMostMetaBytes = uint64_t{256} << 20;
constexpr size_t kRowsAtATime = 4096;
constexpr std::string_view kFeatures = "features", kFold = "fold";

Json to_json(const SamplingRecord& record) {
  Json rates = Json::array();
  for (const auto& rate : record.rates)
    rates.push_back({{"class", rate.code == kNoClass ? Json() : Json(rate.code)},
                     {"available", rate.available},
                     {"drawn", rate.drawn}});
  Json period;
  if (record.period) period = {record.period->start, record.period->end};
  return {{"seed", record.seed}, {"method", record.method}, {"rates", rates}, {"period", period}};
}

SamplingRecord sampling_from_json(const Json& json) {
  SamplingRecord record;
  record.seed = json.at("seed");
  record.method = json.at("method");
  if (json.contains("period") && !json.at("period").is_null())
    record.period = geo::Period{json.at("period").at(0), json.at("period").at(1)};
  for (const auto& rate : json.at("rates")) {
    const auto& code = rate.at("class");
    record.rates.push_back(
        {code.is_null() ? kNoClass : code.get<int64_t>(), rate.at("available"), rate.at("drawn")});
  }
  return record;
}

std::string meta_of(const TableInfo& info) {
  Json json = learn::to_json(info.schema);
  json["geoloom_table"] = kTableVersion;
  json["rows"] = info.rows;
  json["items"] = info.items;
  json["sampling"] = to_json(info.sampling);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

TableInfo info_from(const std::string& text, const std::string& path) try {
  const auto json = Json::parse(text);
  const int version = json.at("geoloom_table");
  if (version > kTableVersion)
    throw Error(ErrorCode::invalid, "the table was written by a newer Geoloom")
        .at({.file = path})
        .hint("use that Geoloom, or take the arrays out and read them as files from outside");
  TableInfo info;
  info.schema = table_schema_from_json(json);
  info.rows = json.at("rows");
  info.items = json.at("items").get<std::vector<std::string>>();
  info.sampling = sampling_from_json(json.at("sampling"));
  return info;
} catch (const Json::exception& error) {
  throw Error(ErrorCode::corrupt, "the description of the table is damaged")
      .at({.file = path})
      .cause(error.what());
} catch (Error& error) {
  throw error.at({.file = path});
}

TableInfo info_of(const store::ZipReader& zip) {
  if (zip.find(kMeta) == nullptr)
    throw Error(ErrorCode::invalid, "the file holds no meta.json and is no table of Geoloom")
        .at({.file = zip.path()})
        .hint("arrays from outside are read by the op `table`");
  return info_from(zip.text(kMeta, kMostMetaBytes), zip.path());
}

std::string member_of(const TableColumn& column) {
  return std::string(column.name) + ".npy";
}

ByteSource bytes_of_member(const store::ZipReader& zip, const std::string& name) {
  // std::function copies what it holds, and a stream has no copies.
  const auto stream = std::make_shared<store::ZipMemberStream>(zip, name);
  return [stream](void* to, size_t bytes) { return stream->read(to, bytes); };
}

NpyReader opened(const store::ZipReader& zip, const TableInfo& info, const TableColumn& column) {
  const auto name = member_of(column);
  const auto place = zip.path() + "/" + name;
  if (zip.find(name) == nullptr)
    throw Error(ErrorCode::corrupt, fmt::format("the table lacks its column '{}'", column.name))
        .at({.file = zip.path()});
  NpyReader reader(bytes_of_member(zip, name), place);
  const auto expected = shape_of(column, info.rows);
  if (reader.header().shape != expected)
    throw Error(ErrorCode::corrupt,
                fmt::format("the column's shape is ({}), not ({})",
                            fmt::join(reader.header().shape, ", "), fmt::join(expected, ", ")))
        .at({.file = place});
  return reader;
}

void begin_column(store::ZipWriter& zip, const TableColumn& column, uint64_t rows) {
  const auto header = npy_header(column.type, shape_of(column, rows));
  zip.begin(member_of(column),
            header.size() + rows * column.values_per_row() * bytes_of(column.type));
  zip.write(header.data(), header.size());
}

TableInfo info_of(const SampleTable& table) {
  return {table.schema, table.rows, table.items, table.sampling};
}

// What of a part a merge needs, so that parts are not kept.
struct Part {
  uint64_t rows = 0;
  uint32_t first_item = 0;
};

void take_part(TableInfo& all, TableInfo part, const std::string& path, const std::string& first) {
  if (const auto why = why_not_mergeable(all.schema, part.schema); !why.empty())
    throw Error(ErrorCode::invalid, fmt::format("the table does not fit to {}: {}", first, why))
        .at({.file = path})
        .hint("make both by one step, or choose the same features of both");
  all.schema = merged(all.schema, part.schema);
  all.rows += part.rows;
  all.items.insert(all.items.end(), part.items.begin(), part.items.end());
  if (all.items.size() > UINT32_MAX)
    throw Error(ErrorCode::resource, "the tables have more items than can be counted")
        .at({.file = path});
  add_rates(all.sampling, part.sampling);
}

template <class T>
void copy_rows(NpyReader& from, store::ZipWriter& to, uint64_t rows, size_t per_row,
               uint32_t first_item) {
  // A piece is a fixed number of bytes, not of rows: blocks may be large.
  const uint64_t values = rows * per_row;
  std::vector<T> piece(std::min<uint64_t>(values, kRowsAtATime * 16));
  for (uint64_t done = 0; done < values;) {
    const auto part = std::span(piece).first(std::min<uint64_t>(piece.size(), values - done));
    from.read(part);
    if constexpr (std::is_same_v<T, uint32_t>)
      for (auto& item : part) item += first_item;
    to.write(part.data(), part.size_bytes());
    done += part.size();
  }
}

void copy_column(const TableColumn& column, const std::vector<std::string>& paths,
                 const std::vector<Part>& parts, store::ZipWriter& to) {
  for (size_t i = 0; i < paths.size(); ++i) {
    if (parts[i].rows == 0) continue;
    const store::ZipReader zip(paths[i]);
    auto from = opened(zip, info_of(zip), column);
    with_element(column.type, [&]<class T>(T) {
      copy_rows<T>(from, to, parts[i].rows, column.values_per_row(), parts[i].first_item);
    });
  }
}

void require_room(const TableInfo& info, size_t per_row, uint64_t limit_bytes,
                  const std::string& path) {
  if (info.rows <= limit_bytes / std::max<uint64_t>(per_row, 1)) return;
  throw Error(ErrorCode::resource,
              fmt::format("the table has {} rows of {} bytes, more than the {} MiB there are",
                          info.rows, per_row, limit_bytes >> 20))
      .at({.file = path})
      .hint("draw fewer samples");
}

}  // namespace

size_t bytes_per_row(const TableSchema& schema) {
  size_t bytes = 0;
  for (const auto& column : columns_of(schema))
    bytes += column.values_per_row() * bytes_of(column.type);
  return bytes;
}

void write_table(const std::string& path, const SampleTable& table) {
  check(table);
  store::ZipWriter zip(path);
  zip.add(kMeta, meta_of(info_of(table)));
  for (const auto& column : columns_of(table.schema)) {
    begin_column(zip, column, table.rows);
    with_values(table, column, [&](const auto& values) {
      zip.write(values.data(), values.size() * sizeof(values[0]));
    });
  }
  zip.close();
}

TableInfo describe_table(const std::string& path) {
  return info_of(store::ZipReader(path));
}

SampleTable read_table(const std::string& path, uint64_t limit_bytes) {
  const store::ZipReader zip(path);
  const auto info = info_of(zip);
  require_room(info, bytes_per_row(info.schema), limit_bytes, path);
  for (const auto& column : columns_of(info.schema)) (void)opened(zip, info, column);
  auto table = empty_table(info.schema, info.rows);
  table.items = info.items;
  table.sampling = info.sampling;
  for (const auto& column : columns_of(info.schema)) {
    auto reader = opened(zip, info, column);
    with_values(table, column, [&](auto& values) { reader.read(std::span(values)); });
  }
  try {
    check(table);
  } catch (Error& error) {
    throw error.at({.file = path});
  }
  return table;
}

SampleTable read_table_without_features(const std::string& path, uint64_t limit_bytes) {
  const store::ZipReader zip(path);
  const auto info = info_of(zip);
  const size_t of_features = info.schema.values_per_row() * sizeof(float);
  require_room(info, bytes_per_row(info.schema) - of_features, limit_bytes, path);
  SampleTable table;
  table.schema = info.schema;
  table.rows = info.rows;
  table.items = info.items;
  table.sampling = info.sampling;
  for (const auto& column : columns_of(info.schema)) {
    auto reader = opened(zip, info, column);  // looks at the shape of each, too
    if (column.name == kFeatures) continue;
    with_values(table, column, [&](auto& values) {
      values.resize(info.rows * column.values_per_row());
      reader.read(std::span(values));
    });
  }
  return table;
}

std::vector<float> read_feature(const std::string& path, size_t feature) {
  const store::ZipReader zip(path);
  const auto info = info_of(zip);
  const auto columns = columns_of(info.schema);
  const auto features = std::find_if(columns.begin(), columns.end(),
                                     [](const auto& column) { return column.name == kFeatures; });
  auto reader = opened(zip, info, *features);
  std::vector<float> row(features->values_per_row()), values;
  for (uint64_t i = 0; i < info.rows; ++i) {
    reader.read(std::span(row));
    values.push_back(row.at(feature));
  }
  return values;
}

void write_table_with_folds(const std::string& from, std::span<const int32_t> fold,
                            const std::string& to) {
  auto info = describe_table(from);
  if (fold.size() != info.rows)
    throw Error(ErrorCode::internal, "there are not as many folds as rows");
  info.schema.folded = true;
  store::ZipWriter zip(to);
  zip.add(kMeta, meta_of(info));
  for (const auto& column : columns_of(info.schema)) {
    begin_column(zip, column, info.rows);
    if (column.name == kFold)
      zip.write(fold.data(), fold.size_bytes());
    else
      copy_column(column, {from}, {{info.rows, 0}}, zip);
  }
  zip.close();
}

TableInfo merge_tables(const std::vector<std::string>& paths, const std::string& to) {
  if (paths.empty()) throw Error(ErrorCode::empty, "there is no table to merge");
  TableInfo all = describe_table(paths.front());
  all.schema.folded = false;
  std::vector<Part> parts{{all.rows, 0}};
  for (size_t i = 1; i < paths.size(); ++i) {
    auto part = describe_table(paths[i]);
    parts.push_back({part.rows, static_cast<uint32_t>(all.items.size())});
    take_part(all, std::move(part), paths[i], paths.front());
  }
  store::ZipWriter zip(to);
  zip.add(kMeta, meta_of(all));
  for (const auto& column : columns_of(all.schema)) {
    begin_column(zip, column, all.rows);
    copy_column(column, paths, parts, zip);
  }
  zip.close();
  return all;
}

}  // namespace geoloom::learn
