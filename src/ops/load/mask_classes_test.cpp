// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_classes.h"

#include "ops/op_test.h"

namespace geoloom::ops {
namespace {

using raster::PixelType;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<workflow::SourceParameters> sources(const std::vector<std::string>& sensors) {
  std::vector<workflow::SourceParameters> out;
  for (const auto& sensor : sensors) out.emplace_back().sensor = sensor;
  return out;
}

MaskRules rules(const std::string& yaml) {
  MaskRules out;
  workflow::Parameters parameters;
  parameters.add("mask", &out, "");
  parameters.bind(workflow::parse_yaml("{mask: " + yaml + "}", "test"), "load");
  return out;
}

MaskRule named(const std::string& yaml, const std::vector<std::string>& sensors) {
  auto out = rules(yaml);
  name_classes(out, sources(sensors));
  out.check();
  return out.rules.front();
}

std::string failing(const std::string& yaml, const std::vector<std::string>& sensors) {
  return error_of([&] { named(yaml, sensors); });
}

// Which of the samples a rule takes out.
std::vector<int> taken_out(const MaskRule& rule, const std::vector<uint16_t>& samples) {
  std::vector<uint8_t> unusable(samples.size(), 0);
  rule.mark(PixelType::uint16, samples.data(), samples.size(), unusable.data());
  return {unusable.begin(), unusable.end()};
}

TEST(MaskClasses, AreThoseOfTheSensor) {
  const auto dropped = named("{band: SCL, drop: [cloud, shadow, cirrus]}", {"sentinel-2-l2a"});
  EXPECT_THAT(dropped.drop.numbers, ElementsAre(8, 9, 3, 10));
  const auto kept = named("{band: SCL, keep: [vegetation, bare, 6]}", {"sentinel-2-l2a"});
  EXPECT_THAT(kept.keep.numbers, ElementsAre(6, 4, 5));
  EXPECT_EQ(kept.reason(9), "SCL is 9 (cloud_high), which is not kept");
}

TEST(MaskClasses, FindTheirBand) {
  const auto rule = named("{classes: [cloud, shadow]}", {"sentinel-2-l2a"});
  EXPECT_EQ(rule.band, "SCL");
  EXPECT_THAT(rule.drop.numbers, ElementsAre(8, 9, 3));
  EXPECT_EQ(named("{classes: terrain_occlusion}", {"landsat-c2-l2"}).band, "qa_radsat");
  EXPECT_EQ(named("{band: QA_PIXEL, drop: cloud}", {"landsat-c2-l2"}).band, "QA_PIXEL");
  EXPECT_THAT(named("{classes: usual}", {"sentinel-2-l2a"}).drop.numbers,
              ElementsAre(0, 1, 3, 8, 9, 10));
}

// What is named is what is meant by the numbers: the same results, found again.
TEST(MaskClasses, AreTheSameRuleAsTheirNumbers) {
  MaskRules by_name, by_number = rules("{band: SCL, drop: [8, 9]}");
  by_name.rules = {named("{classes: cloud}", {"sentinel-2-l2a"})};
  using Type = workflow::ParameterType<MaskRules>;
  EXPECT_EQ(Type::to_json(by_name), Type::to_json(by_number));
}

TEST(MaskClasses, OfBitsAreFlagsAndConfidences) {
  const auto flags = named("{classes: [cloud, shadow]}", {"landsat-c2-l2"});
  EXPECT_THAT(taken_out(flags, {0, 1 << 3, 1 << 4, 1 << 5, 0xFFFF}), ElementsAre(0, 1, 1, 0, 1));
  const auto confidence = named("{classes: cloud_medium_confidence}", {"landsat-c2-l2"});
  EXPECT_THAT(taken_out(confidence, {0, 1 << 8, 2 << 8, 3 << 8}), ElementsAre(0, 0, 1, 1));
  EXPECT_EQ(confidence.reason(768), "qa_pixel is 768: cloud_medium_confidence");
  const auto kept = named("{band: qa_pixel, keep: [clear, water]}", {"landsat-c2-l2"});
  EXPECT_THAT(taken_out(kept, {0, 1 << 6, 1 << 7, 1 << 3}), ElementsAre(1, 0, 0, 1));
  EXPECT_EQ(kept.reason(8), "qa_pixel is 8: none of what is kept");
}

TEST(MaskClasses, OfSaturationAreAnyOfTheBandsBits) {
  const auto rule = named("{classes: saturated}", {"landsat-c2-l2"});
  EXPECT_EQ(rule.band, "qa_radsat");
  EXPECT_THAT(taken_out(rule, {0, 1, 1 << 6, 1 << 7, 1 << 11}), ElementsAre(0, 1, 1, 0, 0));
  std::vector<uint8_t> valid(2, 1);
  const std::vector<uint16_t> samples{0, 4};
  rule.clear(PixelType::uint16, samples.data(), 2, valid.data());
  EXPECT_THAT(valid, ElementsAre(1, 0));
}

TEST(MaskClasses, AreListedWhereOneIsUnknown) {
  EXPECT_THAT(failing("{band: SCL, drop: clouds}", {"sentinel-2-l2a"}),
              AllOf(HasSubstr("has no class 'clouds' in SCL"), HasSubstr("cloud_medium")));
  EXPECT_THAT(failing("{classes: [cloud, fog]}", {"sentinel-2-l2a"}),
              AllOf(HasSubstr("no mask with all of: cloud, fog"), HasSubstr("SCL: bare, cirrus")));
  EXPECT_THAT(failing("{band: B02, drop: cloud}", {"sentinel-2-l2a"}),
              HasSubstr("no names for classes of 'B02'"));
  EXPECT_THAT(failing("{classes: cloud}", {"generic"}), HasSubstr("has no names for classes"));
  EXPECT_THAT(failing("{band: SCL, drop: cloud}", {}), HasSubstr("only a source with a sensor"));
  EXPECT_THAT(failing("{classes: cloud, keep: 4}", {"sentinel-2-l2a"}), HasSubstr("exclude"));
  EXPECT_THAT(failing("{band: qa_pixel, drop: [cloud, 5]}", {"landsat-c2-l2"}),
              HasSubstr("cannot stand in one list"));
  EXPECT_THAT(failing("{keep: 4}", {"sentinel-2-l2a"}), HasSubstr("needs `band`"));
}

TEST(MaskClasses, OfSeveralSensorsHaveToAgree) {
  EXPECT_EQ(named("{classes: cloud}", {"landsat-c2-l2", "landsat-c2-l2"}).band, "qa_pixel");
  EXPECT_THAT(failing("{classes: cloud}", {"landsat-c2-l2", "sentinel-2-l2a"}),
              HasSubstr("one thing for 'landsat-c2-l2' and another for 'sentinel-2-l2a'"));
}

}  // namespace
}  // namespace geoloom::ops
