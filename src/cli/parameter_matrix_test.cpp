// SPDX-License-Identifier: Apache-2.0
#include "cli/parameter_matrix.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "gdal/dataset.h"

namespace geoloom::cli {
namespace {

class ParameterMatrix : public testing::Test {
 protected:
  ParameterMatrix()
      : path_(testing::TempDir() + "matrix-" + std::to_string(std::random_device{}()) + ".csv") {
    gdal::initialise();
  }
  ~ParameterMatrix() override { std::filesystem::remove(path_); }

  std::vector<MatrixRow> read(const std::string& text) const {
    std::ofstream(path_) << text;
    return read_matrix(path_,
                       workflow::parse_document(
                           "geoloom: 1\nname: x\nstore: out\nparams: {region: a, year: 2018}\n"
                           "steps: {s: {do: [{load: {}}]}}\n",
                           "a.yaml"));
  }
  std::string refusal(const std::string& text) const {
    try {
      (void)read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid);
      return error.what();
    }
    return "accepted";
  }

  const std::string path_;
};

TEST_F(ParameterMatrix, RowsGiveParameters) {
  const auto rows = read("region,year\n# a comment\nnorth,2019\n\n\"a, b\",\n");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].label, "north");
  EXPECT_EQ(rows[0].place, path_ + ":3");
  EXPECT_EQ(rows[0].given.at("year").value.integer, 2019) << "typed like -p";
  EXPECT_EQ(rows[0].given.at("year").value.line, 3);
  EXPECT_EQ(rows[0].given.at("year").origin, "matrix " + path_ + ":3");
  EXPECT_EQ(rows[1].given.at("region").value.text, "a, b");
  EXPECT_FALSE(rows[1].given.contains("year")) << "an empty cell gives nothing";
}

TEST_F(ParameterMatrix, MistakesNameTheirLine) {
  EXPECT_NE(refusal("regoin,year\na,1\n").find(":1: the column 'regoin' is no parameter"),
            std::string::npos)
      << refusal("regoin,year\na,1\n");
  EXPECT_NE(refusal("regoin,year\na,1\n").find("did you mean 'region'"), std::string::npos);
  EXPECT_NE(refusal("year,year\n1,2\n").find("stands twice"), std::string::npos);
  EXPECT_NE(refusal("region,year\na,1\nb\n").find(":3: 1 cells"), std::string::npos);
  EXPECT_NE(refusal("region,year\n").find("no row"), std::string::npos);
  EXPECT_NE(refusal("").find("no row"), std::string::npos);
}

TEST_F(ParameterMatrix, RowsMayShareAStoreButNoLayer) {
  check_stores({{"m:2", "out", {"a"}}, {"m:3", "out/", {"b"}}, {"m:4", "s3://b/x", {"a"}}});
  for (const auto* const same : {"out", "./out/", "x/../out"})
    EXPECT_THROW(check_stores({{"m:2", "out", {"a"}}, {"m:3", same, {"b", "a"}}}), Error) << same;
  EXPECT_THROW(check_stores({{"m:2", "s3://b/x", {"a"}}, {"m:3", "s3://b/x/", {"a"}}}), Error);
}

}  // namespace
}  // namespace geoloom::cli
