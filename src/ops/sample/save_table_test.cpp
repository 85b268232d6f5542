// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "learn/table_file.h"
#include "ops/op_test.h"

namespace geoloom::ops {
std::unique_ptr<workflow::Op> make_save_table();
namespace {

std::string written(const std::string& yaml) {
  const TestFolder folder;
  learn::TableSchema schema;
  schema.features = {{"red", ""}, {"nir", ""}};
  auto table = learn::empty_table(schema, 2);
  table.items = {"a"};
  table.features = {1, 2.5, 3, 4};
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
  const auto product = bound<workflow::TaskOp>(make_save_table(), yaml)->run(context);
  std::ostringstream bytes;
  bytes << product.extension << "\n"
        << std::ifstream(product.scratch_path, std::ios::binary).rdbuf();
  return bytes.str();
}

TEST(SaveTable, WritesForOtherPrograms) {
  EXPECT_EQ(written("t"), ".csv\nitem,red,nir\na,1,2.5\na,3,4\n");
  EXPECT_NE(written("{layer: t, format: npy}").find("'shape': (2, 2)"), std::string::npos);
  EXPECT_NE(written("{layer: t, format: npy, steps: 2}").find("'shape': (2, 2, 1)"),
            std::string::npos);
  EXPECT_NE(error_of([] {
              (void)written("{layer: t, format: npy, column: label}");
            }).find("no column 'label'"),
            std::string::npos);
}

}  // namespace
}  // namespace geoloom::ops
