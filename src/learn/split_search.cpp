// SPDX-License-Identifier: Apache-2.0
#include "learn/split_search.h"

#include <algorithm>

#include "kernels/elementary.h"

namespace geoloom::learn {
namespace {

// Less than this share of a node's impurity is rounding.
constexpr double kNoImpurity = 1e-12;

// The two sides of a split while rows move from right to left, one by one.
class GiniSides {
 public:
  GiniSides(const TreeSample& sample, const NodeSums& node, std::vector<double>& left,
            std::vector<double>& right)
      : classes_(sample.data->classes.data()),
        weights_(sample.weights.data()),
        left_(left),
        right_(right),
        right_weight_(node.weight) {
    for (const double of_class : right) right_squares_ += of_class * of_class;
  }
  void move(uint32_t row) {
    const auto c = static_cast<size_t>(classes_[row]);
    const double w = weights_[row];
    left_squares_ += w * (2 * left_[c] + w);
    right_squares_ += w * (w - 2 * right_[c]);
    left_[c] += w;
    right_[c] -= w;
    left_weight_ += w;
    right_weight_ -= w;
  }
  double score() const {
    return (left_squares_ * right_weight_ + right_squares_ * left_weight_) /
           (left_weight_ * right_weight_);
  }

 private:
  const int32_t* classes_;
  const double* weights_;
  std::vector<double>&left_, &right_;
  double left_squares_ = 0, right_squares_ = 0, left_weight_ = 0, right_weight_;
};

class EntropySides {
 public:
  EntropySides(const TreeSample& sample, const NodeSums& node, std::vector<double>& left,
               std::vector<double>& right)
      : classes_(sample.data->classes.data()),
        weights_(sample.weights.data()),
        terms_(*sample.entropy),
        left_(left),
        right_(right),
        right_weight_(node.weight) {
    for (const double of_class : right) sum_ += terms_.of(of_class);
  }
  void move(uint32_t row) {
    const auto c = static_cast<size_t>(classes_[row]);
    const double w = weights_[row];
    const double left = left_[c], right = right_[c];
    left_[c] = left + w;
    right_[c] = std::max(0.0, right - w);
    sum_ += (terms_.of(left_[c]) - terms_.of(left)) + (terms_.of(right_[c]) - terms_.of(right));
    left_weight_ += w;
    right_weight_ -= w;
  }
  double score() const { return sum_ - terms_.of(left_weight_) - terms_.of(right_weight_); }

 private:
  const int32_t* classes_;
  const double* weights_;
  const EntropyTerms& terms_;
  std::vector<double>&left_, &right_;
  double sum_ = 0, left_weight_ = 0, right_weight_;
};

class SquaredErrorSides {
 public:
  SquaredErrorSides(const TreeSample& sample, const NodeSums& node, double mean)
      : targets_(sample.data->targets.data()),
        weights_(sample.weights.data()),
        mean_(mean),
        right_sum_(node.target),
        right_weight_(node.weight) {}
  void move(uint32_t row) {
    const double w = weights_[row], moved = w * (targets_[row] - mean_);
    left_sum_ += moved;
    right_sum_ -= moved;
    left_weight_ += w;
    right_weight_ -= w;
  }
  double score() const {
    return left_sum_ * left_sum_ / left_weight_ + right_sum_ * right_sum_ / right_weight_;
  }

 private:
  const double* targets_;
  const double* weights_;
  double mean_, left_sum_ = 0, right_sum_, left_weight_ = 0, right_weight_;
};

uint32_t rank_of(RankKey key) {
  return static_cast<uint32_t>(key >> 32);
}

}  // namespace

EntropyTerms::EntropyTerms(size_t table_size) : table_(table_size) {
  for (size_t n = 0; n < table_size; ++n) table_[n] = computed(static_cast<double>(n));
}

double EntropyTerms::computed(double n) {
  return n > 0 ? n * kernels::natural_logarithm(n) : 0;
}

SplitSearch::SplitSearch(const TreeSample& sample, const ForestParameters& parameters)
    : sample_(sample), parameters_(parameters) {
  if (sample.data->classification()) return;
  double sum = 0, weight = 0;
  for (size_t row = 0; row < sample.weights.size(); ++row) {
    sum += sample.weights[row] * sample.data->targets[row];
    weight += sample.weights[row];
  }
  mean_ = sum / weight;
}

NodeSums SplitSearch::sums_of(std::span<const uint32_t> rows) const {
  NodeSums sums;
  const auto& data = *sample_.data;
  sums.classes.assign(data.class_count, 0);
  for (const uint32_t row : rows) {
    const double w = sample_.weights[row];
    sums.weight += w;
    if (data.classification()) {
      sums.classes[static_cast<size_t>(data.classes[row])] += w;
    } else {
      const double centred = data.targets[row] - mean_;
      sums.target += w * centred;
      sums.squares += w * centred * centred;
    }
  }
  return sums;
}

double SplitSearch::score_of(const NodeSums& sums) const {
  double score = 0;
  switch (parameters_.criterion) {
    case SplitCriterion::gini:
      for (const double w : sums.classes) score += w * w;
      return score / sums.weight;
    case SplitCriterion::entropy:
      for (const double w : sums.classes) score += sample_.entropy->of(w);
      return score - sample_.entropy->of(sums.weight);
    case SplitCriterion::squared_error:
      break;
  }
  return sums.target * sums.target / sums.weight;
}

bool SplitSearch::pure(const NodeSums& sums) const {
  if (!sample_.data->classification())
    return sums.squares - sums.target * sums.target / sums.weight <= kNoImpurity * sums.squares;
  return std::count_if(sums.classes.begin(), sums.classes.end(), [](double w) { return w > 0; }) <
         2;
}

template <class Use>
void SplitSearch::with_sides(const NodeSums& node, Use use) {
  if (!sample_.data->classification()) return use(SquaredErrorSides(sample_, node, mean_));
  left_.assign(node.classes.size(), 0);
  right_ = node.classes;
  if (parameters_.criterion == SplitCriterion::entropy)
    use(EntropySides(sample_, node, left_, right_));
  else
    use(GiniSides(sample_, node, left_, right_));
}

// All splits between neighbours in rank.
template <class Sides>
void SplitSearch::scan(size_t column, Sides sides, BestSplit& best) const {
  const auto values = sample_.ranked->values(column);
  const size_t leaf = parameters_.min_samples_leaf;
  for (size_t i = 0; i + 1 < keys_.size(); ++i) {
    sides.move(static_cast<uint32_t>(keys_[i]));
    const uint32_t rank = rank_of(keys_[i]), next = rank_of(keys_[i + 1]);
    if (rank == next || i + 1 < leaf || keys_.size() - i - 1 < leaf) continue;
    const double score = sides.score();
    if (best.found && !(score > best.score)) continue;
    best = {true, column, rank, double{values[rank]} / 2 + double{values[next]} / 2, score};
  }
}

template <class Sides>
void SplitSearch::try_one(std::span<const uint32_t> rows, size_t column, uint32_t rank,
                          double threshold, Sides sides, BestSplit& best) const {
  const uint32_t* ranks = sample_.ranked->ranks(column);
  size_t left = 0;
  for (const uint32_t row : rows) {
    if (ranks[row] > rank) continue;
    sides.move(row);
    ++left;
  }
  const size_t leaf = parameters_.min_samples_leaf;
  if (left < leaf || rows.size() - left < leaf) return;
  const double score = sides.score();
  if (!best.found || score > best.score) best = {true, column, rank, threshold, score};
}

std::pair<double, uint32_t> SplitSearch::random_threshold(size_t column, uint32_t lowest,
                                                          uint32_t highest,
                                                          RandomNumbers& random) const {
  const auto values = sample_.ranked->values(column);
  const double from = values[lowest], to = values[highest];
  double threshold = from + (to - from) * random.unit();
  if (!(threshold < to)) threshold = from;
  const auto after = std::upper_bound(values.begin() + lowest, values.begin() + highest, threshold,
                                      [](double t, float value) { return t < double{value}; });
  return {threshold, static_cast<uint32_t>(after - values.begin()) - 1};
}

bool SplitSearch::improve(std::span<const uint32_t> rows, size_t column, const NodeSums& node,
                          RandomNumbers& random, BestSplit& best) {
  const uint32_t* ranks = sample_.ranked->ranks(column);
  uint32_t lowest = ranks[rows[0]], highest = lowest;
  for (const uint32_t row : rows) {
    lowest = std::min(lowest, ranks[row]);
    highest = std::max(highest, ranks[row]);
  }
  if (lowest == highest) return false;
  if (parameters_.kind == ForestKind::extra_trees) {
    const auto drawn = random_threshold(column, lowest, highest, random);
    with_sides(node, [&](auto sides) {
      const auto& [threshold, rank] = drawn;
      try_one(rows, column, rank, threshold, sides, best);
    });
    return true;
  }
  keys_.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) keys_[i] = RankKey{ranks[rows[i]]} << 32 | rows[i];
  sort_by_rank(keys_, spare_, lowest, highest);
  with_sides(node, [&](auto sides) { scan(column, sides, best); });
  return true;
}

}  // namespace geoloom::learn
