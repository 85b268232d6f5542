// SPDX-License-Identifier: Apache-2.0
#include "gdal/dataset.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>

#include "gdal/test_files.h"

namespace geoloom::gdal {
namespace {

namespace fs = std::filesystem;

// A GeoTIFF of one uncompressed strip, written by hand: types that GDAL 3.6 cannot create.
std::string tiny_tiff(int16_t sample_format, const std::string& pixels, int side,
                      const std::string& nodata) {
  std::string out = "II*";
  const auto u16 = [&out](unsigned v) {
    out.push_back(static_cast<char>(v & 255U));
    out.push_back(static_cast<char>(v >> 8U & 255U));
  };
  const auto u32 = [&u16](unsigned v) {
    u16(v & 65535U);
    u16(v >> 16U);
  };
  out.push_back('\0');
  const unsigned entries = nodata.empty() ? 9 : 10;
  u32(8);
  u16(entries);
  const unsigned data = 8 + 2 + entries * 12 + 4;
  const auto entry = [&](unsigned tag, unsigned type, unsigned count, unsigned value) {
    u16(tag);
    u16(type);
    u32(count);
    u32(value);
  };
  entry(256, 3, 1, static_cast<unsigned>(side));
  entry(257, 3, 1, static_cast<unsigned>(side));
  entry(258, 3, 1, 8);
  entry(259, 3, 1, 1);
  entry(262, 3, 1, 1);
  entry(273, 4, 1, data);
  entry(278, 3, 1, static_cast<unsigned>(side));
  entry(279, 4, 1, static_cast<unsigned>(pixels.size()));
  entry(339, 3, 1, static_cast<unsigned>(sample_format));
  if (!nodata.empty())
    entry(42113, 2, static_cast<unsigned>(nodata.size() + 1),
          data + static_cast<unsigned>(pixels.size()));
  u32(0);
  return out + pixels + nodata + '\0';
}

TEST(Dataset, DescribesWhatItOpens) {
  const TestFolder folder;
  write_whole(folder.file("a.tif"), 300, 200, 3);
  const Dataset dataset = Dataset::open(folder.file("a.tif"));
  const RasterInfo& info = dataset.info();
  EXPECT_EQ(info.driver, "GTiff");
  EXPECT_EQ(info.width, 300);
  EXPECT_EQ(info.height, 200);
  ASSERT_EQ(info.bands.size(), 3u);
  EXPECT_EQ(info.bands[0].type, SampleType::uint8);
  EXPECT_EQ(info.bands[0].block_width, 64);
  EXPECT_FALSE(info.bands[0].has_mask_band);
  ASSERT_TRUE(info.grid.has_value());
  EXPECT_EQ(*info.grid, test_grid(300, 200));
  EXPECT_EQ(info.grid->text(), "EPSG:32631 10x10 at (600000, 4900020), 300x200");
  EXPECT_EQ(info.why_no_grid, "");
  EXPECT_EQ(info.compression, "");
}

TEST(Dataset, ReadsSeveralBandsInAnyOrder) {
  const TestFolder folder;
  write_whole(folder.file("a.tif"), 300, 200, 3);
  const Dataset dataset = Dataset::open(folder.file("a.tif"));
  const geo::Window window{50, 60, 100, 70};
  const size_t row = 128;
  const size_t plane = row * 70;
  std::vector<uint8_t> buffer(plane * 2, 77);
  dataset.read(window, {3, 1}, BufferType::uint8, buffer.data(), row, plane);
  const auto third = test_pixels(300, 200, 3);
  const auto first = test_pixels(300, 200, 1);
  for (size_t y = 0; y < 70; ++y)
    for (size_t x = 0; x < 100; ++x) {
      ASSERT_EQ(buffer[y * row + x], third[(y + 60) * 300 + x + 50]);
      ASSERT_EQ(buffer[plane + y * row + x], first[(y + 60) * 300 + x + 50]);
    }
  EXPECT_EQ(buffer[100], 77) << "wrote beyond the row";
  std::vector<float> wide(static_cast<size_t>(window.pixels()));
  dataset.read(window, {1}, BufferType::float32, wide.data(), 400, 0);
  EXPECT_EQ(wide[0], static_cast<float>(first[60 * 300 + 50]));
}

TEST(Dataset, RefusesWindowsAndBandsOutside) {
  const TestFolder folder;
  write_whole(folder.file("a.tif"), 100, 100, 1);
  const Dataset dataset = Dataset::open(folder.file("a.tif"));
  std::vector<uint8_t> buffer(100);
  EXPECT_THROW(dataset.read({95, 0, 10, 1}, {1}, BufferType::uint8, buffer.data(), 10, 0), Error);
  EXPECT_THROW(dataset.read({-1, 0, 10, 1}, {1}, BufferType::uint8, buffer.data(), 10, 0), Error);
  EXPECT_THROW(dataset.read({0, 0, 10, 1}, {2}, BufferType::uint8, buffer.data(), 10, 0), Error);
  EXPECT_THROW(dataset.read_mask({0, 0, 10, 1}, 0, buffer.data(), 10), Error);
}

TEST(Dataset, TellsMissingFolderEmptyAndForeignFilesApart) {
  const TestFolder folder;
  const auto code = [](const std::string& path) {
    return error_of([&path] { Dataset::open(path); }).code();
  };
  EXPECT_EQ(code(folder.file("none.tif")), ErrorCode::missing);
  EXPECT_EQ(code(folder.file("none/none.tif")), ErrorCode::missing);
  EXPECT_EQ(code("relative-none.tif"), ErrorCode::missing);
  EXPECT_EQ(code(fs::path(folder.file("x")).parent_path().string()), ErrorCode::invalid);
  EXPECT_EQ(code(folder.put("empty.tif", "")), ErrorCode::corrupt);
  EXPECT_EQ(code(folder.put("short.tif", std::string("II*\0\x08\0\0\0", 8))), ErrorCode::corrupt);
  EXPECT_EQ(code(folder.put("noise.tif", "not a raster at all")), ErrorCode::invalid);
  EXPECT_EQ(code("/vsizip/" + folder.file("a.zip/a.tif")), ErrorCode::denied);
  const Error html = error_of([&] { Dataset::open(folder.put("b.tif", "<html><body>404")); });
  EXPECT_NE(html.message().find("a web page"), std::string::npos);
  EXPECT_EQ(html.place().file, folder.file("b.tif"));
}

TEST(Dataset, TellsADeniedFile) {
  const TestFolder folder;
  write_whole(folder.file("a.tif"), 10, 10, 1);
  fs::permissions(folder.file("a.tif"), fs::perms::none);
  if (std::ifstream(folder.file("a.tif")).good()) GTEST_SKIP() << "root may read everything";
  EXPECT_EQ(error_of([&] { Dataset::open(folder.file("a.tif")); }).code(), ErrorCode::denied);
}

TEST(Dataset, RefusesAVrtUnderAnyName) {
  const TestFolder folder;
  write_whole(folder.file("secret.tif"), 10, 10, 1);
  const std::string vrt =
      "<VRTDataset rasterXSize='10' rasterYSize='10'><VRTRasterBand dataType='Byte' band='1'>"
      "<SimpleSource><SourceFilename relativeToVRT='1'>secret.tif</SourceFilename>"
      "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>";
  for (const char* name : {"scene.tif", "scene.vrt", "scene.jp2", "scene.png"}) {
    const Error error = error_of([&] { Dataset::open(folder.put(name, vrt)); });
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_NE(error.message().find("VRT"), std::string::npos);
  }
  EXPECT_EQ(error_of([&vrt] { Dataset::open(vrt); }).code(), ErrorCode::denied);
}

TEST(Dataset, IgnoresSidecars) {
  const TestFolder folder;
  write_whole(folder.file("a.tif"), 64, 64, 1);
  folder.put("a.tif.aux.xml",
             "<PAMDataset><GeoTransform>1,2,0,3,0,-4</GeoTransform><PAMRasterBand band='1'>"
             "<NoDataValue>5</NoDataValue></PAMRasterBand></PAMDataset>");
  folder.put("a.tfw", "1\n0\n0\n-1\n0\n0\n");
  write_whole(folder.file("a.tif.ovr"), 32, 32, 1);
  write_whole(folder.file("a.tif.msk"), 64, 64, 1);
  const Dataset dataset = Dataset::open(folder.file("a.tif"));
  EXPECT_EQ(dataset.info().grid->origin_x, 600000);
  EXPECT_FALSE(dataset.info().bands[0].nodata.has_value());
  EXPECT_FALSE(dataset.info().bands[0].has_mask_band);
  EXPECT_TRUE(dataset.info().overviews.empty());
  EXPECT_EQ(folder.count(), 5u) << "a sidecar was written";
}

TEST(Dataset, SignedBytesKeepTheirSign) {
  const TestFolder folder;
  const std::string pixels("\x00\x01\x7F\x80\x81\xFF\x05\xFB\x80", 9);
  const Dataset dataset = Dataset::open(folder.put("i8.tif", tiny_tiff(2, pixels, 3, "-128")));
  EXPECT_EQ(dataset.info().bands[0].type, SampleType::int8);
  EXPECT_EQ(dataset.info().bands[0].nodata, -128);
  std::vector<int16_t> wide(9);
  dataset.read({0, 0, 3, 3}, {1}, BufferType::int16, wide.data(), 6, 0);
  EXPECT_EQ(wide, (std::vector<int16_t>{0, 1, 127, -128, -127, -1, 5, -5, -128}));
  std::vector<float> real(9);
  dataset.read({0, 0, 3, 3}, {1}, BufferType::float32, real.data(), 12, 0);
  EXPECT_EQ(real[3], -128.0F);
  std::vector<uint8_t> clipped(9);
  dataset.read({0, 0, 3, 3}, {1}, BufferType::uint8, clipped.data(), 3, 0);
  EXPECT_EQ(clipped, (std::vector<uint8_t>{0, 1, 127, 0, 0, 0, 5, 0, 0}));
  std::vector<uint8_t> mask(9);
  dataset.read_mask({0, 0, 3, 3}, 1, mask.data(), 3);
  EXPECT_EQ(mask, (std::vector<uint8_t>{255, 255, 255, 0, 255, 255, 255, 255, 0}));
}

TEST(Dataset, ShortUncompressedPixelsAreCorrupt) {
  const TestFolder folder;
  std::string bytes = tiny_tiff(1, std::string(10000, 'x'), 100, "");
  bytes.resize(bytes.size() - 5000);
  const Dataset dataset = Dataset::open(folder.put("cut.tif", bytes));
  std::vector<uint8_t> buffer(10000);
  const Error error = error_of([&] {
    dataset.read({0, 0, 100, 100}, {1}, BufferType::uint8, buffer.data(), 100, 0);
  });
  EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
}

// Every format that scenes come in, cut at many places: the read fails, or the pixels are right.
TEST(Dataset, TruncatedFilesNeverGiveWrongPixels) {
  const TestFolder folder;
  write_whole(folder.file("raw.tif"), 200, 150, 3);
  using Items = std::vector<std::pair<std::string, std::string>>;
  const std::vector<std::pair<std::string, Items>> formats{
      {"COG", {{"COMPRESS", "DEFLATE"}, {"BLOCKSIZE", "128"}}},
      {"COG", {{"COMPRESS", "LZW"}, {"BLOCKSIZE", "128"}}},
      {"COG", {{"COMPRESS", "ZSTD"}, {"BLOCKSIZE", "128"}}},
      {"COG", {{"COMPRESS", "JPEG"}, {"BLOCKSIZE", "128"}}},
      {"COG", {{"COMPRESS", "NONE"}, {"BLOCKSIZE", "128"}}},
      {"JP2OpenJPEG", {{"REVERSIBLE", "YES"}, {"QUALITY", "100"}}},
      {"PNG", {}},
      {"JPEG", {}}};
  for (const auto& [driver, options] : formats) {
    const std::string label = driver + (options.empty() ? "" : " " + options[0].second);
    translate(folder.file("raw.tif"), folder.file("whole"), driver, options);
    const std::vector<uint8_t> want = read_band(Dataset::open(folder.file("whole")), 2);
    const std::string whole = bytes_of(folder.file("whole"));
    int failures = 0;
    for (int percent = 2; percent < 100; percent += 7) {
      const std::string cut = whole.substr(0, whole.size() * static_cast<size_t>(percent) / 100);
      try {
        const Dataset dataset = Dataset::open(folder.put("cut", cut));
        EXPECT_EQ(read_band(dataset, 2), want) << label << " at " << percent << "%";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::corrupt) << label << ": " << error.what();
        ++failures;
      }
    }
    EXPECT_GT(failures, 5) << label;
  }
}

TEST(Dataset, MaskComesFromTheAlphaBandToo) {
  const TestFolder folder;
  const std::vector<uint8_t> grey(100, 9);
  std::vector<uint8_t> alpha(100, 0);
  alpha[5] = 255;
  alpha[6] = 1;
  write_png(folder.file("a.png"), 10, 10, {grey.data(), alpha.data()});
  const Dataset dataset = Dataset::open(folder.file("a.png"));
  EXPECT_TRUE(dataset.info().bands[0].has_mask_band);
  EXPECT_EQ(dataset.info().bands[1].colour, "alpha");
  EXPECT_EQ(dataset.info().why_no_grid, "no georeferencing");
  std::vector<uint8_t> mask(100);
  dataset.read_mask({0, 0, 10, 10}, 1, mask.data(), 10);
  EXPECT_EQ(mask[5], 255);
  EXPECT_EQ(mask[6], 255);
  EXPECT_EQ(std::count(mask.begin(), mask.end(), 0), 98);
}

TEST(Dataset, OverviewsAreUsedForLookingAtThings) {
  const TestFolder folder;
  write_whole(folder.file("raw.tif"), 600, 400, 1);
  translate(folder.file("raw.tif"), folder.file("cog.tif"), "COG",
            {{"COMPRESS", "DEFLATE"}, {"BLOCKSIZE", "128"}});
  const Dataset dataset = Dataset::open(folder.file("cog.tif"));
  EXPECT_EQ(dataset.info().compression, "DEFLATE");
  ASSERT_GE(dataset.info().overviews.size(), 2u);
  EXPECT_EQ(dataset.info().overviews[0], (std::pair<int64_t, int64_t>{300, 200}));
  std::vector<uint8_t> small(75 * 50);
  dataset.read_overview({0, 0, 600, 400}, {1}, BufferType::uint8, small.data(), 75, 50);
  EXPECT_GT(std::count_if(small.begin(), small.end(), [](uint8_t v) { return v > 0; }), 1000);
}

TEST(Dataset, HugeTilesAreRefused) {
  const TestFolder folder;
  std::string bytes = tiny_tiff(1, "x", 1, "");
  const auto set = [&bytes](size_t entry, uint16_t tag, uint32_t value) {
    const uint16_t type_long = 4;
    char* at = bytes.data() + 10 + entry * 12;
    std::memcpy(at, &tag, 2);
    std::memcpy(at + 2, &type_long, 2);
    std::memcpy(at + 8, &value, 4);
  };
  set(0, 256, 40000);
  set(1, 257, 40000);
  set(3, 259, 8);
  set(5, 322, 40000);
  set(6, 323, 40000);
  set(7, 324, 8);
  set(8, 325, 1);
  const Error error = error_of([&] { Dataset::open(folder.put("bomb.tif", bytes)); });
  EXPECT_EQ(error.code(), ErrorCode::invalid) << error.what();
}

TEST(Initialise, AsksForAFastDeflate) {
  EXPECT_FALSE(version().empty());
  if (!built_with_libdeflate()) GTEST_SKIP() << "this GDAL decodes with zlib";
  EXPECT_TRUE(built_with_libdeflate());
}

class OddFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("GEOLOOM_TEST_DATA");
    if (folder == nullptr) GTEST_SKIP() << "GEOLOOM_TEST_DATA names no folder";
    folder_ = fs::path(folder) / "edge";
  }
  Dataset open(const std::string& name) const { return Dataset::open((folder_ / name).string()); }
  // Reads everything in strips, every band, as float.
  static void read_all(const Dataset& dataset) {
    const RasterInfo& info = dataset.info();
    std::vector<int> bands;
    for (size_t i = 1; i <= info.bands.size(); ++i) bands.push_back(static_cast<int>(i));
    const int64_t rows = std::max<int64_t>(1, std::min<int64_t>(info.height, 512));
    const size_t row = static_cast<size_t>(info.width) * sizeof(float);
    std::vector<float> buffer(static_cast<size_t>(info.width * rows) * bands.size());
    std::vector<uint8_t> mask(static_cast<size_t>(info.width * rows));
    for (int64_t y = 0; y < info.height; y += rows) {
      const geo::Window strip{0, y, info.width, std::min(rows, info.height - y)};
      dataset.read(strip, bands, BufferType::float32, buffer.data(), row,
                   row * static_cast<size_t>(rows));
      dataset.read_mask(strip, 1, mask.data(), static_cast<size_t>(info.width));
    }
  }
  fs::path folder_;
};

TEST_F(OddFiles, AllOpenOrAreRefusedCleanly) {
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".tif") && !name.ends_with(".tiff")) continue;
    SCOPED_TRACE(name);
    try {
      read_all(open(name));
      EXPECT_NE(name, "rasterio_corrupt.tif");
    } catch (const Error& error) {
      EXPECT_EQ(name, "rasterio_corrupt.tif") << error.what();
      EXPECT_EQ(error.code(), ErrorCode::corrupt) << error.what();
    }
  }
}

TEST_F(OddFiles, GridsAreGivenOnlyWhereThereIsOne) {
  const std::map<std::string, std::string> reasons{
      {"rasterio_rotated.tif", "rotated"},
      {"cogeotiff_model_transformation.tif", "south-up"},
      {"riotiler_cog_gcps_ovr.tif", "ground control points"},
      {"riotiler_inverted_lat.tif", "south-up"},
      {"imagetiff_int8_rgb.tif", "no georeferencing"},
      {"rasterio_goes.tif", ""},
      {"rasterio_RGB.byte.tif", ""}};
  for (const auto& [name, reason] : reasons) {
    const Dataset dataset = open(name);
    EXPECT_EQ(dataset.info().why_no_grid, reason) << name;
    EXPECT_EQ(dataset.info().grid.has_value(), reason.empty()) << name;
  }
}

TEST_F(OddFiles, TypesNodataAndScale) {
  EXPECT_EQ(open("imagetiff_int8_rgb.tif").info().bands[0].type, SampleType::int8);
  EXPECT_EQ(open("imagetiff_white-fp16.tiff").info().bands[0].type, SampleType::float32);
  EXPECT_EQ(open("imagetiff_int16_zstd.tif").info().compression, "ZSTD");
  const auto nodata = open("rasterio_float_nan.tif").info().bands[0].nodata;
  ASSERT_TRUE(nodata.has_value());
  EXPECT_TRUE(std::isnan(*nodata));
  EXPECT_NE(open("riotiler_cog_scale.tif").info().bands[0].scale, 1);
  EXPECT_TRUE(open("riotiler_cog_rgb_mask.tif").info().bands[0].has_mask_band);
  const auto palette = open("riotiler_cog_cmap.tif").info().bands[0];
  EXPECT_EQ(palette.colour, "palette");
  EXPECT_GT(palette.colours.size(), 1U);
  EXPECT_TRUE(open("rasterio_RGB.byte.tif").info().bands[0].colours.empty());
  EXPECT_TRUE(open("rasterio_test_esri_wkt.tif").info().grid->crs.known());
}

TEST_F(OddFiles, AnEmptyWindowOfASparseFileCostsNothing) {
  const Dataset dataset = open("cogeotiff_sparse.tiff");
  // A hundred windows of nothing: decoding them would take minutes, which the test's time limit tells.
  std::vector<uint8_t> buffer(1024 * 1024);
  for (int64_t x = 0; x + 1024 <= dataset.info().width; x += 1024)
    dataset.read({x, 0, 1024, 1024}, {1}, BufferType::uint8, buffer.data(), 1024, 0);
}

}  // namespace
}  // namespace geoloom::gdal
