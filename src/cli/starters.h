// SPDX-License-Identifier: Apache-2.0
// Starter documents that come with the program, one for each kind of product.
#pragma once

#include <span>
#include <string_view>
#include <utility>

namespace geoloom::cli {

// Names and texts, from starters/.
std::span<const std::pair<std::string_view, std::string_view>> starter_table();

}  // namespace geoloom::cli
