// SPDX-License-Identifier: Apache-2.0
// Monitoring a series for a break: sums of the residuals of a model that was fitted to a history,
// and the boundary that they stay within as long as the model holds.
//
//   C.-S. J. Chu, M. Stinchcombe, H. White, Monitoring structural change, Econometrica 64, 1996
//   F. Leisch, K. Hornik, C.-M. Kuan, Monitoring structural changes with the generalized
//   fluctuation test, Econometric Theory 16, 2000
//   A. Zeileis, F. Leisch, C. Kleiber, K. Hornik, Monitoring structural change in dynamic
//   econometric models, Journal of Applied Econometrics 20, 2005
//   J. Verbesselt, A. Zeileis, M. Herold, Near real-time disturbance detection using satellite
//   image time series, Remote Sensing of Environment 123, 2012
#pragma once

#include <cstddef>
#include <span>

namespace geoloom::kernels {

// Let n be the samples of the history, s the root of their residuals' sum of squares divided by n
// less the number of coefficients, and x = m / n, where m counts all samples up to a date.
//
//   cumulative  the sum of all residuals / (s sqrt(n)), within sqrt(x (x - 1) (c^2 + ln(x / (x -
//   1)))) moving      the sum of the last floor(window n) of them / (s sqrt(n)), within
//               c sqrt(2 ln+ x), ln+ x = ln x above e and 1 below
enum class Fluctuation { cumulative, moving };

struct MonitorRule {
  Fluctuation process = Fluctuation::moving;
  double critical = 1;       // c
  double window = 0.25;      // moving: share of the history
  size_t confirmations = 1;  // so many samples one after the other reach the boundary
};

struct Monitored {
  bool tested = false;  // the history has scatter, the window samples, and there is one to test
  bool broken = false;
  size_t at = 0;         // the first residual of the confirmed run, as an index of `residuals`
  double statistic = 0;  // the largest |sum| / boundary
};

// `history` are the residuals of the history's samples in time order, without gaps, of a model of
// so many coefficients; `residuals` those afterwards, NaN where there is no sample. What is below
// `least_scatter` counts as no scatter.
Monitored monitor(std::span<const double> history, size_t coefficients, double least_scatter,
                  std::span<const double> residuals, const MonitorRule& rule);

// c of the cumulative process for a probability of false alarm: the root of
// 2 (Phi(c) - c phi(c)) + level = 2 (Chu et al. 1996, Brownian motion).
double cumulative_critical(double level);

// c of the moving process, by simulation (Leisch et al. 2000; Zeileis et al. 2005), for monitoring
// up to ten times the history: `window` 0.25, 0.5 or 1, `level` 0.001 to 0.05, linear between
// tabulated levels; else std::invalid_argument.
double moving_critical(double level, double window);

}  // namespace geoloom::kernels
