// SPDX-License-Identifier: Apache-2.0
// Times median_rgb on every CPU target, after its answer was compared with the reference.
//   median_rgb_bench [slices] [pixels]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "kernels/median_rgb.h"
#include "kernels/target.h"

namespace gk = geoloom::kernels;

namespace {

struct Scene {
  size_t slices, pixels, stride;
  std::vector<uint8_t> band[3], valid;

  gk::Samples<uint8_t> samples(int b) const { return {band[b].data(), stride, slices}; }
};

Scene random_scene(size_t slices, size_t pixels) {
  // Strides that are powers of two would put all slices into the same few cache sets.
  Scene scene{slices, pixels, pixels + 2112, {}, {}};
  std::mt19937 random(1);
  for (auto* plane : {&scene.band[0], &scene.band[1], &scene.band[2], &scene.valid}) {
    plane->resize(slices * scene.stride);
    for (auto& value : *plane) value = static_cast<uint8_t>(random());
  }
  for (auto& value : scene.valid) value = value < 180 ? 1 : 0;
  return scene;
}

template <class Kernel>
double nanoseconds_per_pixel(const Scene& scene, size_t pixels, int rounds, Kernel kernel,
                             std::vector<uint8_t>& out) {
  double best = 1e30;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    uint8_t* o = out.data();
    kernel(scene.samples(0), scene.samples(1), scene.samples(2),
           gk::Validity{scene.valid.data(), scene.stride}, pixels, o, o + scene.pixels,
           o + 2 * scene.pixels, o + 3 * scene.pixels);
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
    best = std::min(best, spent.count() / static_cast<double>(pixels));
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t slices = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 216;
  const size_t pixels = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 64 * 1024;
  const Scene scene = random_scene(slices, pixels);
  std::vector<uint8_t> expected(4 * pixels), got(4 * pixels);
  const double plain = nanoseconds_per_pixel(scene, pixels, 1, gk::reference::median_rgb, expected);
  std::printf("%zu slices, %zu pixels\n%-10s %8.1f ns/pixel\n", slices, pixels, "reference", plain);
  for (const auto name : gk::supported_targets()) {
    gk::force_target(name);
    const double spent = nanoseconds_per_pixel(scene, pixels, 5, gk::median_rgb, got);
    if (got != expected) {
      std::printf("%s differs from the reference\n", std::string(name).c_str());
      return 1;
    }
    std::printf("%-10s %8.1f ns/pixel\n", std::string(name).c_str(), spent);
  }
  return 0;
}
