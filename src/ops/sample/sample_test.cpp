// SPDX-License-Identifier: Apache-2.0
#include "error/message_log.h"
#include "learn/table_file.h"
#include "ops/op_table.h"
#include "ops/op_test.h"

namespace geoloom::ops {
std::unique_ptr<workflow::Op> make_sample();
namespace {

using raster::BandKind;
using raster::PixelType;

// red, nir, crop (classes 1 and 2 in halves) and field (the number of a polygon), six pixels.
Cube fields() {
  Cube cube;
  cube.schema.bands = {{.name = "red", .type = PixelType::uint16, .scale = 0.5, .unit = "1"},
                       {.name = "nir", .type = PixelType::float32},
                       {.name = "crop", .type = PixelType::uint8, .kind = BandKind::category},
                       {.name = "field", .type = PixelType::uint16, .kind = BandKind::category}};
  cube.schema.slices = {day("2020-05-17")};
  cube.schema.validity_per_band = true;
  cube.values = {
      {{2, 4, 6, 8, 10, 12}, {1, 2, 3, 4, 5, kInvalid}, {1, 1, 1, 2, 2, 2}, {7, 7, 7, 9, 9, 9}}};
  return cube;
}

learn::SampleTable sampled(const std::string& yaml, const Cube& cube = fields(),
                           const std::string& item = "0_0") {
  const TestFolder folder;
  const auto op = bound<workflow::SinkOp>(make_sample(), yaml);
  workflow::SinkContext context;
  context.grid = grid_of(6, 1);
  context.item = item;
  context.scratch_folder = folder.path();
  const auto sink = op->open(context, cube.schema);
  sink->write(block_of(cube, 0, cube.schema.slices.size()));
  const auto product = sink->finish();
  EXPECT_EQ(product.extension, ".npz");
  EXPECT_GT(product.summary.bytes, 0);
  return learn::read_table(product.scratch_path, 1 << 20);
}

TEST(Sample, KeepsPhysicalValuesLabelsAndPlaces) {
  const auto table = sampled("{layer: s, label: crop, group: field, number: 100}");
  // The last pixel lacks nir.
  EXPECT_EQ(table.rows, 5U);
  EXPECT_EQ(table.schema.feature_names(), (std::vector<std::string>{"red", "nir"}));
  EXPECT_EQ(table.features, (std::vector<float>{1, 1, 2, 2, 3, 3, 4, 4, 5, 5}));
  EXPECT_EQ(table.class_labels, (std::vector<int64_t>{1, 1, 1, 2, 2}));
  EXPECT_EQ(table.group, (std::vector<int64_t>{7, 7, 7, 9, 9}));
  EXPECT_EQ(table.x[0], 600005);
  EXPECT_EQ(table.y[0], 4999995);
  EXPECT_EQ(table.schema.crs, "EPSG:32631");
  EXPECT_EQ(table.date[0], 18399);
  EXPECT_EQ(table.weight[0], 1);
  EXPECT_EQ(table.items, std::vector<std::string>{"0_0"});
  EXPECT_EQ(table.sampling.rates, (std::vector<learn::ClassRate>{{1, 3, 3}, {2, 2, 2}}));
}

TEST(Sample, DrawsByClass) {
  const auto table =
      sampled("{layer: s, label: crop, per_class: {1: 2, 2: 1}, classes: {1: wheat, 2: maize}}");
  EXPECT_EQ(table.rows, 3U);
  EXPECT_EQ(table.schema.classes, (std::vector<learn::LabelClass>{{1, "wheat"}, {2, "maize"}}));
  EXPECT_EQ(table.weight[0], 1.5);
  const auto shares = sampled("{layer: s, label: crop, fraction: {2: 1}, exclude: [1]}");
  EXPECT_EQ(shares.class_labels, (std::vector<int64_t>{2, 2}));
}

TEST(Sample, MakesOneSampleOfAGroup) {
  const auto medians = sampled("{layer: s, label: crop, group: field, value: median}");
  EXPECT_EQ(medians.features, (std::vector<float>{2, 2, 4.5, 4.5}));
  EXPECT_EQ(medians.class_labels, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(medians.group, (std::vector<int64_t>{7, 9}));
  EXPECT_EQ(medians.x, (std::vector<double>{600015, 600040}));
  const auto own =
      sampled("{layer: s, label: crop, group: field, value: mean, own_group: true}", fields(), "9");
  EXPECT_EQ(own.group, std::vector<int64_t>{9});
  EXPECT_EQ(sampled("{layer: s, label: crop, all: true, incomplete: true}").rows, 6U);
}

TEST(Sample, BlocksAndGridsAreArrays) {
  const auto blocks =
      sampled("{layer: s, features: [red], label: crop, block: [1, 2], stride: [1, 2]}");
  EXPECT_EQ(blocks.schema.block_width, 2U);
  EXPECT_EQ(blocks.features, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(blocks.class_labels, (std::vector<int64_t>{1, 1, 1, 2, 2, 2}));
}

TEST(Sample, SlicesAreColumns) {
  auto cube = fields();
  cube.schema.slices.push_back(day("2020-06-01"));
  cube.values.push_back(cube.values[0]);
  const auto table = sampled("{layer: s, features: [red], label: crop, number: 100}", cube);
  EXPECT_EQ(table.schema.feature_names(),
            (std::vector<std::string>{"red_2020-05-17", "red_2020-06-01"}));
  EXPECT_FALSE(table.schema.dated);
}

std::vector<std::string> told_by(const std::string& yaml, const Cube& cube = fields()) {
  MessageLog log;
  const MessageScope scope(&log);
  (void)sampled(yaml, cube, "9");
  std::vector<std::string> lines;
  for (const auto& message : log.messages()) lines.push_back(message.text);
  return lines;
}

TEST(Sample, TellsWhyPixelsAndGroupsAreLeftOut) {
  auto cube = fields();
  cube.values[0][2][3] = kInvalid;  // no label
  EXPECT_EQ(
      told_by("{layer: s, label: crop, group: field, number: 100, exclude: [1]}", cube),
      (std::vector<std::string>{
          "sample: left out of 6 pixels: 1 without a label, 3 of a label in `exclude`, 1 without "
          "nir",
          "sample: group 7 gives no sample: 3 of a label in `exclude`"}));
  EXPECT_EQ(told_by("{layer: s, label: crop, group: field, value: mean, own_group: true}", cube),
            (std::vector<std::string>{
                "sample: left out of 6 pixels: 1 without a label, 3 of another group, 1 without "
                "nir"}));
  EXPECT_TRUE(told_by("{layer: s, features: [red], label: crop, number: 6}").empty());
  EXPECT_EQ(told_by("{layer: s, label: crop, number: 6, mask: red, incomplete: true}"),
            std::vector<std::string>{});
  EXPECT_EQ(told_by("{layer: s, label: crop, block: [1, 2], stride: [1, 2]}").back(),
            "sample: blocks that were drawn and hold pixels that are left out: 1");
}

TEST(Sample, RefusesWhatCannotBeMeant) {
  const auto refusal = [](const std::string& yaml) {
    return error_of([&] { (void)sampled(yaml); });
  };
  EXPECT_NE(refusal("{layer: s}").find("nothing says which pixels"), std::string::npos);
  EXPECT_NE(refusal("{layer: s, number: 1, fraction: 0.5}").find("several ways"),
            std::string::npos);
  EXPECT_NE(refusal("{layer: s, value: mean}").find("what belongs together"), std::string::npos);
  EXPECT_NE(refusal("{layer: s, label: corn, number: 1}").find("corn"), std::string::npos);
  EXPECT_NE(refusal("{layer: s, fraction: 2}").find("no share"), std::string::npos);
  EXPECT_NE(refusal("{layer: s, label: crop, label_type: number, per_class: 2}").find("classes"),
            std::string::npos);
  EXPECT_NE(
      refusal("{layer: s, group: field, value: mean, own_group: true}").find("not named after"),
      std::string::npos);
}

}  // namespace
}  // namespace geoloom::ops
