// SPDX-License-Identifier: Apache-2.0
#include "kernels/clusters.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/clusters.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Two vectors of pixels beside each other, so that a centre is loaded once for both. Returns how
// many pixels whole vectors held. `kBands` 0: as many as `band_count` says.
template <size_t kBands>
HWY_INLINE size_t find_nearest(const double* const* bands, size_t band_count, size_t count,
                               const double* centres, size_t centre_count, uint16_t* nearest,
                               double* distance) {
  const hn::ScalableTag<double> d;
  const size_t lanes = hn::Lanes(d), n = kBands == 0 ? band_count : kBands;
  HWY_ALIGN double index[2 * HWY_MAX_BYTES / sizeof(double)];
  size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    auto best0 = hn::Set(d, std::numeric_limits<double>::infinity()), best1 = best0;
    auto which0 = hn::Zero(d), which1 = which0, number = hn::Zero(d);
    const double* centre = centres;
    for (size_t k = 0; k < centre_count; ++k, centre += n) {
      auto away0 = hn::Zero(d), away1 = away0;
      for (size_t b = 0; b < n; ++b) {
        const auto at = hn::Set(d, centre[b]);
        const auto difference0 = hn::Sub(hn::LoadU(d, bands[b] + i), at);
        const auto difference1 = hn::Sub(hn::LoadU(d, bands[b] + i + lanes), at);
        away0 = hn::Add(away0, hn::Mul(difference0, difference0));
        away1 = hn::Add(away1, hn::Mul(difference1, difference1));
      }
      which0 = hn::IfThenElse(hn::Lt(away0, best0), number, which0);
      which1 = hn::IfThenElse(hn::Lt(away1, best1), number, which1);
      best0 = hn::Min(away0, best0);
      best1 = hn::Min(away1, best1);
      number = hn::Add(number, hn::Set(d, 1.0));
    }
    hn::Store(which0, d, index);
    hn::Store(which1, d, index + lanes);
    for (size_t p = 0; p < 2 * lanes; ++p) nearest[i + p] = static_cast<uint16_t>(index[p]);
    if (distance != nullptr) {
      hn::StoreU(best0, d, distance + i);
      hn::StoreU(best1, d, distance + i + lanes);
    }
  }
  return i;
}

size_t nearest_vectors(const double* const* bands, size_t band_count, size_t count,
                       const double* centres, size_t centre_count, uint16_t* nearest,
                       double* distance) {
  if (band_count == 1)
    return find_nearest<1>(bands, 1, count, centres, centre_count, nearest, distance);
  if (band_count == 2)
    return find_nearest<2>(bands, 2, count, centres, centre_count, nearest, distance);
  if (band_count == 3)
    return find_nearest<3>(bands, 3, count, centres, centre_count, nearest, distance);
  return find_nearest<0>(bands, band_count, count, centres, centre_count, nearest, distance);
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(nearest_vectors);

std::vector<const double*> planes_of(std::span<const std::vector<double>> samples) {
  std::vector<const double*> planes;
  for (const auto& band : samples) planes.push_back(band.data());
  return planes;
}

double mean_variance(std::span<const std::vector<double>> samples) {
  double total = 0;
  for (const auto& band : samples) {
    const auto count = static_cast<double>(band.size());
    double sum = 0, squares = 0;
    for (const double value : band) sum += value;
    const double mean = sum / count;
    for (const double value : band) squares += (value - mean) * (value - mean);
    total += squares / count;
  }
  return total / static_cast<double>(samples.size());
}

// Sums and numbers of the samples of each cluster, from which centres are made.
struct Members {
  Members(std::span<const std::vector<double>> samples, const ClusterCentres& centres,
          const std::vector<uint16_t>& labels)
      : sums(centres.values.size()), counts(centres.count()) {
    const size_t bands = samples.size();
    for (size_t i = 0; i < labels.size(); ++i) {
      ++counts[labels[i]];
      for (size_t b = 0; b < bands; ++b) sums[labels[i] * bands + b] += samples[b][i];
    }
  }

  // Empty clusters take the samples that are farthest away, each from its own.
  void fill_empty(std::span<const std::vector<double>> samples, const std::vector<uint16_t>& labels,
                  const std::vector<double>& distances) {
    std::vector<size_t> empty;
    for (size_t k = 0; k < counts.size(); ++k)
      if (counts[k] == 0) empty.push_back(k);
    if (empty.empty()) return;
    std::vector<size_t> order(labels.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const size_t taken = std::min(empty.size(), order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(taken), order.end(),
                      [&](size_t a, size_t b) {
                        if (distances[a] != distances[b]) return distances[a] > distances[b];
                        return a < b;
                      });
    if (distances[order.front()] == 0) return;
    const size_t bands = samples.size();
    for (size_t e = 0; e < taken; ++e) {
      const size_t sample = order[e], from = labels[sample], to = empty[e];
      for (size_t b = 0; b < bands; ++b) {
        sums[from * bands + b] -= samples[b][sample];
        sums[to * bands + b] = samples[b][sample];
      }
      --counts[from];
      counts[to] = 1;
    }
  }

  // A cluster without samples keeps its centre.
  ClusterCentres centres(const ClusterCentres& before) const {
    ClusterCentres after = before;
    for (size_t k = 0; k < counts.size(); ++k)
      for (size_t b = 0; counts[k] > 0 && b < before.bands; ++b)
        after.values[k * before.bands + b] =
            sums[k * before.bands + b] / static_cast<double>(counts[k]);
    return after;
  }

  std::vector<double> sums;
  std::vector<size_t> counts;
};

double squared_shift(const ClusterCentres& a, const ClusterCentres& b) {
  double sum = 0;
  for (size_t i = 0; i < a.values.size(); ++i)
    sum += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
  return sum;
}

}  // namespace

void nearest_centres(const double* const* bands, size_t count, const ClusterCentres& centres,
                     uint16_t* nearest, double* squared_distance) {
  const size_t done =
      HWY_DYNAMIC_DISPATCH(nearest_vectors)(bands, centres.bands, count, centres.values.data(),
                                            centres.count(), nearest, squared_distance);
  std::vector<const double*> rest(bands, bands + centres.bands);
  for (auto& plane : rest) plane += done;
  reference::nearest_centres(rest.data(), count - done, centres, nearest + done,
                             squared_distance == nullptr ? nullptr : squared_distance + done);
}

void reference::nearest_centres(const double* const* bands, size_t count,
                                const ClusterCentres& centres, uint16_t* nearest,
                                double* squared_distance) {
  for (size_t i = 0; i < count; ++i) {
    double best = std::numeric_limits<double>::infinity();
    nearest[i] = 0;
    for (size_t k = 0; k < centres.count(); ++k) {
      double away = 0;
      for (size_t b = 0; b < centres.bands; ++b) {
        const double difference = bands[b][i] - centres.values[k * centres.bands + b];
        away += difference * difference;
      }
      if (!(away < best)) continue;
      best = away;
      nearest[i] = static_cast<uint16_t>(k);
    }
    if (squared_distance != nullptr) squared_distance[i] = best;
  }
}

ClusterCentres diagonal_centres(std::span<const std::vector<double>> samples, size_t clusters,
                                bool whole_numbers) {
  ClusterCentres centres;
  if (samples.empty() || samples.front().empty()) return centres;
  centres.bands = samples.size();
  centres.values.resize(clusters * centres.bands);
  for (size_t b = 0; b < centres.bands; ++b) {
    const auto [low, high] = std::minmax_element(samples[b].begin(), samples[b].end());
    const double step = (*high - *low) / static_cast<double>(clusters + 1);
    for (size_t k = 0; k < clusters; ++k) {
      const double value = *low + static_cast<double>(k + 1) * step;
      centres.values[k * centres.bands + b] = whole_numbers ? std::trunc(value) : value;
    }
  }
  return centres;
}

ClusterCentres fitted_clusters(std::span<const std::vector<double>> samples,
                               const ClusterCentres& initial, const ClusterRule& rule) {
  if (samples.empty() || samples.front().empty() || initial.count() == 0)
    throw std::invalid_argument("fitted_clusters: nothing to make clusters of");
  if (initial.bands != samples.size() || initial.count() > 65535)
    throw std::invalid_argument("fitted_clusters: centres of other bands, or too many");
  const auto planes = planes_of(samples);
  const size_t count = samples.front().size();
  const double enough = rule.change * mean_variance(samples);
  ClusterCentres centres = initial;
  std::vector<uint16_t> labels(count), before;
  std::vector<double> distances(count);
  for (size_t iteration = 0; iteration < rule.most_iterations; ++iteration) {
    nearest_centres(planes.data(), count, centres, labels.data(), distances.data());
    Members members(samples, centres, labels);
    members.fill_empty(samples, labels, distances);
    auto moved = members.centres(centres);
    const double shift = squared_shift(moved, centres);
    centres = std::move(moved);
    if (labels == before || shift <= enough) break;
    before = labels;
  }
  return centres;
}

double distance_between_centres(const ClusterCentres& centres, double percent) {
  std::vector<double> distances;
  for (size_t a = 0; a < centres.count(); ++a) {
    for (size_t b = a + 1; b < centres.count(); ++b) {
      double sum = 0;
      for (size_t i = 0; i < centres.bands; ++i) {
        const double difference =
            centres.values[a * centres.bands + i] - centres.values[b * centres.bands + i];
        sum += difference * difference;
      }
      distances.push_back(std::sqrt(sum));
    }
  }
  if (distances.empty()) return 0;
  std::sort(distances.begin(), distances.end());
  const double place = percent / 100 * static_cast<double>(distances.size() - 1);
  const auto below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, distances.size() - 1);
  return distances[below] +
         (distances[above] - distances[below]) * (place - static_cast<double>(below));
}

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
