// SPDX-License-Identifier: Apache-2.0
#include "learn/lightgbm_library.h"

#include <fmt/format.h>

namespace geoloom::learn {
namespace {

const LibraryNames kNames{
    .title = "LightGBM",
    .variable = "GEOLOOM_LIGHTGBM",
    .package = "lightgbm",
    .in_packages = {"lightgbm/lib/lib_lightgbm.so", "lightgbm/lib_lightgbm.so"},
    .file = "lib_lightgbm.so"};

// What it has to say comes with its errors; the terminal is not its own.
void say_nothing(const char*) {}

}  // namespace

LightGbmLibrary::LightGbmLibrary() : library(kNames) {
  library.bind(last_error, "LGBM_GetLastError");
  library.bind(register_log, "LGBM_RegisterLogCallback");
  library.bind(dump_aliases, "LGBM_DumpParamAliases");
  library.bind(dataset_from_matrix, "LGBM_DatasetCreateFromMat");
  library.bind(dataset_set_field, "LGBM_DatasetSetField");
  library.bind(dataset_set_names, "LGBM_DatasetSetFeatureNames");
  library.bind(dataset_free, "LGBM_DatasetFree");
  library.bind(booster_create, "LGBM_BoosterCreate");
  library.bind(booster_add_valid, "LGBM_BoosterAddValidData");
  library.bind(booster_update, "LGBM_BoosterUpdateOneIter");
  library.bind(booster_eval_count, "LGBM_BoosterGetEvalCounts");
  library.bind(booster_eval_names, "LGBM_BoosterGetEvalNames");
  library.bind(booster_eval, "LGBM_BoosterGetEval");
  library.bind(booster_save, "LGBM_BoosterSaveModelToString");
  library.bind(booster_importance, "LGBM_BoosterFeatureImportance");
  library.bind(booster_predict, "LGBM_BoosterPredictForMat");
  library.bind(booster_free, "LGBM_BoosterFree");
  check(register_log(say_nothing), "is set up");
}

const LightGbmLibrary& LightGbmLibrary::loaded() {
  static const LightGbmLibrary library;
  return library;
}

void LightGbmLibrary::check(int status, const char* doing) const {
  if (status == 0) return;
  throw Error(ErrorCode::invalid, fmt::format("LightGBM refuses while it {}", doing))
      .cause(last_error());
}

}  // namespace geoloom::learn
