// SPDX-License-Identifier: Apache-2.0
#include "error/secrets.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

namespace geoloom {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::string_view kEndOfWord = " \t\r\n\"'<>|";
constexpr std::array<std::string_view, 8> kSecretNames{"sig",    "token",    "key",    "credential",
                                                       "secret", "password", "passwd", "auth"};
// What follows is secret up to the end of the line, or of the word.
constexpr std::array<std::string_view, 2> kSecretLines{"authorization:", "x-amz-security-token:"};
constexpr std::array<std::string_view, 1> kSecretWords{"bearer "};

std::string in_lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

size_t end_from(std::string_view text, size_t at, std::string_view stops) {
  return std::min(text.find_first_of(stops, at), text.size());
}

void mask_users(std::string& text) {
  for (size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 1)) {
    const size_t from = at + 3;
    const size_t end = std::min(end_from(text, from, "/?#"), end_from(text, from, kEndOfWord));
    const size_t user = std::string_view(text).substr(from, end - from).rfind('@');
    if (user != std::string::npos) text.replace(from, user, kMask);
  }
}

bool is_secret_name(std::string_view name) {
  const std::string lower = in_lower_case(name);
  return std::any_of(kSecretNames.begin(), kSecretNames.end(), [&lower](std::string_view part) {
    return lower.find(part) != std::string::npos;
  });
}

void mask_parameters(std::string& text) {
  for (size_t at = text.find_first_of("?&"); at != std::string::npos;
       at = text.find_first_of("?&", at + 1)) {
    const size_t equals = text.find('=', at);
    if (equals == std::string::npos) return;
    const std::string_view name = std::string_view(text).substr(at + 1, equals - at - 1);
    if (name.find_first_of("?& \t\r\n\"'<>/") != std::string_view::npos || !is_secret_name(name))
      continue;
    const size_t end = std::min(end_from(text, equals, "&#)"), end_from(text, equals, kEndOfWord));
    text.replace(equals + 1, end - equals - 1, kMask);
  }
}

void mask_after(std::string& text, std::string_view label, std::string_view stops) {
  std::string lower = in_lower_case(text);
  for (size_t at = lower.find(label); at != std::string::npos; at = lower.find(label, at + 1)) {
    const size_t from = at + label.size();
    text.replace(from, end_from(text, from, stops) - from, kMask);
    lower = in_lower_case(text);
  }
}

// Values that were looked up in this process, longest first.
struct KnownValues {
  std::mutex mutex;
  std::vector<std::string> values;
};
KnownValues& known_values() {
  static KnownValues known;
  return known;
}

void mask_known(std::string& text) {
  auto& known = known_values();
  const std::lock_guard lock(known.mutex);
  for (const auto& value : known.values)
    for (size_t at = text.find(value); at != std::string::npos; at = text.find(value, at))
      text.replace(at, value.size(), kMask);
}

}  // namespace

void keep_secret(const std::string& value) {
  constexpr size_t kShortest = 6;
  if (value.size() < kShortest) return;
  auto& known = known_values();
  const std::lock_guard lock(known.mutex);
  auto& values = known.values;
  if (std::find(values.begin(), values.end(), value) != values.end()) return;
  values.push_back(value);
  std::stable_sort(values.begin(), values.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string without_secrets(std::string_view text) {
  std::string out(text);
  mask_known(out);
  mask_users(out);
  mask_parameters(out);
  for (const auto label : kSecretLines) mask_after(out, label, "\r\n");
  for (const auto label : kSecretWords) mask_after(out, label, kEndOfWord);
  return out;
}

}  // namespace geoloom
