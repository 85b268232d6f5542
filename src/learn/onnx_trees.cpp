// SPDX-License-Identifier: Apache-2.0
// ONNX's tree ensembles, version 1 and 3 of the operators. Members of messages are known by their
// numbers in onnx.proto3. What the text of the standard leaves open (binary classes, base values)
// is as ONNX Runtime does it, in float32.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <utility>

#include "error/error.h"
#include "learn/model_formats.h"
#include "learn/protobuf_fields.h"

namespace geoloom::learn {
namespace {

constexpr size_t kMostOutputs = 4096;
constexpr size_t kMostLeafValues = size_t{1} << 28;

struct Attribute {
  float real = 0;
  int64_t integer = 0;
  std::string_view text;
  std::vector<float> reals;
  std::vector<int64_t> integers;
  std::vector<std::string_view> texts;
};

struct OnnxNode {
  std::string_view type;
  std::map<std::string_view, Attribute> attributes;
};

class OnnxFile {
 public:
  OnnxFile(std::string_view bytes, const std::string& file) : file_(file) {
    each(bytes, [&](const auto& field) {
      if (field.number == 7 && field.type == 2) graph(field.bytes);
    });
  }
  const std::vector<OnnxNode>& nodes() const { return nodes_; }
  size_t input_width() const { return input_width_; }

 private:
  template <class Body>
  void each(std::string_view bytes, Body body) {
    ProtobufFields fields(bytes, file_);
    while (const auto field = fields.next()) body(*field);
  }
  void graph(std::string_view bytes) {
    each(bytes, [&](const auto& field) {
      if (field.number == 1 && field.type == 2) node(field.bytes);
      if (field.number == 11 && field.type == 2) input(field.bytes);
    });
  }
  void node(std::string_view bytes) {
    auto& added = nodes_.emplace_back();
    each(bytes, [&](const auto& field) {
      if (field.number == 4 && field.type == 2) added.type = field.bytes;
      if (field.number == 5 && field.type == 2) attribute(field.bytes, added);
    });
  }
  void attribute(std::string_view bytes, OnnxNode& node) {
    std::string_view name;
    Attribute value;
    each(bytes, [&](const auto& field) {
      switch (field.number) {
        case 1:
          name = field.bytes;
          break;
        case 2:
          value.real = std::bit_cast<float>(static_cast<uint32_t>(field.value));
          break;
        case 3:
          value.integer = static_cast<int64_t>(field.value);
          break;
        case 4:
          value.text = field.bytes;
          break;
        case 7:
          add_reals(field, value.reals);
          break;
        case 8:
          add_integers(field, value.integers);
          break;
        case 9:
          value.texts.push_back(field.bytes);
          break;
        default:
          break;
      }
    });
    node.attributes[name] = std::move(value);
  }
  // Repeated numbers come one by one or packed.
  void add_reals(const ProtobufFields::Field& field, std::vector<float>& to) {
    if (field.type != 2)
      return to.push_back(std::bit_cast<float>(static_cast<uint32_t>(field.value)));
    for (ProtobufFields packed(field.bytes, file_); !packed.empty();)
      to.push_back(std::bit_cast<float>(static_cast<uint32_t>(packed.fixed(4))));
  }
  void add_integers(const ProtobufFields::Field& field, std::vector<int64_t>& to) {
    if (field.type != 2) return to.push_back(static_cast<int64_t>(field.value));
    for (ProtobufFields packed(field.bytes, file_); !packed.empty();)
      to.push_back(static_cast<int64_t>(packed.varint()));
  }
  // ValueInfo: type (2), tensor type (1), shape (2), the last dimension (1), its value (1).
  void input(std::string_view bytes) {
    const auto inside = [&](std::string_view outer, uint32_t number) {
      std::string_view found;
      each(outer, [&](const auto& field) {
        if (field.number == number && field.type == 2) found = field.bytes;
      });
      return found;
    };
    const auto dimension = inside(inside(inside(inside(bytes, 2), 1), 2), 1);
    each(dimension, [&](const auto& field) {
      if (field.number == 1 && field.type == 0 && field.value < size_t{1} << 20)
        input_width_ = static_cast<size_t>(field.value);
    });
  }

  const std::string& file_;
  std::vector<OnnxNode> nodes_;
  size_t input_width_ = 0;
};

class OnnxTrees {
 public:
  OnnxTrees(const OnnxNode& node, size_t input_width, const std::string& file)
      : node_(node),
        file_(file),
        classifies_(node.type == "TreeEnsembleClassifier"),
        input_is_known_(input_width > 0) {
    model_.sum_type = SumType::float32;
    model_.base_is_first = false;
    model_.origin = "ONNX " + std::string(node.type);
    model_.features.resize(input_width);
  }

  TreeEnsemble read() {
    refuse_doubles();
    read_nodes();
    read_outputs();
    read_leaves();
    set_link();
    validate(model_, file_);
    return std::move(model_);
  }

 private:
  using Key = std::pair<int64_t, int64_t>;  // tree, node
  struct Place {
    size_t tree, node;
  };
  struct LeafEntry {
    size_t output;
    float weight;
  };

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::corrupt, "this is no whole tree ensemble of ONNX: " + what)
        .at({.file = file_});
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Error(ErrorCode::invalid, "an ONNX tree ensemble with " + what + " is not supported")
        .at({.file = file_});
  }

  const Attribute* find(const std::string& name) const {
    const auto found = node_.attributes.find(name);
    return found == node_.attributes.end() ? nullptr : &found->second;
  }
  const std::vector<int64_t>& integers(const std::string& name, size_t count) const {
    const auto* found = find(name);
    if (found == nullptr || found->integers.size() != count)
      fail(fmt::format("'{}' does not have {} values", name, count));
    return found->integers;
  }
  void refuse_doubles() const {
    for (const auto& [name, value] : node_.attributes)
      if (name.ends_with("_as_tensor")) unsupported("numbers in double precision");
  }

  void read_nodes() {
    const auto* modes = find("nodes_modes");
    if (modes == nullptr || modes->texts.empty()) fail("it has no nodes");
    const size_t count = modes->texts.size();
    const auto& trees = integers("nodes_treeids", count);
    const auto& numbers = integers("nodes_nodeids", count);
    std::map<int64_t, size_t> tree_places;
    for (size_t i = 0; i < count; ++i) {
      const auto [tree, is_new] = tree_places.emplace(trees[i], model_.trees.size());
      if (is_new) model_.trees.emplace_back();
      auto& nodes = model_.trees[tree->second].nodes;
      if (!places_.emplace(Key{trees[i], numbers[i]}, Place{tree->second, nodes.size()}).second)
        fail(fmt::format("node {} of tree {} is there twice", numbers[i], trees[i]));
      nodes.emplace_back();
    }
    leaves_.resize(model_.trees.size());
    for (size_t t = 0; t < model_.trees.size(); ++t)
      leaves_[t].resize(model_.trees[t].nodes.size());
    for (size_t i = 0; i < count; ++i) read_node(i, count);
  }

  void read_node(size_t i, size_t count) {
    const int64_t tree = find("nodes_treeids")->integers[i];
    const auto place = places_.at({tree, find("nodes_nodeids")->integers[i]});
    auto& node = model_.trees[place.tree].nodes[place.node];
    const auto mode = find("nodes_modes")->texts[i];
    if (mode == "LEAF") return;
    const auto* values = find("nodes_values");
    if (values == nullptr || values->reals.size() != count) fail("thresholds are missing");
    const auto* tracks = find("nodes_missing_value_tracks_true");
    const bool missing_is_true =
        tracks != nullptr && i < tracks->integers.size() && tracks->integers[i] != 0;
    const int64_t feature = integers("nodes_featureids", count)[i];
    if (feature < 0 || feature >= int64_t{1} << 20) fail(fmt::format("feature {}", feature));
    if (model_.features.size() <= static_cast<size_t>(feature)) {
      if (input_is_known_) fail(fmt::format("feature {} of {}", feature, model_.features.size()));
      model_.features.resize(static_cast<size_t>(feature) + 1);
    }
    node.feature = static_cast<int32_t>(feature);
    const int32_t if_true = child(tree, integers("nodes_truenodeids", count)[i]);
    const int32_t if_false = child(tree, integers("nodes_falsenodeids", count)[i]);
    set_comparison(mode, values->reals[i], node);
    const bool swapped = mode == "BRANCH_GT" || mode == "BRANCH_GTE";
    node.left = swapped ? if_false : if_true;
    node.right = swapped ? if_true : if_false;
    node.missing_left = missing_is_true != swapped;
  }

  // All as x <= t, which is the same for float32 numbers.
  void set_comparison(std::string_view mode, float threshold, TreeNode& node) const {
    const bool strict = mode == "BRANCH_LT" || mode == "BRANCH_GTE";
    if (!strict && mode != "BRANCH_LEQ" && mode != "BRANCH_GT")
      unsupported("nodes of the mode " + std::string(mode.substr(0, 40)));
    if (strict && std::isinf(threshold)) unsupported("infinite thresholds");
    node.threshold = static_cast<double>(
        strict ? std::nextafter(threshold, -std::numeric_limits<float>::infinity()) : threshold);
  }
  int32_t child(int64_t tree, int64_t number) const {
    const auto found = places_.find({tree, number});
    if (found == places_.end()) fail(fmt::format("node {} of tree {} is not there", number, tree));
    return static_cast<int32_t>(found->second.node);
  }

  void read_outputs() {
    if (!classifies_) {
      const auto* targets = find("n_targets");
      const int64_t count = targets == nullptr ? 1 : targets->integer;
      if (count < 1 || count > static_cast<int64_t>(kMostOutputs))
        fail(fmt::format("{} targets", count));
      model_.outputs = static_cast<size_t>(count);
      return;
    }
    model_.task = Task::classification;
    const auto* numbers = find("classlabels_int64s");
    const auto* names = find("classlabels_strings");
    if (numbers != nullptr && !numbers->integers.empty()) {
      model_.class_values = numbers->integers;
    } else if (names != nullptr) {
      for (const auto name : names->texts) {
        model_.class_values.push_back(static_cast<int64_t>(model_.class_names.size()));
        model_.class_names.emplace_back(name);
      }
    }
    if (model_.class_values.size() < 2 || model_.class_values.size() > kMostOutputs)
      fail(fmt::format("{} classes", model_.class_values.size()));
    model_.outputs = model_.class_values.size();
  }

  // Entries (leaf, output, weight). A binary classifier may have one output only.
  void read_leaves() {
    const std::string kind = classifies_ ? "class" : "target";
    const auto* weights = find(kind + "_weights");
    if (weights == nullptr) fail("leaves have no values");
    const size_t count = weights->reals.size();
    const auto& trees = integers(kind + "_treeids", count);
    const auto& numbers = integers(kind + "_nodeids", count);
    const auto& ids = integers(kind + "_ids", count);
    const bool one_id =
        std::adjacent_find(ids.begin(), ids.end(), std::not_equal_to<>()) == ids.end();
    is_binary_ = classifies_ && model_.outputs == 2 && one_id;
    if (is_binary_) model_.outputs = 1;
    for (size_t i = 0; i < count; ++i) {
      const auto found = places_.find({trees[i], numbers[i]});
      if (found == places_.end()) fail("a value of a leaf that is not there");
      const size_t output = is_binary_ ? 0 : static_cast<size_t>(ids[i]);
      if (output >= model_.outputs) fail(fmt::format("a value for output {}", ids[i]));
      all_positive_ = all_positive_ && weights->reals[i] >= 0;
      leaves_[found->second.tree][found->second.node].push_back({output, weights->reals[i]});
    }
    make_rows();
  }

  // Where each tree serves one output, leaves are single values.
  void make_rows() {
    bool single = true;
    for (const auto& tree : leaves_) single = single && output_of(tree) >= 0;
    model_.leaf_width = single ? 1 : model_.outputs;
    for (size_t t = 0; t < model_.trees.size(); ++t) {
      if (single) model_.trees[t].output = output_of(leaves_[t]);
      for (size_t n = 0; n < leaves_[t].size(); ++n) {
        auto& node = model_.trees[t].nodes[n];
        if (!node.is_leaf()) continue;
        node.leaf = static_cast<int32_t>(model_.leaf_rows());
        if (model_.leaf_values.size() + model_.leaf_width > kMostLeafValues)
          fail("too many leaves");
        model_.leaf_values.resize(model_.leaf_values.size() + model_.leaf_width);
        double* const row = &model_.leaf_values[model_.leaf_values.size() - model_.leaf_width];
        for (const auto& entry : leaves_[t][n])
          row[single ? 0 : entry.output] += static_cast<double>(entry.weight);
      }
    }
  }
  // The only output of a tree, 0 of one without values, -1 of one with several.
  static int32_t output_of(const std::vector<std::vector<LeafEntry>>& tree) {
    int32_t output = -1;
    for (const auto& leaf : tree)
      for (const auto& entry : leaf) {
        if (output >= 0 && static_cast<size_t>(output) != entry.output) return -1;
        output = static_cast<int32_t>(entry.output);
      }
    return std::max(output, 0);
  }

  void set_link() {
    const auto* base = find("base_values");
    if (base != nullptr && !base->reals.empty()) {
      if (base->reals.size() != model_.outputs)
        unsupported(
            fmt::format("{} base values for {} outputs", base->reals.size(), model_.outputs));
      model_.base_scores.assign(base->reals.begin(), base->reals.end());
    }
    const auto* aggregate = find("aggregate_function");
    if (aggregate != nullptr && aggregate->text == "AVERAGE")
      model_.divisor = static_cast<double>(model_.trees.size());
    else if (aggregate != nullptr && !aggregate->text.empty() && aggregate->text != "SUM")
      unsupported("the aggregate function " + std::string(aggregate->text.substr(0, 40)));
    const auto* transform = find("post_transform");
    const auto post = transform == nullptr || transform->text.empty() ? "NONE" : transform->text;
    if (is_binary_) return set_binary_link(post);
    if (post == "SOFTMAX")
      model_.link = Link::softmax;
    else if (post == "LOGISTIC")
      model_.link = Link::one_against_rest;
    else if (post == "NONE")
      model_.link = classifies_ ? Link::class_distribution : Link::identity;
    else
      unsupported("the transform " + std::string(post.substr(0, 40)));
    // ONNX Runtime tells two classes by the sign of one of them.
    if (classifies_ && model_.outputs == 2 && post != "NONE")
      unsupported("two classes and two scores");
  }
  void set_binary_link(std::string_view post) {
    if (post == "NONE" && all_positive_)
      model_.link = Link::second_class;
    else if (post == "LOGISTIC" && !all_positive_)
      model_.link = Link::logistic;
    else
      unsupported("one score for two classes and the transform " + std::string(post.substr(0, 40)));
  }

  const OnnxNode& node_;
  const std::string& file_;
  const bool classifies_;
  const bool input_is_known_;
  TreeEnsemble model_;
  std::map<Key, Place> places_;
  std::vector<std::vector<std::vector<LeafEntry>>> leaves_;  // by tree and node
  bool is_binary_ = false;
  bool all_positive_ = true;
};

}  // namespace

TreeEnsemble read_onnx_trees(std::string_view bytes, const std::string& file) {
  const OnnxFile onnx(bytes, file);
  const OnnxNode* trees = nullptr;
  for (const auto& node : onnx.nodes()) {
    const bool is_trees =
        node.type == "TreeEnsembleClassifier" || node.type == "TreeEnsembleRegressor";
    const bool is_around = node.type == "ZipMap" || node.type == "Cast" ||
                           node.type == "Identity" || node.type == "Reshape";
    if (is_trees && trees == nullptr) {
      trees = &node;
    } else if (!is_around) {
      throw Error(ErrorCode::invalid,
                  fmt::format("an ONNX model with the operator '{}'{} is not supported",
                              node.type.substr(0, 60), is_trees ? " twice" : ""))
          .at({.file = file})
          .hint("convert the trees alone; scale features in the workflow");
    }
  }
  if (trees == nullptr)
    throw Error(onnx.nodes().empty() ? ErrorCode::corrupt : ErrorCode::invalid,
                "this ONNX model holds no tree ensemble")
        .at({.file = file})
        .hint("TreeEnsembleClassifier and TreeEnsembleRegressor are read");
  return OnnxTrees(*trees, onnx.input_width(), file).read();
}

}  // namespace geoloom::learn
