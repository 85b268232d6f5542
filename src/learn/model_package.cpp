// SPDX-License-Identifier: Apache-2.0
#include "learn/model_package.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "error/error.h"
#include "gdal/dataset.h"
#include "learn/model_formats.h"
#include "store/checksum.h"
#include "store/zip_file.h"

namespace geoloom::learn {
namespace {

constexpr uint64_t kMostCardBytes = uint64_t{64} << 20;
// Planes are scaled so many pixels at a time.
constexpr size_t kScaledPixels = 16384;

ModelPackage bare_model(std::string bytes, const std::string& path) {
  ModelPackage package;
  package.model = std::move(bytes);
  const std::filesystem::path place(path);
  package.card = card_of(read_tree_model(package.model, path));
  package.card.name = place.stem().string();
  package.card.model_file = place.filename().string();
  package.card.model_sha256 = store::sha256_hex(package.model);
  return package;
}

TreeEnsemble ensemble_of(const ModelPackage& package, const std::string& path) {
  return read_tree_model(package.model, path);
}

[[noreturn]] void throw_other_model(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::corrupt, "the model is not the one its card speaks of: " + what)
      .at({.file = path})
      .hint("take the package as it was written; to change a model, train it again");
}

// Names in the file win where it has any; the card's order is the model's columns.
void require_same_features(const ModelCard& card, const TreeEnsemble& ensemble,
                           const std::string& path) {
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

void require_same_classes(const ModelCard& card, const TreeEnsemble& ensemble,
                          const std::string& path) {
  if (card.task != ensemble.task)
    throw_other_model(
        path, ensemble.task == Task::classification ? "it classifies" : "it does not classify");
  if (card.task == Task::regression && card.value_names.size() > 1 &&
      card.value_names.size() != ensemble.outputs)
    throw_other_model(
        path, fmt::format("{} outputs instead of {}", ensemble.outputs, card.value_names.size()));
  if (card.task == Task::classification && card.classes.size() != ensemble.result_width())
    throw_other_model(path, fmt::format("{} classes instead of {}", ensemble.result_width(),
                                        card.classes.size()));
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

ModelPackage read_model_bytes(std::string bytes, const std::string& path, uint64_t limit_bytes) {
  if (!is_package(bytes)) return bare_model(std::move(bytes), path);
  const store::ZipReader zip(std::move(bytes), path);
  if (zip.find(kCardName) == nullptr)
    throw Error(ErrorCode::invalid,
                fmt::format("this is no model package: there is no {} in it", kCardName))
        .at({.file = path});
  const auto json = nlohmann::json::parse(zip.text(kCardName, kMostCardBytes), nullptr, false);
  if (json.is_discarded())
    throw Error(ErrorCode::corrupt, "the card is no JSON").at({.file = path});
  ModelPackage package;
  package.card = model_card_from_json(json, path);
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

Model::Model(ModelPackage package, const std::string& path)
    : card_(package.card),
      extra_(std::move(package.extra)),
      predictor_(ensemble_of(package, path), path) {
  require_same_features(card_, predictor_.ensemble(), path);
  require_same_classes(card_, predictor_.ensemble(), path);
  scales_ = std::any_of(card_.features.begin(), card_.features.end(), [](const auto& feature) {
    return feature.scale != 1 || feature.offset != 0;
  });
}

void Model::predict(std::span<const float* const> features, size_t pixels,
                    const PredictorOutput& output, PredictorScratch& scratch) const {
  if (!scales_) return predictor_.predict(features, pixels, output, scratch);
  std::vector<std::vector<float>> scaled(features.size(), std::vector<float>(kScaledPixels));
  std::vector<const float*> pointers;
  for (const auto& plane : scaled) pointers.push_back(plane.data());
  for (size_t first = 0; first < pixels; first += kScaledPixels) {
    const size_t count = std::min(kScaledPixels, pixels - first);
    for (size_t f = 0; f < features.size(); ++f) {
      const auto scale = static_cast<float>(card_.features[f].scale);
      const auto offset = static_cast<float>(card_.features[f].offset);
      for (size_t p = 0; p < count; ++p) scaled[f][p] = features[f][first + p] * scale + offset;
    }
    const auto moved = [&](auto* plane) { return plane == nullptr ? nullptr : plane + first; };
    predictor_.predict(pointers, count,
                       {.results = moved(output.results),
                        .exact_results = moved(output.exact_results),
                        .best_class = moved(output.best_class),
                        .sums = moved(output.sums),
                        .stride = output.stride},
                       scratch);
  }
}

}  // namespace geoloom::learn
