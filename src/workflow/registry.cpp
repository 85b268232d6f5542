// SPDX-License-Identifier: Apache-2.0
#include "workflow/registry.h"

#include <algorithm>

#include "error/spelling.h"

namespace geoloom::workflow {

void Registry::add(Maker maker) {
  const auto op = maker();
  const auto& op_name = op->description().name;
  if (has(op_name)) throw Error(ErrorCode::internal, "two ops are named '" + op_name + "'");
  entries_.push_back({op_name, std::move(maker)});
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
}

bool Registry::has(const std::string& op) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.name == op; });
}

std::unique_ptr<Op> Registry::make(const std::string& op) const {
  for (const auto& entry : entries_)
    if (entry.name == op) return entry.maker();
  throw Error(ErrorCode::invalid, "there is no op '" + op + "'").hint(spelling_hint(op, names()));
}

std::vector<std::string> Registry::names() const {
  std::vector<std::string> out;
  for (const auto& entry : entries_) out.push_back(entry.name);
  return out;
}

std::vector<OpSchema> Registry::schemas() const {
  std::vector<OpSchema> out;
  for (const auto& entry : entries_) {
    const auto op = entry.maker();
    Parameters parameters;
    op->declare(parameters);
    out.push_back({entry.name, op->description().summary, parameters.schema()});
  }
  return out;
}

}  // namespace geoloom::workflow
