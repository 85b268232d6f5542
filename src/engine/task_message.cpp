// SPDX-License-Identifier: Apache-2.0
#include "engine/task_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "error/spelling.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

constexpr size_t kLongestText = 4096;

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string() || found->get_ref<const std::string&>().empty())
    throw Error(ErrorCode::invalid, fmt::format("a task needs \"{}\", a text", key));
  auto text = found->get<std::string>();
  if (text.size() > kLongestText)
    throw Error(ErrorCode::invalid, fmt::format("\"{}\" of the task is too long", key));
  return text;
}

}  // namespace

Json to_json(const TaskMessage& task) {
  return {{"geoloom_task", kTaskMessageVersion},
          {"store", task.store},
          {"run", task.run},
          {"step", task.step},
          {"item", task.item},
          {"attempt", task.attempt}};
}

TaskMessage task_message_from_json(const Json& json) {
  const auto version = json.is_object() ? json.find("geoloom_task") : json.end();
  if (!json.is_object() || version == json.end() || !version->is_number_integer())
    throw Error(ErrorCode::invalid, "this is no task")
        .hint(R"(send {"geoloom_task": 1, "store": ..., "run": ..., "step": ..., "item": ...})");
  if (version->get<int64_t>() != kTaskMessageVersion)
    throw Error(ErrorCode::invalid, fmt::format("a task of format {}, this Geoloom knows {}",
                                                version->get<int64_t>(), kTaskMessageVersion))
        .hint("use one version of Geoloom for sender and workers");
  TaskMessage task;
  task.store = text_of(json, "store");
  task.run = text_of(json, "run");
  task.step = text_of(json, "step");
  task.item = text_of(json, "item");
  if (const auto attempt = json.find("attempt"); attempt != json.end()) {
    if (!attempt->is_number_integer() || attempt->get<int64_t>() < 1 ||
        attempt->get<int64_t>() > 1'000'000)
      throw Error(ErrorCode::invalid, "\"attempt\" of the task is a whole number from 1");
    task.attempt = attempt->get<int>();
  }
  return task;
}

TaskPlace place_in(const workflow::Run& run, const TaskMessage& task) {
  const auto& steps = run.steps();
  const auto step = std::find_if(steps.begin(), steps.end(),
                                 [&](const auto& s) { return s.step->name == task.step; });
  if (step == steps.end()) {
    std::vector<std::string> names;
    for (const auto& s : steps) names.push_back(s.step->name);
    throw Error(ErrorCode::invalid, fmt::format("run {} has no step '{}'", task.run, task.step))
        .hint(spelling_hint(task.step, names));
  }
  const auto item = std::find_if(step->items.begin(), step->items.end(),
                                 [&](const auto& i) { return i.name == task.item; });
  if (item == step->items.end())
    throw Error(ErrorCode::invalid,
                fmt::format("step '{}' of run {} has no item '{}'", task.step, task.run, task.item))
        .at({.step = task.step, .item = task.item});
  return {static_cast<size_t>(step - steps.begin()),
          static_cast<size_t>(item - step->items.begin())};
}

}  // namespace geoloom::engine
