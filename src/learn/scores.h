// SPDX-License-Identifier: Apache-2.0
// How good predictions are against what is true, in the numbers people compare: the definitions are
// scikit-learn's (sklearn.metrics), so that a number here is the number there. What cannot be said
// (the AUC of one class, R2 of a constant) is NaN, never 0 or 1.
//
// These numbers say how well the rows given were predicted. Whether that says anything about a map
// depends on how the rows were drawn and on what the model had seen: see cross_validation.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace geoloom::learn {

// Weights by true class (row) and predicted class (column).
struct ConfusionMatrix {
  size_t classes = 0;
  std::vector<double> counts;  // classes x classes

  double at(size_t truth, size_t predicted) const { return counts[truth * classes + predicted]; }
  double row_sum(size_t truth) const;
  double column_sum(size_t predicted) const;
  double total() const;
};

struct ClassScores {
  double precision = 0;  // user's accuracy: of what was called this class, the share that is
  double recall = 0;     // producer's accuracy: of what is this class, the share that was called so
  double f1 = 0;         // their harmonic mean
  double support = 0;    // rows (weights) of the class
};

// y over x; thresholds fall. Points between others on a straight line are left out.
struct Curve {
  std::vector<double> x, y, thresholds;
};

// Predicted probabilities in bins of equal width: the share that was true over the mean predicted.
struct CalibrationBin {
  double predicted = 0, observed = 0, weight = 0;
};

// Of one class against all others.
struct RankingScores {
  Curve roc;               // recall over false positive rate; the first threshold is infinite
  Curve precision_recall;  // precision over recall; the last point is (0, 1), without a threshold
  double auc = 0;          // area under the ROC curve
  double average_precision = 0;
  std::vector<CalibrationBin> calibration;  // bins that hold rows
};

struct ClassificationScores {
  ConfusionMatrix confusion;
  double overall_accuracy = 0;
  double balanced_accuracy = 0;  // mean recall of the classes that occur
  double kappa = 0;              // Cohen 1960
  std::vector<ClassScores> classes;
  // Means over classes that are true or predicted somewhere; `weighted` by support.
  ClassScores macro, weighted;

  // From probabilities; the rest is empty and NaN without them.
  std::vector<RankingScores> ranking;  // per class
  double auc = 0;                // of two classes: of the second; of more: the mean over classes
  double average_precision = 0;  // likewise
  double log_loss = 0;
  double brier = 0;              // mean squared difference, of two classes of the second alone
  double calibration_error = 0;  // mean |observed - predicted| over bins, likewise
};

struct QuantileScore {
  double share = 0;         // asked for: of true values at or below what is predicted
  double observed = 0;      // the share that is
  double pinball_loss = 0;  // Koenker and Bassett 1978; scikit-learn's mean_pinball_loss
};

struct RegressionScores {
  double mse = 0, rmse = 0, mae = 0, r2 = 0;
  double bias = 0;  // mean of predicted less true
  // Where quantiles are predicted; the numbers above are then of the one nearest to the median.
  std::vector<QuantileScore> quantiles;
  double interval_coverage = 0;  // share of true values from the lowest to the highest of them
};

// Rows are classes 0 .. classes - 1; weights may be empty. Throws Error(internal) where lengths
// differ.
ConfusionMatrix confusion_of(std::span<const int32_t> truth, std::span<const int32_t> predicted,
                             size_t classes, std::span<const double> weights = {});
// All that follows from the matrix alone; what needs probabilities is NaN.
ClassificationScores scores_of(const ConfusionMatrix& confusion);
// `probabilities` is rows x classes; the class predicted is the likeliest, of equals the first.
// Rows whose probabilities are NaN (never predicted) are left out.
ClassificationScores classification_scores(std::span<const int32_t> truth,
                                           std::span<const double> probabilities, size_t classes,
                                           std::span<const double> weights = {});
// Rows whose prediction is NaN are left out. With `quantiles` (shares, rising) `predicted` is rows
// x quantiles.
RegressionScores regression_scores(std::span<const double> truth, std::span<const double> predicted,
                                   std::span<const double> weights = {},
                                   std::span<const double> quantiles = {});

// Which of rising shares is nearest to a half, of equals the first; 0 of none.
size_t nearest_to_median(std::span<const double> quantiles);

// The likeliest class per row, of equals the first.
std::vector<int32_t> likeliest(std::span<const double> probabilities, size_t classes);

// The curve with at most `points` of its points, evenly taken, ends included.
Curve thinned(const Curve& curve, size_t points);

}  // namespace geoloom::learn
