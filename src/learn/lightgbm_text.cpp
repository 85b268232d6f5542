// SPDX-License-Identifier: Apache-2.0
// LightGBM's text: blocks of `key=value` lines, the header first, then one block per tree. Decision
// types hold bits: 1 a split by category, 2 missing goes left, 4 and 8 the missing type (0 none,
// 1 zero, 2 NaN). Children below zero are leaves: ~child is the leaf's number.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "error/error.h"
#include "learn/model_formats.h"

namespace geoloom::learn {
namespace {

using Block = std::map<std::string_view, std::string_view>;

class LightgbmReader {
 public:
  LightgbmReader(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  TreeEnsemble read() {
    const Block header = next_block();
    if (!header.contains("tree")) fail("it does not begin with 'tree'");
    read_header(header);
    while (!rest_.empty()) {
      const Block block = next_block();
      if (block.contains("end of trees")) break;
      if (block.contains("Tree"))
        read_tree(block);
      else if (!block.empty())
        fail("a block that is no tree");
    }
    finish();
    return std::move(model_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::corrupt, "this is no whole LightGBM model: " + what).at({.file = file_});
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Error(ErrorCode::invalid, "a LightGBM model with " + what + " is not supported")
        .at({.file = file_})
        .hint("train it without, or export its predictions");
  }

  // Lines up to an empty one. A line without '=' is a key without a value.
  Block next_block() {
    Block block;
    while (!rest_.empty()) {
      const auto end = rest_.find('\n');
      auto line = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.empty()) {
        if (block.empty()) continue;
        break;
      }
      const auto equals = line.find('=');
      block[line.substr(0, equals)] =
          equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1);
      if (line == "end of trees") break;
    }
    return block;
  }

  std::string_view value(const Block& block, std::string_view key) const {
    const auto found = block.find(key);
    if (found == block.end()) fail(fmt::format("'{}' is missing", key));
    return found->second;
  }

  static std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
      const auto end = std::min(text.find(' '), text.size());
      if (end > 0) parts.push_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
  }
  template <class Number>
  Number number(std::string_view word, std::string_view key) const {
    Number result{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), result);
    if (error != std::errc() || end != word.data() + word.size())
      fail(fmt::format("'{}' has '{}'", key, word.substr(0, 40)));
    return result;
  }
  template <class Number>
  std::vector<Number> numbers(const Block& block, std::string_view key, size_t count) const {
    const auto parts = words(value(block, key));
    if (parts.size() != count)
      fail(fmt::format("'{}' has {} values instead of {}", key, parts.size(), count));
    std::vector<Number> result;
    for (const auto part : parts) result.push_back(number<Number>(part, key));
    return result;
  }

  void read_header(const Block& header) {
    const auto classes = number<size_t>(value(header, "num_class"), "num_class");
    outputs_ = number<size_t>(value(header, "num_tree_per_iteration"), "num_tree_per_iteration");
    if (classes == 0 || outputs_ == 0 || outputs_ > 4096) fail("no classes");
    const auto last = number<size_t>(value(header, "max_feature_idx"), "max_feature_idx");
    for (const auto part : words(value(header, "feature_names")))
      model_.features.emplace_back(part);
    if (last >= size_t{1} << 20 || model_.features.size() != last + 1)
      fail(fmt::format("{} names for {} features", model_.features.size(), last + 1));
    // Names that LightGBM made up say nothing.
    for (size_t i = 0; i < model_.features.size(); ++i)
      if (model_.features[i] == fmt::format("Column_{}", i)) model_.features[i].clear();
    averages_ = header.contains("average_output");
    model_.origin =
        "LightGBM text " + std::string(header.contains("version") ? value(header, "version") : "");
    model_.outputs = outputs_;
    model_.flushes_tiny_values = true;
    set_objective(header.contains("objective") ? words(value(header, "objective"))
                                               : std::vector<std::string_view>());
  }

  void set_objective(const std::vector<std::string_view>& objective) {
    const std::string_view name = objective.empty() ? "custom" : objective[0];
    const auto option = [&](std::string_view key) -> std::string_view {
      for (const auto word : objective)
        if (word.starts_with(key) && word.size() > key.size() && word[key.size()] == ':')
          return word.substr(key.size() + 1);
      return {};
    };
    if (!option("sigmoid").empty()) model_.slope = number<double>(option("sigmoid"), "objective");
    const bool square_root =
        std::find(objective.begin(), objective.end(), "sqrt") != objective.end();
    if (name == "binary") return classify(Link::logistic, 2);
    if (name == "multiclass") return classify(Link::softmax, outputs_);
    if (name == "multiclassova") return classify(Link::one_against_rest, outputs_);
    if (name == "cross_entropy" || name == "xentropy") model_.link = Link::logistic;
    if (name == "cross_entropy_lambda" || name == "xentlambda") model_.link = Link::softplus;
    if (name == "poisson" || name == "gamma" || name == "tweedie") model_.link = Link::exponential;
    if (square_root) model_.link = Link::signed_square;
  }
  void classify(Link link, size_t classes) {
    model_.task = Task::classification;
    model_.link = link;
    for (size_t i = 0; i < classes; ++i) model_.class_values.push_back(static_cast<int64_t>(i));
  }

  void read_tree(const Block& block) {
    const auto leaves = number<size_t>(value(block, "num_leaves"), "num_leaves");
    if (leaves == 0 || leaves > rest_limit()) fail(fmt::format("a tree of {} leaves", leaves));
    if (block.contains("is_linear") && value(block, "is_linear") != "0")
      unsupported("linear leaves");
    Tree tree;
    tree.output = static_cast<int32_t>(model_.trees.size() % outputs_);
    const auto first_row = static_cast<int32_t>(model_.leaf_values.size());
    const auto values = numbers<double>(block, "leaf_value", leaves);
    model_.leaf_values.insert(model_.leaf_values.end(), values.begin(), values.end());
    const size_t inner = leaves - 1;
    tree.nodes.resize(inner + leaves);
    for (size_t i = 0; i < leaves; ++i)
      tree.nodes[inner + i].leaf = first_row + static_cast<int32_t>(i);
    if (inner > 0) read_splits(block, inner, tree);
    model_.trees.push_back(std::move(tree));
  }
  // No tree has more leaves than the file has bytes; what is left is not known any more.
  static constexpr size_t rest_limit() { return size_t{1} << 28; }

  void read_splits(const Block& block, size_t inner, Tree& tree) {
    const auto features = numbers<int32_t>(block, "split_feature", inner);
    const auto thresholds = numbers<double>(block, "threshold", inner);
    const auto types = numbers<int32_t>(block, "decision_type", inner);
    const auto left = numbers<int32_t>(block, "left_child", inner);
    const auto right = numbers<int32_t>(block, "right_child", inner);
    const auto first_set = static_cast<int32_t>(model_.category_sets.size());
    const size_t sets = read_category_sets(block);
    const auto place = [&](int32_t child) {
      return child >= 0 ? child : static_cast<int32_t>(inner) + ~child;
    };
    for (size_t i = 0; i < inner; ++i) {
      auto& node = tree.nodes[i];
      if (features[i] < 0) fail(fmt::format("feature {}", features[i]));
      node.feature = features[i];
      node.threshold = thresholds[i];
      node.left = place(left[i]);
      node.right = place(right[i]);
      const bool by_category = (types[i] & 1) != 0;
      node.missing_left = (types[i] & 2) != 0 && !by_category;
      const int missing = types[i] >> 2 & 3;
      node.missing = missing == 2   ? MissingRule::nan
                     : missing == 1 ? MissingRule::nan_or_zero
                                    : MissingRule::nan_is_zero;
      if (!by_category) continue;
      if (!(thresholds[i] >= 0) || thresholds[i] >= static_cast<double>(sets))
        fail("a set that is not there");
      node.categories = first_set + static_cast<int32_t>(thresholds[i]);
    }
  }

  size_t read_category_sets(const Block& block) {
    const auto count =
        block.contains("num_cat") ? number<size_t>(value(block, "num_cat"), "num_cat") : 0;
    if (count == 0) return 0;
    if (count > rest_limit()) fail("too many sets of categories");
    const auto bounds = numbers<size_t>(block, "cat_boundaries", count + 1);
    const auto bits = numbers<uint32_t>(block, "cat_threshold", bounds.back());
    for (size_t i = 0; i < count; ++i) {
      if (bounds[i] > bounds[i + 1]) fail("sets of categories that overlap");
      if (bounds[i + 1] > bits.size()) fail("sets of categories without bits");
      CategorySet set;
      set.bits.assign(bits.begin() + static_cast<std::ptrdiff_t>(bounds[i]),
                      bits.begin() + static_cast<std::ptrdiff_t>(bounds[i + 1]));
      model_.category_sets.push_back(std::move(set));
    }
    return count;
  }

  void finish() {
    if (model_.trees.empty() || model_.trees.size() % outputs_ != 0)
      fail(fmt::format("{} trees for {} classes", model_.trees.size(), outputs_));
    if (averages_) model_.divisor = static_cast<double>(model_.trees.size() / outputs_);
    validate(model_, file_);
  }

  std::string_view rest_;
  const std::string& file_;
  TreeEnsemble model_;
  size_t outputs_ = 1;
  bool averages_ = false;
};

}  // namespace

TreeEnsemble read_lightgbm_text(std::string_view text, const std::string& file) {
  return LightgbmReader(text, file).read();
}

}  // namespace geoloom::learn
