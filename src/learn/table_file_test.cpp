// SPDX-License-Identifier: Apache-2.0
#include "learn/table_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "error/error.h"
#include "raster/test_folder.h"
#include "store/zip_file.h"

namespace geoloom::learn {
namespace {

std::string bytes_of_file(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

TableSchema full_schema(size_t side = 1) {
  TableSchema schema;
  schema.features = {{"red", "1"}, {"nir", "1"}, {"höhe", "m"}};
  schema.block_height = side;
  schema.block_width = side;
  schema.label = "crop";
  schema.label_type = LabelType::classes;
  schema.classes = {{0, "other"}, {1, "wheat"}};
  schema.located = schema.dated = schema.grouped = schema.weighted = true;
  schema.crs = "EPSG:32633";
  return schema;
}

SampleTable table_of(size_t rows, const std::string& item, size_t side = 1) {
  auto table = empty_table(full_schema(side), rows);
  table.items = {item};
  table.sampling = {42, "classes", {{0, 100, rows}, {1, 10, 0}}, std::nullopt};
  for (size_t i = 0; i < table.features.size(); ++i) table.features[i] = static_cast<float>(i) / 8;
  for (size_t i = 0; i < rows; ++i) {
    table.class_labels[i * side * side] = static_cast<int64_t>(i % 2);
    table.x[i] = 1e5 + static_cast<double>(i);
    table.date[i] = 18000 + static_cast<int64_t>(i);
    table.group[i] = static_cast<int64_t>(i / 3);
  }
  return table;
}

void expect_same(const SampleTable& got, const SampleTable& expected) {
  EXPECT_EQ(got.schema, expected.schema);
  EXPECT_EQ(got.rows, expected.rows);
  EXPECT_EQ(got.features, expected.features);
  EXPECT_EQ(got.class_labels, expected.class_labels);
  EXPECT_EQ(got.x, expected.x);
  EXPECT_EQ(got.item, expected.item);
  EXPECT_EQ(got.date, expected.date);
  EXPECT_EQ(got.group, expected.group);
  EXPECT_EQ(got.weight, expected.weight);
  EXPECT_EQ(got.fold, expected.fold);
  EXPECT_EQ(got.items, expected.items);
  EXPECT_EQ(got.sampling, expected.sampling);
}

constexpr uint64_t kLimit = 1 << 24;

TEST(TableFile, GivesBackWhatItWasGiven) {
  const TestFolder folder;
  for (const size_t side : {1, 3}) {
    const auto table = table_of(5, "10_20", side);
    write_table(folder / "a.npz", table);
    write_table(folder / "b.npz", table);
    EXPECT_EQ(bytes_of_file(folder / "a.npz"), bytes_of_file(folder / "b.npz"));
    expect_same(read_table(folder / "a.npz", kLimit), table);
    EXPECT_EQ(describe_table(folder / "a.npz").rows, 5U);
  }
  auto folded = table_of(3, "a");
  folded.schema.folded = true;
  folded.fold = {0, kNoFold, 1};
  write_table(folder / "a.npz", folded);
  expect_same(read_table(folder / "a.npz", kLimit), folded);
  write_table(folder / "none.npz", table_of(0, "a"));
  expect_same(read_table(folder / "none.npz", kLimit), table_of(0, "a"));
}

TEST(TableFile, MergesInOrder) {
  const TestFolder folder;
  write_table(folder / "a.npz", table_of(2, "a"));
  write_table(folder / "none.npz", table_of(0, "empty"));
  write_table(folder / "b.npz", table_of(3, "b"));
  const auto info =
      merge_tables({folder / "a.npz", folder / "none.npz", folder / "b.npz"}, folder / "all.npz");
  EXPECT_EQ(info.rows, 5U);
  const auto all = read_table(folder / "all.npz", kLimit);
  EXPECT_EQ(all.items, (std::vector<std::string>{"a", "empty", "b"}));
  EXPECT_EQ(all.item, (std::vector<uint32_t>{0, 0, 2, 2, 2}));
  EXPECT_EQ(all.class_labels, (std::vector<int64_t>{0, 1, 0, 1, 0}));
  EXPECT_EQ(all.sampling.rates, (std::vector<ClassRate>{{0, 300, 5}, {1, 30, 0}}));
  EXPECT_EQ(all.sampling.seed, 42U);
}

TEST(TableFile, MergesOnlyWhatFits) {
  const TestFolder folder;
  write_table(folder / "a.npz", table_of(2, "a"));
  auto other = table_of(2, "b");
  std::swap(other.schema.features[0], other.schema.features[1]);
  write_table(folder / "b.npz", other);
  try {
    merge_tables({folder / "a.npz", folder / "b.npz"}, folder / "all.npz");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_NE(error.message().find("its feature 1 is 'nir' instead of 'red'"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "all.npz"));
  EXPECT_THROW(merge_tables({}, folder / "all.npz"), Error);
  EXPECT_THROW(merge_tables({folder / "a.npz", folder / "c.npz"}, folder / "all.npz"), Error);
}

// Of 200 tables, 120 MB together, with less memory than a sixth of that.
TEST(TableFile, MergesInBoundedMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep memory that was given back";
#endif
  const TestFolder folder;
  TableSchema schema;
  for (int i = 0; i < 50; ++i) schema.features.push_back({fmt::format("f{}", i), ""});
  auto table = empty_table(schema, 3000);
  table.items = {"a"};
  write_table(folder / "a.npz", table);
  table = {};
  const auto peak_kib = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const auto before = peak_kib();
  const auto info =
      merge_tables(std::vector<std::string>(200, folder / "a.npz"), folder / "all.npz");
  EXPECT_EQ(info.rows, 600'000U);
  EXPECT_GT(std::filesystem::file_size(folder / "all.npz"), 120'000'000U);
  EXPECT_LT(peak_kib() - before, 20 << 10);
}

TEST(TableFile, RefusesDamage) {
  const TestFolder folder;
  write_table(folder / "a.npz", table_of(2, "a"));
  EXPECT_THROW(read_table(folder / "a.npz", 10), Error);
  EXPECT_THROW(read_table(folder / "none.npz", kLimit), Error);
  const store::ZipReader zip(folder / "a.npz");
  for (const auto& dropped : zip.members()) {
    store::ZipWriter copy(folder / "b.npz");
    for (const auto& member : zip.members())
      if (member.name != dropped.name) copy.add(member.name, zip.text(member.name, kLimit));
    copy.close();
    EXPECT_THROW(read_table(folder / "b.npz", kLimit), Error) << dropped.name;
  }
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"rows\": 2", "\"rows\": 3"},
                                 {"\"rows\": 2", "\"rows\": -1"},
                                 {"\"rows\": 2", "\"rows\": 18446744073709551615"},
                                 {"\"located\": true", "\"located\": 1"},
                                 {"\"geoloom_table\": 1", "\"geoloom_table\": 2"},
                                 {"\"items\": [\n  \"a\"\n ]", "\"items\": []"}}) {
    auto meta = zip.text("meta.json", kLimit);
    ASSERT_NE(meta.find(from), std::string::npos) << meta;
    meta.replace(meta.find(from), from.size(), to);
    store::ZipWriter copy(folder / "b.npz");
    for (const auto& member : zip.members())
      copy.add(member.name, member.name == "meta.json" ? meta : zip.text(member.name, kLimit));
    copy.close();
    EXPECT_THROW(read_table(folder / "b.npz", kLimit), Error) << to;
  }
}

TEST(TableFile, FoldsAreAddedWithoutFeaturesInMemory) {
  const TestFolder folder;
  const auto table = table_of(5, "a", 2);
  write_table(folder / "t.npz", table);
  const auto rows = read_table_without_features(folder / "t.npz", 1 << 20);
  EXPECT_TRUE(rows.features.empty());
  EXPECT_EQ(rows.class_labels, table.class_labels);
  EXPECT_EQ(rows.group, table.group);
  EXPECT_EQ(rows.x, table.x);
  // Of blocks of 2 x 2 pixels with three features the first pixel's.
  EXPECT_EQ(read_feature(folder / "t.npz", 1),
            (std::vector<float>{1 / 8.0F, 13 / 8.0F, 25 / 8.0F, 37 / 8.0F, 49 / 8.0F}));
  const std::vector<int32_t> fold{0, 1, -1, 0, 1}, other{1, 1, 1, 1, 1};
  write_table_with_folds(folder / "t.npz", fold, folder / "f.npz");
  auto expected = table;
  expected.schema.folded = true;
  expected.fold = fold;
  expect_same(read_table(folder / "f.npz", 1 << 20), expected);
  EXPECT_EQ(read_table(folder / "f.npz", 1 << 20).fold, fold);
  write_table_with_folds(folder / "f.npz", other, folder / "g.npz");
  EXPECT_EQ(read_table(folder / "g.npz", 1 << 20).fold, other);
  EXPECT_THROW(read_table_without_features(folder / "t.npz", 100), Error);
}

}  // namespace
}  // namespace geoloom::learn
