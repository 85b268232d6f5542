// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "ops/op_test.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_statistics();

namespace {

using raster::PixelType;
using testing::HasSubstr;
using workflow::Scalar;

std::unique_ptr<workflow::TaskOp> statistics(const std::string& yaml) {
  return bound<workflow::TaskOp>(make_statistics(), yaml);
}

// Two tiles of 2 x 2 pixels side by side, scaled: physical = 0.5 * stored - 1.
class StatisticsTest : public testing::Test {
 protected:
  StatisticsTest() {
    schema_.bands = {
        {.name = "red", .type = PixelType::uint8, .scale = 0.5, .offset = -1, .nodata = 0}};
    schema_.slices = {{.timed = false}};
    add_tile(0, {1, 2, 3, 0});
    add_tile(1, {4, 4, 0, 0});
    context_.layers = &layers_;
    context_.grid = area_;
    context_.selected = area_.window();
    context_.scratch_folder = folder_.path();
    context_.pool = &pool_;
    context_.notes = &notes_;
  }

  void add_tile(int64_t index, const Numbers& values) {
    workflow::Item item;
    item.name = std::to_string(index * 2) + "_0";
    item.index = index;
    item.window = {index * 2, 0, 2, 2};
    item.grid = area_.sub(item.window);
    workflow::LayerFile file;
    file.item = item;
    file.path = folder_ / (item.name + ".tif");
    file.schema = schema_;
    write_tif(file.path, {.grid = item.grid, .bands = {values}, .nodata = 0});
    entries_.push_back({item, file});
  }

  workflow::Product run(const std::string& yaml) {
    layers_.add({"tiles", "make", {workflow::Domain::Extent::tiles, {}}, schema_, {}, {}},
                entries_);
    return statistics(yaml)->run(context_);
  }

  TestFolder folder_;
  const geo::Grid area_ = grid_of(4, 2);
  raster::CubeSchema schema_;
  std::vector<workflow::Layers::Entry> entries_;
  FakeLayers layers_;
  raster::AssetPool pool_{4};
  std::vector<std::string> notes_;
  workflow::TaskContext context_;
};

TEST_F(StatisticsTest, OfPhysicalValues) {
  const auto product = run("tiles");
  const auto& scalars = product.metrics->scalars;
  EXPECT_EQ(scalars.at("red.count"), Scalar{int64_t{5}});
  EXPECT_EQ(scalars.at("red.valid_share"), Scalar{0.625});
  EXPECT_EQ(scalars.at("red.minimum"), Scalar{-0.5});
  EXPECT_EQ(scalars.at("red.maximum"), Scalar{1.0});
  EXPECT_NEAR(std::get<double>(scalars.at("red.mean").value), 0.5 * 14 / 5 - 1, 1e-12);
  EXPECT_NEAR(std::get<double>(scalars.at("red.deviation").value), 0.5 * std::sqrt(1.36), 1e-12);
  EXPECT_EQ(scalars.at("valid_share"), Scalar{0.625});
  EXPECT_EQ(scalars.at("items"), Scalar{int64_t{2}});
  EXPECT_EQ(scalars.at("gaps"), Scalar{int64_t{0}});
  EXPECT_EQ(product.layer, "tiles_statistics");
}

TEST_F(StatisticsTest, ANegativeScaleTurnsTheRange) {
  schema_.bands[0].scale = -0.5;
  const auto product = run("tiles");
  EXPECT_EQ(product.metrics->scalars.at("red.minimum"), Scalar{-3.0});
  EXPECT_EQ(product.metrics->scalars.at("red.maximum"), Scalar{-1.5});
}

TEST_F(StatisticsTest, WithoutValidValuesThereIsNoMean) {
  entries_.clear();
  add_tile(0, {0, 0, 0, 0});
  const auto product = run("tiles");
  EXPECT_TRUE(product.metrics->scalars.at("red.mean").absent());
  EXPECT_EQ(product.metrics->scalars.at("red.valid_share"), Scalar{0.0});
}

TEST_F(StatisticsTest, WithoutFilesThereIsNoShare) {
  for (auto& entry : entries_) entry.file->empty = true;
  const auto product = run("tiles");
  EXPECT_TRUE(product.metrics->scalars.at("valid_share").absent());
  EXPECT_EQ(product.metrics->scalars.at("red.count"), Scalar{int64_t{0}});
}

TEST_F(StatisticsTest, Classes) {
  const auto metrics = *run("{layer: tiles, classes: true}").metrics;
  const auto& matrix = metrics.matrices.at("classes");
  EXPECT_THAT(matrix.rows, testing::ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(matrix.columns, testing::ElementsAre("pixels", "share", "hectares"));
  const double hectares = area_.pixel_width * std::abs(area_.pixel_height) / 10'000;
  EXPECT_THAT(matrix.values, testing::ElementsAre(1, 0.2, hectares, 1, 0.2, hectares, 1, 0.2,
                                                  hectares, 2, 0.4, 2 * hectares));
}

TEST_F(StatisticsTest, AnyOrderOfPartsGivesTheSameBytes) {
  const auto one = run("{layer: tiles, classes: true}").summary.sha256;
  context_.for_each_index = [](size_t count, const std::function<void(size_t)>& body) {
    std::vector<std::thread> threads;
    for (size_t i = count; i-- > 0;) threads.emplace_back([&body, i] { body(i); });
    for (auto& thread : threads) thread.join();
  };
  EXPECT_EQ(run("{layer: tiles, classes: true}").summary.sha256, one);
}

TEST_F(StatisticsTest, GapsAreRefusedOrCounted) {
  entries_[1].file.reset();
  EXPECT_THAT(error_of([&] { run("tiles"); }, ErrorCode::missing),
              HasSubstr("1 of 2 items of layer 'tiles' are missing: 2_0"));
  const auto product = run("{layer: tiles, gaps: count}");
  EXPECT_EQ(product.metrics->scalars.at("gaps"), Scalar{int64_t{1}});
  EXPECT_EQ(product.metrics->scalars.at("red.count"), Scalar{int64_t{3}});
  EXPECT_THAT(notes_, testing::ElementsAre(HasSubstr("left out")));
}

TEST_F(StatisticsTest, PlanDeclaresWhatIsMeasured) {
  schema_.bands[0].unit = "m";
  layers_.add({"tiles", "make", {workflow::Domain::Extent::tiles, {}}, schema_, {}, {}}, {});
  const auto info = statistics("tiles")->plan(layers_);
  EXPECT_EQ(info.kind, workflow::LayerKind::metrics);
  const auto mean = std::find_if(info.metrics.begin(), info.metrics.end(),
                                 [](const auto& metric) { return metric.name == "red.mean"; });
  ASSERT_NE(mean, info.metrics.end());
  EXPECT_EQ(mean->unit, "m");
  EXPECT_EQ(run("tiles").metrics->scalars.size(), info.metrics.size());
}

TEST_F(StatisticsTest, WhatCannotBeMeasuredIsRefused) {
  schema_.bands.push_back({.name = "nir", .type = PixelType::float32});
  layers_.add({"two", "make", {}, schema_, {}, {}}, {});
  layers_.add({"look", "make", {}, {}, workflow::LayerKind::picture, {}}, {});
  EXPECT_THAT(error_of([&] { statistics("look")->plan(layers_); }), HasSubstr("is a picture"));
  EXPECT_THAT(error_of([&] { statistics("{layer: two, classes: true}")->plan(layers_); }),
              HasSubstr("one band of whole numbers"));
  EXPECT_THAT(
      error_of([&] { statistics("{layer: two, bands: nir, classes: true}")->plan(layers_); }),
      HasSubstr("one band of whole numbers"));
  EXPECT_THAT(error_of([&] { statistics("{layer: two, bands: blue}")->plan(layers_); }),
              HasSubstr("blue"));
}

}  // namespace
}  // namespace geoloom::ops
