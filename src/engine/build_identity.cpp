// SPDX-License-Identifier: Apache-2.0
// A source of its own, because it is compiled again after each commit.
#include "engine/build_revision.h"  // written by cmake/build_identity.cmake
#include "engine/item_handler.h"

namespace geoloom::engine {

std::string build_identity() {
  return GEOLOOM_BUILD;
}

}  // namespace geoloom::engine
