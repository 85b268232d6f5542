// SPDX-License-Identifier: Apache-2.0
// Writes a raster as a COG, to measure the writer without the engine around it:
//
//   cog_bench SOURCE FOLDER THREADS [deflate|zstd|lzw|lerc] [LEVEL] [predictor|plain]
//
// Threads take rows of tiles in turn, read them through GDAL and hand them to one CogWriter. The
// last line is JSON: seconds, bytes, the pixel hash.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "error/error.h"
#include "gdal/dataset.h"
#include "raster/cog.h"

namespace geoloom::raster {
namespace {

constexpr int64_t kRows = 512;

CubeSchema schema_of(const gdal::RasterInfo& info) {
  CubeSchema schema;
  for (const gdal::BandInfo& info_band : info.bands) {
    if (info_band.type != gdal::SampleType::uint8)
      throw Error(ErrorCode::invalid, "cog_bench reads rasters of uint8");
    Band band;
    band.name =
        info_band.colour.empty() ? fmt::format("b{}", schema.bands.size() + 1) : info_band.colour;
    band.type = PixelType::uint8;
    band.nodata = info_band.nodata.value_or(0);
    schema.bands.push_back(band);
  }
  schema.slices.resize(1);
  return schema;
}

// Fills a block of full width with the rows of the source that it begins with.
void read_rows(const gdal::Dataset& source, const CubeSchema& schema, Block& block) {
  const geo::Window window = block.window();
  std::vector<int> numbers;
  for (size_t band = 0; band < schema.bands.size(); ++band)
    numbers.push_back(static_cast<int>(band) + 1);
  // Bands of one type lie equally far apart.
  const size_t apart = schema.bands.size() < 2
                           ? 0
                           : static_cast<size_t>(block.plane<uint8_t>(1, 0).data() -
                                                 block.plane<uint8_t>(0, 0).data());
  source.read(window, numbers, gdal::BufferType::uint8, block.raw_plane(0, 0),
              static_cast<size_t>(window.width), apart);
  std::memset(block.validity(0).data(), 1, block.pixels());
}

void write_rows(const std::string& path, std::atomic<int64_t>& next, CogWriter& writer) {
  const gdal::Dataset source = gdal::Dataset::open(path);
  const CubeSchema schema = schema_of(source.info());
  const geo::Window all{0, 0, source.info().width, source.info().height};
  Block block;
  for (int64_t y = next.fetch_add(kRows); y < all.height; y = next.fetch_add(kRows)) {
    const int64_t rows = std::min(kRows, all.height - y);
    if (block.window().height != rows) block = Block(schema, {0, y, all.width, rows}, 0, 1);
    block.move_window(0, y);
    read_rows(source, schema, block);
    writer.write(block);
  }
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

CogProfile profile_of(int count, char** arguments) {
  CogProfile profile;
  if (count > 4) {
    const std::string codec = arguments[4];
    for (const Codec each : {Codec::deflate, Codec::zstd, Codec::lzw, Codec::jpeg, Codec::lerc})
      if (name(each) == codec) profile.codec = each;
  }
  if (count > 5) profile.level = std::atoi(arguments[5]);
  if (count > 6) profile.predictor = std::strcmp(arguments[6], "predictor") == 0;
  return profile;
}

int run(int count, char** arguments) {
  gdal::initialise();
  gdal::set_block_cache_bytes(size_t{128} << 20);
  const std::string path = arguments[1];
  const auto begin = std::chrono::steady_clock::now();
  const gdal::Dataset source = gdal::Dataset::open(path);
  CogWriter writer(arguments[2], "written", source.info().grid.value(), schema_of(source.info()),
                   profile_of(count, arguments), {});
  std::atomic<int64_t> next{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < std::atoi(arguments[3]); ++i)
      threads.emplace_back([&] { write_rows(path, next, writer); });
  }
  const CogSummary summary = writer.finish();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  fmt::print("{{\"wall_s\": {:.3f}, \"cpu_s\": {:.3f}, \"bytes\": {}, \"pixel_hash\": \"{}\"}}\n",
             wall.count(), cpu_seconds(), summary.bytes, summary.pixel_hash);
  return 0;
}

}  // namespace
}  // namespace geoloom::raster

int main(int count, char** arguments) {
  if (count < 4) {
    fmt::print(stderr, "cog_bench SOURCE FOLDER THREADS [CODEC] [LEVEL] [predictor|plain]\n");
    return 2;
  }
  try {
    return geoloom::raster::run(count, arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "cog_bench: {}\n", error.what());
    return 1;
  }
}
