// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "ops/op_test.h"
#include "raster/asset_reader.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_mosaic();

namespace {

using raster::PixelType;
using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<workflow::TaskOp> mosaic(const std::string& yaml) {
  return bound<workflow::TaskOp>(make_mosaic(), yaml);
}

// A layer of tiles of 2 x 2 pixels over an area of 4 x 4: tile i holds 10 * i + 1 and so on.
class MosaicTest : public testing::Test {
 protected:
  MosaicTest() {
    schema_.bands = {{.name = "red", .type = PixelType::uint8, .nodata = 0}};
    schema_.slices = {{.timed = false}};
    for (int64_t i = 0; i < 4; ++i) {
      workflow::Item item;
      item.name = std::to_string(i % 2 * 2) + "_" + std::to_string(i / 2 * 2);
      item.index = i;
      item.window = {i % 2 * 2, i / 2 * 2, 2, 2};
      item.grid = area_.sub(item.window);
      entries_.push_back({item, file_of(item)});
    }
    context_.layers = &layers_;
    context_.grid = area_;
    context_.selected = area_.window();
    context_.scratch_folder = folder_.path();
    context_.memory_bytes = size_t{64} << 20;
    context_.pool = &pool_;
    context_.notes = &notes_;
  }

  workflow::LayerFile file_of(const workflow::Item& item) {
    workflow::LayerFile file;
    file.item = item;
    file.path = folder_ / (item.name + ".tif");
    file.schema = schema_;
    const double first = 10 * static_cast<double>(item.index) + 1;
    write_tif(file.path,
              {.grid = item.grid, .bands = {{first, first + 1, first + 2, 0}}, .nodata = 0});
    return file;
  }

  workflow::Product run(const std::string& yaml) {
    layers_.add({"tiles", "make", {workflow::Domain::Extent::tiles, {}}, schema_, {}, {}},
                entries_);
    return mosaic(yaml)->run(context_);
  }

  Numbers read(const workflow::Product& product) {
    const auto dataset = raster::Asset::open(product.scratch_path);
    raster::CubeSchema one = *product.schema;
    raster::Block block(one, product.grid.window(), 0, 1);
    raster::read_asset(dataset, raster::place_asset(dataset.info(), product.grid),
                       product.grid.window(), {{1, one.bands[0].type, one.bands[0].nodata}},
                       {block.raw_plane(0, 0)}, {block.validity(0).data()});
    return numbers(block, 0);
  }

  TestFolder folder_;
  const geo::Grid area_ = grid_of(4, 4);
  raster::CubeSchema schema_;
  std::vector<workflow::Layers::Entry> entries_;
  FakeLayers layers_;
  raster::AssetPool pool_{4};
  std::vector<std::string> notes_;
  workflow::TaskContext context_;
};

constexpr double n = kInvalid;

TEST_F(MosaicTest, JoinsTiles) {
  const auto product = run("tiles");
  EXPECT_THAT(read(product),
              numbers_are({1, 2, 11, 12, 3, n, 13, n, 21, 22, 31, 32, 23, n, 33, n}));
  EXPECT_EQ(product.layer, "tiles_mosaic");
  EXPECT_EQ(product.grid, area_);
  EXPECT_EQ(product.summary.bands[0].valid, 12U);
  EXPECT_THAT(notes_, ElementsAre());
}

TEST_F(MosaicTest, WindowsOfAnySizeGiveTheSameBytes) {
  const auto roomy = run("tiles").summary.sha256;
  context_.memory_bytes = 1;
  EXPECT_EQ(run("tiles").summary.sha256, roomy);
}

// A map of many windows: tiles of 300 pixels, which no block of the file ends with.
TEST_F(MosaicTest, AnyNumberOfThreadsGivesTheSameBytes) {
  const auto area = grid_of(1200, 900);
  entries_.clear();
  for (int64_t i = 0; i < 12; ++i) {
    workflow::Item item;
    item.name = std::to_string(i);
    item.index = i;
    item.window = {i % 4 * 300, i / 4 * 300, 300, 300};
    item.grid = area.sub(item.window);
    Numbers values;
    for (int64_t p = 0; p < item.window.pixels(); ++p)
      values.push_back(static_cast<double>((p * 7 + p / 300 * (i + 3)) % 251));
    workflow::LayerFile file;
    file.item = item;
    file.path = folder_ / (item.name + ".tif");
    file.schema = schema_;
    write_tif(file.path, {.grid = item.grid, .bands = {values}, .nodata = 0});
    entries_.push_back({item, file});
  }
  context_.grid = area;
  context_.selected = area.window();
  std::string expected;
  for (const unsigned threads : {1U, 2U, 4U}) {
    std::atomic<size_t> windows{0};
    context_.threads = threads;
    context_.for_each_index = [&](size_t count, const std::function<void(size_t)>& body) {
      windows = count;
      std::atomic<size_t> next{0};
      std::vector<std::jthread> pool;
      for (unsigned t = 0; t < threads; ++t)
        pool.emplace_back([&] {
          for (size_t i = next++; i < count; i = next++) body(i);
        });
    };
    const auto product = run("{layer: tiles, profile: {block: 128}}");
    EXPECT_GE(windows, threads);
    if (expected.empty()) expected = product.summary.sha256;
    EXPECT_EQ(product.summary.sha256, expected) << threads;
    EXPECT_EQ(product.summary.bands[0].total, 1'080'000U);
  }
}

TEST_F(MosaicTest, CoversTheSelection) {
  context_.selected = {2, 0, 2, 4};
  entries_[0].file.reset();  // not selected: no gap
  const auto product = run("tiles");
  EXPECT_EQ(product.grid, area_.sub({2, 0, 2, 4}));
  EXPECT_THAT(read(product), numbers_are({11, 12, 13, n, 31, 32, 33, n}));
}

TEST_F(MosaicTest, RefusesAGap) {
  entries_[1].file.reset();
  EXPECT_THAT(error_of([&] { run("tiles"); }, ErrorCode::missing),
              testing::AllOf(HasSubstr("1 of 4 items of layer 'tiles' are missing: 2_0"),
                             HasSubstr("gaps: mark")));
}

TEST_F(MosaicTest, MarksAGapWhenTold) {
  entries_[1].file.reset();
  const auto product = run("{layer: tiles, gaps: mark}");
  EXPECT_THAT(read(product), numbers_are({1, 2, n, n, 3, n, n, n, 21, 22, 31, 32, 23, n, 33, n}));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("2_0; left invalid")));
}

TEST_F(MosaicTest, AnEmptyItemIsNoGap) {
  entries_[1].file->empty = true;
  entries_[1].file->path.clear();
  EXPECT_THAT(read(run("tiles")),
              numbers_are({1, 2, n, n, 3, n, n, n, 21, 22, 31, 32, 23, n, 33, n}));
}

TEST_F(MosaicTest, SlicesAreMatchedByLabel) {
  auto two = schema_;
  two.slices = {day("2018-01-01"), day("2018-02-01")};
  for (auto& entry : entries_) entry.file->schema.slices = {day("2018-02-01")};
  layers_.add({"tiles", "make", {workflow::Domain::Extent::tiles, {}}, two, {}, {}}, entries_);
  const auto product = mosaic("tiles")->run(context_);
  const auto dataset = raster::Asset::open(product.scratch_path);
  ASSERT_EQ(dataset.info().bands.size(), 2U);
  std::vector<uint8_t> first(16), second(16);
  dataset.read(area_.window(), {1}, raster::PixelType::uint8, first.data(), 4, 16);
  dataset.read(area_.window(), {2}, raster::PixelType::uint8, second.data(), 4, 16);
  EXPECT_THAT(first, testing::Each(0));
  EXPECT_EQ(second[2], 11);
}

TEST_F(MosaicTest, FilesMustFitTheLayer) {
  entries_[2].file->schema.bands[0].name = "green";
  EXPECT_THAT(error_of([&] { run("tiles"); }, ErrorCode::corrupt),
              testing::AllOf(HasSubstr("item 0_2"), HasSubstr("layer 'tiles'")));
  entries_[2].file->schema = schema_;
  write_text(entries_[2].file->path, "no longer an image");
  EXPECT_THAT(error_of([&] { run("tiles"); }), HasSubstr("item 0_2"));
}

TEST_F(MosaicTest, NamesAndPlans) {
  layers_.add({"tiles", "make", {workflow::Domain::Extent::tiles, {}}, schema_, {}, {}}, entries_);
  layers_.add({"look", "make", {}, {}, workflow::LayerKind::picture, {}}, {});
  auto op = mosaic("{layer: tiles, profile: {compress: jpeg}}");
  op->set_result_name("map");
  EXPECT_EQ(op->layer_made(), "map");
  EXPECT_THAT(op->layers_read(), ElementsAre("tiles"));
  const auto info = op->plan(layers_);
  EXPECT_FALSE(info.domain.over_tiles());
  EXPECT_FALSE(info.schema.bands[0].nodata);  // jpeg has a mask instead
  EXPECT_GT(op->memory_bytes(area_), 0U);
  EXPECT_THAT(error_of([&] { mosaic("look")->plan(layers_); }), HasSubstr("is a picture"));
  EXPECT_THAT(error_of([&] { mosaic("{layer: tiles, gaps: ignore}"); }), HasSubstr("mosaic.gaps"));
}

}  // namespace
}  // namespace geoloom::ops
