// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "learn/model_package.h"
#include "ops/op_table.h"
#include "ops/op_test.h"
#include "store/checksum.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_predict();

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// One tree: feature 0 up to 0.5 gives leaf 0, else feature 1 up to 10 gives leaf 1, else 2.
std::string lightgbm(const std::string& objective, const std::string& names,
                     const std::string& leaves) {
  return "tree\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\nobjective=" + objective +
         "\nfeature_names=" + names +
         "\n\nTree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=0 1\nthreshold=0.5 10\n"
         "decision_type=8 8\nleft_child=-1 -2\nright_child=1 -3\nleaf_value=" +
         leaves + "\n\nend of trees\n";
}
const std::string kBinary = lightgbm("binary sigmoid:1", "ndvi slope", "-1 2 0.5");
const std::string kValues = lightgbm("regression", "ndvi slope", "-1 2 7");

raster::CubeSchema schema_of(const std::vector<std::string>& bands) {
  raster::CubeSchema schema;
  schema.validity_per_band = true;
  for (const auto& name : bands) {
    raster::Band band;
    band.name = name;
    band.type = raster::PixelType::float32;
    schema.bands.push_back(band);
  }
  schema.slices.resize(1);
  return schema;
}

// Rows of one value per band; NaN is invalid.
raster::Block block_of(const raster::CubeSchema& schema, const std::vector<Numbers>& pixels) {
  raster::Block block(schema, {0, 0, static_cast<int64_t>(pixels.size()), 1}, 0, 1);
  for (size_t p = 0; p < pixels.size(); ++p)
    for (size_t band = 0; band < schema.bands.size(); ++band) {
      const bool valid = !std::isnan(pixels[p][band]);
      block.validity(0, band)[p] = valid ? 1 : 0;
      block.plane<float>(band, 0)[p] = valid ? static_cast<float>(pixels[p][band]) : 0;
    }
  return block;
}

// Band by band; NaN where invalid.
std::map<std::string, Numbers> predicted(const std::string& yaml, const std::string& model,
                                         const std::vector<std::string>& bands,
                                         const std::vector<Numbers>& pixels) {
  const auto op = bound(make_predict(), yaml);
  const auto input = schema_of(bands);
  const raster::CubeSchema* inputs[] = {&input};
  const std::vector<workflow::FileContent> files{{"model.txt", store::sha256_hex(model), model}};
  const auto prepared = op->prepare(files);
  const auto plan = op->plan_at({.prepared = prepared.get()}, inputs);
  const auto in = block_of(input, pixels);
  raster::Block out(plan.outputs[0], in.window(), 0, 1);
  const raster::CubeSchema* outputs[] = {&plan.outputs[0]};
  const raster::Block* in_blocks[] = {&in};
  raster::Block* out_blocks[] = {&out};
  op->run({.input_schemas = inputs,
           .output_schemas = outputs,
           .prepared = prepared.get(),
           .inputs = in_blocks,
           .outputs = out_blocks});
  std::map<std::string, Numbers> result;
  for (size_t band = 0; band < out.bands(); ++band)
    raster::visit(out.type(band), [&]<class T>(T) {
      for (size_t p = 0; p < out.pixels(); ++p)
        result[plan.outputs[0].bands[band].name].push_back(
            out.validity(0, band)[p] != 0 ? static_cast<double>(out.plane<T>(band, 0)[p])
                                          : kInvalid);
    });
  return result;
}

const std::vector<Numbers> kPixels{{0.2, 5}, {0.8, 5}, {0.8, 20}, {kInvalid, 5}, {0.8, kInvalid}};

TEST(Predict, ClassesProbabilitiesMarginAndEntropy) {
  const auto map =
      predicted("{model: m, outputs: [class, probability, probabilities, margin, entropy, prob]}",
                kBinary, {"ndvi", "slope"}, kPixels);
  EXPECT_THAT(map.at("class"), numbers_are({0, 1, 1, kInvalid, kInvalid}));
  EXPECT_NEAR(map.at("probability")[0], 0.7310586, 1e-6);
  EXPECT_NEAR(map.at("probability_1")[0], 0.2689414, 1e-6);
  EXPECT_NEAR(map.at("margin")[1], 0.7615942, 1e-6);
  EXPECT_NEAR(map.at("entropy")[2], 0.9565, 1e-3);
  EXPECT_THAT(map.at("prob"), numbers_are({27, 88, 62, kInvalid, kInvalid}));
}

TEST(Predict, BandsAreFoundByNameInAnyOrderAndOthersDoNoHarm) {
  const auto map = predicted("{model: m}", kBinary, {"slope", "red", "ndvi"},
                             {{5, 9, 0.2}, {20, kInvalid, 0.8}});
  EXPECT_THAT(map.at("class"), numbers_are({0, 1}));
}

TEST(Predict, ModelsWithoutNamesTakeBandsAsSaid) {
  const auto unnamed = lightgbm("binary sigmoid:1", "Column_0 Column_1", "-1 2 0.5");
  EXPECT_THAT(predicted("{model: m}", unnamed, {"a", "b"}, {{0.2, 5}, {0.8, 5}}).at("class"),
              numbers_are({0, 1}));
  EXPECT_THAT(predicted("{model: m, features: [b, a]}", unnamed, {"a", "b"}, {{5, 0.2}, {5, 0.8}})
                  .at("class"),
              numbers_are({0, 1}));
  EXPECT_THAT(error_of([&] {
                predicted("{model: m}", unnamed, {"a", "b", "c"}, {{1, 2, 3}});
              }),
              HasSubstr("2 features without names; given are 3: a, b, c"));
}

TEST(Predict, RegressionsAreClipped) {
  const auto map = predicted("{model: m, clip: [0, 5]}", kValues, {"ndvi", "slope"}, kPixels);
  EXPECT_THAT(map.at("value"), numbers_are({0, 2, 5, kInvalid, kInvalid}));
}

TEST(Predict, MissingFeaturesAreNodataOrTheModelsBusiness) {
  // Missing type NaN: missing values go right.
  const auto map = predicted("{model: m, missing: model}", kValues, {"ndvi", "slope"},
                             {{kInvalid, 5}, {0.8, kInvalid}, {kInvalid, kInvalid}});
  EXPECT_THAT(map.at("value"), numbers_are({2, 7, kInvalid}));
}

TEST(Predict, WhereSaysWhichPixelsArePredicted) {
  const auto map = predicted("{model: m, where: field}", kValues, {"ndvi", "field", "slope"},
                             {{0.2, 1, 5}, {0.8, 0, 5}, {0.8, 3, 20}, {0.8, kInvalid, 20}});
  EXPECT_THAT(map.at("value"), numbers_are({-1, kInvalid, 7, kInvalid}));
}

TEST(Predict, SaysWhatDoesNotFit) {
  const auto refused = [](const std::string& yaml, const std::string& model,
                          const std::vector<std::string>& bands) {
    return error_of([&] { predicted(yaml, model, bands, {Numbers(bands.size(), 1)}); });
  };
  const auto missing = refused("{model: m}", kBinary, {"ndvi", "red"});
  EXPECT_THAT(missing, HasSubstr("'slope' is missing"));
  EXPECT_THAT(missing, HasSubstr("wants ndvi, slope; given are ndvi, red"));
  EXPECT_THAT(refused("{model: m, outputs: [class]}", kValues, {"ndvi", "slope"}),
              HasSubstr("regression"));
  EXPECT_THAT(refused("{model: m, outputs: [value]}", kBinary, {"ndvi", "slope"}),
              HasSubstr("classification"));
  EXPECT_THAT(refused("{model: m, classes: [{value: 1}]}", kBinary, {"ndvi", "slope"}),
              HasSubstr("there are 1, the model has 2"));
  EXPECT_THAT(
      refused("{model: m, classes: [{value: -1}, {value: 70000}]}", kBinary, {"ndvi", "slope"}),
      HasSubstr("fit no pixel type"));
  EXPECT_THAT(error_of([] { bound(make_predict(), "{}"); }), HasSubstr("needs `model` or `layer`"));
  EXPECT_THAT(error_of([] { bound(make_predict(), "{model: a, layer: b}"); }),
              HasSubstr("exclude"));
  EXPECT_THAT(error_of([] { bound(make_predict(), "{model: a, clip: [2, 1]}"); }),
              HasSubstr("clip"));
  EXPECT_THAT(error_of([] { bound(make_predict(), "{model: a, outputs: [class, class]}"); }),
              HasSubstr("twice"));
}

TEST(Predict, ModelsOfEarlierStepsArePlannedByTheirCards) {
  TestFolder folder;
  learn::ModelPackage package;
  package.card.name = "crop";
  package.card.task = learn::Task::classification;
  package.card.features = {{.name = "ndvi"}, {.name = "slope"}};
  package.card.classes = {{4, "other", "#101010"}, {300, "crop", "#d0a000"}};
  package.card.model_file = "model.txt";
  package.model = kBinary;
  learn::write_model_package(folder / "crop.zip", package);
  const auto op = bound(make_predict(), "{layer: crop}");
  EXPECT_THAT(op->layers_read(), ElementsAre("crop"));
  workflow::LayerFile file;
  file.path = folder / "crop.zip";
  file.pixel_hash = store::sha256_hex_of_file(file.path);
  const auto prepared = op->prepare_layers(nullptr, std::vector{file});
  const auto input = schema_of({"ndvi", "slope"});
  const raster::CubeSchema* inputs[] = {&input};
  const auto plan = op->plan_at({.prepared = prepared.get()}, inputs);
  const auto& band = plan.outputs[0].bands[0];
  EXPECT_EQ(band.type, raster::PixelType::uint16);
  EXPECT_EQ(band.colours.at(300), (raster::Colour{0xd0, 0xa0, 0}));
  EXPECT_GE(plan.resident_bytes, 1000U);
  file.pixel_hash = std::string(64, '0');
  const auto other = op->prepare_layers(nullptr, std::vector{file});
  EXPECT_THAT(error_of([&] { op->plan_at({.prepared = other.get()}, inputs); }, ErrorCode::corrupt),
              HasSubstr("receipt"));
}

}  // namespace
}  // namespace geoloom::ops
