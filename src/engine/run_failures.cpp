// SPDX-License-Identifier: Apache-2.0
#include "engine/run_failures.h"

#include <algorithm>
#include <set>

#include "engine/failure_causes.h"

namespace geoloom::engine {
namespace {

using workflow::OrderedJson;

constexpr size_t kMostExamples = 20;

// The scene of a printed place, which stands at its end.
std::string scene_of(const std::string& place) {
  constexpr std::string_view kLabel = "scene ";
  const auto at = place.rfind(kLabel);
  return at == std::string::npos ? std::string() : place.substr(at + kLabel.size());
}

struct Group {
  const AttemptRecord* sample = nullptr;
  std::string since;
  std::set<std::string> scenes;
  size_t items = 0;
  std::set<std::string> steps;
  std::vector<std::string> examples;
};

OrderedJson group_json(const Group& group) {
  const auto& sample = *group.sample;
  return {{"cause", sample.error_code},
          {"message", sample.message},
          {"hint", sample.hint},
          {"scenes", group.scenes.size()},
          {"since", group.since},
          {"items", group.items},
          {"steps", group.steps},
          {"sample",
           {{"step", sample.step},
            {"item", sample.item},
            {"place", sample.place},
            {"detail", sample.cause},
            {"attempt", sample.attempt},
            {"time", sample.time},
            {"log", to_json(sample.log)}}},
          {"examples", group.examples}};
}

}  // namespace

OrderedJson failures_json(const workflow::Run& run, const RunFacts& facts) {
  std::map<std::string, Group> groups;
  for (const auto& [at, attempt] : facts.failures) {
    const auto scene = scene_of(attempt.place);
    auto& group = groups[cause_key(attempt)];
    if (group.sample == nullptr) group.sample = &attempt;
    if (!scene.empty()) group.scenes.insert(scene);
    if (group.since.empty() || attempt.time < group.since) group.since = attempt.time;
    ++group.items;
    const auto& step = run.steps()[at.first];
    group.steps.insert(step.step->name);
    if (group.examples.size() < kMostExamples)
      group.examples.push_back(step.step->name + "/" + step.items[at.second].name);
  }
  std::vector<const Group*> order;
  for (const auto& [key, group] : groups) order.push_back(&group);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->items > b->items; });
  auto json = OrderedJson::array();
  for (const auto* group : order) json.push_back(group_json(*group));
  return json;
}

}  // namespace geoloom::engine
