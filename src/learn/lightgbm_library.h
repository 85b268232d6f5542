// SPDX-License-Identifier: Apache-2.0
// LightGBM's C interface, the part that training needs, bound to the library that is found when
// somebody trains with it (shared_library.h). Declared here, as no distribution has its headers;
// these functions have been as they are since LightGBM 4.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "learn/shared_library.h"

namespace geoloom::learn {

struct LightGbmLibrary {
  using Handle = void*;

  // Loaded once per process. Throws as SharedLibrary does.
  static const LightGbmLibrary& loaded();

  SharedLibrary library;
  const char* (*last_error)() = nullptr;
  int (*register_log)(void (*)(const char*)) = nullptr;
  int (*dump_aliases)(int64_t room, int64_t* length, char* text) = nullptr;
  int (*dataset_from_matrix)(const void* data, int type, int32_t rows, int32_t columns,
                             int row_major, const char* parameters, Handle reference,
                             Handle* made) = nullptr;
  int (*dataset_set_field)(Handle, const char* field, const void* values, int count,
                           int type) = nullptr;
  int (*dataset_set_names)(Handle, const char** names, int count) = nullptr;
  int (*dataset_free)(Handle) = nullptr;
  int (*booster_create)(Handle dataset, const char* parameters, Handle* made) = nullptr;
  int (*booster_add_valid)(Handle booster, Handle dataset) = nullptr;
  int (*booster_update)(Handle, int* finished) = nullptr;
  int (*booster_eval_count)(Handle, int* count) = nullptr;
  int (*booster_eval_names)(Handle, int room, int* count, size_t text_room, size_t* longest,
                            char** names) = nullptr;
  int (*booster_eval)(Handle, int which, int* count, double* values) = nullptr;
  int (*booster_save)(Handle, int first, int iterations, int importance, int64_t room,
                      int64_t* length, char* text) = nullptr;
  int (*booster_importance)(Handle, int iterations, int type, double* values) = nullptr;
  int (*booster_predict)(Handle, const void* data, int type, int32_t rows, int32_t columns,
                         int row_major, int what, int first, int iterations, const char* parameters,
                         int64_t* count, double* values) = nullptr;
  int (*booster_free)(Handle) = nullptr;

  // Throws Error(invalid) with the library's words when `status` is not 0.
  void check(int status, const char* doing) const;

 private:
  LightGbmLibrary();
};

}  // namespace geoloom::learn
