// SPDX-License-Identifier: Apache-2.0
// How the pixels of a file get onto the grids of an area: taken one by one where they nest, warped
// elsewhere. Decided once, when a run is created, and kept in its record.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ops/load/frozen_series.h"
#include "workflow/item.h"

namespace geoloom::ops {

// Whether a placed file touches a zone.
bool lies_in(const FrozenFile& file, size_t zone, const geo::Grid& grid);

// What decides the method of a band.
struct BandResampling {
  std::optional<raster::Resampling> asked;
  bool classes = false;  // values are names, not numbers
  bool masks = false;    // never brought onto the grid itself
};

class ZonePlacement {
 public:
  explicit ZonePlacement(const std::vector<workflow::Zone>& zones) : zones_(zones) {}

  // Sets file.warps for the zones that the file touches and does not nest with; `bands` are those
  // of file.bands. False when it touches no zone. Throws Error(invalid) when there is no way
  // between the CRSs.
  bool place(FrozenFile& file, const std::vector<BandResampling>& bands);

  // The same for the coarsest overview of the file that is at least as fine as all zones' pixels,
  // where all bands are resampled from several pixels, none masks and none is masked. False, and
  // the file as it was, when there is none. `sizes` are width and height of the overviews.
  bool place_overview(FrozenFile& file, const std::vector<BandResampling>& bands,
                      const std::vector<std::pair<int64_t, int64_t>>& sizes);

 private:
  bool place_nested(FrozenFile& file, size_t zone, const std::vector<BandResampling>& bands);
  bool place_warped(FrozenFile& file, size_t zone, const std::vector<BandResampling>& bands);
  const geo::CoordinateOperation& operation(const geo::Crs& from, const geo::Crs& to);

  const std::vector<workflow::Zone>& zones_;
  std::map<std::pair<std::string, std::string>, geo::CoordinateOperation> operations_;
};

}  // namespace geoloom::ops
