// SPDX-License-Identifier: Apache-2.0
#include "error/spelling.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace geoloom {
namespace {

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Damerau-Levenshtein distance with adjacent swaps (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t cost = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1]))
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest_spelling(std::string_view typed, std::span<const std::string> known) {
  if (typed.empty() || typed.size() > 200) return {};
  size_t best = std::max<size_t>(typed.size() / 3, typed.size() > 3 ? 2 : 1) + 1;
  std::string name;
  for (const auto& candidate : known) {
    const size_t distance = edit_distance(typed, candidate);
    if (distance < best) {
      best = distance;
      name = candidate;
    }
  }
  return name;
}

std::string spelling_hint(std::string_view typed, std::span<const std::string> known) {
  if (const auto near = nearest_spelling(typed, known); !near.empty())
    return fmt::format("did you mean '{}'?", near);
  if (known.empty()) return "nothing is known here";
  const size_t shown = std::min<size_t>(known.size(), 12);
  return fmt::format("known: {}{}", fmt::join(known.first(shown), ", "),
                     known.size() > shown ? ", ..." : "");
}

}  // namespace geoloom
