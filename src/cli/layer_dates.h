// SPDX-License-Identifier: Apache-2.0
// What a layer holds, as its receipts tell: dates with their share of valid pixels.
#pragma once

#include <string>
#include <vector>

#include "cli/opened_run.h"

namespace geoloom::cli {

// A slice of the layer: those of all items with one time and label.
struct LayerDate {
  raster::Slice slice;
  struct Part {
    size_t item;   // of the step
    size_t slice;  // of the item's file
  };
  std::vector<Part> parts;
  // Over all bands of the items that have it.
  uint64_t valid_samples = 0, samples = 0;
  double valid_share() const {
    return samples == 0 ? 0 : static_cast<double>(valid_samples) / static_cast<double>(samples);
  }
  // "2018-05-03", "2018-05-01..2018-05-31", or what the slice is called when it has no time.
  std::string text() const;
};

struct LayerContent {
  size_t step = 0;               // of the run
  std::vector<LayerDate> dates;  // by time, then label
  size_t items = 0, made = 0, empty = 0;
  int64_t bytes = 0;
  std::string media_type;  // of its files; empty when there is none
};

// `zone`: only its items. Throws Error(invalid) for a layer that has no pixels.
LayerContent layer_content(const OpenedRun& opened, const std::string& layer,
                           std::optional<size_t> zone = std::nullopt);

}  // namespace geoloom::cli
