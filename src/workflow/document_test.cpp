// SPDX-License-Identifier: Apache-2.0
#include "workflow/document.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "workflow/axis.h"

namespace geoloom::workflow {
namespace {

using Given = std::map<std::string, GivenParameter>;

constexpr const char* kGranule = R"(geoloom: 1
name: granule-median
description: A cloud-free picture
params:
  scenes: {type: path, default: data/t31tcj, help: "folder, glob or list"}
  results: {type: path, default: out/t31tcj}
  bands: {type: list, default: [red, green]}
  year: 2018
store: $results
area:
  same_grid_as: $scenes
  tiles: {size: 1024 px}
steps:
  composite:
    over: tiles
    description: The composite
    do:
      - load: {scenes: $scenes, bands: $bands, period: $year}
      - median_rgb: {}
      - reduce: mean
      - save: {layer: "c_${year}_$$", from: load, as: saved}
  map:
    do:
      - mosaic:
          layer: composite
          from: [a, b]
      - quicklook:
)";

Document resolved(const std::string& text, const Given& given = {}) {
  Document document = parse_document(text, "a.yaml");
  resolve(document, given);
  return document;
}

GivenParameter given(const std::string& text) {
  return {parse_yaml_scalar(text, "command line"), "command line"};
}

std::string refusal(const std::string& text, const Given& given = {}) {
  try {
    resolved(text, given);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid);
    return e.what();
  }
  return "accepted";
}

void expect_refusal(const std::string& text, const std::string& says, const Given& given = {}) {
  EXPECT_NE(refusal(text, given).find(says), std::string::npos)
      << text << "\n  says: " << refusal(text, given);
}

// A small good document with other params, store, or one op.
std::string with_params(const std::string& params, const std::string& store = "out") {
  return "geoloom: 1\nname: x\nparams: " + params + "\nstore: " + store +
         "\nsteps: {s: {do: [{load: {}}]}}\n";
}
std::string with_op(const std::string& op) {
  return "geoloom: 1\nname: x\nparams: {scenes: data, year: 2018}\nstore: out\nsteps:\n  s:\n"
         "    do:\n      - " +
         op + "\n";
}

TEST(Document, ReadsStepsAndOps) {
  const auto d = parse_document(kGranule, "a.yaml");
  EXPECT_EQ(d.name, "granule-median");
  EXPECT_EQ(d.text, kGranule);
  ASSERT_EQ(d.steps.size(), 2u);
  const auto& composite = d.steps[0];
  EXPECT_EQ(composite.name, "composite");
  EXPECT_EQ(composite.over.text, "tiles");
  EXPECT_EQ(composite.place.text(), "a.yaml:14:3, steps.composite");
  ASSERT_EQ(composite.ops.size(), 4u);
  EXPECT_EQ(composite.ops[0].op, "load");
  EXPECT_EQ(composite.ops[0].place.text(), "a.yaml:18:9, steps.composite.do[0].load");
  EXPECT_EQ(composite.ops[2].arguments.text, "mean");
  EXPECT_EQ(composite.ops[3].from, (std::vector<std::string>{"load"}));
  EXPECT_EQ(composite.ops[3].as, "saved");
  EXPECT_EQ(composite.ops[3].arguments.keys(), (std::vector<std::string>{"layer"}));
  EXPECT_TRUE(d.steps[1].over.is_null());
  EXPECT_EQ(d.steps[1].ops[0].from, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(d.steps[1].ops[1].arguments.is_null());
  EXPECT_EQ(d.steps[1].ops[1].arguments.line, 27);
}

TEST(Document, ResolvesReferences) {
  const auto d = resolved(kGranule);
  EXPECT_EQ(d.store.text, "out/t31tcj");
  EXPECT_EQ(d.store.line, 9);  // where it is used
  EXPECT_EQ(d.area.find("same_grid_as")->text, "data/t31tcj");
  const auto& load = d.steps[0].ops[0].arguments;
  EXPECT_EQ(load.find("period")->kind, Value::Kind::integer);
  EXPECT_EQ(load.find("bands")->list[1].text, "green");
  EXPECT_EQ(load.find("bands")->list[1].place().text(),
            "a.yaml:18:33, steps.composite.do[0].load.bands[1]");
  EXPECT_EQ(d.steps[0].ops[3].arguments.find("layer")->text, "c_2018_$");
  EXPECT_EQ(d.origins.at("year"), "default");
}

TEST(Document, GivenParametersWin) {
  const auto d = resolved(kGranule, {{"year", given("2020")}, {"results", given("7")}});
  EXPECT_EQ(d.store.text, "7");  // a path, whatever it looks like
  EXPECT_EQ(d.store.kind, Value::Kind::string);
  EXPECT_EQ(d.values.at("year").integer, 2020);
  EXPECT_EQ(d.origins.at("year"), "command line");
  // What a parameter holds is not looked at again.
  EXPECT_EQ(resolved(kGranule, {{"results", given("a$$b/${year}")}}).store.text, "a$$b/${year}");
  EXPECT_EQ(resolved(kGranule, {{"bands", given("nir")}}).values.at("bands").list[0].text, "nir");
}

TEST(Document, LeavesItemReferences) {
  const auto d = resolved(with_op("load: {period: $item.month, scenes: [$item.x]}"));
  const auto& load = d.steps[0].ops[0].arguments;
  EXPECT_EQ(load.find("period")->text, "$item.month");
  EXPECT_TRUE(load.find("period")->reference);
  EXPECT_TRUE(load.find("scenes")->list[0].reference);
  EXPECT_FALSE(resolved(with_op("load: {period: $$item.month}"))
                   .steps[0]
                   .ops[0]
                   .arguments.find("period")
                   ->reference);
}

TEST(Document, TextsWaitForTheirItemWithAllOtherReferencesReplaced) {
  auto d = resolved(with_op("load: {scenes: \"a$$b/${year}/${item.month}\"}"));
  auto& scenes = d.steps[0].ops[0].arguments.map[0].second;
  EXPECT_TRUE(scenes.reference);
  resolve_item(scenes, {{"month", {"2018-05", Value()}}});
  EXPECT_EQ(scenes.text, "a$b/" + d.values.at("year").text + "/2018-05");
  EXPECT_FALSE(scenes.reference);
}

TEST(Document, KnowsNoItemOutsideOfOps) {
  expect_refusal(
      "geoloom: 1\nname: x\nstore: \"out/${item.month}\"\n"
      "steps: {s: {do: [{load: x}]}}",
      "refers to the item, which is known to ops only");
}

TEST(Document, BoundsWhatReferencesMake) {
  std::string list = "[1", uses = "[$l", text(10000, 'x'), texts = "\"";
  for (int i = 0; i < 1000; ++i) {
    list += ",1";
    uses += ",$l";
    texts += "${t}";
  }
  expect_refusal("geoloom: 1\nname: x\nparams: {l: " + list + "]}\nstore: out\n" +
                     "steps: {s: {do: [{load: " + uses + "]}]}}",
                 "references make the document larger");
  expect_refusal(with_params("{t: " + text + "}", texts + "\""),
                 "references make the document larger");
}

TEST(Document, RefusesBadReferences) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"load: {scenes: $scens}",
       "a.yaml:8:16, steps.s.do[0].load.scenes: unknown reference '$scens'. Hint: did you mean "
       "'scenes'?"},
      {"load: {scenes: \"${scens}/x\"}",
       "unknown reference '$scens'. Hint: did you mean 'scenes'?"},
      {"load: {scenes: \"a/${s.output}\"}",
       "the reference '$s.output' to what a step reports cannot stand here"},
      {"load: {scenes: $slot.year}", "the reference '$slot.year' is not carried out"},
      {"load: {scenes: $nothing.output}", "unknown reference '$nothing.output'"},
      {"load: {scenes: $year.start}", "parameter 'year' has no parts"},
      {"load: {scenes: data/$year/x}",
       "a lone '$' in the text 'data/$year/x'. Hint: inside a text write ${year}"},
      {"load: {scenes: \"${year\"}", "'}' is missing after '${year'"},
      {"load: {scenes: \"${}\"}", "unknown reference '$'"},
      {"load: [\"=1 +\"]",
       "steps.s.do[0].load[0]: in '1 +', column 4: the expression ends where a value is missing"},
  };
  for (const auto& [op, says] : cases) expect_refusal(with_op(op), says);
  expect_refusal(with_params("{l: [a]}", "\"${l}/x\""), "is a list and cannot stand inside a text");
  expect_refusal(with_params("{l: [a]}", "$l"),
                 "a.yaml:4:1, store: store must be a text, not a list");
  expect_refusal("geoloom: 1\nname: x\nstore: $out\nsteps: {s: {do: [{load: {}}]}}",
                 "the document declares no params");
}

TEST(Document, RefusesBadStructure) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "a.yaml: the document is empty"},
      {"# only this\n", "the document is empty"},
      {"just words", "a.yaml:1:1: a workflow document must be a map, not a text ('just words')"},
      {"name: x",
       "a.yaml:1:1, geoloom: a workflow document needs 'geoloom'. Hint: begin with 'geoloom: 1'"},
      {"geoloom: one", "geoloom must be the version of the document format, not a text ('one')"},
      {"geoloom: 0", "geoloom must be the version"},
      {"geoloom: 2\nunheard_of: 1",
       "a.yaml:1:1, geoloom: needs a Geoloom that knows document version 2"},
      {"geoloom: 1\nstepps: {}",
       "a.yaml:2:1, stepps: unknown key 'stepps' of a workflow document. Hint: did you mean "
       "'steps'?"},
      {"geoloom: 1\nschedule: {}", "the key 'schedule' is not carried out by this version"},
      {"geoloom: 1", "needs 'name'"},
      {"geoloom: 1\nname: 5", "name must be a text, not a whole number (5). Hint: quote it"},
      {"geoloom: 1\nname: Big Map", "'Big Map' cannot be the name of a workflow"},
      {"geoloom: 1\nname: x", "needs 'store'"},
      {"geoloom: 1\nname: x\nstore: [a]", "store must be a text, not a list"},
      {"geoloom: 1\nname: x\nstore: ''", "store is empty"},
      {"geoloom: 1\nname: x\nstore: =a", "'a' is no function and no value"},
      {"geoloom: 1\nname: x\nstore: a", "needs 'steps'"},
      {"geoloom: 1\nname: x\nstore: a\narea: tiles\nsteps: {}", "area must be a map"},
      {"geoloom: 1\nname: x\nstore: a\nsteps: {}",
       "steps must be a map of at least one named step, not an empty map"},
      {"geoloom: 1\nname: x\nstore: a\nsteps: [a]", "not a list"},
      {"geoloom: 1\nname: x\nstore: a\nsteps: {A: {}}", "'A' cannot be the name of a step"},
      {"geoloom: 1\nname: x\nstore: a\nsteps: {a: [b]}",
       "step 'a' must be a map with 'do', not a list"},
      {"geoloom: 1\nname: x\nstore: a\nsteps: {a: {od: []}}",
       "unknown key 'od' of step 'a'. Hint: did you mean 'do'?"},
      {"geoloom: 1\nname: x\nstore: a\nsteps: {a: {when: y}}", "'y' is no function"},
      {"geoloom: 1\nname: x\nstore: a\nsteps: {a: {}}", "steps.a.do: step 'a' needs 'do'"},
      {"geoloom: 1\nname: x\nstore: a\nsteps: {a: {do: []}}",
       "must be a list of ops, not an empty list"},
      {"geoloom: 1\nname: x\nstore: a\nsteps: {a: {do: {load: {}}}}",
       "must be a list of ops, not a map"},
      {"geoloom: 1\nname: x\nstore: a\nparams: [a]\nsteps: {}", "params must be a map, not a list"},
  };
  for (const auto& [text, says] : cases) expect_refusal(text, says);
}

TEST(Document, RefusesBadOps) {
  expect_refusal(with_op("load"),
                 "a.yaml:8:9, steps.s.do[0]: an entry of 'do' is a map with the op as its key, not "
                 "a text ('load'). Hint: write '- load: {}'");
  expect_refusal(with_op("load: {}\n        save: {}"),
                 "a.yaml:9:9, steps.s.do[0].save: an entry of 'do' has one key, the op, but here "
                 "stand 'load' and 'save'");
  expect_refusal(with_op("{}"), "an entry of 'do' must be a map with the op as its key, not a map");
  expect_refusal(with_op("use: features"), "there is no component 'features'");
  expect_refusal(with_op("load: {as: 3}"), "as must be a text");
  expect_refusal(with_op("load: {as: My Result}"), "'My Result' cannot be the name of a result");
  expect_refusal(with_op("load: {from: []}"), "'from' is an empty list");
  expect_refusal(with_op("load: {from: [a, 3]}"), "load.from[1]: from must be a text");
}

TEST(Document, InfersTypesOfShortForms) {
  const auto d = parse_document(
      with_params(
          "{a: x, b: 3, c: 2.5, d: true, e: [1], f: {default: 4}, g: {help: h, default: x}}"),
      "a.yaml");
  std::vector<std::string> types;
  for (const auto& p : d.params) types.push_back(p.type);
  EXPECT_EQ(types, (std::vector<std::string>{"string", "integer", "number", "boolean", "list",
                                             "integer", "string"}));
}

TEST(Document, TakesNullForAnAbsentDefault) {
  auto d = resolved(with_params("{a: {type: period, default: null}, s: out}", "$s"));
  EXPECT_TRUE(d.values.at("a").is_null());
  expect_refusal(with_params("{a: {type: string, default: null}}", "\"x${a}\""),
                 "parameter 'a' is nothing and cannot stand inside a text");
}

TEST(Document, ValuesThatBeginWithAnEqualsSign) {
  const auto document = resolved(
      "geoloom: 1\nname: x\nstore: out\n"
      "params: {year: 2018, before: {type: year, default: \"= $year - 1\"}, dry: {type: boolean, "
      "default: \"= $before < 2018\"}}\n"
      "steps: {s: {do: [{load: {a: = $before * 2, b: \"= 'text'\", c: [= $year / 4], d: = "
      "$dry}}]}}",
      {{"year", given("2020")}});
  const auto& load = document.steps[0].ops[0].arguments;
  EXPECT_EQ(document.values.at("before").integer, 2019);
  EXPECT_EQ(load.find("a")->integer, 4038);
  EXPECT_EQ(load.find("b")->text, "text");
  EXPECT_EQ(load.find("c")->list[0].number, 505.0);
  EXPECT_EQ(load.find("d")->kind, Value::Kind::boolean);
  EXPECT_FALSE(load.find("d")->boolean);
}

TEST(Document, RefusesExpressionsWithoutAValue) {
  const std::string declared = "{a: {type: integer, default: = $b}, b: 1}";
  expect_refusal(with_params(declared), "unknown reference '$b'");
  expect_refusal(with_params("{a: {type: integer, default: = 1 / 0}}"), "has no value");
  expect_refusal(with_params("{a: {type: integer, default: = 1.5}}"), "must be a whole number");
  expect_refusal(with_params("{a: {type: integer, default: = 7, range: 1..5}}"), "7");
  expect_refusal(with_params("{a: {type: integer, default: = $s.load}}"),
                 "known only when the step has ended");
  expect_refusal(with_op("load: {x: = $slot.year}"), "is not carried out");
  expect_refusal(with_op("load: {x: = $year > 'a'}"), "compares a whole number with a text");
}

TEST(Document, RefusesBadDeclarations) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{Year: 3}", "'Year' cannot be the name of a parameter"},
      {"{item: 3}", "'item' cannot be the name of a parameter"},
      {"{a: }", "parameter 'a' has neither a default nor a type"},
      {"{a: {typ: string}}", "unknown key 'typ' of parameter 'a'. Hint: did you mean 'type'?"},
      {"{a: {type: strng}}", "unknown type 'strng' of parameter 'a'. Hint: did you mean 'string'?"},
      {"{a: {type: integer, default: x}}",
       "params.a.default: parameter 'a' must be a whole number, not a text ('x')"},
      {"{a: {type: string, default: [x]}}", "must be a text, not a list"},
      {"{a: {type: path, default: ''}}", "an empty path"},
      {"{a: {type: boolean, default: on}}", "must be true or false"},
      {"{a: {type: year, default: 1066}}", "a year from 1900 to 2200, not 1066"},
      {"{a: {type: date, default: 2018-02-30}}", "must be a date such as 2018-05-01"},
      {"{a: {type: date, default: 2018}}", "must be a date such as 2018-05-01"},
      {"{a: {type: period, default: 2018-13}}", "parameter 'a': "},
      {"{a: {type: period, default: [2018]}}", "must be a period"},
      {"{a: {type: list, default: {b: 1}}}", "must be a list, not a map"},
      {"{a: {default: 13, range: 1..12}}", "parameter 'a' must be between 1 and 12, not 13"},
      {"{a: {default: 1, range: [0.5]}}", "a range is written as 1..12"},
      {"{a: {default: 1, range: 12..1}}", "a range is written as 1..12"},
      {"{a: {default: x, range: 1..2}}", "a parameter of type string has no range"},
      {"{a: {default: x, choices: [y, z]}}", "parameter 'a' cannot be 'x'"},
      {"{a: {default: 3, choices: [1, 2]}}", "parameter 'a' cannot be '3'"},
      {"{a: {default: [red, x], choices: [red]}}",
       "params.a.default[1]: parameter 'a' cannot be 'x'"},
      {"{a: {default: x, choices: y}}", "choices must be a list of values"},
      {"{a: {default: x, choices: [[y]]}}", "a choice must be a value"},
      {"{a: = 2018}", "is an expression, so it needs a type"},
      {"{a: 1, b: out/$a}", "defaults are plain values"},
      {"{a: {type: integer}}",
       "a.yaml:3:10, params.a: parameter 'a' has no value. Hint: give it with -p a=VALUE"},
  };
  for (const auto& [params, says] : cases) expect_refusal(with_params(params), says);
}

TEST(Document, RefusesBadGivenParameters) {
  expect_refusal(kGranule, "command line: unknown parameter 'yaer'. Hint: did you mean 'year'?",
                 {{"yaer", given("2020")}});
  expect_refusal(kGranule,
                 "command line: parameter 'year' must be a whole number, not a text ('x')",
                 {{"year", given("x")}});
  const auto month = with_params("{month: {type: integer, range: 1..12}, mode: {choices: [a, b]}}");
  const auto mode = given("a");
  expect_refusal(month, "parameter 'month' must be between 1 and 12, not 13",
                 {{"month", given("13")}, {"mode", mode}});
  expect_refusal(month, "parameter 'mode' cannot be 'c'",
                 {{"month", given("12")}, {"mode", given("c")}});
  EXPECT_EQ(refusal(month, {{"month", given("12")}, {"mode", mode}}), "accepted");
}

TEST(Document, ReadsFiles) {
  const auto folder = std::filesystem::path(testing::TempDir());
  const auto path = (folder / "document_test.yaml").string();
  std::ofstream(path) << kGranule;
  EXPECT_EQ(read_document(path).file, path);
  std::filesystem::remove(path);
  try {
    read_document(path);
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::missing);
    EXPECT_EQ(e.place().file, path);
  }
  EXPECT_THROW(read_document(folder.string()), Error);
}

TEST(Document, GivesASchemaWithOps) {
  struct Save {
    std::string layer, codec = "deflate";
    int64_t level = 6;
    std::optional<std::vector<int64_t>> rows;
    void declare(Parameters& p) {
      p.add("layer", &layer, "Layer").required().main();
      p.add("codec", &codec, "Codec").choices({"deflate", "zstd"});
      p.add("level", &level, "Level").range(1, 9);
      p.add("rows", &rows, "Rows");
    }
  } save;
  Parameters parameters;
  save.declare(parameters);
  const auto schema = document_schema({{"save", "Writes a layer", parameters.schema()}});
  EXPECT_EQ(schema["$schema"], "http://json-schema.org/draft-07/schema#");
  EXPECT_EQ(schema["required"].dump(), R"(["geoloom"])");
  const auto& op = schema["definitions"]["op"]["anyOf"][0];
  EXPECT_EQ(op["required"].dump(), R"(["save"])");
  const auto& call = op["properties"]["save"];
  EXPECT_EQ(call["description"], "Writes a layer");
  const auto& properties = call["anyOf"][0]["properties"];
  EXPECT_EQ(properties["layer"].dump(), R"({"description":"Layer","type":"string"})");
  EXPECT_EQ(properties["level"].dump(),
            R"({"description":"Level","default":6,"anyOf":[{"type":"integer","minimum":1,)"
            R"("maximum":9},{"$ref":"#/definitions/reference"}]})");
  EXPECT_EQ(properties["codec"]["anyOf"][1]["$ref"], "#/definitions/reference");
  EXPECT_TRUE(properties.contains("from"));
  EXPECT_TRUE(properties.contains("as"));
}

}  // namespace
}  // namespace geoloom::workflow
