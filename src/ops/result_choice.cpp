// SPDX-License-Identifier: Apache-2.0
#include "ops/result_choice.h"

#include <fmt/format.h>

#include <set>

#include "error/error.h"

namespace geoloom::ops {

void check_choice(std::string_view parameter, const std::vector<std::string>& names) {
  if (names.empty())
    throw Error(ErrorCode::invalid, fmt::format("{}: names nothing", parameter))
        .hint("leave it out for the usual ones");
  std::set<std::string_view> seen;
  for (const auto& name : names)
    if (!seen.insert(name).second)
      throw Error(ErrorCode::invalid, fmt::format("{}: '{}' is named twice", parameter, name));
}

}  // namespace geoloom::ops
