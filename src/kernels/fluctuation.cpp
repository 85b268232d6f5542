// SPDX-License-Identifier: Apache-2.0
#include "kernels/fluctuation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "kernels/elementary.h"
#include "kernels/trend.h"

namespace geoloom::kernels {
namespace {

constexpr double kE = 2.71828182845904523536;

double boundary(double x, const MonitorRule& rule) {
  if (rule.process == Fluctuation::moving)
    return rule.critical * std::sqrt(2 * (x > kE ? natural_logarithm(x) : 1.0));
  const double log = natural_logarithm(x / (x - 1));
  return std::sqrt(x * (x - 1) * (rule.critical * rule.critical + log));
}

// The sum that is watched, as samples are added.
class Process {
 public:
  Process(std::span<const double> history, size_t window, double scale)
      : history_(history), window_(window), scale_(scale) {
    const size_t first = window == 0 ? 0 : history.size() - window;
    for (size_t i = first; i < history.size(); ++i) sum_ += history[i] / scale;
  }

  // `residuals` up to `i` belong to it, `samples` of them before it; `oldest` is walked along them.
  double add(std::span<const double> residuals, size_t i) {
    sum_ += residuals[i] / scale_;
    if (window_ != 0) sum_ -= leaving(residuals) / scale_;
    return sum_;
  }

 private:
  // The sample that falls out of the window: of the history first.
  double leaving(std::span<const double> residuals) {
    if (left_ < window_) return history_[history_.size() - window_ + left_++];
    while (std::isnan(residuals[oldest_])) ++oldest_;
    return residuals[oldest_++];
  }

  std::span<const double> history_;
  size_t window_;  // 0: all
  double scale_, sum_ = 0;
  size_t left_ = 0, oldest_ = 0;
};

}  // namespace

Monitored monitor(std::span<const double> history, size_t coefficients, double least_scatter,
                  std::span<const double> residuals, const MonitorRule& rule) {
  Monitored result;
  const size_t n = history.size();
  const bool moving = rule.process == Fluctuation::moving;
  const auto window = static_cast<size_t>(std::floor(static_cast<double>(n) * rule.window));
  if (n <= coefficients || (moving && window == 0)) return result;
  double squares = 0;
  for (const double residual : history) squares += residual * residual;
  const double scatter = std::sqrt(squares / static_cast<double>(n - coefficients));
  if (!(scatter > least_scatter)) return result;
  const auto size = static_cast<double>(n);
  Process process(history, moving ? window : 0, scatter * std::sqrt(size));
  size_t samples = 0, run = 0, start = 0;
  for (size_t i = 0; i < residuals.size(); ++i) {
    if (std::isnan(residuals[i])) continue;
    result.tested = true;
    ++samples;
    const double sum = std::abs(process.add(residuals, i));
    const double limit = boundary((size + static_cast<double>(samples)) / size, rule);
    result.statistic = std::max(result.statistic, sum / limit);
    if (run == 0) start = i;
    run = sum >= limit ? run + 1 : 0;
    if (result.broken || run < rule.confirmations) continue;
    result.broken = true;
    result.at = start;
  }
  return result;
}

double cumulative_critical(double level) {
  double low = 0, high = 20;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    const double inside =
        2 * (normal_distribution(middle) - middle * normal_density(middle)) + level - 2;
    (inside < 0 ? low : high) = middle;
  }
  return (low + high) / 2;
}

double moving_critical(double level, double window) {
  constexpr size_t kLevels = 8;
  constexpr std::array<double, kLevels> levels{0.001, 0.005, 0.01, 0.02, 0.025, 0.03, 0.04, 0.05};
  struct Row {
    double window;
    std::array<double, kLevels> critical;
  };
  constexpr std::array<Row, 3> rows{
      {{0.25, {1.745509, 1.597971, 1.521645, 1.448236, 1.423819, 1.403188, 1.368863, 1.341825}},
       {0.5, {2.570255, 2.325522, 2.209073, 2.08287, 2.044388, 2.006985, 1.949207, 1.902003}},
       {1, {3.941029, 3.474227, 3.276932, 3.049289, 2.980014, 2.92234, 2.82427, 2.745928}}}};
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const auto& each) { return each.window == window; });
  if (row == rows.end() || !(level >= levels.front() && level <= levels.back()))
    throw std::invalid_argument("moving_critical: no critical value is known");
  size_t i = 1;
  while (level > levels[i]) ++i;
  const double share = (level - levels[i - 1]) / (levels[i] - levels[i - 1]);
  return row->critical[i - 1] + share * (row->critical[i] - row->critical[i - 1]);
}

}  // namespace geoloom::kernels
