// SPDX-License-Identifier: Apache-2.0
#include "cli/quantities.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "error/error.h"

namespace geoloom::cli {
namespace {

// The number at the start of a text, and what follows it without spaces in between.
struct NumberAndUnit {
  double number = 0;
  std::string_view unit;
  bool ok = false;
};

NumberAndUnit split_unit(std::string_view text) {
  NumberAndUnit result;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result.number);
  result.unit = std::string_view(end, static_cast<size_t>(text.data() + text.size() - end));
  while (!result.unit.empty() && result.unit.front() == ' ') result.unit.remove_prefix(1);
  result.ok = error == std::errc() && std::isfinite(result.number);
  return result;
}

}  // namespace

size_t parse_bytes(const std::string& text, const std::string& option) {
  const auto [number, unit, ok] = split_unit(text);
  static constexpr std::string_view kLetters = "KMGT";
  double factor = 1;
  bool unit_ok = unit.empty() || unit == "B";
  if (!unit_ok) {
    const auto letter =
        kLetters.find(static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0]))));
    const auto rest = unit.substr(1);
    unit_ok = letter != std::string_view::npos && (rest.empty() || rest == "B" || rest == "iB");
    if (unit_ok) factor = std::pow(1024.0, static_cast<double>(letter + 1));
  }
  if (!ok || !unit_ok || !(number > 0) || number * factor > 1e18)
    throw Error(ErrorCode::invalid, fmt::format("{}: '{}' is no amount of memory", option, text))
        .hint("write it like 768M or 2G");
  return static_cast<size_t>(number * factor);
}

double parse_resolution(const std::string& text) {
  const auto [number, unit, ok] = split_unit(text);
  if (!ok || !(number > 0) || (!unit.empty() && unit != "m"))
    throw Error(ErrorCode::invalid, fmt::format("--resolution: '{}' is no resolution", text))
        .hint("write it like 60m");
  return number;
}

NumberPair parse_pair(const std::string& text, const std::string& what) {
  const auto comma = text.find(',');
  const auto first = split_unit(std::string_view(text).substr(0, comma));
  const auto second = comma == std::string::npos
                          ? NumberAndUnit{}
                          : split_unit(std::string_view(text).substr(comma + 1));
  if (!first.ok || !second.ok || !first.unit.empty() || !second.unit.empty())
    throw Error(ErrorCode::invalid, fmt::format("'{}' is not {}", text, what))
        .hint("write two numbers with a comma, like 1.43,43.6");
  return {first.number, second.number};
}

std::string format_bytes(double bytes) {
  static constexpr std::array<std::string_view, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 100 ? 0 : 1, kUnits[unit]);
}

std::string counted(size_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string format_number(double number) {
  const auto single = static_cast<float>(number);
  return static_cast<double>(single) == number ? fmt::format("{}", single)
                                               : fmt::format("{}", number);
}

std::string format_seconds(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace geoloom::cli
