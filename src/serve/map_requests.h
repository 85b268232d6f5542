// SPDX-License-Identifier: Apache-2.0
// What requests for maps ask for, read strictly: whatever is not understood is an error that says
// what there is.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geo/web_tile.h"
#include "render/map.h"

namespace geoloom::serve {

using Query = std::map<std::string, std::string>;

// A decimal number; nothing beside it. Throws Error(invalid) that names `what`.
double number_of(std::string_view text, const std::string& what);

struct TileRequest {
  geo::WebTile tile;
  int64_t pixels = 256;
};
// "7/66/44.png", "7/66/44@2x.png". Throws Error(missing) for anything else and for tiles that do
// not exist.
TileRequest tile_request(std::string_view text);

struct StyledBands {
  std::vector<size_t> bands;
  render::Style style;
};
// From `bands`, `min`, `max`, `colours` and `gamma`; what is not said is as usual for the map.
// Throws Error(invalid).
StyledBands style_request(const render::Map& map, const Query& query);

}  // namespace geoloom::serve
