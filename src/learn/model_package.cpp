// SPDX-License-Identifier: Apache-2.0
#include "learn/model_package.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "error/error.h"
#include "gdal/dataset.h"
#include "learn/model_formats.h"
#include "store/checksum.h"
#include "store/zip_file.h"

namespace geoloom::learn {
namespace {

constexpr uint64_t kMostCardBytes = uint64_t{64} << 20;
// Planes are scaled, and rows made, so many pixels at a time.
constexpr size_t kChunkPixels = 16384;

// JSON of ours, and of XGBoost, begins alike.
std::optional<LinearModel> linear_model(std::string_view bytes, const std::string& path) {
  if (bytes.find("\"geoloom_linear_model\"") == std::string_view::npos) return std::nullopt;
  const auto json = nlohmann::json::parse(bytes, nullptr, false);
  if (!json.is_object() || !json.contains("geoloom_linear_model")) return std::nullopt;
  return linear_model_from_json(json, path);
}

// What the model file says of itself.
struct Facts {
  Task task;
  std::vector<std::string> features;
  size_t outputs, results;
};
Facts facts_of(const TreePredictor& predictor) {
  const auto& e = predictor.ensemble();
  return {e.task, e.features, e.outputs, e.result_width()};
}
Facts facts_of(const LinearModel& model) {
  auto names = model.features;
  names.resize(model.columns());
  return {model.task, std::move(names), model.outputs(), model.outputs()};
}

ModelCard card_of_linear(const LinearModel& model) {
  TreeEnsemble like;
  like.task = model.task;
  like.features = facts_of(model).features;
  like.class_values = model.class_values;
  like.class_names = model.class_names;
  like.origin = "geoloom linear model";
  return card_of(like);
}

using ModelContent = std::variant<TreeEnsemble, LinearModel>;

ModelContent read_content(std::string_view bytes, const std::string& path) {
  if (auto linear = linear_model(bytes, path)) return std::move(*linear);
  return read_tree_model(bytes, path);
}

ModelCard card_of_bare(const ModelContent& content, std::string_view bytes,
                       const std::string& path) {
  const auto* trees = std::get_if<TreeEnsemble>(&content);
  auto card = trees != nullptr ? card_of(*trees) : card_of_linear(std::get<LinearModel>(content));
  const std::filesystem::path place(path);
  card.name = place.stem().string();
  card.model_file = place.filename().string();
  card.model_sha256 = store::sha256_hex(bytes);
  return card;
}

std::variant<TreePredictor, LinearModel> predictor_of(ModelContent content,
                                                      const std::string& path) {
  if (auto* linear = std::get_if<LinearModel>(&content)) return std::move(*linear);
  return TreePredictor(std::get<TreeEnsemble>(std::move(content)), path);
}

[[noreturn]] void throw_other_model(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::corrupt, "the model is not the one its card speaks of: " + what)
      .at({.file = path})
      .hint("take the package as it was written; to change a model, train it again");
}

// Names in the file win where it has any; the card's order is the model's columns.
void require_same_features(const ModelCard& card, const Facts& ensemble, const std::string& path) {
  if (card.features.size() != ensemble.features.size())
    throw_other_model(path, fmt::format("{} features instead of {}", ensemble.features.size(),
                                        card.features.size()));
  std::set<std::string> names;
  for (size_t i = 0; i < card.features.size(); ++i) {
    // LightGBM writes '_' for spaces.
    auto name = card.features[i].name;
    std::replace(name.begin(), name.end(), ' ', '_');
    auto in_file = ensemble.features[i];
    std::replace(in_file.begin(), in_file.end(), ' ', '_');
    if (!in_file.empty() && !name.empty() && name != in_file)
      throw_other_model(path, fmt::format("feature {} is '{}' instead of '{}'", i,
                                          ensemble.features[i], card.features[i].name));
    if (!card.features[i].name.empty() && !names.insert(card.features[i].name).second)
      throw_other_model(path, fmt::format("feature '{}' is there twice", card.features[i].name));
  }
}

void require_same_classes(const ModelCard& card, const Facts& ensemble, const std::string& path) {
  if (card.task != ensemble.task)
    throw_other_model(
        path, ensemble.task == Task::classification ? "it classifies" : "it does not classify");
  if (card.task == Task::regression && card.value_names.size() > 1 &&
      card.value_names.size() != ensemble.outputs)
    throw_other_model(
        path, fmt::format("{} outputs instead of {}", ensemble.outputs, card.value_names.size()));
  if (card.task == Task::classification && card.classes.size() != ensemble.results)
    throw_other_model(
        path, fmt::format("{} classes instead of {}", ensemble.results, card.classes.size()));
}

}  // namespace

bool is_package(std::string_view bytes) {
  return bytes.starts_with(std::string_view("PK\x03\x04", 4));
}

void write_model_package(const std::string& path, ModelPackage package) {
  auto& card = package.card;
  card.model_sha256 = store::sha256_hex(package.model);
  if (card.model_file.empty() || card.model_file == kCardName ||
      package.extra.contains(kCardName) || package.extra.contains(card.model_file))
    throw Error(ErrorCode::invalid,
                fmt::format("a package cannot hold a model named '{}' beside '{}'", card.model_file,
                            kCardName))
        .at({.file = path});
  store::ZipWriter zip(path);
  zip.add(kCardName, to_json(card).dump(1) + "\n");
  zip.add(card.model_file, package.model);
  for (const auto& [name, bytes] : package.extra) zip.add(name, bytes);
  zip.close();
}

ModelPackage read_model_package(const std::string& path, uint64_t limit_bytes) {
  return read_model_bytes(gdal::read_file(path, limit_bytes), path, limit_bytes);
}

namespace {

ModelCard card_in(const store::ZipReader& zip) {
  if (zip.find(kCardName) == nullptr)
    throw Error(ErrorCode::invalid,
                fmt::format("this is no model package: there is no {} in it", kCardName))
        .at({.file = zip.path()});
  const auto json = nlohmann::json::parse(zip.text(kCardName, kMostCardBytes), nullptr, false);
  if (json.is_discarded())
    throw Error(ErrorCode::corrupt, "the card is no JSON").at({.file = zip.path()});
  return model_card_from_json(json, zip.path());
}

}  // namespace

ModelCard read_model_card(const std::string& path) {
  std::array<char, 4> first{};
  std::ifstream(path, std::ios::binary).read(first.data(), first.size());
  if (is_package(std::string_view(first.data(), first.size())))
    return card_in(store::ZipReader(path));
  return read_model_package(path).card;
}

ModelPackage read_model_bytes(std::string bytes, const std::string& path, uint64_t limit_bytes) {
  if (!is_package(bytes)) {
    auto card = card_of_bare(read_content(bytes, path), bytes, path);
    return {std::move(card), std::move(bytes), {}};
  }
  const store::ZipReader zip(std::move(bytes), path);
  ModelPackage package;
  package.card = card_in(zip);
  package.model = zip.text(package.card.model_file, limit_bytes);
  uint64_t left = limit_bytes - package.model.size();
  if (store::sha256_hex(package.model) != package.card.model_sha256)
    throw_other_model(path, "its checksum differs");
  for (const auto& member : zip.members()) {
    if (member.name == kCardName || member.name == package.card.model_file) continue;
    auto content = zip.text(member.name, left);
    left -= content.size();
    package.extra[member.name] = std::move(content);
  }
  return package;
}

Model Model::open(const std::string& path) {
  return of_bytes(gdal::read_file(path, kMostModelBytes), path);
}

Model Model::of_bytes(std::string bytes, const std::string& path) {
  if (is_package(bytes)) return {read_model_bytes(std::move(bytes), path), path};
  // Large forests take seconds to read: once, for the card and for the trees.
  auto content = read_content(bytes, path);
  auto card = card_of_bare(content, bytes, path);
  return {std::move(card), {}, predictor_of(std::move(content), path), path};
}

Model::Model(ModelPackage package, const std::string& path)
    : Model(std::move(package.card), std::move(package.extra),
            predictor_of(read_content(package.model, path), path), path) {}

Model::Model(ModelCard card, std::map<std::string, std::string> extra, Predictor predictor,
             const std::string& path)
    : card_(std::move(card)), extra_(std::move(extra)), predictor_(std::move(predictor)) {
  const auto facts = std::visit([](const auto& model) { return facts_of(model); }, predictor_);
  require_same_features(card_, facts, path);
  require_same_classes(card_, facts, path);
  scales_ = std::any_of(card_.features.begin(), card_.features.end(), [](const auto& feature) {
    return feature.scale != 1 || feature.offset != 0;
  });
}

size_t Model::result_width() const {
  return std::visit([](const auto& model) { return facts_of(model).results; }, predictor_);
}

std::string Model::slow_reason() const {
  const auto* trees = std::get_if<TreePredictor>(&predictor_);
  return trees == nullptr ? "" : trees->slow_reason();
}

size_t Model::memory_bytes() const {
  const auto* trees = std::get_if<TreePredictor>(&predictor_);
  return trees == nullptr ? std::get<LinearModel>(predictor_).coefficients.size() * sizeof(double)
                          : trees->memory_bytes();
}

size_t Model::scratch_bytes() const {
  const auto* trees = std::get_if<TreePredictor>(&predictor_);
  if (trees != nullptr) return trees->scratch_bytes();
  return kChunkPixels * (sizeof(float) * card_.features.size() + sizeof(double) * result_width());
}

namespace {

void predict_linear(const LinearModel& model, std::span<const float* const> features, size_t first,
                    size_t pixels, const PredictorOutput& output) {
  const size_t columns = features.size(), width = model.outputs();
  std::vector<float> rows(pixels * columns);
  for (size_t p = 0; p < pixels; ++p)
    for (size_t f = 0; f < columns; ++f) rows[p * columns + f] = features[f][first + p];
  const auto results = model.predict(rows);
  for (size_t p = 0; p < pixels; ++p) {
    const double* const row = results.data() + p * width;
    const size_t at = first + p;
    for (size_t i = 0; i < width; ++i) {
      if (output.results != nullptr)
        output.results[i * output.stride + at] = static_cast<float>(row[i]);
      if (output.exact_results != nullptr) output.exact_results[i * output.stride + at] = row[i];
    }
    if (output.best_class != nullptr)
      output.best_class[at] = static_cast<uint16_t>(std::max_element(row, row + width) - row);
  }
}

}  // namespace

void Model::predict_as_given(std::span<const float* const> features, size_t pixels,
                             const PredictorOutput& output, PredictorScratch& scratch) const {
  if (const auto* trees = std::get_if<TreePredictor>(&predictor_))
    return trees->predict(features, pixels, output, scratch);
  for (size_t first = 0; first < pixels; first += kChunkPixels)
    predict_linear(std::get<LinearModel>(predictor_), features, first,
                   std::min(kChunkPixels, pixels - first), output);
}

void Model::predict(std::span<const float* const> features, size_t pixels,
                    const PredictorOutput& output, PredictorScratch& scratch) const {
  if (!scales_) return predict_as_given(features, pixels, output, scratch);
  std::vector<std::vector<float>> scaled(features.size(), std::vector<float>(kChunkPixels));
  std::vector<const float*> pointers;
  for (const auto& plane : scaled) pointers.push_back(plane.data());
  for (size_t first = 0; first < pixels; first += kChunkPixels) {
    const size_t count = std::min(kChunkPixels, pixels - first);
    for (size_t f = 0; f < features.size(); ++f) {
      const auto scale = static_cast<float>(card_.features[f].scale);
      const auto offset = static_cast<float>(card_.features[f].offset);
      for (size_t p = 0; p < count; ++p) scaled[f][p] = features[f][first + p] * scale + offset;
    }
    const auto moved = [&](auto* plane) { return plane == nullptr ? nullptr : plane + first; };
    predict_as_given(pointers, count,
                     {.results = moved(output.results),
                      .exact_results = moved(output.exact_results),
                      .best_class = moved(output.best_class),
                      .sums = moved(output.sums),
                      .stride = output.stride},
                     scratch);
  }
}

}  // namespace geoloom::learn
