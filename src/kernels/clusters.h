// SPDX-License-Identifier: Apache-2.0
// Clusters of pixels of like values: Lloyd's k-means, and the nearest centre of each pixel. The
// first step of a segmentation.
//
// Distances are squared Euclidean ones in double, band by band, and of centres equally far away the
// first is the nearest: the same bytes on every CPU target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace geoloom::kernels {

struct ClusterCentres {
  size_t bands = 0;
  std::vector<double> values;  // centre by centre
  size_t count() const { return bands == 0 ? 0 : values.size() / bands; }
};

struct ClusterRule {
  size_t most_iterations = 200;
  // Iterations end when no sample changes its cluster, or when the squared shifts of all centres
  // together are at most this share of the bands' mean variance.
  double change = 0.0025;
};

// Evenly along the diagonal of the box around the samples, one step in from its corners. `samples`
// are planes, one for each band. With `whole_numbers` they are cut to integers.
ClusterCentres diagonal_centres(std::span<const std::vector<double>> samples, size_t clusters,
                                bool whole_numbers = false);

// Lloyd's iterations from the given centres. A centre that loses all of its samples takes the
// sample that is farthest from its own centre, of equally far ones the first. Throws
// std::invalid_argument without samples or centres.
ClusterCentres fitted_clusters(std::span<const std::vector<double>> samples,
                               const ClusterCentres& initial, const ClusterRule& rule);

// The index of the nearest centre of each of `count` pixels and, unless null, the squared distance
// to it. `bands` are planes.
void nearest_centres(const double* const* bands, size_t count, const ClusterCentres& centres,
                     uint16_t* nearest, double* squared_distance);

// The value that `percent` of the distances between pairs of centres do not exceed, interpolated
// linearly; 0 for fewer than two centres.
double distance_between_centres(const ClusterCentres& centres, double percent);

namespace reference {
void nearest_centres(const double* const* bands, size_t count, const ClusterCentres& centres,
                     uint16_t* nearest, double* squared_distance);
}  // namespace reference
}  // namespace geoloom::kernels
