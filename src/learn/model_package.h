// SPDX-License-Identifier: Apache-2.0
// A model as one file: a zip of its card (card.json) and the model file as its own library writes
// it, stored as it is, so that it can be taken out and used elsewhere. Files of other libraries
// without a card are opened too.
//
//   model.txt                   LightGBM       model.ubj, model.json   XGBoost
//   forest.safetensors          our forests    linear.json             logistic and linear models
//   model.onnx                  ONNX
//
// Further members, such as an area of applicability, travel along under names of their own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "learn/linear_model.h"
#include "learn/model_card.h"
#include "learn/tree_predictor.h"

namespace geoloom::learn {

inline constexpr const char* kCardName = "card.json";
// As STAC's MLM extension tells whose model a file is.
inline constexpr const char* kModelMediaType = "application/zip; application=geoloom";

struct ModelPackage {
  ModelCard card;
  std::string model;                         // bytes of card.model_file
  std::map<std::string, std::string> extra;  // by member's name
};

// The card gets the model's sha256. The same package gives the same bytes. Throws Error(invalid)
// for a member's name that is used twice or not plain, and as ZipWriter does.
void write_model_package(const std::string& path, ModelPackage package);
bool is_package(std::string_view first_bytes);
// A package, or a bare model file, which comes with the card that card_of() makes and the file's
// name as its name. Throws Error: missing, denied (larger than `limit_bytes`, or a hostile zip),
// corrupt (also where the model is not the one the card speaks of), invalid.
inline constexpr uint64_t kMostModelBytes = uint64_t{4} << 30;
ModelPackage read_model_package(const std::string& path, uint64_t limit_bytes = kMostModelBytes);
// The same of bytes that are in memory; `path` is their place in messages.
ModelPackage read_model_bytes(std::string bytes, const std::string& path,
                              uint64_t limit_bytes = kMostModelBytes);

// The card alone, of a package or of a bare file: of a package nothing else is read. Throws as
// read_model_package().
ModelCard read_model_card(const std::string& path);

// A model ready to predict.
class Model {
 public:
  // Throws where the model is damaged, or is not what its card says: other features, other classes.
  Model(ModelPackage package, const std::string& path);
  // Of a package or a bare file, which throw as read_model_package() does.
  static Model open(const std::string& path);
  static Model of_bytes(std::string bytes, const std::string& path);

  const ModelCard& card() const { return card_; }
  const std::map<std::string, std::string>& extra() const { return extra_; }
  // Probabilities per pixel of a classification, values of a regression.
  size_t result_width() const;
  // features[f] are the values of the card's feature f, before its scale; NaN where missing.
  void predict(std::span<const float* const> features, size_t pixels, const PredictorOutput& output,
               PredictorScratch& scratch) const;
  // See TreePredictor.
  std::string slow_reason() const;
  size_t memory_bytes() const;
  size_t scratch_bytes() const;

 private:
  using Predictor = std::variant<TreePredictor, LinearModel>;
  Model(ModelCard card, std::map<std::string, std::string> extra, Predictor predictor,
        const std::string& path);
  void predict_as_given(std::span<const float* const> features, size_t pixels,
                        const PredictorOutput& output, PredictorScratch& scratch) const;

  ModelCard card_;
  std::map<std::string, std::string> extra_;
  Predictor predictor_;
  bool scales_ = false;
};

}  // namespace geoloom::learn
