// SPDX-License-Identifier: Apache-2.0
#include "learn/model_package.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "error/error.h"
#include "learn/table_schema.h"
#include "learn/training_run.h"
#include "store/zip_file.h"

namespace geoloom::learn {
namespace {

using testing::ElementsAre;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string sample(const std::string& name) {
  return bytes_of(std::string(GEOLOOM_MODEL_SAMPLES "/") + name);
}

ModelPackage soil_package() {
  ModelPackage package;
  auto& card = package.card;
  card.name = "soil";
  card.task = Task::classification;
  card.method = "LightGBM";
  card.origin = "LightGBM text v4";
  card.features = {{"ndvi", "1", 1, 0, "abc"}, {"slope", "degree", 1, 0, "def"}, {"soil", ""}};
  card.label = "cover";
  card.classes = {{3, "crop", "#aa8800"}, {5, "wood", "#006600"}, {9, "", ""}};
  card.trained = "2026-02-01T00:00:00Z";
  card.data_hash = "1234";
  card.samples = 400;
  card.bbox = {10, 45, 11, 46};
  card.parameters = {{"num_leaves", 5}};
  card.metrics["random cross-validation"]["overall accuracy"] = 0.9;
  card.model_file = "model.txt";
  package.model = sample("lightgbm.txt");
  package.extra["notes.txt"] = "more";
  return package;
}

class ModelPackageTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              (std::string("geoloom_model_") + test->name() + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  template <class Body>
  void expect_error(ErrorCode code, const std::string& words, Body body) {
    try {
      body();
      FAIL() << "accepted: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  }

  std::filesystem::path folder_;
};

TEST_F(ModelPackageTest, IsReadAsItWasWrittenAndTheSameBytes) {
  write_model_package(path("a.zip"), soil_package());
  write_model_package(path("b.zip"), soil_package());
  EXPECT_EQ(bytes_of(path("a.zip")), bytes_of(path("b.zip")));
  const auto package = read_model_package(path("a.zip"));
  EXPECT_EQ(to_json(package.card)["model_sha256"].get<std::string>().size(), 64U);
  auto wanted = soil_package().card;
  wanted.model_sha256 = package.card.model_sha256;
  EXPECT_EQ(to_json(package.card), to_json(wanted));
  EXPECT_EQ(package.model, sample("lightgbm.txt"));
  EXPECT_EQ(package.extra.at("notes.txt"), "more");
  const auto model = Model::open(path("a.zip"));
  EXPECT_EQ(model.result_width(), 3U);
}

TEST_F(ModelPackageTest, BareFilesSayWhatTheyKnow) {
  const auto model = Model::open(GEOLOOM_MODEL_SAMPLES "/xgboost.ubj");
  EXPECT_EQ(model.card().name, "xgboost");
  EXPECT_THAT(model.card().feature_names(), ElementsAre("ndvi", "slope", "soil"));
  EXPECT_EQ(model.card().classes.size(), 3U);
  const auto onnx = Model::open(GEOLOOM_MODEL_SAMPLES "/forest.onnx");
  EXPECT_THAT(onnx.card().feature_names(), ElementsAre("", "", ""));
  expect_error(ErrorCode::missing, "none.zip", [&] { Model::open(path("none.zip")); });
}

TEST_F(ModelPackageTest, FeaturesAreScaledByTheCard) {
  auto package = soil_package();
  const std::vector<std::vector<float>> planes{{0.3F, -0.9F}, {1, 0.2F}, {4, 2}};
  const auto predicted = [&](const std::vector<std::vector<float>>& values) {
    std::vector<const float*> pointers;
    for (const auto& plane : values) pointers.push_back(plane.data());
    std::vector<float> results(6);
    PredictorScratch scratch;
    Model(package, "m").predict(pointers, 2, {.results = results.data(), .stride = 2}, scratch);
    return results;
  };
  const auto wanted = predicted(planes);
  package.card.features[0].scale = 0.5;
  package.card.features[0].offset = 0.25;
  auto shifted = planes;
  for (float& value : shifted[0]) value = (value - 0.25F) * 2;
  EXPECT_EQ(predicted(shifted), wanted);
  EXPECT_NE(predicted(planes), wanted);
}

TEST_F(ModelPackageTest, CardsOfOtherModelsAreRefused) {
  const auto refused = [&](auto change, const std::string& words) {
    auto package = soil_package();
    change(package);
    expect_error(ErrorCode::corrupt, words, [&] { Model(std::move(package), "m.zip"); });
  };
  refused([](auto& p) { p.card.features.pop_back(); }, "3 features instead of 2");
  refused([](auto& p) { std::swap(p.card.features[0], p.card.features[1]); },
          "feature 0 is 'ndvi' instead of 'slope'");
  refused([](auto& p) { p.card.classes.pop_back(); }, "3 classes instead of 2");
  refused([](auto& p) { p.model = p.model.substr(0, 900); }, "LightGBM");
}

TEST_F(ModelPackageTest, DamagedPackagesAreRefused) {
  write_model_package(path("a.zip"), soil_package());
  const auto bytes = bytes_of(path("a.zip"));
  for (size_t length = 1; length < bytes.size(); length += 97) {
    std::ofstream(path("cut.zip"), std::ios::binary) << bytes.substr(0, length);
    EXPECT_THROW(Model::open(path("cut.zip")), Error) << length;
  }
  store::ZipWriter other(path("other.zip"));
  other.add("x.txt", "x");
  other.close();
  expect_error(ErrorCode::invalid, "no card.json", [&] { read_model_package(path("other.zip")); });
  store::ZipWriter swapped(path("swapped.zip"));
  swapped.add("card.json", store::ZipReader(path("a.zip")).text("card.json", 1 << 20));
  swapped.add("model.txt", sample("xgboost.json"));
  swapped.close();
  expect_error(ErrorCode::corrupt, "checksum", [&] { read_model_package(path("swapped.zip")); });
  auto package = soil_package();
  package.card.model_file = "card.json";
  expect_error(ErrorCode::invalid, "card.json",
               [&] { write_model_package(path("c.zip"), package); });
}

TEST_F(ModelPackageTest, CardsThatAreNone) {
  const auto refused = [&](const char* json, ErrorCode code, const std::string& words) {
    expect_error(code, words,
                 [&] { model_card_from_json(nlohmann::json::parse(json), "card.json"); });
  };
  refused("[]", ErrorCode::corrupt, "geoloom_model");
  refused(R"({"geoloom_model": 2})", ErrorCode::invalid, "newer");
  refused(R"({"geoloom_model": 1, "task": "x"})", ErrorCode::corrupt, "'task'");
  refused(R"({"geoloom_model": 1, "task": "regression", "features": 3})", ErrorCode::corrupt,
          "features");
  refused(R"({"geoloom_model": 1, "task": "regression", "features": [3]})", ErrorCode::corrupt,
          "features");
  refused(R"({"geoloom_model": 1, "task": "regression", "name": 3})", ErrorCode::corrupt, "'name'");
  refused(
      R"({"geoloom_model": 1, "task": "regression", "quantiles": [0.1, 0.9], "values": ["p10"]})",
      ErrorCode::corrupt, "'quantiles' and 'values'");
}

TEST_F(ModelPackageTest, QuantilesAndTheirNamesStayTogether) {
  auto card = soil_package().card;
  card.task = Task::regression;
  card.classes.clear();
  card.set_quantiles({0.05, 0.5, 0.95});
  EXPECT_THAT(card.value_names, ElementsAre("p5", "p50", "p95"));
  const auto read = model_card_from_json(nlohmann::json::parse(to_json(card).dump()), "card.json");
  EXPECT_EQ(read.quantiles, card.quantiles);
  EXPECT_EQ(read.value_names, card.value_names);
}

TEST_F(ModelPackageTest, SeveralValuesThatAreNoQuantilesHaveNoScore) {
  auto package = soil_package();
  package.card.task = Task::regression;
  package.card.classes.clear();
  package.card.value_names = {"low", "middle", "high"};
  package.model = sample("xgboost.json");
  const std::string objective = "multi:softprob";
  package.model.replace(package.model.find(objective), objective.size(), "reg:squarederror");
  TableSchema schema;
  for (const char* name : {"ndvi", "slope", "soil"}) schema.features.push_back({name, "1"});
  schema.label = "height";
  schema.label_type = LabelType::number;
  const Model model(package, "m");
  const auto table = empty_table(schema, 4);
  expect_error(ErrorCode::invalid, "what the several values are",
               [&] { tested_model(model, table, "table", FitContext{}, true); });
}

TEST_F(ModelPackageTest, FeaturesAreFoundByName) {
  const auto card = soil_package().card;
  const std::vector<std::string> fewer{"ndvi", "slope"}, more{"soil", "red", "slope", "ndvi"};
  EXPECT_THAT(find_features(card, more, "m"), ElementsAre(3, 2, 0));
  expect_error(ErrorCode::invalid,
               "'soil' is missing (it wants ndvi, slope, soil; given are ndvi, slope)",
               [&] { find_features(card, fewer, "m"); });
}

TEST_F(ModelPackageTest, FeaturesMadeInAnotherWayAreNamed) {
  auto card = soil_package().card;
  const std::vector<size_t> places{1, 0, 2};
  const auto require = [&](const std::vector<std::string>& recipes) {
    require_recipes(card, places, recipes, "m");
  };
  require({"def", "abc", "whatever"});  // of soil nothing is known
  require({"", "abc", ""});
  require({});
  expect_error(ErrorCode::invalid, "in another way: slope (recipe def in its card, abc here)", [&] {
    require({"abc", "abc", ""});
  });
  expect_error(ErrorCode::invalid, "in another way: ndvi, slope", [&] { require({"x", "y", ""}); });
  card.features[0].recipe = kMixedRecipes;
  expect_error(ErrorCode::invalid, "in several ways", [&] { require({"def", "abc", ""}); });
}

TEST_F(ModelPackageTest, TheRecipeOfAllFeaturesIsThatOfTheirOrderToo) {
  auto card = soil_package().card;
  EXPECT_EQ(card.recipe(), "");
  card.features[2].recipe = "ghi";
  const auto recipe = card.recipe();
  EXPECT_EQ(recipe.size(), 16U);
  std::swap(card.features[0], card.features[1]);
  EXPECT_NE(card.recipe(), recipe);
}

TEST_F(ModelPackageTest, StacItemNamesInputsAndClasses) {
  const auto item = model_stac_item(soil_package().card, "./soil.zip", 10, std::string(64, 'a'));
  EXPECT_EQ(item["properties"]["mlm:input"][0]["bands"][1]["name"], "slope");
  EXPECT_EQ(item["properties"]["mlm:output"][0]["classification:classes"][1]["color_hint"],
            "006600");
  EXPECT_EQ(item["assets"]["model"]["roles"][0], "mlm:model");
}

}  // namespace
}  // namespace geoloom::learn
