// SPDX-License-Identifier: Apache-2.0
#include "learn/text_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "error/error.h"
#include "raster/test_folder.h"

namespace geoloom::learn {
namespace {

constexpr uint64_t kLimit = 1 << 28;

std::string text_of(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

std::string refusal_of(const std::string& text, const TextColumns& columns = {}) {
  const TestFolder folder;
  try {
    (void)read_text_table(folder.write("a.csv", text), columns, kLimit);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(TextTable, TakesColumnsOfNumbersAsFeatures) {
  const TestFolder folder;
  const auto path = folder.write("a.csv",
                                 "\xef\xbb\xbfid,red,\"nir, wide\",crop,lon,lat,day,empty,place\r\n"
                                 "a,1,2.5,wheat,13.5,46,2019-04-14,,x\r\n"
                                 "\"b \"\"q\"\"\nc\",,65535,maize,14,46.5,,,y\r\n"
                                 "\r\n"
                                 "c,+3,-inf,,14,47,20190415,,x\r\n");
  TextColumns columns;
  columns.label = "crop";
  columns.x = "lon";
  columns.y = "lat";
  columns.date = "day";
  columns.group = "place";
  columns.item = "id";
  columns.crs = "EPSG:4326";
  columns.missing = 65535;
  const auto table = read_text_table(path, columns, kLimit);
  EXPECT_EQ(table.rows, 3U);
  EXPECT_EQ(table.schema.feature_names(), (std::vector<std::string>{"red", "nir, wide"}));
  EXPECT_EQ(table.features[0], 1);
  EXPECT_EQ(table.features[1], 2.5F);
  EXPECT_TRUE(std::isnan(table.features[2]));
  EXPECT_TRUE(std::isnan(table.features[3]));
  EXPECT_EQ(table.features[4], 3);
  EXPECT_TRUE(std::isnan(table.features[5]));
  EXPECT_EQ(table.schema.classes, (std::vector<LabelClass>{{1, "maize"}, {2, "wheat"}}));
  EXPECT_EQ(table.class_labels, (std::vector<int64_t>{2, 1, kNoClass}));
  EXPECT_EQ(table.x, (std::vector<double>{13.5, 14, 14}));
  EXPECT_EQ(table.date, (std::vector<int64_t>{18000, kNoDate, 18001}));
  EXPECT_EQ(table.group[0], table.group[2]);
  EXPECT_NE(table.group[0], table.group[1]);
  EXPECT_GT(table.group[0], 0);
  EXPECT_EQ(table.items, (std::vector<std::string>{"a", "b \"q\"\nc", "c"}));
}

TEST(TextTable, SurvivesCsv) {
  const TestFolder folder;
  TableSchema schema;
  schema.features = {{"red", ""}, {"a,b", ""}};
  schema.label = "crop";
  schema.label_type = LabelType::classes;
  schema.classes = {{1, ""}, {7, ""}};
  schema.located = schema.dated = schema.grouped = schema.weighted = schema.folded = true;
  auto table = empty_table(schema, 2);
  table.items = {"t \"1\""};
  table.features = {0.1F, std::nanf(""), 3e-9F, -4};
  table.class_labels = {7, kNoClass};
  table.x = {0.1, 1e7};
  table.y = {-5, 0};
  table.date = {18000, kNoDate};
  table.group = {5, 6};
  table.fold = {0, 1};
  write_table(folder / "a.npz", table);
  write_csv(folder / "a.npz", folder / "a.csv");
  EXPECT_EQ(text_of(folder / "a.csv"),
            "crop,x,y,item,date,group,weight,fold,red,\"a,b\"\n"
            "7,0.1,-5,\"t \"\"1\"\"\",2019-04-14,5,1,0,0.1,\n"
            ",10000000,0,\"t \"\"1\"\"\",,6,1,1,3e-09,-4\n");
  TextColumns columns;
  columns.label = "crop";
  columns.x = "x";
  columns.y = "y";
  columns.date = "date";
  columns.group = "group";
  columns.weight = "weight";
  columns.item = "item";
  columns.ignore = {"fold"};
  const auto again = read_text_table(folder / "a.csv", columns, kLimit);
  EXPECT_EQ(again.class_labels, table.class_labels);
  EXPECT_EQ(again.x, table.x);
  EXPECT_EQ(again.date, table.date);
  EXPECT_EQ(again.group, table.group);
  EXPECT_EQ(again.items, table.items);
  EXPECT_EQ(again.features[0], 0.1F);
  EXPECT_EQ(again.features[2], 3e-9F);
}

TEST(TextTable, ReadsWhatSavetxtWrites) {
  const TestFolder folder;
  const auto path = folder.write("t.txt",
                                 "# Class red nir\n1.000000 0.1 0.2\n"
                                 "0.000000 0.3 nan\n");
  TextColumns columns;
  columns.label = "Class";
  auto table = read_text_table(path, columns, kLimit);
  EXPECT_EQ(table.class_labels, (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(table.schema.classes, (std::vector<LabelClass>{{0, ""}, {1, ""}}));
  EXPECT_EQ(table.schema.feature_names(), (std::vector<std::string>{"red", "nir"}));
  read_text_locations(folder.write("c.txt", "1e5 2\n3 4\n"), "EPSG:6933", table);
  EXPECT_EQ(table.x, (std::vector<double>{1e5, 3}));
  EXPECT_EQ(table.schema.crs, "EPSG:6933");
  for (const auto* text : {"1 2\n", "1 2\n3 4\n5 6\n", "1 2\na b\n"})
    EXPECT_THROW(read_text_locations(folder.write("c.txt", text), "", table), Error) << text;
}

TEST(TextTable, TellsTypesOfLabels) {
  const TestFolder folder;
  TextColumns columns;
  columns.label = "l";
  const auto type_of = [&](const std::string& text) {
    return read_text_table(folder.write("a.csv", text), columns, kLimit).schema.label_type;
  };
  EXPECT_EQ(type_of("l,a\n1,1\n2,1\n"), LabelType::classes);
  EXPECT_EQ(type_of("l,a\n1,1\n2.5,1\n"), LabelType::number);
  EXPECT_EQ(type_of("l,a\n1,1\nwheat,1\n"), LabelType::classes);
  columns.label_type = LabelType::number;
  EXPECT_EQ(type_of("l,a\n1,1\n2,1\n"), LabelType::number);
  EXPECT_EQ(refusal_of("l,a\n1,1\nwheat,1\n", columns), "the label 'wheat' is no number");
  columns.label_type.reset();
  columns.classes = {{3, "maize"}};
  EXPECT_EQ(refusal_of("l,a\nmaize,1\nwheat,1\n", columns),
            "the label 'wheat' is none of the classes");
  EXPECT_EQ(refusal_of("l,a\nmaize,1\n4,1\n", columns),
            "the table has a sample of class 4, which is none of its classes");
}

TEST(TextTable, RefusesWhatItCannotRead) {
  TextColumns columns;
  EXPECT_EQ(refusal_of(""), "the file is empty");
  EXPECT_EQ(refusal_of("a,b\n"), "the table has no rows");
  EXPECT_EQ(refusal_of("a,b\nx,y\n"), "no column holds numbers only");
  EXPECT_EQ(refusal_of("a,b\n1\n"), "the row has 1 fields, the first line has 2");
  EXPECT_EQ(refusal_of("a,b\n1,\"2\n"), "a quote does not end");
  EXPECT_EQ(refusal_of("a,a\n1,2\n"), "the table is not one: two features are called 'a'");
  columns.features = {"a"};
  EXPECT_EQ(refusal_of("a,b\nx,2\n", columns), "'x' of the feature 'a' is no number");
  columns.features = {"c"};
  EXPECT_EQ(refusal_of("a,b\nx,2\n", columns), "the table has no column 'c'");
  columns = {};
  columns.date = "b";
  EXPECT_EQ(refusal_of("a,b\n1,tomorrow\n", columns), "'tomorrow' is no date: as 2019-04-14");
  columns = {};
  columns.x = "a";
  EXPECT_EQ(refusal_of("a,b\n1,2\n", columns), "x and y are given together or not at all");
  EXPECT_EQ(refusal_of("a,b\n" + std::string(17 << 20, '1') + ",2\n"),
            "a line is longer than 16 MiB");
}

std::string test_data(const std::string& name) {
  const char* folder = std::getenv("GEOLOOM_TEST_DATA");
  return folder == nullptr ? "" : std::string(folder) + "/" + name;
}

TEST(TextTable, ReadsRealTables) {
  const auto crops = test_data("crop-mask/eastern_training.txt");
  if (crops.empty()) GTEST_SKIP() << "set GEOLOOM_TEST_DATA to the folder of test data";
  TextColumns columns;
  columns.label = "Class";
  auto table = read_text_table(crops, columns, kLimit);
  EXPECT_EQ(table.rows, 4444U);
  EXPECT_EQ(table.schema.features.size(), 33U);
  EXPECT_EQ(std::count(table.class_labels.begin(), table.class_labels.end(), 1), 2196);
  read_text_locations(test_data("crop-mask/eastern_coords_epsg6933.txt"), "EPSG:6933", table);
  EXPECT_EQ(table.x[1], 3179340);

  columns = {};
  columns.label = "ewoc_code";
  columns.x = "lon";
  columns.y = "lat";
  columns.date = "valid_time";
  columns.group = "ref_id";
  columns.item = "sample_id";
  columns.missing = 65535;
  const auto points =
      read_text_table(test_data("worldcereal-points/public_extractions.csv"), columns, kLimit);
  EXPECT_EQ(points.rows, 500U);
  EXPECT_EQ(std::count(points.class_labels.begin(), points.class_labels.end(), 1101070000), 305);
}

}  // namespace
}  // namespace geoloom::learn
