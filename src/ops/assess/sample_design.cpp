// SPDX-License-Identifier: Apache-2.0
#include "ops/assess/sample_design.h"

#include <nlohmann/json.hpp>

#include "error/error.h"

namespace geoloom::ops {
namespace {

using Json = nlohmann::json;
constexpr int kVersion = 1;

Error no_design(const std::string& why) {
  return Error(ErrorCode::invalid, "column 'design' does not tell how the sample was drawn")
      .cause(why)
      .hint("take the file that `design` wrote, and add labels only");
}

}  // namespace

double SampleDesign::square_metres() const {
  double sum = 0;
  for (const auto& stratum : strata) sum += stratum.square_metres;
  return sum;
}

std::string SampleDesign::text() const {
  Json json{{"geoloom_design", kVersion}, {"map", map},
            {"by_class", by_class},       {"seed", seed},
            {"classes", classes},         {"strata", Json::array()}};
  for (const auto& stratum : strata)
    json["strata"].push_back({{"name", stratum.name},
                              {"units", stratum.units},
                              {"sampled", stratum.sampled},
                              {"square_metres", stratum.square_metres}});
  return json.dump();
}

SampleDesign SampleDesign::parse(const std::string& text) {
  try {
    const auto json = Json::parse(text);
    if (json.at("geoloom_design").get<int>() > kVersion)
      throw no_design("it was written by a newer program");
    SampleDesign design;
    design.map = json.at("map").get<std::string>();
    design.by_class = json.at("by_class").get<bool>();
    design.seed = json.at("seed").get<uint64_t>();
    design.classes = json.at("classes").get<std::vector<std::string>>();
    for (const auto& each : json.at("strata")) {
      const DesignedStratum stratum{
          each.at("name").get<std::string>(), each.at("units").get<uint64_t>(),
          each.at("sampled").get<uint64_t>(), each.at("square_metres").get<double>()};
      if (!(stratum.square_metres >= 0) || stratum.sampled > stratum.units)
        throw no_design("stratum '" + stratum.name + "' has more sampled units than units");
      design.strata.push_back(stratum);
    }
    if (design.strata.empty() || design.classes.empty()) throw no_design("it has no strata");
    return design;
  } catch (const Json::exception& error) {
    throw no_design(error.what());
  }
}

}  // namespace geoloom::ops
