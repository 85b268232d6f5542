// SPDX-License-Identifier: Apache-2.0
// Shows a run while it goes on: a bar on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "engine/runner.h"

namespace geoloom::cli {

class ProgressPrinter : public engine::RunObserver {
 public:
  explicit ProgressPrinter(bool quiet);
  void step_started(const std::string& step, size_t items, size_t to_do) override;
  void item_ended(const engine::ItemEvent& event) override;
  void task_progress(const std::string& step, double share) override;
  void step_ended(const std::string& step) override;
  void explained(const std::vector<std::string>& lines) override;
  void step_skipped(const std::string& step, const std::string& reason) override;
  void note(const std::string& text) override;

 private:
  void draw(bool last);
  std::string rate_text() const;
  void line(const std::string& text);

  const bool quiet_;
  const bool terminal_;
  std::string step_;
  size_t items_ = 0, ended_ = 0, failed_ = 0, cached_ = 0;
  double task_share_ = 0;
  bool bar_shown_ = false;
  std::chrono::steady_clock::time_point started_, drawn_;
};

}  // namespace geoloom::cli
