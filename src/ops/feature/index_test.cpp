// SPDX-License-Identifier: Apache-2.0
#include "kernels/expression.h"
#include "ops/feature/index_bands.h"
#include "ops/feature/index_catalogue.h"
#include "ops/op_test.h"

namespace geoloom::ops {
std::unique_ptr<workflow::Op> make_index();
namespace {

using testing::HasSubstr;

raster::CubeSchema with_bands(const std::vector<std::string>& names) {
  raster::CubeSchema schema;
  for (const auto& name : names) {
    schema.bands.emplace_back().name = name;
    schema.bands.back().scale = 0.0001;
  }
  schema.slices.resize(1);
  return schema;
}

TEST(IndexCatalogue, EveryFormulaIsUnderstood) {
  const auto& catalogue = IndexCatalogue::get();
  EXPECT_GT(catalogue.indices().size(), 250U);
  for (const auto& index : catalogue.indices()) {
    for (const auto kernel : {IndexKernel::rbf, IndexKernel::linear, IndexKernel::polynomial}) {
      const auto expression = kernels::Expression::parse(catalogue.formula(index, kernel));
      EXPECT_FALSE(expression.is_condition()) << index.name;
      for (const auto& name : expression.names())
        EXPECT_TRUE(catalogue.constants().contains(name) || catalogue.bands().contains(name) ||
                    name == "VV" || name == "VH" || name == "HH" || name == "HV")
            << index.name << ": " << name;
    }
    EXPECT_FALSE(index.title.empty() || index.domain.empty() || index.reference.empty())
        << index.name;
    EXPECT_EQ(catalogue.find(index.name), &index);
  }
  EXPECT_EQ(catalogue.find("ndvi")->name, "NDVI");
  EXPECT_EQ(catalogue.find("nothing"), nullptr);
}

std::string found(const std::vector<std::string>& names, const std::string& letter,
                  const std::map<std::string, std::string>& chosen = {},
                  const std::string& sensor = {}) {
  const auto schema = with_bands(names);
  const auto band = IndexBands(schema, chosen, sensor, "index").find(letter);
  return band ? schema.bands[*band].name : "none";
}

TEST(IndexBands, AreFoundByTheirNames) {
  EXPECT_EQ(found({"red", "nir"}, "N"), "nir");
  EXPECT_EQ(found({"R", "N"}, "R"), "R");
  EXPECT_EQ(found({"swir_1", "red_edge_2"}, "S1"), "swir_1");
  EXPECT_EQ(found({"swir_1", "red_edge_2"}, "RE2"), "red_edge_2");
  EXPECT_EQ(found({"B04", "B08", "B8A"}, "N"), "B08");
  EXPECT_EQ(found({"B04", "B08", "B8A"}, "N2"), "B8A");
  EXPECT_EQ(found({"B04", "B8A"}, "N"), "B8A");
  EXPECT_EQ(found({"red", "nir08"}, "N"), "nir08");
  EXPECT_EQ(found({"vv", "vh"}, "VH"), "vh");
  EXPECT_EQ(found({"red", "green"}, "N"), "none");
  EXPECT_EQ(found({"B04", "B08", "B8A"}, "N", {{"N", "B8A"}}), "B8A");
  EXPECT_EQ(found({"B04", "B08"}, "R", {}, "sentinel-2-l2a"), "B04");
}

TEST(IndexBands, SaysWhatIsWrong) {
  const auto schema = with_bands({"B04", "B08"});
  EXPECT_THAT(error_of([&] {
                IndexBands(schema, {{"N", "B09"}}, "", "index");
              }),
              HasSubstr("index.bands.N"));
  EXPECT_THAT(error_of([&] { IndexBands(schema, {}, "sentinel-2", "index"); }),
              HasSubstr("index.sensor"));
}

TEST(Index, SaysWhatIsWrong) {
  const auto made = [](const std::string& yaml) { return bound(make_index(), yaml); };
  EXPECT_THAT(error_of([&] { made("{}"); }), HasSubstr("names no index"));
  EXPECT_THAT(error_of([&] { made("{names: NDVI, bands: {Q: red}}"); }),
              HasSubstr("no letter of formulas"));
  EXPECT_THAT(error_of([&] { made("{names: NDVI, constants: {M: 1}}"); }),
              HasSubstr("no constant 'M'"));
  EXPECT_THAT(error_of([&] { made("normalised_differences: {a: [b]}"); }),
              HasSubstr("needs two bands"));
  const auto schema = with_bands({"red", "green"});
  const raster::CubeSchema* const input = &schema;
  EXPECT_THAT(
      error_of([&] {
        made("NDVI")->plan({&input, 1});
      }),
      testing::AllOf(HasSubstr("N (nir)"), HasSubstr("possible with these"), HasSubstr("NGRDI")));
}

TEST(Index, ConstantsWithoutDefaultAreAskedFor) {
  const auto schema = with_bands({"green", "red", "nir"});
  const raster::CubeSchema* const input = &schema;
  EXPECT_THAT(error_of([&] {
                bound(make_index(), "NIRvP")->plan({&input, 1});
              }),
              testing::AllOf(HasSubstr("the constant PAR"), HasSubstr("Photosynthetically")));
  EXPECT_THAT(error_of([&] {
                bound(make_index(), "DVIplus")->plan({&input, 1});
              }),
              HasSubstr("lambda"));
  const auto op = bound(make_index(), "{names: NIRvP, constants: {PAR: 2}}");
  EXPECT_EQ(op->plan({&input, 1}).outputs.at(0).band_names(), std::vector<std::string>{"NIRvP"});
}

}  // namespace
}  // namespace geoloom::ops
