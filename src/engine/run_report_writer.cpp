// SPDX-License-Identifier: Apache-2.0
#include "engine/run_report_writer.h"

#include <algorithm>

namespace geoloom::engine {
namespace {

// Writing takes at most one part in fifty of the time; the reader sees the run with that delay.
constexpr std::chrono::seconds kLocalInterval{5}, kBucketInterval{20};
constexpr int kShareOfTime = 50;

}  // namespace

std::string run_report_name(const std::string& run_id) {
  return "runs/" + run_id + "/report.html";
}

RunReportWriter::RunReportWriter(const workflow::Run& run, store::Store& store,
                                 RunObserver& observer)
    : run_(run),
      store_(store),
      observer_(observer),
      pictures_(store),
      facts_(empty_facts(run)),
      next_(Clock::now() + (store.local() ? kLocalInterval : kBucketInterval)) {
  facts_.running = true;
}

void RunReportWriter::step_started(const std::string& step, size_t items, size_t to_do) {
  for (size_t s = 0; s < run_.steps().size(); ++s)
    if (run_.steps()[s].step->name == step) step_ = s;
  items_.clear();
  const auto& names = run_.steps()[step_].items;
  for (size_t i = 0; i < names.size(); ++i) items_.emplace(names[i].name, i);
  if (auto& facts = facts_.steps[step_].items; facts.size() < names.size()) {
    facts.resize(names.size());  // it waited for what others report
    if (report_) report_.emplace(run_, store_.url());
  }
  observer_.step_started(step, items, to_do);
}

size_t RunReportWriter::index_of(size_t step, const std::string& item) {
  const auto found = items_.find(item);
  return found == items_.end() ? run_.steps()[step].items.size() : found->second;
}

void RunReportWriter::failed(size_t step, size_t item, const ItemEvent& event) {
  auto& fact = facts_.steps[step].items[item];
  fact.attempts = std::max(fact.attempts, event.attempt);
  fact.state = event.outcome == ItemOutcome::retried ? ItemState::retried : ItemState::failed;
  if (event.error == nullptr) return;
  AttemptRecord record;
  record.time = now_text();
  record.step = event.step;
  record.item = event.item;
  record.attempt = event.attempt;
  record.wall_seconds = event.wall_seconds;
  record.fail(*event.error);
  facts_.failures[{step, item}] = std::move(record);
}

void RunReportWriter::item_ended(const ItemEvent& event) {
  if (const size_t item = index_of(step_, event.item); item < items_.size()) {
    if (event.outcome == ItemOutcome::failed || event.outcome == ItemOutcome::retried)
      failed(step_, item, event);
    else if (event.receipt != nullptr)
      add_receipt(facts_, step_, item, *event.receipt, run_.record().id);
    else
      elsewhere_ = true;
    if (event.receipt != nullptr) {
      pictures_.offer(*event.receipt);
      metrics_.offer(*event.receipt);
    }
    changed_ = changed_ || event.outcome != ItemOutcome::cached;
  }
  observer_.item_ended(event);
  write_if_due();
}

void RunReportWriter::task_progress(const std::string& step, double share) {
  observer_.task_progress(step, share);
}

void RunReportWriter::step_ended(const std::string& step) {
  observer_.step_ended(step);
  if (changed_) write();
}

void RunReportWriter::step_skipped(const std::string& step, const std::string& reason) {
  for (size_t s = 0; s < run_.steps().size(); ++s)
    if (run_.steps()[s].step->name == step) leave_out(facts_, s, reason);
  observer_.step_skipped(step, reason);
  changed_ = true;
}

void RunReportWriter::note(const std::string& text) {
  facts_.notes.push_back(text);
  observer_.note(text);
}

void RunReportWriter::write_if_due() {
  if (changed_ && Clock::now() >= next_) write();
}

// What a run that has nothing to do need not wait for.
void RunReportWriter::begin() {
  if (report_) return;
  add_attempts(facts_, run_, read_failed_attempts(store_, run_.record().id));
  report_.emplace(run_, store_.url());
}

void RunReportWriter::write() {
  const auto start = Clock::now();
  try {
    begin();
    // That this one began; what it comes to is told at the end.
    if (facts_.executions.empty())
      add_executions(facts_, read_executions(store_, run_.record().id));
    store_.put_bytes(
        run_report_page(report_->json(facts_, pictures_.pictures(), metrics_.json(), now_text())),
        run_report_name(run_.record().id));
  } catch (const Error& error) {
    if (!noted_) observer_.note(std::string("the report could not be written: ") + error.what());
    noted_ = true;
  }
  const auto interval = store_.local() ? kLocalInterval : kBucketInterval;
  const auto took = Clock::now() - start;
  next_ = Clock::now() + std::max<Clock::duration>(interval, took * kShareOfTime);
}

void RunReportWriter::take_over_receipts() {
  const ReceiptBook book(store_);
  RunState state(run_, store_);
  survey(run_, book, state);
  auto facts = facts_of(run_, state, read_failed_attempts(store_, run_.record().id));
  facts.notes = std::move(facts_.notes);
  facts_ = std::move(facts);
  metrics_ = {};
  for (size_t s = 0; s < run_.steps().size(); ++s)
    for (size_t i = 0; i < run_.steps()[s].items.size(); ++i)
      if (const auto* receipt = state.receipt(s, i)) {
        pictures_.offer(*receipt);
        metrics_.offer(*receipt);
      }
}

void RunReportWriter::finish(const RunSummary& summary) {
  facts_.peak_memory_bytes = summary.peak_memory_bytes;
  for (auto& step : facts_.steps)
    for (auto& item : step.items)
      if (item.state == ItemState::retried) item.state = ItemState::failed;
  try {
    if (elsewhere_) take_over_receipts();
    add_executions(facts_, read_executions(store_, run_.record().id));
    facts_.running = false;
    if (!changed_ && summary.ending == RunEnding::done &&
        store_.size_of(run_report_name(run_.record().id)))
      return;
  } catch (const Error& error) {
    observer_.note(std::string("the report could not be written: ") + error.what());
    return;
  }
  write();
}

}  // namespace geoloom::engine
