// SPDX-License-Identifier: Apache-2.0
#include "workflow/parameters.h"

#include <gtest/gtest.h>

namespace geoloom::workflow {
namespace {

struct Mask {
  std::string band;
  std::vector<int64_t> keep;
  void declare(Parameters& p) {
    p.add("band", &band, "Band with the classes").required().meaning(Meaning::band);
    p.add("keep", &keep, "Classes to keep").range(0, 255);
  }
};

struct Everything {
  std::string stat = "median";
  int64_t min_count = 1;
  uint8_t small = 0;
  double q = 0.5;
  double nodata = std::numeric_limits<double>::quiet_NaN();
  bool exact = false;
  std::vector<std::string> bands;
  std::optional<geo::Period> period;
  std::optional<double> fill;
  geo::Frequency every;
  std::map<std::string, double> table;
  std::optional<Mask> mask;
  std::vector<Mask> masks;
  int threads = 4;
  Value raw;
  void declare(Parameters& p) {
    p.add("stat", &stat, "What to compute").choices({"median", "mean", "quantile"}).main();
    p.add("min_count", &min_count, "Fewest valid samples").range(1, 65535);
    p.add("small", &small, "A byte");
    p.add("q", &q, "Quantile").range(0, 1);
    p.add("nodata", &nodata, "Value for invalid pixels");
    p.add("exact", &exact, "A switch");
    p.add("bands", &bands, "Bands").choices({"red", "green", "blue"});
    p.add("period", &period, "When");
    p.add("fill", &fill, "Fill").unit("m");
    p.add("every", &every, "Step");
    p.add("table", &table, "From and to").range(0, 10);
    p.add("mask", &mask, "What is masked");
    p.add("masks", &masks, "Several");
    p.add("threads", &threads, "Threads").not_identity();
    p.add("raw", &raw, "Anything");
  }
};

Value yaml(const std::string& text) {
  return parse_yaml(text, "a.yaml");
}

Everything bound(const std::string& text) {
  Everything object;
  Parameters parameters;
  object.declare(parameters);
  parameters.bind(yaml(text), "reduce");
  return object;
}

template <class T = Everything>
std::string refusal(const std::string& text) {
  T object;
  Parameters parameters;
  object.declare(parameters);
  try {
    parameters.bind(yaml(text), "reduce");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid);
    return e.what();
  }
  return "accepted";
}

TEST(Parameters, FillMembers) {
  const auto r = bound(
      "{min_count: 3, small: 255, q: 1, nodata: .inf, exact: true, bands: [red, blue],\n"
      " period: 2018, fill: 2, every: 3 months, table: {a: 1, b: 2.5},\n"
      " mask: {band: scl, keep: 4}, masks: {band: x}, raw: [1, a]}");
  EXPECT_EQ(r.stat, "median");
  EXPECT_EQ(r.min_count, 3);
  EXPECT_EQ(r.small, 255);
  EXPECT_EQ(r.q, 1.0);
  EXPECT_TRUE(std::isinf(r.nodata));
  EXPECT_TRUE(r.exact);
  EXPECT_EQ(r.bands, (std::vector<std::string>{"red", "blue"}));
  EXPECT_EQ(r.period, geo::parse_period("2018"));
  EXPECT_EQ(r.fill, 2.0);
  EXPECT_EQ(r.every.count, 3);
  EXPECT_EQ(r.table, (std::map<std::string, double>{{"a", 1}, {"b", 2.5}}));
  EXPECT_EQ(r.mask->keep, (std::vector<int64_t>{4}));  // a scalar is a list of one
  EXPECT_EQ(r.masks.at(0).band, "x");
  EXPECT_EQ(r.raw.list.at(1).text, "a");
}

TEST(Parameters, TakeTheMainParameterAlone) {
  EXPECT_EQ(bound("mean").stat, "mean");
  EXPECT_EQ(bound("").stat, "median");
  EXPECT_EQ(refusal<Mask>("4"),
            "a.yaml:1:1: reduce must be a map of its parameters, not a whole number (4)");
}

TEST(Parameters, NullMeansAbsentWhereOptional) {
  EXPECT_FALSE(bound("fill: null").fill.has_value());
  EXPECT_NE(refusal("q: null").find("reduce.q must be a number, not nothing"), std::string::npos);
  EXPECT_NE(refusal("bands:").find("reduce.bands must be a list, not nothing"), std::string::npos);
}

TEST(Parameters, KnowWhatWasGiven) {
  Everything object;
  Parameters parameters;
  object.declare(parameters);
  parameters.bind(yaml("\nq: 0.25\nfill: null\n"), "reduce");
  EXPECT_TRUE(parameters.find("q")->given);
  EXPECT_EQ(parameters.find("q")->source.line, 2);
  EXPECT_FALSE(parameters.find("fill")->given);
  EXPECT_FALSE(parameters.find("stat")->given);
  EXPECT_EQ(std::string(parameters.find("q")->error("is odd").what()),
            "a.yaml:2:1, q: reduce.q is odd");
  EXPECT_EQ(parameters.find("nothing"), nullptr);
}

TEST(Parameters, RefuseWithPlaceAndHint) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"q: 1\nmin_cont: 3",
       "a.yaml:2:1, min_cont: unknown key 'min_cont' of reduce. Hint: did you mean 'min_count'?"},
      {"zzzzzzzzzz: 3", "Hint: known: stat, min_count"},
      {"min_count: many",
       "min_count: reduce.min_count must be a whole number, not a text ('many')"},
      {"min_count: 2.0", "must be a whole number, not a number (2.0)"},
      {"min_count: true", "must be a whole number, not true"},
      {"min_count: 0", "reduce.min_count must be between 1 and 65535, not 0"},
      {"small: 256", "reduce.small must be between 0 and 255, not 256"},
      {"small: -1", "reduce.small must be between 0 and 255, not -1"},
      {"q: 1.5", "reduce.q must be between 0 and 1, not 1.5"},
      {"q: .nan", "reduce.q must be between 0 and 1, not .nan"},
      {"q: '1'", "reduce.q must be a number, not a text ('1')"},
      {"exact: on", "reduce.exact must be true or false, not a text ('on')"},
      {"stat: 3", "reduce.stat must be a text, not a whole number (3). Hint: quote it: \"3\""},
      {"stat: medain", "reduce.stat cannot be 'medain'. Hint: did you mean 'median'?"},
      {"bands: [red, gren]",
       "a.yaml:1:14, bands[1]: reduce.bands[1] cannot be 'gren'. Hint: did you mean 'green'?"},
      {"bands: {red: 1}", "reduce.bands must be a text, not a map"},
      {"period: 2018-13", "reduce.period: "},
      {"period: [2018]", "reduce.period must be a period such as"},
      {"every: fortnight", "reduce.every: "},
      {"every: 3", "reduce.every must be a time step"},
      {"table: {a: 11}", "table.a: reduce.table.a must be between 0 and 10, not 11"},
      {"table: [1]", "reduce.table must be a map, not a list"},
      {"mask: {bnd: x}", "mask.bnd: unknown key 'bnd' of reduce.mask. Hint: did you mean 'band'?"},
      {"mask: {keep: [300]}", "reduce.mask.keep[0] must be between 0 and 255, not 300"},
      {"mask: {keep: [4]}", "mask: reduce.mask needs 'band'. Hint: band: Band with the classes"},
      {"masks: [{band: x}, {band: 2}]", "reduce.masks[1].band must be a text"},
  };
  for (const auto& [document, says] : cases)
    EXPECT_NE(refusal(document).find(says), std::string::npos)
        << document << "\n  says: " << refusal(document);
}

TEST(Parameters, RefuseOneSidedRanges) {
  struct Sided {
    double least = 1, most = 1;
    void declare(Parameters& p) {
      p.add("least", &least, "").range(1, std::numeric_limits<double>::infinity());
      p.add("most", &most, "").range(-std::numeric_limits<double>::infinity(), 2.5);
    }
  };
  EXPECT_NE(refusal<Sided>("least: 0").find("must be at least 1, not 0"), std::string::npos);
  EXPECT_NE(refusal<Sided>("most: 3").find("must be at most 2.5, not 3"), std::string::npos);
}

TEST(Parameters, RefuseDoubleDeclarations) {
  int64_t number = 0;
  Parameters parameters;
  parameters.add("n", &number, "");
  EXPECT_THROW(parameters.add("n", &number, ""), Error);
}

std::string identity(const std::string& text) {
  Everything object;
  Parameters parameters;
  object.declare(parameters);
  parameters.bind(yaml(text), "reduce");
  return parameters.identity().dump();
}

TEST(Parameters, GiveACanonicalIdentity) {
  EXPECT_EQ(identity(""),
            R"({"bands":[],"every":"P1M","exact":false,"fill":null,"mask":null,"masks":[],)"
            R"("min_count":1,"nodata":"nan","period":null,"q":0.5,"raw":null,"small":0,)"
            R"("stat":"median","table":{}})");
  EXPECT_EQ(identity("{q: 1, period: 2018, threads: 9, every: month, table: {b: 1, a: 2}}"),
            identity("{table: {a: 2.0, b: 1e0}, every: P1M, period: '2018-01..2018-12', q: 1.0}"));
  EXPECT_EQ(identity("median"), identity("stat: median"));
  EXPECT_NE(identity("nodata: .inf"), identity("nodata: -.inf"));
  EXPECT_NE(identity("every: year"), identity("every: 12 months"));
  EXPECT_NE(identity("mask: {band: x, keep: [1]}").find(R"("mask":{"band":"x","keep":[1]})"),
            std::string::npos);
}

TEST(Parameters, GiveAJsonSchema) {
  Everything object;
  Parameters parameters;
  object.declare(parameters);
  const auto schema = parameters.schema();
  ASSERT_EQ(schema["anyOf"].size(), 3u);  // the object, the main parameter alone, nothing
  EXPECT_EQ(schema["anyOf"][1].dump(), R"({"type":"string","enum":["median","mean","quantile"]})");
  const auto& properties = schema["anyOf"][0]["properties"];
  EXPECT_FALSE(schema["anyOf"][0]["additionalProperties"].get<bool>());
  EXPECT_EQ(properties["min_count"].dump(),
            R"({"description":"Fewest valid samples","type":"integer","minimum":1,)"
            R"("maximum":65535,"default":1})");
  EXPECT_EQ(properties["bands"].dump(),
            R"({"description":"Bands","anyOf":[{"type":"array","items":{"type":"string",)"
            R"("enum":["red","green","blue"]}},{"type":"string","enum":["red","green","blue"]}]})");
  EXPECT_EQ(properties["fill"].dump(),
            R"({"description":"Fill [m]","anyOf":[{"type":"number"},{"type":"null"}]})");
  EXPECT_EQ(properties["mask"]["anyOf"][0]["required"].dump(), R"(["band"])");
  EXPECT_EQ(properties["nodata"]["default"], "nan");
  EXPECT_EQ(properties.begin().key(), "stat");  // as declared
}

}  // namespace
}  // namespace geoloom::workflow
