// SPDX-License-Identifier: Apache-2.0
// Shell patterns for paths: *, ?, [a-z], [!a-z] within a name, ** for any number of folders.
#pragma once

#include <string>
#include <string_view>

namespace geoloom::catalog {

bool is_glob(std::string_view path);
// Matches whole paths, part by part. A name with a leading dot needs a pattern with one.
bool glob_matches(std::string_view pattern, std::string_view path);

// A pattern's leading folders without wildcards ("." if none), and the rest.
struct GlobParts {
  std::string folder;
  std::string pattern;
  bool recursive = false;  // the rest reaches into folders below
};
GlobParts split_glob(const std::string& pattern);

}  // namespace geoloom::catalog
