// SPDX-License-Identifier: Apache-2.0
#include "learn/applicability.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "error/error.h"
#include "kernels/nearest_point.h"
#include "learn/random_numbers.h"
#include "learn/safetensors.h"

namespace geoloom::learn {
namespace {

constexpr size_t kPixelsTogether = 1024;  // their features stay in cache

float in_space(const Applicability& area, size_t column, float value) {
  return static_cast<float>((value - area.means[column]) / area.deviations[column] *
                            area.weights[column]);
}

// Standard deviations as R's scale() has them, which the method's own code uses.
void standardise(const TrainingData& data, Applicability& area) {
  const size_t rows = data.rows();
  area.means.assign(data.columns, 0);
  area.deviations.assign(data.columns, 0);
  for (size_t i = 0; i < data.features.size(); ++i)
    area.means[i % data.columns] += data.features[i];
  for (auto& mean : area.means) mean /= static_cast<double>(rows);
  for (size_t i = 0; i < data.features.size(); ++i) {
    const double off = data.features[i] - area.means[i % data.columns];
    area.deviations[i % data.columns] += off * off;
  }
  for (size_t c = 0; c < data.columns; ++c) {
    auto& deviation = area.deviations[c];
    deviation = rows > 1 ? std::sqrt(deviation / static_cast<double>(rows - 1)) : 0;
    // A feature of one value tells no distance: leave it as it is.
    if (!(deviation > 1e-10 * std::fabs(area.means[c]))) deviation = 1;
  }
}

std::vector<size_t> drawn_rows(size_t rows, const ApplicabilitySettings& settings) {
  std::vector<size_t> chosen(rows);
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  if (rows <= settings.most_rows) return chosen;
  RandomNumbers random(settings.seed);
  const auto drawn = random.choose(rows, settings.most_rows);
  return {drawn.begin(), drawn.end()};
}

double distance(const Applicability& area, size_t a, size_t b) {
  const float* p = area.points.data() + a * area.columns();
  const float* q = area.points.data() + b * area.columns();
  double sum = 0;
  for (size_t c = 0; c < area.columns(); ++c) {
    const double off = double{p[c]} - q[c];
    sum += off * off;
  }
  return std::sqrt(sum);
}

double mean_distance(const Applicability& area, const ForEachIndex& for_each) {
  const size_t rows = area.rows();
  std::vector<double> sums(rows, 0);
  for_each(rows, [&](size_t a) {
    for (size_t b = a + 1; b < rows; ++b) sums[a] += distance(area, a, b);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0) /
         (static_cast<double>(rows) * static_cast<double>(rows - 1) / 2);
}

// The points of the rows for which `wanted` is true, as planes or side by side.
template <class Wanted>
std::vector<float> points_of(const Applicability& area, Wanted wanted) {
  std::vector<float> points;
  for (size_t row = 0; row < area.rows(); ++row)
    if (wanted(row))
      points.insert(points.end(), area.points.begin() + row * area.columns(),
                    area.points.begin() + (row + 1) * area.columns());
  return points;
}

std::vector<float> nearest_of(const std::vector<float>& queries, const std::vector<float>& points,
                              size_t columns) {
  const size_t count = queries.size() / columns;
  std::vector<float> planes(queries.size()), nearest(count);
  std::vector<const float*> pointers;
  for (size_t c = 0; c < columns; ++c) {
    for (size_t i = 0; i < count; ++i) planes[c * count + i] = queries[i * columns + c];
    pointers.push_back(planes.data() + c * count);
  }
  kernels::nearest_point(pointers.data(), count, {points.data(), points.size() / columns, columns},
                         nearest.data());
  return nearest;
}

// DI of the rows of each fold, by the rows of all others.
std::vector<double> training_dissimilarity(const Applicability& area,
                                           const std::vector<int32_t>& folds,
                                           const std::vector<int32_t>& numbers,
                                           const ForEachIndex& for_each) {
  std::vector<std::vector<float>> nearest(numbers.size());
  for_each(numbers.size(), [&](size_t i) {
    const int32_t fold = numbers[i];
    nearest[i] =
        nearest_of(points_of(area, [&](size_t row) { return folds[row] == fold; }),
                   points_of(area, [&](size_t row) { return folds[row] != fold; }), area.columns());
  });
  std::vector<double> indexes;
  for (const auto& of_fold : nearest)
    for (const float square : of_fold)
      indexes.push_back(std::sqrt(double{square}) / area.mean_distance);
  return indexes;
}

// As R's quantile() by default: between the two nearest of them.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double largest_but_outliers(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const double upper = quantile(values, 0.75), spread = upper - quantile(values, 0.25);
  const auto after = std::upper_bound(values.begin(), values.end(), upper + 1.5 * spread);
  return *(after - 1);  // the quartile is never above the fence, so there is one
}

std::vector<double> weights_from(std::span<const double> importance, size_t columns) {
  if (importance.size() != columns)
    throw Error(ErrorCode::internal, "importance and features differ in number");
  std::vector<double> weights;
  for (const double value : importance) weights.push_back(value > 0 ? value : 0);
  if (std::all_of(weights.begin(), weights.end(), [](double w) { return w == 0; }))
    weights.assign(columns, 1);
  return weights;
}

std::vector<double> finite_numbers(const ArrayFileReader& reader, const char* name, size_t count) {
  auto numbers = reader.array<double>(name);
  if (numbers.size() != count ||
      !std::all_of(numbers.begin(), numbers.end(), [](double n) { return std::isfinite(n); }))
    reader.refuse(fmt::format("'{}' holds no {} numbers", name, count));
  return numbers;
}

}  // namespace

std::vector<float> Applicability::dissimilarity(std::span<const float* const> planes,
                                                size_t pixels) const {
  std::vector<float> indexes(pixels), space(columns() * kPixelsTogether);
  std::vector<const float*> pointers;
  for (size_t c = 0; c < columns(); ++c) pointers.push_back(space.data() + c * kPixelsTogether);
  for (size_t begin = 0; begin < pixels; begin += kPixelsTogether) {
    const size_t count = std::min(kPixelsTogether, pixels - begin);
    for (size_t c = 0; c < columns(); ++c)
      for (size_t i = 0; i < count; ++i)
        space[c * kPixelsTogether + i] = in_space(*this, c, planes[c][begin + i]);
    kernels::nearest_point(pointers.data(), count, {points.data(), rows(), columns()},
                           indexes.data() + begin);
  }
  for (auto& index : indexes) index = static_cast<float>(std::sqrt(double{index}) / mean_distance);
  return indexes;
}

Applicability area_of_applicability(const TrainingData& data, std::span<const double> importance,
                                    std::span<const int32_t> folds,
                                    const ApplicabilitySettings& settings,
                                    const ForEachIndex& for_each) {
  check(data, false);
  Applicability area;
  standardise(data, area);
  area.weights = weights_from(importance, data.columns);
  std::vector<int32_t> folds_of_points;
  for (const size_t row : drawn_rows(data.rows(), settings)) {
    for (size_t c = 0; c < data.columns; ++c)
      area.points.push_back(in_space(area, c, data.features[row * data.columns + c]));
    folds_of_points.push_back(folds[row]);
  }
  std::set<int32_t> numbers(folds_of_points.begin(), folds_of_points.end());
  std::erase_if(numbers, [](int32_t fold) { return fold < 0; });
  if (numbers.size() < 2)
    throw Error(ErrorCode::invalid, "an area of applicability needs at least two folds with rows");
  area.mean_distance = mean_distance(area, for_each);
  if (!(area.mean_distance > 0))
    throw Error(ErrorCode::invalid, "all training rows have the same features")
        .hint("an area of applicability needs rows that differ");
  area.training =
      training_dissimilarity(area, folds_of_points, {numbers.begin(), numbers.end()}, for_each);
  area.threshold = largest_but_outliers(area.training);
  return area;
}

std::string applicability_file_bytes(const Applicability& area) {
  const size_t columns = area.columns();
  const auto numbers = [](const std::vector<double>& values) {
    return std::span<const double>(values);
  };
  ArrayFileWriter writer;
  writer.add("means", numbers(area.means), {columns});
  writer.add("deviations", numbers(area.deviations), {columns});
  writer.add("weights", numbers(area.weights), {columns});
  const std::vector<double> distance_numbers{area.mean_distance}, threshold_numbers{area.threshold};
  writer.add("mean_distance", numbers(distance_numbers), {1});
  writer.add("threshold", numbers(threshold_numbers), {1});
  writer.add("training", numbers(area.training), {area.training.size()});
  writer.add("points", std::span<const float>(area.points), {area.rows(), columns});
  return writer.bytes(
      {{"geoloom_applicability", "1"}, {"features", nlohmann::json(area.features).dump()}});
}

Applicability read_applicability_file(std::string_view bytes, const std::string& file) {
  const ArrayFileReader reader(bytes, "area of applicability of Geoloom", file);
  if (reader.metadata("geoloom_applicability") != "1") reader.refuse("it is of another version");
  Applicability area;
  const auto names = nlohmann::json::parse(reader.metadata("features"), nullptr, false);
  if (!names.is_array()) reader.refuse("it names no features");
  for (const auto& name : names) {
    if (!name.is_string()) reader.refuse("a feature's name is no text");
    area.features.push_back(name.get<std::string>());
  }
  area.means = reader.array<double>("means");
  const size_t columns = area.means.size();
  area.means = finite_numbers(reader, "means", columns);
  area.deviations = finite_numbers(reader, "deviations", columns);
  area.weights = finite_numbers(reader, "weights", columns);
  area.mean_distance = finite_numbers(reader, "mean_distance", 1)[0];
  area.threshold = finite_numbers(reader, "threshold", 1)[0];
  area.training = reader.array<double>("training");
  area.points = reader.array<float>("points");
  if (columns == 0 || area.points.empty() || area.points.size() % columns != 0 ||
      (!area.features.empty() && area.features.size() != columns) || !(area.mean_distance > 0) ||
      std::any_of(area.deviations.begin(), area.deviations.end(),
                  [](double d) { return !(d > 0); }))
    reader.refuse("its arrays do not fit together");
  return area;
}

}  // namespace geoloom::learn
