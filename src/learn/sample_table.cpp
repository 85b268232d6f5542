// SPDX-License-Identifier: Apache-2.0
#include "learn/sample_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "error/error.h"

namespace geoloom::learn {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

void require_length(const char* column, size_t length, size_t expected) {
  if (length != expected)
    throw Error(ErrorCode::internal, fmt::format("the table's column '{}' holds {} values, not {}",
                                                 column, length, expected));
}

// Calls body(name, column, values per row) for each column that can differ in length.
template <class Table, class Body>
void for_each_column(Table& table, const Body& body) {
  const auto& schema = table.schema;
  const size_t pixels = schema.block_pixels();
  const auto there = [](bool is) { return is ? size_t{1} : size_t{0}; };
  body("features", table.features, schema.values_per_row());
  body("label", table.class_labels, pixels * there(schema.label_type == LabelType::classes));
  body("label", table.number_labels, pixels * there(schema.label_type == LabelType::number));
  body("x", table.x, there(schema.located));
  body("y", table.y, there(schema.located));
  body("item", table.item, size_t{1});
  body("date", table.date, there(schema.dated));
  body("group", table.group, there(schema.grouped));
  body("weight", table.weight, there(schema.weighted));
  body("fold", table.fold, there(schema.folded));
}

void check_codes(const SampleTable& table) {
  const auto& classes = table.schema.classes;
  if (classes.empty()) return;
  for (const int64_t code : table.class_labels) {
    if (code == kNoClass) continue;
    const auto found = std::lower_bound(classes.begin(), classes.end(), code,
                                        [](const auto& one, int64_t c) { return one.code < c; });
    if (found == classes.end() || found->code != code)
      throw Error(
          ErrorCode::invalid,
          fmt::format("the table has a sample of class {}, which is none of its classes", code));
  }
}

std::vector<double> inverse_rates(const SamplingRecord& record) {
  std::vector<double> factors;
  for (const auto& rate : record.rates)
    factors.push_back(rate.drawn == 0
                          ? 0
                          : static_cast<double>(rate.available) / static_cast<double>(rate.drawn));
  return factors;
}

}  // namespace

void check(const SampleTable& table) {
  check(table.schema);
  for_each_column(table, [&](const char* column, const auto& values, size_t per_row) {
    require_length(column, values.size(), table.rows * per_row);
  });
  for (const uint32_t item : table.item)
    if (item >= table.items.size())
      throw Error(ErrorCode::invalid, fmt::format("the table names item {} of {}",
                                                  item + uint64_t{1}, table.items.size()));
  check_codes(table);
}

SampleTable empty_table(const TableSchema& schema, size_t rows) {
  SampleTable table;
  table.schema = schema;
  table.rows = rows;
  for_each_column(
      table, [&](const char*, auto& values, size_t per_row) { values.resize(rows * per_row); });
  std::fill(table.features.begin(), table.features.end(), kNaN);
  std::fill(table.class_labels.begin(), table.class_labels.end(), kNoClass);
  for (auto* column : {&table.number_labels, &table.x, &table.y})
    std::fill(column->begin(), column->end(), std::numeric_limits<double>::quiet_NaN());
  std::fill(table.date.begin(), table.date.end(), kNoDate);
  std::fill(table.group.begin(), table.group.end(), kNoGroup);
  std::fill(table.weight.begin(), table.weight.end(), 1.0);
  std::fill(table.fold.begin(), table.fold.end(), kNoFold);
  return table;
}

std::vector<int64_t> codes_in(const SampleTable& table) {
  std::set<int64_t> codes(table.class_labels.begin(), table.class_labels.end());
  codes.erase(kNoClass);
  return {codes.begin(), codes.end()};
}

SampleTable rows_of(const SampleTable& table, const std::vector<size_t>& rows) {
  SampleTable part = empty_table(table.schema, rows.size());
  part.items = table.items;
  part.sampling = table.sampling;
  const auto take = [&](const auto& from, auto& to) {
    if (table.rows == 0) return;
    const size_t per_row = from.size() / table.rows;
    for (size_t i = 0; i < rows.size(); ++i)
      std::copy_n(from.begin() + static_cast<ptrdiff_t>(rows[i] * per_row), per_row,
                  to.begin() + static_cast<ptrdiff_t>(i * per_row));
  };
  take(table.features, part.features);
  take(table.class_labels, part.class_labels);
  take(table.number_labels, part.number_labels);
  take(table.x, part.x);
  take(table.y, part.y);
  take(table.item, part.item);
  take(table.date, part.date);
  take(table.group, part.group);
  take(table.weight, part.weight);
  take(table.fold, part.fold);
  return part;
}

void add_rates(SamplingRecord& record, const SamplingRecord& more) {
  std::map<int64_t, ClassRate> rates;
  const auto add = [&](const SamplingRecord& one) {
    for (const auto& rate : one.rates) {
      auto& sum = rates[rate.code];
      sum.code = rate.code;
      sum.available += rate.available;
      sum.drawn += rate.drawn;
    }
  };
  add(record);
  add(more);
  record.rates.clear();
  for (const auto& [code, rate] : rates) record.rates.push_back(rate);
  if (record.seed != more.seed) record.seed = 0;
  if (record.method != more.method) record.method.clear();
  if (record.period && more.period)
    record.period = geo::Period{std::min(record.period->start, more.period->start),
                                std::max(record.period->end, more.period->end)};
  else
    record.period.reset();
}

std::vector<double> prior_weights(const SamplingRecord& record) {
  auto weights = inverse_rates(record);
  double rows = 0, sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    rows += static_cast<double>(record.rates[i].drawn);
    sum += weights[i] * static_cast<double>(record.rates[i].drawn);
  }
  for (auto& weight : weights) weight = sum == 0 ? 0 : weight * rows / sum;
  return weights;
}

std::vector<double> prior_corrected(const SamplingRecord& record,
                                    const std::vector<double>& probabilities) {
  auto corrected = inverse_rates(record);
  if (corrected.size() != probabilities.size())
    throw Error(ErrorCode::invalid,
                fmt::format("there are {} probabilities and sampling rates of {} classes",
                            probabilities.size(), corrected.size()));
  double sum = 0;
  for (size_t i = 0; i < corrected.size(); ++i) {
    corrected[i] *= probabilities[i];
    sum += corrected[i];
  }
  if (sum > 0)
    for (auto& probability : corrected) probability /= sum;
  return corrected;
}

}  // namespace geoloom::learn
