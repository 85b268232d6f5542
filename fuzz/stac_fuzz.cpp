// SPDX-License-Identifier: Apache-2.0
// Any file is a STAC document, a list of scenes, or a refusal.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "catalog/scene_search.h"
#include "catalog/stac_item.h"
#include "error/error.h"
#include "gdal/dataset.h"

namespace {

// One folder per process, in memory where there is such a place.
const std::filesystem::path& folder() {
  static const auto path = [] {
    geoloom::gdal::initialise();
    const std::filesystem::path memory = "/dev/shm";
    auto parent =
        std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    auto made = parent / ("geoloom-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(made);
    return made;
  }();
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace geoloom;
  for (const auto* name : {"items.json", "list.txt"}) {
    const auto path = (folder() / name).string();
    std::ofstream(path, std::ios::binary) << std::string(data, data + size);
    try {
      catalog::SceneQuery query;
      query.from = {path};
      for (const auto& scene : catalog::find_scenes(query).scenes) {
        (void)catalog::Scene::from_json(scene.to_json());
        (void)catalog::band_names_of(scene);
      }
    } catch (const geoloom::Error&) {  // NOLINT(bugprone-empty-catch): a refusal is a right answer
    }
  }
  return 0;
}
