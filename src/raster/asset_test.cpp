// SPDX-License-Identifier: Apache-2.0
// The direct reader against GDAL: same pixels, same masks, for what GDAL itself writes and for odd
// files of others.
#include "raster/asset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "error/error.h"
#include "gdal/geotiff_writer.h"
#include "raster/test_folder.h"

namespace geoloom::raster {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// The bytes of all bands of a window, and of their masks.
struct Pixels {
  std::vector<std::byte> samples;
  std::vector<uint8_t> masks;
  bool operator==(const Pixels&) const = default;
};

Pixels read_window(const Asset& asset, const geo::Window& window) {
  Pixels pixels;
  const auto& info = asset.info();
  const PixelType type = pixel_type_of(info.bands.front().type);
  const size_t row = static_cast<size_t>(window.width) * byte_size(type);
  const size_t plane = row * static_cast<size_t>(window.height);
  std::vector<int> bands;
  for (size_t i = 0; i < info.bands.size(); ++i) bands.push_back(static_cast<int>(i) + 1);
  pixels.samples.resize(plane * bands.size());
  asset.read(window, bands, type, pixels.samples.data(), row, plane);
  for (const int band : bands) {
    if (!info.bands[static_cast<size_t>(band - 1)].has_mask_band) continue;
    const size_t at = pixels.masks.size();
    pixels.masks.resize(at + static_cast<size_t>(window.pixels()));
    asset.read_mask(window, band, pixels.masks.data() + at, static_cast<size_t>(window.width));
  }
  return pixels;
}

// The whole, a pixel, and windows that begin and end inside of blocks.
std::vector<geo::Window> windows_of(int64_t width, int64_t height) {
  const geo::Window all{0, 0, width, height};
  std::vector<geo::Window> windows;
  if (all.pixels() < 4'000'000) windows.push_back(all);
  for (const auto& window :
       {geo::Window{width / 2, height / 2, 1, 1}, geo::Window{width / 3, height / 5, 300, 200},
        geo::Window{width - 17, height - 9, 17, 9}, geo::Window{1, 3, 70, 600}})
    if (const auto part = window.intersect(all); !part.empty()) windows.push_back(part);
  return windows;
}

// At their own sizes, so that how pixels are picked makes no difference.
void expect_overviews_as_gdal(const Asset& direct, const Asset& gdal) {
  const auto& info = gdal.info();
  for (const auto& [width, height] : info.overviews) {
    const geo::Window all{0, 0, info.width, info.height};
    const auto expected = gdal.read_overview(all, 1, width, height);
    const auto got = direct.read_overview(all, 1, width, height);
    ASSERT_EQ(got.size(), expected.size());
    EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0)
        << gdal.path() << " overview of " << width << " x " << height;
  }
}

// Levels by themselves, where both readers have them.
void expect_levels_as_gdal(const Asset& direct, const Asset& gdal) {
  const auto ours = direct.levels(), theirs = gdal.levels();
  const PixelType type = pixel_type_of(gdal.info().bands.front().type);
  for (size_t level = 0; level < std::min(ours.size(), theirs.size()); ++level) {
    ASSERT_EQ(ours[level].width, theirs[level].width);
    const geo::Window part{0, 0, ours[level].width, (ours[level].height + 1) / 2};
    const auto bytes = static_cast<size_t>(part.pixels()) * byte_size(type);
    std::vector<std::byte> got(bytes), expected(bytes);
    direct.read_level(level, part, {1}, type, got.data());
    gdal.read_level(level, part, {1}, type, expected.data());
    EXPECT_EQ(got, expected) << gdal.path() << " level " << level;
  }
  for (size_t level = 0; level < ours.size(); ++level) {
    if (!direct.info().bands.front().has_mask_band) continue;
    std::vector<uint8_t> mask(static_cast<size_t>(ours[level].width * ours[level].height), 7);
    direct.read_level_mask(level, {0, 0, ours[level].width, ours[level].height}, 1, mask.data());
    EXPECT_TRUE(
        std::all_of(mask.begin(), mask.end(), [](uint8_t m) { return m == 0 || m == 255; }));
  }
}

// Nan samples have many bit patterns; both readers hand on those of the file.
void expect_same_as_gdal(const std::string& path) {
  const Asset direct = Asset::open(path, Reader::automatic);
  const Asset gdal = Asset::open(path, Reader::gdal);
  for (const auto& window : windows_of(gdal.info().width, gdal.info().height)) {
    std::optional<Pixels> expected;
    try {
      expected = read_window(gdal, window);
    } catch (const Error& error) {
      EXPECT_THROW(read_window(direct, window), Error) << window.text() << error.what();
      continue;
    }
    const Pixels got = read_window(direct, window);
    EXPECT_TRUE(got.samples == expected->samples) << path << " samples of " << window.text();
    EXPECT_TRUE(got.masks == expected->masks) << path << " mask of " << window.text();
  }
  if (direct.why_gdal().empty() && gdal.info().width < 20'000) {
    expect_overviews_as_gdal(direct, gdal);
    expect_levels_as_gdal(direct, gdal);
  }
}

class AssetTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gdal::initialise(); }

  // Noise on slopes, with a corner that is never written, in an uncompressed file.
  template <class T>
  std::string source(const std::string& name, gdal::BufferType type, size_t bands, bool mask,
                     std::optional<double> nodata) {
    gdal::ScratchWriter::Options options;
    options.type = type;
    options.bands.resize(bands);
    options.mask_band = mask;
    options.nodata = nodata;
    const geo::Grid grid{geo::Crs::parse("EPSG:32631"), 600000, 5000000, 10, 10, 333, 277};
    const std::string path = folder_ / name;
    gdal::ScratchWriter writer(path, grid, options);
    const geo::Window part{0, 0, 333, 200};
    std::mt19937 random(5);
    for (size_t band = 1; band <= bands; ++band) {
      std::vector<T> pixels;
      for (int64_t i = 0; i < part.pixels(); ++i)
        pixels.push_back(static_cast<T>(i / 40 + static_cast<int64_t>(band) * 9 + random() % 7));
      writer.write(part, static_cast<int>(band), pixels.data(), 333 * sizeof(T));
    }
    if (mask) {
      std::vector<uint8_t> valid;
      for (int64_t i = 0; i < part.pixels(); ++i) valid.push_back(random() % 3 != 0 ? 255 : 0);
      writer.write_mask(part, valid.data(), 333);
    }
    writer.close();
    return path;
  }

  std::string translated(const std::string& from, const std::string& name,
                         const std::vector<std::pair<std::string, std::string>>& options) {
    const std::string path = folder_ / name;
    gdal::translate(from, path, "GTiff", options);
    return path;
  }

  TestFolder folder_;
};

using Options = std::vector<std::pair<std::string, std::string>>;

template <class T>
constexpr gdal::BufferType buffer_type_of() {
  if constexpr (std::is_same_v<T, uint8_t>) return gdal::BufferType::uint8;
  if constexpr (std::is_same_v<T, uint16_t>) return gdal::BufferType::uint16;
  if constexpr (std::is_same_v<T, int16_t>) return gdal::BufferType::int16;
  return gdal::BufferType::float32;
}

TEST_F(AssetTest, ReadsEveryLosslessLayoutAsGdalDoes) {
  for (const auto type :
       {PixelType::uint8, PixelType::uint16, PixelType::int16, PixelType::float32}) {
    visit(type, [&]<class T>(T) {
      const std::string from = source<T>("plain.tif", buffer_type_of<T>(), 3, false, 7);
      for (const char* codec : {"NONE", "DEFLATE", "ZSTD", "LZW", "LERC"}) {
        for (const char* interleave : {"PIXEL", "BAND"}) {
          for (const char* predictor : {"1", "2", "3"}) {
            if (predictor[0] == '3' && type != PixelType::float32) continue;
            for (const char* endian : {"LITTLE", "BIG"}) {
              for (const bool tiled : {true, false}) {
                Options options{{"COMPRESS", codec},
                                {"INTERLEAVE", interleave},
                                {"ENDIANNESS", endian},
                                {"BIGTIFF", endian[0] == 'B' ? "YES" : "NO"}};
                if (codec[0] != 'N' && std::strcmp(codec, "LERC") != 0)
                  options.emplace_back("PREDICTOR", predictor);
                if (tiled)
                  options.insert(options.end(),
                                 {{"TILED", "YES"}, {"BLOCKXSIZE", "64"}, {"BLOCKYSIZE", "96"}});
                else
                  options.emplace_back("BLOCKYSIZE", "50");
                SCOPED_TRACE(std::string(name(type)) + " " + codec + " " + interleave + " " +
                             predictor + " " + endian + (tiled ? " tiles" : " strips"));
                const std::string path = translated(from, "translated.tif", options);
                const bool left_to_gdal = std::strcmp(codec, "LERC") == 0 && endian[0] == 'B';
                EXPECT_EQ(Asset::open(path, Reader::automatic).why_gdal().empty(), !left_to_gdal);
                expect_same_as_gdal(path);
              }
            }
          }
        }
      }
    });
  }
}

TEST_F(AssetTest, ReadsJpegAsGdalDoes) {
  const std::string from = source<uint8_t>("plain.tif", gdal::BufferType::uint8, 3, true, {});
  for (const char* photometric : {"YCBCR", "RGB"}) {
    const std::string path = translated(from, "jpeg.tif",
                                        {{"COMPRESS", "JPEG"},
                                         {"TILED", "YES"},
                                         {"BLOCKXSIZE", "128"},
                                         {"BLOCKYSIZE", "128"},
                                         {"PHOTOMETRIC", photometric}});
    EXPECT_THAT(Asset::open(path, Reader::automatic).why_gdal(), IsEmpty());
    expect_same_as_gdal(path);
  }
}

TEST_F(AssetTest, ReadsMasksAndBlocksThatAreNotThere) {
  for (const char* codec : {"NONE", "DEFLATE", "LZW", "ZSTD"}) {
    for (const bool mask : {true, false}) {
      const auto nodata = mask ? std::nullopt : std::optional<double>(9);
      const std::string from =
          source<uint16_t>("plain.tif", gdal::BufferType::uint16, 2, mask, nodata);
      const std::string path = translated(from, "sparse.tif",
                                          {{"COMPRESS", codec},
                                           {"TILED", "YES"},
                                           {"BLOCKXSIZE", "32"},
                                           {"BLOCKYSIZE", "32"},
                                           {"SPARSE_OK", "TRUE"}});
      EXPECT_THAT(Asset::open(path, Reader::automatic).why_gdal(), IsEmpty());
      expect_same_as_gdal(path);
    }
  }
}

TEST_F(AssetTest, ABlockThatIsCutIsAnErrorWithItsPlace) {
  const std::string from = source<uint8_t>("plain.tif", gdal::BufferType::uint8, 1, false, {});
  const std::string path = translated(from, "cut.tif", {{"COMPRESS", "DEFLATE"}, {"TILED", "YES"}});
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const Asset asset = Asset::open(path, Reader::automatic);
  try {
    read_window(asset, {0, 0, 333, 277});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corrupt);
    EXPECT_EQ(error.place().file, path);
  }
}

TEST_F(AssetTest, ABlockOfOtherBytesIsCorrupt) {
  const std::string from = source<uint8_t>("plain.tif", gdal::BufferType::uint8, 3, true, {});
  for (const char* codec : {"DEFLATE", "LZW", "ZSTD", "JPEG", "LERC"}) {
    SCOPED_TRACE(codec);
    const std::string path = translated(from, "scene.tif", {{"COMPRESS", codec}, {"TILED", "YES"}});
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto bytes = static_cast<std::streamoff>(std::filesystem::file_size(path));
    file.seekp(bytes / 3);
    file << std::string(static_cast<size_t>(bytes / 3), '\xff');
    file.close();
    const Asset asset = Asset::open(path, Reader::automatic);
    ASSERT_THAT(asset.why_gdal(), IsEmpty());
    try {
      read_window(asset, {0, 0, 333, 277});
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
      EXPECT_THAT(error.what(), HasSubstr("block "));
    }
  }
}

TEST_F(AssetTest, DamagedBytesNeverCrash) {
  const std::string from = source<uint16_t>("plain.tif", gdal::BufferType::uint16, 2, true, {});
  const std::string whole =
      translated(from, "whole.tif", {{"COMPRESS", "DEFLATE"}, {"TILED", "YES"}});
  std::ifstream in(whole, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::mt19937 random(11);
  for (int n = 0; n < 300; ++n) {
    std::string damaged = bytes;
    // Half of the damage goes to the header, where it hurts most.
    const size_t range = n % 2 == 0 ? std::min<size_t>(600, bytes.size()) : bytes.size();
    for (int k = 0; k < 3; ++k) damaged[random() % range] = static_cast<char>(random());
    const std::string path = folder_.write("damaged.tif", damaged);
    try {
      const Asset asset = Asset::open(path, Reader::automatic);
      read_window(asset, {0, 0, std::min<int64_t>(400, asset.info().width),
                          std::min<int64_t>(400, asset.info().height)});
    } catch (const Error&) {
    }
  }
}

TEST_F(AssetTest, AFileThatWasReplacedIsReadAnew) {
  const std::string from = source<uint8_t>("plain.tif", gdal::BufferType::uint8, 1, false, {});
  const std::string path =
      translated(from, "scene.tif", {{"COMPRESS", "DEFLATE"}, {"TILED", "YES"}});
  const auto before = read_window(Asset::open(path), {0, 0, 333, 277});
  translated(from, "scene.tif",
             {{"COMPRESS", "LZW"}, {"TILED", "YES"}, {"BLOCKXSIZE", "16"}, {"BLOCKYSIZE", "16"}});
  EXPECT_EQ(read_window(Asset::open(path), {0, 0, 333, 277}), before);
}

// Odd files of other projects; the ones the direct reader leaves to GDAL are read by GDAL twice.
TEST_F(AssetTest, ReadsOddFilesAsGdalDoes) {
  const char* data = std::getenv("GEOLOOM_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "GEOLOOM_TEST_DATA is not set";
  size_t direct = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(data) + "/edge")) {
    const std::string path = entry.path().string();
    if (path.ends_with(".md")) continue;
    SCOPED_TRACE(path);
    std::string why;
    try {
      const Asset asset = Asset::open(path, Reader::automatic);
      pixel_type_of(asset.info().bands.front().type);
      why = asset.why_gdal();
    } catch (const Error& error) {
      EXPECT_THROW(pixel_type_of(Asset::open(path, Reader::gdal).info().bands.front().type), Error)
          << error.what();
      continue;
    }
    direct += why.empty();
    if (!why.empty()) std::printf("  %s: %s\n", entry.path().filename().c_str(), why.c_str());
    expect_same_as_gdal(path);
  }
  EXPECT_GE(direct, 30U);
}

}  // namespace
}  // namespace geoloom::raster
