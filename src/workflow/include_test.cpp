// SPDX-License-Identifier: Apache-2.0
#include "workflow/include.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "workflow/document.h"

namespace geoloom::workflow {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBase = R"(geoloom: 1
store: out/base
params:
  year: {type: year, default: 2018, help: which year}
  least: 3
secrets: [BASE]
area:
  same_grid_as: scenes
  tiles: 512 px
sources:
  s2: {stac: catalog.json, sensor: sentinel-2-l2a}
steps:
  composite:
    retry: 5
    do: [{load: {}}, {save: base}]
  publish:
    do: [{mosaic: {layer: base}}]
)";

class IncludeTest : public testing::Test {
 protected:
  IncludeTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "parts");
    write("base.yaml", kBase);
  }
  ~IncludeTest() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Document read(const std::string& text, const std::string& name = "main.yaml") const {
    write(name, text);
    auto document = read_document(path(name));
    resolve(document, {});
    return document;
  }
  std::string refusal(const std::string& text) const {
    try {
      (void)read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid) << error.what();
      return error.what();
    }
    return "accepted";
  }
  void expect_refusal(const std::string& text, const std::string& says) const {
    EXPECT_NE(refusal(text).find(says), std::string::npos) << text << "\n  says: " << refusal(text);
  }

  const fs::path folder_ =
      fs::temp_directory_path() / fmt::format("geoloom-include-{}", ::getpid());
};

std::vector<std::string> names_of(const std::vector<StepDeclaration>& steps) {
  std::vector<std::string> names;
  for (const auto& step : steps) names.push_back(step.name);
  return names;
}

TEST_F(IncludeTest, TheIncludingFileWins) {
  const auto document = read(R"(geoloom: 1
name: x
include: base.yaml
store: out/main
params: {year: 2021, more: 1}
secrets: [MAIN]
area: {tiles: 64 px}
sources: {s2: {sensor: null, exclude: bad.csv}}
steps:
  composite: {do: [{load: {}}, {save: main}]}
  last: {do: [{quicklook: {layer: main}}]}
)");
  EXPECT_EQ(document.store.text, "out/main");
  EXPECT_EQ(document.values.at("year").integer, 2021);
  EXPECT_EQ(document.params[0].type, "year") << "the declaration is that of the base";
  EXPECT_EQ(document.params[0].help, "which year");
  EXPECT_EQ(document.values.at("least").integer, 3);
  EXPECT_EQ(document.secrets, std::vector<std::string>{"MAIN"}) << "lists are replaced";
  EXPECT_EQ(document.area.find("same_grid_as")->text, "scenes");
  EXPECT_EQ(document.area.find("tiles")->text, "64 px");
  const auto* const source = document.sources.find("s2");
  EXPECT_EQ(source->keys(), (std::vector<std::string>{"stac", "exclude"})) << "null takes away";
  EXPECT_EQ(names_of(document.steps), (std::vector<std::string>{"composite", "publish", "last"}));
  EXPECT_TRUE(document.steps[0].retry.is_null()) << "steps are replaced as a whole";
  EXPECT_EQ(document.files.at("base.yaml"), kBase);
}

TEST_F(IncludeTest, NullTakesAStepAway) {
  const auto document = read("geoloom: 1\nname: x\ninclude: [base.yaml]\nsteps: {publish: null}\n");
  EXPECT_EQ(names_of(document.steps), std::vector<std::string>{"composite"});
  expect_refusal("geoloom: 1\nname: x\ninclude: [base.yaml]\nsteps: {publsh: null}\n",
                 "step 'publsh' must be a map");
}

TEST_F(IncludeTest, AnEmptySectionChangesNothing) {
  const auto document = read("geoloom: 1\nname: x\ninclude: [base.yaml]\nparams:\nsteps:\n");
  EXPECT_EQ(document.values.at("least").integer, 3);
  EXPECT_EQ(document.steps.size(), 2);
}

TEST_F(IncludeTest, LaterFilesWinOverEarlier) {
  write("dev.yaml", "geoloom: 1\nstore: out/dev\nparams: {least: {default: null}}\n");
  auto document = read("geoloom: 1\nname: x\ninclude: [base.yaml, dev.yaml]\n");
  EXPECT_EQ(document.store.text, "out/dev");
  EXPECT_TRUE(document.values.at("least").is_null()) << "in a declaration null is a value";
  document = read("geoloom: 1\nname: x\ninclude: [dev.yaml, base.yaml]\n");
  EXPECT_EQ(document.store.text, "out/base");
}

TEST_F(IncludeTest, MistakesKeepTheirFileAndLine) {
  write("dev.yaml", "geoloom: 1\nsteps:\n  composite:\n    do:\n      - load: {}\n    retri: 1\n");
  expect_refusal("geoloom: 1\nname: x\ninclude: [base.yaml, dev.yaml]\n", path("dev.yaml") + ":6");
  write("dev.yaml", "geoloom: 1\nstre: out\n");
  expect_refusal("geoloom: 1\nname: x\ninclude: [base.yaml, dev.yaml]\n", "unknown key 'stre'");
  expect_refusal("geoloom: 1\nname: x\ninclude: [base.yaml, dev.yaml]\n", path("dev.yaml") + ":2");
  write("dev.yaml", "geoloom: 2\n");
  expect_refusal("geoloom: 1\nname: x\ninclude: dev.yaml\n", "knows document version 2");
  write("dev.yaml", "store: out\n");
  expect_refusal("geoloom: 1\nname: x\ninclude: dev.yaml\n", "needs 'geoloom'");
  write("dev.yaml", "- a\n");
  expect_refusal("geoloom: 1\nname: x\ninclude: dev.yaml\n", "a map of a document's keys");
}

TEST_F(IncludeTest, WhatIsNoPathIsRefusedWhereItStands) {
  const auto with = [](const std::string& include) {
    return "geoloom: 1\nname: x\ninclude: " + include + "\n";
  };
  expect_refusal(with("nothing.yaml"), "main.yaml:3");
  expect_refusal(with("nothing.yaml"), "include 'nothing.yaml': cannot open the file");
  expect_refusal(with("parts"), "a folder, not");
  expect_refusal(with("[]"), "empty list");
  expect_refusal(with("[base.yaml, 3]"), "include must be a text");
  expect_refusal(with("{a: b}"), "include must be a text");
  expect_refusal(with("\"$file\""), "refers to something");
  expect_refusal(with("https://example.org/a.yaml"), "is not a path");
  expect_refusal(with("geoloom:publish"), "is not a path");
}

TEST_F(IncludeTest, PathsAreRelativeToTheFileThatNamesThem) {
  write("parts/sensors.yaml", "geoloom: 1\ninclude: ../base.yaml\ncomponents: {c: recipe.yaml}\n");
  write("parts/recipe.yaml", "geoloom_component: 1\ndo: [{load: {}}]\n");
  const auto text = "geoloom: 1\nname: x\ninclude: parts/sensors.yaml\n";
  const auto document = read(text);
  EXPECT_EQ(document.components.at("c").file, "parts/recipe.yaml");
  EXPECT_EQ(document.files.size(), 3);
  EXPECT_TRUE(document.files.contains("base.yaml"));
  fs::remove_all(folder_ / "parts");
  const auto again = parse_document(text, path("main.yaml"), &document.files);
  EXPECT_EQ(again.components.at("c").ops.size(), 1) << "the record is enough";
}

TEST_F(IncludeTest, FilesWithinThemselvesAreRefused) {
  write("a.yaml", "geoloom: 1\ninclude: parts/b.yaml\n");
  write("parts/b.yaml", "geoloom: 1\ninclude: ../a.yaml\n");
  expect_refusal("geoloom: 1\nname: x\ninclude: a.yaml\n",
                 "'a.yaml' includes itself: main.yaml > a.yaml > parts/b.yaml > a.yaml");
  write("a.yaml", "geoloom: 1\ninclude: main.yaml\n");
  expect_refusal("geoloom: 1\nname: x\ninclude: a.yaml\n", "'main.yaml' includes itself");
}

TEST_F(IncludeTest, DepthNumberAndSizeHaveLimits) {
  for (size_t i = 0; i <= kMaxIncludeDepth; ++i)
    write(fmt::format("{}.yaml", i), fmt::format("geoloom: 1\ninclude: {}.yaml\n", i + 1));
  expect_refusal("geoloom: 1\nname: x\ninclude: 0.yaml\n", "more than 8 deep");
  // 2^7 files by a chain in which each includes the next twice.
  for (size_t i = 0; i < 7; ++i)
    write(fmt::format("{}.yaml", i),
          fmt::format("geoloom: 1\ninclude: [{0}.yaml, {0}.yaml]\n", i + 1));
  write("7.yaml", "geoloom: 1\n");
  expect_refusal("geoloom: 1\nname: x\ninclude: 0.yaml\n", "more than 100 files");
  write("big.yaml", "geoloom: 1\n#" + std::string(600'000, 'x') + "\n");
  expect_refusal("geoloom: 1\nname: x\ninclude: [big.yaml, big.yaml]\n", "larger than 1 MiB");
}

}  // namespace
}  // namespace geoloom::workflow
