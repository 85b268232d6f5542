// SPDX-License-Identifier: Apache-2.0
#include "learn/model_formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "error/error.h"
#include "learn/random_numbers.h"
#include "learn/tree_predictor.h"
#include "learn/ubjson.h"

namespace geoloom::learn {
namespace {

using Json = nlohmann::json;

std::string sample(const std::string& name) {
  std::ifstream file(std::string(GEOLOOM_MODEL_SAMPLES "/") + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> row_of(const Json& json, bool zero_for_missing) {
  std::vector<float> row;
  for (const auto& value : json)
    row.push_back(!value.is_null()   ? value.get<float>()
                  : zero_for_missing ? 0.0F
                                     : std::numeric_limits<float>::quiet_NaN());
  return row;
}

class ModelSamples : public testing::TestWithParam<std::string> {};

TEST_P(ModelSamples, PredictAsTheLibraryThatWroteThem) {
  const auto model = read_tree_model(sample(GetParam()), GetParam());
  const auto expected = Json::parse(sample("expected.json"));
  const bool onnx = GetParam().ends_with("onnx");
  std::vector<double> sums(model.outputs), results(model.result_width());
  for (size_t r = 0; r < expected["rows"].size(); ++r) {
    sums_of(model, row_of(expected["rows"][r], onnx), sums);
    apply_link(model, sums, results);
    for (size_t i = 0; i < sums.size(); ++i) {
      EXPECT_EQ(sums[i], expected[GetParam()]["sums"][r][i].get<double>());
      EXPECT_NEAR(results[i], expected[GetParam()]["results"][r][i].get<double>(), 1e-6);
    }
  }
  if (onnx) {
    EXPECT_THAT(model.class_values, testing::ElementsAre(10, 11, 12));
  } else {
    EXPECT_THAT(model.features, testing::ElementsAre("ndvi", "slope", "soil"));
  }
}

// Any beginning of a model is refused, or is a model.
TEST_P(ModelSamples, CutAnywhereAreRefused) {
  const auto bytes = sample(GetParam());
  size_t refused = 0;
  for (size_t length = 0; length < bytes.size(); length += 7) {
    try {
      read_tree_model(bytes.substr(0, length), "cut");
    } catch (const Error& error) {
      ASSERT_TRUE(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::invalid)
          << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, bytes.size() / 7 / 3);
}

TEST_P(ModelSamples, WithBytesChangedNeverCrash) {
  const auto bytes = sample(GetParam());
  RandomNumbers random(11);
  for (int i = 0; i < 1500; ++i) {
    auto changed = bytes;
    for (uint64_t k = 1 + random.below(3); k > 0; --k)
      changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    try {
      const TreePredictor predictor(read_tree_model(changed, "changed"));
      std::vector<double> sums(predictor.ensemble().outputs);
      sums_of(predictor.ensemble(), std::vector<float>(predictor.ensemble().features.size()), sums);
    } catch (const Error& error) {
      ASSERT_TRUE(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::invalid)
          << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ModelSamples,
                         testing::Values("lightgbm.txt", "xgboost.json", "xgboost.ubj",
                                         "forest.onnx"),
                         [](const auto& sample_name) {
                           auto name = sample_name.param;
                           name.erase(name.find('.'), 1);
                           return name;
                         });

template <class Body>
void expect_error(Body body, const std::string& words) {
  try {
    body();
    FAIL() << "accepted: " << words;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(words));
  }
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.rfind(what);
  if (at != std::string::npos) text.replace(at, what.size(), by);
  return text;
}

TEST(ModelFormats, SayWhatIsNotSupported) {
  const auto xgboost = sample("xgboost.json");
  expect_error([&] { read_tree_model(replaced(xgboost, "\"gbtree\"", "\"dart\""), "m"); },
               "booster dart");
  const auto lightgbm = sample("lightgbm.txt");
  expect_error([&] { read_tree_model(replaced(lightgbm, "is_linear=0", "is_linear=1"), "m"); },
               "linear leaves");
  const auto onnx = sample("forest.onnx");
  expect_error(
      [&] {
        read_tree_model(replaced(onnx, "TreeEnsembleClassifier", "TreeEnsembleClassifieR"), "m");
      },
      "TreeEnsembleClassifieR");
  expect_error([&] { read_tree_model("\x80\x04pickle", "m.joblib"); }, "skl2onnx");
  expect_error([&] { read_tree_model("", "m"); }, "no model");
}

TEST(ModelFormats, RefuseTreesThatLeadInCircles) {
  const auto lightgbm = sample("lightgbm.txt");
  const auto at = lightgbm.find("left_child=") + 11;
  auto circle = lightgbm;
  circle.replace(at, lightgbm.find(' ', at) - at, "0");
  expect_error([&] { read_tree_model(circle, "m"); }, "two parents");
  auto json = Json::parse(sample("xgboost.json"));
  auto& tree = json["learner"]["gradient_booster"]["model"]["trees"][0];
  tree["left_children"][0] = 0;
  expect_error([&] { read_tree_model(json.dump(), "m"); }, "two parents");
  tree["left_children"][0] = 1000;
  expect_error([&] { read_tree_model(json.dump(), "m"); }, "a child at 1000");
}

TEST(Ubjson, ReadsWhatItSaysAndNoMore) {
  const auto read = [](std::string_view bytes) { return read_ubjson(bytes, "m"); };
  EXPECT_EQ(read(std::string_view("{U\1ai\5}", 7)), Json({{"a", 5}}));
  EXPECT_EQ(read(std::string_view("[$d#i\2\x3f\x80\0\0\xc0\0\0\0", 14)), Json({1.0, -2.0}));
  EXPECT_EQ(read("[TFZ]"), Json({true, false, nullptr}));
  expect_error([&] { read(std::string(5000, '[')); }, "too many levels");
  expect_error([&] { read(std::string_view("[$Z#l\x7f\xff\xff\xff", 9)); }, "cannot be counted");
  expect_error([&] { read(std::string_view("[$U#l\x7f\xff\xff\xff", 9)); }, "too large");
  expect_error([&] { read("[TF"); }, "too early");
  expect_error([&] { read("TT"); }, "more after");
}

}  // namespace
}  // namespace geoloom::learn
