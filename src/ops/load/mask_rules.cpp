// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/error.h"

namespace geoloom::ops {

void VectorRule::declare(workflow::Parameters& parameters) {
  // What the file holds is hashed, polygon by polygon.
  parameters
      .add("file", &file,
           "Vector file: GeoJSON, GeoPackage, Shapefile, FlatGeobuf, KML, or CSV with WKT; any CRS")
      .main()
      .required()
      .meaning(workflow::Meaning::path)
      .not_identity();
  parameters.add("layer", &layer, "Of a file with several; default: all").not_identity();
  parameters.add("where", &where, "Which features: a condition on columns, as in SQL")
      .not_identity();
  parameters.add("crs", &crs, "CRS of a file that does not tell its own").not_identity();
  parameters
      .add("keep", &keep, "Which pixels are usable: those `outside` or `inside` of the shapes")
      .choices({"outside", "inside"});
  parameters
      .add("buffer", &buffer,
           "By how much shapes are made larger, in metres of the area's CRS or in its pixels")
      .not_identity();
}

void MaskRule::declare(workflow::Parameters& parameters) {
  BandRule::declare(parameters);
  parameters.add(
      "vector", &vector,
      "Instead of a band: polygons of a file; pixels whose centre is inside are not usable");
  parameters.add(
      "expression", &expression,
      "Instead of a band: a condition on the loaded bands; pixels for which it holds are "
      "not usable: \"blue > 0.12 and nir / red < 1.2\"");
}

void MaskRule::check(const std::string& name) const {
  if (of_a_band()) return BandRule::check(name);
  if (!silent() || (vector && !expression.empty()))
    throw Error(ErrorCode::invalid,
                name + ": a rule of a vector file or an expression has nothing else but `clean`")
        .hint("write a list: mask: [{vector: lakes.gpkg}, {band: SCL, drop: 9}]");
  check_cleaning(name, clean);
}

std::string MaskRules::name(size_t rule) const {
  return rules.size() == 1 ? "load.mask" : fmt::format("load.mask[{}]", rule);
}

std::vector<std::string> MaskRules::bands() const {
  std::vector<std::string> out;
  for (const auto& rule : rules)
    if (rule.of_a_band() && std::find(out.begin(), out.end(), rule.band) == out.end())
      out.push_back(rule.band);
  return out;
}

void MaskRules::check() const {
  for (size_t i = 0; i < rules.size(); ++i) rules[i].check(name(i));
}

}  // namespace geoloom::ops

namespace geoloom::workflow {

Json ParameterType<ops::MaskRules>::to_json(const ops::MaskRules& value) {
  if (value.empty()) return {};
  Json list = Json::array();
  for (const auto& rule : value.rules)
    list.push_back(ops::said_of(rule, ParameterType<ops::MaskRule>::to_json(rule)));
  return list.size() == 1 ? list.front() : list;
}

}  // namespace geoloom::workflow
