// SPDX-License-Identifier: Apache-2.0
#include "learn/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>

#include "error/error.h"
#include "error/spelling.h"
#include "geo/calendar.h"
#include "geo/time.h"
#include "learn/csv_reader.h"
#include "learn/table_columns.h"
#include "store/checksum.h"
#include "store/zip_file.h"

namespace geoloom::learn {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kAbsent = SIZE_MAX;

bool says_missing(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kWords{"",   "nan",  "NaN", "NAN",
                                                          "NA", "null", "None"};
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

// NaN for what is missing; nullopt for what is no number.
std::optional<double> number_of(std::string_view text) {
  if (says_missing(text)) return kNaN;
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // Too large or too small for a double: not a number that a table should hold.
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<int64_t> whole_number_of(std::string_view text) {
  int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc{} && end == text.data() + text.size()) return whole;
  // "1.000000", as numpy.savetxt writes codes.
  const auto number = number_of(text);
  return number ? code_of(*number) : std::nullopt;
}

// A column of the file that may become a feature.
struct Candidate {
  size_t field = 0;
  std::string name;
  std::vector<float> values;
  bool numbers = true, anything = false;
};

class TextTable {
 public:
  TextTable(const std::string& path, const TextColumns& columns, uint64_t limit_bytes)
      : path_(path), columns_(columns), limit_bytes_(limit_bytes), reader_(path) {
    label_ = field_of(columns.label);
    x_ = field_of(columns.x);
    y_ = field_of(columns.y);
    date_ = field_of(columns.date);
    group_ = field_of(columns.group);
    weight_ = field_of(columns.weight);
    item_ = field_of(columns.item);
    if ((x_ == kAbsent) != (y_ == kAbsent))
      throw Error(ErrorCode::invalid, "x and y are given together or not at all")
          .at({.file = path});
    choose_candidates();
  }

  SampleTable read() {
    std::vector<std::string> fields;
    while (reader_.next(fields)) take(fields);
    if (rows_ == 0) throw Error(ErrorCode::empty, "the table has no rows").at({.file = path_});
    auto table = begun();
    fill_features(table);
    fill_labels(table);
    table.x = std::move(xs_);
    table.y = std::move(ys_);
    table.item = std::move(item_indices_);
    table.date = std::move(dates_);
    table.group = std::move(groups_);
    table.weight = std::move(weights_);
    table.items = items_.empty() ? std::vector{std::filesystem::path(path_).filename().string()}
                                 : std::move(items_);
    try {
      check(table);
    } catch (Error& error) {
      throw error.at({.file = path_});
    }
    return table;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorCode::invalid, why).at({.file = path_, .line = reader_.line()});
  }

  size_t field_of(const std::string& name) const {
    if (name.empty()) return kAbsent;
    const auto& names = reader_.names();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw Error(ErrorCode::invalid, fmt::format("the table has no column '{}'", name))
          .at({.file = path_})
          .hint(spelling_hint(name, names));
    return static_cast<size_t>(found - names.begin());
  }

  void choose_candidates() {
    if (!columns_.features.empty()) {
      for (const auto& name : columns_.features) candidates_.push_back({field_of(name), name});
      return;
    }
    std::set<size_t> other{label_, x_, y_, date_, group_, weight_, item_};
    for (const auto& name : columns_.ignore) other.insert(field_of(name));
    for (size_t field = 0; field < reader_.names().size(); ++field)
      if (!other.contains(field)) candidates_.push_back({field, reader_.names()[field]});
  }

  void take(const std::vector<std::string>& fields) {
    ++rows_;
    bytes_ += candidates_.size() * sizeof(float) + sizeof(std::string) + 64;
    if (bytes_ > limit_bytes_)
      throw Error(ErrorCode::resource,
                  fmt::format("the table needs more than the {} MiB there are", limit_bytes_ >> 20))
          .at({.file = path_})
          .hint("name the features that are wanted, or give more memory");
    for (auto& candidate : candidates_) take_feature(fields[candidate.field], candidate);
    if (label_ != kAbsent) labels_.push_back(fields[label_]);
    if (x_ != kAbsent) {
      xs_.push_back(number(fields[x_], columns_.x));
      ys_.push_back(number(fields[y_], columns_.y));
    }
    if (date_ != kAbsent) dates_.push_back(date(fields[date_]));
    if (group_ != kAbsent) groups_.push_back(group(fields[group_]));
    if (weight_ != kAbsent) weights_.push_back(weight(fields[weight_]));
    item_indices_.push_back(item_ == kAbsent ? 0 : item(fields[item_]));
  }

  void take_feature(const std::string& text, Candidate& candidate) {
    if (!candidate.numbers) return;
    auto value = number_of(text);
    if (!value && !columns_.features.empty())
      refuse(fmt::format("'{}' of the feature '{}' is no number", text, candidate.name));
    if (!value) {
      candidate.numbers = false;
      candidate.values = {};
      return;
    }
    if (std::isinf(*value) || (columns_.missing && *value == *columns_.missing)) value = kNaN;
    candidate.anything |= !std::isnan(*value);
    candidate.values.push_back(static_cast<float>(*value));
  }

  double number(const std::string& text, const std::string& column) const {
    const auto value = number_of(text);
    if (!value) refuse(fmt::format("'{}' of the column '{}' is no number", text, column));
    return *value;
  }
  double weight(const std::string& text) const {
    const double value = number(text, columns_.weight);
    if (!(value >= 0) || std::isinf(value)) refuse(fmt::format("'{}' is no weight", text));
    return value;
  }
  int64_t date(const std::string& text) const {
    if (says_missing(text)) return kNoDate;
    const auto time = geo::parse_time(text);
    if (!time) refuse(fmt::format("'{}' is no date: as 2019-04-14", text));
    return geo::floor_div(*time, geo::kDayMs);
  }
  static int64_t group(const std::string& text) {
    if (says_missing(text)) return kNoGroup;
    if (const auto whole = whole_number_of(text)) return *whole;
    // The same text is the same group in every file, so tables can be merged.
    return static_cast<int64_t>(store::xxh3_64(text) >> 1);
  }
  uint32_t item(const std::string& text) {
    const auto [found, is_new] = item_places_.emplace(text, static_cast<uint32_t>(items_.size()));
    if (is_new) items_.push_back(text);
    return found->second;
  }

  SampleTable begun() {
    std::erase_if(candidates_, [&](const Candidate& candidate) {
      return columns_.features.empty() && (!candidate.numbers || !candidate.anything);
    });
    if (candidates_.empty())
      throw Error(ErrorCode::invalid, "no column holds numbers only").at({.file = path_});
    SampleTable table;
    table.rows = rows_;
    auto& schema = table.schema;
    for (const auto& candidate : candidates_) schema.features.push_back({candidate.name, ""});
    schema.located = x_ != kAbsent;
    schema.crs = columns_.crs;
    schema.dated = date_ != kAbsent;
    schema.grouped = group_ != kAbsent;
    schema.weighted = weight_ != kAbsent;
    return table;
  }

  void fill_features(SampleTable& table) {
    const size_t columns = candidates_.size();
    table.features.resize(rows_ * columns);
    for (size_t column = 0; column < columns; ++column) {
      for (size_t row = 0; row < rows_; ++row)
        table.features[row * columns + column] = candidates_[column].values[row];
      candidates_[column].values = {};
    }
  }

  // What the texts are, when nobody has said it.
  LabelType type_of_labels() const {
    bool numbers = true, whole = true;
    for (const auto& text : labels_) {
      if (says_missing(text)) continue;
      numbers = numbers && number_of(text).has_value();
      whole = whole && whole_number_of(text).has_value();
    }
    return numbers && !whole ? LabelType::number : LabelType::classes;
  }

  void fill_labels(SampleTable& table) {
    if (label_ == kAbsent) return;
    auto& schema = table.schema;
    schema.label = columns_.label;
    schema.label_type = columns_.label_type.value_or(type_of_labels());
    if (schema.label_type == LabelType::none) {
      schema.label.clear();
    } else if (schema.label_type == LabelType::number) {
      for (const auto& text : labels_) {
        const auto value = number_of(text);
        if (!value)
          throw Error(ErrorCode::invalid, fmt::format("the label '{}' is no number", text))
              .at({.file = path_});
        table.number_labels.push_back(std::isinf(*value) ? kNaN : *value);
      }
    } else {
      fill_classes(table);
    }
  }

  void fill_classes(SampleTable& table) {
    auto& schema = table.schema;
    schema.classes = columns_.classes;
    std::map<std::string, int64_t> codes;  // of texts
    for (const auto& one : columns_.classes)
      if (!one.name.empty()) codes.emplace(one.name, one.code);
    const bool texts = std::any_of(labels_.begin(), labels_.end(), [](const auto& text) {
      return !says_missing(text) && !whole_number_of(text);
    });
    if (texts && columns_.classes.empty()) {
      for (const auto& text : labels_)
        if (!says_missing(text)) codes.emplace(text, 0);
      int64_t code = 0;
      for (auto& [text, number] : codes) schema.classes.push_back({number = ++code, text});
    }
    for (const auto& text : labels_) table.class_labels.push_back(code_of(text, codes));
    if (!schema.classes.empty()) return;
    for (const int64_t code : codes_in(table)) schema.classes.push_back({code, ""});
  }

  int64_t code_of(const std::string& text, const std::map<std::string, int64_t>& codes) const {
    if (says_missing(text)) return kNoClass;
    if (const auto found = codes.find(text); found != codes.end()) return found->second;
    if (const auto whole = whole_number_of(text)) return *whole;
    throw Error(ErrorCode::invalid, fmt::format("the label '{}' is none of the classes", text))
        .at({.file = path_});
  }

  const std::string path_;
  const TextColumns& columns_;
  const uint64_t limit_bytes_;
  CsvReader reader_;
  size_t label_, x_, y_, date_, group_, weight_, item_;
  std::vector<Candidate> candidates_;
  size_t rows_ = 0;
  uint64_t bytes_ = 0;
  std::vector<std::string> labels_, items_;
  std::vector<double> xs_, ys_, weights_;
  std::vector<int64_t> dates_, groups_;
  std::vector<uint32_t> item_indices_;
  std::map<std::string, uint32_t> item_places_;
};

// One column of a table file on its way into a text.
struct Column {
  std::string name;
  NpyType type;
  size_t per_row;
  NpyReader reader;
};

template <class T>
void append(std::string& text, T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isnan(value)) fmt::format_to(std::back_inserter(text), "{}", value);
  } else {
    if (std::is_same_v<T, int64_t> && static_cast<int64_t>(value) == kNoClass) return;
    fmt::format_to(std::back_inserter(text), "{}", value);
  }
}

// The texts of the next rows of a column, with commas between several values of a row.
std::vector<std::string> next_texts(Column& column, size_t rows, const TableInfo& info) {
  std::vector<std::string> texts(rows);
  with_element(column.type, [&]<class T>(T) {
    std::vector<T> values(rows * column.per_row);
    column.reader.read(std::span(values));
    for (size_t i = 0; i < values.size(); ++i) {
      auto& text = texts[i / column.per_row];
      if (i % column.per_row != 0) text += ',';
      // Of items and dates, which are whole numbers.
      int64_t whole = 0;
      if constexpr (std::is_integral_v<T>) whole = static_cast<int64_t>(values[i]);
      if (column.name == "item")
        text += in_quotes(info.items.at(static_cast<size_t>(whole)));
      else if (column.type == NpyType::days && values[i] != static_cast<T>(kNoDate))
        text += geo::format_date(whole * geo::kDayMs);
      else
        append(text, values[i]);
    }
  });
  return texts;
}

std::string first_line(const std::vector<Column>& columns, const TableSchema& schema) {
  std::string line;
  for (const auto& column : columns) {
    if (column.name == "features") {
      for (const auto& feature : schema.features) line += in_quotes(feature.name) + ',';
    } else {
      line += in_quotes(column.name == "label" ? schema.label : column.name) + ',';
    }
  }
  line.back() = '\n';
  return line;
}

std::vector<Column> columns_in(const store::ZipReader& zip, const TableInfo& info) {
  std::vector<Column> columns;
  auto described = columns_of(info.schema);
  // For people: features are many and come last.
  std::rotate(described.begin(), described.begin() + 1, described.end());
  for (const auto& column : described) {
    const auto name = column.name + ".npy";
    const auto stream = std::make_shared<store::ZipMemberStream>(zip, name);
    NpyReader reader([stream](void* to, size_t bytes) { return stream->read(to, bytes); },
                     zip.path() + "/" + name);
    columns.push_back({column.name, column.type, column.values_per_row(), std::move(reader)});
  }
  return columns;
}

}  // namespace

std::string in_quotes(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted + '"';
}

SampleTable read_text_table(const std::string& path, const TextColumns& columns,
                            uint64_t limit_bytes) {
  return TextTable(path, columns, limit_bytes).read();
}

void read_text_locations(const std::string& path, const std::string& crs, SampleTable& table) {
  std::ifstream file(path);
  if (!file) throw Error(ErrorCode::missing, "there is no such file").at({.file = path});
  table.x.clear();
  table.y.clear();
  std::string x, y;
  while (file >> x >> y) {
    const auto east = number_of(x), north = number_of(y);
    if (!east || !north)
      throw Error(ErrorCode::invalid, "a row holds no two numbers")
          .at({.file = path, .line = static_cast<int>(table.x.size()) + 1});
    table.x.push_back(*east);
    table.y.push_back(*north);
    if (table.x.size() > table.rows) break;
  }
  if (table.x.size() != table.rows)
    throw Error(ErrorCode::invalid,
                fmt::format("the file has {} places and the table {} rows",
                            table.x.size() > table.rows ? "more" : std::to_string(table.x.size()),
                            table.rows))
        .at({.file = path});
  table.schema.located = true;
  table.schema.crs = crs;
}

void write_csv(const std::string& table_path, const std::string& to) {
  const auto info = describe_table(table_path);
  if (info.schema.block_pixels() != 1)
    throw Error(ErrorCode::invalid,
                fmt::format("samples of {} x {} pixels have no place in rows of text",
                            info.schema.block_height, info.schema.block_width))
        .at({.file = table_path})
        .hint("write the format npz");
  const store::ZipReader zip(table_path);
  auto columns = columns_in(zip, info);
  std::ofstream file(to, std::ios::binary);
  file << first_line(columns, info.schema);
  constexpr uint64_t kRowsAtATime = 1024;
  for (uint64_t done = 0; done < info.rows; done += kRowsAtATime) {
    const size_t rows = std::min(kRowsAtATime, info.rows - done);
    std::vector<std::vector<std::string>> texts;
    for (auto& column : columns) texts.push_back(next_texts(column, rows, info));
    for (size_t row = 0; row < rows; ++row)
      for (size_t column = 0; column < columns.size(); ++column)
        file << texts[column][row] << (column + 1 == columns.size() ? '\n' : ',');
  }
  file.close();
  if (!file)
    throw Error(ErrorCode::resource, "the file cannot be written")
        .at({.file = to})
        .hint("is the disk full?");
}

}  // namespace geoloom::learn
