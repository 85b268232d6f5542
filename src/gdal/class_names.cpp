// SPDX-License-Identifier: Apache-2.0
#include "gdal/class_names.h"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

namespace geoloom::gdal {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestText = size_t{1} << 20;
constexpr int64_t kMostCategories = 256;  // of the list without values

// Usages of columns, as GDAL numbers them.
enum class Usage { name = 2, value = 5, red = 6, green = 7, blue = 8 };
// Types of columns, as GDAL numbers them.
enum class Type { integer = 0, text = 2 };

std::string xml_text(const std::string& text) {
  const std::unique_ptr<char, decltype(&VSIFree)> escaped(
      CPLEscapeString(text.data(), static_cast<int>(text.size()), CPLES_XML), &VSIFree);
  return escaped.get();
}

std::string column(int index, const char* name, Type type, Usage usage) {
  return fmt::format(
      "      <FieldDefn index=\"{}\"><Name>{}</Name><Type>{}</Type><Usage>{}</Usage></FieldDefn>\n",
      index, name, static_cast<int>(type), static_cast<int>(usage));
}

std::string categories(const NamedClasses& classes) {
  if (classes.names.begin()->first < 0 || classes.names.rbegin()->first >= kMostCategories)
    return {};
  std::string out = "    <CategoryNames>\n";
  for (int64_t value = 0; value <= classes.names.rbegin()->first; ++value) {
    const auto found = classes.names.find(value);
    out += fmt::format("      <Category>{}</Category>\n",
                       found == classes.names.end() ? "" : xml_text(found->second));
  }
  return out + "    </CategoryNames>\n";
}

std::string table(const NamedClasses& classes) {
  std::string out = "    <GDALRasterAttributeTable tableType=\"thematic\">\n";
  out += column(0, "Value", Type::integer, Usage::value);
  out += column(1, "Class", Type::text, Usage::name);
  if (!classes.colours.empty()) {
    out += column(2, "Red", Type::integer, Usage::red);
    out += column(3, "Green", Type::integer, Usage::green);
    out += column(4, "Blue", Type::integer, Usage::blue);
  }
  size_t row = 0;
  for (const auto& [value, name] : classes.names) {
    out += fmt::format("      <Row index=\"{}\"><F>{}</F><F>{}</F>", row++, value, xml_text(name));
    if (!classes.colours.empty()) {
      std::array<uint8_t, 3> colour{};
      if (value >= 0 && static_cast<size_t>(value) < classes.colours.size())
        colour = classes.colours[static_cast<size_t>(value)];
      for (const int part : colour) out += fmt::format("<F>{}</F>", part);
    }
    out += "</Row>\n";
  }
  return out + "    </GDALRasterAttributeTable>\n";
}

}  // namespace

std::string class_names_text(const ClassNamesByValue& names) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& [value, name] : names) json[std::to_string(value)] = name;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ClassNamesByValue class_names_of(std::string_view text) {
  if (text.size() > kLongestText) return {};
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return {};
  ClassNamesByValue names;
  for (const auto& [key, name] : json.items()) {
    int64_t value = 0;
    const auto* const end = key.data() + key.size();
    const auto parsed = std::from_chars(key.data(), end, value);
    if (parsed.ec != std::errc() || parsed.ptr != end || !name.is_string()) return {};
    names[value] = name.get<std::string>();
  }
  return names;
}

std::string attributes_file(const std::vector<NamedClasses>& bands) {
  std::string out = "<PAMDataset>\n";
  for (const auto& classes : bands) {
    if (classes.names.empty()) continue;
    out += fmt::format("  <PAMRasterBand band=\"{}\">\n", classes.band);
    out += categories(classes) + table(classes);
    out += "  </PAMRasterBand>\n";
  }
  return out + "</PAMDataset>\n";
}

}  // namespace geoloom::gdal
