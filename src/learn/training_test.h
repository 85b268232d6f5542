// SPDX-License-Identifier: Apache-2.0
// Made-up training data for tests: seeded, so that every machine has the same.
#pragma once

#include <cstdint>
#include <vector>

#include "learn/random_numbers.h"
#include "learn/training_data.h"

namespace geoloom::learn {

struct MadeRows {
  size_t columns = 0, class_count = 0;
  std::vector<float> features;
  std::vector<int32_t> classes;
  std::vector<double> targets;

  TrainingData view() const {
    return {.features = features,
            .columns = columns,
            .classes = classes,
            .targets = targets,
            .class_count = class_count};
  }
};

// Sums of uniform numbers, near enough to normal ones.
inline float bell(RandomNumbers& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.unit();
  return static_cast<float>(sum);
}

// Clouds around places that differ in the first two features; the others say nothing.
inline MadeRows made_classes(size_t rows, size_t columns, size_t classes, uint64_t seed) {
  RandomNumbers random(seed);
  MadeRows made{columns, classes, {}, {}, {}};
  for (size_t row = 0; row < rows; ++row) {
    const auto c = static_cast<int32_t>(random.below(classes));
    made.classes.push_back(c);
    for (size_t column = 0; column < columns; ++column)
      made.features.push_back(bell(random) +
                              (column < 2 ? 2.0F * static_cast<float>((c >> column) % 2) : 0.0F));
  }
  return made;
}

// target = 2 x0 - x1 + 5 + a little noise
inline MadeRows made_quantities(size_t rows, size_t columns, uint64_t seed) {
  RandomNumbers random(seed);
  MadeRows made{columns, 0, {}, {}, {}};
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < columns; ++column) made.features.push_back(bell(random));
    const float* x = made.features.data() + row * columns;
    made.targets.push_back(2.0 * x[0] - x[1] + 5 + 0.1 * bell(random));
  }
  return made;
}

inline std::vector<int32_t> made_folds(size_t rows, int32_t folds, uint64_t seed) {
  RandomNumbers random(seed);
  std::vector<int32_t> of_rows(rows);
  for (auto& fold : of_rows)
    fold = static_cast<int32_t>(random.below(static_cast<uint64_t>(folds)));
  return of_rows;
}

}  // namespace geoloom::learn
