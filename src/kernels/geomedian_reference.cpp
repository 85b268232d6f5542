// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "kernels/geomedian.h"

namespace geoloom::kernels::reference {
namespace {

using Observations = std::vector<Observation>;

// T, W and m of the header.
template <class Real>
struct Pull {
  std::vector<Real> towards;
  Real weight = 0;
  Real coincident = 0;
};

template <class Real>
Pull<Real> pull_on(const std::vector<Real>& y, const Observations& observations) {
  Pull<Real> pull{std::vector<Real>(y.size())};
  for (const auto& observation : observations) {
    Real squares = 0;
    for (size_t b = 0; b < y.size(); ++b) {
      const Real difference = static_cast<Real>(observation.values[b]) - y[b];
      squares += difference * difference;
    }
    const Real weight = squares > 0 ? Real{1} / std::sqrt(squares) : Real{0};
    pull.coincident += squares == 0 ? Real{1} : Real{0};
    pull.weight += weight;
    for (size_t b = 0; b < y.size(); ++b)
      pull.towards[b] += weight * static_cast<Real>(observation.values[b]);
  }
  const Real inverse = Real{1} / pull.weight;
  for (auto& value : pull.towards) value *= inverse;
  return pull;
}

template <class Real>
Real squared_step(const std::vector<Real>& from, const std::vector<Real>& to) {
  Real squares = 0;
  for (size_t b = 0; b < from.size(); ++b) squares += (to[b] - from[b]) * (to[b] - from[b]);
  return squares;
}

// While steps get shorter and none coincides; leaves at least one step to double.
void approach(const Observations& observations, double eps, std::vector<float>& y,
              uint32_t& iterations_left) {
  const float least = static_cast<float>(eps * eps);
  float before = std::numeric_limits<float>::infinity();
  while (iterations_left > 1) {
    --iterations_left;
    const auto pull = pull_on(y, observations);
    const float step = squared_step(y, pull.towards);
    if (!(step < before) || pull.coincident > 0) return;
    y = pull.towards;
    before = step;
    if (step < least) return;
  }
}

void settle(const Observations& observations, double eps, std::vector<double>& y,
            uint32_t iterations_left) {
  while (iterations_left > 0) {
    --iterations_left;
    auto pull = pull_on(y, observations);
    if (pull.coincident == static_cast<double>(observations.size())) return;
    if (pull.coincident > 0) {
      double squares = 0;
      for (size_t b = 0; b < y.size(); ++b) {
        const double pulled = (pull.towards[b] - y[b]) * pull.weight;
        squares += pulled * pulled;
      }
      const double strength = std::sqrt(squares);
      const double held = strength > 0 ? std::min(pull.coincident / strength, 1.0) : 0;
      for (size_t b = 0; b < y.size(); ++b)
        pull.towards[b] = (1 - held) * pull.towards[b] + held * y[b];
    }
    const double step = squared_step(y, pull.towards);
    y = pull.towards;
    if (step < eps * eps) return;
  }
}

std::vector<double> median_of(const Observations& observations, size_t bands,
                              const GeomedianRule& rule) {
  std::vector<double> y(bands);
  for (size_t b = 0; b < bands; ++b) {
    for (const auto& observation : observations) y[b] += static_cast<double>(observation.values[b]);
    y[b] /= static_cast<double>(observations.size());
  }
  std::vector<float> near(y.begin(), y.end());
  uint32_t left = rule.max_iterations;
  approach(observations, rule.eps, near, left);
  y.assign(near.begin(), near.end());
  settle(observations, rule.eps, y, left);
  return y;
}

// Each NaN where it has no value.
struct Distances {
  float smad, emad, bcmad;
};

Distances distances_of(const std::vector<float>& x, const std::vector<float>& g) {
  double squares = 0, dot = 0, xx = 0, gg = 0, apart = 0, together = 0;
  for (size_t b = 0; b < x.size(); ++b) {
    const double p = x[b], q = g[b], difference = p - q;
    squares += difference * difference;
    dot += p * q;
    xx += p * p;
    gg += q * q;
    apart += std::abs(difference);
    together += std::abs(p + q);
  }
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double norms = std::sqrt(xx * gg);
  const double angle = norms > 0 ? std::max(1 - dot / norms, 0.0) : nan;
  const double bray_curtis = together > 0 ? apart / together : nan;
  const double euclidean =
      std::min(std::sqrt(squares), static_cast<double>(std::numeric_limits<float>::max()));
  return {static_cast<float>(angle), static_cast<float>(euclidean),
          static_cast<float>(bray_curtis)};
}

void write_median(std::vector<float> values, size_t pixel, const DeviationOutput& out) {
  if (out.value == nullptr) return;
  std::erase_if(values, [](float value) { return std::isnan(value); });
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  out.valid[pixel] = n > 0 ? 1 : 0;
  out.value[pixel] = 0;
  if (n == 0) return;
  out.value[pixel] =
      n % 2 == 1 ? values[n / 2]
                 : static_cast<float>((static_cast<double>(values[n / 2 - 1]) + values[n / 2]) / 2);
}

template <class Out>
void write_deviations(const Observations& observations, const std::vector<float>& g, size_t pixel,
                      const GeomedianOutput<Out>& out) {
  std::vector<float> smad, emad, bcmad;
  for (const auto& observation : observations) {
    const auto distances = distances_of(observation.values, g);
    smad.push_back(distances.smad);
    emad.push_back(distances.emad);
    bcmad.push_back(distances.bcmad);
  }
  write_median(smad, pixel, out.smad);
  write_median(emad, pixel, out.emad);
  write_median(bcmad, pixel, out.bcmad);
}

}  // namespace

template <class Out>
void geometric_median(std::span<const StoredBand> bands, size_t pixels, const GeomedianRule& rule,
                      const GeomedianOutput<Out>& out) {
  check_bands(bands);
  if (!(rule.eps > 0) || rule.max_iterations == 0)
    throw std::invalid_argument("geomedian: eps and max_iterations are above 0");
  for (size_t p = 0; p < pixels; ++p) {
    const auto observations = observations_of(bands, p);
    const bool valid = observations.size() >= std::max<size_t>(rule.min_count, 1);
    if (out.count != nullptr) out.count[p] = static_cast<uint16_t>(observations.size());
    out.valid[p] = valid ? 1 : 0;
    const auto y =
        valid ? median_of(observations, bands.size(), rule) : std::vector<double>(bands.size());
    for (size_t b = 0; b < bands.size(); ++b) out.median[b][p] = static_cast<Out>(y[b]);
    write_deviations(valid ? observations : Observations(), {y.begin(), y.end()}, p, out);
  }
}

template void geometric_median<float>(std::span<const StoredBand>, size_t, const GeomedianRule&,
                                      const GeomedianOutput<float>&);
template void geometric_median<double>(std::span<const StoredBand>, size_t, const GeomedianRule&,
                                       const GeomedianOutput<double>&);

}  // namespace geoloom::kernels::reference
