// SPDX-License-Identifier: Apache-2.0
#include "gdal/geotiff_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "gdal/test_files.h"

namespace geoloom::gdal {
namespace {

using Items = std::vector<std::pair<std::string, std::string>>;

// No file of this process may grow beyond the limit: a full disk without a disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &previous_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limited = previous_;
    limited.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limited);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit previous_{};
  void (*handler_)(int);
};

ScratchWriter::Options rgb_options(bool mask) {
  ScratchWriter::Options options;
  options.bands.resize(3);
  options.bands[0].colour = "red";
  options.bands[1].colour = "green";
  options.bands[2].colour = "blue";
  options.mask_band = mask;
  return options;
}

// Writes the windows of a 700 x 500 picture in a given order, of a given size.
void write_in_order(const std::string& path, bool mask, int64_t size, unsigned seed) {
  constexpr int64_t kWidth = 700;
  constexpr int64_t kHeight = 500;
  std::vector<geo::Window> windows;
  for (int64_t y = 0; y < kHeight; y += size)
    for (int64_t x = 0; x < kWidth; x += size)
      windows.push_back(geo::Window{x, y, size, size}.intersect({0, 0, kWidth, kHeight}));
  std::shuffle(windows.begin(), windows.end(), std::mt19937(seed));
  ScratchWriter writer(path, test_grid(kWidth, kHeight), rgb_options(mask));
  writer.set_metadata({{"CHAIN", "median"}});
  for (const geo::Window& w : windows) {
    const size_t at = static_cast<size_t>(w.y * kWidth + w.x);
    for (int band = 1; band <= 3; ++band) {
      const auto pixels = test_pixels(kWidth, kHeight, static_cast<unsigned>(band));
      writer.write(w, band, pixels.data() + at, kWidth);
    }
    std::vector<uint8_t> valid(kWidth * kHeight);
    for (size_t i = 0; i < valid.size(); ++i) valid[i] = i / kWidth < 100 || i % 7 == 0 ? 0 : 255;
    if (mask) writer.write_mask(w, valid.data() + at, kWidth);
  }
  writer.close();
}

TEST(ScratchWriter, KeepsPixelsAndDescriptions) {
  const TestFolder folder;
  ScratchWriter::Options options;
  options.type = BufferType::int16;
  options.nodata = -32768;
  options.bands.resize(2);
  options.bands[0] = {"NDVI", "1", 0.0001, -0.1, "grey"};
  options.bands[1].name = "count";
  geo::Grid grid = test_grid(300, 200);
  {
    ScratchWriter writer(folder.file("a.tif"), grid, options);
    const std::vector<int16_t> pixels(50 * 40, -7);
    writer.write({100, 120, 50, 40}, 1, pixels.data(), 100);
    writer.set_metadata({{"CHAIN", "load median"}});
    writer.set_band_metadata(2, {{"PERIOD", "2018-05"}});
    writer.close();
    writer.close();
  }
  const Dataset dataset = Dataset::open(folder.file("a.tif"));
  const BandInfo& first = dataset.info().bands[0];
  EXPECT_EQ(first.type, SampleType::int16);
  EXPECT_EQ(first.name, "NDVI");
  EXPECT_EQ(first.unit, "1");
  EXPECT_EQ(first.scale, 0.0001);
  EXPECT_EQ(first.offset, -0.1);
  EXPECT_EQ(first.nodata, -32768);
  EXPECT_EQ(dataset.info().bands[1].name, "count");
  EXPECT_EQ(*dataset.info().grid, grid);
  const auto& metadata = dataset.info().metadata;
  EXPECT_NE(std::find(metadata.begin(), metadata.end(),
                      std::pair<std::string, std::string>{"CHAIN", "load median"}),
            metadata.end());
  std::vector<int16_t> all(300 * 200);
  dataset.read({0, 0, 300, 200}, {1}, BufferType::int16, all.data(), 600, 0);
  EXPECT_EQ(all[120 * 300 + 100], -7);
  EXPECT_EQ(all[0], -32768) << "what was not written is nodata";
  EXPECT_EQ(std::count(all.begin(), all.end(), -7), 50 * 40);
}

TEST(ScratchWriter, MaskIsPartOfTheFile) {
  const TestFolder folder;
  write_in_order(folder.file("a.tif"), true, 256, 1);
  EXPECT_EQ(folder.count(), 1u);
  const Dataset dataset = Dataset::open(folder.file("a.tif"));
  EXPECT_TRUE(dataset.info().bands[0].has_mask_band);
  EXPECT_EQ(dataset.info().bands[2].colour, "blue");
  std::vector<uint8_t> mask(700 * 500);
  dataset.read_mask({0, 0, 700, 500}, 2, mask.data(), 700);
  for (size_t i = 0; i < mask.size(); ++i)
    ASSERT_EQ(mask[i], i / 700 < 100 || i % 7 == 0 ? 0 : 255) << i;
  EXPECT_EQ(read_band(dataset, 3), test_pixels(700, 500, 3));
}

TEST(ScratchWriter, CustomSystemsSurvive) {
  const TestFolder folder;
  geo::Grid grid = test_grid(64, 64);
  for (const char* text : {"+proj=sinu +R=6371007.181 +units=m", "EPSG:4326", "EPSG:6933"}) {
    grid.crs = geo::Crs::parse(text);
    ScratchWriter::Options options;
    options.bands.resize(1);
    ScratchWriter(folder.file("a.tif"), grid, options).close();
    EXPECT_EQ(Dataset::open(folder.file("a.tif")).info().grid->crs, grid.crs) << text;
  }
  grid.crs = geo::Crs();
  ScratchWriter::Options options;
  options.bands.resize(1);
  ScratchWriter(folder.file("a.tif"), grid, options).close();
  const Dataset dataset = Dataset::open(folder.file("a.tif"));
  ASSERT_TRUE(dataset.info().grid.has_value());
  EXPECT_FALSE(dataset.info().grid->crs.known());
}

TEST(ScratchWriter, RefusesWrongWindowsAndFolders) {
  const TestFolder folder;
  ScratchWriter::Options options;
  options.bands.resize(1);
  ScratchWriter writer(folder.file("a.tif"), test_grid(64, 64), options);
  const std::vector<uint8_t> pixels(100);
  EXPECT_THROW(writer.write({60, 0, 10, 10}, 1, pixels.data(), 10), Error);
  EXPECT_THROW(writer.write({0, 0, 10, 10}, 2, pixels.data(), 10), Error);
  writer.close();
  EXPECT_THROW(writer.write({0, 0, 10, 10}, 1, pixels.data(), 10), Error);
  EXPECT_THROW(ScratchWriter(folder.file("none/a.tif"), test_grid(64, 64), options), Error);
}

TEST(ScratchWriter, AFullDiskIsAResourceError) {
  const TestFolder folder;
  const FileSizeLimit limit(300000);
  const Error error = error_of([&folder] { write_whole(folder.file("a.tif"), 1000, 1000, 1); });
  EXPECT_EQ(error.code(), ErrorCode::resource) << error.what();
}

TEST(Translate, AFullDiskIsAResourceErrorAndLeavesNothing) {
  const TestFolder folder;
  write_whole(folder.file("a.tif"), 1000, 1000, 3);
  for (const char* driver : {"COG", "PNG", "JPEG"}) {
    const FileSizeLimit limit(60000);
    const Error error = error_of(
        [&folder, driver] { translate(folder.file("a.tif"), folder.file("b.tif"), driver, {}); });
    EXPECT_EQ(error.code(), ErrorCode::resource) << driver << ": " << error.what();
    EXPECT_EQ(folder.count(), 1u) << driver;
  }
}

TEST(Translate, SameBytesWhateverTheOrder) {
  const TestFolder folder;
  for (const bool mask : {false, true}) {
    write_in_order(folder.file("a.tif"), mask, 256, 1);
    write_in_order(folder.file("b.tif"), mask, 256, 2);
    write_in_order(folder.file("c.tif"), mask, 100, 3);
    for (const char* compression : {"DEFLATE", "ZSTD", "LZW", "JPEG"}) {
      SCOPED_TRACE(compression);
      Items options{{"COMPRESS", compression}, {"BLOCKSIZE", "128"}, {"OVERVIEWS", "AUTO"}};
      translate(folder.file("a.tif"), folder.file("a.cog"), "COG", options);
      translate(folder.file("b.tif"), folder.file("b.cog"), "COG", options);
      options.emplace_back("NUM_THREADS", "2");
      translate(folder.file("c.tif"), folder.file("c.cog"), "COG", options);
      const std::string bytes = bytes_of(folder.file("a.cog"));
      EXPECT_GT(bytes.size(), 10000u);
      EXPECT_TRUE(bytes == bytes_of(folder.file("b.cog")));
      EXPECT_TRUE(bytes == bytes_of(folder.file("c.cog")));
      const Dataset cog = Dataset::open(folder.file("a.cog"));
      EXPECT_FALSE(cog.info().overviews.empty());
      EXPECT_EQ(cog.info().bands[0].has_mask_band, mask);
    }
  }
}

TEST(Translate, BlocksNeverWrittenEqualBlocksOfNodata) {
  const TestFolder folder;
  for (const bool explicitly : {false, true}) {
    ScratchWriter::Options options;
    options.bands.resize(1);
    options.nodata = 7;
    ScratchWriter writer(folder.file(explicitly ? "b.tif" : "a.tif"), test_grid(600, 600), options);
    const std::vector<uint8_t> empty(600 * 600, 7);
    const std::vector<uint8_t> full(100 * 100, 99);
    if (explicitly) writer.write({0, 0, 600, 600}, 1, empty.data(), 600);
    writer.write({300, 300, 100, 100}, 1, full.data(), 100);
    writer.close();
  }
  translate(folder.file("a.tif"), folder.file("a.cog"), "COG", {{"COMPRESS", "DEFLATE"}});
  translate(folder.file("b.tif"), folder.file("b.cog"), "COG", {{"COMPRESS", "DEFLATE"}});
  EXPECT_TRUE(bytes_of(folder.file("a.cog")) == bytes_of(folder.file("b.cog")));
}

TEST(Translate, LosslessMeansTheSamePixels) {
  const TestFolder folder;
  write_in_order(folder.file("a.tif"), true, 256, 1);
  translate(folder.file("a.tif"), folder.file("a.cog"), "COG", {{"COMPRESS", "ZSTD"}});
  const Dataset cog = Dataset::open(folder.file("a.cog"));
  for (int band = 1; band <= 3; ++band)
    EXPECT_EQ(read_band(cog, band), test_pixels(700, 500, static_cast<unsigned>(band)));
  EXPECT_EQ(*cog.info().grid, test_grid(700, 500));
}

TEST(Translate, ColourTableAndNodataOfAClassMap) {
  const TestFolder folder;
  ScratchWriter::Options options;
  options.bands.resize(1);
  options.bands[0].colour = "palette";
  options.nodata = 255;
  ScratchWriter writer(folder.file("a.tif"), test_grid(300, 300), options);
  writer.set_colour_table({{0, 0, 0}, {255, 200, 0}});
  const std::vector<uint8_t> pixels(300 * 300, 1);
  writer.write({0, 0, 300, 300}, 1, pixels.data(), 300);
  writer.close();
  translate(folder.file("a.tif"), folder.file("a.cog"), "COG", {{"COMPRESS", "DEFLATE"}});
  const Dataset cog = Dataset::open(folder.file("a.cog"));
  EXPECT_EQ(cog.info().bands[0].colour, "palette");
  EXPECT_EQ(cog.info().bands[0].nodata, 255);
}

TEST(Translate, ErrorsNameWhatIsWrong) {
  const TestFolder folder;
  const auto code = [&folder](const std::string& from, const std::string& to, const char* driver) {
    return error_of([&] { translate(folder.file(from), folder.file(to), driver, {}); }).code();
  };
  write_whole(folder.file("a.tif"), 64, 64, 1);
  EXPECT_EQ(code("none.tif", "b.tif", "COG"), ErrorCode::missing);
  EXPECT_EQ(code("a.tif", "none/b.tif", "COG"), ErrorCode::missing);
  EXPECT_EQ(code("a.tif", "b.tif", "VRT"), ErrorCode::internal);
  EXPECT_EQ(folder.count(), 1u);
}

TEST(WritePng, PlanesComeBack) {
  const TestFolder folder;
  std::vector<std::vector<uint8_t>> planes;
  std::vector<const uint8_t*> pointers;
  for (unsigned i = 0; i < 4; ++i) planes.push_back(test_pixels(33, 21, i));
  for (size_t count = 1; count <= 4; ++count) {
    pointers.push_back(planes[count - 1].data());
    write_png(folder.file("a.png"), 33, 21, pointers);
    const Dataset dataset = Dataset::open(folder.file("a.png"));
    ASSERT_EQ(dataset.info().bands.size(), count);
    for (size_t i = 0; i < count; ++i)
      EXPECT_EQ(read_band(dataset, static_cast<int>(i) + 1), planes[i]);
  }
  EXPECT_EQ(folder.count(), 1u);
  EXPECT_THROW(write_png(folder.file("b.png"), 0, 1, pointers), Error);
}

TEST(DescribedGeotiff, SaysWhatAFileOfItsGridWouldSay) {
  ScratchWriter::Options options;
  options.bands.resize(1);
  options.bands[0].name = "classes";
  options.nodata = 9;
  const std::string bytes =
      described_geotiff(test_grid(70, 50), options, {{"CHAIN", "median"}},
                        {{{"STATISTICS_MEAN", "3.5"}}}, {{{0, 0, 0}}, {{10, 20, 30}}});
  ASSERT_TRUE(bytes.starts_with(std::string("II*\0", 4)));
  for (const char* part : {"classes", "CHAIN", "median", "STATISTICS_MEAN", "3.5"})
    EXPECT_NE(bytes.find(part), std::string::npos) << part;
  EXPECT_LT(bytes.size(), 10'000U);
  EXPECT_EQ(described_geotiff(test_grid(70, 50), options, {}, {}, {}),
            described_geotiff(test_grid(700, 500), options, {}, {}, {}))
      << "the corner is the same";
}

}  // namespace
}  // namespace geoloom::gdal
