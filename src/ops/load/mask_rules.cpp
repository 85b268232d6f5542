// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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
  parameters.add("cloud_shadow", &cloud_shadow,
                 "Instead of a band: where clouds cast their shadows, from where the sun stood");
  parameters.add("terrain_shadow", &terrain_shadow,
                 "Instead of a band: what lies in the shadow of the terrain, by an elevation model "
                 "and from where the sun stood");
}

const BandRule* MaskRule::looked_up() const {
  if (cloud_shadow) return &cloud_shadow->clouds;
  return of_a_band() ? this : nullptr;
}

BandRule* MaskRule::looked_up() {
  return const_cast<BandRule*>(std::as_const(*this).looked_up());
}

const std::string& MaskRule::overpass() const {
  static const std::string none;
  if (terrain_shadow) return terrain_shadow->overpass;
  return cloud_shadow ? cloud_shadow->overpass : none;
}

const std::string& MaskRule::condition() const {
  return cloud_shadow ? cloud_shadow->dark : expression;
}

std::string& MaskRule::condition() {
  return cloud_shadow ? cloud_shadow->dark : expression;
}

void MaskRule::check(const std::string& name) const {
  if (of_a_band()) return BandRule::check(name);
  const int kinds = (vector ? 1 : 0) + (expression.empty() ? 0 : 1) + (cloud_shadow ? 1 : 0) +
                    (terrain_shadow ? 1 : 0);
  if (!silent() || kinds > 1)
    throw Error(ErrorCode::invalid,
                name +
                    ": a rule of a vector file, an expression or a shadow has nothing "
                    "else but `clean`")
        .hint("write a list: mask: [{vector: lakes.gpkg}, {band: SCL, drop: 9}]");
  if (cloud_shadow) cloud_shadow->check(name + ".cloud_shadow");
  if (terrain_shadow) terrain_shadow->check(name + ".terrain_shadow");
  check_cleaning(name, clean);
}

std::string MaskRules::name(size_t rule) const {
  return rules.size() == 1 ? "load.mask" : fmt::format("load.mask[{}]", rule);
}

std::string MaskRules::name_of_looked_up(size_t rule) const {
  return name(rule) + (rules[rule].cloud_shadow ? ".cloud_shadow.clouds" : "");
}

std::string MaskRules::name_of_condition(size_t rule) const {
  return name(rule) + (rules[rule].cloud_shadow ? ".cloud_shadow.dark" : ".expression");
}

bool MaskRules::need_sun() const {
  return std::any_of(rules.begin(), rules.end(),
                     [](const MaskRule& rule) { return rule.needs_sun(); });
}

std::optional<int64_t> MaskRules::overpass_ms() const {
  for (const auto& rule : rules)
    if (!rule.overpass().empty()) return time_of_day_ms(rule.overpass());
  return std::nullopt;
}

std::vector<std::string> MaskRules::bands() const {
  std::vector<std::string> out;
  for (const auto& rule : rules) {
    const auto* const looked_up = rule.looked_up();
    if (looked_up != nullptr && std::find(out.begin(), out.end(), looked_up->band) == out.end())
      out.push_back(looked_up->band);
  }
  return out;
}

void MaskRules::check() const {
  std::string overpass;
  for (size_t i = 0; i < rules.size(); ++i) {
    rules[i].check(name(i));
    const auto& said = rules[i].overpass();
    if (!overpass.empty() && !said.empty() && said != overpass)
      throw Error(ErrorCode::invalid, fmt::format("{}: overpass is {} here and {} in another rule",
                                                  name(i), said, overpass));
    if (overpass.empty()) overpass = said;
  }
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
