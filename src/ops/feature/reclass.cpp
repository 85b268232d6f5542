// SPDX-License-Identifier: Apache-2.0
// Classes from values: by a table in a file, or by rules in the document.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "error/error.h"
#include "kernels/lookup.h"
#include "ops/class_names.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;
using raster::PixelType;

const workflow::OpDescription kDescription{
    .name = "reclass",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Replace values and ranges of values by classes, from a table or rules",
    .documentation = R"(Every pixel of the chosen band is looked up and replaced. A rule is either

- exact values, `{is: [4, 5], value: 1}`, or
- a range, `{from: 0.2, to: 0.5, value: 2}`: from 0.2 on and below 0.5, so that neighbouring ranges
  share an end without overlapping. Without `from` it begins at minus infinity, without `to` it ends
  at infinity.

A table is a CSV file, separated by commas, semicolons or tabs. Without a heading it has two columns
(exact value, new value) or three (from, to, new value). With a heading the columns are found by
their names `value`, and `is` or `from` and `to`; others are ignored. Empty ends are open. Lines that
begin with `#` are comments. The table's content, not its path, is part of the identity of results.

Two rules for one value are an error that names both lines.

**Which values are compared.** Physical ones: stored * scale + offset.

**Invalid pixels** stay invalid. Values that no rule names become `default`: a value, or `invalid`.

`classes: {0: bare, 1: green}` names the new classes, in files and in what is made of them.

The result has one type (`type`), holds classes unless `kind: measure` says otherwise, and keeps the
names of the bands. It has no nodata value of its own: `save` writes a mask band, or the nodata given
there.)",
    .inputs = {{"values", "the band to replace"}},
    .outputs = {{"classes", "the band with its new values"}}};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// [from, to), or exactly `from` when it is a point.
struct Range {
  double from = -kInfinity;
  double to = kInfinity;
  bool point = false;
  double value = 0;
  std::string place;  // "line 7", "rules[2]"

  std::string text() const {
    if (point) return fmt::format("{}", from);
    return fmt::format("{}..{}", from, to);
  }
};

struct Rule {
  std::optional<double> from, to;
  std::vector<double> is;
  double value = 0;
  void declare(workflow::Parameters& parameters) {
    parameters.add("is", &is, "Exact values");
    parameters.add("from", &from, "Begin of a range, included");
    parameters.add("to", &to, "End of a range, not included");
    parameters.add("value", &value, "The new value").required();
  }
};

bool fits(PixelType type, double value) {
  return std::isfinite(value) && raster::holds(type, value);
}

// Sorted, checked for overlaps and for values that the type cannot hold.
std::vector<Range> checked(std::vector<Range> ranges, PixelType type) {
  for (const auto& range : ranges) {
    if (!fits(type, range.value))
      throw Error(ErrorCode::invalid, fmt::format("reclass: {}: {} is not a value of {}",
                                                  range.place, range.value, raster::name(type)))
          .hint("choose another `type`");
    if (!(range.point || range.from < range.to) || std::isnan(range.from))
      throw Error(ErrorCode::invalid,
                  fmt::format("reclass: {}: the range {} is empty", range.place, range.text()));
  }
  std::stable_sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::tuple(a.from, !a.point) < std::tuple(b.from, !b.point);
  });
  for (size_t i = 1; i < ranges.size(); ++i) {
    const auto& a = ranges[i - 1];
    const auto& b = ranges[i];
    if (a.point ? a.from < b.from : a.to <= b.from) continue;
    throw Error(ErrorCode::invalid,
                fmt::format("reclass: {} ({}) and {} ({}) say two things for one value", a.place,
                            a.text(), b.place, b.text()))
        .hint("ranges begin with `from` and end just below `to`");
  }
  return ranges;
}

// ---------------------------------------------------------------------------------------------
// Tables

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\"";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string_view> cells_of(std::string_view line, char separator) {
  std::vector<std::string_view> cells;
  for (;;) {
    const auto end = line.find(separator);
    cells.push_back(trimmed(line.substr(0, end)));
    if (end == std::string_view::npos) return cells;
    line.remove_prefix(end + 1);
  }
}

std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || std::isnan(value))
    return std::nullopt;
  return value;
}

// Which cells of a line hold what; -1: none.
struct Columns {
  int is = -1, from = -1, to = -1, value = -1;
  size_t count = 0;
};

class TableReader {
 public:
  explicit TableReader(std::string path) : path_(std::move(path)) {}

  std::vector<Range> read(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    while (!text.empty()) {
      const auto end = text.find('\n');
      ++line_;
      add_line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (ranges_.empty()) throw at_line("the table has no lines").hint("from,to,value on each line");
    return std::move(ranges_);
  }

 private:
  Error at_line(const std::string& message) const {
    Error error = Error(ErrorCode::invalid, "reclass.table: " + message);
    error.at({.file = path_, .line = line_});
    return error;
  }

  void add_line(std::string_view line) {
    if (trimmed(line).empty() || trimmed(line).starts_with('#')) return;
    if (columns_.count == 0) {
      for (const char c : {',', ';', '\t'})
        if (separator_ == 0 && line.find(c) != std::string_view::npos) separator_ = c;
      const auto cells = cells_of(line, separator_);
      const bool heading = std::any_of(cells.begin(), cells.end(), [](std::string_view cell) {
        return !cell.empty() && !number_of(cell);
      });
      if (heading) return read_heading(cells);
      guess_columns(cells.size());
    }
    const auto cells = cells_of(line, separator_);
    if (cells.size() != columns_.count)
      throw at_line(
          fmt::format("has {} columns, lines before have {}", cells.size(), columns_.count));
    ranges_.push_back(range_of(cells));
  }

  void guess_columns(size_t count) {
    if (count != 2 && count != 3)
      throw at_line(fmt::format("has {} columns", count))
          .hint("two (value, new value) or three (from, to, new value), or name them in a heading");
    columns_ = count == 2 ? Columns{.is = 0, .value = 1, .count = 2}
                          : Columns{.from = 0, .to = 1, .value = 2, .count = 3};
  }

  void read_heading(const std::vector<std::string_view>& cells) {
    columns_.count = cells.size();
    for (size_t i = 0; i < cells.size(); ++i) {
      int* const place = cells[i] == "is"      ? &columns_.is
                         : cells[i] == "from"  ? &columns_.from
                         : cells[i] == "to"    ? &columns_.to
                         : cells[i] == "value" ? &columns_.value
                                               : nullptr;
      if (place != nullptr) *place = static_cast<int>(i);
    }
    const bool ranges = columns_.from >= 0 && columns_.to >= 0;
    if (columns_.value < 0 || (columns_.is < 0 && !ranges))
      throw at_line("the heading names no columns to use")
          .hint("name `value`, and `is` or `from` and `to`");
  }

  double number_in(const std::vector<std::string_view>& cells, int column, double if_empty) const {
    const auto cell = cells[static_cast<size_t>(column)];
    if (cell.empty() && !std::isnan(if_empty)) return if_empty;
    const auto number = number_of(cell);
    if (!number) throw at_line(fmt::format("'{}' is not a number", cell));
    return *number;
  }

  Range range_of(const std::vector<std::string_view>& cells) const {
    constexpr double required = std::numeric_limits<double>::quiet_NaN();
    Range range;
    range.place = fmt::format("line {}", line_);
    range.value = number_in(cells, columns_.value, required);
    const bool exact =
        columns_.is >= 0 && (columns_.from < 0 || !cells[static_cast<size_t>(columns_.is)].empty());
    if (exact) {
      range.point = true;
      range.from = range.to = number_in(cells, columns_.is, required);
    } else {
      range.from = number_in(cells, columns_.from, -kInfinity);
      range.to = number_in(cells, columns_.to, kInfinity);
    }
    return range;
  }

  const std::string path_;
  int line_ = 0;
  char separator_ = 0;
  Columns columns_;
  std::vector<Range> ranges_;
};

// ---------------------------------------------------------------------------------------------
// Lookup tables

// New values in the type of the result.
using Values = std::variant<std::vector<uint8_t>, std::vector<uint16_t>, std::vector<int16_t>,
                            std::vector<float>>;

// Rules for the stored values of one kind of band.
struct Stored {
  Values typed;                 // dense: by place of the stored value; else by interval
  std::vector<double> value;    // while it is made
  std::vector<uint8_t> listed;  // dense
  std::vector<float> from, to;  // intervals
};

// The range that holds a physical value. `slack` absorbs the rounding of stored * scale + offset.
const Range* find(const std::vector<Range>& ranges, double physical, double slack) {
  for (const auto& range : ranges) {
    const bool in = range.point ? std::abs(physical - range.from) <= slack
                                : physical >= range.from - slack && physical < range.to - slack;
    if (in) return &range;
  }
  return nullptr;
}

template <class T>
Stored dense_table(const std::vector<Range>& ranges, double scale, double offset) {
  Stored stored;
  const size_t size = sizeof(T) == 1 ? 256 : 65536;
  stored.value.assign(size, 0);
  stored.listed.assign(size, 0);
  const double slack = std::abs(scale) * 1e-6;
  for (int64_t v = std::numeric_limits<T>::min(); v <= std::numeric_limits<T>::max(); ++v) {
    const Range* range = find(ranges, static_cast<double>(v) * scale + offset, slack);
    if (range == nullptr) continue;
    const size_t place = kernels::table_place(static_cast<T>(v));
    stored.value[place] = range->value;
    stored.listed[place] = 1;
  }
  return stored;
}

// The largest float range that lies within the range, in stored values.
Stored interval_table(const std::vector<Range>& ranges, double scale, double offset) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto stored_value = [&](double physical) {
    return static_cast<float>((physical - offset) / scale);
  };
  std::vector<std::tuple<float, float, double>> intervals;
  for (const auto& range : ranges) {
    float from = stored_value(range.from);
    float to = range.point ? std::nextafter(from, infinity) : stored_value(range.to);
    if (scale < 0 && !range.point) std::swap(from, to);
    if (from < to) intervals.emplace_back(from, to, range.value);
  }
  std::sort(intervals.begin(), intervals.end());
  Stored stored;
  for (const auto& [from, to, value] : intervals) {
    stored.from.push_back(stored.to.empty() ? from : std::max(from, stored.to.back()));
    stored.to.push_back(to);
    stored.value.push_back(value);
  }
  return stored;
}

// Ranges, and the tables made of them for each kind of band that comes along.
class Table : public workflow::Prepared {
 public:
  Table(std::vector<Range> ranges, PixelType type) : ranges_(std::move(ranges)), type_(type) {}

  const Stored& stored_for(const raster::Band& band) const {
    const std::lock_guard lock(mutex_);
    const auto key = std::tuple(band.type, band.scale, band.offset);
    auto found = tables_.find(key);
    if (found == tables_.end()) found = tables_.emplace(key, make(band)).first;
    return found->second;
  }

 private:
  Stored make(const raster::Band& band) const {
    Stored stored = raster::visit(band.type, [&]<class T>(T) {
      if constexpr (std::is_same_v<T, float>)
        return interval_table(ranges_, band.scale, band.offset);
      else
        return dense_table<T>(ranges_, band.scale, band.offset);
    });
    raster::visit(type_, [&]<class T>(T) {
      std::vector<T> typed;
      for (const double value : stored.value) typed.push_back(static_cast<T>(value));
      stored.typed = std::move(typed);
    });
    stored.value = {};
    return stored;
  }

  const std::vector<Range> ranges_;
  const PixelType type_;
  mutable std::mutex mutex_;
  mutable std::map<std::tuple<PixelType, double, double>, Stored> tables_;
};

struct Planes {
  const raster::Block& in;
  raster::Block& out;
  size_t in_band, out_band, slice;
};

template <class In, class Out>
void replace(const Stored& stored, kernels::Unlisted<Out> unlisted, const Planes& planes) {
  const In* in = planes.in.plane<In>(planes.in_band, planes.slice).data();
  const uint8_t* valid = planes.in.validity(planes.slice, planes.in_band).data();
  Out* out = planes.out.plane<Out>(planes.out_band, planes.slice).data();
  uint8_t* out_valid = planes.out.validity(planes.slice, planes.out_band).data();
  const auto& values = std::get<std::vector<Out>>(stored.typed);
  if constexpr (std::is_same_v<In, float>) {
    const kernels::Intervals<Out> intervals{stored.from.data(), stored.to.data(), values.data(),
                                            values.size()};
    kernels::lookup(in, valid, planes.in.pixels(), intervals, unlisted, out, out_valid);
  } else {
    const kernels::DenseTable<Out> table{values.data(), stored.listed.data()};
    kernels::lookup(in, valid, planes.in.pixels(), table, unlisted, out, out_valid);
  }
}

// ---------------------------------------------------------------------------------------------

class Reclass : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters& parameters) override;
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
  PixelType type() const { return raster::pixel_type_of(type_); }
  std::vector<size_t> chosen(const CubeSchema& input) const;
  std::vector<Range> ranges_of_rules() const;

  std::optional<std::string> table_;
  std::vector<Rule> rules_;
  workflow::Value default_;
  std::optional<double> default_value_;
  std::string type_ = "uint8";
  std::vector<std::string> bands_;
  std::string kind_ = "category";
  std::map<std::string, std::string> class_names_;
  ClassNames classes_;
};

void Reclass::declare(workflow::Parameters& parameters) {
  parameters.add("table", &table_, "CSV file with columns from, to, value or value, new value")
      .main()
      .meaning(workflow::Meaning::path)
      .not_identity();  // its content is
  parameters.add("rules", &rules_, "Rules given here: {is: [4, 5], value: 1} or {from, to, value}");
  parameters.add("default", &default_, "What values without a rule become: a number, or `invalid`");
  parameters.add("type", &type_, "Type of the result")
      .choices({"uint8", "uint16", "int16", "float32"});
  parameters.add("band", &bands_, "Band or bands to replace. Default: the only one")
      .meaning(workflow::Meaning::band);
  parameters.add("kind", &kind_, "What the new values mean").choices({"category", "measure"});
  parameters.add("classes", &class_names_, "Names of the new classes by their values")
      .identity_if_changed();
}

void Reclass::check() {
  if (table_.has_value() == !rules_.empty())
    throw Error(ErrorCode::invalid, table_ ? "reclass: `table` and `rules` exclude each other"
                                           : "reclass: needs `table` or `rules`");
  const bool number = default_.kind == workflow::Value::Kind::integer ||
                      default_.kind == workflow::Value::Kind::number;
  if (number)
    default_value_ = default_.number;
  else if (!default_.is_null() && default_.text != "invalid")
    throw default_.error(fmt::format("reclass.default: must be a number or `invalid`, got {}",
                                     default_.described()));
  if (default_value_ && !fits(type(), *default_value_))
    throw default_
        .error(fmt::format("reclass.default: {} is not a value of {}", *default_value_, type_))
        .hint("choose another `type`");
  if (!rules_.empty()) (void)checked(ranges_of_rules(), type());
  classes_ = ClassNames(class_names_, "reclass.classes");
  if (!classes_.empty() && kind_ != "category")
    throw Error(ErrorCode::invalid,
                "reclass.classes: with `kind: measure` the new values are no classes");
}

std::vector<Range> Reclass::ranges_of_rules() const {
  std::vector<Range> ranges;
  for (size_t i = 0; i < rules_.size(); ++i) {
    const auto& rule = rules_[i];
    const auto place = fmt::format("rules[{}]", i);
    if (rule.is.empty() == !(rule.from || rule.to))
      throw Error(ErrorCode::invalid,
                  fmt::format("reclass: {}: needs either `is` or a range `from`, `to`", place));
    for (const double value : rule.is) ranges.push_back({value, value, true, rule.value, place});
    if (rule.is.empty())
      ranges.push_back(
          {rule.from.value_or(-kInfinity), rule.to.value_or(kInfinity), false, rule.value, place});
  }
  return ranges;
}

std::vector<size_t> Reclass::chosen(const CubeSchema& input) const {
  if (bands_.empty() && input.bands.size() == 1) return {0};
  if (bands_.empty())
    throw Error(ErrorCode::invalid,
                fmt::format("reclass.band: there are {} bands, say which", input.bands.size()))
        .hint("known: " + fmt::format("{}", fmt::join(input.band_names(), ", ")));
  std::vector<size_t> out;
  for (const auto& band : bands_) out.push_back(static_cast<size_t>(input.band_index(band)));
  return out;
}

workflow::BlockPlan Reclass::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  CubeSchema output;
  // An unlisted value makes one band invalid and leaves the others.
  const auto bands = chosen(input);
  output.validity_per_band = bands.size() > 1;
  for (const size_t band : bands) {
    raster::Band out;
    out.name = input.bands[band].name;
    out.type = type();
    out.kind = kind_ == "category" ? raster::BandKind::category : raster::BandKind::measure;
    if (out.type == PixelType::float32) out.nodata = std::numeric_limits<double>::quiet_NaN();
    classes_.give_to(out, "reclass.classes");
    output.bands.push_back(std::move(out));
  }
  output.slices = input.slices;
  return {.outputs = {std::move(output)}, .time_need = workflow::TimeNeed::pointwise};
}

std::shared_ptr<const workflow::Prepared> Reclass::prepare(
    std::span<const workflow::FileContent> contents) const {
  if (!table_) return std::make_shared<Table>(checked(ranges_of_rules(), type()), type());
  auto ranges = TableReader(*table_).read(contents[0].content);
  try {
    return std::make_shared<Table>(checked(std::move(ranges), type()), type());
  } catch (Error& error) {
    error.at({.file = *table_});
    throw;
  }
}

void Reclass::run(const workflow::BlockCall& call) const {
  const auto& table = dynamic_cast<const Table&>(*call.prepared);
  const CubeSchema& input = *call.input_schemas[0];
  const auto bands = chosen(input);
  for (size_t slice = 0; slice < call.inputs[0]->slices(); ++slice) {
    for (size_t i = 0; i < bands.size(); ++i) {
      const auto& stored = table.stored_for(input.bands[bands[i]]);
      const Planes planes{*call.inputs[0], *call.outputs[0], bands[i], i, slice};
      raster::visit(input.bands[bands[i]].type, [&]<class In>(In) {
        raster::visit(type(), [&]<class Out>(Out) {
          const kernels::Unlisted<Out> unlisted{static_cast<Out>(default_value_.value_or(0)),
                                                default_value_.has_value()};
          replace<In, Out>(stored, unlisted, planes);
        });
      });
    }
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_reclass() {
  return std::make_unique<Reclass>();
}

}  // namespace geoloom::ops
