// SPDX-License-Identifier: Apache-2.0
// geoloom diff A B: what changed between two maps. Classes: how much of each became what, in
// hectares on the Earth. Numbers: how they differ.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <limits>
#include <map>
#include <set>

#include "cli/commands.h"
#include "cli/quantities.h"
#include "cli/raster_input.h"
#include "error/error.h"
#include "error/spelling.h"
#include "gdal/dataset.h"
#include "geo/pixel_area.h"

namespace geoloom::cli {
namespace {

constexpr double kSquareMetresPerHectare = 10000;
constexpr int64_t kPart = 1024;  // pixels read at once, a side

struct DiffArguments {
  std::string a, b, store, store_b, csv, as;
  std::vector<std::string> bands;
};

struct Extent {
  uint64_t pixels = 0;
  double square_metres = 0;
  void add(double area) {
    ++pixels;
    square_metres += area;
  }
  double hectares() const { return square_metres / kSquareMetresPerHectare; }
};

// Of the pixels where both have a value.
struct Differences {
  uint64_t pixels = 0, equal = 0;
  double squares = 0, absolute = 0;  // squares of distances to the running mean
  double mean = 0, least = HUGE_VAL, most = -HUGE_VAL;

  void add(double a, double b) {
    const double d = b - a;
    ++pixels;
    equal += d == 0 ? 1 : 0;
    absolute += std::abs(d);
    const double before = d - mean;
    mean += before / static_cast<double>(pixels);
    squares += before * (d - mean);
    least = std::min(least, d);
    most = std::max(most, d);
  }
};

// What is compared: a band of A at a time, and the same of B.
struct Comparison {
  std::string text, text_b;
  bool classes = false;
  Extent both, only_a, only_b;
  std::map<std::pair<int64_t, int64_t>, Extent> transitions;  // from, to
  Differences differences;
};

// Where the pixels of one grid lie on the other; both are of one lattice.
struct Overlap {
  geo::Window of_b;                  // all of B, in A's pixels
  int64_t shift_x = 0, shift_y = 0;  // from A's pixels to B's
};

Overlap overlap_of(const RasterZone& a, const RasterZone& b, const DiffArguments& arguments) {
  const auto refused = [&](const std::string& why) {
    return Error(ErrorCode::invalid,
                 fmt::format("{} and {} lie on different grids: {}", arguments.a, arguments.b, why))
        .hint(fmt::format("bring one onto the other's grid first: area: {{same_grid_as: {}}} and "
                          "load: {{scenes: {}, resampling: nearest}}, then compare the result",
                          arguments.a, arguments.b));
  };
  const auto& ga = a.grid;
  const auto& gb = b.grid;
  if (!(ga.crs == gb.crs)) throw refused(fmt::format("{} and {}", ga.crs.name(), gb.crs.name()));
  const auto why = geo::why_not_nested(ga, gb);
  if (!why.empty()) throw refused(why);
  const auto mapping = geo::nearest_mapping(ga, gb);
  if (!mapping.identity_scale())
    throw refused(fmt::format("pixels of {} x {} and {} x {}", ga.pixel_width, ga.pixel_height,
                              gb.pixel_width, gb.pixel_height));
  Overlap overlap;
  overlap.shift_x = mapping.source_column(0);
  overlap.shift_y = mapping.source_row(0);
  const auto of_b = gb.window();
  overlap.of_b = {of_b.x - overlap.shift_x, of_b.y - overlap.shift_y, of_b.width, of_b.height};
  return overlap;
}

// What of a window lies outside of another one: above, below, to the left, to the right.
std::vector<geo::Window> outside(const geo::Window& window, const geo::Window& hole) {
  const auto common = window.intersect(hole);
  if (common.empty()) return {window};
  const geo::Window parts[] = {
      {window.x, window.y, window.width, common.y - window.y},
      {window.x, common.bottom(), window.width, window.bottom() - common.bottom()},
      {window.x, common.y, common.x - window.x, common.height},
      {common.right(), common.y, window.right() - common.right(), common.height}};
  std::vector<geo::Window> out;
  for (const auto& part : parts)
    if (!part.empty()) out.push_back(part);
  return out;
}

template <class Body>
void for_parts(const geo::Window& all, const Body& body) {
  for (int64_t y = all.y; y < all.bottom(); y += kPart)
    for (int64_t x = all.x; x < all.right(); x += kPart)
      body(geo::Window{x, y, kPart, kPart}.intersect(all));
}

// The pixels of windows in which only one of the maps lies.
void add_alone(const RasterZone& zone, const RasterPlane& plane,
               const std::vector<geo::Window>& windows, raster::AssetPool& pool, Extent& out) {
  const geo::PixelAreas areas(zone.grid);
  for (const auto& all : windows) {
    for_parts(all, [&](const geo::Window& window) {
      const auto block = zone.read(plane, window, pool);
      const auto valid = block.validity(0);
      for (int64_t y = 0; y < window.height; ++y) {
        const auto area = areas.row(window.y + y, window.x, window.width);
        for (int64_t x = 0; x < window.width; ++x)
          if (valid[static_cast<size_t>(y * window.width + x)] != 0)
            out.add(area[static_cast<size_t>(x)]);
      }
    });
  }
}

double value_at(const raster::Block& block, size_t pixel) {
  return raster::visit(
      block.type(0), [&]<class T>(T) { return static_cast<double>(block.plane<T>(0, 0)[pixel]); });
}

void compare_part(const raster::Block& a, const raster::Block& b, const RasterPlane& of_a,
                  const RasterPlane& of_b, const geo::PixelAreas& areas, Comparison& out) {
  const auto& window = a.window();
  const auto valid_a = a.validity(0), valid_b = b.validity(0);
  for (int64_t y = 0; y < window.height; ++y) {
    const auto area = areas.row(window.y + y, window.x, window.width);
    for (int64_t x = 0; x < window.width; ++x) {
      const auto i = static_cast<size_t>(y * window.width + x);
      const double size = area[static_cast<size_t>(x)];
      if (valid_a[i] == 0 && valid_b[i] == 0) continue;
      if (valid_a[i] == 0 || valid_b[i] == 0) {
        (valid_a[i] != 0 ? out.only_a : out.only_b).add(size);
        continue;
      }
      out.both.add(size);
      const double from = value_at(a, i), to = value_at(b, i);
      if (out.classes)
        out.transitions[{std::llround(from), std::llround(to)}].add(size);
      else
        out.differences.add(from * of_a.band.scale + of_a.band.offset,
                            to * of_b.band.scale + of_b.band.offset);
    }
  }
}

void compare_planes(const RasterZone& a, const RasterZone& b, const RasterPlane& of_a,
                    const RasterPlane& of_b, const Overlap& overlap, raster::AssetPool& pool,
                    Comparison& out) {
  const geo::PixelAreas areas(a.grid);
  for_parts(a.grid.window().intersect(overlap.of_b), [&](const geo::Window& window) {
    const auto block_a = a.read(of_a, window, pool);
    auto in_b = window;
    in_b.x += overlap.shift_x;
    in_b.y += overlap.shift_y;
    compare_part(block_a, b.read(of_b, in_b, pool), of_a, of_b, areas, out);
  });
  add_alone(a, of_a, outside(a.grid.window(), overlap.of_b), pool, out.only_a);
  auto of_a_in_b = a.grid.window();
  of_a_in_b.x += overlap.shift_x;
  of_a_in_b.y += overlap.shift_y;
  add_alone(b, of_b, outside(b.grid.window(), of_a_in_b), pool, out.only_b);
}

// Classes are what their layer says they are; of a file whose bands do not, whole numbers of one
// byte.
bool has_classes(const RasterPlane& plane, bool of_layer) {
  if (plane.band.kind == raster::BandKind::category) return true;
  return !of_layer && plane.band.type == raster::PixelType::uint8;
}

class Differ {
 public:
  Differ(const DiffArguments& arguments, const workflow::Registry& registry)
      : arguments_(arguments),
        a_(RasterInput::open(arguments.a, arguments.store, registry)),
        b_(RasterInput::open(arguments.b,
                             arguments.store_b.empty() ? arguments.store : arguments.store_b,
                             registry)) {}

  std::vector<Comparison> compare() {
    check_bands();
    std::vector<Comparison> out;
    bool common = false;
    for (const auto& zone : a_.zones()) {
      const auto* const other = zone_like(zone);
      if (other == nullptr) {
        keep_alone(zone, alone_in_a_);
        continue;
      }
      const auto overlap = overlap_of(zone, *other, arguments_);
      common = common || !zone.grid.window().intersect(overlap.of_b).empty();
      for (const auto& [of_a, of_b] : pairs(zone, *other)) {
        auto& comparison = comparison_of(*of_a, *of_b, out);
        compare_planes(zone, *other, *of_a, *of_b, overlap, pool_, comparison);
      }
    }
    for (const auto& zone : b_.zones())
      if (!met_.contains(&zone)) keep_alone(zone, alone_in_b_);
    if (out.empty()) throw nothing_alike();
    if (!common)
      throw Error(ErrorCode::empty,
                  fmt::format("{} and {} have no pixel in common", arguments_.a, arguments_.b));
    add_what_is_alone(out);
    return out;
  }

 private:
  struct Alone {
    const RasterZone* zone;
    const RasterPlane* plane;
  };

  static void keep_alone(const RasterZone& zone, std::vector<Alone>& to) {
    for (const auto& plane : zone.planes) to.push_back({&zone, &plane});
  }

  // Bands and times that are compared elsewhere, in zones where one map has them only.
  void add_what_is_alone(std::vector<Comparison>& all) {
    for (auto& comparison : all) {
      for (const auto& [zone, plane] : alone_in_a_)
        if (plane->text() == comparison.text)
          add_alone(*zone, *plane, {zone->grid.window()}, pool_, comparison.only_a);
      for (const auto& [zone, plane] : alone_in_b_)
        if (plane->text() == comparison.text_b)
          add_alone(*zone, *plane, {zone->grid.window()}, pool_, comparison.only_b);
    }
  }

  // That of B; null: B has none there. Zones that share nothing at all are an error.
  const RasterZone* zone_like(const RasterZone& zone) {
    const RasterZone* found = nullptr;
    if (a_.zones().size() == 1 && b_.zones().size() == 1) found = &b_.zones().front();
    for (const auto& other : b_.zones())
      if (found == nullptr && other.grid.crs == zone.grid.crs) found = &other;
    if (found != nullptr) met_.insert(found);
    if (found == nullptr && met_.empty() && &zone == &a_.zones().back())
      throw Error(ErrorCode::invalid,
                  fmt::format("{} has no zone in {}, as zone '{}' of {}", arguments_.b,
                              zone.grid.crs.name(), zone.name, arguments_.a));
    return found;
  }

  static std::vector<std::string> texts(const RasterInput& input, bool of_bands) {
    std::vector<std::string> out;
    for (const auto& zone : input.zones())
      for (const auto& plane : zone.planes) {
        const auto text = of_bands ? plane.band.name : plane.text();
        if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
      }
    return out;
  }

  // One band of each needs no name in common: then it goes by that of A.
  void check_bands() const {
    const auto in_a = texts(a_, true), in_b = texts(b_, true);
    for (const auto& name : arguments_.bands) {
      for (const auto* known : {&in_a, &in_b}) {
        if (std::find(known->begin(), known->end(), name) != known->end()) continue;
        if (known == &in_b && in_a.size() == 1 && in_b.size() == 1) continue;
        throw Error(ErrorCode::invalid,
                    fmt::format("--bands: {} has no band '{}'",
                                known == &in_a ? arguments_.a : arguments_.b, name))
            .hint(spelling_hint(name, *known));
      }
    }
  }

  Error nothing_alike() const {
    const auto known = texts(b_, false), asked = texts(a_, false);
    Error error(ErrorCode::invalid,
                fmt::format("{} has no band and time that {} has too", arguments_.b, arguments_.a));
    if (!asked.empty()) error.hint(spelling_hint(asked.front(), known));
    return error;
  }

  bool wanted(const RasterPlane& plane) const {
    return arguments_.bands.empty() || std::find(arguments_.bands.begin(), arguments_.bands.end(),
                                                 plane.band.name) != arguments_.bands.end();
  }

  // Bands of one name and time belong together; one band alone needs no name, and one time alone no
  // label. What has no partner is kept for add_what_is_alone.
  std::vector<std::pair<const RasterPlane*, const RasterPlane*>> pairs(const RasterZone& a,
                                                                       const RasterZone& b) {
    std::vector<std::pair<const RasterPlane*, const RasterPlane*>> out;
    if (a.planes.size() == 1 && b.planes.size() == 1)
      return {{&a.planes.front(), &b.planes.front()}};
    const bool timeless = one_time(a) && one_time(b);
    std::set<const RasterPlane*> paired;
    for (const auto& plane : a.planes) {
      if (!wanted(plane)) continue;
      const auto found = std::find_if(b.planes.begin(), b.planes.end(), [&](const auto& other) {
        return other.band.name == plane.band.name &&
               (timeless || other.slice.label == plane.slice.label);
      });
      if (found == b.planes.end()) {
        alone_in_a_.push_back({&a, &plane});
        continue;
      }
      out.emplace_back(&plane, &*found);
      paired.insert(&*found);
    }
    for (const auto& plane : b.planes)
      if (!paired.contains(&plane)) alone_in_b_.push_back({&b, &plane});
    return out;
  }

  static bool one_time(const RasterZone& zone) {
    return std::all_of(zone.planes.begin(), zone.planes.end(),
                       [&](const auto& plane) { return plane.slice == zone.planes.front().slice; });
  }

  // Zones add up.
  Comparison& comparison_of(const RasterPlane& a, const RasterPlane& b,
                            std::vector<Comparison>& all) const {
    for (auto& comparison : all)
      if (comparison.text == a.text()) return comparison;
    auto& comparison = all.emplace_back();
    comparison.text = a.text();
    comparison.text_b = b.text();
    comparison.classes = arguments_.as.empty()
                             ? has_classes(a, a_.of_layer()) && has_classes(b, b_.of_layer())
                             : arguments_.as == "classes";
    const bool fractions =
        a.band.type == raster::PixelType::float32 || b.band.type == raster::PixelType::float32;
    if (comparison.classes && fractions)
      throw Error(ErrorCode::invalid,
                  fmt::format("--as classes: '{}' holds float32 numbers", a.text()))
          .hint("reclass makes classes of them");
    return comparison;
  }

  const DiffArguments& arguments_;
  RasterInput a_, b_;
  std::set<const RasterZone*> met_;  // zones of B that A has too
  std::vector<Alone> alone_in_a_, alone_in_b_;
  raster::AssetPool pool_{64};
};

workflow::OrderedJson to_json(const Extent& extent) {
  return {{"pixels", extent.pixels}, {"hectares", extent.hectares()}};
}

workflow::OrderedJson to_json(const Comparison& comparison) {
  workflow::OrderedJson json{{"band", comparison.text},
                             {"kind", comparison.classes ? "classes" : "numbers"},
                             {"both", to_json(comparison.both)},
                             {"only_a", to_json(comparison.only_a)},
                             {"only_b", to_json(comparison.only_b)}};
  if (comparison.classes) {
    auto transitions = workflow::OrderedJson::array();
    Extent changed;
    for (const auto& [pair, extent] : comparison.transitions) {
      auto row = to_json(extent);
      transitions.push_back({{"from", pair.first}, {"to", pair.second}});
      transitions.back().update(row);
      if (pair.first == pair.second) continue;
      changed.pixels += extent.pixels;
      changed.square_metres += extent.square_metres;
    }
    json["changed"] = to_json(changed);
    json["transitions"] = std::move(transitions);
    return json;
  }
  const auto& d = comparison.differences;
  const auto n = static_cast<double>(d.pixels);
  if (d.pixels == 0) {
    json["difference"] = nullptr;
    return json;
  }
  json["difference"] = {
      {"equal_pixels", d.equal},
      {"mean", d.mean},
      {"sd", d.pixels > 1 ? workflow::OrderedJson(std::sqrt(d.squares / (n - 1))) : nullptr},
      {"mean_absolute", d.absolute / n},
      {"root_mean_square", std::sqrt(d.squares / n + d.mean * d.mean)},
      {"min", d.least},
      {"max", d.most}};
  return json;
}

void print_matrix(const Comparison& comparison) {
  std::vector<int64_t> from, to;
  for (const auto& [pair, extent] : comparison.transitions) {
    if (std::find(from.begin(), from.end(), pair.first) == from.end()) from.push_back(pair.first);
    if (std::find(to.begin(), to.end(), pair.second) == to.end()) to.push_back(pair.second);
  }
  std::sort(to.begin(), to.end());
  std::cout << fmt::format("  {:>12}", "ha: A \\ B");
  for (const auto value : to) std::cout << fmt::format(" {:>12}", value);
  std::cout << fmt::format(" {:>12}\n", "all");
  std::map<int64_t, double> columns;
  for (const auto value : from) {
    double row = 0;
    std::cout << fmt::format("  {:>12}", value);
    for (const auto other : to) {
      const auto found = comparison.transitions.find({value, other});
      const double hectares = found == comparison.transitions.end() ? 0 : found->second.hectares();
      row += hectares;
      columns[other] += hectares;
      std::cout << (hectares > 0 ? fmt::format(" {:>12.4f}", hectares)
                                 : fmt::format(" {:>12}", "-"));
    }
    std::cout << fmt::format(" {:>12.4f}\n", row);
  }
  std::cout << fmt::format("  {:>12}", "all");
  for (const auto& [value, hectares] : columns) std::cout << fmt::format(" {:>12.4f}", hectares);
  std::cout << fmt::format(" {:>12.4f}\n", comparison.both.hectares());
}

void print(const Comparison& comparison, const workflow::OrderedJson& json) {
  std::cout << fmt::format(
      "{}: {} pixels in both ({:.4f} ha), "
      "{} only in A ({:.4f} ha), {} only in B ({:.4f} ha)\n",
      comparison.text, comparison.both.pixels, comparison.both.hectares(), comparison.only_a.pixels,
      comparison.only_a.hectares(), comparison.only_b.pixels, comparison.only_b.hectares());
  if (comparison.both.pixels == 0) return;
  if (!comparison.classes) {
    std::cout << "  B - A:";
    for (const auto& [name, value] : json["difference"].items())
      std::cout << fmt::format(" {} {}", name, value.dump());
    std::cout << "\n";
    return;
  }
  print_matrix(comparison);
  const double changed = json["changed"]["hectares"].get<double>();
  std::cout << fmt::format("  changed: {:.4f} ha, {:.2f} %\n", changed,
                           100 * changed / comparison.both.hectares());
}

// One row for each transition of classes, one for each band of numbers.
void write_csv(const std::string& path, const std::vector<Comparison>& comparisons,
               const workflow::OrderedJson& all) {
  constexpr std::array kColumns{"equal_pixels",     "mean", "sd", "mean_absolute",
                                "root_mean_square", "min",  "max"};
  const bool numbers = std::any_of(comparisons.begin(), comparisons.end(),
                                   [](const auto& each) { return !each.classes; });
  std::string text = "band,from,to,pixels,hectares";
  if (numbers) text += fmt::format(",{}", fmt::join(kColumns, ","));
  text += "\n";
  for (size_t i = 0; i < comparisons.size(); ++i) {
    const auto& comparison = comparisons[i];
    for (const auto& [pair, extent] : comparison.transitions)
      text += fmt::format("\"{}\",{},{},{},{}{}\n", comparison.text, pair.first, pair.second,
                          extent.pixels, extent.hectares(),
                          std::string(numbers ? kColumns.size() : 0, ','));
    if (comparison.classes) continue;
    text += fmt::format("\"{}\",,,{},{}", comparison.text, comparison.both.pixels,
                        comparison.both.hectares());
    const auto& difference = all[i]["difference"];
    for (const char* const column : kColumns) {
      const bool known = difference.is_object() && difference[column].is_number();
      text += "," + (known ? difference[column].dump() : std::string());
    }
    text += "\n";
  }
  gdal::write_file(path, text);
}

}  // namespace

void add_diff(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "diff", "What changed from map A to map B: classes in hectares, or differences of numbers");
  const auto arguments = std::make_shared<DiffArguments>();
  command->add_option("A", arguments->a, "A raster file, or a layer: LAYER or LAYER@RUN")
      ->required();
  command->add_option("B", arguments->b, "The same")->required();
  command->add_option("--store", arguments->store,
                      "The store of layers; default: that of the last run");
  command->add_option("--store-b", arguments->store_b, "Of B, where it is another one");
  command->add_option("--bands", arguments->bands, "Only these; default: all that both have")
      ->delimiter(',');
  command
      ->add_option("--as", arguments->as,
                   "classes or numbers; default: what the layers say, of files classes where "
                   "they are uint8 or have colours")
      ->check(CLI::IsMember({"classes", "numbers"}));
  command->add_option("--csv", arguments->csv,
                      "Write the transitions of classes, or the numbers, to this file");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([arguments, &commands] {
    Differ differ(*arguments, commands.registry);
    const auto comparisons = differ.compare();
    auto all = workflow::OrderedJson::array();
    for (const auto& comparison : comparisons) {
      all.push_back(to_json(comparison));
      if (!commands.json) print(comparison, all.back());
    }
    if (!arguments->csv.empty()) write_csv(arguments->csv, comparisons, all);
    if (commands.json)
      std::cout
          << workflow::OrderedJson{{"a", arguments->a}, {"b", arguments->b}, {"bands", all}}.dump(1)
          << "\n";
  });
}

}  // namespace geoloom::cli
