// SPDX-License-Identifier: Apache-2.0
// Any bytes are a model or a refusal; what is a model can be packed and predicted with, and gives
// for a pixel what walking it node by node gives.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "error/error.h"
#include "learn/model_formats.h"
#include "learn/tree_predictor.h"

namespace {

using namespace geoloom;

constexpr size_t kMostFeatures = 4096;

void predict(learn::TreeEnsemble ensemble) {
  if (ensemble.features.size() > kMostFeatures || ensemble.outputs > kMostFeatures) return;
  const learn::TreePredictor predictor(std::move(ensemble));
  const auto& model = predictor.ensemble();
  std::vector<float> pixel(model.features.size());
  for (size_t i = 0; i < pixel.size(); ++i) pixel[i] = static_cast<float>(i % 5) - 2;
  std::vector<const float*> planes;
  for (const float& value : pixel) planes.push_back(&value);
  std::vector<double> wanted(model.outputs), got(model.outputs);
  learn::PredictorScratch scratch;
  predictor.predict(planes, 1, {.sums = got.data(), .stride = 1}, scratch);
  learn::sums_of(model, pixel, wanted);
  const bool shares = model.link == learn::Link::class_distribution;
  if (!shares && std::memcmp(wanted.data(), got.data(), got.size() * sizeof(double)) != 0)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    predict(learn::read_tree_model(bytes, "fuzz"));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::invalid) std::abort();
  }
  return 0;
}
