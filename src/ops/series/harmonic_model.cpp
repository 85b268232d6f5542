// SPDX-License-Identifier: Apache-2.0
#include "ops/series/harmonic_model.h"

#include <algorithm>
#include <cmath>

#include "kernels/elementary.h"
#include "ops/series/calendar_cycle.h"

namespace geoloom::ops {
namespace {

constexpr double kTurn = 6.283185307179586477;

}  // namespace

void HarmonicModel::centre_on(std::span<const geo::TimeMs> times) {
  if (times.empty()) return;
  const auto first = static_cast<double>(times.front()), last = static_cast<double>(times.back());
  centre_ms = (first + last) / 2;
  scale_ms = std::max(1.0, (last - first) / 2);
}

// The share of the calendar year that has passed, or periods since the reference.
double HarmonicModel::turns(geo::TimeMs time) const {
  if (period_ms) return static_cast<double>(time - reference) / *period_ms;
  const CalendarCycle quarters("quarter");
  const int year = quarters.year_of(time);
  const auto start = quarters.period(year, 0).start, end = quarters.period(year, 3).end;
  return static_cast<double>(time - start) / static_cast<double>(end - start);
}

kernels::Regressors HarmonicModel::regressors(std::span<const geo::TimeMs> times) const {
  kernels::Regressors out{times.size(), columns(), {}};
  for (const auto time : times) {
    out.rows.push_back(1);
    if (trend) out.rows.push_back((static_cast<double>(time) - centre_ms) / scale_ms);
    const double turn = turns(time);
    for (size_t k = 1; k <= harmonics; ++k) {
      const double turned = turn * static_cast<double>(k);
      const double angle = (turned - std::floor(turned)) * kTurn;
      out.rows.push_back(kernels::cosine(angle));
      out.rows.push_back(kernels::sine(angle));
    }
  }
  return out;
}

}  // namespace geoloom::ops
