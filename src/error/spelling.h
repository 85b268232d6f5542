// SPDX-License-Identifier: Apache-2.0
// The nearest known spelling of a mistyped name, for "did you mean" in errors.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace geoloom {

// The known name within a third of the typed length (at least 2 edits for names over 3 letters)
// that needs the fewest edits (insert, delete, replace, swap; case is ignored); empty when none is
// near. Of equally near names the first wins.
std::string nearest_spelling(std::string_view typed, std::span<const std::string> known);

// "did you mean 'x'?" when a near name is known, else "known: a, b, c" (at most 12 names).
std::string spelling_hint(std::string_view typed, std::span<const std::string> known);

}  // namespace geoloom
