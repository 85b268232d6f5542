// SPDX-License-Identifier: Apache-2.0
// The page of the run report as web/ builds it; generated source.
#pragma once

#include <string_view>

namespace geoloom::engine {

std::string_view run_report_template();

}  // namespace geoloom::engine
