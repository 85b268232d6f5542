// SPDX-License-Identifier: Apache-2.0
// Folds of a table of samples: which rows are tested in which round. The row of fold k is tested in
// round k and trained on in all others; a row without a fold (kNoFold) is trained on in all.
//
// How far tested samples are from those trained on decides what an accuracy says. Random folds
// measure how well a model fills gaps between samples; folds by space measure how well it carries
// over to places without any. Rows of one group (a polygon, a field) are never in two folds,
// whatever the rule: they would be near copies of each other.
//
// The same rows in the same order and the same seed give the same folds on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "learn/sample_table.h"

namespace geoloom::learn {

enum class SplitMethod {
  random,      // shuffled rows
  stratified,  // shuffled rows of each class, so that folds have like shares of classes
  column,      // all rows of one value together; leave one region out
  blocks,      // squares of block_size
  clusters,    // clusters no wider than max_distance, by complete linkage
  nearest,     // nearest neighbour distance matching, see below
  temporal,    // periods of time
};

// A place as a point whose straight distances count: (x, y, 0) in metres, or on a sphere.
using PlacePoint = std::array<double, 3>;
// Of coordinates in a projected CRS, in its units.
std::vector<PlacePoint> planar_points(std::span<const double> x, std::span<const double> y);
// Of degrees, on a sphere of radius 6 371 007.2 m (equal in area to WGS84). Distances are chords in
// metres, 0.03 % below the arc at 500 km and 1 % at 3100 km.
std::vector<PlacePoint> spherical_points(std::span<const double> longitude,
                                         std::span<const double> latitude);

struct SplitRule {
  SplitMethod method = SplitMethod::random;
  // How many. 0: a fold for each value, block, cluster or period (column, blocks, clusters,
  // temporal).
  size_t folds = 5;
  uint64_t seed = 42;
  // In place of folds: the share of rows that is tested in one round, fold 0; all others get
  // kNoFold. 0: folds. Of values, blocks, clusters: whole ones, until the share is reached. Of
  // `temporal`: the latest. Not for `nearest`.
  double test_share = 0;
  double block_size = 0;    // in the units of places
  double max_distance = 0;  // within a cluster, in the units of places
};

// What a rule looks at; spans may be empty where it does not.
struct SplitRows {
  size_t rows = 0;
  std::span<const int64_t> groups;   // kNoGroup: the row is by itself
  std::span<const int64_t> classes;  // of stratified
  std::span<const int64_t> values;   // of column
  std::span<const int64_t> periods;  // of temporal: numbers that rise with time
  std::span<const PlacePoint> places;
  std::span<const PlacePoint> predicted;  // of nearest: a sample of where the map will be
};

struct Split {
  std::vector<int32_t> fold;  // per row
  size_t folds = 0;
  size_t parts = 0;  // values, blocks, clusters or periods that were kept together
  // Of nearest: Wasserstein distance between the distances from tested samples to those trained on
  // and those from predicted places to samples, in the units of places: of these folds, and of
  // random ones.
  double mismatch = 0, random_mismatch = 0;
};

// Throws Error(invalid), with what to do: fewer groups or parts than folds, a place or period that
// is not known, what the rule needs and is not given; Error(resource) where clusters of more than
// `kMostClustered` places are asked for.
Split split_rows(const SplitRule& rule, const SplitRows& rows);
inline constexpr size_t kMostClustered = 15'000;  // all pairs are compared: time, not memory

// Nearest neighbour distance matching in k folds (Linnenbrink, Milà, Ludwig and Meyer 2024, "kNNDM
// CV: k-fold nearest-neighbour distance matching cross-validation for map accuracy estimation",
// after Milà et al. 2022): of random folds and folds of clusters of many sizes, those whose
// distances from tested samples to the nearest one trained on are distributed most alike the
// distances from predicted places to the nearest sample. Clusters are Ward's; those with at least
// n / k samples become folds, the others are dealt in the order of the first principal component;
// folds of more than half of the samples are not considered. Unlike there, random folds take part
// in the comparison instead of being decided by a test.

// Agglomerative clustering of points.
enum class Linkage { complete, ward };
struct Merge {
  size_t a, b;  // points of the two clusters
  double distance;
};
// points - 1 merges by rising distance (Murtagh's nearest neighbour chain, ties as in SciPy's
// linkage). Distances of clusters are found anew each time, from their points or centroids: memory
// is a few hundred bytes per point. Throws Error(resource) beyond kMostClustered.
std::vector<Merge> linked(std::span<const PlacePoint> points, Linkage linkage);
// The cluster of each point, numbered by their first points, when merges of at least `distance`
// are not made; and when there are to be `count` clusters.
std::vector<size_t> clusters_below(std::span<const Merge> merges, double distance);
std::vector<size_t> clusters_of_count(std::span<const Merge> merges, size_t count);

// Mean absolute difference of the quantiles of two samples (Wasserstein distance of order 1).
double wasserstein_distance(std::vector<double> a, std::vector<double> b);

}  // namespace geoloom::learn
