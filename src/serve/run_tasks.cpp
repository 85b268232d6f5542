// SPDX-License-Identifier: Apache-2.0
#include "serve/run_tasks.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/task_message.h"
#include "gdal/allowed_roots.h"

namespace geoloom::serve {
namespace {

using engine::TaskMessage;

const char* name_of(engine::Outcome outcome) {
  switch (outcome) {
    case engine::Outcome::done:
      return "done";
    case engine::Outcome::empty:
      return "empty";
    case engine::Outcome::cached:
      return "cached";
  }
  return "done";
}

bool complete(const engine::RunState& state, const workflow::Run& run, size_t step) {
  for (size_t i = 0; i < run.steps()[step].items.size(); ++i)
    if (!state.receipt(step, i)) return false;
  return true;
}

// What the task reads was made by other workers, perhaps a moment ago.
void take_over_inputs(OpenRun& open, size_t step) {
  const auto& run = *open.run;
  if (run.steps()[step].step->layers_read.empty()) return;
  const std::lock_guard lock(open.adopting);
  bool refreshed = false;
  for (size_t s = 0; s < step; ++s) {
    if (complete(open.session->state(), run, s)) continue;
    if (!refreshed) open.session->refresh();
    refreshed = true;
    open.session->adopt(s);
  }
}

// Of a run that somebody paused or cancelled no further item is started. A queue would deliver the
// task until it is a dead letter, so its deliveries are taken as settled: whoever resumes the run
// sends again what has no receipt.
std::optional<workflow::OrderedJson> held_back(OpenRun& open, const TaskMessage& task,
                                               bool from_queue) {
  const auto control = open.control->current();
  if (!control) return std::nullopt;
  if (!from_queue)
    throw Error(ErrorCode::cancelled, fmt::format("run {} is {}: nothing further of it is started",
                                                  task.run, control->text()));
  return workflow::OrderedJson{{"outcome", engine::name_of(control->hold)}};
}

// What the step waited for may be known by now.
bool waits(const workflow::Run& run, const std::string& step) {
  return std::any_of(run.steps().begin(), run.steps().end(),
                     [&](const auto& each) { return each.step->name == step && !each.known; });
}

workflow::OrderedJson carried_out(OpenRun& open, const TaskMessage& task, unsigned at_once) {
  const auto place = engine::place_in(*open.run, task);
  take_over_inputs(open, place.step);
  const auto result = open.session->attempt({place.step, place.item, task.attempt}, at_once);
  // Also after a failure, whose record is to be found while others still work.
  open.session->flush();
  if (!result.outcome) throw Error(*result.error);
  workflow::OrderedJson facts{{"outcome", name_of(*result.outcome)},
                              {"wall_seconds", result.wall_seconds}};
  if (result.receipt && *result.outcome == engine::Outcome::done) {
    facts["read_seconds"] = result.receipt->read_seconds;
    facts["compute_seconds"] = result.receipt->compute_seconds;
    facts["encode_seconds"] = result.receipt->encode_seconds;
  }
  return facts;
}

}  // namespace

std::string RunTasks::path() const {
  return engine::kTaskPath;
}

Job RunTasks::accept(const Delivery& delivery) {
  auto task = engine::task_message_from_json(delivery.payload);
  const bool remote = task.store.find("://") != std::string::npos;
  if (!remote && !task.store.starts_with('/'))
    throw Error(ErrorCode::invalid, "\"store\" of the task is a relative path")
        .hint("name it by its absolute path, or by s3://, gs:// or az://");
  gdal::check_writable(task.store);
  task.attempt = std::max(task.attempt, delivery.attempt);
  Job job;
  job.key = task.store + "\n" + task.deduplication_id();
  job.facts = {
      {"run", task.run}, {"step", task.step}, {"item", task.item}, {"attempt", task.attempt}};
  job.work = [this, task, from_queue = delivery.wrapped] {
    auto open = runs_.open(task.store, task.run);
    if (waits(*open->run, task.step)) open = runs_.reopen(task.store, task.run, open);
    if (auto facts = held_back(*open, task, from_queue)) return *facts;
    return carried_out(*open, task, at_once_);
  };
  return job;
}

}  // namespace geoloom::serve
