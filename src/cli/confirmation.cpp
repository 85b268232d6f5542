// SPDX-License-Identifier: Apache-2.0
#include "cli/confirmation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "error/error.h"

namespace geoloom::cli {

void confirm(const std::string& what) {
  if (::isatty(STDIN_FILENO) != 1)
    throw Error(ErrorCode::invalid, fmt::format("not done without being asked for: {}", what))
        .hint("look at it with --dry-run, then say --yes");
  std::cerr << what << " - go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y" && answer != "yes")
    throw Error(ErrorCode::cancelled, "nothing was done");
}

}  // namespace geoloom::cli
