// SPDX-License-Identifier: Apache-2.0
#include "learn/tree_predictor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <variant>

#include "learn/tree_packing.h"

namespace geoloom::learn {
namespace {

// Pixels whose sums are kept at a time.
constexpr size_t kChunk = 16384;
// Fixed-point sums of so many trees fit 32 bit.
constexpr size_t kTreesOfGroup = 1024;
constexpr double kMostFixed = 0x1p31;
constexpr float kTiny = 1e-35F;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

size_t padded_width(size_t width) {
  if (width <= 2) return width;
  return width <= 4 ? 4 : (width + 7) / 8 * 8;
}

float filled(float value, MissingFill fill) {
  const bool zero = std::fabs(value) <= kTiny;
  switch (fill) {
    case MissingFill::high:
      return std::isnan(value) ? kInfinity : value;
    case MissingFill::zero:
      return std::isnan(value) ? 0.0F : value;
    case MissingFill::zeros_too:
      return zero ? kNaN : value;
    case MissingFill::zeros_too_high:
      return zero || std::isnan(value) ? kInfinity : value;
    default:
      return value;
  }
}

// A forest whose leaves hold shares of classes.
bool holds_distributions(const TreeEnsemble& ensemble) {
  if (ensemble.leaf_width < 2 || ensemble.link != Link::class_distribution ||
      !ensemble.base_scores.empty())
    return false;
  return std::all_of(ensemble.leaf_values.begin(), ensemble.leaf_values.end(),
                     [](double value) { return value >= 0 && value <= 1 + 1e-6; });
}

double largest_sum(const TreeEnsemble& ensemble) {
  double sum = 0;
  for (const auto& tree : ensemble.trees) {
    double most = 0;
    for (const auto& node : tree.nodes) {
      if (!node.is_leaf()) continue;
      const auto row = static_cast<size_t>(node.leaf) * ensemble.leaf_width;
      for (size_t i = 0; i < ensemble.leaf_width; ++i)
        most = std::max(most, ensemble.leaf_values[row + i]);
    }
    sum += most;
  }
  return sum;
}

}  // namespace

struct PredictorScratch::Buffers {
  kernels::TreeScratch trees;
  std::vector<std::vector<float>> columns;
  std::vector<const float*> column_pointers;
  std::vector<float> float_sums;
  std::vector<double> double_sums;
  std::vector<uint32_t> fixed_sums;
  // Of a chunk, pixel by pixel, in double: rows of `outputs`.
  std::vector<double> sums;
  std::vector<double> results;
  std::vector<float> pixel;
};

PredictorScratch::PredictorScratch() : buffers_(std::make_unique<Buffers>()) {}
PredictorScratch::~PredictorScratch() = default;
PredictorScratch::PredictorScratch(PredictorScratch&&) noexcept = default;
PredictorScratch& PredictorScratch::operator=(PredictorScratch&&) noexcept = default;

namespace {

// Trees over one list of columns, with leaves of one type.
template <class Value>
struct PackedEnsemble {
  size_t width = 1;  // of a leaf, padded
  std::vector<std::vector<Value>> leaves;
  PackedNodes general;
  std::vector<kernels::PackedTree<Value>> general_trees;
  // Where features are more than one column each, beside it: for pixels without missing values.
  std::optional<PackedNodes> plain;
  std::vector<kernels::PackedTree<Value>> plain_trees;

  std::vector<kernels::PackedTree<Value>> trees_of(const TreeEnsemble& ensemble,
                                                   const PackedNodes& nodes) const {
    std::vector<kernels::PackedTree<Value>> trees;
    for (size_t t = 0; t < ensemble.trees.size(); ++t) {
      const size_t first = nodes.first_node[t], count = nodes.first_node[t + 1] - first;
      trees.push_back({std::span(nodes.nodes).subspan(first, count), leaves[t],
                       width == 1 ? static_cast<size_t>(ensemble.trees[t].output) : 0});
    }
    return trees;
  }
};

size_t bytes_of(const PackedNodes& nodes) {
  return nodes.nodes.size() * sizeof(kernels::PackedNode);
}

template <class Value, class Convert>
PackedEnsemble<Value> packed(const TreeEnsemble& ensemble, Convert convert) {
  PackedEnsemble<Value> result;
  result.width = padded_width(ensemble.leaf_width);
  LeafRows rows(ensemble.trees.size());
  for (size_t t = 0; t < ensemble.trees.size(); ++t) {
    const auto& nodes = ensemble.trees[t].nodes;
    std::map<std::vector<Value>, uint32_t> known;
    auto& leaves = result.leaves.emplace_back();
    rows[t].resize(nodes.size());
    for (size_t n = 0; n < nodes.size(); ++n) {
      if (!nodes[n].is_leaf()) continue;
      std::vector<Value> row(result.width, Value{0});
      const auto first = static_cast<size_t>(nodes[n].leaf) * ensemble.leaf_width;
      for (size_t i = 0; i < ensemble.leaf_width; ++i)
        row[i] = convert(ensemble.leaf_values[first + i]);
      const auto number = static_cast<uint32_t>(leaves.size() / result.width);
      const auto [place, is_new] = known.emplace(row, number);
      if (is_new) leaves.insert(leaves.end(), row.begin(), row.end());
      rows[t][n] = place->second;
    }
  }
  result.general = pack_nodes(ensemble, rows, false);
  auto plain = pack_nodes(ensemble, rows, true);
  if (plain.columns.size() < result.general.columns.size()) result.plain = std::move(plain);
  return result;
}

}  // namespace

class TreePredictor::Packing {
 public:
  explicit Packing(const TreeEnsemble& ensemble) {
    if (holds_distributions(ensemble))
      pack_fixed(ensemble);
    else if (ensemble.sum_type == SumType::float32)
      pack<float>(ensemble, [](double value) { return static_cast<float>(value); });
    else
      pack<double>(ensemble, [](double value) { return value; });
    note_zeros(ensemble);
  }

  // Adds up the trees for a chunk; buffers.sums gets what sums_of() gives, or nearly so.
  void add(const TreeEnsemble& ensemble, std::span<const float* const> features, size_t first,
           size_t pixels, PredictorScratch::Buffers& buffers) const {
    const bool special = has_special(ensemble, features, first, pixels);
    std::visit(
        [&](const auto& chosen) {
          const bool use_plain = !special && chosen.plain.has_value();
          const auto& nodes = use_plain ? *chosen.plain : chosen.general;
          fill_columns(ensemble, nodes.columns, special, features, first, pixels, buffers);
          add_to_sums(ensemble, chosen, use_plain ? chosen.plain_trees : chosen.general_trees,
                      nodes.columns.size(), pixels, buffers);
        },
        packed_);
  }

  // Sums that are nearer to each other may be in another order than those of the library.
  double doubt() const { return doubt_; }

  size_t memory_bytes() const {
    return std::visit(
        [](const auto& chosen) {
          size_t bytes = bytes_of(chosen.general) + (chosen.plain ? bytes_of(*chosen.plain) : 0);
          for (const auto& leaves : chosen.leaves) bytes += leaves.size() * sizeof(leaves[0]);
          return bytes;
        },
        packed_);
  }
  size_t width() const {
    return std::visit([](const auto& chosen) { return chosen.width; }, packed_);
  }
  size_t columns() const {
    return std::visit([](const auto& chosen) { return chosen.general.columns.size(); }, packed_);
  }

 private:
  template <class Value, class Convert>
  void pack(const TreeEnsemble& ensemble, Convert convert) {
    auto& result = packed_.emplace<PackedEnsemble<Value>>(packed<Value>(ensemble, convert));
    result.general_trees = result.trees_of(ensemble, result.general);
    if (result.plain) result.plain_trees = result.trees_of(ensemble, *result.plain);
  }

  void pack_fixed(const TreeEnsemble& ensemble) {
    const double most = std::max(largest_sum(ensemble), 1e-30);
    int exponent = 0;
    // A group's sums must fit; those of all trees are kept in double.
    const double of_group = std::min(most, static_cast<double>(kTreesOfGroup) * 1.000001);
    std::frexp(kMostFixed / of_group, &exponent);
    scale_ = std::ldexp(1, std::min(exponent - 1, 31));
    bool exact = true;
    for (const double value : ensemble.leaf_values)
      exact = exact && std::nearbyint(value * scale_) == value * scale_;
    const auto count = static_cast<double>(ensemble.trees.size());
    doubt_ = exact ? 0 : count / scale_ + 4 * count * most * 0x1p-53;
    if (ensemble.sum_type == SumType::float32) doubt_ += 2 * count * most * 0x1p-24;
    pack<uint32_t>(ensemble, [this](double value) {
      return static_cast<uint32_t>(std::nearbyint(value * scale_));
    });
  }

  // Features for which a zero is not just a number.
  void note_zeros(const TreeEnsemble& ensemble) {
    zero_is_missing_.assign(ensemble.features.size(), false);
    used_.assign(ensemble.features.size(), false);
    for (const auto& tree : ensemble.trees)
      for (const auto& node : tree.nodes) {
        if (node.is_leaf()) continue;
        used_[static_cast<size_t>(node.feature)] = true;
        if (node.missing == MissingRule::nan_or_zero)
          zero_is_missing_[static_cast<size_t>(node.feature)] = true;
      }
  }

  bool has_special(const TreeEnsemble& ensemble, std::span<const float* const> features,
                   size_t first, size_t pixels) const {
    for (size_t f = 0; f < features.size(); ++f) {
      if (!used_[f]) continue;
      const float* const values = features[f] + first;
      size_t missing = 0, tiny = 0, zeros = 0;
      for (size_t p = 0; p < pixels; ++p) {
        missing += std::isnan(values[p]) ? 1 : 0;
        tiny += std::fabs(values[p]) <= kTiny ? 1 : 0;
        zeros += values[p] == 0 ? 1 : 0;
      }
      if (missing > 0 || (zero_is_missing_[f] && tiny > 0)) return true;
      if (ensemble.flushes_tiny_values && tiny > zeros) return true;
    }
    return false;
  }

  static void fill_columns(const TreeEnsemble& ensemble, const std::vector<PackedColumn>& columns,
                           bool special, std::span<const float* const> features, size_t first,
                           size_t pixels, PredictorScratch::Buffers& buffers) {
    buffers.columns.resize(std::max(buffers.columns.size(), columns.size()));
    buffers.column_pointers.resize(columns.size());
    for (size_t c = 0; c < columns.size(); ++c) {
      const float* const from = features[columns[c].feature] + first;
      buffers.column_pointers[c] = from;
      if (!special) continue;
      auto& to = buffers.columns[c];
      to.resize(std::max(to.size(), pixels));
      for (size_t p = 0; p < pixels; ++p) {
        const bool tiny = ensemble.flushes_tiny_values && std::fabs(from[p]) <= kTiny;
        to[p] = filled(tiny ? 0.0F : from[p], columns[c].fill);
      }
      buffers.column_pointers[c] = to.data();
    }
  }

  template <class Value>
  static std::vector<Value>& sums_buffer(PredictorScratch::Buffers& buffers) {
    if constexpr (std::is_same_v<Value, float>)
      return buffers.float_sums;
    else if constexpr (std::is_same_v<Value, double>)
      return buffers.double_sums;
    else
      return buffers.fixed_sums;
  }

  template <class Value>
  void add_to_sums(const TreeEnsemble& ensemble, const PackedEnsemble<Value>& chosen,
                   const std::vector<kernels::PackedTree<Value>>& trees, size_t columns,
                   size_t pixels, PredictorScratch::Buffers& buffers) const {
    constexpr bool kFixed = std::is_same_v<Value, uint32_t>;
    const size_t width = chosen.width, outputs = ensemble.outputs;
    const bool rows = width > 1;
    auto& sums = sums_buffer<Value>(buffers);
    const size_t group = kFixed ? kTreesOfGroup : std::max<size_t>(trees.size(), 1);
    buffers.sums.assign(pixels * outputs, 0);
    sums.assign(pixels * (rows ? width : outputs), Value{0});
    if constexpr (!kFixed) start(ensemble, rows, width, pixels, sums);
    for (size_t first = 0; first < trees.size(); first += group) {
      const auto some = std::span(trees).subspan(first, std::min(group, trees.size() - first));
      kernels::add_trees<Value>({some, columns, width}, buffers.column_pointers.data(), pixels,
                                sums.data(), pixels, buffers.trees);
      if constexpr (kFixed) {
        for (size_t p = 0; p < pixels; ++p)
          for (size_t i = 0; i < outputs; ++i) buffers.sums[p * outputs + i] += sums[p * width + i];
        std::fill(sums.begin(), sums.end(), Value{0});
      }
    }
    if constexpr (kFixed)
      for (double& sum : buffers.sums) sum = sum / scale_ / ensemble.divisor;
    else
      end(ensemble, rows, width, pixels, sums, buffers.sums);
  }

  template <class Value>
  static void start(const TreeEnsemble& ensemble, bool rows, size_t width, size_t pixels,
                    std::vector<Value>& sums) {
    if (!ensemble.base_is_first) return;
    for (size_t i = 0; i < ensemble.base_scores.size(); ++i)
      for (size_t p = 0; p < pixels; ++p)
        sums[rows ? p * width + i : i * pixels + p] = static_cast<Value>(ensemble.base_scores[i]);
  }

  // The same steps as at the end of sums_of().
  template <class Value>
  static void end(const TreeEnsemble& ensemble, bool rows, size_t width, size_t pixels,
                  const std::vector<Value>& sums, std::vector<double>& result) {
    for (size_t p = 0; p < pixels; ++p) {
      for (size_t i = 0; i < ensemble.outputs; ++i) {
        Value sum = sums[rows ? p * width + i : i * pixels + p];
        if (ensemble.divisor != 1) sum /= static_cast<Value>(ensemble.divisor);
        if (!ensemble.base_is_first && !ensemble.base_scores.empty())
          sum += static_cast<Value>(ensemble.base_scores[i]);
        result[p * ensemble.outputs + i] = static_cast<double>(sum);
      }
    }
  }

  std::variant<PackedEnsemble<float>, PackedEnsemble<double>, PackedEnsemble<uint32_t>> packed_;
  std::vector<bool> used_, zero_is_missing_;
  double scale_ = 1;
  double doubt_ = 0;
};

TreePredictor::TreePredictor(TreeEnsemble ensemble, const std::string& file)
    : ensemble_(std::move(ensemble)) {
  validate(ensemble_, file);
  slow_reason_ = why_not_packed(ensemble_);
  if (slow_reason_.empty()) packing_ = std::make_unique<Packing>(ensemble_);
}
TreePredictor::~TreePredictor() = default;
TreePredictor::TreePredictor(TreePredictor&&) noexcept = default;
TreePredictor& TreePredictor::operator=(TreePredictor&&) noexcept = default;

size_t TreePredictor::memory_bytes() const {
  size_t bytes = ensemble_.leaf_values.size() * sizeof(double);
  for (const auto& tree : ensemble_.trees) bytes += tree.nodes.size() * sizeof(TreeNode);
  return bytes + (packing_ ? packing_->memory_bytes() : 0);
}

size_t TreePredictor::scratch_bytes() const {
  const size_t width = packing_ ? std::max(packing_->width(), ensemble_.outputs) : 0;
  const size_t columns = packing_ ? packing_->columns() : 0;
  return kChunk * (8 * width + 8 * ensemble_.outputs + 8 * columns + 8);
}

namespace {

void pixel_of(std::span<const float* const> features, size_t p, std::vector<float>& pixel) {
  pixel.resize(features.size());
  for (size_t f = 0; f < features.size(); ++f) pixel[f] = features[f][p];
}

// The first of the largest, as numpy's argmax.
size_t best_of(std::span<const double> values) {
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

// Whether another sum is so near to the best one that their order is in doubt.
bool in_doubt(std::span<const double> sums, double doubt) {
  const double most = *std::max_element(sums.begin(), sums.end());
  size_t near = 0;
  for (const double sum : sums) near += most - sum <= doubt ? 1 : 0;
  return near > 1;
}

}  // namespace

void TreePredictor::finish(std::span<const float* const> features, size_t first, size_t pixels,
                           const PredictorOutput& output,
                           PredictorScratch::Buffers& buffers) const {
  const size_t outputs = ensemble_.outputs, width = ensemble_.result_width();
  const double doubt = packing_ ? packing_->doubt() / ensemble_.divisor : 0;
  buffers.results.resize(width);
  for (size_t p = 0; p < pixels; ++p) {
    const std::span<double> sums = std::span(buffers.sums).subspan(p * outputs, outputs);
    if (doubt > 0 && in_doubt(sums, doubt)) {
      pixel_of(features, first + p, buffers.pixel);
      sums_of(ensemble_, buffers.pixel, sums);
    }
    const size_t at = first + p;
    if (output.sums != nullptr)
      for (size_t i = 0; i < outputs; ++i) output.sums[i * output.stride + at] = sums[i];
    if (output.results == nullptr && output.exact_results == nullptr &&
        output.best_class == nullptr)
      continue;
    apply_link(ensemble_, sums, buffers.results);
    if (output.exact_results != nullptr)
      for (size_t i = 0; i < width; ++i)
        output.exact_results[i * output.stride + at] = buffers.results[i];
    if (output.results != nullptr)
      for (size_t i = 0; i < width; ++i)
        output.results[i * output.stride + at] = static_cast<float>(buffers.results[i]);
    if (output.best_class != nullptr)
      output.best_class[at] = static_cast<uint16_t>(best_of(buffers.results));
  }
}

void TreePredictor::predict(std::span<const float* const> features, size_t pixels,
                            const PredictorOutput& output, PredictorScratch& scratch) const {
  auto& buffers = scratch.buffers();
  for (size_t first = 0; first < pixels; first += kChunk) {
    const size_t count = std::min(kChunk, pixels - first);
    if (packing_) {
      packing_->add(ensemble_, features, first, count, buffers);
    } else {
      buffers.sums.resize(count * ensemble_.outputs);
      for (size_t p = 0; p < count; ++p) {
        pixel_of(features, first + p, buffers.pixel);
        sums_of(ensemble_, buffers.pixel,
                std::span(buffers.sums).subspan(p * ensemble_.outputs, ensemble_.outputs));
      }
    }
    finish(features, first, count, output, buffers);
  }
}

}  // namespace geoloom::learn
