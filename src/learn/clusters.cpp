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

double squared_distance(const PlacePoint& a, const PlacePoint& b) {
  const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return x * x + y * y + z * z;
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Distances between clusters are computed when they are asked for: those of all pairs would be a
// square, of 15 000 points 0.9 GB.
struct Cluster {
  std::vector<PlacePoint> points;  // of complete linkage all, of Ward's the centroid
  PlacePoint low{}, high{};        // of its points
  size_t size = 1;                 // 0: it is part of another one
};

// The largest distance between points of two clusters; infinity where it is `near` or more.
// Distances compare as their squares do, rounding included, so clusters that are far apart along
// one axis need no look at their points.
double farthest(const Cluster& a, const Cluster& b, double near) {
  double square = 0;
  for (size_t axis = 0; axis < 3; ++axis) {
    const double along = std::max(a.high[axis] - b.low[axis], b.high[axis] - a.low[axis]);
    square = std::max(square, along * along);
  }
  if (std::sqrt(square) >= near) return kInfinity;
  for (const auto& p : a.points) {
    for (const auto& q : b.points) square = std::max(square, squared_distance(p, q));
    if (std::sqrt(square) >= near) return kInfinity;
  }
  return std::sqrt(square);
}

// How much the sum of squares within clusters grows when the two become one, as a distance (Ward
// 1963): of single points their distance.
double wards(const Cluster& a, const Cluster& b) {
  const auto size_a = static_cast<double>(a.size), size_b = static_cast<double>(b.size);
  return std::sqrt(2 * (size_a * size_b) / (size_a + size_b) *
                   squared_distance(a.points.front(), b.points.front()));
}

// Nearest neighbour chains. A cluster keeps the place of its last point in all arrays.
class Linking {
 public:
  Linking(std::span<const PlacePoint> points, Linkage linkage) : linkage_(linkage) {
    for (const auto& point : points) clusters_.push_back({{point}, point, point, 1});
  }

  std::vector<Merge> run() {
    std::vector<Merge> merges;
    while (merges.size() + 1 < clusters_.size()) merges.push_back(next_merge());
    // Of equal distances those found first come first, as in SciPy.
    std::stable_sort(merges.begin(), merges.end(),
                     [](const Merge& a, const Merge& b) { return a.distance < b.distance; });
    return merges;
  }

 private:
  struct Link {
    size_t cluster;
    double distance;  // to the link before
  };

  Merge next_merge() {
    if (chain_.empty()) {
      const auto first = std::find_if(clusters_.begin(), clusters_.end(),
                                      [](const Cluster& cluster) { return cluster.size > 0; });
      chain_.push_back({static_cast<size_t>(first - clusters_.begin()), kInfinity});
    }
    for (;;) {
      const size_t x = chain_.back().cluster;
      const auto [y, near] = nearest(x);
      if (chain_.size() > 1 && y == chain_[chain_.size() - 2].cluster) {
        chain_.resize(chain_.size() - 2);
        merge(std::min(x, y), std::max(x, y));
        return {std::min(x, y), std::max(x, y), near};
      }
      chain_.push_back({y, near});
    }
  }

  Link nearest(size_t x) const {
    Link best{x, kInfinity};
    // Of equally near ones the one before, or chains would run in circles.
    if (chain_.size() > 1) best = {chain_[chain_.size() - 2].cluster, chain_.back().distance};
    for (size_t i = 0; i < clusters_.size(); ++i) {
      if (clusters_[i].size == 0 || i == x) continue;
      const double d = linkage_ == Linkage::complete
                           ? farthest(clusters_[x], clusters_[i], best.distance)
                           : wards(clusters_[x], clusters_[i]);
      if (d < best.distance) best = {i, d};
    }
    return best;
  }

  void merge(size_t x, size_t y) {
    auto &from = clusters_[x], &to = clusters_[y];
    if (linkage_ == Linkage::complete) {
      to.points.insert(to.points.end(), from.points.begin(), from.points.end());
    } else {
      const auto all = static_cast<double>(from.size + to.size);
      for (size_t axis = 0; axis < 3; ++axis)
        to.points[0][axis] = (static_cast<double>(from.size) * from.points[0][axis] +
                              static_cast<double>(to.size) * to.points[0][axis]) /
                             all;
    }
    for (size_t axis = 0; axis < 3; ++axis) {
      to.low[axis] = std::min(to.low[axis], from.low[axis]);
      to.high[axis] = std::max(to.high[axis], from.high[axis]);
    }
    to.size += from.size;
    from = {};
    from.size = 0;
  }

  const Linkage linkage_;
  std::vector<Cluster> clusters_;
  std::vector<Link> chain_;
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
