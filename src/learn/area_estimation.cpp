// SPDX-License-Identifier: Apache-2.0
#include "learn/area_estimation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "error/error.h"

namespace geoloom::learn {
namespace {

// Of the normal distribution, as the papers have it.
constexpr double kQuantile95 = 1.96;

Error invalid(const std::string& message) {
  return {ErrorCode::invalid, message};
}

void check(std::span<const std::string> classes, size_t strata,
           std::span<const LabelledUnit> sample) {
  if (sample.empty()) throw invalid("the sample has no labelled unit");
  for (const auto& unit : sample) {
    if (unit.stratum >= strata) throw invalid(fmt::format("there is no stratum {}", unit.stratum));
    if (unit.mapped >= classes.size() || unit.reference >= classes.size())
      throw invalid(fmt::format("there is no class {}", std::max(unit.mapped, unit.reference)));
  }
}

std::vector<uint64_t> counts_of(size_t classes, std::span<const LabelledUnit> sample) {
  std::vector<uint64_t> counts(classes * classes);
  for (const auto& unit : sample) ++counts[unit.mapped * classes + unit.reference];
  return counts;
}

std::vector<ClassEstimate> classes_of(std::span<const std::string> names,
                                      const std::vector<uint64_t>& counts) {
  const size_t n = names.size();
  std::vector<ClassEstimate> classes(n);
  for (size_t i = 0; i < n; ++i) {
    classes[i].name = names[i];
    for (size_t j = 0; j < n; ++j) {
      classes[i].mapped_units += counts[i * n + j];
      classes[i].reference_units += counts[j * n + i];
    }
  }
  return classes;
}

// What strata with fewer than two units keep from being said.
struct Thin {
  std::vector<std::string> notes;
  bool empty = false, single = false;
  void add(const std::string& name, uint64_t units) {
    if (units > 1) return;
    (units == 0 ? empty : single) = true;
    notes.push_back(units == 0
                        ? fmt::format("stratum '{}' has no labelled unit: nothing can be said of "
                                      "the map as a whole",
                                      name)
                        : fmt::format("stratum '{}' has a single labelled unit: no standard error "
                                      "and no interval where it counts",
                                      name));
  }
};

// ---------------------------------------------------------------------------------------------
// Strata that are the map's classes

class ByMapClasses {
 public:
  ByMapClasses(std::span<const double> units, const std::vector<uint64_t>& counts)
      : size_(units.size()), counts_(counts), units_(units), weights_(size_), sampled_(size_) {
    double all = 0;
    for (const double number : units) all += number;
    for (size_t i = 0; i < size_; ++i) {
      weights_[i] = units[i] / all;
      for (size_t j = 0; j < size_; ++j) sampled_[i] += static_cast<double>(counts[i * size_ + j]);
    }
  }

  // Of a stratum's units, the share of reference class j; 0 without units.
  double share(size_t i, size_t j) const {
    return sampled_[i] > 0 ? static_cast<double>(counts_[i * size_ + j]) / sampled_[i] : 0;
  }
  double area(size_t i, size_t j) const { return weights_[i] * share(i, j); }  // equation 4
  double column(size_t j) const {
    double sum = 0;
    for (size_t i = 0; i < size_; ++i) sum += area(i, j);
    return sum;
  }

  double overall() const {  // equation 1
    double sum = 0;
    for (size_t i = 0; i < size_; ++i) sum += area(i, i);
    return sum;
  }
  double overall_error() const {  // equation 5
    double sum = 0;
    for (size_t i = 0; i < size_; ++i) sum += weights_[i] * weights_[i] * variance(i, i);
    return std::sqrt(sum);
  }
  double users_error(size_t i) const { return std::sqrt(variance(i, i)); }  // equation 6
  double producers_error(size_t j) const {                                  // equation 7
    const double total = column_units(j), producers = area(j, j) / column(j);
    double sum = units_[j] * units_[j] * (1 - producers) * (1 - producers) * variance(j, j);
    for (size_t i = 0; i < size_; ++i)
      if (i != j) sum += producers * producers * units_[i] * units_[i] * variance(i, j);
    return std::sqrt(sum) / total;
  }
  double area_error(size_t j) const {  // equation 10
    double sum = 0;
    for (size_t i = 0; i < size_; ++i) sum += weights_[i] * weights_[i] * variance(i, j);
    return std::sqrt(sum);
  }
  double sampled(size_t i) const { return sampled_[i]; }
  bool mapped(size_t i) const { return units_[i] > 0; }

 private:
  double variance(size_t i, size_t j) const {
    if (units_[i] <= 0) return 0;
    return share(i, j) * (1 - share(i, j)) / (sampled_[i] - 1);
  }
  double column_units(size_t j) const {
    double sum = 0;
    for (size_t i = 0; i < size_; ++i) sum += units_[i] * share(i, j);
    return sum;
  }

  size_t size_;
  const std::vector<uint64_t>& counts_;
  std::span<const double> units_;
  std::vector<double> weights_, sampled_;
};

void estimate_class(const ByMapClasses& by, const Thin& thin, size_t j, ClassEstimate& out) {
  if (by.sampled(j) > 0) out.users.value = by.share(j, j);
  if (by.sampled(j) > 1) out.users.standard_error = by.users_error(j);
  if (thin.empty) return;
  out.area_share.value = by.column(j);
  if (by.column(j) > 0) out.producers.value = by.area(j, j) / by.column(j);
  if (thin.single) return;
  out.area_share.standard_error = by.area_error(j);
  if (by.column(j) > 0) out.producers.standard_error = by.producers_error(j);
}

// ---------------------------------------------------------------------------------------------
// Any strata

// 1 where a unit counts.
using Indicator = std::function<bool(const LabelledUnit&)>;

class ByStrata {
 public:
  ByStrata(std::span<const Stratum> strata, std::span<const LabelledUnit> sample)
      : strata_(strata), sample_(sample), sampled_(strata.size()) {
    for (const auto& unit : sample) ++sampled_[unit.stratum];
  }
  double sampled(size_t stratum) const { return static_cast<double>(sampled_[stratum]); }

  // How many units of the population count (equation 2 times the population).
  double total(const Indicator& counts) const {
    double sum = 0;
    for (size_t h = 0; h < strata_.size(); ++h)
      if (sampled_[h] > 0)
        sum += strata_[h].units * counted(counts, h) / static_cast<double>(sampled_[h]);
    return sum;
  }

  // Of the units that count below the line, the share that counts above it: equations 27 and 28;
  // with all below the line, equations 3 and 25. No value where nothing counts below the line.
  Estimate ratio(const Indicator& above, const Indicator& below, const Thin& thin) const {
    Estimate estimate;
    const double whole = total(below);
    if (thin.empty || whole <= 0) return estimate;
    const double ratio = total(above) / whole;
    estimate.value = ratio;
    if (thin.single) return estimate;
    double variance = 0;
    for (size_t h = 0; h < strata_.size(); ++h)
      if (sampled_[h] > 1) variance += variance_in(h, above, below, ratio);
    estimate.standard_error = std::sqrt(variance) / whole;
    return estimate;
  }

 private:
  double counted(const Indicator& counts, size_t stratum) const {
    double sum = 0;
    for (const auto& unit : sample_)
      if (unit.stratum == stratum && counts(unit)) ++sum;
    return sum;
  }

  // s_y^2 + R^2 s_x^2 - 2 R s_xy is the sample's variance of y - R x.
  double variance_in(size_t h, const Indicator& above, const Indicator& below, double ratio) const {
    const auto n = static_cast<double>(sampled_[h]);
    const auto residual = [&](const LabelledUnit& unit) {
      return (above(unit) ? 1.0 : 0.0) - ratio * (below(unit) ? 1.0 : 0.0);
    };
    double sum = 0, squares = 0;
    for (const auto& unit : sample_)
      if (unit.stratum == h) sum += residual(unit);
    for (const auto& unit : sample_)
      if (unit.stratum == h) squares += (residual(unit) - sum / n) * (residual(unit) - sum / n);
    const double units = strata_[h].units;
    return units * units * std::max(0.0, 1 - n / units) * squares / (n - 1) / n;
  }

  std::span<const Stratum> strata_;
  std::span<const LabelledUnit> sample_;
  std::vector<uint64_t> sampled_;
};

void estimate_class(const ByStrata& by, const Thin& thin, uint32_t c, ClassEstimate& out) {
  const auto all = [](const LabelledUnit&) { return true; };
  const auto mapped = [c](const LabelledUnit& unit) { return unit.mapped == c; };
  const auto of_class = [c](const LabelledUnit& unit) { return unit.reference == c; };
  const auto both = [c](const LabelledUnit& u) { return u.mapped == c && u.reference == c; };
  out.users = by.ratio(both, mapped, thin);
  out.producers = by.ratio(both, of_class, thin);
  out.area_share = by.ratio(of_class, all, thin);
}

}  // namespace

std::optional<double> Estimate::half_width_95() const {
  if (!standard_error) return std::nullopt;
  return kQuantile95 * *standard_error;
}

AccuracyEstimate estimate_by_map_classes(std::span<const std::string> classes,
                                         std::span<const double> class_units,
                                         std::span<const LabelledUnit> sample) {
  if (class_units.size() != classes.size())
    throw invalid("there are more classes than sizes of them, or fewer");
  check(classes, classes.size(), sample);
  for (const auto& unit : sample) {
    if (unit.stratum != unit.mapped)
      throw invalid(
          fmt::format("a unit of stratum '{}' is mapped as '{}': strata are not the "
                      "map's classes",
                      classes[unit.stratum], classes[unit.mapped]));
    if (!(class_units[unit.stratum] > 0))
      throw invalid(fmt::format("stratum '{}' has sampled units, but none in the map",
                                classes[unit.stratum]));
  }
  AccuracyEstimate result;
  result.method = "Olofsson 2014";
  result.counts = counts_of(classes.size(), sample);
  result.classes = classes_of(classes, result.counts);
  const ByMapClasses by(class_units, result.counts);
  Thin thin;
  for (size_t i = 0; i < classes.size(); ++i)
    if (by.mapped(i)) thin.add(classes[i], result.classes[i].mapped_units);
  result.notes = thin.notes;
  if (!thin.empty) result.overall.value = by.overall();
  if (!thin.empty && !thin.single) result.overall.standard_error = by.overall_error();
  for (size_t i = 0; i < classes.size(); ++i) {
    estimate_class(by, thin, i, result.classes[i]);
    for (size_t j = 0; j < classes.size(); ++j) result.error_matrix.push_back(by.area(i, j));
  }
  return result;
}

AccuracyEstimate estimate_by_strata(std::span<const std::string> classes,
                                    std::span<const Stratum> strata,
                                    std::span<const LabelledUnit> sample) {
  check(classes, strata.size(), sample);
  const ByStrata by(strata, sample);
  Thin thin;
  double population = 0;
  for (size_t h = 0; h < strata.size(); ++h) {
    if (by.sampled(h) > strata[h].units)
      throw invalid(fmt::format("stratum '{}' has more sampled units than units", strata[h].name));
    if (strata[h].units > 0) thin.add(strata[h].name, static_cast<uint64_t>(by.sampled(h)));
    population += strata[h].units;
  }
  AccuracyEstimate result;
  result.method = "Stehman 2014";
  result.notes = thin.notes;
  result.counts = counts_of(classes.size(), sample);
  result.classes = classes_of(classes, result.counts);
  const auto all = [](const LabelledUnit&) { return true; };
  result.overall =
      by.ratio([](const LabelledUnit& u) { return u.mapped == u.reference; }, all, thin);
  for (uint32_t i = 0; i < classes.size(); ++i) {
    estimate_class(by, thin, i, result.classes[i]);
    for (uint32_t j = 0; j < classes.size(); ++j)
      result.error_matrix.push_back(by.total([i, j](const LabelledUnit& u) {
        return u.mapped == i && u.reference == j;
      }) / population);
  }
  return result;
}

}  // namespace geoloom::learn
