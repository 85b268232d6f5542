// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "ops/map_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_segment();

namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr double n = kInvalid;

// Fields of 10 pixels with noise, and a pond of invalid pixels.
Numbers fields(int64_t width, int64_t height) {
  std::mt19937 random(11);
  Numbers values;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const auto field = static_cast<double>((x / 10 * 37 + y / 10 * 91) % 9);
      values.push_back(1000 + 400 * field + static_cast<double>(random() % 60));
      if ((x - 30) * (x - 30) + (y - 30) * (y - 30) < 20) values.back() = n;
    }
  return values;
}

// The same partition, whatever the numbers.
void expect_same_partition(const Numbers& a, const Numbers& b) {
  ASSERT_EQ(a.size(), b.size());
  std::map<double, double> there, back;
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::isnan(a[i]), std::isnan(b[i]));
    if (std::isnan(a[i])) continue;
    EXPECT_EQ(there.emplace(a[i], b[i]).first->second, b[i]) << "pixel " << i;
    EXPECT_EQ(back.emplace(b[i], a[i]).first->second, a[i]) << "pixel " << i;
  }
}

class SegmentTest : public MapTest {
 protected:
  SegmentTest() : MapTest(grid_of(100, 80)) {
    add_layer("ndvi", {.name = "ndvi", .type = raster::PixelType::uint16, .nodata = 0},
              fields(100, 80), 64);
  }
  const std::string small_ = "layer: ndvi, every: 3, clusters: 20, smallest: 20";
};

TEST_F(SegmentTest, FieldsBecomeSegments) {
  const auto product = run(make_segment(), "{" + small_ + "}");
  const auto ids = read(product);
  EXPECT_EQ(product.layer, "ndvi_segment");
  std::map<double, size_t> sizes;
  size_t invalid = 0;
  const auto map = fields(100, 80);
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(std::isnan(ids[i]), std::isnan(map[i]));
    if (std::isnan(ids[i]))
      ++invalid;
    else
      ++sizes[ids[i]];
  }
  EXPECT_GT(invalid, 0U);
  // 80 fields; some neighbours are alike, and the noise of others reaches over two clusters.
  EXPECT_GT(sizes.size(), 40U);
  EXPECT_LE(sizes.size(), 200U);
  EXPECT_EQ(sizes.begin()->first, 1);
  EXPECT_EQ(sizes.rbegin()->first, static_cast<double>(sizes.size()));
  for (const auto& [id, size] : sizes) EXPECT_GE(size, 20U);
  EXPECT_THAT(notes_, Contains(HasSubstr("segments")));
}

TEST_F(SegmentTest, CellsWithAHaloGiveTheSegmentsOfTheWhole) {
  const auto whole = read(run(make_segment(), "{" + small_ + "}"));
  notes_.clear();
  const auto cells = read(run(make_segment(), "{" + small_ + ", cell: 64, halo: 40}"));
  expect_same_partition(cells, whole);
  EXPECT_THAT(notes_, testing::ElementsAre(HasSubstr("segments")));
}

TEST_F(SegmentTest, SegmentsLargerThanTheHaloAreCountedWhereTheyDiffer) {
  add_layer("ndvi", {.name = "ndvi", .type = raster::PixelType::uint16, .nodata = 0},
            Numbers(8000, 7), 64);
  run(make_segment(), "{" + small_ + ", cell: 64, halo: 4}");
  EXPECT_THAT(notes_, Contains(HasSubstr("end at the edge of a cell")));
}

TEST_F(SegmentTest, AnyNumberOfThreadsAndTilesGivesTheSameBytes) {
  const std::string yaml = "{" + small_ + ", cell: 64, halo: 16}";
  const auto expected = run(make_segment(), yaml).summary.sha256;
  add_layer("ndvi", {.name = "ndvi", .type = raster::PixelType::uint16, .nodata = 0},
            fields(100, 80), 33);
  context_.for_each_index = [](size_t count, const std::function<void(size_t)>& body) {
    std::atomic<size_t> next{0};
    std::vector<std::jthread> pool;
    for (int t = 0; t < 3; ++t)
      pool.emplace_back([&] {
        for (size_t i = next++; i < count; i = next++) body(i);
      });
  };
  EXPECT_EQ(run(make_segment(), yaml).summary.sha256, expected);
}

TEST_F(SegmentTest, ItemsByThemselves) {
  const auto ids = read(run(make_segment(), "{" + small_ + ", fit: item}"));
  // No segment lies in two tiles.
  std::map<double, std::set<int64_t>> tiles;
  for (size_t i = 0; i < ids.size(); ++i)
    if (!std::isnan(ids[i]))
      tiles[ids[i]].insert(static_cast<int64_t>(i % 100 / 64 + i / 100 / 64 * 2));
  for (const auto& [id, in] : tiles) EXPECT_EQ(in.size(), 1U);
}

TEST_F(SegmentTest, NothingValidIsNoSegment) {
  add_layer("ndvi", {.name = "ndvi", .type = raster::PixelType::uint16, .nodata = 0},
            Numbers(8000, n));
  for (const double id : read(run(make_segment(), "ndvi"))) EXPECT_TRUE(std::isnan(id));
  EXPECT_THAT(notes_, Contains("0 segments"));
}

TEST_F(SegmentTest, PyshepsegsChoices) {
  const auto ids = read(run(make_segment(), "{" + small_ + ", like: pyshepseg}"));
  EXPECT_GT(*std::max_element(ids.begin(), ids.end()), 20);
  EXPECT_THAT(error_of([&] { run(make_segment(), "{layer: ndvi, clusters: 300}"); }),
              HasSubstr("clusters"));
}

}  // namespace
}  // namespace geoloom::ops
