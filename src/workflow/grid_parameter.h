// SPDX-License-Identifier: Apache-2.0
// The `grid` of a document's area: a pixel grid in numbers, or a tiling scheme.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workflow/area_of_interest.h"
#include "workflow/tile_grid.h"

namespace geoloom::workflow {

struct UtmGridParameter {
  std::vector<std::string> size, offset;
  std::string names = "lattice";
  void declare(Parameters& p);
};

struct WebMercatorParameter {
  int64_t zoom = 0;
  int64_t pixels = 256;
  void declare(Parameters& p);
};

struct GridParameter {
  // In numbers, or a lattice where `tile` is given.
  std::optional<std::string> crs;
  std::vector<double> origin, resolution, tile;
  std::vector<int64_t> size;
  // Schemes.
  std::optional<UtmGridParameter> utm;
  std::optional<std::string> preset;
  std::optional<int64_t> batch;
  bool mgrs = false;
  std::optional<WebMercatorParameter> web_mercator;
  // A file of tiles.
  std::optional<std::string> file, name, layer;
  void declare(Parameters& p);

  // Throws value.error() unless one kind of grid is given.
  void check(const Value& value) const;
  bool in_numbers() const { return crs.has_value() && tile.empty(); }
};

// The pixel grid of a GridParameter that is in_numbers().
geo::Grid pixel_grid_of(const GridParameter& given, const Value& value);

// What a scheme says by itself: its recipe, and the size of pixels where it decides that (0 where
// it does not). The recipe is null for a file of tiles.
struct SchemeChoice {
  Json recipe;
  TilePixels pixels;
  bool sequence_names = false;
  bool pixels_are_fixed = false;  // by the scheme; `resolution` may not differ
};
SchemeChoice scheme_choice_of(const GridParameter& given, const Value& value);

}  // namespace geoloom::workflow
