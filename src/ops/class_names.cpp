// SPDX-License-Identifier: Apache-2.0
#include "ops/class_names.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "error/error.h"

namespace geoloom::ops {

ClassNames::ClassNames(const std::map<std::string, std::string>& names,
                       const std::string& parameter) {
  std::set<std::string> seen;
  for (const auto& [key, text] : names) {
    int64_t value = 0;
    const auto* const end = key.data() + key.size();
    if (const auto parsed = std::from_chars(key.data(), end, value);
        parsed.ec != std::errc() || parsed.ptr != end)
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: '{}' is no value of a class", parameter, key))
          .hint(fmt::format("{}: {{1: crop, 0: other}}", parameter));
    if (text.empty() || !seen.insert(text).second)
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: two classes are called '{}'", parameter, text));
    names_[value] = text;
  }
}

ClassNames ClassNames::or_of(const raster::Band& band) const {
  if (!names_.empty()) return *this;
  ClassNames carried;
  carried.names_ = band.class_names;
  return carried;
}

void ClassNames::give_to(raster::Band& band, const std::string& parameter) const {
  if (names_.empty()) return;
  for (const auto& [value, name] : names_)
    if (!raster::holds(band.type, static_cast<double>(value)))
      throw Error(ErrorCode::invalid,
                  fmt::format("{}: {} ('{}') is not a value of band '{}' ({})", parameter, value,
                              name, band.name, raster::name(band.type)));
  band.kind = raster::BandKind::category;
  band.class_names = names_;
}

std::string ClassNames::name(int64_t value) const {
  const auto found = names_.find(value);
  return found == names_.end() ? std::to_string(value) : found->second;
}

}  // namespace geoloom::ops
