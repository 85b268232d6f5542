// SPDX-License-Identifier: Apache-2.0
#include "workflow/trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "error/spelling.h"
#include "store/checksum.h"
#include "workflow/document_reading.h"
#include "workflow/scalar_expression.h"
#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

constexpr size_t kMostTrials = 10'000;
constexpr size_t kLongestLabel = 40;
const Names kKeys{"grid", "list", "random", "maximize", "minimize", "tolerate"};
const Names kRandomKeys{"count", "seed", "of"};
const Names kDrawKeys{"range", "scale", "whole"};

using Values = std::vector<std::pair<std::string, Value>>;  // of one trial

Value number_value(const Value& from, double number, bool whole) {
  Value value;
  value.move_to(from.place());
  value.kind = whole ? Value::Kind::integer : Value::Kind::number;
  value.integer = whole ? static_cast<int64_t>(number) : 0;
  value.number = number;
  value.text = whole ? fmt::format("{}", value.integer) : fmt::format("{}", number);
  return value;
}

double parsed_number(std::string_view text, const Value& where) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
    throw where.error(fmt::format("'{}' is no number", text));
  return number;
}

struct Range {
  double lowest = 0, highest = 0;
  bool whole = false;
};

bool is_range(const Value& value) {
  return value.kind == Value::Kind::string && value.text.find("..") != std::string::npos;
}

// "1..12", both ends included.
Range range_of(const Value& value) {
  if (!is_range(value)) throw_wrong_type(value, "a range", "two numbers, such as 1..12");
  const auto dots = value.text.find("..");
  const auto first = std::string_view(value.text).substr(0, dots);
  const auto last = std::string_view(value.text).substr(dots + 2);
  Range range{parsed_number(first, value), parsed_number(last, value), false};
  const auto whole = [](std::string_view text) {
    return text.find_first_of(".eE") == std::string_view::npos;
  };
  range.whole = whole(first) && whole(last);
  if (range.highest < range.lowest)
    throw value.error(fmt::format("the range '{}' goes down", value.text));
  return range;
}

void check_scalar(const Value& value, const std::string& name) {
  if (!value.is_scalar() || value.is_null())
    throw value.error(fmt::format("a value of '{}' cannot be {}", name, value.described()));
}

// A list, a range of whole numbers, or one value.
std::vector<Value> choices_of(const std::string& name, const Value& value) {
  std::vector<Value> out;
  if (is_range(value)) {
    const auto range = range_of(value);
    if (!range.whole || range.highest - range.lowest >= static_cast<double>(kMostTrials))
      throw value
          .error(
              fmt::format("'{}' needs a range of at most {} whole numbers here", name, kMostTrials))
          .hint("list the values: [0.1, 0.2]");
    for (double number = range.lowest; number <= range.highest; ++number)
      out.push_back(number_value(value, number, true));
    return out;
  }
  out = value.kind == Value::Kind::list ? value.list : std::vector<Value>{value};
  if (out.empty()) throw value.error(fmt::format("'{}' has no values", name));
  for (const auto& each : out) check_scalar(each, name);
  return out;
}

std::vector<Values> grid_trials(const Value& grid) {
  std::vector<Values> trials{{}};
  for (const auto& [name, value] : require_map(grid, "grid").map) {
    const auto choices = choices_of(name, value);
    if (trials.size() * choices.size() > kMostTrials)
      throw value.error(fmt::format("the grid has more than {} trials", kMostTrials));
    std::vector<Values> longer;
    for (const auto& start : trials) {
      for (const auto& choice : choices) {
        longer.push_back(start);
        longer.back().emplace_back(name, choice);
      }
    }
    trials = std::move(longer);
  }
  if (grid.map.empty()) throw grid.error("the grid has no parameters");
  return trials;
}

std::vector<Values> listed_trials(const Value& list) {
  if (list.kind != Value::Kind::list || list.list.empty() || list.list.size() > kMostTrials)
    throw_wrong_type(list, "list", fmt::format("a list of 1 to {} maps", kMostTrials));
  std::vector<Values> trials;
  for (const auto& entry : list.list) {
    trials.push_back(require_map(entry, "a trial").map);
    for (const auto& [name, value] : trials.back()) check_scalar(value, name);
    auto names = entry.keys(), first = list.list.front().keys();
    std::sort(names.begin(), names.end());
    std::sort(first.begin(), first.end());
    if (names != first || names.empty())
      throw entry.error("all trials of a list need values for the same parameters");
  }
  return trials;
}

// A number from 0 to 1, 1 left out, that depends on nothing but these; so a larger count adds
// trials and changes none.
double drawn(int64_t seed, const std::string& name, size_t draw) {
  const auto hash = store::sha256_hex(fmt::format("{}/{}/{}", seed, name, draw));
  const auto bits = std::stoull(hash.substr(0, 16), nullptr, 16) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

// Six digits, so that no rounding of a logarithm shows.
Value drawn_number(const Value& from, const Range& range, bool log, double at) {
  if (range.whole && !log) {
    const double count = range.highest - range.lowest + 1;
    return number_value(from, range.lowest + std::floor(at * count), true);
  }
  const double number = log ? std::exp(std::log(range.lowest) +
                                       at * (std::log(range.highest) - std::log(range.lowest)))
                            : range.lowest + at * (range.highest - range.lowest);
  if (range.whole) return number_value(from, std::round(number), true);
  return number_value(from, parsed_number(fmt::format("{:.6g}", number), from), false);
}

Value drawn_value(const std::string& name, const Value& value, double at) {
  if (value.kind != Value::Kind::map) {
    if (is_range(value)) return drawn_number(value, range_of(value), false, at);
    const auto choices = choices_of(name, value);
    return choices[static_cast<size_t>(at * static_cast<double>(choices.size()))];
  }
  check_keys(value, fmt::format("'{}' of random trials", name), kDrawKeys, {});
  const auto* const given = value.find("range");
  if (given == nullptr) throw value.error("a range is missing").hint("range: 0.001..0.1");
  auto range = range_of(*given);
  if (const auto* const whole = value.find("whole")) {
    if (whole->kind != Value::Kind::boolean) throw_wrong_type(*whole, "whole", "true or false");
    range.whole = whole->boolean;
  }
  bool log = false;
  if (const auto* const scale = value.find("scale")) {
    log = scale->text == "log";
    if (!log && scale->text != "linear")
      throw scale->error(fmt::format("scale cannot be {}", scale->described()))
          .hint("linear or log");
    if (log && range.lowest <= 0)
      throw given->error("a range on a logarithmic scale begins above zero");
  }
  return drawn_number(*given, range, log, at);
}

int64_t whole_number(const Value& map, const std::string& key, int64_t lowest, int64_t highest) {
  const auto* const value = map.find(key);
  if (value == nullptr) throw map.error(fmt::format("random trials need '{}'", key));
  if (value->kind != Value::Kind::integer || value->integer < lowest || value->integer > highest)
    throw_wrong_type(*value, key, fmt::format("a whole number from {} to {}", lowest, highest));
  return value->integer;
}

bool same_values(const Values& a, const Values& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.text == y.second.text;
  });
}

std::vector<Values> random_trials(const Value& random) {
  check_keys(require_map(random, "random"), "random trials", kRandomKeys, {});
  const auto count =
      static_cast<size_t>(whole_number(random, "count", 1, static_cast<int64_t>(kMostTrials)));
  const auto seed = whole_number(random, "seed", 0, std::numeric_limits<int64_t>::max());
  const auto* const of = random.find("of");
  if (of == nullptr || require_map(*of, "of").map.empty())
    throw random.error("random trials need parameters").hint("of: {rate: 0.01..0.1}");
  std::vector<Values> trials;
  for (size_t draw = 0; trials.size() < count; ++draw) {
    if (draw > 100 * count)
      throw random.error(fmt::format("there are not {} different combinations", count));
    Values values;
    for (const auto& [name, value] : of->map)
      values.emplace_back(name, drawn_value(name, value, drawn(seed, name, draw)));
    const bool again = std::any_of(trials.begin(), trials.end(),
                                   [&](const Values& other) { return same_values(values, other); });
    if (!again) trials.push_back(std::move(values));
  }
  return trials;
}

// What files and items of a trial are called. Made of its values, so that it stays when others
// come and go.
std::string label_of(const Values& values) {
  std::string whole, label;
  for (const auto& [name, value] : values) {
    whole += fmt::format("{}={};", name, value.text);
    label += (label.empty() ? "" : "-") + value.text;
  }
  bool changed = label.size() > kLongestLabel;
  for (auto& c : label) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    if (c == '.')
      c = '_';  // names of items and files are put together with '.'
    else if (!plain)
      c = '_', changed = true;
  }
  if (changed)
    label = label.substr(0, kLongestLabel - 7) + "-" + store::sha256_hex(whole).substr(0, 6);
  return label.starts_with('-') ? "_" + label.substr(1) : label;
}

void add_trial(TrialSet& set, const Values& values, const Value& where) {
  Value map;
  map.kind = Value::Kind::map;
  map.map = values;
  map.move_to(where.place());
  auto label = label_of(values);
  if (set.axis.holds(label))
    throw where.error(fmt::format("two trials of '{}' are called '{}'", set.name, label))
        .hint("each trial needs other values");
  set.axis.values.push_back({std::move(label), std::move(map)});
}

void read_objective(TrialSet& set, const Value& value) {
  const auto* const most = value.find("maximize");
  const auto* const least = value.find("minimize");
  if (most != nullptr && least != nullptr)
    throw least->error(fmt::format("trials '{}' cannot both maximize and minimize", set.name));
  const auto* const objective = most != nullptr ? most : least;
  if (objective == nullptr) return;
  if (objective->late == 0)
    throw objective->error("an objective refers to what a step over these trials reports")
        .hint("such as maximize: $quality.measured.valid_share");
  set.objective = *objective;
  set.maximize = most != nullptr;
}

TrialSet trial_set(const std::string& name, const Value& value) {
  TrialSet set;
  set.name = set.axis.name = name;
  set.place = value.place();
  const Value* how = nullptr;
  std::vector<Values> trials;
  for (const auto& [key, make] :
       {std::pair("grid", &grid_trials), std::pair("list", &listed_trials),
        std::pair("random", &random_trials)}) {
    const auto* const given = value.find(key);
    if (given == nullptr) continue;
    if (how != nullptr)
      throw given->error(fmt::format("trials '{}' are given twice", name))
          .hint("a grid, a list or random ones");
    how = given;
    trials = make(*given);
  }
  if (how == nullptr)
    throw value.error(fmt::format("trials '{}' need a grid, a list or random ones", name))
        .hint("such as grid: {stat: [median, max]}");
  for (const auto& [parameter, ignored] : trials.front()) {
    check_name(*how, "the name of a parameter of trials", parameter);
    set.parameters.push_back(parameter);
  }
  for (const auto& values : trials) add_trial(set, values, *how);
  if (const auto* const tolerate = value.find("tolerate")) {
    if (tolerate->kind != Value::Kind::integer || tolerate->integer < 0 ||
        tolerate->integer >= static_cast<int64_t>(trials.size()))
      throw_wrong_type(*tolerate, "tolerate",
                       fmt::format("fewer than the {} trials there are", trials.size()));
    set.tolerate = static_cast<size_t>(tolerate->integer);
  }
  read_objective(set, value);
  return set;
}

}  // namespace

void check_trials(const std::string& name, const Value& value) {
  const auto what = fmt::format("trials '{}'", name);
  check_name(value, "the name of trials", name);
  check_keys(require_map(value, what), what, kKeys, {});
}

std::vector<TrialSet> trial_sets_from(const Value& trials) {
  std::vector<TrialSet> sets;
  if (trials.is_null()) return sets;
  for (const auto& [name, value] : require_map(trials, "trials").map)
    sets.push_back(trial_set(name, value));
  return sets;
}

const TrialSet* find_trials(const std::vector<TrialSet>& sets, const std::string& name) {
  for (const auto& set : sets)
    if (set.name == name) return &set;
  return nullptr;
}

size_t TrialOutcome::failed() const {
  return static_cast<size_t>(std::count_if(
      trials.begin(), trials.end(), [](const Trial& trial) { return !trial.score.has_value(); }));
}

bool TrialOutcome::gave_up(const std::string& label) const {
  return std::any_of(trials.begin(), trials.end(),
                     [&](const Trial& trial) { return trial.label == label && !trial.score; });
}

std::optional<TrialOutcome> outcome_of(const TrialSet& set,
                                       const std::vector<std::optional<double>>& scores) {
  TrialOutcome outcome;
  std::optional<double> best;
  for (size_t t = 0; t < set.axis.values.size(); ++t) {
    const auto& label = set.axis.values[t].label;
    outcome.trials.push_back({label, scores[t]});
    if (!scores[t]) continue;
    if (best && (set.maximize ? *scores[t] <= *best : *scores[t] >= *best)) continue;
    best = scores[t];
    outcome.best = label;
  }
  if (!best || outcome.failed() > set.tolerate) return std::nullopt;
  return outcome;
}

Json to_json(const TrialOutcome& outcome) {
  Json trials = Json::array();
  for (const auto& trial : outcome.trials)
    trials.push_back(
        {{"trial", trial.label}, {"score", trial.score ? Json(*trial.score) : Json()}});
  return {{"trials", std::move(trials)}, {"best", outcome.best}};
}

TrialOutcome trial_outcome_from_json(const Json& json) {
  TrialOutcome outcome;
  outcome.best = json.at("best").get<std::string>();
  for (const auto& entry : json.at("trials")) {
    auto& trial = outcome.trials.emplace_back();
    trial.label = entry.at("trial").get<std::string>();
    if (!entry.at("score").is_null()) trial.score = entry.at("score").get<double>();
  }
  return outcome;
}

}  // namespace geoloom::workflow
