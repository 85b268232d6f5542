// SPDX-License-Identifier: Apache-2.0
#include "engine/run_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "engine/control_flow.h"

namespace geoloom::engine {

RunFacts empty_facts(const workflow::Run& run) {
  RunFacts facts;
  for (const auto& step : run.steps()) {
    StepFacts entry;
    entry.items.resize(step.items.size());
    facts.steps.push_back(std::move(entry));
    if (!step.selected) leave_out(facts, facts.steps.size() - 1);
  }
  return facts;
}

void leave_out(RunFacts& facts, size_t step, const std::string& reason) {
  facts.steps[step].skipped = reason;
  for (auto& item : facts.steps[step].items)
    if (item.state == ItemState::waiting) item.state = ItemState::left_out;
}

void add_receipt(RunFacts& facts, size_t step, size_t item, const Receipt& receipt,
                 const std::string& run_id) {
  auto& entry = facts.steps[step];
  auto& fact = entry.items[item];
  facts.failures.erase({step, item});
  const bool ours = receipt.run == run_id;
  fact.state = receipt.empty ? ItemState::empty : ours ? ItemState::done : ItemState::unchanged;
  if (!ours) return;  // what it took was spent by another run
  fact.attempts = std::max(fact.attempts, receipt.attempt);
  if (receipt.empty) return;
  fact.timed = true;
  fact.read_seconds = receipt.read_seconds;
  fact.compute_seconds = receipt.compute_seconds;
  fact.encode_seconds = receipt.encode_seconds;
  fact.wall_seconds = receipt.wall_seconds;
  fact.memory_bytes = receipt.memory_bytes;
  fact.written_bytes = 0;
  for (const auto& output : receipt.outputs) fact.written_bytes += output.bytes;
  if (entry.started.empty() || receipt.started < entry.started) entry.started = receipt.started;
  entry.ended = std::max(entry.ended, receipt.finished);
}

void add_attempts(RunFacts& facts, const workflow::Run& run,
                  const std::vector<AttemptRecord>& attempts) {
  std::unordered_map<std::string, std::pair<size_t, size_t>> places;
  for (size_t s = 0; s < run.steps().size() && !attempts.empty(); ++s) {
    const auto& step = run.steps()[s];
    for (size_t i = 0; i < step.items.size(); ++i)
      places.emplace(step.step->name + "/" + step.items[i].name, std::pair{s, i});
  }
  for (const auto& attempt : attempts) {
    const auto found = places.find(attempt.step + "/" + attempt.item);
    if (found == places.end()) continue;
    auto& item = facts.steps[found->second.first].items[found->second.second];
    item.attempts = std::max(item.attempts, attempt.attempt);
    if (attempt.state != "failed") continue;
    if (item.state != ItemState::waiting && item.state != ItemState::failed) continue;
    item.state = ItemState::failed;
    facts.failures[found->second] = attempt;
  }
}

void add_executions(RunFacts& facts, std::vector<RunExecution> executions) {
  facts.executions = std::move(executions);
  if (facts.executions.empty()) return;
  const auto& last = facts.executions.back();
  facts.running = last.state() == "under way";
  if (facts.running || last.ending == "done" || last.ending == "failed") return;
  facts.ended_because =
      last.reason.empty() ? last.state() : fmt::format("{}: {}", last.state(), last.reason);
}

RunFacts facts_of(const workflow::Run& run, const RunState& state,
                  const std::vector<AttemptRecord>& attempts) {
  auto facts = empty_facts(run);
  ControlFlow flow(run, state);
  for (size_t s = 0; s < run.steps().size(); ++s) {
    const auto& step = run.steps()[s];
    if (const auto decision = flow.decide(s); decision.kind == StepDecision::Kind::skip) {
      leave_out(facts, s, decision.reason);
      continue;
    }
    for (size_t i = 0; step.selected && i < step.items.size(); ++i)
      if (const auto* receipt = state.receipt(s, i))
        add_receipt(facts, s, i, *receipt, run.record().id);
  }
  add_attempts(facts, run, attempts);
  return facts;
}

}  // namespace geoloom::engine
