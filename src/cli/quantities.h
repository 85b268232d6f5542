// SPDX-License-Identifier: Apache-2.0
// Numbers with units as people type and read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace geoloom::cli {

// "768M", "2G", "1.5GiB", "800000000": bytes, powers of 1024. Throws Error(invalid).
size_t parse_bytes(const std::string& text, const std::string& option);
// "60m", "60 m", "0.001": a resolution in the CRS's units. Throws Error(invalid).
double parse_resolution(const std::string& text);
struct NumberPair {
  double first, second;
};
NumberPair parse_pair(const std::string& text, const std::string& what);  // "1.43,43.6"

std::string format_bytes(double bytes);                      // "1.4 GiB"
std::string counted(size_t count, const std::string& noun);  // "1 item", "2 items"
// The shortest text that is the same number, as float32 where it is one: "9", "0.3", "nan".
std::string format_number(double number);
std::string format_seconds(double seconds);  // "0.8 s", "1:04", "2:03:10"

}  // namespace geoloom::cli
