// SPDX-License-Identifier: Apache-2.0
// Any bytes are a TIFF that the direct reader takes, or a refusal: never a crash, never more memory
// than a block, never an error of ours. GDAL has no part in this.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "error/error.h"
#include "gdal/dataset.h"
#include "tiff/image_reader.h"

namespace {

using namespace geoloom;

constexpr const char* kPath = "/vsimem/fuzz.tif";
constexpr int64_t kSide = 200;

void read_a_corner(const gdal::RandomAccessFile& file, const tiff::Image& image) {
  const auto& directory = image.directory();
  const geo::Window window{0, 0, std::min(kSide, directory.width),
                           std::min(kSide, directory.height)};
  tiff::ReadScratch scratch;
  const auto pixels = static_cast<size_t>(window.pixels());
  if (directory.block.bits == 1) {
    std::vector<uint8_t> mask(pixels);
    return image.read_mask(file, window, mask.data(), static_cast<size_t>(window.width), scratch);
  }
  const size_t sample = static_cast<size_t>(directory.block.bits) / 8;
  const int bands = std::min(directory.samples, 3);
  std::vector<std::byte> out(pixels * sample * static_cast<size_t>(bands));
  std::vector<tiff::Image::Plane> planes;
  for (int band = 0; band < bands; ++band)
    planes.push_back({band, out.data() + pixels * sample * static_cast<size_t>(band), 0});
  image.read(file, window, planes, static_cast<size_t>(window.width) * sample, scratch);
}

void read_all(const gdal::RandomAccessFile& file) {
  const tiff::TagFile tags = tiff::read_tags(file);
  for (const auto& list : tags.directories) {
    try {
      auto found = tiff::interpret(tags, list);
      if (!found.directory) continue;
      auto table = tiff::read_block_table(file, tags, *found.directory);
      read_a_corner(file, tiff::Image(std::move(*found.directory), std::move(table)));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corrupt) throw;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gdal::initialise();
  try {
    gdal::write_file(kPath, std::string(data, data + size));
    read_all(gdal::RandomAccessFile::open(kPath));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::invalid) {
      std::fprintf(stderr, "%s\n", error.what());
      std::abort();
    }
  }
  gdal::remove_file(kPath);
  return 0;
}
