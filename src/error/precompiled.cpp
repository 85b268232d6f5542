// SPDX-License-Identifier: Apache-2.0
// The JSON types' members, once for the program: see precompiled.h.
#include <nlohmann/json.hpp>

template class nlohmann::basic_json<>;
template class nlohmann::basic_json<nlohmann::ordered_map>;
