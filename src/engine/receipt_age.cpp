// SPDX-License-Identifier: Apache-2.0
#include "engine/receipt_age.h"

#include <algorithm>
#include <chrono>

#include "engine/run_history.h"
#include "geo/time.h"

namespace geoloom::engine {
namespace {

geo::TimeMs now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool ages(const workflow::Run& run) {
  return std::any_of(run.steps().begin(), run.steps().end(),
                     [](const auto& step) { return step.step->policy.max_age.has_value(); });
}

bool complete(const store::Store& store, const std::string& run_id) {
  const auto executions = read_executions(store, run_id);
  return !executions.empty() && executions.back().ending == "done";
}

}  // namespace

bool too_old(const Receipt& receipt, const workflow::StepPolicy& policy,
             const workflow::RunRecord& record, geo::TimeMs now) {
  if (!policy.max_age) return false;
  // Ids sort by the order in which runs were created, whatever the clocks said.
  if (!record.id.empty() && receipt.run >= record.id) return false;
  if (policy.max_age->count() == 0) return true;
  const auto finished = geo::parse_time(receipt.finished);
  const auto created = record.id.empty() ? now : geo::parse_time(record.created).value_or(now);
  return !finished || *finished > now || *finished < created - policy.max_age->count();
}

bool too_old(const Receipt& receipt, const workflow::StepPolicy& policy,
             const workflow::RunRecord& record) {
  return policy.max_age && too_old(receipt, policy, record, now_ms());
}

void begin_run(workflow::Run& run, store::Store& store) {
  const bool aging = ages(run);
  run.go_on_with(workflow::write_or_resume(
      store, run.record(),
      [&](const workflow::RunRecord& earlier) { return !aging || !complete(store, earlier.id); }));
}

}  // namespace geoloom::engine
