// SPDX-License-Identifier: Apache-2.0
// Bands on one common scale, by stored ranges or moments, as learners want them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <memory>

#include "catalog/csv.h"
#include "error/error.h"
#include "error/spelling.h"
#include "ops/physical.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "standardise",
    .kind = workflow::OpKind::block,
    .version = 2,
    .summary = "Bands on a common scale, by stored minima and maxima or means and deviations",
    .documentation =
        R"(`method: min_max` gives (value - minimum) / (maximum - minimum), so 0 to 1 within the range;
`method: mean_sd` gives (value - mean) / sd. Values are physical ones, results float32.

The numbers are stored ones, not those of the tile at hand: every tile, and every later run, is scaled alike. They are
given

- by `table`, a CSV file with a heading, of which the columns `band` and `minimum`, `maximum` or `mean`, `sd` are read
  (others are ignored), or a JSON file `{"ndvi": {"minimum": -0.2, "maximum": 0.9}}`. The content, not the path, is part
  of the identity of results;
- or in the document, `bands: {ndvi: {minimum: -0.2, maximum: 0.9}}`; a number may be what an earlier
  step measured, `maximum: $train.of_training.ndvi.maximum`, with `statistics`.

Every band needs its numbers; `others: keep` passes those that have none through unchanged. Range and
deviation must be above 0. What is scaled has no unit; with a `table`, nothing has one. A band that a table lacks is an error of the first tile
that is computed, for a table is looked at when the run is created, but not which bands there are.

`clip` limits min-max results to 0..1, and mean-sd results to so many deviations if `clip_sd` is given.
Invalid pixels stay invalid.)",
    .inputs = {{"values", "any bands over time"}},
    .outputs = {{"standardised", "the same bands"}}};

struct Numbers {
  std::optional<double> minimum, maximum, mean, sd;
  void declare(workflow::Parameters& parameters) {
    parameters.add("minimum", &minimum, "Becomes 0");
    parameters.add("maximum", &maximum, "Becomes 1");
    parameters.add("mean", &mean, "Becomes 0");
    parameters.add("sd", &sd, "How far from the mean 1 is");
  }
};

// result = (value - centre) / span
struct Scaling {
  double centre = 0, span = 1;
};
using Scalings = std::map<std::string, Scaling>;

struct Table : workflow::Prepared {
  Scalings scalings;
};

class Standardise : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("table", &table_, "CSV or JSON file with the numbers of each band")
        .main()
        .meaning(workflow::Meaning::path)
        .not_identity();  // its content is
    parameters.add("bands", &bands_, "The numbers of each band, given here");
    parameters.add("method", &method_, "How values are scaled").choices({"min_max", "mean_sd"});
    parameters.add("clip", &clip_, "Limit min-max results to 0..1");
    parameters
        .add("clip_sd", &clip_sd_, "Limit mean-sd results to so many deviations on both sides")
        .range(0, 1e6);
    parameters.add("others", &others_, "Bands without numbers").choices({"refuse", "keep"});
  }
  void check() override;
  std::vector<workflow::FileInput> files() const override {
    if (!table_) return {};
    return {{.path = *table_}};
  }
  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override;
  std::shared_ptr<const workflow::Prepared> prepare(
      std::span<const workflow::FileContent> contents) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  bool by_range() const { return method_ == "min_max"; }
  Scaling scaling_of(const std::string& band, const Numbers& numbers) const;
  std::map<std::string, Numbers> read_table(const std::string& content) const;
  std::map<std::string, Numbers> read_csv(const std::string& content) const;
  std::map<std::string, Numbers> read_json(const std::string& content) const;
  void check_bands(const CubeSchema& input, const Scalings& scalings) const;
  void scale(std::vector<float>& values, const Scaling& scaling) const;

  std::optional<std::string> table_;
  std::map<std::string, Numbers> bands_;
  std::string method_ = "min_max", others_ = "refuse";
  bool clip_ = false;
  std::optional<double> clip_sd_;
};

Scaling Standardise::scaling_of(const std::string& band, const Numbers& numbers) const {
  const auto& first = by_range() ? numbers.minimum : numbers.mean;
  const auto& second = by_range() ? numbers.maximum : numbers.sd;
  const char* const wanted = by_range() ? "minimum and maximum" : "mean and sd";
  if (!first || !second)
    throw Error(ErrorCode::invalid,
                fmt::format("standardise: band '{}' lacks its {}", band, wanted));
  const Scaling scaling{*first, by_range() ? *second - *first : *second};
  if (!std::isfinite(scaling.centre) || !std::isfinite(scaling.span) || !(scaling.span > 0))
    throw Error(ErrorCode::invalid, fmt::format("standardise: {} of band '{}' are {} and {}",
                                                wanted, band, *first, *second))
        .hint(by_range() ? "the maximum must be above the minimum" : "sd must be above 0");
  return scaling;
}

void Standardise::check() {
  if (table_.has_value() == !bands_.empty())
    throw Error(ErrorCode::invalid, table_ ? "standardise: `table` and `bands` exclude each other"
                                           : "standardise: needs `table` or `bands`");
  for (const auto& [band, numbers] : bands_) (void)scaling_of(band, numbers);
  if (clip_ && !by_range())
    throw Error(ErrorCode::invalid, "standardise.clip: is only for method: min_max")
        .hint("clip_sd: 3 limits results to three deviations");
  if (clip_sd_ && by_range())
    throw Error(ErrorCode::invalid, "standardise.clip_sd: is only for method: mean_sd");
}

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::map<std::string, Numbers> Standardise::read_csv(const std::string& content) const {
  const auto lines = catalog::csv_lines(content, *table_);
  if (lines.empty()) throw Error(ErrorCode::invalid, "standardise.table: has no lines");
  const auto& heading = lines.front().fields;
  const auto column = [&](const std::string& name) {
    return static_cast<size_t>(std::find(heading.begin(), heading.end(), name) - heading.begin());
  };
  const std::string first = by_range() ? "minimum" : "mean", second = by_range() ? "maximum" : "sd";
  const size_t band = column("band"), columns[] = {column(first), column(second)};
  for (const auto& name : {std::string("band"), first, second})
    if (column(name) == heading.size())
      throw Error(ErrorCode::invalid,
                  fmt::format("standardise.table: there is no column '{}'", name))
          .hint(fmt::format("the heading has: {}", fmt::join(heading, ", ")));
  std::map<std::string, Numbers> out;
  for (size_t i = 1; i < lines.size(); ++i) {
    const auto& fields = lines[i].fields;
    const auto refused = [&](const std::string& message) {
      Error error = Error(ErrorCode::invalid, "standardise.table: " + message);
      error.at({.file = *table_, .line = lines[i].number});
      return error;
    };
    if (fields.size() != heading.size())
      throw refused(fmt::format("has {} columns, the heading {}", fields.size(), heading.size()));
    std::optional<double> numbers[2];
    for (size_t k = 0; k < 2; ++k) {
      numbers[k] = number_of(fields[columns[k]]);
      if (!numbers[k]) throw refused(fmt::format("'{}' is not a number", fields[columns[k]]));
    }
    Numbers of_band;
    (by_range() ? of_band.minimum : of_band.mean) = numbers[0];
    (by_range() ? of_band.maximum : of_band.sd) = numbers[1];
    if (!out.emplace(fields[band], of_band).second)
      throw refused(fmt::format("band '{}' is there twice", fields[band]));
  }
  return out;
}

std::map<std::string, Numbers> Standardise::read_json(const std::string& content) const {
  const auto root = workflow::Json::parse(content, nullptr, false);
  if (!root.is_object())
    throw Error(ErrorCode::invalid, "standardise.table: is not a JSON object of bands");
  std::map<std::string, Numbers> out;
  for (const auto& [band, members] : root.items()) {
    const auto number = [&, &band = band,
                         &members = members](const char* name) -> std::optional<double> {
      if (!members.is_object() || !members.contains(name)) return std::nullopt;
      if (!members[name].is_number())
        throw Error(ErrorCode::invalid,
                    fmt::format("standardise.table: {}.{} is not a number", band, name));
      return members[name].get<double>();
    };
    out[band] = {number("minimum"), number("maximum"), number("mean"), number("sd")};
  }
  return out;
}

std::map<std::string, Numbers> Standardise::read_table(const std::string& content) const {
  try {
    const auto first = content.find_first_not_of(" \t\r\n");
    const bool json = first != std::string::npos && content[first] == '{';
    return json ? read_json(content) : read_csv(content);
  } catch (Error& error) {
    error.at({.file = *table_});
    throw;
  }
}

std::shared_ptr<const workflow::Prepared> Standardise::prepare(
    std::span<const workflow::FileContent> contents) const {
  auto table = std::make_shared<Table>();
  const auto numbers = table_ ? read_table(contents[0].content) : bands_;
  for (const auto& [band, of_band] : numbers) table->scalings[band] = scaling_of(band, of_band);
  return table;
}

// Every band of the document's list is there, and every band has its numbers.
void Standardise::check_bands(const CubeSchema& input, const Scalings& scalings) const {
  std::vector<std::string> known;
  for (const auto& [band, scaling] : scalings) known.push_back(band);
  for (const auto& band : input.bands) {
    if (scalings.contains(band.name) || others_ == "keep") continue;
    throw Error(ErrorCode::invalid,
                fmt::format("standardise: there are no numbers for band '{}'", band.name))
        .hint(spelling_hint(band.name, known) + "; or say others: keep");
  }
}

// A table's bands are not known yet: they are compared when pixels come.
workflow::BlockPlan Standardise::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  CubeSchema output = input;
  Scalings scalings;
  for (const auto& [band, numbers] : bands_) {
    if (input.find_band(band) < 0)
      throw Error(ErrorCode::invalid, fmt::format("standardise.bands: there is no band '{}'", band))
          .hint(spelling_hint(band, input.band_names()));
    scalings[band] = {};
  }
  if (!table_) check_bands(input, scalings);
  for (auto& band : output.bands) {
    const bool classes = band.kind == raster::BandKind::category;
    if (classes && (others_ == "refuse" || scalings.contains(band.name)))
      throw Error(ErrorCode::invalid,
                  fmt::format("standardise: band '{}' holds classes", band.name))
          .hint("load or join it without them, or say others: keep");
    if (!classes) band = measured_band(band.name, scalings.contains(band.name) ? "" : band.unit);
  }
  // A table's numbers may be those of any band: none keeps a unit that it may have no more.
  if (table_)
    for (auto& band : output.bands) band.unit.clear();
  return {.outputs = {std::move(output)},
          .time_need = workflow::TimeNeed::pointwise,
          .scratch_bytes_per_pixel = sizeof(float)};
}

void Standardise::scale(std::vector<float>& values, const Scaling& scaling) const {
  double lowest = -HUGE_VAL, highest = HUGE_VAL;
  if (clip_) lowest = 0, highest = 1;
  if (clip_sd_) lowest = -*clip_sd_, highest = *clip_sd_;
  for (auto& value : values) {
    const double scaled = (static_cast<double>(value) - scaling.centre) / scaling.span;
    // NaN, an invalid pixel, is neither above nor below.
    value = static_cast<float>(scaled < lowest ? lowest : scaled > highest ? highest : scaled);
  }
}

void copy_band(const Block& in, Block& out, size_t band, size_t slice) {
  std::memcpy(out.raw_plane(band, slice), in.raw_plane(band, slice),
              in.pixels() * raster::byte_size(in.type(band)));
  const auto valid = in.validity(slice, band);
  std::copy(valid.begin(), valid.end(), out.validity(slice, band).begin());
}

void Standardise::run(const workflow::BlockCall& call) const {
  const auto& scalings = dynamic_cast<const Table&>(*call.prepared).scalings;
  const CubeSchema& input = *call.input_schemas[0];
  const Block& in = *call.inputs[0];
  Block& out = *call.outputs[0];
  check_bands(input, scalings);
  std::vector<float> values(in.pixels());
  // Planes that bands share are written by all of them: first what is copied.
  for (size_t slice = 0; slice < in.slices(); ++slice) {
    for (size_t band = 0; band < in.bands(); ++band)
      if (input.bands[band].kind == raster::BandKind::category) copy_band(in, out, band, slice);
    for (size_t band = 0; band < in.bands(); ++band) {
      if (input.bands[band].kind == raster::BandKind::category) continue;
      read_physical(in, input.bands[band], band, slice, values);
      if (const auto found = scalings.find(input.bands[band].name); found != scalings.end())
        scale(values, found->second);
      write_measured(values, out, band, slice);
    }
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_standardise() {
  return std::make_unique<Standardise>();
}

}  // namespace geoloom::ops
