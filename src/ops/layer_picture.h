// SPDX-License-Identifier: Apache-2.0
// The files of a layer in one zone as one picture: for tasks that look at a map as a whole, window
// by window.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "raster/cube.h"
#include "workflow/op.h"

namespace geoloom::ops {

class LayerPicture {
 public:
  // Of the files that touch the selected window of the context. `bands` are names; none: all of the
  // layer. Throws Error(invalid) for a layer of several slices, and Error(missing) for items
  // without a result; `op` is what messages call the task.
  LayerPicture(const workflow::TaskContext& context, const std::string& layer,
               const std::vector<std::string>& bands, const std::string& op);

  // Bands asked for, one slice, validity for each band.
  const raster::CubeSchema& schema() const { return schema_; }
  // Of the items that have a file.
  const std::vector<workflow::LayerFile>& files() const { return files_; }
  const geo::Window& window() const { return context_->selected; }

  // Pixels of no file are invalid. Thread-safe.
  raster::Block read(const geo::Window& window) const;
  // Strips of whole rows, from the top of the picture.
  void for_strips(const std::function<void(const raster::Block& strip)>& use) const;
  // The same row by row; `row` counts within the strip, `y` on the zone's grid.
  void for_rows(
      const std::function<void(const raster::Block& strip, size_t row, int64_t y)>& use) const;

 private:
  const workflow::TaskContext* context_;
  std::vector<workflow::LayerFile> files_;
  std::vector<size_t> bands_;  // of the layer
  raster::CubeSchema schema_;
};

// Throws Error(invalid) unless the layer is pixels of one slice; `parameter` is what messages say.
// Gives the band of that name, or the only one where no name is given.
const raster::Band& class_band(const workflow::LayerInfo& info, const std::string& name,
                               const std::string& parameter);

// Throws Error(cancelled) when the run is to stop.
void stop_if_cancelled(const workflow::TaskContext& context);

}  // namespace geoloom::ops
