// SPDX-License-Identifier: Apache-2.0
#include "engine/chain_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace geoloom::engine {
namespace {

using workflow::Json;

constexpr size_t kMostLetters = 60;  // of a value
constexpr size_t kMostChanges = 8;   // of a chain

std::string shortened(const Json& value) {
  auto text = value.is_null() ? std::string("nothing") : value.dump();
  if (text.size() <= kMostLetters) return text;
  size_t end = kMostLetters;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string ops_text(const Json& chain) {
  std::string text;
  for (const auto& node : chain)
    text += (text.empty() ? "" : " > ") + node.at("op").get<std::string>();
  return text;
}

void compare(const std::string& name, const Json& then, const Json& now,
             std::vector<std::string>& changes) {
  if (then == now) return;
  if (then.is_object() && now.is_object()) {
    std::set<std::string> keys;
    for (const auto& [key, value] : then.items()) keys.insert(key);
    for (const auto& [key, value] : now.items()) keys.insert(key);
    for (const auto& key : keys)
      compare(name + "." + key, then.value(key, Json()), now.value(key, Json()), changes);
  } else if (then.is_array() && now.is_array() && then.size() == now.size()) {
    for (size_t i = 0; i < then.size(); ++i)
      compare(fmt::format("{}[{}]", name, i), then[i], now[i], changes);
  } else {
    changes.push_back(fmt::format("{}: {} -> {}", name, shortened(then), shortened(now)));
  }
}

// "reduce@2" -> {"reduce", "2"}
std::vector<std::pair<std::string, std::string>> versions_in(const std::string& chain) {
  std::vector<std::pair<std::string, std::string>> ops;
  for (size_t start = 0; start < chain.size();) {
    const auto end = std::min(chain.find(" > ", start), chain.size());
    const auto op = chain.substr(start, end - start);
    const auto at = std::min(op.find('@'), op.size());
    ops.emplace_back(op.substr(0, at), op.substr(std::min(at + 1, op.size())));
    start = end + 3;
  }
  return ops;
}

}  // namespace

std::vector<std::string> chain_changes(const Json& then, const Json& now) {
  if (ops_text(then) != ops_text(now))
    return {fmt::format("other ops: {} -> {}", ops_text(then), ops_text(now))};
  std::vector<std::string> changes;
  for (size_t n = 0; n < now.size(); ++n) {
    const auto op = now[n].at("op").get<std::string>();
    compare(op, then[n].at("parameters"), now[n].at("parameters"), changes);
    if (then[n].at("inputs") != now[n].at("inputs"))
      changes.push_back(fmt::format("{} works on other results of its step", op));
  }
  if (changes.size() > kMostChanges) {
    const auto more = changes.size() - kMostChanges;
    changes.resize(kMostChanges);
    changes.push_back(fmt::format("and {} parameters more", more));
  }
  return changes;
}

std::vector<std::string> version_changes(const std::string& then, const std::string& now) {
  const auto before = versions_in(then), after = versions_in(now);
  std::vector<std::string> changes;
  if (before.size() != after.size()) return changes;
  for (size_t i = 0; i < after.size(); ++i) {
    if (before[i].first != after[i].first) return {};
    if (before[i].second != after[i].second)
      changes.push_back(fmt::format("{} is version {}, was {}", after[i].first, after[i].second,
                                    before[i].second));
  }
  return changes;
}

}  // namespace geoloom::engine
