// SPDX-License-Identifier: Apache-2.0
// From a model's results to bands of a map: which bands there are, and what is written into them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "learn/model_card.h"
#include "learn/tree_predictor.h"
#include "raster/cube.h"

namespace geoloom::ops {

// The names that `outputs` may have.
std::vector<std::string> prediction_outputs();

// What a model says of some pixels.
struct Predictions {
  size_t pixels = 0;
  std::vector<double> results;       // planes of probabilities or values
  std::vector<uint16_t> best;        // of a classification
  std::vector<float> dissimilarity;  // of each pixel, where it is asked for

  void resize(size_t width, size_t count);
  learn::PredictorOutput output(learn::Task task);
  double at(size_t plane, size_t pixel) const { return results[plane * pixels + pixel]; }
  size_t width() const { return pixels == 0 ? 0 : results.size() / pixels; }
};

class PredictionBands {
 public:
  // Throws Error(invalid) for outputs that the model has not: classes of a regression, a mask of
  // three classes, values of classes that no pixel type holds.
  PredictionBands(const learn::ModelCard& card, const std::vector<std::string>& outputs);

  const std::vector<raster::Band>& bands() const { return bands_; }
  size_t results() const { return results_; }  // planes of the model
  // Whether write() wants the dissimilarity of pixels, and from where on they are not alike.
  bool of_applicability() const;
  void set_threshold(double threshold) { threshold_ = threshold; }
  // Prediction i is that of pixels[i] of the slice; these become valid.
  void write(const Predictions& predictions, std::span<const size_t> pixels,
             std::span<const double> clip, raster::Block& out, size_t slice) const;

 private:
  enum class What {
    chosen_class,
    probability,
    of_class,
    margin,
    entropy,
    mask,
    percent,
    value,
    dissimilarity,
    applicable
  };
  struct Output {
    What what;
    size_t plane;  // of the results, where it is one of them
  };

  void add(const std::string& output, const learn::ModelCard& card);
  void add_class(const learn::ModelCard& card);
  void add_probabilities(const learn::ModelCard& card);
  void add_values(const learn::ModelCard& card);
  void add_applicability(const std::string& output, const learn::ModelCard& card);
  double value(const Output& output, const Predictions& predictions, size_t pixel) const;

  std::vector<raster::Band> bands_;
  std::vector<Output> outputs_;
  std::vector<double> class_values_;
  size_t results_ = 1;
  double threshold_ = 0;  // of dissimilarity
};

}  // namespace geoloom::ops
