// SPDX-License-Identifier: Apache-2.0
// Where a model may be applied: where pixels are like what it was trained on. Meyer and Pebesma
// 2021, "Predicting into unknown space? Estimating the area of applicability of spatial prediction
// models", Methods in Ecology and Evolution 12, 1620-1633. In their order:
//
//   features are standardised and multiplied by their importance (eq. 1, 2);
//   the distance of a pixel to the nearest training row, in that space, over the mean distance
//   between training rows, is its dissimilarity index DI (eq. 4, 5);
//   for a training row, rows of its own fold are left out: it then says what distances the
//   cross-validation had to bridge (section 2.4);
//   the threshold is the largest DI of training rows that is no outlier: at most the upper quartile
//   plus 1.5 times the distance between the quartiles.
//
// A pixel whose DI is at most the threshold is inside: the error told by the cross-validation with
// these folds can be expected there. Folds drawn at random give a small area, spatial ones a larger
// one with a larger error.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "learn/training_data.h"

namespace geoloom::learn {

inline constexpr const char* kApplicabilityFileName = "applicability.safetensors";

struct Applicability {
  std::vector<std::string> features;  // in the order of the columns; may be empty
  std::vector<double> means, deviations;
  std::vector<double> weights;   // importance, none below 0
  std::vector<float> points;     // rows x columns, in the space of distances
  double mean_distance = 0;      // between training rows
  double threshold = 0;          // of DI
  std::vector<double> training;  // DI of training rows with a fold

  size_t columns() const { return means.size(); }
  size_t rows() const { return columns() == 0 ? 0 : points.size() / columns(); }
  // DI per pixel; NaN where a feature is. `planes` are features as the model gets them.
  std::vector<float> dissimilarity(std::span<const float* const> planes, size_t pixels) const;
};

struct ApplicabilitySettings {
  // More rows than these are drawn, each equally likely: the work grows with rows for every pixel.
  size_t most_rows = 10'000;
  uint64_t seed = 1;
};

// `importance` is one number per feature; negative ones count as 0, and where all are 0 features
// count alike. `folds` is one number per row: rows with a negative one are trained on in every
// fold. Throws Error(invalid) where rows do not differ, or fewer than two folds have rows.
Applicability area_of_applicability(const TrainingData& data, std::span<const double> importance,
                                    std::span<const int32_t> folds,
                                    const ApplicabilitySettings& settings = {},
                                    const ForEachIndex& for_each = in_order);

// As a file beside the model, in the format of safetensors: means, deviations, weights (F64
// [columns]), points (F32 [rows, columns]), mean_distance and threshold (F64 [1]), training (F64).
std::string applicability_file_bytes(const Applicability& area);
// Throws Error(corrupt).
Applicability read_applicability_file(std::string_view bytes, const std::string& file);

}  // namespace geoloom::learn
