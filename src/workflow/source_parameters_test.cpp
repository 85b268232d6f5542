// SPDX-License-Identifier: Apache-2.0
#include "workflow/source_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace geoloom::workflow {
namespace {

using testing::HasSubstr;

constexpr const char* kRest = "store: out\nsteps: {a: {do: [{x: {}}]}}\n";

Document document_of(const std::string& sources, const std::string& more = "") {
  auto document =
      parse_document("geoloom: 1\nname: n\n" + more + "sources:\n" + sources + kRest, "d.yaml");
  resolve(document, {});
  return document;
}

Error error_of(const std::string& sources, const std::string& more = "") {
  try {
    check_sources(document_of(sources, more));
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error for " << sources;
  return Error(ErrorCode::internal, "");
}

SourceParameters source_of(const std::string& text) {
  SourceParameters source;
  Parameters parameters;
  source.declare(parameters);
  parameters.bind(parse_yaml(text, "s.yaml"), "source");
  return source;
}

TEST(Sources, AGoodOne) {
  EXPECT_NO_THROW(check_sources(document_of(R"(
  s2:
    stac: https://h/stac
    collection: sentinel-2-l2a
    sensor: sentinel-2-l2a
    auth: {bearer: {secret: STAC_TOKEN}}
    where: {eo:cloud_cover: "< 70"}
    exclude: bad.csv
    mask: {classes: [cloud]}
)",
                                            "secrets: [STAC_TOKEN]\n")));
}

TEST(Sources, Mistakes) {
  EXPECT_THAT(error_of("  a: {}\n").message(), HasSubstr("either `stac` or `scenes`"));
  EXPECT_THAT(error_of("  a: {stac: x, scenes: y}\n").message(), HasSubstr("either"));
  EXPECT_THAT(error_of("  a: {stak: x}\n").hint(), HasSubstr("stac"));
  EXPECT_THAT(error_of("  a: {stac: x, where: {c: {smaller: 1}}}\n").message(),
              HasSubstr("'smaller' is no comparison"));
  EXPECT_EQ(error_of("  a:\n    stac: x\n    where:\n      c: '<'\n").place().line, 7);
  EXPECT_THAT(error_of("  a: {stac: x, offset: often}\n").message(), HasSubstr("often"));
  EXPECT_THAT(error_of("  a: {stac: x, bbox: [1, 2]}\n").message(), HasSubstr("four numbers"));
  EXPECT_THAT(error_of("  a: {stac: x, auth: {}}\n").message(), HasSubstr("exactly one"));
  EXPECT_THAT(error_of("  a: {stac: x, sign: {}}\n").message(), HasSubstr("either"));
  EXPECT_THAT(error_of("  a: {scenes: x, files: '{band}.tif'}\n").message(),
              HasSubstr("what a scene is called"));
  EXPECT_THROW(document_of("  A: {stac: x}\n"), Error);
}

TEST(Sources, SecretsAreDeclared) {
  const std::string source = "  a: {stac: x, auth: {bearer: {secret: TOKEN}}}\n";
  EXPECT_THAT(error_of(source).message(), HasSubstr("not declared"));
  EXPECT_NO_THROW(check_sources(document_of(source, "secrets: [TOKEN]\n")));
  EXPECT_THAT(error_of("  a: {stac: x, auth: {bearer: {secret: the token}}}\n").message(),
              HasSubstr("cannot be the name"));
}

TEST(Sources, StandForTheirNames) {
  const auto document = document_of("  a: {stac: x, mask: {band: SCL}}\n  b: {scenes: y}\n");
  const auto load = [&](const std::string& text) {
    return to_json(with_sources(parse_yaml(text, "l.yaml"), document)).dump();
  };
  EXPECT_EQ(load("{source: a, bands: red}"),
            R"({"bands":"red","mask":{"band":"SCL"},"source":[{"name":"a","stac":"x"}]})");
  EXPECT_EQ(load("{source: [a, b], mask: none}"),
            R"({"mask":"none","source":[{"name":"a","stac":"x"},{"name":"b","scenes":"y"}]})");
  EXPECT_EQ(load("{scenes: z}"), R"({"scenes":"z"})");
  EXPECT_EQ(load("{source: {scenes: z}}"), R"({"source":[{"scenes":"z"}]})");
  // Elevation models of rules, in lists and alone, and in a mask that comes from a source.
  const std::string model = R"([{"name":"b","scenes":"y"}])";
  EXPECT_EQ(load("{scenes: z, mask: {terrain_shadow: {source: b}}}"),
            R"({"mask":{"terrain_shadow":{"source":)" + model + R"(}},"scenes":"z"})");
  EXPECT_EQ(
      load("{scenes: z, mask: [{band: SCL}, {terrain_shadow: {source: b}}]}"),
      R"({"mask":[{"band":"SCL"},{"terrain_shadow":{"source":)" + model + R"(}}],"scenes":"z"})");
  const auto dark =
      document_of("  a: {stac: x, mask: {terrain_shadow: {source: b}}}\n  b: {scenes: y}\n");
  EXPECT_EQ(to_json(with_sources(parse_yaml("{source: a}", "l.yaml"), dark)).dump(),
            R"({"mask":{"terrain_shadow":{"source":)" + model +
                R"(}},"source":[{"name":"a","stac":"x"}]})");
  EXPECT_THROW(load("{scenes: z, mask: {terrain_shadow: {source: c}}}"), Error);
  try {
    load("{source: c}");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("no source 'c'"));
  }
}

TEST(Sources, Collections) {
  const auto one = source_of("{stac: x, collection: c, sensor: generic, offset: -1000}");
  ASSERT_EQ(one.all_collections().size(), 1U);
  EXPECT_EQ(one.all_collections()[0].id, "c");
  EXPECT_EQ(offset_choice_of(one.all_collections()[0].offset).offset_numbers, -1000);
  const auto two = source_of(
      "{stac: x, sensor: landsat-c2-l2, collections: [a, {id: b, sensor: generic,"
      " harmonise: {red: {scale: 0.9}}, where: {datetime: 1999..2003-05}}]}");
  const auto all = two.all_collections();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].sensor, "landsat-c2-l2");
  EXPECT_EQ(all[1].sensor, "generic");
  EXPECT_EQ(all[1].harmonise.at("red").scale, 0.9);
  EXPECT_EQ(conditions_of(all[1].where).size(), 1U);
}

}  // namespace
}  // namespace geoloom::workflow
