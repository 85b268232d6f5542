// SPDX-License-Identifier: Apache-2.0
// A window without gaps has the same weights in every pixel; those with gaps get weights of their
// own, by the same fit.
#include "kernels/savitzky_golay.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace geoloom::kernels {
namespace {

constexpr float kUnsmoothed = std::numeric_limits<float>::quiet_NaN();

// Weights of samples at some positions, so that their sum is the best polynomial's value at `at`.
class PolynomialFit {
 public:
  PolynomialFit(size_t most, size_t order) : order_(order), columns_((order + 1) * most) {}

  void find(const std::vector<double>& positions, double at, std::vector<double>& weights) {
    const size_t count = positions.size();
    weights.assign(count, 0);
    at_.assign(order_ + 1, 0);
    // An orthogonal basis on the positions, by Gram and Schmidt, and its values at `at`.
    for (size_t k = 0; k <= order_; ++k) {
      double* column = columns_.data() + k * count;
      for (size_t i = 0; i < count; ++i)
        column[i] = k == 0 ? 1 : columns_[(k - 1) * count + i] * positions[i];
      at_[k] = k == 0 ? 1 : at_[k - 1] * at;
      // Twice, as once leaves what rounding has let through.
      for (int pass = 0; pass < 2; ++pass)
        for (size_t j = 0; j < k; ++j) take_out(columns_.data() + j * count, column, count, j, k);
      double square = 0;
      for (size_t i = 0; i < count; ++i) square += column[i] * column[i];
      const double length = std::sqrt(square);
      for (size_t i = 0; i < count; ++i) column[i] /= length;
      at_[k] /= length;
      for (size_t i = 0; i < count; ++i) weights[i] += at_[k] * column[i];
    }
  }

 private:
  void take_out(const double* unit, double* column, size_t count, size_t j, size_t k) {
    double share = 0;
    for (size_t i = 0; i < count; ++i) share += unit[i] * column[i];
    for (size_t i = 0; i < count; ++i) column[i] -= share * unit[i];
    at_[k] -= share * at_[j];
  }

  size_t order_;
  std::vector<double> columns_, at_;
};

struct Window {
  size_t first, size, order;
  double at;  // of the date that is smoothed, where positions go from -1 to 1
  double position(size_t i) const {
    return (2 * static_cast<double>(i) - static_cast<double>(size - 1)) /
           static_cast<double>(std::max<size_t>(size - 1, 1));
  }
};

// Weights of windows with gaps, by which dates have samples. Neighbours often have the same gaps.
class GapWeights {
 public:
  GapWeights(size_t window, size_t order) : order_(order), fit_(window, order) {
    if (window <= kMostListed) listed_.resize(size_t{1} << window);
  }

  void start(const Window& window) {
    if (window.at == at_) return;
    at_ = window.at;
    known_.clear();
    for (auto& entry : listed_) entry = {};
  }

  // Of each date of the window, 0 where there is no sample; empty where too few are left.
  const std::vector<double>& find(const float* values, size_t pixels, const Window& window) {
    if (!listed_.empty()) {
      size_t pattern = 0;
      for (size_t i = 0; i < window.size; ++i)
        pattern |= size_t{std::isnan(values[(window.first + i) * pixels]) ? 0U : 1U} << i;
      Entry& entry = listed_[pattern];
      if (!entry.known) {
        find_samples(values, pixels, window);
        fit(window, entry.weights);
        entry.known = true;
      }
      return entry.weights;
    }
    find_samples(values, pixels, window);
    if (known_.size() > kMostKnown) known_.clear();
    const auto [found, added] = known_.try_emplace(there_);
    if (added) fit(window, found->second);
    return found->second;
  }

 private:
  static constexpr size_t kMostKnown = 4096, kMostListed = 12;
  struct Entry {
    bool known = false;
    std::vector<double> weights;
  };

  void find_samples(const float* values, size_t pixels, const Window& window) {
    there_.assign(window.size, false);
    for (size_t i = 0; i < window.size; ++i)
      there_[i] = !std::isnan(values[(window.first + i) * pixels]);
  }

  void fit(const Window& window, std::vector<double>& weights) {
    positions_.clear();
    for (size_t i = 0; i < window.size; ++i)
      if (there_[i]) positions_.push_back(window.position(i));
    if (positions_.size() <= order_) return;
    fit_.find(positions_, window.at, found_);
    weights.assign(window.size, 0);
    size_t next = 0;
    for (size_t i = 0; i < window.size; ++i)
      if (there_[i]) weights[i] = found_[next++];
  }

  size_t order_;
  PolynomialFit fit_;
  double at_ = 2;  // beyond all windows
  std::vector<bool> there_;
  std::vector<Entry> listed_;  // of short windows, by the pattern of their samples
  std::unordered_map<std::vector<bool>, std::vector<double>> known_;
  std::vector<double> positions_, found_;
};

// A pixel whose window has gaps.
float with_gaps(const float* values, size_t pixels, const Window& window, GapWeights& known) {
  const auto& weights = known.find(values, pixels, window);
  if (weights.empty()) return kUnsmoothed;
  double sum = 0;
  for (size_t i = 0; i < window.size; ++i) {
    const float value = values[(window.first + i) * pixels];
    sum += std::isnan(value) ? 0.0 : weights[i] * value;
  }
  return static_cast<float>(sum);
}

// Nothing is said before the first and after the last sample.
void cut_ends(const float* values, size_t dates, size_t pixels, float* smooth) {
  for (size_t p = 0; p < pixels; ++p) {
    for (size_t d = 0; d < dates && std::isnan(values[d * pixels + p]); ++d)
      smooth[d * pixels + p] = kUnsmoothed;
    for (size_t d = dates; d-- > 0 && std::isnan(values[d * pixels + p]);)
      smooth[d * pixels + p] = kUnsmoothed;
  }
}

}  // namespace

void savitzky_golay(const float* values, size_t dates, size_t pixels, size_t window, size_t order,
                    float* smooth) {
  if (window % 2 == 0 || window <= order || window > dates)
    throw std::invalid_argument("savitzky_golay: a window that is even, too short or too long");
  PolynomialFit fit(window, order);
  GapWeights known(window, order);
  std::vector<double> positions(window), weights, sum(pixels);
  for (size_t d = 0; d < dates; ++d) {
    Window w{std::min(d - std::min(d, window / 2), dates - window), window, order, 0};
    w.at = w.position(d - w.first);
    for (size_t i = 0; i < window; ++i) positions[i] = w.position(i);
    fit.find(positions, w.at, weights);
    known.start(w);
    std::fill(sum.begin(), sum.end(), 0.0);
    for (size_t i = 0; i < window; ++i) {
      const float* row = values + (w.first + i) * pixels;
      const double weight = weights[i];
      for (size_t p = 0; p < pixels; ++p) sum[p] += weight * row[p];
    }
    for (size_t p = 0; p < pixels; ++p)
      smooth[d * pixels + p] =
          std::isnan(sum[p]) ? with_gaps(values + p, pixels, w, known) : static_cast<float>(sum[p]);
  }
  cut_ends(values, dates, pixels, smooth);
}

}  // namespace geoloom::kernels
