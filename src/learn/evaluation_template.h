// SPDX-License-Identifier: Apache-2.0
// The page of an evaluation as web/ builds it; generated source.
#pragma once

#include <string_view>

namespace geoloom::learn {

std::string_view evaluation_template();

}  // namespace geoloom::learn
