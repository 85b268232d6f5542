// SPDX-License-Identifier: Apache-2.0
#include "catalog/glob.h"

#include <vector>

namespace geoloom::catalog {
namespace {

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

// The length of the set at the pattern's '[' (0 when it is not closed), and whether c is in it.
struct SetMatch {
  size_t length = 0;
  bool in = false;
};

SetMatch match_set(std::string_view pattern, char c) {
  size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool in = false;
  for (const size_t first = i; i < pattern.size(); ++i) {
    if (pattern[i] == ']' && i > first) return {i + 1, in != negated};
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      in |= pattern[i] <= c && c <= pattern[i + 2];
      i += 2;
    } else {
      in |= pattern[i] == c;
    }
  }
  return {};
}

// How many pattern characters match c at the pattern's start; 0 when it does not match.
size_t match_one(std::string_view pattern, char c) {
  if (pattern.empty()) return 0;
  if (pattern[0] == '?') return 1;
  if (pattern[0] == '[') {
    const SetMatch set = match_set(pattern, c);
    if (set.length > 0) return set.in ? set.length : 0;
  }
  return pattern[0] == c ? 1 : 0;
}

// Goes back to the last star only: the work is at most the product of the lengths.
bool name_matches(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) return false;
  size_t p = 0, n = 0;
  size_t star = std::string_view::npos, star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
      continue;
    }
    if (const size_t used = match_one(pattern.substr(p), name[n])) {
      p += used;
      ++n;
      continue;
    }
    if (star == std::string_view::npos) return false;
    p = star + 1;
    n = ++star_name;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool is_glob(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

bool glob_matches(std::string_view pattern, std::string_view path) {
  const auto wanted = parts_of(pattern);
  const auto parts = parts_of(path);
  // reached[i]: the pattern parts so far match the first i path parts.
  std::vector<char> reached(parts.size() + 1, 0);
  reached[0] = 1;
  for (const std::string_view part : wanted) {
    std::vector<char> next(parts.size() + 1, 0);
    for (size_t i = 0; i <= parts.size(); ++i) {
      if (part == "**") {
        const bool go_on = i > 0 && next[i - 1] != 0 && !parts[i - 1].starts_with('.');
        next[i] = reached[i] != 0 || go_on ? 1 : 0;
      } else if (i > 0 && reached[i - 1] != 0) {
        next[i] = name_matches(part, parts[i - 1]) ? 1 : 0;
      }
    }
    reached = std::move(next);
  }
  return reached.back() != 0;
}

GlobParts split_glob(const std::string& pattern) {
  GlobParts result;
  size_t start = 0;
  while (true) {
    const size_t slash = pattern.find('/', start);
    if (slash == std::string::npos || is_glob(pattern.substr(start, slash - start))) break;
    start = slash + 1;
  }
  result.folder = start == 0 ? "." : start == 1 ? "/" : pattern.substr(0, start - 1);
  result.pattern = pattern.substr(start);
  result.recursive = result.pattern.find('/') != std::string::npos ||
                     result.pattern.find("**") != std::string::npos;
  return result;
}

}  // namespace geoloom::catalog
