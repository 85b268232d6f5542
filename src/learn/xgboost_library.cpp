// SPDX-License-Identifier: Apache-2.0
#include "learn/xgboost_library.h"

#include <fmt/format.h>

namespace geoloom::learn {
namespace {

const LibraryNames kNames{.title = "XGBoost",
                          .variable = "GEOLOOM_XGBOOST",
                          .package = "xgboost",
                          .in_packages = {"xgboost/lib/libxgboost.so"},
                          .file = "libxgboost.so"};

// What it has to say comes with its errors; the terminal is not its own.
void say_nothing(const char*) {}

}  // namespace

XgboostLibrary::XgboostLibrary() : library(kNames) {
  library.bind(last_error, "XGBGetLastError");
  library.bind(version, "XGBoostVersion");
  library.bind(register_log, "XGBRegisterLogCallback");
  library.bind(matrix_from_dense, "XGDMatrixCreateFromDense");
  library.bind(matrix_set_info, "XGDMatrixSetInfoFromInterface");
  library.bind(matrix_free, "XGDMatrixFree");
  library.bind(booster_create, "XGBoosterCreate");
  library.bind(booster_set, "XGBoosterSetParam");
  library.bind(booster_set_names, "XGBoosterSetStrFeatureInfo");
  library.bind(booster_update, "XGBoosterUpdateOneIter");
  library.bind(booster_eval, "XGBoosterEvalOneIter");
  library.bind(booster_predict, "XGBoosterPredictFromDMatrix");
  library.bind(booster_slice, "XGBoosterSlice");
  library.bind(booster_save, "XGBoosterSaveModelToBuffer");
  library.bind(booster_score, "XGBoosterFeatureScore");
  library.bind(booster_free, "XGBoosterFree");
  check(register_log(say_nothing), "is set up");
}

const XgboostLibrary& XgboostLibrary::loaded() {
  static const XgboostLibrary library;
  return library;
}

void XgboostLibrary::check(int status, const char* doing) const {
  if (status == 0) return;
  // Its errors are stack traces; the first line says what is wrong.
  const std::string words = last_error();
  throw Error(ErrorCode::invalid, fmt::format("XGBoost refuses while it {}", doing))
      .cause(words.substr(0, words.find("\nStack trace")));
}

}  // namespace geoloom::learn
