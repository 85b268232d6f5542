// SPDX-License-Identifier: Apache-2.0
// The small texts that come from outside: times, periods, file names, systems, paths, records. What
// is read must be written and read back to the same. Built with libFuzzer from this file, src/geo,
// src/store, src/gdal and src/error.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "error/error.h"
#include "gdal/allowed_roots.h"
#include "gdal/array_address.h"
#include "geo/cf_time.h"
#include "geo/crs.h"
#include "geo/time.h"
#include "store/segments.h"

namespace {

namespace gdal = geoloom::gdal;
namespace geo = geoloom::geo;
namespace store = geoloom::store;

void require(bool condition) {
  if (!condition) std::abort();
}

template <typename Action>
void refusable(const Action& action) {
  try {
    action();
  } catch (const geoloom::Error& error) {
    require(error.code() == geoloom::ErrorCode::invalid);
  }
}

void times(std::string_view text) {
  if (const auto time = geo::parse_time(text))
    require(geo::parse_time(geo::format_time(*time)) == time);
  refusable([text] {
    const geo::Period period = geo::parse_period(text);
    require(period.start < period.end);
    require(geo::parse_period(geo::format_period(period)) == period);
  });
  refusable([text] {
    const geo::Frequency frequency = geo::parse_frequency(text);
    const geo::Period decade = geo::parse_period("2010..2019");
    const auto cells = geo::split(decade, frequency);
    require(!cells.empty() && cells.front().start <= decade.start &&
            cells.back().end >= decade.end);
  });
  const size_t half = text.size() / 2;
  refusable([text, half] { geo::time_from_name(text.substr(half), text.substr(0, half)); });
}

// Of variables in files, and their units of time.
void arrays(const std::string& text) {
  for (const char* const prefix : {"", "NETCDF:", "HDF5:\"", "ZARR:", "HDF4_EOS:EOS_GRID:"})
    refusable([&text, prefix] {
      if (const auto address = gdal::array_address(prefix + text)) {
        const auto again = gdal::array_address(address->text());
        require(again && again->format == address->format && again->file == address->file &&
                again->variable == address->variable && again->index == address->index);
      }
    });
  const std::string_view view = text;
  const size_t half = text.size() / 2;
  refusable(
      [view, half] { (void)geo::CfTimeUnits(view.substr(half), view.substr(0, half)).at(1); });
  refusable([&text] { (void)geo::CfTimeUnits("days since " + text, "standard").at(1.5e4); });
}

void records(std::string_view text) {
  const auto decoded = store::decode_records(text);
  std::string again;
  for (const auto& payload : decoded.payloads) again += store::encode_record(payload);
  require(store::decode_records(again).payloads == decoded.payloads);
}

std::string decoded_thrice(std::string text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; };
  for (int round = 0; round < 3; ++round)
    for (size_t at = text.find('%'); at != std::string::npos; at = text.find('%', at + 1))
      if (at + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[at + 1])) &&
          std::isxdigit(static_cast<unsigned char>(text[at + 2])))
        text.replace(at, 3, 1, static_cast<char>(digit(text[at + 1]) * 16 + digit(text[at + 2])));
  std::replace(text.begin(), text.end(), '\\', '/');
  return text;
}

// Whatever is admitted below a root stays there, however often a server decodes it.
void allowed_roots(const std::string& text) {
  static const gdal::AccessRules rules(
      {.read = {"https://h/root", "s3://b/root", "/no/such/root"}, .write = {}});
  for (const std::string& href : {text, "https://h/root/" + text, "https://h" + text,
                                  "s3://b/root/" + text, "/no/such/root/" + text}) {
    try {
      rules.check(href, gdal::Access::read);
    } catch (const geoloom::Error& error) {
      require(error.code() == geoloom::ErrorCode::denied);
      continue;
    }
    if (href.starts_with('/') || href.starts_with("file:")) continue;  // the file system decides
    const std::string plain = decoded_thrice(href);
    require(plain.find("/../") == std::string::npos && !plain.ends_with("/.."));
    require(plain.find("root") != std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(data, data + size);
  // PROJ looks names up in its database, a thousand times slower than the rest: some inputs only.
  constexpr uint8_t kCrs = 0xff;
  if (size > 0 && data[0] == kCrs) {
    refusable([&text] {
      const geo::Crs crs = geo::Crs::parse(text.substr(1));
      require(geo::Crs::parse(crs.wkt()) == crs);
    });
    return 0;
  }
  times(text);
  arrays(text);
  records(text);
  allowed_roots(text);
  return 0;
}
