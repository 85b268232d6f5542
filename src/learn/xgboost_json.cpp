// SPDX-License-Identifier: Apache-2.0
// XGBoost's JSON and UBJSON hold the same. Of a node without children, split_conditions is the
// leaf's value; nodes that pruning has removed are still in the arrays. Numbers of parameters are
// texts. All arithmetic is float32.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "error/error.h"
#include "kernels/elementary.h"
#include "learn/model_formats.h"
#include "learn/ubjson.h"

namespace geoloom::learn {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMostCategories = int64_t{1} << 24;   // XGBoost's own limit
constexpr size_t kMostCategoryWords = size_t{1} << 24;  // a few bytes could ask for much memory

class XgboostReader {
 public:
  XgboostReader(const Json& json, const std::string& file) : json_(json), file_(file) {}

  TreeEnsemble read() {
    const Json& learner = member(json_, "learner");
    const Json& parameters = member(learner, "learner_model_param");
    read_features(learner, parameters);
    set_objective(text(member(member(learner, "objective"), "name")), parameters);
    read_booster(member(learner, "gradient_booster"));
    read_base_score(parameters);
    model_.origin = "XGBoost" + version();
    validate(model_, file_);
    return std::move(model_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::corrupt, "this is no whole XGBoost model: " + what).at({.file = file_});
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Error(ErrorCode::invalid, "an XGBoost model with " + what + " is not supported")
        .at({.file = file_})
        .hint("models of the booster gbtree with one output per tree are");
  }
  const Json& member(const Json& object, const char* key) const {
    if (!object.is_object() || !object.contains(key)) fail(fmt::format("'{}' is missing", key));
    return object[key];
  }
  std::string text(const Json& value) const {
    if (!value.is_string()) fail("a text is missing");
    return value.get<std::string>();
  }
  size_t count(const Json& object, const char* key) const {
    const auto word = text(member(object, key));
    size_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value > size_t{1} << 30)
      fail(fmt::format("'{}' is '{}'", key, word.substr(0, 40)));
    return value;
  }
  const Json& array(const Json& object, const char* key, size_t size) const {
    const Json& value = member(object, key);
    if (!value.is_array() || value.size() != size)
      fail(fmt::format("'{}' does not have {} values", key, size));
    return value;
  }
  int64_t integer(const Json& value) const {
    if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
    if (!value.is_number_integer()) fail("a number that is not whole");
    return value.get<int64_t>();
  }
  // JSON knows no infinite numbers; XGBoost writes them as words.
  float real(const Json& value) const {
    if (value.is_number()) return value.get<float>();
    if (value == "Infinity") return std::numeric_limits<float>::infinity();
    if (value == "-Infinity") return -std::numeric_limits<float>::infinity();
    fail("a number is missing");
  }
  std::string version() const {
    std::string words;
    if (!json_.contains("version") || !json_["version"].is_array()) return words;
    for (const Json& part : json_["version"])
      if (part.is_number_integer())
        words += fmt::format("{}{}", words.empty() ? " " : ".", part.get<int64_t>());
    return words;
  }

  void read_features(const Json& learner, const Json& parameters) {
    const size_t features = count(parameters, "num_feature");
    if (features == 0 || features > size_t{1} << 20) fail(fmt::format("{} features", features));
    model_.features.resize(features);
    if (!learner.contains("feature_names") || !learner["feature_names"].is_array()) return;
    const Json& names = learner["feature_names"];
    if (names.empty()) return;
    if (names.size() != features)
      fail(fmt::format("{} names for {} features", names.size(), features));
    for (size_t i = 0; i < features; ++i) model_.features[i] = text(names[i]);
  }

  void set_objective(const std::string& objective, const Json& parameters) {
    objective_ = objective;
    model_.comparison = Comparison::less;
    model_.sum_type = SumType::float32;
    const size_t classes = count(parameters, "num_class");
    const size_t targets = parameters.contains("num_target") ? count(parameters, "num_target") : 1;
    if (classes > 4096 || targets > 4096) fail("too many classes");
    model_.outputs = std::max<size_t>({1, classes, targets});
    if (objective.starts_with("multi:")) return classify(Link::softmax, model_.outputs);
    if (objective == "binary:logistic" || objective == "binary:logitraw") {
      if (model_.outputs > 1) unsupported("several labels per sample");
      return classify(Link::logistic, 2);
    }
    if (objective == "binary:hinge") return classify(Link::step, 2);
    if (objective == "reg:logistic") model_.link = Link::logistic;
    if (objective == "count:poisson" || objective == "reg:gamma" || objective == "reg:tweedie" ||
        objective == "survival:cox" || objective == "survival:aft")
      model_.link = Link::exponential;
  }
  void classify(Link link, size_t classes) {
    model_.task = Task::classification;
    model_.link = link;
    for (size_t i = 0; i < classes; ++i) model_.class_values.push_back(static_cast<int64_t>(i));
  }

  void read_booster(const Json& booster) {
    const auto name = text(member(booster, "name"));
    if (name != "gbtree") unsupported("the booster " + name);
    const Json& model = member(booster, "model");
    const Json& trees = member(model, "trees");
    if (!trees.is_array()) fail("'trees' is no list");
    const Json& outputs = array(model, "tree_info", trees.size());
    for (size_t t = 0; t < trees.size(); ++t) read_tree(trees[t], integer(outputs[t]));
  }

  void read_tree(const Json& json, int64_t output) {
    const Json& left = member(json, "left_children");
    if (!left.is_array() || left.empty()) fail("a tree without nodes");
    const size_t size = left.size();
    if (json.contains("tree_param") && json["tree_param"].contains("size_leaf_vector") &&
        count(json["tree_param"], "size_leaf_vector") > 1)
      unsupported("several outputs per tree");
    if (output < 0 || static_cast<size_t>(output) >= model_.outputs)
      fail(fmt::format("a tree for class {}", output));
    Nodes nodes{left,
                array(json, "right_children", size),
                array(json, "split_indices", size),
                array(json, "split_conditions", size),
                array(json, "default_left", size),
                json.contains("split_type") && !json["split_type"].empty()
                    ? &array(json, "split_type", size)
                    : nullptr};
    Tree tree;
    tree.output = static_cast<int32_t>(output);
    copy_reached(nodes, category_sets(json, size), tree);
    model_.trees.push_back(std::move(tree));
  }

  struct Nodes {
    const Json &left, &right, &feature, &condition, &default_left;
    const Json* type;
  };

  // Only nodes that the root leads to; the others have been pruned. The new places follow the order
  // in which nodes are found.
  void copy_reached(const Nodes& nodes, const std::vector<int32_t>& sets, Tree& tree) {
    std::vector<size_t> source{0};
    std::vector<bool> seen(nodes.left.size(), false);
    seen[0] = true;
    const auto found = [&](int64_t child) {
      if (child < 0 || static_cast<size_t>(child) >= seen.size())
        fail(fmt::format("a child at {}", child));
      if (seen[static_cast<size_t>(child)]) fail(fmt::format("node {} has two parents", child));
      seen[static_cast<size_t>(child)] = true;
      source.push_back(static_cast<size_t>(child));
      return static_cast<int32_t>(source.size() - 1);
    };
    for (size_t i = 0; i < source.size(); ++i) {
      const size_t from = source[i];
      TreeNode node;
      const int64_t left = integer(nodes.left[from]);
      const float condition = real(nodes.condition[from]);
      if (left == -1) {
        node.leaf = static_cast<int32_t>(model_.leaf_values.size());
        model_.leaf_values.push_back(static_cast<double>(condition));
      } else {
        const int64_t feature = integer(nodes.feature[from]);
        if (feature < 0 || static_cast<size_t>(feature) >= model_.features.size())
          fail(fmt::format("feature {}", feature));
        node.feature = static_cast<int32_t>(feature);
        node.threshold = static_cast<double>(condition);
        node.missing_left = integer(nodes.default_left[from]) != 0;
        if (nodes.type != nullptr && integer((*nodes.type)[from]) == 1) {
          if (sets[from] < 0) fail("a split by category without categories");
          node.categories = sets[from];
        }
        node.left = found(left);
        node.right = found(integer(nodes.right[from]));
      }
      tree.nodes.push_back(node);
    }
  }

  // By node: its set, or -1. The categories listed go right.
  std::vector<int32_t> category_sets(const Json& json, size_t size) {
    std::vector<int32_t> sets(size, -1);
    if (!json.contains("categories_nodes") || json["categories_nodes"].empty()) return sets;
    const Json& of_node = json["categories_nodes"];
    if (!of_node.is_array()) fail("'categories_nodes' is no list");
    const Json& starts = array(json, "categories_segments", of_node.size());
    const Json& sizes = array(json, "categories_sizes", of_node.size());
    const Json& values = member(json, "categories");
    for (size_t i = 0; i < of_node.size(); ++i) {
      const int64_t node = integer(of_node[i]), first = integer(starts[i]),
                    many = integer(sizes[i]);
      const auto all = static_cast<int64_t>(values.size());
      if (node < 0 || node >= static_cast<int64_t>(size) || first < 0 || many < 0 || many > all ||
          first > all - many)
        fail("categories out of range");
      CategorySet set{.bits = {}, .members_left = false};
      for (int64_t k = first; k < first + many; ++k)
        add(set, integer(values[static_cast<size_t>(k)]));
      sets[static_cast<size_t>(node)] = static_cast<int32_t>(model_.category_sets.size());
      model_.category_sets.push_back(std::move(set));
    }
    return sets;
  }
  void add(CategorySet& set, int64_t category) {
    if (category < 0 || category >= kMostCategories) fail(fmt::format("category {}", category));
    const auto word = static_cast<size_t>(category) / 32;
    if (set.bits.size() <= word) {
      category_words_ += word + 1 - set.bits.size();
      if (category_words_ > kMostCategoryWords) fail("too many categories");
      set.bits.resize(word + 1);
    }
    set.bits[word] |= 1U << (static_cast<size_t>(category) % 32);
  }

  // Written in the units of the results, summed in those of margins. "[5E-1,1E0]" since version 3.
  void read_base_score(const Json& parameters) {
    auto words = text(member(parameters, "base_score"));
    std::erase_if(words, [](char c) { return c == '[' || c == ']' || c == ' '; });
    std::vector<double> scores;
    for (const char* at = words.data(); at < words.data() + words.size();) {
      float value = 0;
      const auto [end, error] = std::from_chars(at, words.data() + words.size(), value);
      if (error != std::errc()) fail(fmt::format("'base_score' is '{}'", words.substr(0, 40)));
      scores.push_back(static_cast<double>(margin_of(value)));
      at = end + (end < words.data() + words.size() ? 1 : 0);
    }
    if (scores.size() == 1) scores.resize(model_.outputs, scores[0]);
    if (scores.size() != model_.outputs)
      fail(fmt::format("{} base scores for {} outputs", scores.size(), model_.outputs));
    model_.base_scores = std::move(scores);
  }
  float margin_of(float score) const {
    const auto logarithm = [](float x) {
      return static_cast<float>(kernels::natural_logarithm(static_cast<double>(x)));
    };
    if (objective_ == "binary:logistic" || objective_ == "reg:logistic") {
      if (!(score > 0 && score < 1)) fail("a base score outside of 0 .. 1");
      return -logarithm(1.0F / score - 1.0F);
    }
    if (model_.link == Link::exponential) {
      if (!(score > 0)) fail("a base score that is not positive");
      return logarithm(score);
    }
    return score;
  }

  const Json& json_;
  const std::string& file_;
  std::string objective_;
  size_t category_words_ = 0;
  TreeEnsemble model_;
};

}  // namespace

TreeEnsemble read_xgboost_json(std::string_view text, const std::string& file) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error(ErrorCode::corrupt, "this is no JSON").at({.file = file});
  return XgboostReader(json, file).read();
}

TreeEnsemble read_xgboost_ubj(std::string_view bytes, const std::string& file) {
  const Json json = read_ubjson(bytes, file);
  return XgboostReader(json, file).read();
}

}  // namespace geoloom::learn
