// SPDX-License-Identifier: Apache-2.0
// One case of a scene file, as written. tests/scenes/README.md describes the language.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "raster/cube.h"
#include "scene_runner_drawing.h"

namespace geoloom::scene_runner {

// One band of a drawn scene.
struct DrawnBand {
  std::string name;
  Plane plane;
  int64_t pixel = 1;  // its pixels are so many times as wide as those of the area
};

struct DrawnScene {
  std::string name;  // of the file, without its ending
  raster::PixelType type = raster::PixelType::uint8;
  std::vector<DrawnBand> bands;
  std::optional<double> nodata;  // absent: a mask band says what is invalid
  double scale = 1, offset = 0;
  int64_t x = 0, y = 0;  // of its upper left pixel on the area's grid
};

struct SceneCase {
  std::string file;
  std::string title;  // the comment above it
  int line = 0;       // of its first key
  Legend legend;
  std::vector<DrawnScene> scenes;
  int64_t width = 0, height = 0;                           // of the area
  int64_t tiles = 0;                                       // edge in pixels; 0: one tile
  std::vector<std::pair<std::string, std::string>> files;  // beside the scenes, for ops that read
  workflow::Value do_list, then_list;                      // ops of the tiled step, tasks after it
  std::vector<std::pair<std::string, workflow::Value>> expect;  // by layer
  std::vector<std::string> expect_error;                        // parts of the message
  std::vector<std::pair<std::string, uint64_t>> counts;         // "clipped", ...
  std::vector<std::pair<std::string, std::string>> types;       // by layer
  workflow::Value pinned;                                       // null: not pinned
  int last_line = 0;

  std::string place() const;  // "median_rgb.scene:3"
};

// The cases of a file, parted by lines "---". Throws Error(invalid) with the line.
std::vector<SceneCase> parse_scene_file(std::string_view text, const std::string& file);

// "2023-01-01" and "2023-01-01T10:20:30" name scenes by their time; files are called "20230101" and
// "20230101T102030", as archives do. Other names stay.
std::string scene_name(const std::string& key);

}  // namespace geoloom::scene_runner
