// SPDX-License-Identifier: Apache-2.0
// Keeps runs/<id>/report.html of a run under way: written again when something has changed, but
// never so often that it would be felt.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/report_pictures.h"
#include "engine/run_metrics.h"
#include "engine/run_progress.h"
#include "engine/run_report.h"

namespace geoloom::engine {

// "runs/<id>/report.html"
std::string run_report_name(const std::string& run_id);

// Passes everything on to another observer. A report that cannot be written ends no run: it is
// noted once.
class RunReportWriter : public RunObserver {
 public:
  // All arguments outlive the writer. What earlier executions of the run logged is taken over.
  RunReportWriter(const workflow::Run& run, store::Store& store, RunObserver& observer);

  void step_started(const std::string& step, size_t items, size_t to_do) override;
  void item_ended(const ItemEvent& event) override;
  void task_progress(const std::string& step, double share) override;
  void step_ended(const std::string& step) override;
  void explained(const std::vector<std::string>& lines) override { observer_.explained(lines); }
  void step_skipped(const std::string& step, const std::string& reason) override;
  void note(const std::string& text) override;

  // The report of the ended run. Where receipts were made by other processes it is drawn from the
  // store. Nothing is written when nothing happened and a report is there.
  void finish(const RunSummary& summary);

 private:
  using Clock = std::chrono::steady_clock;
  void write_if_due();
  void begin();
  void write();
  size_t index_of(size_t step, const std::string& item);
  void failed(size_t step, size_t item, const ItemEvent& event);
  void take_over_receipts();

  const workflow::Run& run_;
  store::Store& store_;
  RunObserver& observer_;
  std::optional<RunReport> report_;  // made when the first page is written
  ReportPictures pictures_;
  MetricsSummary metrics_;
  RunFacts facts_;
  size_t step_ = 0;                                // under way
  std::unordered_map<std::string, size_t> items_;  // of that step, by name
  bool changed_ = false, elsewhere_ = false, noted_ = false;
  Clock::time_point next_;
};

}  // namespace geoloom::engine
