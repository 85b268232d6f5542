// SPDX-License-Identifier: Apache-2.0
#include "learn/table_file.h"
#include "ops/op_test.h"

namespace geoloom::ops {
std::unique_ptr<workflow::Op> make_split();
namespace {

std::vector<int32_t> folds_of(const std::string& yaml) {
  const TestFolder folder;
  learn::TableSchema schema;
  schema.features = {{"region", ""}};
  schema.located = schema.dated = true;
  schema.crs = "EPSG:32631";
  auto table = learn::empty_table(schema, 4);
  table.items = {"a"};
  table.features = {3, 3, 1, 2};
  table.x = {0, 5, 100, 300};
  table.y = {0, 0, 0, 0};
  table.date = {18000, 18400, 18800, 19200};
  learn::write_table(folder / "t.npz", table);
  FakeLayers layers;
  workflow::LayerInfo info;
  info.name = "t";
  info.kind = workflow::LayerKind::table;
  workflow::Layers::Entry entry;
  entry.item.name = "all";
  entry.file.emplace();
  entry.file->path = folder / "t.npz";
  layers.add(info, {entry});
  workflow::TaskContext context;
  context.layers = &layers;
  context.scratch_folder = folder.path();
  context.grid = grid_of(40, 1, 10, 0, 10);
  context.selected = context.grid.window();
  const auto op = bound<workflow::TaskOp>(make_split(), yaml);
  EXPECT_TRUE(op->plan(layers).kind == workflow::LayerKind::table);
  return learn::read_table(op->run(context).scratch_path, 1 << 20).fold;
}

TEST(Split, AddsFolds) {
  EXPECT_EQ(folds_of("{layer: t, method: column, column: region, folds: 0}"),
            (std::vector<int32_t>{2, 2, 0, 1}));
  EXPECT_EQ(folds_of("{layer: t, method: blocks, block_size: 50, folds: 0}"),
            (std::vector<int32_t>{0, 0, 1, 2}));
  EXPECT_EQ(folds_of("{layer: t, method: clusters, max_distance: 150, folds: 0}"),
            (std::vector<int32_t>{0, 0, 0, 1}));
  EXPECT_EQ(folds_of("{layer: t, method: temporal, period: year, test_share: 0.25}"),
            (std::vector<int32_t>{-1, -1, -1, 0}));
  const auto near = folds_of("{layer: t, method: nearest, folds: 2, predicted_places: 20}");
  EXPECT_EQ(std::count(near.begin(), near.end(), 0), 2);
}

TEST(Split, RefusesWhatCannotBe) {
  EXPECT_NE(error_of([] {
              (void)folds_of("{layer: t, method: column, column: crop}");
            }).find("has no 'crop'"),
            std::string::npos);
  EXPECT_NE(error_of([] { (void)folds_of("{layer: t, method: blocks}"); }).find("need a size"),
            std::string::npos);
}

}  // namespace
}  // namespace geoloom::ops
