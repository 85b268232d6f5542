// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "cli/quantities.h"

namespace geoloom::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kBarWidth = 30;
constexpr double kBarSeconds = 0.1;    // between redraws on a terminal
constexpr double kLineSeconds = 10.0;  // between plain lines

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) && !(term && std::string_view(term) == "dumb");
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

ProgressPrinter::ProgressPrinter(bool quiet) : quiet_(quiet), terminal_(is_terminal()) {}

void ProgressPrinter::line(const std::string& text) {
  if (bar_shown_) std::cerr << "\r\x1b[K";
  bar_shown_ = false;
  std::cerr << text << "\n" << std::flush;
}

void ProgressPrinter::step_started(const std::string& step, size_t items, size_t) {
  step_ = step;
  items_ = items;
  ended_ = failed_ = cached_ = 0;
  task_share_ = 0;
  started_ = drawn_ = Clock::now();
  if (!quiet_ && !terminal_) line(fmt::format("{}: {} item{}", step, items, items == 1 ? "" : "s"));
}

void ProgressPrinter::item_ended(const engine::ItemEvent& event) {
  if (event.outcome == engine::ItemOutcome::retried) {
    line(fmt::format("{}/{}: attempt {} failed, will try again: {}", event.step, event.item,
                     event.attempt, event.error->what()));
    return;
  }
  ++ended_;
  cached_ += event.outcome == engine::ItemOutcome::cached;
  if (event.outcome == engine::ItemOutcome::failed) {
    ++failed_;
    line(fmt::format("failed: {}", event.error->what()));
  }
  draw(false);
}

void ProgressPrinter::task_progress(const std::string&, double share) {
  task_share_ = share;
  draw(false);
}

void ProgressPrinter::step_ended(const std::string&) {
  draw(true);
}

void ProgressPrinter::explained(const std::vector<std::string>& lines) {
  if (quiet_) return;
  for (const auto& text : lines) line("made again: " + text);
}

void ProgressPrinter::step_skipped(const std::string& step, const std::string& reason) {
  if (!quiet_) line(fmt::format("{:<16} skipped: {}", step, reason));
}

void ProgressPrinter::note(const std::string& text) {
  line("note: " + text);
}

std::string ProgressPrinter::rate_text() const {
  const double seconds = seconds_since(started_);
  const auto computed = static_cast<double>(ended_ - cached_);
  if (computed < 1 || seconds <= 0) return {};
  const double rate = computed / seconds;
  return fmt::format(", {:.1f} items/s, {} left", rate,
                     format_seconds(static_cast<double>(items_ - ended_) / rate));
}

void ProgressPrinter::draw(bool last) {
  if (quiet_) return;
  const double since = seconds_since(drawn_);
  if (!last && since < (terminal_ ? kBarSeconds : kLineSeconds)) return;
  drawn_ = Clock::now();
  const std::string counts = fmt::format("{}/{}{}{}", ended_, items_,
                                         cached_ ? fmt::format(", {} unchanged", cached_) : "",
                                         failed_ ? fmt::format(", {} failed", failed_) : "");
  if (last) {
    line(fmt::format("{}: {} in {}", step_, counts, format_seconds(seconds_since(started_))));
    return;
  }
  if (!terminal_) {
    line(fmt::format("{}: {}{}", step_, counts, rate_text()));
    return;
  }
  const double share =
      items_ == 1 ? std::max(task_share_, static_cast<double>(ended_))
                  : static_cast<double>(ended_) / static_cast<double>(std::max<size_t>(1, items_));
  const int full = static_cast<int>(share * kBarWidth);
  std::cerr << fmt::format("\r\x1b[K{} [{:#<{}}{:.<{}}] {}{}", step_, "", full, "",
                           kBarWidth - full, counts, rate_text())
            << std::flush;
  bar_shown_ = true;
}

}  // namespace geoloom::cli
