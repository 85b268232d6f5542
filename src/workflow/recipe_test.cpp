// SPDX-License-Identifier: Apache-2.0
#include "workflow/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace geoloom::workflow {
namespace {

using testing::ElementsAre;

raster::CubeSchema cube(const std::vector<std::string>& bands) {
  raster::CubeSchema schema;
  for (const auto& name : bands) schema.bands.push_back({.name = name});
  return schema;
}

Node node_of(const std::string& op, const Json& parameters) {
  Node node;
  node.recipe = {{"op", op}, {"version", 1}, {"parameters", parameters}};
  return node;
}

struct Made {
  std::string stat = "median";
  std::string layer = "tiles", where;
  std::optional<std::string> within;
  int64_t threads = 2;
  void declare(Parameters& p) {
    p.add("stat", &stat, "What");
    p.add("layer", &layer, "Of").meaning(Meaning::layer);
    p.add("within", &within, "When").not_recipe();
    p.add("where", &where, "Where").recipe_as([this] { return Json(where.size()); });
    p.add("threads", &threads, "How").not_identity();
  }
};

TEST(Recipe, LeavesOutWhichDataAnOpIsAppliedTo) {
  Made made;
  made.where = "here";
  Parameters parameters;
  made.declare(parameters);
  EXPECT_EQ(parameters.recipe(), (Json{{"stat", "median"}, {"where", 4}}));
  EXPECT_TRUE(parameters.identity().contains("within"));
}

TEST(Recipe, IsOfOpParametersFilesAndInputs) {
  const BandRecipes in{"aaaa", "bbbb"};
  const std::vector<const BandRecipes*> inputs{&in};
  const auto recipe = [&](const Node& node, const Json& files,
                          const std::vector<const BandRecipes*>& from) {
    return recipes_of({.node = &node, .files = files, .layers = {}, .inputs = from}, cube({"x"}),
                      {})
        .front();
  };
  const auto node = node_of("reduce", {{"stat", "median"}});
  const auto first = recipe(node, Json::array(), inputs);
  EXPECT_EQ(first.size(), 16U);
  EXPECT_EQ(recipe(node, Json::array(), inputs), first);
  EXPECT_NE(recipe(node_of("reduce", {{"stat", "mean"}}), Json::array(), inputs), first);
  EXPECT_NE(recipe(node_of("pick", {{"stat", "median"}}), Json::array(), inputs), first);
  EXPECT_NE(recipe(node, {"1234"}, inputs), first);
  const BandRecipes other{"aaaa", "cccc"};
  EXPECT_NE(recipe(node, Json::array(), {&other}), first);
}

TEST(Recipe, OfABandIsThatOfTheBandsItIsMadeOf) {
  const auto node = node_of("join", Json::object());
  const BandRecipes left{"aaaa", "bbbb"}, right{"cccc"};
  const std::vector<const BandRecipes*> inputs{&left, &right};
  const RecipeParts parts{.node = &node, .files = Json::array(), .layers = {}, .inputs = inputs};
  const std::vector<BandOrigin> passed{{{{0, 1}}, true}, {{{1, 0}}, true}};
  EXPECT_THAT(recipes_of(parts, cube({"b", "c"}), passed), ElementsAre("bbbb", "cccc"));
  // One band only: another one beside it changes nothing.
  const std::vector<BandOrigin> one{{{{0, 0}}}};
  const auto made = recipes_of(parts, cube({"a"}), one);
  const BandRecipes wider{"aaaa", "dddd"};
  const std::vector<const BandRecipes*> others{&wider, &right};
  EXPECT_EQ(recipes_of({.node = &node, .files = Json::array(), .layers = {}, .inputs = others},
                       cube({"a"}), one),
            made);
}

TEST(Recipe, OfLayersIsFoundByName) {
  EXPECT_THAT(recipes_by_name(cube({"red", "nir"}), {"aaaa", "bbbb"}, cube({"nir", "swir", "red"})),
              ElementsAre("bbbb", "", "aaaa"));
}

TEST(Recipe, IsRememberedAsLongAsBandsAreTheSame) {
  RecipeMemory memory;
  int made = 0;
  const auto item = [&](const std::vector<std::string>& bands) {
    ChainRecipeMaker maker(memory);
    maker.add({cube({"first"})}, [&](size_t) {
      ++made;
      return BandRecipes{"aaaa"};
    });
    maker.add({cube(bands)}, [&](size_t) {
      ++made;
      return BandRecipes(bands.size(), maker.of({0, 0}).front() + "b");
    });
    return maker.finish();
  };
  const auto first = item({"x"});
  EXPECT_THAT((*first)[1][0].recipes, ElementsAre("aaaab"));
  EXPECT_EQ(item({"x"}), first);
  EXPECT_EQ(made, 2);
  const auto other = item({"x", "y"});
  EXPECT_EQ(made, 3);
  EXPECT_THAT((*other)[0][0].recipes, ElementsAre("aaaa"));
  EXPECT_THAT((*other)[1][0].recipes, ElementsAre("aaaab", "aaaab"));
}

}  // namespace
}  // namespace geoloom::workflow
