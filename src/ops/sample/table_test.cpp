// SPDX-License-Identifier: Apache-2.0
#include "learn/table_file.h"
#include "ops/op_test.h"

namespace geoloom::ops {
std::unique_ptr<workflow::Op> make_table();
namespace {

TEST(Table, TakesACsvWithItsColumns) {
  const TestFolder folder;
  write_text(folder / "points.csv", "id,crop,lon,lat,red,nir\na,wheat,13,46,1,2\nb,,13,46,3,4\n");
  const auto op = bound<workflow::TaskOp>(
      make_table(), "{file: " + (folder / "points.csv") +
                        ", label: crop, x: lon, y: lat, crs: 'EPSG:4326', item: id}");
  const FakeLayers layers;
  const auto info = op->plan(layers);
  EXPECT_EQ(info.name, "points");
  ASSERT_TRUE(info.table);
  EXPECT_EQ(info.table->feature_names(), (std::vector<std::string>{"red", "nir"}));
  ASSERT_EQ(op->files().size(), 1U);
  EXPECT_TRUE(op->files()[0].by_reference);
  workflow::TaskContext context;
  context.scratch_folder = folder.path();
  const auto product = op->run(context);
  const auto table = learn::read_table(product.scratch_path, 1 << 20);
  EXPECT_EQ(table.features, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(table.class_labels, (std::vector<int64_t>{1, learn::kNoClass}));
}

TEST(Table, RefusesOtherFiles) {
  const auto refusal = [](const std::string& yaml) {
    return error_of([&] { (void)bound<workflow::TaskOp>(make_table(), yaml); });
  };
  const auto parquet = refusal("{file: fields/a.parquet}");
  EXPECT_NE(parquet.find("read_parquet('fields/a.parquet').to_csv('fields/a.csv'"),
            std::string::npos)
      << parquet;
  EXPECT_NE(refusal("{file: a.xlsx}").find(".csv"), std::string::npos);
  EXPECT_NE(refusal("{file: [a.csv, b.csv]}").find("side by side"), std::string::npos);
}

}  // namespace
}  // namespace geoloom::ops
