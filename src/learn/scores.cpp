// SPDX-License-Identifier: Apache-2.0
#include "learn/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "error/error.h"
#include "kernels/elementary.h"

namespace geoloom::learn {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kBins = 10;
constexpr double kBinWidth = 0.1;  // whose multiples are NumPy's edges, to the last bit

// What cannot be said of a class that is never true, or never predicted, is 0, as in scikit-learn:
// means over classes need a number.
double ratio_or_zero(double a, double b) {
  return b > 0 ? a / b : 0;
}

struct Rows {
  std::vector<int32_t> truth;
  std::vector<double> probabilities, weights;
};

Rows predicted_rows(std::span<const int32_t> truth, std::span<const double> probabilities,
                    size_t classes, std::span<const double> weights) {
  if (probabilities.size() != truth.size() * classes ||
      (!weights.empty() && weights.size() != truth.size()))
    throw Error(ErrorCode::internal, "scores: truth and predictions differ in length");
  Rows rows;
  for (size_t row = 0; row < truth.size(); ++row) {
    const auto of_row = probabilities.subspan(row * classes, classes);
    if (std::any_of(of_row.begin(), of_row.end(), [](double p) { return std::isnan(p); })) continue;
    rows.truth.push_back(truth[row]);
    rows.probabilities.insert(rows.probabilities.end(), of_row.begin(), of_row.end());
    rows.weights.push_back(weights.empty() ? 1.0 : weights[row]);
  }
  return rows;
}

// How much was true and false among the rows at least as likely as a threshold, by falling
// threshold.
struct Ranking {
  std::vector<double> hits, false_alarms, thresholds;
};

Ranking ranked(const Rows& rows, size_t of_class, size_t classes) {
  const size_t count = rows.truth.size();
  const auto score = [&](size_t row) { return rows.probabilities[row * classes + of_class]; };
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return score(a) != score(b) ? score(a) > score(b) : a < b; });
  Ranking ranking;
  double hits = 0, false_alarms = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t row = order[i];
    (static_cast<size_t>(rows.truth[row]) == of_class ? hits : false_alarms) += rows.weights[row];
    if (i + 1 < count && score(order[i + 1]) == score(row)) continue;
    ranking.hits.push_back(hits);
    ranking.false_alarms.push_back(false_alarms);
    ranking.thresholds.push_back(score(row));
  }
  return ranking;
}

bool on_a_line(const Ranking& r, size_t i) {
  return r.hits[i + 1] - r.hits[i] == r.hits[i] - r.hits[i - 1] &&
         r.false_alarms[i + 1] - r.false_alarms[i] == r.false_alarms[i] - r.false_alarms[i - 1];
}

void add_roc(const Ranking& r, RankingScores& scores) {
  const double all_hits = r.hits.back(), all_false = r.false_alarms.back();
  scores.auc = kNaN;
  if (!(all_hits > 0 && all_false > 0)) return;
  scores.roc = {{0}, {0}, {std::numeric_limits<double>::infinity()}};
  double area = 0, x = 0, y = 0;
  for (size_t i = 0; i < r.hits.size(); ++i) {
    const double to_x = r.false_alarms[i] / all_false, to_y = r.hits[i] / all_hits;
    area += (to_x - x) * (to_y + y) / 2;
    x = to_x;
    y = to_y;
    if (i > 0 && i + 1 < r.hits.size() && on_a_line(r, i)) continue;
    scores.roc.x.push_back(x);
    scores.roc.y.push_back(y);
    scores.roc.thresholds.push_back(r.thresholds[i]);
  }
  scores.auc = area;
}

void add_precision_recall(const Ranking& r, RankingScores& scores) {
  const double all_hits = r.hits.back();
  scores.average_precision = kNaN;
  if (!(all_hits > 0)) return;
  auto& curve = scores.precision_recall;
  double sum = 0, before = 0;
  for (size_t i = 0; i < r.hits.size(); ++i) {
    const double recall = r.hits[i] / all_hits;
    const double precision = ratio_or_zero(r.hits[i], r.hits[i] + r.false_alarms[i]);
    sum += (recall - before) * precision;
    before = recall;
    curve.x.push_back(recall);
    curve.y.push_back(precision);
    curve.thresholds.push_back(r.thresholds[i]);
  }
  std::reverse(curve.x.begin(), curve.x.end());
  std::reverse(curve.y.begin(), curve.y.end());
  std::reverse(curve.thresholds.begin(), curve.thresholds.end());
  curve.x.push_back(0);
  curve.y.push_back(1);
  scores.average_precision = sum;
}

std::vector<CalibrationBin> calibration_of(const Rows& rows, size_t of_class, size_t classes) {
  std::vector<CalibrationBin> bins(kBins);
  for (size_t row = 0; row < rows.truth.size(); ++row) {
    const double p = rows.probabilities[row * classes + of_class], w = rows.weights[row];
    // A bin ends with its upper edge, as np.searchsorted of the inner edges has it.
    size_t bin = 0;
    while (bin + 1 < kBins && p > static_cast<double>(bin + 1) * kBinWidth) ++bin;
    bins[bin].weight += w;
    bins[bin].predicted += w * p;
    bins[bin].observed += static_cast<size_t>(rows.truth[row]) == of_class ? w : 0;
  }
  std::erase_if(bins, [](const CalibrationBin& bin) { return !(bin.weight > 0); });
  for (auto& bin : bins) {
    bin.predicted /= bin.weight;
    bin.observed /= bin.weight;
  }
  return bins;
}

double calibration_error(const std::vector<CalibrationBin>& bins) {
  double sum = 0, weight = 0;
  for (const auto& bin : bins) {
    sum += bin.weight * std::fabs(bin.observed - bin.predicted);
    weight += bin.weight;
  }
  return sum / weight;
}

void add_probability_losses(const Rows& rows, size_t classes, ClassificationScores& scores) {
  constexpr double kLeast = std::numeric_limits<double>::epsilon();
  double log_loss = 0, brier = 0, weight = 0;
  for (size_t row = 0; row < rows.truth.size(); ++row) {
    const double* p = rows.probabilities.data() + row * classes;
    const auto truth = static_cast<size_t>(rows.truth[row]);
    const double w = rows.weights[row];
    log_loss -= w * kernels::natural_logarithm(std::clamp(p[truth], kLeast, 1 - kLeast));
    for (size_t c = classes == 2 ? 1 : 0; c < classes; ++c) {
      const double off = p[c] - (c == truth ? 1 : 0);
      brier += w * off * off;
    }
    weight += w;
  }
  scores.log_loss = log_loss / weight;
  scores.brier = brier / weight;
}

// The number of the second of two classes, or the mean over classes of which it can be said.
template <class Number>
double summarised(const std::vector<RankingScores>& ranking, Number number) {
  if (ranking.size() == 2) return number(ranking[1]);
  double sum = 0, count = 0;
  for (const auto& of_class : ranking) {
    if (std::isnan(number(of_class))) continue;
    sum += number(of_class);
    ++count;
  }
  return sum / count;
}

void add_means(ClassificationScores& scores) {
  double used = 0, support = 0;
  const auto add = [](ClassScores& sum, const ClassScores& of_class, double times) {
    sum.precision += times * of_class.precision;
    sum.recall += times * of_class.recall;
    sum.f1 += times * of_class.f1;
  };
  for (size_t c = 0; c < scores.classes.size(); ++c) {
    const auto& of_class = scores.classes[c];
    if (!(of_class.support > 0) && !(scores.confusion.column_sum(c) > 0)) continue;
    ++used;
    support += of_class.support;
    add(scores.macro, of_class, 1);
    add(scores.weighted, of_class, of_class.support);
  }
  for (auto [sum, count] : {std::pair{&scores.macro, used}, std::pair{&scores.weighted, support}}) {
    sum->precision /= count;
    sum->recall /= count;
    sum->f1 /= count;
    sum->support = support;
  }
}

// Of rows x quantiles: one quantile of all rows.
std::vector<double> column_of(std::span<const double> predicted, size_t column, size_t columns) {
  std::vector<double> values(predicted.size() / columns);
  for (size_t row = 0; row < values.size(); ++row) values[row] = predicted[row * columns + column];
  return values;
}

void add_quantiles(std::span<const double> truth, std::span<const double> predicted,
                   std::span<const double> weights, std::span<const double> quantiles,
                   RegressionScores& scores) {
  for (const double share : quantiles) scores.quantiles.push_back({share, 0, 0});
  const size_t count = quantiles.size();
  double weight = 0, covered = 0;
  for (size_t row = 0; row < truth.size(); ++row) {
    const auto of_row = predicted.subspan(row * count, count);
    if (std::isnan(of_row[0])) continue;
    const double w = weights.empty() ? 1.0 : weights[row];
    weight += w;
    covered += truth[row] >= of_row.front() && truth[row] <= of_row.back() ? w : 0;
    for (size_t q = 0; q < count; ++q) {
      const double off = truth[row] - of_row[q];
      scores.quantiles[q].observed += off <= 0 ? w : 0;
      scores.quantiles[q].pinball_loss +=
          w * std::max(quantiles[q] * off, (quantiles[q] - 1) * off);
    }
  }
  for (auto& quantile : scores.quantiles) {
    quantile.observed /= weight;
    quantile.pinball_loss /= weight;
  }
  scores.interval_coverage = covered / weight;
}

}  // namespace

double ConfusionMatrix::row_sum(size_t truth) const {
  double sum = 0;
  for (size_t c = 0; c < classes; ++c) sum += at(truth, c);
  return sum;
}

double ConfusionMatrix::column_sum(size_t predicted) const {
  double sum = 0;
  for (size_t c = 0; c < classes; ++c) sum += at(c, predicted);
  return sum;
}

double ConfusionMatrix::total() const {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

ConfusionMatrix confusion_of(std::span<const int32_t> truth, std::span<const int32_t> predicted,
                             size_t classes, std::span<const double> weights) {
  if (truth.size() != predicted.size() || (!weights.empty() && weights.size() != truth.size()))
    throw Error(ErrorCode::internal, "scores: truth and predictions differ in length");
  ConfusionMatrix matrix{classes, std::vector<double>(classes * classes, 0)};
  for (size_t row = 0; row < truth.size(); ++row)
    matrix
        .counts[static_cast<size_t>(truth[row]) * classes + static_cast<size_t>(predicted[row])] +=
        weights.empty() ? 1.0 : weights[row];
  return matrix;
}

ClassificationScores scores_of(const ConfusionMatrix& confusion) {
  ClassificationScores scores;
  scores.confusion = confusion;
  scores.auc = scores.average_precision = scores.log_loss = scores.brier =
      scores.calibration_error = kNaN;
  const double total = confusion.total();
  double correct = 0, by_chance = 0, recalls = 0, occurring = 0;
  for (size_t c = 0; c < confusion.classes; ++c) {
    const double hit = confusion.at(c, c), row = confusion.row_sum(c),
                 column = confusion.column_sum(c);
    scores.classes.push_back({ratio_or_zero(hit, column), ratio_or_zero(hit, row),
                              ratio_or_zero(2 * hit, row + column), row});
    correct += hit;
    by_chance += row / total * (column / total);
    recalls += ratio_or_zero(hit, row);
    occurring += row > 0 ? 1 : 0;
  }
  scores.overall_accuracy = correct / total;  // without rows: NaN
  scores.balanced_accuracy = recalls / occurring;
  scores.kappa = by_chance < 1 ? (scores.overall_accuracy - by_chance) / (1 - by_chance) : kNaN;
  add_means(scores);
  return scores;
}

ClassificationScores classification_scores(std::span<const int32_t> truth,
                                           std::span<const double> probabilities, size_t classes,
                                           std::span<const double> weights) {
  const auto rows = predicted_rows(truth, probabilities, classes, weights);
  auto scores = scores_of(
      confusion_of(rows.truth, likeliest(rows.probabilities, classes), classes, rows.weights));
  if (rows.truth.empty()) return scores;
  for (size_t c = 0; c < classes; ++c) {
    auto& of_class = scores.ranking.emplace_back();
    const auto ranking = ranked(rows, c, classes);
    add_roc(ranking, of_class);
    add_precision_recall(ranking, of_class);
    of_class.calibration = calibration_of(rows, c, classes);
  }
  add_probability_losses(rows, classes, scores);
  scores.auc = summarised(scores.ranking, [](const auto& r) { return r.auc; });
  scores.average_precision =
      summarised(scores.ranking, [](const auto& r) { return r.average_precision; });
  scores.calibration_error =
      summarised(scores.ranking, [](const auto& r) { return calibration_error(r.calibration); });
  return scores;
}

RegressionScores regression_scores(std::span<const double> truth, std::span<const double> predicted,
                                   std::span<const double> weights,
                                   std::span<const double> quantiles) {
  if (!quantiles.empty()) {
    const size_t count = quantiles.size();
    if (predicted.size() != truth.size() * count)
      throw Error(ErrorCode::internal, "scores: truth and predictions differ in length");
    auto scores = regression_scores(
        truth, column_of(predicted, nearest_to_median(quantiles), count), weights);
    add_quantiles(truth, predicted, weights, quantiles, scores);
    return scores;
  }
  if (truth.size() != predicted.size() || (!weights.empty() && weights.size() != truth.size()))
    throw Error(ErrorCode::internal, "scores: truth and predictions differ in length");
  double weight = 0, mean = 0, squares = 0, sizes = 0, sum = 0;
  const auto each = [&](auto use) {
    for (size_t row = 0; row < truth.size(); ++row)
      if (!std::isnan(predicted[row])) use(row, weights.empty() ? 1.0 : weights[row]);
  };
  each([&](size_t row, double w) {
    const double off = predicted[row] - truth[row];
    weight += w;
    mean += w * truth[row];
    squares += w * off * off;
    sizes += w * std::fabs(off);
    sum += w * off;
  });
  mean /= weight;
  double spread = 0;
  each([&](size_t row, double w) { spread += w * (truth[row] - mean) * (truth[row] - mean); });
  return {.mse = squares / weight,
          .rmse = std::sqrt(squares / weight),
          .mae = sizes / weight,
          .r2 = spread > 0 ? 1 - squares / spread : kNaN,
          .bias = sum / weight};
}

size_t nearest_to_median(std::span<const double> quantiles) {
  size_t nearest = 0;
  for (size_t q = 1; q < quantiles.size(); ++q)
    if (std::fabs(quantiles[q] - 0.5) < std::fabs(quantiles[nearest] - 0.5)) nearest = q;
  return nearest;
}

std::vector<int32_t> likeliest(std::span<const double> probabilities, size_t classes) {
  std::vector<int32_t> chosen(probabilities.size() / classes);
  for (size_t row = 0; row < chosen.size(); ++row) {
    const auto of_row = probabilities.subspan(row * classes, classes);
    chosen[row] =
        static_cast<int32_t>(std::max_element(of_row.begin(), of_row.end()) - of_row.begin());
  }
  return chosen;
}

Curve thinned(const Curve& curve, size_t points) {
  const size_t count = curve.x.size();
  if (count <= points || points < 2) return curve;
  Curve out;
  for (size_t i = 0; i < points; ++i) {
    const size_t at = i * (count - 1) / (points - 1);
    out.x.push_back(curve.x[at]);
    out.y.push_back(curve.y[at]);
    if (at < curve.thresholds.size()) out.thresholds.push_back(curve.thresholds[at]);
  }
  return out;
}

}  // namespace geoloom::learn
