// SPDX-License-Identifier: Apache-2.0
// A table of samples in memory: features, labels, and where each sample comes from. Files are read
// and written by table_file.h (.npz), npy_tables.h and text_table.h; training takes the spans.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "geo/time.h"
#include "learn/table_schema.h"

namespace geoloom::learn {

inline constexpr int64_t kNoClass = std::numeric_limits<int64_t>::min();  // label not known
inline constexpr int64_t kNoDate = std::numeric_limits<int64_t>::min();   // NumPy's NaT
inline constexpr int64_t kNoGroup = -1;
inline constexpr int32_t kNoFold = -1;

// How many pixels of a class there were to draw from, and how many were drawn.
struct ClassRate {
  int64_t code = 0;  // kNoClass: all pixels, where classes played no part
  uint64_t available = 0;
  uint64_t drawn = 0;
  double rate() const {
    return available == 0 ? 0 : static_cast<double>(drawn) / static_cast<double>(available);
  }
  bool operator==(const ClassRate&) const = default;
};

// How the rows came about; of a merged table, of all its parts.
struct SamplingRecord {
  uint64_t seed = 0;
  std::string method;            // "grid", "fraction", ...; empty: not drawn by Geoloom
  std::vector<ClassRate> rates;  // by rising code
  // From the first to the last time of the pixels; nullopt: not known.
  std::optional<geo::Period> period;
  bool operator==(const SamplingRecord&) const = default;
};

struct SampleTable {
  TableSchema schema;
  size_t rows = 0;
  // rows x block_height x block_width x features, the last running fastest. NaN: missing.
  std::vector<float> features;
  // rows x block_height x block_width, one of them by schema.label_type, the other empty.
  std::vector<int64_t> class_labels;  // kNoClass: not known
  std::vector<double> number_labels;  // NaN: not known
  std::vector<double> x, y;           // of the sample's centre, where schema.located
  std::vector<uint32_t> item;         // index into items; of all rows
  std::vector<int64_t> date;          // days since 1970-01-01, where schema.dated; kNoDate
  std::vector<int64_t> group;         // where schema.grouped; kNoGroup
  std::vector<double> weight;         // pixels a sample stands for, 1 / rate; where schema.weighted
  // Where schema.folded: the round in which the row is tested; kNoFold: in none, always trained on.
  std::vector<int32_t> fold;
  std::vector<std::string> items;  // names: of tiles, or of files from outside
  SamplingRecord sampling;
};

// Throws Error(internal) where the columns' lengths do not agree with rows and schema, and
// Error(invalid) where the schema is not one, an item is not in the list, or a label no class.
void check(const SampleTable& table);
// Room for `rows` rows in all columns of the schema, with nothing known in them.
SampleTable empty_table(const TableSchema& schema, size_t rows);
// The codes that rows have, rising; kNoClass is not among them.
std::vector<int64_t> codes_in(const SampleTable& table);
// These rows, in this order.
SampleTable rows_of(const SampleTable& table, const std::vector<size_t>& rows);
// Adds the rates of `more` by class. Records of other seeds or methods lose what differs.
void add_rates(SamplingRecord& record, const SamplingRecord& more);

// What a row of each class weighs so that the classes have the shares in training that they have
// among all pixels: available / drawn, scaled to mean 1 over the rows drawn; 0 for classes of which
// nothing was drawn. In the order of record.rates.
std::vector<double> prior_weights(const SamplingRecord& record);
// The same afterwards, for probabilities of a model trained on rows as drawn (Saerens, Latinne and
// Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori probabilities",
// equation 2.4): each times available / drawn of its class, brought to the sum 1. Classes in the
// order of record.rates; zeros stay where nothing is left to divide by.
std::vector<double> prior_corrected(const SamplingRecord& record,
                                    const std::vector<double>& probabilities);

}  // namespace geoloom::learn
