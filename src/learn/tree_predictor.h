// SPDX-License-Identifier: Apache-2.0
// An ensemble made ready for many pixels: trees packed for kernels/tree_walk.h, thresholds rounded
// to float32 towards the side that changes no decision, missing values settled in columns.
//
// Sums are those of sums_of(), bit for bit, where trees add single values (boosting, regression
// forests). Forests whose leaves hold distributions are summed in fixed point, within 3e-7 of the
// mean; where two classes are nearer to each other than that, the pixel is done again by
// sums_of(), so that the class is the library's. What a pixel gets depends on no other pixel.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/tree_walk.h"
#include "learn/tree_ensemble.h"

namespace geoloom::learn {

// Kept by a thread from call to call.
class PredictorScratch {
 public:
  PredictorScratch();
  ~PredictorScratch();
  PredictorScratch(PredictorScratch&&) noexcept;
  PredictorScratch& operator=(PredictorScratch&&) noexcept;

  struct Buffers;
  Buffers& buffers() { return *buffers_; }

 private:
  std::unique_ptr<Buffers> buffers_;
};

// What is wanted of a call; null members are not.
struct PredictorOutput {
  float* results = nullptr;         // result_width() planes, `stride` apart
  double* exact_results = nullptr;  // the same before they are rounded to float32
  uint16_t* best_class = nullptr;   // of a classification: place of the most probable class
  double* sums = nullptr;           // `outputs` planes, `stride` apart
  size_t stride = 0;
};

class TreePredictor {
 public:
  // Throws as validate() does.
  explicit TreePredictor(TreeEnsemble ensemble, const std::string& file = "");
  ~TreePredictor();
  TreePredictor(TreePredictor&&) noexcept;
  TreePredictor& operator=(TreePredictor&&) noexcept;

  const TreeEnsemble& ensemble() const { return ensemble_; }
  // features[f] are the values of feature f, NaN where missing.
  void predict(std::span<const float* const> features, size_t pixels, const PredictorOutput& output,
               PredictorScratch& scratch) const;
  // Empty, or why pixels are walked one by one, which is about ten times slower: "splits by
  // category".
  const std::string& slow_reason() const { return slow_reason_; }
  // Of packed nodes and leaves.
  size_t memory_bytes() const;
  // What a thread's scratch holds at most.
  size_t scratch_bytes() const;

 private:
  class Packing;

  void finish(std::span<const float* const> features, size_t first, size_t pixels,
              const PredictorOutput& output, PredictorScratch::Buffers& buffers) const;

  TreeEnsemble ensemble_;
  std::string slow_reason_;
  std::unique_ptr<Packing> packing_;
};

}  // namespace geoloom::learn
