// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "error/error.h"
#include "kernels/elementary.h"
#include "learn/splits.h"

namespace geoloom::learn {
namespace {

constexpr double kSphereRadius_m = 6371007.2;

double distance(const PlacePoint& a, const PlacePoint& b) {
  const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return std::sqrt(x * x + y * y + z * z);
}

// Distances of all pairs of clusters; half of a square.
class PairDistances {
 public:
  explicit PairDistances(std::span<const PlacePoint> points) : count_(points.size()) {
    values_.reserve(count_ * (count_ - 1) / 2);
    for (size_t i = 0; i < count_; ++i)
      for (size_t j = i + 1; j < count_; ++j) values_.push_back(distance(points[i], points[j]));
  }
  double& at(size_t i, size_t j) {
    if (i > j) std::swap(i, j);
    return values_[count_ * i - i * (i + 1) / 2 + (j - i - 1)];
  }

 private:
  size_t count_;
  std::vector<double> values_;
};

// Nearest neighbour chains. A cluster keeps the place of its last point in all arrays.
class Linking {
 public:
  Linking(std::span<const PlacePoint> points, Linkage linkage)
      : linkage_(linkage), distances_(points), sizes_(points.size(), 1) {}

  std::vector<Merge> run() {
    std::vector<Merge> merges;
    while (merges.size() + 1 < sizes_.size()) merges.push_back(next_merge());
    // Of equal distances those found first come first, as in SciPy.
    std::stable_sort(merges.begin(), merges.end(),
                     [](const Merge& a, const Merge& b) { return a.distance < b.distance; });
    return merges;
  }

 private:
  Merge next_merge() {
    if (chain_.empty())
      chain_.push_back(static_cast<size_t>(
          std::find_if(sizes_.begin(), sizes_.end(), [](size_t size) { return size > 0; }) -
          sizes_.begin()));
    for (;;) {
      const size_t x = chain_.back();
      const auto [y, near] = nearest(x);
      if (chain_.size() > 1 && y == chain_[chain_.size() - 2]) {
        chain_.resize(chain_.size() - 2);
        return merge(std::min(x, y), std::max(x, y), near);
      }
      chain_.push_back(y);
    }
  }

  std::pair<size_t, double> nearest(size_t x) {
    size_t y = x;
    double near = std::numeric_limits<double>::infinity();
    if (chain_.size() > 1) {  // of equally near ones the one before, or chains would run in circles
      y = chain_[chain_.size() - 2];
      near = distances_.at(x, y);
    }
    for (size_t i = 0; i < sizes_.size(); ++i) {
      if (sizes_[i] == 0 || i == x) continue;
      if (const double d = distances_.at(x, i); d < near) {
        near = d;
        y = i;
      }
    }
    return {y, near};
  }

  Merge merge(size_t x, size_t y, double between) {
    for (size_t i = 0; i < sizes_.size(); ++i)
      if (sizes_[i] != 0 && i != x && i != y)
        distances_.at(i, y) = joined(distances_.at(i, x), distances_.at(i, y), between, sizes_[x],
                                     sizes_[y], sizes_[i]);
    sizes_[y] += sizes_[x];
    sizes_[x] = 0;
    return {x, y, between};
  }

  // Lance and Williams' formulas.
  double joined(double to_x, double to_y, double between, size_t x, size_t y, size_t other) const {
    if (linkage_ == Linkage::complete) return std::max(to_x, to_y);
    const auto nx = static_cast<double>(x), ny = static_cast<double>(y),
               n = static_cast<double>(other);
    const double all = nx + ny + n;
    return std::sqrt((n + nx) / all * to_x * to_x + (n + ny) / all * to_y * to_y -
                     n / all * between * between);
  }

  Linkage linkage_;
  PairDistances distances_;
  std::vector<size_t> sizes_, chain_;
};

std::vector<size_t> numbered(std::span<const Merge> merges, size_t made) {
  std::vector<size_t> parent(merges.size() + 1);
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto root = [&](size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (const auto& merge : merges.first(made)) {
    const size_t a = root(merge.a), b = root(merge.b);
    parent[std::max(a, b)] = std::min(a, b);
  }
  std::vector<size_t> clusters(parent.size());
  size_t count = 0;
  for (size_t i = 0; i < parent.size(); ++i)
    clusters[i] = root(i) == i ? count++ : clusters[root(i)];
  return clusters;
}

}  // namespace

std::vector<PlacePoint> planar_points(std::span<const double> x, std::span<const double> y) {
  std::vector<PlacePoint> points;
  for (size_t i = 0; i < x.size(); ++i) points.push_back({x[i], y[i], 0});
  return points;
}

std::vector<PlacePoint> spherical_points(std::span<const double> longitude,
                                         std::span<const double> latitude) {
  constexpr double kDegree = std::numbers::pi / 180;
  std::vector<PlacePoint> points;
  for (size_t i = 0; i < longitude.size(); ++i) {
    const double east = longitude[i] * kDegree, north = latitude[i] * kDegree;
    const double ring = kSphereRadius_m * kernels::cosine(north);
    points.push_back({ring * kernels::cosine(east), ring * kernels::sine(east),
                      kSphereRadius_m * kernels::sine(north)});
  }
  return points;
}

std::vector<Merge> linked(std::span<const PlacePoint> points, Linkage linkage) {
  if (points.size() > kMostClustered)
    throw Error(ErrorCode::resource,
                fmt::format("clusters are made of at most {} places, and there are {}",
                            kMostClustered, points.size()))
        .hint("use blocks, which need no distances, or split a thinner table");
  if (points.size() < 2) return {};
  return Linking(points, linkage).run();
}

std::vector<size_t> clusters_below(std::span<const Merge> merges, double distance) {
  const auto first = std::partition_point(merges.begin(), merges.end(),
                                          [&](const Merge& m) { return m.distance < distance; });
  return numbered(merges, static_cast<size_t>(first - merges.begin()));
}

std::vector<size_t> clusters_of_count(std::span<const Merge> merges, size_t count) {
  const size_t points = merges.size() + 1;
  return numbered(merges, points - std::clamp<size_t>(count, 1, points));
}

double wasserstein_distance(std::vector<double> a, std::vector<double> b) {
  if (a.empty() || b.empty()) return 0;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const auto size_a = static_cast<double>(a.size()), size_b = static_cast<double>(b.size());
  double sum = 0, last = std::min(a[0], b[0]);
  for (size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const bool take_a = j == b.size() || (i < a.size() && a[i] <= b[j]);
    const double here = take_a ? a[i] : b[j];
    sum += std::fabs(static_cast<double>(i) / size_a - static_cast<double>(j) / size_b) *
           (here - last);
    last = here;
    ++(take_a ? i : j);
  }
  return sum;
}

}  // namespace geoloom::learn
