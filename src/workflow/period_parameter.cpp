// SPDX-License-Identifier: Apache-2.0
#include "workflow/period_parameter.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace geoloom::workflow {
namespace {

// Runs what knows a text only, and says where the text stands.
template <class F>
auto at_value(const Value& value, const std::string& name, F&& read) {
  try {
    return read();
  } catch (const Error& e) {
    throw value.error(fmt::format("{}: {}", name, e.message())).hint(e.hint()).cause(e.cause());
  }
}

constexpr const char* kWays =
    "a step such as month, dekad, season or 10 days; {length: 3 months, step: month}; or periods "
    "by name, "
    "{wet: 2019-01..2019-05, dry: 2019-06..2019-12}";

struct Windows {
  geo::Frequency length{geo::Frequency::Unit::month, 1};
  std::optional<geo::Frequency> step;
  std::optional<geo::Period> from;
  void declare(Parameters& parameters) {
    parameters.add("length", &length, "How long each period is").required();
    parameters.add("step", &step, "From the start of one to that of the next. Default: `length`");
    parameters.add("from", &from, "One period starts here; others before and after it");
  }
};

geo::PeriodRule windows_of(const Value& value, const std::string& name) {
  Windows windows;
  Parameters parameters;
  windows.declare(parameters);
  parameters.bind(value, name);
  const auto step = windows.step.value_or(windows.length);
  if (!windows.from && !windows.step) return geo::PeriodRule(windows.length);
  // Without an origin, steps are those of the calendar, which count from January.
  const geo::TimeMs calendar =
      step.unit == geo::Frequency::Unit::day ? 0 : geo::parse_period("2000").start;
  return at_value(value, name, [&] {
    return geo::PeriodRule::windows(windows.length, step,
                                    windows.from ? windows.from->start : calendar);
  });
}

geo::Period period_of(const Value& value, const std::string& name) {
  if (value.kind != Value::Kind::string && value.kind != Value::Kind::integer)
    throw_wrong_type(value, name, "a period such as 2018, 2018-05 or 2018-05..2018-08");
  return at_value(value, name, [&] { return geo::parse_period(value.text); });
}

geo::PeriodRule list_of(const Value& value, const std::string& name) {
  std::vector<geo::NamedPeriod> periods;
  for (size_t i = 0; i < value.list.size(); ++i) {
    const auto period = period_of(value.list[i], fmt::format("{}[{}]", name, i));
    periods.push_back({geo::format_period(period), period});
  }
  for (const auto& [label, member] : value.map)
    periods.push_back({label, period_of(member, name + "." + label)});
  return at_value(value, name, [&] { return geo::PeriodRule::list(std::move(periods)); });
}

}  // namespace

geo::PeriodRule period_rule_of(const Value& value, const std::string& name) {
  switch (value.kind) {
    case Value::Kind::string:
      return at_value(value, name, [&] { return geo::PeriodRule::parse(value.text); });
    case Value::Kind::list:
      return list_of(value, name);
    case Value::Kind::map:
      return value.find("length") != nullptr ? windows_of(value, name) : list_of(value, name);
    default:
      throw value
          .error(fmt::format("{} must say how time is cut into periods, not {}", name,
                             value.described()))
          .hint(kWays);
  }
}

}  // namespace geoloom::workflow
