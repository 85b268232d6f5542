// SPDX-License-Identifier: Apache-2.0
// geoloom diff A B: what changed between two maps. Classes: how much of each became what, in
// hectares on the Earth. Numbers: how they differ.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <map>

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
  std::string text;
  bool classes = false;
  Extent both, only_a, only_b;
  std::map<std::pair<int64_t, int64_t>, Extent> transitions;  // from, to
  Differences differences;
};

// The pixels of two grids on one lattice: the part both have, seen from each.
struct Overlap {
  geo::Window in_a;
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
  overlap.in_a = ga.window().intersect(
      {of_b.x - overlap.shift_x, of_b.y - overlap.shift_y, of_b.width, of_b.height});
  if (overlap.in_a.empty())
    throw Error(ErrorCode::empty,
                fmt::format("{} and {} have no pixel in common", arguments.a, arguments.b));
  return overlap;
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
  const auto& all = overlap.in_a;
  for (int64_t y = all.y; y < all.bottom(); y += kPart) {
    for (int64_t x = all.x; x < all.right(); x += kPart) {
      const auto window = geo::Window{x, y, kPart, kPart}.intersect(all);
      const auto block_a = a.read(of_a, window, pool);
      auto in_b = window;
      in_b.x += overlap.shift_x;
      in_b.y += overlap.shift_y;
      compare_part(block_a, b.read(of_b, in_b, pool), of_a, of_b, areas, out);
    }
  }
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
    std::vector<Comparison> out;
    for (const auto& zone : a_.zones()) {
      const auto& other = zone_like(zone);
      if (zone.planes.empty() && other.planes.empty()) continue;
      const auto overlap = overlap_of(zone, other, arguments_);
      for (const auto& [of_a, of_b] : pairs(zone, other)) {
        auto& comparison = comparison_of(*of_a, *of_b, out);
        compare_planes(zone, other, *of_a, *of_b, overlap, pool_, comparison);
      }
    }
    return out;
  }

 private:
  const RasterZone& zone_like(const RasterZone& zone) const {
    if (a_.zones().size() == 1 && b_.zones().size() == 1) return b_.zones().front();
    for (const auto& other : b_.zones())
      if (other.grid.crs == zone.grid.crs) return other;
    throw Error(ErrorCode::invalid,
                fmt::format("{} has no zone in {}, as zone '{}' of {}", arguments_.b,
                            zone.grid.crs.name(), zone.name, arguments_.a));
  }

  bool wanted(const RasterPlane& plane) const {
    return arguments_.bands.empty() || std::find(arguments_.bands.begin(), arguments_.bands.end(),
                                                 plane.band.name) != arguments_.bands.end();
  }

  // Bands of one name and time belong together; one band alone needs no name, and one time alone no
  // label.
  std::vector<std::pair<const RasterPlane*, const RasterPlane*>> pairs(const RasterZone& a,
                                                                       const RasterZone& b) const {
    std::vector<std::pair<const RasterPlane*, const RasterPlane*>> out;
    if (a.planes.size() == 1 && b.planes.size() == 1)
      return {{&a.planes.front(), &b.planes.front()}};
    const bool timeless = one_time(a) && one_time(b);
    std::vector<std::string> names;
    for (const auto& plane : b.planes) names.push_back(plane.text());
    for (const auto& plane : a.planes) {
      if (!wanted(plane)) continue;
      const auto found = std::find_if(b.planes.begin(), b.planes.end(), [&](const auto& other) {
        return other.band.name == plane.band.name &&
               (timeless || other.slice.label == plane.slice.label);
      });
      if (found != b.planes.end()) out.emplace_back(&plane, &*found);
    }
    if (out.empty())
      throw Error(ErrorCode::invalid, fmt::format("{} has no band and time that {} has too",
                                                  arguments_.b, arguments_.a))
          .hint(spelling_hint(
              arguments_.bands.empty() ? a.planes.front().text() : arguments_.bands.front(),
              names));
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
  std::cout << fmt::format("{}: {} pixels in both ({:.4f} ha), {} only in A, {} only in B\n",
                           comparison.text, comparison.both.pixels, comparison.both.hectares(),
                           comparison.only_a.pixels, comparison.only_b.pixels);
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

void write_csv(const std::string& path, const std::vector<Comparison>& comparisons) {
  std::string text = "band,from,to,pixels,hectares\n";
  for (const auto& comparison : comparisons)
    for (const auto& [pair, extent] : comparison.transitions)
      text += fmt::format("\"{}\",{},{},{},{}\n", comparison.text, pair.first, pair.second,
                          extent.pixels, extent.hectares());
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
  command->add_option("--csv", arguments->csv, "Write the transitions of classes to this file");
  command->add_flag("--json", commands.json, "As JSON");
  command->callback([arguments, &commands] {
    Differ differ(*arguments, commands.registry);
    const auto comparisons = differ.compare();
    if (!arguments->csv.empty()) write_csv(arguments->csv, comparisons);
    auto all = workflow::OrderedJson::array();
    for (const auto& comparison : comparisons) {
      all.push_back(to_json(comparison));
      if (!commands.json) print(comparison, all.back());
    }
    if (commands.json)
      std::cout
          << workflow::OrderedJson{{"a", arguments->a}, {"b", arguments->b}, {"bands", all}}.dump(1)
          << "\n";
  });
}

}  // namespace geoloom::cli
