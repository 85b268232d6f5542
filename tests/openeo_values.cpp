// SPDX-License-Identifier: Apache-2.0
// What expressions and reducers give in double precision, for openeo_semantics_test.py: a JSON list
// of questions on the standard input, the list of answers on the standard output. Numbers that JSON
// lacks are the texts "nan", "inf" and "-inf"; null is a missing sample.
//
//   {"expression": "a + b", "values": {"a": 1, "b": null}}
//   {"reduce": "median", "data": [1, null, 3], "min_count": 1, "q": 0.5}
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/accumulate.h"
#include "kernels/deviation.h"
#include "kernels/expression.h"
#include "kernels/rank.h"

namespace {

namespace gk = geoloom::kernels;
namespace reference = geoloom::kernels::reference;
using Json = nlohmann::json;
using Sample = gk::Expression::Sample<double>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Sample sample_of(const Json& json) {
  if (json.is_null()) return {0, false};
  if (json.is_number()) return {json.get<double>(), true};
  const auto text = json.get<std::string>();
  if (text == "nan") return {std::numeric_limits<double>::quiet_NaN(), true};
  if (text == "inf") return {kInfinity, true};
  if (text == "-inf") return {-kInfinity, true};
  throw std::invalid_argument("no number: " + text);
}

Json json_of(double value, bool valid) {
  if (!valid) return nullptr;
  if (value != value) return "nan";
  if (value == kInfinity) return "inf";
  if (value == -kInfinity) return "-inf";
  return value;
}

Json expression(const Json& question) {
  const auto parsed = gk::Expression::parse(question.at("expression").get<std::string>());
  std::vector<Sample> inputs;
  for (const auto& name : parsed.names())
    inputs.push_back(sample_of(question.at("values").at(name)));
  const auto result = parsed.evaluate_one<double>(std::span<const Sample>(inputs));
  return json_of(result.value, result.valid);
}

// A series of one pixel.
struct Series {
  std::vector<double> values;
  std::vector<uint8_t> flags;
  gk::Samples<double> samples() const { return {values.data(), 1, values.size()}; }
  gk::Validity validity() const { return {flags.data(), 1}; }
};

struct Result {
  double value = 0;
  uint8_t valid = 0;
};

Result ranked(const std::string& stat, const Series& series, size_t least, double q) {
  Result result;
  const auto x = series.samples();
  const auto v = series.validity();
  if (stat == "median")
    reference::median_mean(x, v, 1, least, &result.value, &result.valid);
  else
    reference::quantile_linear(x, v, 1, q, least, &result.value, &result.valid);
  return result;
}

Result observed(const std::string& stat, const Series& series, size_t least) {
  Result result;
  double value = 0;
  uint32_t count = 0;
  const auto feed = stat == "min"     ? reference::accumulate_min<double>
                    : stat == "max"   ? reference::accumulate_max<double>
                    : stat == "first" ? reference::accumulate_first<double>
                                      : reference::accumulate_last<double>;
  feed(series.samples(), series.validity(), 1, &value, &count);
  gk::finish_value(&value, &count, 1, least, &result.value, &result.valid);
  return result;
}

Result summed(const std::string& stat, const Series& series, size_t least) {
  Result result;
  double total = stat == "product" ? 1 : 0;
  uint32_t count = 0;
  if (stat == "product")
    gk::accumulate_product(series.samples(), series.validity(), 1, 1, 0, &total, &count);
  else
    reference::accumulate_sum(series.samples(), series.validity(), 1, &total, &count);
  if (stat == "mean")
    gk::finish_mean(&total, &count, 1, least, &result.value, &result.valid);
  else
    gk::finish_total(&total, &count, 1, least, 1, 0, &result.value, &result.valid);
  return result;
}

Result spread(const std::string& stat, const Series& series, size_t least) {
  Result result;
  double mean = 0, squares = 0;
  uint32_t count = 0;
  reference::accumulate_deviation(series.samples(), series.validity(), 1, &mean, &squares, &count);
  gk::finish_deviation(
      &squares, &count, 1, least,
      stat == "sd" ? gk::Dispersion::sample_deviation : gk::Dispersion::sample_variance,
      &result.value, &result.valid);
  return result;
}

Json reduction(const Json& question) {
  const auto stat = question.at("reduce").get<std::string>();
  Series series;
  for (const auto& each : question.at("data")) {
    const auto sample = sample_of(each);
    series.values.push_back(sample.value);
    series.flags.push_back(sample.valid ? 1 : 0);
  }
  const auto least = question.value("min_count", size_t{1});
  if (stat == "count") {
    uint32_t count = 0;
    reference::accumulate_count(series.validity(), series.flags.size(), 1, &count);
    return count;
  }
  const bool sums = stat == "mean" || stat == "sum" || stat == "product";
  const auto result = stat == "median" || stat == "quantile"
                          ? ranked(stat, series, least, question.value("q", 0.5))
                      : sums                               ? summed(stat, series, least)
                      : stat == "sd" || stat == "variance" ? spread(stat, series, least)
                                                           : observed(stat, series, least);
  return json_of(result.value, result.valid != 0);
}

}  // namespace

int main() {
  try {
    Json answers = Json::array();
    const auto questions = Json::parse(std::cin);
    for (const auto& question : questions)
      answers.push_back(question.contains("expression") ? expression(question)
                                                        : reduction(question));
    std::cout << answers.dump() << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "openeo_values: " << error.what() << "\n";
    return 1;
  }
}
