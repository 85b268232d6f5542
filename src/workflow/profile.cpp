// SPDX-License-Identifier: Apache-2.0
#include "workflow/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "error/spelling.h"
#include "workflow/document_reading.h"
#include "workflow/step_policy.h"

namespace geoloom::workflow {
namespace {

const Names kProfileKeys{"pool", "store", "deadline", "limits", "steps", "description"};
const Names kPoolKeys{"memory", "threads", "reads", "via"};
const Names kLimitKeys{"retry", "timeout", "deadline", "breaker", "max_failed", "at_once"};

// The members with the names of kLimitKeys, in their order.
std::array<Value*, 6> members_of(StepLimits& limits) {
  return {&limits.retry,   &limits.timeout,    &limits.deadline,
          &limits.breaker, &limits.max_failed, &limits.at_once};
}

// A profile that could change a result would make "the same document" mean two things.
void check_profile_keys(const Value& map, const std::string& owner, const Names& known) {
  static const Names kElsewhere{"params",  "area",      "sources", "components", "outputs",
                                "finally", "over",      "do",      "use",        "when",
                                "min_ok",  "waits_for", "cache",   "max_age",    "name",
                                "secrets", "include"};
  for (const auto& [key, value] : map.map)
    if (contains(kElsewhere, key))
      throw value.error(fmt::format("{} cannot change '{}'", owner, key))
          .hint(
              "a profile changes pool, store, deadline and limits of steps, so that results are "
              "the same under each; give values of parameters by -p or -P");
  check_keys(map, owner, known, {});
}

StepLimits read_limits(const Value& value, const std::string& owner) {
  check_profile_keys(require_map(value, owner), owner, kLimitKeys);
  check_expressions(value);
  StepLimits limits;
  const auto members = members_of(limits);
  for (size_t i = 0; i < kLimitKeys.size(); ++i)
    if (const auto* given = value.find(kLimitKeys[i])) *members[i] = *given;
  return limits;
}

Profile read_profile(const std::string& name, const Value& value) {
  check_name(value, "the name of a profile", name);
  const auto owner = fmt::format("profile '{}'", name);
  check_profile_keys(require_map(value, owner), owner, kProfileKeys);
  Profile profile;
  profile.name = name;
  profile.place = value.place();
  if (const auto* text = value.find("description")) require_text(*text, "description");
  if (const auto* pool = value.find("pool")) {
    check_profile_keys(require_map(*pool, "pool"), fmt::format("pool of {}", owner), kPoolKeys);
    check_expressions(*pool);
    profile.pool = *pool;
  }
  if (const auto* store = value.find("store")) {
    check_expressions(*store);
    profile.store = require_text(*store, "store");
  }
  if (const auto* deadline = value.find("deadline")) {
    check_expressions(*deadline);
    profile.deadline = *deadline;
  }
  if (const auto* limits = value.find("limits"))
    profile.limits = read_limits(*limits, fmt::format("limits of {}", owner));
  if (const auto* steps = value.find("steps"))
    for (const auto& [step, limits] : require_map(*steps, "steps").map)
      profile.steps.emplace_back(step,
                                 read_limits(limits, fmt::format("step '{}' of {}", step, owner)));
  return profile;
}

void resolve_value(Value& value, Resolver& resolver) {
  resolver.resolve(value);
  refuse_item_references(value);
}

void resolve_limits(StepLimits& limits, Resolver& resolver) {
  StepDeclaration step;
  for (auto* const value : members_of(limits)) resolve_value(*value, resolver);
  step.retry = limits.retry;
  step.timeout = limits.timeout;
  step.deadline = limits.deadline;
  step.breaker = limits.breaker;
  step.max_failed = limits.max_failed;
  step.at_once = limits.at_once;
  (void)step_policy(step);  // of the right types
}

Pool pool_of(const Value& value) {
  Pool pool;
  if (value.is_null()) return pool;
  Parameters parameters;
  parameters.add("memory", &pool.memory, "");
  parameters.add("threads", &pool.threads, "").range(1, 4096);
  parameters.add("reads", &pool.reads, "").range(1, 4096);
  parameters.add("via", &pool.via, "");
  parameters.bind(value, "pool");
  if (const auto* memory = value.find("memory")) pool.memory_place = memory->place();
  return pool;
}

void check_steps(const Profile& profile, const Document& document) {
  Names known;
  for (const auto& step : document.steps) known.push_back(step.name);
  for (const auto& [name, limits] : profile.steps) {
    if (contains(known, name)) continue;
    Place place = profile.place;
    place.key += ".steps." + name;
    Error error(ErrorCode::invalid, fmt::format("there is no step '{}'", name));
    throw error.at(place).hint(spelling_hint(name, known));
  }
}

void limit(StepDeclaration& step, StepLimits limits) {
  const std::array<Value*, 6> of_step{&step.retry,   &step.timeout,    &step.deadline,
                                      &step.breaker, &step.max_failed, &step.at_once};
  const auto given = members_of(limits);
  for (size_t i = 0; i < given.size(); ++i)
    if (!given[i]->is_null()) *of_step[i] = *given[i];
}

void carry_out(const Profile& profile, Document& document) {
  if (!profile.store.is_null()) document.store = profile.store;
  if (!profile.deadline.is_null()) document.deadline = profile.deadline;
  document.pool = pool_of(profile.pool);
  for (auto& step : document.steps) {
    limit(step, profile.limits);
    for (const auto& [name, limits] : profile.steps)
      if (name == step.name) limit(step, limits);
  }
}

}  // namespace

std::map<std::string, Profile> read_profiles(const Value& profiles) {
  std::map<std::string, Profile> read;
  for (const auto& [name, value] : require_map(profiles, "profiles").map)
    read[name] = read_profile(name, value);
  return read;
}

void apply_profile(Document& document, const ParameterScope& scope) {
  Resolver resolver(scope);
  for (auto& [name, profile] : document.profiles) {
    resolve_value(profile.pool, resolver);
    (void)pool_of(profile.pool);
    resolve_value(profile.store, resolver);
    if (!profile.store.is_null()) require_text(profile.store, "store");
    resolve_value(profile.deadline, resolver);
    (void)duration_in(profile.deadline, "deadline");
    resolve_limits(profile.limits, resolver);
    for (auto& [step, limits] : profile.steps) resolve_limits(limits, resolver);
    check_steps(profile, document);
  }
  if (document.profile.empty()) return;
  if (const auto chosen = document.profiles.find(document.profile);
      chosen != document.profiles.end())
    return carry_out(chosen->second, document);
  Names known;
  for (const auto& [name, profile] : document.profiles) known.push_back(name);
  Error error(ErrorCode::invalid,
              fmt::format("--profile: the document has no profile '{}'", document.profile));
  throw error.at({.file = document.file})
      .hint(known.empty() ? "profiles are declared under 'profiles:'"
                          : spelling_hint(document.profile, known));
}

}  // namespace geoloom::workflow
