// SPDX-License-Identifier: Apache-2.0
#include "learn/splits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "error/error.h"
#include "kernels/elementary.h"
#include "learn/random_numbers.h"

namespace geoloom::learn {
namespace {

[[noreturn]] void refuse_split(const std::string& why, const std::string& hint) {
  throw Error(ErrorCode::invalid, why).hint(hint);
}

// Numbers that stand for equal values, 0 .. count - 1, by rising value.
struct Numbered {
  std::vector<size_t> of;  // per entry
  size_t count = 0;
};
template <class T>
Numbered numbered(std::span<const T> values) {
  std::map<T, size_t> numbers;
  for (const auto& value : values) numbers.emplace(value, 0);
  Numbered result;
  for (auto& [value, number] : numbers) number = result.count++;
  for (const auto& value : values) result.of.push_back(numbers.at(value));
  return result;
}

// What is never taken apart: the rows of a group, or a row by itself.
struct Units {
  std::vector<size_t> of_row;
  std::vector<size_t> rows;  // how many, per unit
  size_t count() const { return rows.size(); }
};

Units units_of(const SplitRows& rows) {
  Units units;
  units.of_row.resize(rows.rows);
  std::map<int64_t, size_t> known;
  for (size_t i = 0; i < rows.rows; ++i) {
    const int64_t group = rows.groups.empty() ? kNoGroup : rows.groups[i];
    size_t unit = units.rows.size();
    if (group != kNoGroup) unit = known.emplace(group, unit).first->second;
    if (unit == units.rows.size()) units.rows.push_back(0);
    units.of_row[i] = unit;
    ++units.rows[unit];
  }
  return units;
}

// Per unit, the mean of its rows' places.
std::vector<PlacePoint> places_of(const Units& units, const SplitRows& rows) {
  if (rows.places.size() != rows.rows)
    refuse_split("the rule splits by place, and the table has no places",
                 "give the table columns x and y");
  std::vector<PlacePoint> places(units.count(), PlacePoint{});
  for (size_t i = 0; i < rows.rows; ++i)
    for (size_t axis = 0; axis < 3; ++axis) {
      if (!std::isfinite(rows.places[i][axis]))
        refuse_split(fmt::format("the place of row {} is not known", i + 1),
                     "leave such rows out, or split by another rule");
      places[units.of_row[i]][axis] += rows.places[i][axis];
    }
  for (size_t unit = 0; unit < units.count(); ++unit)
    for (auto& coordinate : places[unit]) coordinate /= static_cast<double>(units.rows[unit]);
  return places;
}

std::vector<size_t> shuffled(size_t count, RandomNumbers& numbers) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  numbers.shuffle(std::span(order));
  return order;
}

// Parts are units, or sets of units that a rule keeps together.
struct Parts {
  std::vector<size_t> of_unit;
  std::vector<size_t> rows;  // how many, per part
  size_t count() const { return rows.size(); }
};

Parts parts_of(const Units& units, const Numbered& numbers) {
  Parts parts{numbers.of, std::vector<size_t>(numbers.count, 0)};
  for (size_t unit = 0; unit < units.count(); ++unit)
    parts.rows[numbers.of[unit]] += units.rows[unit];
  return parts;
}

// Values of rows as parts: units whose rows have several values join these values.
Parts parts_of_values(const Units& units, std::span<const int64_t> values) {
  const auto numbers = numbered(values);
  std::vector<size_t> parent(numbers.count), first(units.count(), SIZE_MAX);
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto root = [&](size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (size_t row = 0; row < values.size(); ++row) {
    auto& of_unit = first[units.of_row[row]];
    const size_t here = root(numbers.of[row]);
    if (of_unit == SIZE_MAX) of_unit = here;
    const size_t there = root(of_unit);
    parent[std::max(here, there)] = std::min(here, there);
  }
  std::vector<size_t> roots;
  for (const size_t value : first) roots.push_back(root(value));
  return parts_of(units, numbered(std::span<const size_t>(roots)));
}

class Splitting {
 public:
  Splitting(const SplitRule& rule, const SplitRows& rows)
      : rule_(rule), rows_(rows), units_(units_of(rows)), numbers_(rule.seed, "split") {}

  Split run() {
    if (rows_.rows == 0) throw Error(ErrorCode::empty, "the table has no rows to split");
    if (!(rule_.test_share >= 0 && rule_.test_share < 1))
      refuse_split(fmt::format("{} is no share of rows to test", rule_.test_share),
                   "give a number above 0 and below 1");
    if (rule_.test_share == 0 && rule_.folds == 1)
      refuse_split("one fold leaves nothing to train on",
                   "give two folds or more, or a share to test");
    switch (rule_.method) {
      case SplitMethod::random:
        return dealt_units(std::vector<size_t>(units_.count(), 0));
      case SplitMethod::stratified:
        return dealt_units(classes_of_units());
      case SplitMethod::column:
        require(rows_.values, "by a column, and the table has none of that name", "name a column");
        return dealt_parts(parts_of_values(units_, rows_.values));
      case SplitMethod::blocks:
        return dealt_parts(blocks());
      case SplitMethod::clusters:
        return dealt_parts(clusters());
      case SplitMethod::temporal:
        return temporal();
      case SplitMethod::nearest:
        return matched();
    }
    throw Error(ErrorCode::internal, "a rule of splitting is not known");
  }

 private:
  void require(std::span<const int64_t> column, const std::string& what,
               const std::string& hint) const {
    if (column.size() != rows_.rows) refuse_split("the rule splits " + what, hint);
  }

  // Most of the unit's rows have it; of several the smallest.
  std::vector<size_t> classes_of_units() const {
    require(rows_.classes, "by class, and the table has no classes", "use the rule random");
    std::vector<std::map<int64_t, size_t>> counts(units_.count());
    for (size_t row = 0; row < rows_.rows; ++row) ++counts[units_.of_row[row]][rows_.classes[row]];
    std::vector<int64_t> classes;
    for (const auto& of_unit : counts)
      classes.push_back(
          std::max_element(of_unit.begin(), of_unit.end(), [](const auto& a, const auto& b) {
            return a.second < b.second;
          })->first);
    return numbered(std::span<const int64_t>(classes)).of;
  }

  Parts blocks() const {
    if (!(rule_.block_size > 0)) refuse_split("blocks need a size", "give it in metres");
    std::vector<std::array<int64_t, 3>> cells;
    for (const auto& place : places_of(units_, rows_)) {
      auto& cell = cells.emplace_back();
      for (size_t axis = 0; axis < 3; ++axis) {
        const double at = std::floor(place[axis] / rule_.block_size);
        if (!(std::fabs(at) < 0x1p53))
          refuse_split("blocks are too small", "give a size in metres");
        cell[axis] = static_cast<int64_t>(at);
      }
    }
    return parts_of(units_, numbered(std::span<const std::array<int64_t, 3>>(cells)));
  }

  Parts clusters() const {
    if (!(rule_.max_distance > 0))
      refuse_split("clusters need the distance that they do not exceed", "give it in metres");
    // Samples at one place are in one cluster whatever the distance, and pairs are what costs.
    const auto all = places_of(units_, rows_);
    const auto places = numbered(std::span<const PlacePoint>(all));
    std::vector<PlacePoint> distinct(places.count);
    for (size_t unit = 0; unit < all.size(); ++unit) distinct[places.of[unit]] = all[unit];
    const auto found = clusters_below(linked(distinct, Linkage::complete), rule_.max_distance);
    std::vector<size_t> of_unit;
    for (const size_t place : places.of) of_unit.push_back(found[place]);
    return parts_of(units_, numbered(std::span<const size_t>(of_unit)));
  }

  Split temporal() {
    require(rows_.periods, "by time, and the table has no dates", "give the table a date column");
    if (std::find(rows_.periods.begin(), rows_.periods.end(), kNoDate) != rows_.periods.end())
      refuse_split("the date of a row is not known", "leave such rows out");
    const auto parts = parts_of_values(units_, rows_.periods);
    if (rule_.test_share == 0) return dealt_parts(parts);
    // The latest are tested: parts are numbered by time.
    std::vector<size_t> order(parts.count());
    std::iota(order.rbegin(), order.rend(), size_t{0});
    return share_of(parts, order);
  }

  size_t test_rows() const {
    return static_cast<size_t>(
        std::ceil(rule_.test_share * static_cast<double>(rows_.rows) - 1e-9));
  }

  // Whole parts in this order, until the share is reached.
  Split share_of(const Parts& parts, const std::vector<size_t>& order) const {
    std::vector<int32_t> fold(parts.count(), kNoFold);
    size_t tested = 0, left = parts.count();
    for (const size_t part : order) {
      if (tested >= test_rows() || left == 1) break;
      fold[part] = 0;
      tested += parts.rows[part];
      --left;
    }
    if (tested == 0)
      refuse_split("all rows belong together, so none can be tested", "use another rule");
    return split_of(parts, fold, 1);
  }

  Split split_of(const Parts& parts, const std::vector<int32_t>& fold_of_part, size_t folds) const {
    Split split;
    split.folds = folds;
    split.parts = parts.count();
    for (size_t row = 0; row < rows_.rows; ++row)
      split.fold.push_back(fold_of_part[parts.of_unit[units_.of_row[row]]]);
    return split;
  }

  void require_parts(size_t count, const char* what) const {
    if (count < std::max<size_t>(rule_.folds, 2))
      refuse_split(
          fmt::format("{} folds need as many {}, and there {} {}", std::max<size_t>(rule_.folds, 2),
                      what, count == 1 ? "is" : "are", count),
          "give fewer folds, or smaller parts");
  }

  // Largest first, each to the fold that has least; equal ones in an order drawn.
  Split dealt_parts(const Parts& parts) {
    auto order = shuffled(parts.count(), numbers_);
    if (rule_.test_share > 0) return share_of(parts, order);
    require_parts(parts.count(), "values, blocks, clusters or periods");
    std::vector<int32_t> fold(parts.count());
    if (rule_.folds == 0) {
      std::iota(fold.begin(), fold.end(), 0);
      return split_of(parts, fold, parts.count());
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return parts.rows[a] > parts.rows[b]; });
    std::vector<size_t> sizes(rule_.folds, 0);
    for (const size_t part : order) {
      const auto least = std::min_element(sizes.begin(), sizes.end());
      fold[part] = static_cast<int32_t>(least - sizes.begin());
      *least += parts.rows[part];
    }
    return split_of(parts, fold, rule_.folds);
  }

  Parts single_parts() const {
    Parts parts{{}, units_.rows};
    parts.of_unit.resize(units_.count());
    std::iota(parts.of_unit.begin(), parts.of_unit.end(), size_t{0});
    return parts;
  }

  // Units of each stratum in an order drawn, each to the fold with the fewest rows of that stratum.
  Split dealt_units(const std::vector<size_t>& strata) {
    if (rule_.test_share == 0) require_parts(units_.count(), "rows or groups");
    if (rule_.test_share == 0 && rule_.folds == 0)
      refuse_split("the rule needs the number of folds", "give two or more");
    const auto parts = single_parts();
    const auto order = shuffled(units_.count(), numbers_);
    std::map<size_t, std::vector<size_t>> by_stratum;
    for (const size_t unit : order) by_stratum[strata[unit]].push_back(unit);
    std::vector<int32_t> fold(units_.count(), kNoFold);
    if (rule_.test_share > 0) {
      deal_share(by_stratum, fold);
      return split_of(parts, fold, 1);
    }
    std::vector<size_t> all(rule_.folds, 0);
    for (const auto& [stratum, units] : by_stratum) {
      std::vector<size_t> here(rule_.folds, 0);
      for (const size_t unit : units) {
        size_t least = 0;
        for (size_t k = 1; k < here.size(); ++k)
          if (std::pair(here[k], all[k]) < std::pair(here[least], all[least])) least = k;
        fold[unit] = static_cast<int32_t>(least);
        here[least] += units_.rows[unit];
        all[least] += units_.rows[unit];
      }
    }
    return split_of(parts, fold, rule_.folds);
  }

  void deal_share(const std::map<size_t, std::vector<size_t>>& by_stratum,
                  std::vector<int32_t>& fold) const {
    size_t tested = 0;
    for (const auto& [stratum, units] : by_stratum) {
      size_t rows = 0, here = 0;
      for (const size_t unit : units) rows += units_.rows[unit];
      const auto wanted =
          static_cast<size_t>(std::ceil(rule_.test_share * static_cast<double>(rows) - 1e-9));
      for (const size_t unit : units) {
        if (here >= wanted || here + units_.rows[unit] == rows) break;
        fold[unit] = 0;
        here += units_.rows[unit];
      }
      tested += here;
    }
    if (tested == 0) refuse_split("there are too few rows to test any", "use more samples");
  }

  // -------------------------------------------------------------------------------------------
  // Nearest neighbour distance matching

  struct Candidate {
    std::vector<int32_t> fold;  // per unit
    double mismatch = 0;
  };

  Split matched() {
    if (rule_.test_share > 0 || rule_.folds < 2)
      refuse_split("matching of distances makes two folds or more", "give the number of folds");
    if (rows_.predicted.empty())
      refuse_split("matching of distances needs places that will be predicted",
                   "name the area of the map");
    require_parts(units_.count(), "rows or groups");
    const auto places = places_of(units_, rows_);
    const auto wanted = nearest_distances(rows_.predicted, places);
    const auto score = [&](const std::vector<int32_t>& fold) {
      return wasserstein_distance(distances_across(places, fold), wanted);
    };
    const auto random = dealt_units(std::vector<size_t>(units_.count(), 0));
    Candidate best{folds_of_units(random), 0};
    best.mismatch = score(best.fold);
    const double random_mismatch = best.mismatch;
    const auto merges = linked(places, Linkage::ward);
    const auto along = along_first_component(places);
    for (const size_t count : cluster_counts(units_.count())) {
      const auto fold = folds_of_clusters(clusters_of_count(merges, count), along);
      if (fold.empty()) continue;
      if (const double mismatch = score(fold); mismatch < best.mismatch) best = {fold, mismatch};
    }
    auto split = split_of(single_parts(), best.fold, rule_.folds);
    split.mismatch = best.mismatch;
    split.random_mismatch = random_mismatch;
    return split;
  }

  std::vector<int32_t> folds_of_units(const Split& split) const {
    std::vector<int32_t> fold(units_.count());
    for (size_t row = 0; row < rows_.rows; ++row) fold[units_.of_row[row]] = split.fold[row];
    return fold;
  }

  static double squared(const PlacePoint& a, const PlacePoint& b) {
    const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return x * x + y * y + z * z;
  }

  static std::vector<double> nearest_distances(std::span<const PlacePoint> from,
                                               const std::vector<PlacePoint>& to) {
    std::vector<double> distances;
    for (const auto& place : from) {
      double least = std::numeric_limits<double>::infinity();
      for (const auto& other : to) least = std::min(least, squared(place, other));
      if (!std::isfinite(least))
        refuse_split("a predicted place is not known", "check the places of the map");
      distances.push_back(std::sqrt(least));
    }
    return distances;
  }

  // Of each unit to the nearest one of another fold.
  static std::vector<double> distances_across(const std::vector<PlacePoint>& places,
                                              const std::vector<int32_t>& fold) {
    std::vector<double> distances;
    for (size_t i = 0; i < places.size(); ++i) {
      double least = std::numeric_limits<double>::infinity();
      for (size_t j = 0; j < places.size(); ++j)
        if (fold[j] != fold[i]) least = std::min(least, squared(places[i], places[j]));
      distances.push_back(std::sqrt(least));
    }
    return distances;
  }

  // Few clusters are tried more densely: as many as e to equal steps between ln k and ln (n - 2).
  std::vector<size_t> cluster_counts(size_t units) const {
    std::vector<size_t> counts;
    if (units < rule_.folds + 2) return counts;
    constexpr int kSteps = 100;
    const double low = kernels::natural_logarithm(static_cast<double>(rule_.folds));
    const double high = kernels::natural_logarithm(static_cast<double>(units - 2));
    for (int step = 0; step < kSteps; ++step) {
      const auto count = static_cast<size_t>(
          std::nearbyint(kernels::exponential(low + (high - low) * step / (kSteps - 1))));
      if (counts.empty() || count > counts.back()) counts.push_back(count);
    }
    return counts;
  }

  // The units' places along the axis on which they differ most, by power iteration.
  static std::vector<double> along_first_component(const std::vector<PlacePoint>& places) {
    PlacePoint mean{};
    for (const auto& place : places)
      for (size_t axis = 0; axis < 3; ++axis)
        mean[axis] += place[axis] / static_cast<double>(places.size());
    std::array<PlacePoint, 3> covariance{};
    for (const auto& place : places)
      for (size_t i = 0; i < 3; ++i)
        for (size_t j = 0; j < 3; ++j)
          covariance[i][j] += (place[i] - mean[i]) * (place[j] - mean[j]);
    PlacePoint axis{1, 0.7, 0.4};  // along none of the axes, so that no component is missed
    for (int round = 0; round < 500; ++round) {
      PlacePoint next{};
      for (size_t i = 0; i < 3; ++i)
        for (size_t j = 0; j < 3; ++j) next[i] += covariance[i][j] * axis[j];
      const double length = std::sqrt(squared(next, {}));
      if (length == 0) break;  // all at one place
      for (size_t i = 0; i < 3; ++i) axis[i] = next[i] / length;
    }
    std::vector<double> along;
    for (const auto& place : places)
      along.push_back(place[0] * axis[0] + place[1] * axis[1] + place[2] * axis[2]);
    return along;
  }

  // Empty where a fold would have more than half of the rows.
  std::vector<int32_t> folds_of_clusters(const std::vector<size_t>& clusters,
                                         const std::vector<double>& along) const {
    const size_t count = *std::max_element(clusters.begin(), clusters.end()) + 1;
    std::vector<size_t> rows(count, 0), members(count, 0);
    std::vector<double> centre(count, 0);
    for (size_t unit = 0; unit < clusters.size(); ++unit) {
      rows[clusters[unit]] += units_.rows[unit];
      ++members[clusters[unit]];
      centre[clusters[unit]] += along[unit];
    }
    std::vector<size_t> order(count);
    std::iota(order.begin(), order.end(), size_t{0});
    for (size_t i = 0; i < count; ++i) centre[i] /= static_cast<double>(members[i]);
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return std::pair(centre[a], a) < std::pair(centre[b], b);
    });
    const auto fold = folds_in_order(order, rows);
    if (fold.empty()) return {};
    std::vector<int32_t> of_unit;
    for (const size_t cluster : clusters) of_unit.push_back(fold[cluster]);
    return of_unit;
  }

  // Large clusters are folds of their own; the others are dealt one by one to the remaining folds.
  std::vector<int32_t> folds_in_order(const std::vector<size_t>& order,
                                      const std::vector<size_t>& rows) const {
    const auto folds = static_cast<int32_t>(rule_.folds);
    std::vector<int32_t> fold(rows.size(), kNoFold);
    int32_t own = 0;
    for (const size_t cluster : order)
      if (rows[cluster] * rule_.folds >= rows_.rows && own < folds) fold[cluster] = own++;
    int32_t next = own;
    for (const size_t cluster : order) {
      if (fold[cluster] != kNoFold) continue;
      fold[cluster] = next;
      next = next + 1 == folds ? own : next + 1;
    }
    std::vector<size_t> sizes(rule_.folds, 0);
    for (size_t cluster = 0; cluster < rows.size(); ++cluster)
      sizes[static_cast<size_t>(fold[cluster])] += rows[cluster];
    for (const size_t size : sizes)
      if (size == 0 || 2 * size > rows_.rows + 1) return {};
    return fold;
  }

  const SplitRule& rule_;
  const SplitRows& rows_;
  Units units_;
  RandomNumbers numbers_;
};

}  // namespace

Split split_rows(const SplitRule& rule, const SplitRows& rows) {
  return Splitting(rule, rows).run();
}

}  // namespace geoloom::learn
