// SPDX-License-Identifier: Apache-2.0
#include "learn/npy_tables.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "error/error.h"
#include "learn/npy.h"
#include "raster/test_folder.h"

namespace geoloom::learn {
namespace {

template <class T>
std::string array(NpyType type, const std::vector<uint64_t>& shape, const std::vector<T>& numbers) {
  std::string bytes(numbers.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return npy_header(type, shape) + bytes;
}

std::string bytes_of_file(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

constexpr uint64_t kLimit = 1 << 20;

TEST(NpyTables, AreReadAndWrittenBack) {
  const TestFolder folder;
  NpyTables tables;
  const auto features =
      array<float>(NpyType::float32, {2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  tables.features = {folder.write("FEATURES.npy", features),
                     folder.write("DEM.npy", array<double>(NpyType::float64, {2, 1}, {100, 200}))};
  tables.label = folder.write("GHSL.npy", array<uint8_t>(NpyType::uint8, {2, 1}, {40, 50}));
  tables.item = folder.write("ids.npy", array<uint32_t>(NpyType::uint32, {2}, {7, 3}));
  const auto table = read_npy_tables(tables, kLimit);
  EXPECT_EQ(table.schema.feature_names(),
            (std::vector<std::string>{"FEATURES/0/0", "FEATURES/0/1", "FEATURES/0/2",
                                      "FEATURES/1/0", "FEATURES/1/1", "FEATURES/1/2", "DEM/0"}));
  EXPECT_EQ(table.features, (std::vector<float>{0, 1, 2, 3, 4, 5, 100, 6, 7, 8, 9, 10, 11, 200}));
  EXPECT_EQ(table.number_labels, (std::vector<double>{40, 50}));
  EXPECT_EQ(table.items, (std::vector<std::string>{"3", "7"}));
  EXPECT_EQ(table.item, (std::vector<uint32_t>{1, 0}));

  tables.features.pop_back();
  write_table(folder / "t.npz", read_npy_tables(tables, kLimit));
  write_npy_column(folder / "t.npz", "features", 2, folder / "out.npy");
  EXPECT_EQ(bytes_of_file(folder / "out.npy"), features);
  write_npy_column(folder / "t.npz", "label", 1, folder / "out.npy");
  EXPECT_EQ(bytes_of_file(folder / "out.npy"), array<double>(NpyType::float64, {2, 1}, {40, 50}));
  write_npy_column(folder / "t.npz", "item", 1, folder / "out.npy");
  EXPECT_EQ(bytes_of_file(folder / "out.npy"), array<uint32_t>(NpyType::uint32, {2}, {1, 0}));
  EXPECT_THROW(write_npy_column(folder / "t.npz", "features", 4, folder / "out.npy"), Error);
  EXPECT_THROW(write_npy_column(folder / "t.npz", "date", 1, folder / "out.npy"), Error);
}

TEST(NpyTables, RefuseWhatDoesNotAgree) {
  const TestFolder folder;
  NpyTables tables;
  EXPECT_THROW(read_npy_tables(tables, kLimit), Error);
  tables.features = {folder.write("a.npy", array<float>(NpyType::float32, {2, 1}, {1, 2}))};
  EXPECT_NO_THROW(read_npy_tables(tables, kLimit));
  EXPECT_THROW(read_npy_tables(tables, 10), Error);
  tables.label = folder.write("l.npy", array<float>(NpyType::float32, {3}, {1, 2, 3}));
  EXPECT_THROW(read_npy_tables(tables, kLimit), Error);
  tables.label = folder.write("l.npy", array<float>(NpyType::float32, {2}, {1, 2.5}));
  EXPECT_NO_THROW(read_npy_tables(tables, kLimit));
  tables.label_type = LabelType::classes;
  EXPECT_THROW(read_npy_tables(tables, kLimit), Error);
  tables.label.clear();
  tables.names = {"a", "b"};
  EXPECT_THROW(read_npy_tables(tables, kLimit), Error);
  tables.names = {"a"};
  tables.features.push_back(folder.write("b.npy", array<float>(NpyType::float32, {1, 1}, {1})));
  EXPECT_THROW(read_npy_tables(tables, kLimit), Error);
}

}  // namespace
}  // namespace geoloom::learn
