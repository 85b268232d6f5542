// SPDX-License-Identifier: Apache-2.0
// Files for the tests of this folder: a folder per test, small rasters, and the odd real ones.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "error/error.h"
#include "gdal/geotiff_writer.h"

namespace geoloom::gdal {

class TestFolder {
 public:
  TestFolder()
      : path_(std::filesystem::path(::testing::TempDir()) /
              ("gdal-" + std::to_string(std::random_device{}()))) {
    std::filesystem::create_directories(path_);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string put(const std::string& name, const std::string& bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
    return file(name);
  }
  size_t count() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline geo::Grid test_grid(int64_t width, int64_t height) {
  geo::Grid grid;
  grid.crs = geo::Crs::parse("EPSG:32631");
  grid.origin_x = 600000;
  grid.origin_y = 4900020;
  grid.pixel_width = grid.pixel_height = 10;
  grid.width = width;
  grid.height = height;
  return grid;
}

// Smooth with noise: what compresses somewhat, and differs everywhere.
inline std::vector<uint8_t> test_pixels(int64_t width, int64_t height, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> pixels(static_cast<size_t>(width * height));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      pixels[static_cast<size_t>(y * width + x)] =
          static_cast<uint8_t>((x / 3 + y / 2 + static_cast<int64_t>(random() % 16)) % 256);
  return pixels;
}

inline void write_whole(const std::string& path, int64_t width, int64_t height, int bands) {
  ScratchWriter::Options options;
  options.bands.resize(static_cast<size_t>(bands));
  options.block_size = 64;
  ScratchWriter writer(path, test_grid(width, height), options);
  for (int band = 1; band <= bands; ++band) {
    const auto pixels = test_pixels(width, height, static_cast<unsigned>(band));
    writer.write({0, 0, width, height}, band, pixels.data(), static_cast<size_t>(width));
  }
  writer.close();
}

// The error that `action` ends with; a failed test and Error(internal, "") when it ends well.
inline Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::internal, "");
}

inline std::vector<uint8_t> read_band(const Dataset& dataset, int band) {
  const geo::Window all{0, 0, dataset.info().width, dataset.info().height};
  std::vector<uint8_t> pixels(static_cast<size_t>(all.pixels()));
  dataset.read(all, {band}, BufferType::uint8, pixels.data(), static_cast<size_t>(all.width), 0);
  return pixels;
}

}  // namespace geoloom::gdal
