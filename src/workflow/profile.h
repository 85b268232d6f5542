// SPDX-License-Identifier: Apache-2.0
// Profiles: under names, where and how a document is carried out. `--profile NAME` chooses one. It
// may change the pool, the store and limits, none of which is part of an identity, and nothing
// else: what is made is the same under each.
#pragma once

#include "workflow/document.h"
#include "workflow/resolver.h"

namespace geoloom::workflow {

// The entries of `profiles`. Throws Error(invalid) with the place: unknown keys, and those that
// decide what is made.
std::map<std::string, Profile> read_profiles(const Value& profiles);

// At the end of resolve(): checks all profiles (their references, types and names of steps), and
// puts what `document.profile` says in place. Throws Error(invalid) with the place; for a name that
// is none, with the nearest.
void apply_profile(Document& document, const ParameterScope& scope);

}  // namespace geoloom::workflow
