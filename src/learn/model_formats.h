// SPDX-License-Identifier: Apache-2.0
// Tree models as other libraries write them, read as they are: with each library's comparison, its
// rules for missing values and the precision of its sums. Files may come from anybody: whatever the
// bytes are, the result is an ensemble that validate() has passed, or an Error.
//
//   LightGBM   text (Booster.save_model): all objectives with constant leaves; version 2 to 4
//   XGBoost    JSON and UBJSON (Booster.save_model): gbtree, one target per tree
//   ONNX       one TreeEnsembleClassifier or -Regressor of ai.onnx.ml (skl2onnx, onnxmltools), with
//              the ZipMap, Cast, Identity and Reshape around it
//   ours       forests (forest_file.h)
//
// Throws Error(corrupt) for what is damaged, Error(invalid) for what is whole but not supported.
#pragma once

#include <string>
#include <string_view>

#include "learn/tree_ensemble.h"

namespace geoloom::learn {

TreeEnsemble read_lightgbm_text(std::string_view text, const std::string& file);
TreeEnsemble read_xgboost_json(std::string_view text, const std::string& file);
TreeEnsemble read_xgboost_ubj(std::string_view bytes, const std::string& file);
TreeEnsemble read_onnx_trees(std::string_view bytes, const std::string& file);

enum class ModelFormat { lightgbm_text, xgboost_json, xgboost_ubj, onnx, forest, unknown };
std::string_view name(ModelFormat format);
// By what the file begins with; a guess, which reading confirms.
ModelFormat format_of(std::string_view bytes);

// A model of any of these formats. Throws Error(invalid) where it is none of them.
TreeEnsemble read_tree_model(std::string_view bytes, const std::string& file);

}  // namespace geoloom::learn
