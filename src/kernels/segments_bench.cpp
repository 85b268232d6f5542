// SPDX-License-Identifier: Apache-2.0
// Segments an image of raw planes of uint16 and tells the CPU seconds of each step as JSON; for
// benchmarks/segmentation/.
//
//   segments_bench IMAGE WIDTH HEIGHT BANDS CLUSTERS SMALLEST paper|pyshepseg IDS CENTRES
//
// IDS gets uint32 ids, CENTRES the cluster centres in double. 0 is invalid in all bands.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string>

#include "kernels/clusters.h"
#include "kernels/segments.h"

namespace {

using namespace geoloom::kernels;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Image {
  size_t width, height;
  std::vector<std::vector<uint16_t>> bands;
  bool valid(size_t pixel) const {
    for (const auto& band : bands)
      if (band[pixel] == 0) return false;
    return true;
  }
};

Image read_image(const std::string& path, size_t width, size_t height, size_t bands) {
  std::ifstream file(path, std::ios::binary);
  Image image{width, height, {}};
  for (size_t b = 0; b < bands; ++b) {
    auto& band = image.bands.emplace_back(width * height);
    file.read(reinterpret_cast<char*>(band.data()), static_cast<std::streamsize>(band.size() * 2));
  }
  if (!file) throw std::runtime_error("the image is too short");
  return image;
}

std::vector<std::vector<double>> every_hundredth(const Image& image) {
  std::vector<std::vector<double>> samples(image.bands.size());
  size_t seen = 0;
  for (size_t i = 0; i < image.width * image.height; ++i) {
    if (!image.valid(i) || seen++ % 100 != 0) continue;
    for (size_t b = 0; b < image.bands.size(); ++b) samples[b].push_back(image.bands[b][i]);
  }
  return samples;
}

std::vector<uint8_t> clusters_of(const Image& image, const ClusterCentres& centres) {
  std::vector<uint8_t> clusters(image.width * image.height);
  std::vector<std::vector<double>> row(image.bands.size(), std::vector<double>(image.width));
  std::vector<uint16_t> nearest(image.width);
  std::vector<const double*> planes;
  for (const auto& band : row) planes.push_back(band.data());
  for (size_t y = 0; y < image.height; ++y) {
    const size_t at = y * image.width;
    for (size_t b = 0; b < row.size(); ++b)
      std::copy_n(image.bands[b].data() + at, image.width, row[b].data());
    nearest_centres(planes.data(), image.width, centres, nearest.data(), nullptr);
    for (size_t x = 0; x < image.width; ++x)
      clusters[at + x] = image.valid(at + x) ? static_cast<uint8_t>(nearest[x] + 1) : 0;
  }
  return clusters;
}

template <class T>
void write(const std::string& path, const std::vector<T>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(T)));
}

int run(char** argv) {
  const Image image = read_image(argv[1], std::stoul(argv[2]), std::stoul(argv[3]),
                                 std::stoul(argv[4]));
  const bool compatible = std::string(argv[7]) == "pyshepseg";
  const double begin = cpu_seconds();
  const auto samples = every_hundredth(image);
  ClusterRule fitting;
  if (compatible) fitting = {.most_iterations = 300, .change = 1e-4};
  const auto centres = fitted_clusters(
      samples, diagonal_centres(samples, std::stoul(argv[5]), compatible), fitting);
  const double fitted = cpu_seconds();
  const auto clusters = clusters_of(image, centres);
  const double labelled = cpu_seconds();
  SegmentRule rule{.smallest = std::stoul(argv[6]),
                   .farthest = distance_between_centres(centres, 50)};
  if (compatible) {
    rule.largest_clump = 10000;
    rule.invalid_attracts = true;
  }
  std::vector<const uint16_t*> planes;
  for (const auto& band : image.bands) planes.push_back(band.data());
  const auto segments = segment(planes.data(), planes.size(), clusters.data(), image.width,
                                image.height, rule);
  const double ended = cpu_seconds();
  std::printf(
      "{\"fit_s\": %.3f, \"label_s\": %.3f, \"segment_s\": %.3f, \"total_s\": %.3f, "
      "\"clumps\": %u, \"single\": %u, \"small\": %u, \"segments\": %u, \"farthest\": %.9g}\n",
      fitted - begin, labelled - fitted, ended - labelled, ended - begin, segments.clumps,
      segments.single, segments.small, segments.count, rule.farthest);
  write(argv[8], segments.ids);
  write(argv[9], centres.values);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 10) {
    std::fprintf(stderr,
                 "segments_bench IMAGE WIDTH HEIGHT BANDS CLUSTERS SMALLEST paper|pyshepseg IDS "
                 "CENTRES\n");
    return 2;
  }
  return run(argv);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
