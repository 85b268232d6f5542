// SPDX-License-Identifier: Apache-2.0
// Any bytes are a raster or a refusal: never a crash, never an error of ours. Built with libFuzzer
// from this file, src/gdal, src/geo and src/error, linked with gdal, proj and fmt.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "error/error.h"
#include "gdal/dataset.h"

namespace {

using geoloom::gdal::BufferType;
using geoloom::gdal::Dataset;

constexpr const char* kPath = "/vsimem/fuzz.tif";
constexpr int64_t kSide = 300;

void read_a_corner(const Dataset& dataset) {
  const auto& info = dataset.info();
  const geoloom::geo::Window window{0, 0, std::min(kSide, info.width),
                                    std::min(kSide, info.height)};
  std::vector<int> bands;
  for (size_t i = 0; i < std::min<size_t>(info.bands.size(), 4); ++i)
    bands.push_back(static_cast<int>(i) + 1);
  const auto row = static_cast<size_t>(window.width);
  std::vector<float> pixels(row * static_cast<size_t>(window.height) * bands.size());
  dataset.read(window, bands, BufferType::float32, pixels.data(), row * sizeof(float),
               row * static_cast<size_t>(window.height) * sizeof(float));
  std::vector<uint8_t> mask(row * static_cast<size_t>(window.height));
  dataset.read_mask(window, 1, mask.data(), row);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  geoloom::gdal::initialise();
  try {
    geoloom::gdal::write_file(kPath, std::string(data, data + size));
    read_a_corner(Dataset::open(kPath));
  } catch (const geoloom::Error& error) {
    if (error.code() == geoloom::ErrorCode::internal ||
        error.code() == geoloom::ErrorCode::missing) {
      std::fprintf(stderr, "%s\n", error.what());
      std::abort();
    }
  }
  geoloom::gdal::remove_file(kPath);
  return 0;
}
