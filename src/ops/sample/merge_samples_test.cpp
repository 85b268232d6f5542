// SPDX-License-Identifier: Apache-2.0
#include "learn/table_file.h"
#include "ops/op_test.h"

namespace geoloom::ops {
std::unique_ptr<workflow::Op> make_merge_samples();
namespace {

learn::SampleTable table_of(const std::string& item, size_t rows) {
  learn::TableSchema schema;
  schema.features = {{"red", ""}};
  auto table = learn::empty_table(schema, rows);
  table.items = {item};
  return table;
}

workflow::Layers::Entry entry_of(const std::string& item, const std::string& path) {
  workflow::Layers::Entry entry;
  entry.item.name = item;
  if (path.empty()) return entry;
  entry.file.emplace();
  entry.file->item = entry.item;
  entry.file->path = path;
  return entry;
}

TEST(MergeSamples, PutsTablesBehindEachOther) {
  const TestFolder folder;
  learn::write_table(folder / "a.npz", table_of("a", 2));
  learn::write_table(folder / "b.npz", table_of("b", 3));
  FakeLayers layers;
  workflow::LayerInfo info;
  info.name = "s";
  info.kind = workflow::LayerKind::table;
  layers.add(info,
             {entry_of("a", folder / "a.npz"), entry_of("b", folder / "b.npz"), entry_of("c", "")});
  workflow::TaskContext context;
  context.layers = &layers;
  context.scratch_folder = folder.path();
  const auto strict = bound<workflow::TaskOp>(make_merge_samples(), "s");
  EXPECT_EQ(strict->plan(layers).name, "s_merged");
  EXPECT_NE(error_of([&] { (void)strict->run(context); }, ErrorCode::missing).find("leave_out"),
            std::string::npos);
  const auto op = bound<workflow::TaskOp>(make_merge_samples(), "{layer: s, gaps: leave_out}");
  const auto product = op->run(context);
  const auto table = learn::read_table(product.scratch_path, 1 << 20);
  EXPECT_EQ(table.rows, 5U);
  EXPECT_EQ(table.items, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(product.summary.sha256.size(), 64U);
}

}  // namespace
}  // namespace geoloom::ops
