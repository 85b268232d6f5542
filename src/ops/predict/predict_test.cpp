// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "learn/applicability.h"
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

// Runs the op; band by band what `out` then holds, NaN where invalid.
std::vector<Numbers> bands_made(const workflow::BlockOp& op, const workflow::Prepared* prepared,
                                const raster::CubeSchema& input, const raster::Block& in,
                                const raster::CubeSchema& output, raster::Block& out) {
  const raster::CubeSchema *inputs[] = {&input}, *outputs[] = {&output};
  const raster::Block* in_blocks[] = {&in};
  raster::Block* out_blocks[] = {&out};
  op.run({.input_schemas = inputs,
          .output_schemas = outputs,
          .prepared = prepared,
          .inputs = in_blocks,
          .outputs = out_blocks});
  std::vector<Numbers> bands;
  for (size_t band = 0; band < out.bands(); ++band)
    raster::visit(out.type(band), [&]<class T>(T) {
      auto& numbers = bands.emplace_back();
      for (size_t p = 0; p < out.pixels(); ++p)
        numbers.push_back(out.validity(0, band)[p] != 0
                              ? static_cast<double>(out.plane<T>(band, 0)[p])
                              : kInvalid);
    });
  return bands;
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
  const auto made = bands_made(*op, prepared.get(), input, in, plan.outputs[0], out);
  std::map<std::string, Numbers> result;
  for (size_t band = 0; band < made.size(); ++band)
    result[plan.outputs[0].bands[band].name] = made[band];
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
  EXPECT_EQ(band.class_names, (std::map<int64_t, std::string>{{4, "other"}, {300, "crop"}}));
  EXPECT_GE(plan.resident_bytes, 1000U);
  file.pixel_hash = std::string(64, '0');
  const auto other = op->prepare_layers(nullptr, std::vector{file});
  EXPECT_THAT(error_of([&] { op->plan_at({.prepared = other.get()}, inputs); }, ErrorCode::corrupt),
              HasSubstr("receipt"));
}

// A package of the two classes, whose features were made in known ways.
learn::ModelPackage made_package() {
  learn::ModelPackage package;
  package.card.task = learn::Task::classification;
  package.card.features = {{.name = "ndvi", .recipe = "aaaa"}, {.name = "slope", .recipe = "bbbb"}};
  package.card.classes = {{0, "other", ""}, {1, "crop", ""}};
  package.card.model_file = "model.txt";
  package.model = kBinary;
  return package;
}

std::vector<workflow::FileContent> content_of(const learn::ModelPackage& package,
                                              const TestFolder& folder) {
  const auto path = folder / "model.zip";
  learn::write_model_package(path, package);
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return {{path, store::sha256_hex(bytes), bytes}};
}

TEST(Predict, FeaturesMadeInAnotherWayAreRefusedUnlessThatIsMeant) {
  const TestFolder folder;
  const auto files = content_of(made_package(), folder);
  const auto input = schema_of({"slope", "red", "ndvi"});
  const raster::CubeSchema* inputs[] = {&input};
  const auto plan = [&](const std::string& yaml, const std::vector<std::string>& recipes) {
    const auto op = bound(make_predict(), yaml);
    const auto prepared = op->prepare(files);
    const std::vector<std::string>* of_inputs[] = {&recipes};
    return op->plan_at({.prepared = prepared.get(), .recipes = of_inputs}, inputs);
  };
  plan("{model: m}", {"bbbb", "xxxx", "aaaa"});
  plan("{model: m}", {"", "", ""});  // not known
  EXPECT_THAT(error_of([&] {
                plan("{model: m}", {"bbbb", "xxxx", "cccc"});
              }),
              testing::AllOf(HasSubstr("in another way: ndvi"), HasSubstr("recipe: any")));
  plan("{model: m, recipe: any}", {"bbbb", "xxxx", "cccc"});
}

TEST(Predict, AModelOfAStepTakesTheMemoryOfItsFile) {
  struct Infos : workflow::Layers {
    workflow::LayerInfo model;
    const workflow::LayerInfo& info(const std::string&) const override { return model; }
    std::vector<Entry> files(const std::string&, const workflow::Item&) const override {
      return {};
    }
    std::vector<workflow::LayerFile> files(const std::string&, const workflow::Item&,
                                           const workflow::LayerSelection&) const override {
      return {};
    }
  } infos;
  infos.model.kind = workflow::LayerKind::model;
  infos.model.model = std::make_shared<learn::ModelCard>(made_package().card);
  const auto op = bound(make_predict(), "{layer: crop}");
  const auto input = schema_of({"ndvi", "slope"});
  const raster::CubeSchema* inputs[] = {&input};
  const auto before = op->plan_at({.layers = &infos}, inputs).resident_bytes;
  workflow::LayerFile file;
  file.bytes = 1'000'000;
  const std::vector files{file};
  const auto small = op->plan_at({.layers = &infos, .files = files}, inputs).resident_bytes;
  EXPECT_LT(small, before);
  EXPECT_GE(small, 3'000'000U);
}

// Three training rows in the plane of ndvi and slope / 10; the mean of their distances is 1.
learn::ModelPackage package_with_area() {
  auto package = made_package();
  learn::Applicability area;
  area.features = {"ndvi", "slope"};
  area.means = {0, 0};
  area.deviations = {1, 10};
  area.weights = {1, 1};
  area.points = {0, 0, 1, 0, 0, 1};
  area.mean_distance = 1;
  area.threshold = 0.5;
  area.training = {0.1, 0.2};
  package.extra[learn::kApplicabilityFileName] = learn::applicability_file_bytes(area);
  package.card.applicability = {{"file", learn::kApplicabilityFileName}, {"threshold", 0.5}};
  return package;
}

// Band by band, of a picture of rows; the input reaches `halo` pixels over the result.
std::vector<Numbers> predicted_picture(
    const std::string& yaml, const learn::ModelPackage& package, const geo::Window& whole,
    const geo::Window& result,
    const std::function<std::vector<double>(int64_t, int64_t)>& features_at) {
  const TestFolder folder;
  const auto op = bound(make_predict(), yaml);
  const auto prepared = op->prepare(content_of(package, folder));
  const auto input = schema_of({"ndvi", "slope"});
  const raster::CubeSchema* inputs[] = {&input};
  const auto plan = op->plan_at({.prepared = prepared.get()}, inputs);
  const auto window = result.expanded(plan.halo_pixels);
  raster::Block in(input, window, 0, 1), out(plan.outputs[0], result, 0, 1);
  for (int64_t y = 0; y < window.height; ++y)
    for (int64_t x = 0; x < window.width; ++x) {
      const int64_t column = window.x + x, row = window.y + y;
      const auto p = static_cast<size_t>(y * window.width + x);
      const bool there =
          column >= whole.x && column < whole.right() && row >= whole.y && row < whole.bottom();
      const auto values = there ? features_at(column, row) : std::vector{kInvalid, kInvalid};
      for (size_t band = 0; band < 2; ++band) {
        in.validity(0, band)[p] = std::isnan(values[band]) ? 0 : 1;
        in.plane<float>(band, 0)[p] =
            std::isnan(values[band]) ? 0 : static_cast<float>(values[band]);
      }
    }
  return bands_made(*op, prepared.get(), input, in, plan.outputs[0], out);
}

TEST(Predict, ApplicabilityOfEachPixel) {
  const geo::Window row{0, 0, 4, 1};
  const std::vector<std::vector<double>> pixels{{0, 0}, {1, 5}, {3, 0}, {kInvalid, 0}};
  const auto bands = predicted_picture(
      "{model: m, outputs: [dissimilarity, applicable, class], applicability_cell: 1}",
      package_with_area(), row, row,
      [&](int64_t x, int64_t) { return pixels[static_cast<size_t>(x)]; });
  EXPECT_THAT(bands[0], numbers_are({0, 0.5, 2, kInvalid}));
  EXPECT_THAT(bands[1], numbers_are({1, 1, 0, kInvalid}));
  EXPECT_THAT(bands[2], numbers_are({0, 1, 1, kInvalid}));
}

TEST(Predict, ApplicabilityOfCellsDoesNotDependOnBlocks) {
  // The cell [4, 8) x [4, 8) has pixels of ndvi 1 to 4; one of them lacks slope.
  const geo::Window whole{0, 0, 12, 9};
  const auto features = [](int64_t x, int64_t y) {
    return std::vector<double>{static_cast<double>(x - 3), x == 5 && y == 6 ? kInvalid : 0.0};
  };
  const std::string yaml = "{model: m, outputs: [dissimilarity], applicability_cell: 4}";
  const auto all = predicted_picture(yaml, package_with_area(), whole, whole, features)[0];
  // Four rows of 1 + 2 + 3 + 4 without one 2, over 15: 38 / 15; the nearest row is (1, 0).
  EXPECT_NEAR(all[4 * 12 + 4], 38.0 / 15 - 1, 1e-6);
  EXPECT_EQ(all[4 * 12 + 4], all[7 * 12 + 7]);
  EXPECT_TRUE(std::isnan(all[6 * 12 + 5]));
  for (const auto& part : {geo::Window{0, 0, 5, 6}, {5, 0, 7, 6}, {0, 6, 12, 3}, {6, 5, 1, 1}}) {
    const auto some = predicted_picture(yaml, package_with_area(), whole, part, features)[0];
    for (int64_t y = 0; y < part.height; ++y)
      for (int64_t x = 0; x < part.width; ++x) {
        const auto got = some[static_cast<size_t>(y * part.width + x)];
        const auto wanted = all[static_cast<size_t>((part.y + y) * 12 + part.x + x)];
        EXPECT_TRUE(got == wanted || (std::isnan(got) && std::isnan(wanted))) << x << " " << y;
      }
  }
}

TEST(Predict, ApplicabilityNeedsAnAreaAndWholePixels) {
  const geo::Window row{0, 0, 1, 1};
  const auto nothing = [](int64_t, int64_t) { return std::vector<double>{0, 0}; };
  EXPECT_THAT(error_of([&] {
                predicted_picture("{model: m, outputs: [applicable]}", made_package(), row, row,
                                  nothing);
              }),
              HasSubstr("applicability: true"));
  EXPECT_THAT(error_of([&] {
                predicted_picture("{model: m, outputs: [dissimilarity], missing: model}",
                                  package_with_area(), row, row, nothing);
              }),
              HasSubstr("missing"));
}

}  // namespace
}  // namespace geoloom::ops
