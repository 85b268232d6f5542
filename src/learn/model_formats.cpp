// SPDX-License-Identifier: Apache-2.0
#include "learn/model_formats.h"

#include "error/error.h"
#include "learn/forest_file.h"

namespace geoloom::learn {

std::string_view name(ModelFormat format) {
  switch (format) {
    case ModelFormat::lightgbm_text:
      return "LightGBM text";
    case ModelFormat::xgboost_json:
      return "XGBoost JSON";
    case ModelFormat::xgboost_ubj:
      return "XGBoost UBJSON";
    case ModelFormat::onnx:
      return "ONNX";
    case ModelFormat::forest:
      return "forest of Geoloom";
    default:
      return "unknown";
  }
}

ModelFormat format_of(std::string_view bytes) {
  if (bytes.starts_with("tree\n") || bytes.starts_with("tree\r\n"))
    return ModelFormat::lightgbm_text;
  if (bytes.starts_with("{")) {
    // In JSON, a name or space follows; in UBJSON, the type of a length or a count.
    const char next = bytes.size() > 1 ? bytes[1] : ' ';
    return std::string_view("\" \t\r\n}").find(next) != std::string_view::npos
               ? ModelFormat::xgboost_json
               : ModelFormat::xgboost_ubj;
  }
  // Safetensors: the length of a header, and the header, an object of JSON.
  if (bytes.size() > 8 && bytes[8] == '{' && bytes[7] == 0) return ModelFormat::forest;
  // ir_version, the first member of a model, is a small number.
  if (bytes.size() > 2 && bytes[0] == 8 && bytes[1] > 0 && bytes[1] < 64) return ModelFormat::onnx;
  return ModelFormat::unknown;
}

TreeEnsemble read_tree_model(std::string_view bytes, const std::string& file) {
  switch (format_of(bytes)) {
    case ModelFormat::lightgbm_text:
      return read_lightgbm_text(bytes, file);
    case ModelFormat::xgboost_json:
      return read_xgboost_json(bytes, file);
    case ModelFormat::xgboost_ubj:
      return read_xgboost_ubj(bytes, file);
    case ModelFormat::onnx:
      return read_onnx_trees(bytes, file);
    case ModelFormat::forest:
      return read_forest_file(bytes, file);
    default:
      throw Error(ErrorCode::invalid, "this is no model in a known format")
          .at({.file = file})
          .hint(
              "LightGBM's text, XGBoost's JSON or UBJSON and ONNX are read; convert scikit-learn's "
              "models with skl2onnx");
  }
}

}  // namespace geoloom::learn
