// SPDX-License-Identifier: Apache-2.0
#include "workflow/domain_reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/spelling.h"
#include "workflow/feature_windows.h"

namespace geoloom::workflow {
namespace {

// `over` of a step: an axis of space, axes of lists, or a list of both.
class DomainReader {
 public:
  explicit DomainReader(const std::vector<TrialSet>& trials) : trials_(trials) {}

  Domain read(const Value& over) && {
    if (over.is_null()) return {};
    const auto parts = over.kind == Value::Kind::list ? over.list : std::vector<Value>{over};
    for (const auto& part : parts) add(part);
    return std::move(domain_);
  }

 private:
  void add(const Value& part) {
    if (part.kind == Value::Kind::map) {
      for (const auto& [name, value] : part.map) {
        if (name == "windows_of")
          add_windows(value);
        else if (name == "trials")
          add_trials(value);
        else
          add_list(name, value);
      }
      return;
    }
    static const std::vector<std::string> known{"tiles", "zones"};
    if (part.kind != Value::Kind::string ||
        std::find(known.begin(), known.end(), part.text) == known.end())
      throw part
          .error(part.kind == Value::Kind::string ? fmt::format("there is no axis '{}'", part.text)
                                                  : "an axis cannot be " + part.described())
          .hint(part.kind == Value::Kind::string ? spelling_hint(part.text, known)
                                                 : "such as over: [tiles, {month: 2018}]");
    set_extent(part, part.text == "tiles" ? Domain::Extent::tiles : Domain::Extent::zones);
  }

  void set_extent(const Value& part, Domain::Extent extent) {
    if (domain_.extent != Domain::Extent::whole)
      throw part.error(
          "tiles, zones and windows_of can stand once, and one of them only, among the axes");
    domain_.extent = extent;
  }

  void add_windows(const Value& value) {
    set_extent(value, Domain::Extent::windows);
    domain_.windows = std::make_shared<const WindowsOf>(windows_of_from(value));
  }

  void add_list(const std::string& name, const Value& value) {
    if (!value.waits()) return add_axis(axis_from(name, value), value);
    Value one = value;
    one.late = kLateItem;
    add_axis(Axis{name, {{"?", one}}}, value);
  }

  void add_trials(const Value& value) {
    std::vector<std::string> known;
    for (const auto& set : trials_) known.push_back(set.name);
    const auto* const set =
        find_trials(trials_, value.kind == Value::Kind::string ? value.text : "");
    if (set == nullptr)
      throw value.error(fmt::format("there are no trials called {}", value.described()))
          .hint(known.empty() ? "trials are declared under 'trials:'"
                              : spelling_hint(value.text, known));
    add_axis(set->axis, value);
  }

  void add_axis(Axis axis, const Value& value) {
    if (domain_.find(axis.name))
      throw value.error(fmt::format("the axis '{}' stands twice", axis.name));
    domain_.lists.push_back(std::move(axis));
    combinations_ *= domain_.lists.back().values.size();
    if (combinations_ > kMostChains)
      throw value.error(
          fmt::format("the axes have more than {} combinations of values", kMostChains));
  }

  static constexpr size_t kMostChains = 100000;
  const std::vector<TrialSet>& trials_;
  Domain domain_;
  size_t combinations_ = 1;
};

}  // namespace

Domain domain_from(const Value& over, const std::vector<TrialSet>& trials) {
  return DomainReader(trials).read(over);
}

std::vector<std::vector<const AxisValue*>> combinations(const std::vector<Axis>& axes) {
  std::vector<std::vector<const AxisValue*>> out{{}};
  for (const auto& axis : axes) {
    std::vector<std::vector<const AxisValue*>> longer;
    for (const auto& start : out) {
      for (const auto& value : axis.values) {
        longer.push_back(start);
        longer.back().push_back(&value);
      }
    }
    out = std::move(longer);
  }
  return out;
}

}  // namespace geoloom::workflow
