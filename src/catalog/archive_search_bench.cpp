// SPDX-License-Identifier: Apache-2.0
// How long a STAC answer takes from the first request to scenes assigned to tiles:
//   archive_search_bench URL COLLECTION TILES_PER_DEGREE BAND...
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>

#include "catalog/archive_search.h"
#include "gdal/dataset.h"
#include "geo/box_index.h"

namespace {

using namespace geoloom;
using Clock = std::chrono::steady_clock;

struct Assignment {
  size_t tiles = 0, pairs = 0;
};

// As planning does it: which scenes touch a tile, for all tiles of the scenes' extent.
Assignment assign(const std::vector<catalog::Scene>& scenes, double per_degree) {
  std::vector<geo::Box> boxes;
  for (const auto& scene : scenes)
    if (scene.bbox_lonlat) boxes.push_back(*scene.bbox_lonlat);
  geo::Box all{180, 90, -180, -90};
  for (const auto& box : boxes)
    all = {std::min(all.min_x, box.min_x), std::min(all.min_y, box.min_y),
           std::max(all.max_x, box.max_x), std::max(all.max_y, box.max_y)};
  const geo::BoxIndex index(std::move(boxes));
  Assignment done;
  for (double y = std::floor(all.min_y * per_degree); y < all.max_y * per_degree; ++y) {
    for (double x = std::floor(all.min_x * per_degree); x < all.max_x * per_degree; ++x) {
      const auto found = index.touching(
          {x / per_degree, y / per_degree, (x + 1) / per_degree, (y + 1) / per_degree});
      done.tiles += found.empty() ? 0 : 1;
      done.pairs += found.size();
    }
  }
  return done;
}

// Of this program: getrusage() tells of the one that started it, too.
long most_resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
  return 0;
}

catalog::ArchiveQuery query_of(int argc, char** argv) {
  catalog::ArchiveQuery query;
  query.name = "bench";
  query.stac = argv[1];
  query.collections.emplace_back().id = argv[2];
  query.where = {catalog::property_condition("eo:cloud_cover", "< 101")};
  query.bands.assign(argv + 4, argv + argc);
  query.most_items = 1'000'000;
  return query;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "archive_search_bench URL COLLECTION TILES_PER_DEGREE BAND...\n");
    return 2;
  }
  try {
    gdal::initialise();
    const auto start = Clock::now();
    const auto found = catalog::search_archive(query_of(argc, argv));
    const auto searched = Clock::now();
    const auto assigned = assign(found.scenes, std::atof(argv[3]));
    const auto seconds = [](auto from, auto to) {
      return std::chrono::duration<double>(to - from).count();
    };
    std::printf("%zu scenes, %zu tiles, %zu pairs: %.2f s to find, %.2f s to assign, %ld MiB\n",
                found.scenes.size(), assigned.tiles, assigned.pairs, seconds(start, searched),
                seconds(searched, Clock::now()), most_resident_kib() / 1024);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
