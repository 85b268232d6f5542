// SPDX-License-Identifier: Apache-2.0
// XGBoost's C interface, the part that training needs, bound to the library that is found when
// somebody trains with it (shared_library.h). Declared here, as no distribution has its headers;
// these functions have been as they are since XGBoost 1.6.
#pragma once

#include <cstdint>

#include "learn/shared_library.h"

namespace geoloom::learn {

struct XgboostLibrary {
  using Handle = void*;

  // Loaded once per process. Throws as SharedLibrary does.
  static const XgboostLibrary& loaded();

  SharedLibrary library;
  const char* (*last_error)() = nullptr;
  void (*version)(int* major, int* minor, int* patch) = nullptr;
  int (*register_log)(void (*)(const char*)) = nullptr;
  int (*matrix_from_dense)(const char* array, const char* settings, Handle* made) = nullptr;
  int (*matrix_set_info)(Handle, const char* field, const char* array) = nullptr;
  int (*matrix_free)(Handle) = nullptr;
  int (*booster_create)(const Handle* matrices, uint64_t count, Handle* made) = nullptr;
  int (*booster_set)(Handle, const char* name, const char* value) = nullptr;
  int (*booster_set_names)(Handle, const char* field, const char** names, uint64_t count) = nullptr;
  int (*booster_update)(Handle, int iteration, Handle matrix) = nullptr;
  int (*booster_eval)(Handle, int iteration, Handle* matrices, const char** names, uint64_t count,
                      const char** text) = nullptr;
  int (*booster_predict)(Handle, Handle matrix, const char* settings, const uint64_t** shape,
                         uint64_t* dimensions, const float** values) = nullptr;
  int (*booster_slice)(Handle, int first, int end, int step, Handle* made) = nullptr;
  int (*booster_save)(Handle, const char* settings, uint64_t* length, const char** bytes) = nullptr;
  int (*booster_score)(Handle, const char* settings, uint64_t* names_count, const char*** names,
                       uint64_t* dimensions, const uint64_t** shape,
                       const float** scores) = nullptr;
  int (*booster_free)(Handle) = nullptr;

  // Throws Error(invalid) with the library's words when `status` is not 0.
  void check(int status, const char* doing) const;

 private:
  XgboostLibrary();
};

}  // namespace geoloom::learn
