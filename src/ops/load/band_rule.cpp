// SPDX-License-Identifier: Apache-2.0
#include "ops/load/band_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

#include "error/error.h"
#include "kernels/mask_rules.h"
#include "kernels/reject.h"

namespace geoloom::ops {
namespace {

using raster::PixelType;
constexpr int64_t kLastBit = 15;
constexpr int64_t kWidestField = 6;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

uint16_t as_bits(const std::vector<int64_t>& numbers) {
  unsigned bits = 0;
  for (const int64_t number : numbers) bits |= 1U << number;
  return static_cast<uint16_t>(bits);
}

void check_bits(const std::string& name, const std::vector<int64_t>& numbers) {
  for (const int64_t number : numbers)
    if (number < 0 || number > kLastBit)
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: bits are counted from 0 to {}, not {}", name, kLastBit, number));
}

template <class T>
std::vector<T> classes_of(const std::vector<int64_t>& listed) {
  std::vector<T> out;
  for (const int64_t value : listed)
    if (raster::holds(raster::pixel_type<T>(), static_cast<double>(value)))
      out.push_back(static_cast<T>(value));
  return out;
}

template <class T>
void clear_classes(const BandRule& rule, const T* samples, size_t pixels, uint8_t* valid) {
  const auto classes = classes_of<T>(rule.listed());
  kernels::apply_class_mask(samples, pixels, classes.data(), classes.size(), rule.listed_are_kept(),
                            valid);
}

template <class T>
void mark_classes(const BandRule& rule, const T* samples, size_t pixels, uint8_t* unusable) {
  std::vector<uint8_t> usable(pixels, 1);
  clear_classes(rule, samples, pixels, usable.data());
  for (size_t i = 0; i < pixels; ++i)
    unusable[i] = static_cast<uint8_t>(unusable[i] | static_cast<uint8_t>(usable[i] == 0));
}

template <class T>
void mark_field(const BandRule& rule, const T* samples, size_t pixels, uint8_t* unusable) {
  uint64_t listed = 0;
  for (const int64_t number : rule.listed()) listed |= uint64_t{1} << number;
  kernels::mask_field(samples, pixels, static_cast<int>(rule.field[0]),
                      static_cast<int>(rule.field[1] - rule.field[0] + 1), listed,
                      rule.listed_are_kept(), unusable);
}

// Fields of one sample, of which any may make it a listed one.
template <class T>
void mark_fields(const BandRule& rule, const T* samples, size_t pixels, uint8_t* unusable) {
  std::vector<uint8_t> listed(pixels, 0);
  for (const auto& field : rule.fields) {
    if (field.values.empty()) {
      const auto bits = static_cast<uint16_t>(((1U << field.count) - 1) << field.first);
      kernels::mask_bits(samples, pixels, bits, uint16_t{0}, listed.data());
      continue;
    }
    uint64_t values = 0;
    for (const int64_t value : field.values) values |= uint64_t{1} << value;
    kernels::mask_field(samples, pixels, field.first, field.count, values, false, listed.data());
  }
  const uint8_t usable = rule.fields_are_kept ? 1 : 0;
  for (size_t i = 0; i < pixels; ++i)
    unusable[i] = static_cast<uint8_t>(unusable[i] | static_cast<uint8_t>(listed[i] != usable));
}

}  // namespace

PixelSize size_in_metres(const geo::Grid& grid) {
  if (!grid.crs.geographic())
    return {grid.pixel_width * grid.crs.metres_per_unit(),
            grid.pixel_height * grid.crs.metres_per_unit()};
  constexpr double kMetresPerDegree = 6371008.8 * std::numbers::pi / 180;
  const auto box = grid.box();
  const double middle = (box.min_y + box.max_y) / 2 * std::numbers::pi / 180;
  return {grid.pixel_width * kMetresPerDegree * std::max(0.01, std::cos(middle)),
          grid.pixel_height * kMetresPerDegree};
}

void CleanStep::declare(workflow::Parameters& parameters) {
  parameters.add("open", &open, "Take out specks narrower than a disk of this radius");
  parameters.add("close", &close, "Fill gaps narrower than a disk of this radius");
  parameters.add("erode", &erode, "Take the edges back by this much");
  parameters.add("dilate", &dilate, "Let the edges grow by this much");
}

kernels::Morphology CleanStep::operation() const {
  if (open) return kernels::Morphology::open;
  if (close) return kernels::Morphology::close;
  return erode ? kernels::Morphology::erode : kernels::Morphology::dilate;
}

const Distance& CleanStep::radius() const {
  if (open) return *open;
  if (close) return *close;
  return erode ? *erode : *dilate;
}

void check_cleaning(const std::string& name, const std::vector<CleanStep>& steps) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto& step = steps[i];
    const int given =
        (step.open ? 1 : 0) + (step.close ? 1 : 0) + (step.erode ? 1 : 0) + (step.dilate ? 1 : 0);
    if (given != 1)
      throw Error(ErrorCode::invalid,
                  fmt::format("{}.clean[{}]: needs one of open, close, erode, dilate", name, i))
          .hint("steps are a list: clean: [{open: 40 m}, {dilate: 100 m}]");
  }
}

std::vector<kernels::CleaningStep> cleaning_on(const std::vector<CleanStep>& clean,
                                               const geo::Grid& grid, const std::string& pixels) {
  const PixelSize size = size_in_metres(grid);
  std::vector<kernels::CleaningStep> steps;
  for (const auto& step : clean) {
    const Distance& radius = step.radius();
    const double longest =
        radius.pixels ? radius.value : radius.value / std::min(size.width, size.height);
    if (!(longest <= kernels::kLargestDisk))
      throw Error(ErrorCode::invalid,
                  fmt::format("load.mask.clean: a radius of {} {} is {:.0f} {}", radius.value,
                              radius.pixels ? "px" : "m", longest, pixels))
          .hint(fmt::format("at most {} pixels are possible", kernels::kLargestDisk));
    steps.push_back({step.operation(), radius.pixels
                                           ? kernels::disk(radius.value, 1, 1)
                                           : kernels::disk(radius.value, size.width, size.height)});
  }
  return steps;
}

void BandRule::declare(workflow::Parameters& parameters) {
  parameters
      .add(
          "band", &band,
          "Band of the same scene, such as SCL; its pixels may be larger. With names of classes it "
          "may be left out: the sensor's mask that has them")
      .meaning(workflow::Meaning::band);
  parameters.add(
      "classes", &classes,
      "Classes that are not usable, by the names of the source's sensor: [cloud, shadow], "
      "or `usual`");
  parameters.add("keep", &keep, "Classes that are usable, numbers or names; all others are not");
  parameters.add("drop", &drop, "Classes that are not usable, numbers or names; all others are");
  parameters.add("field", &field,
                 "First and last bit of a number that `keep` and `drop` are about, as in [8, 9]");
  parameters.add("bits_set", &bits_set,
                 "Not usable where one of these bits is set; 0 is the first");
  parameters.add("bits_clear", &bits_clear, "Not usable where one of these bits is not set");
  parameters.add("above", &above, "Not usable where the stored value is higher");
  parameters.add("below", &below, "Not usable where the stored value is lower");
  parameters.add("between", &between,
                 "Not usable from the first to the second of these values, both included");
  parameters.add("clean", &clean,
                 "What is done to the mask of this rule on its own pixels, in order: "
                 "[{open: 40 m}, {dilate: 100 m}]");
}

bool BitField::holds(uint16_t sample) const {
  const int64_t number = (sample >> first) & ((1 << count) - 1);
  return values.empty() ? number != 0
                        : std::find(values.begin(), values.end(), number) != values.end();
}

bool BandRule::silent() const {
  return band.empty() && classes.empty() && !by_class() && fields.empty() && field.empty() &&
         bits_set.empty() && bits_clear.empty() && !above && !below && between.empty();
}

void BandRule::check(const std::string& name) const {
  if (band.empty())
    throw Error(ErrorCode::invalid,
                name + ": needs `band`, unless it names classes of the source's sensor")
        .hint("such as mask: {band: SCL, drop: 9}, or mask: {classes: [cloud, shadow]}");
  if (!keep.empty() && !drop.empty())
    throw Error(ErrorCode::invalid, name + ": `keep` and `drop` exclude each other")
        .hint("give one of them, as in mask: {band: SCL, keep: [4, 5, 6]}");
  const int kinds = (by_class() || !fields.empty() ? 1 : 0) +
                    (bits_set.empty() && bits_clear.empty() ? 0 : 1) + (above || below ? 1 : 0) +
                    (between.empty() ? 0 : 1);
  if (kinds == 0)
    throw Error(ErrorCode::invalid, name + ": says neither which classes to keep nor to drop")
        .hint(
            "give one of classes, keep, drop, bits_set, bits_clear, above, below, between; or "
            "vector, or expression");
  if (kinds > 1)
    throw Error(ErrorCode::invalid, name + ": classes, bits and ranges are rules of their own")
        .hint("write a list: mask: [{band: SCL, drop: 9}, {band: CLD, above: 40}]");
  check_bits(name + ".bits_set", bits_set);
  check_bits(name + ".bits_clear", bits_clear);
  if (!between.empty() && (between.size() != 2 || !(between[0] <= between[1])))
    throw Error(ErrorCode::invalid, name + ".between: needs two values, the lower one first");
  if (above && below && *below > *above)
    throw Error(ErrorCode::invalid, name + ": nothing is usable below " +
                                        fmt::format("{}", *below) + " and above " +
                                        fmt::format("{}", *above));
  if (!field.empty()) {
    check_bits(name + ".field", field);
    if (field.size() != 2 || field[0] > field[1] || field[1] - field[0] >= kWidestField)
      throw Error(ErrorCode::invalid,
                  fmt::format("{}.field: needs the first and the last of at most {} bits", name,
                              kWidestField));
    if (!by_class()) throw Error(ErrorCode::invalid, name + ".field: goes with `keep` or `drop`");
    for (const int64_t value : listed())
      if (value < 0 || value >= int64_t{1} << (field[1] - field[0] + 1))
        throw Error(ErrorCode::invalid, fmt::format("{}: a field of {} bits never holds {}", name,
                                                    field[1] - field[0] + 1, value));
  }
  check_cleaning(name, clean);
}

void BandRule::check_type(const std::string& name, PixelType type) const {
  const bool ranges = above || below || !between.empty();
  if (type == PixelType::float32 && !ranges)
    throw Error(ErrorCode::invalid, fmt::format("{}.band: '{}' holds {} samples, not classes", name,
                                                band, raster::name(type)))
        .hint("classes and bits need 8 or 16-bit whole numbers");
  if (!field.empty()) return;
  for (const int64_t value : listed())
    if (!raster::holds(type, static_cast<double>(value)))
      throw Error(ErrorCode::invalid, fmt::format("{}.{}: band '{}' is {} and never holds {}", name,
                                                  listed_are_kept() ? "keep" : "drop", band,
                                                  raster::name(type), value));
}

void BandRule::mark(PixelType type, const void* samples, size_t pixels, uint8_t* unusable) const {
  raster::visit(type, [&]<class T>(T) {
    const T* const from = static_cast<const T*>(samples);
    if (above || below)
      return kernels::mask_outside(from, pixels, below.value_or(-kInfinity),
                                   above.value_or(kInfinity), unusable);
    if (!between.empty())
      return kernels::mask_range(from, pixels, between[0], between[1], unusable);
    if constexpr (!std::is_same_v<T, float>) {
      if (!fields.empty()) return mark_fields(*this, from, pixels, unusable);
      if (!field.empty()) return mark_field(*this, from, pixels, unusable);
      if (!by_class())
        return kernels::mask_bits(from, pixels, as_bits(bits_set), as_bits(bits_clear), unusable);
    }
    mark_classes(*this, from, pixels, unusable);
  });
}

void BandRule::clear(PixelType type, const void* samples, size_t pixels, uint8_t* valid) const {
  if (by_class() && field.empty() && fields.empty())
    return raster::visit(type, [&]<class T>(T) {
      clear_classes(*this, static_cast<const T*>(samples), pixels, valid);
    });
  std::vector<uint8_t> unusable(pixels, 0);
  mark(type, samples, pixels, unusable.data());
  for (size_t i = 0; i < pixels; ++i) valid[i] = unusable[i] != 0 ? uint8_t{0} : valid[i];
}

std::string BandRule::reason(double stored) const {
  uint8_t taken_out = 0;
  const auto sample = static_cast<float>(stored);
  if (above || below || !between.empty()) {
    mark(PixelType::float32, &sample, 1, &taken_out);
    return taken_out == 0 ? "" : fmt::format("{} is {}, which is masked", band, stored);
  }
  const auto bits = static_cast<uint16_t>(static_cast<int32_t>(stored));
  if (!fields.empty()) {
    mark(PixelType::uint16, &bits, 1, &taken_out);
    if (taken_out == 0) return {};
    std::string names;
    for (const auto& each : fields)
      if (!fields_are_kept && each.holds(bits)) names += (names.empty() ? "" : ", ") + each.name;
    return fmt::format("{} is {}: {}", band, stored,
                       names.empty() ? "none of what is kept" : names);
  }
  if (!by_class()) {
    mark(PixelType::uint16, &bits, 1, &taken_out);
    return taken_out == 0 ? "" : fmt::format("{} is {}: masked by its bits", band, stored);
  }
  auto value = static_cast<int64_t>(stored);
  if (!field.empty()) value = (bits >> field[0]) & ((1 << (field[1] - field[0] + 1)) - 1);
  const bool found = std::find(listed().begin(), listed().end(), value) != listed().end();
  if (found == listed_are_kept()) return {};
  const auto known = class_names.find(value);
  const auto plain = known == class_names.end() ? fmt::format("{}", value)
                                                : fmt::format("{} ({})", value, known->second);
  const auto what =
      field.empty() ? plain : fmt::format("{} in bits {} to {}", value, field[0], field[1]);
  return fmt::format("{} is {}, which is {}", band, what,
                     listed_are_kept() ? "not kept" : "dropped");
}

std::vector<kernels::CleaningStep> BandRule::cleaning(const geo::Grid& grid) const {
  return cleaning_on(clean, grid, fmt::format("pixels of band '{}'", band));
}

workflow::Json said_of(const BandRule& rule, const workflow::Json& all) {
  workflow::Json said = workflow::Json::object();
  for (const auto& field : rule.fields)
    said[rule.fields_are_kept ? "kept_fields" : "dropped_fields"].push_back(
        {field.first, field.count, field.values});
  for (const auto& [key, entry] : all.items())
    if (key == "band" || key == "keep" || key == "drop" || !entry.empty()) said[key] = entry;
  return said;
}

}  // namespace geoloom::ops

namespace geoloom::workflow {
void ParameterType<ops::Distance>::parse(const Value& value, const Parameter&,
                                         const std::string& name, ops::Distance& out) {
  std::string text;
  Parameter plain;
  if (value.kind == Value::Kind::string)
    ParameterType<std::string>::parse(value, plain, name, text);
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, out.value);
  std::string unit(rest, end);
  unit.erase(0, unit.find_first_not_of(' ') == std::string::npos ? 0 : unit.find_first_not_of(' '));
  const bool known = unit == "m" || unit == "km" || unit == "px";
  if (error != std::errc() || !known || !(out.value >= 0) || !std::isfinite(out.value))
    throw value.error(fmt::format("{} needs a length", name))
        .hint("write a number with its unit: 40 m, 0.5 km, or 2 px for pixels of the mask");
  out.pixels = unit == "px";
  if (unit == "km") out.value *= 1000;
}

Json ParameterType<ops::Distance>::to_json(const ops::Distance& value) {
  return fmt::format("{} {}", value.value, value.pixels ? "px" : "m");
}

OrderedJson ParameterType<ops::Distance>::schema(const Parameter&) {
  return {{"type", "string"}, {"pattern", "^[0-9.]+ ?(m|km|px)$"}};
}

void ParameterType<ops::ClassList>::parse(const Value& value, const Parameter& parameter,
                                          const std::string& name, ops::ClassList& out) {
  out = {};
  std::vector<Value> entries;
  ParameterType<std::vector<Value>>::parse(value, parameter, name, entries);
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto place = entries.size() > 1 ? fmt::format("{}[{}]", name, i) : name;
    if (entries[i].kind == Value::Kind::string)
      out.names.push_back(entries[i].text);
    else
      ParameterType<int64_t>::parse(entries[i], parameter, place, out.numbers.emplace_back());
  }
}

Json ParameterType<ops::ClassList>::to_json(const ops::ClassList& value) {
  Json list = ParameterType<std::vector<int64_t>>::to_json(value.numbers);
  for (const auto& name : value.names) list.push_back(name);
  return list;
}

OrderedJson ParameterType<ops::ClassList>::schema(const Parameter& parameter) {
  const OrderedJson item = {{"anyOf", OrderedJson::array({ParameterType<int64_t>::schema(parameter),
                                                          OrderedJson{{"type", "string"}}})}};
  const OrderedJson list = {{"type", "array"}, {"items", item}};
  return {{"anyOf", OrderedJson::array({list, item})}};
}

void ParameterType<ops::BandRule>::parse(const Value& value, const Parameter&,
                                         const std::string& name, ops::BandRule& out) {
  ops::BandRule rule;
  Parameters parameters;
  rule.declare(parameters);
  parameters.bind(value, name);
  out = std::move(rule);
}

Json ParameterType<ops::BandRule>::to_json(const ops::BandRule& value) {
  ops::BandRule rule = value;
  Parameters parameters;
  rule.declare(parameters);
  return ops::said_of(value, parameters.identity());
}

OrderedJson ParameterType<ops::BandRule>::schema(const Parameter&) {
  ops::BandRule rule;
  Parameters parameters;
  rule.declare(parameters);
  return parameters.schema();
}

}  // namespace geoloom::workflow
