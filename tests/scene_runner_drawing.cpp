// SPDX-License-Identifier: Apache-2.0
#include "scene_runner_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "error/spelling.h"

namespace geoloom::scene_runner {
namespace {

using workflow::Value;

std::optional<double> number_of(const std::string& word) {
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  double number = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(separator, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

// The words of each row.
using Rows = std::vector<std::vector<std::string>>;

Rows rows_of_text(const std::string& text) {
  const bool words = text.find(' ') != std::string::npos;
  Rows rows;
  for (const auto& line : split(text, '\n')) {
    if (line.empty()) continue;
    std::vector<std::string> row;
    if (words) {
      for (auto& word : split(line, ' '))
        if (!word.empty()) row.push_back(std::move(word));
    } else {
      for (const char c : line) row.emplace_back(1, c);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Rows rows_of_list(const Value& grid) {
  Rows rows;
  for (const auto& line : grid.list) {
    std::vector<std::string> row;
    if (line.kind != Value::Kind::list)
      throw line.error("a row of a grid is a list of cells, as in [[1, 2], [3, .]]");
    for (const auto& cell : line.list) row.push_back(cell.text);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string number_text(const Cell& cell) {
  if (!cell) return ".";
  // The shortest text that reads back as the same float: results of float32 bands are such.
  const auto single = static_cast<float>(*cell);
  return static_cast<double>(single) == *cell ? fmt::format("{}", single)
                                              : fmt::format("{}", *cell);
}

std::string word_of(const std::vector<Cell>& values) {
  if (std::none_of(values.begin(), values.end(), [](const Cell& cell) { return cell; })) return ".";
  if (values.size() == 1) return number_text(values.front());
  std::string text;
  for (const auto& cell : values) text += (text.empty() ? "(" : ",") + number_text(cell);
  return text + ")";
}

std::vector<Cell> values_at(const std::vector<Plane>& bands, size_t index) {
  std::vector<Cell> values;
  for (const auto& band : bands) values.push_back(band.cells[index]);
  return values;
}

}  // namespace

Cell parse_cell(const Value& value) {
  if (value.text == "." || value.is_null()) return std::nullopt;
  const auto number = number_of(value.text);
  if (!value.is_scalar() || !number)
    throw value.error(fmt::format("must be a number or '.', got {}", value.described()));
  return number;
}

Legend::Legend(const Value& map) {
  for (const auto& [word, meaning] : map.map) {
    if (word == "." || word.find(' ') != std::string::npos)
      throw meaning.error("a legend's words are characters or words without blanks, and not '.'");
    std::vector<Cell> cells;
    if (meaning.kind == Value::Kind::list)
      for (const auto& member : meaning.list) cells.push_back(parse_cell(member));
    else
      cells.push_back(parse_cell(meaning));
    entries_.emplace(word, std::move(cells));
  }
}

std::vector<Cell> Legend::cells(const std::string& word, size_t bands, const Value& where) const {
  if (word == ".") return std::vector<Cell>(bands);
  if (const auto entry = entries_.find(word); entry != entries_.end()) {
    if (entry->second.size() == 1) return std::vector<Cell>(bands, entry->second.front());
    if (entry->second.size() == bands) return entry->second;
    throw where.error(fmt::format("'{}' stands for {} values, but there are {} bands", word,
                                  entry->second.size(), bands));
  }
  if (const auto number = number_of(word)) return std::vector<Cell>(bands, number);
  std::vector<std::string> known;
  for (const auto& [name, cells] : entries_) known.push_back(name);
  throw where.error(fmt::format("'{}' is neither a number nor in the legend", word))
      .hint(spelling_hint(word, known));
}

std::optional<char> Legend::character(const std::vector<Cell>& values) const {
  if (std::none_of(values.begin(), values.end(), [](const Cell& cell) { return cell; })) return '.';
  const auto equal = [&](const std::vector<Cell>& cells) {
    if (cells.size() == 1)
      return std::all_of(values.begin(), values.end(),
                         [&](const Cell& cell) { return cell == cells.front(); });
    return cells == values;
  };
  for (const auto& [word, cells] : entries_)
    if (word.size() == 1 && equal(cells)) return word.front();
  for (char digit = '0'; digit <= '9'; ++digit)
    if (!entries_.contains(std::string(1, digit)) && equal({Cell(digit - '0')})) return digit;
  return std::nullopt;
}

std::vector<Plane> parse_grid(const Value& grid, const Legend& legend, size_t bands) {
  if (grid.kind == Value::Kind::map) throw grid.error("expected a grid, got a map");
  const auto rows = grid.kind == Value::Kind::list ? rows_of_list(grid) : rows_of_text(grid.text);
  if (rows.empty()) throw grid.error("the grid has no rows");
  std::vector<Plane> planes(bands);
  for (const auto& row : rows) {
    if (row.size() != rows.front().size())
      throw grid.error(
          fmt::format("rows differ in length: {} and {} cells", rows.front().size(), row.size()));
    for (const auto& word : row) {
      const auto cells = legend.cells(word, bands, grid);
      for (size_t band = 0; band < bands; ++band) planes[band].cells.push_back(cells[band]);
    }
  }
  for (auto& plane : planes) {
    plane.width = static_cast<int64_t>(rows.front().size());
    plane.height = static_cast<int64_t>(rows.size());
  }
  return planes;
}

std::string draw(const std::vector<Plane>& bands, const Legend& legend) {
  if (bands.empty()) return "(no bands)\n";
  const auto& first = bands.front();
  std::vector<std::string> words;
  bool characters = true;
  for (size_t i = 0; i < first.cells.size(); ++i) {
    const auto values = values_at(bands, i);
    const auto character = legend.character(values);
    characters = characters && character;
    words.push_back(character ? std::string(1, *character) : word_of(values));
  }
  if (!characters)
    for (size_t i = 0; i < words.size(); ++i) words[i] = word_of(values_at(bands, i));
  size_t width = 0;
  for (const auto& word : words) width = std::max(width, word.size());
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool row_ends = static_cast<int64_t>(i + 1) % first.width == 0;
    text += characters ? words[i] : fmt::format("{:>{}}", words[i], width);
    text += row_ends ? "\n" : characters ? "" : " ";
  }
  return text;
}

}  // namespace geoloom::scene_runner
