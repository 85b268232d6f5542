// SPDX-License-Identifier: Apache-2.0
// How long a STAC answer takes from the first request to scenes assigned to tiles:
//   archive_search_bench URL COLLECTION TILES_PER_DEGREE
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>

#include "catalog/archive_search.h"
#include "gdal/dataset.h"

int main(int argc, char** argv) {
  using namespace geoloom;
  using Clock = std::chrono::steady_clock;
  if (argc != 4) {
    std::fprintf(stderr, "archive_search_bench URL COLLECTION TILES_PER_DEGREE\n");
    return 2;
  }
  try {
    gdal::initialise();
    catalog::ArchiveQuery query;
    query.name = "bench";
    query.stac = argv[1];
    query.collections.emplace_back().id = argv[2];
    query.where = {catalog::property_condition("eo:cloud_cover", "< 101")};
    query.bands = {"red", "nir"};
    query.most_items = 1'000'000;
    const auto start = Clock::now();
    const auto found = catalog::search_archive(query);
    const auto searched = Clock::now();
    const double per_degree = std::atof(argv[3]);
    std::map<std::pair<int64_t, int64_t>, size_t> scenes_of_tile;
    size_t assigned = 0;
    for (const auto& scene : found.scenes) {
      if (!scene.bbox_lonlat) continue;
      const auto first = [&](double degrees) {
        return static_cast<int64_t>(std::floor(degrees * per_degree));
      };
      const auto& box = *scene.bbox_lonlat;
      for (int64_t y = first(box.min_y); y <= first(box.max_y); ++y)
        for (int64_t x = first(box.min_x); x <= first(box.max_x); ++x) {
          ++scenes_of_tile[{x, y}];
          ++assigned;
        }
    }
    const auto seconds = [](auto from, auto to) {
      return std::chrono::duration<double>(to - from).count();
    };
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("%zu scenes, %zu tiles, %zu pairs: %.2f s to find, %.2f s to assign, %ld MiB\n",
                found.scenes.size(), scenes_of_tile.size(), assigned, seconds(start, searched),
                seconds(searched, Clock::now()), usage.ru_maxrss / 1024);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
