// SPDX-License-Identifier: Apache-2.0
#include "scene_runner_verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "raster/test_folder.h"
#include "scene_runner_stage.h"

namespace geoloom::scene_runner {
namespace {

using workflow::Value;

std::string at(const Value& value, const std::string& message) {
  return fmt::format("{}:{}: {}", value.file, value.line, message);
}

// As a float32 file can hold it.
Cell stored(const Cell& cell) {
  if (!cell) return cell;
  return static_cast<double>(static_cast<float>(*cell));
}

bool equal(const Plane& expected, const Plane& actual) {
  return expected.width == actual.width && expected.height == actual.height &&
         std::equal(expected.cells.begin(), expected.cells.end(), actual.cells.begin(),
                    [](const Cell& a, const Cell& b) { return stored(a) == b; });
}

std::vector<Plane> planes_of(const std::vector<const MadeBand*>& bands) {
  std::vector<Plane> planes;
  for (const auto* band : bands) planes.push_back(band->plane);
  return planes;
}

std::string indented(const std::string& text) {
  std::string out = "    ";
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '\n' && i + 1 < text.size()) out += "    ";
  }
  return out;
}

class Judge {
 public:
  Judge(const SceneCase& scene_case, const workflow::Registry& registry)
      : case_(scene_case), registry_(registry) {}

  Verdict judge() {
    try {
      write_inputs(case_, folder_.path());
    } catch (const Error& error) {
      fail(case_.place() + ": " + error.what());
      return std::move(verdict_);
    }
    const auto whole = std::max({case_.width, case_.height, kSmallestTile});
    const Settings plain{"plain", {case_.tiles > 0 ? case_.tiles : whole, 0}, 1};
    const auto made = run_case(case_, registry_, folder_.path(), plain);
    if (!case_.expect_error.empty()) {
      check_error(made);
      return std::move(verdict_);
    }
    if (!made.error.empty()) {
      fail(fmt::format("{}: the run failed\n  {}", case_.place(), made.error));
      return std::move(verdict_);
    }
    show(made);
    for (const auto& [layer, grid] : case_.expect) check_layer(made, layer, grid);
    check_types(made);
    check_counts(made);
    check_pin(made);
    check_other_settings(made, plain);
    return std::move(verdict_);
  }

 private:
  void fail(const std::string& message) { verdict_.failures.push_back(message); }

  void show(const Made& made) {
    for (const auto& [name, layer] : made.layers) {
      verdict_.shown += fmt::format("  {}:\n", name);
      for (const auto& band : layer.bands)
        verdict_.shown += fmt::format("    {}: |  # {}\n{}", band.name, band.type,
                                      indented(indented(draw({band.plane}, case_.legend))));
    }
  }

  void check_error(const Made& made) {
    for (const auto& part : case_.expect_error) {
      if (made.error.find(part) != std::string::npos) continue;
      fail(fmt::format("{}: expected an error with '{}', got {}", case_.place(), part,
                       made.error.empty() ? "none" : made.error));
    }
  }

  void check_layer(const Made& made, const std::string& name, const Value& grid) {
    const auto found = made.layers.find(name);
    if (found == made.layers.end())
      return fail(at(grid, fmt::format("there is no layer '{}'", name)));
    const auto& layer = found->second;
    std::vector<const MadeBand*> all;
    for (const auto& band : layer.bands) all.push_back(&band);
    if (grid.kind != Value::Kind::map) return check_bands(name, all, grid);
    std::set<std::string> expected;
    for (const auto& [key, part] : grid.map) {
      const auto bands = bands_named(layer, key);
      if (bands.empty())
        fail(at(part, fmt::format("layer '{}' has no band or slice '{}'", name, key)));
      else
        check_bands(name + "." + key, bands, part);
      for (const auto* band : bands) expected.insert(band->name);
    }
    for (const auto& band : layer.bands)
      if (!expected.contains(band.name))
        fail(at(grid, fmt::format("layer '{}' also has the band '{}'", name, band.name)));
  }

  // The band of that name, or all bands of the slice with that label.
  static std::vector<const MadeBand*> bands_named(const MadeLayer& layer, const std::string& key) {
    std::vector<const MadeBand*> bands;
    for (const auto& band : layer.bands)
      if (band.name == key) return {&band};
    for (const auto& band : layer.bands)
      if (band.name.ends_with("_" + key) || band.name.ends_with("_" + scene_name(key)))
        bands.push_back(&band);
    return bands;
  }

  void check_bands(const std::string& what, const std::vector<const MadeBand*>& bands,
                   const Value& grid) {
    if (bands.empty()) return fail(at(grid, fmt::format("'{}' is empty", what)));
    try {
      const bool metric = bands.front()->type == kMetricType;
      const auto expected = metric ? std::vector<Plane>{one_value(grid)}
                                   : parse_grid(grid, case_.legend, bands.size());
      for (size_t i = 0; i < bands.size(); ++i) {
        if (equal(expected[i], bands[i]->plane)) continue;
        return fail(at(grid, fmt::format("'{}' differs\n  expected:\n{}  actual:\n{}", what,
                                         indented(draw(expected, case_.legend)),
                                         indented(draw(planes_of(bands), case_.legend)))));
      }
    } catch (const Error& error) {
      fail(error.what());
    }
  }

  // A number stands for itself, null for what is absent; in drawings digits would be pixels.
  static Plane one_value(const Value& value) {
    return {1, 1, {value.is_null() ? Cell{} : Cell{value.number}}};
  }

  void check_types(const Made& made) {
    for (const auto& [name, type] : case_.types) {
      const auto layer = made.layers.find(name);
      if (layer == made.layers.end() || layer->second.bands.empty())
        fail(fmt::format("{}: there is no layer '{}'", case_.place(), name));
      else if (layer->second.bands.front().type != type)
        fail(fmt::format("{}: layer '{}' is {}, not {}", case_.place(), name,
                         layer->second.bands.front().type, type));
    }
  }

  void check_counts(const Made& made) {
    for (const auto& [name, expected] : case_.counts) {
      uint64_t actual = 0;
      if (name == "clipped")
        actual = made.summary.clipped;
      else if (name == "nodata_collisions")
        actual = made.summary.nodata_collisions;
      else if (name == "dropped")
        actual = made.summary.scenes_dropped;
      else if (name == "valid_pixels")
        actual = made.summary.valid_pixels;
      else
        return fail(fmt::format("{}: counts are clipped, nodata_collisions, dropped, valid_pixels",
                                case_.place()));
      if (actual != expected)
        fail(fmt::format("{}: {} should be {}, is {}", case_.place(), name, expected, actual));
    }
  }

  // Pixels and versions change together, or not at all.
  void check_pin(const Made& made) {
    if (case_.pinned.is_null()) return;
    std::string line = fmt::format("pinned: {{ops: {}", made.ops);
    bool pixels = true;
    for (const auto& [name, layer] : made.layers) {
      line += fmt::format(", {}: \"{}\"", name, layer.pixel_hash);
      const auto* pinned = case_.pinned.find(name);
      pixels = pixels && pinned != nullptr && pinned->text == layer.pixel_hash;
    }
    line += "}";
    const auto* pinned_ops = case_.pinned.find("ops");
    const bool ops = pinned_ops != nullptr && pinned_ops->text == made.ops;
    if (ops && pixels) return;
    verdict_.pin = line;
    verdict_.pin_refused = ops;
    if (ops)
      verdict_.pin_failure = at(
          case_.pinned,
          fmt::format("pixels changed, but no version did (still {}). Raise the version of the op "
                      "you changed, then run --update; if it is this case that you changed, write "
                      "`pinned: {{}}` first\n  {}",
                      made.ops, line));
    else
      verdict_.pin_failure =
          at(case_.pinned, fmt::format("not pinned with these versions; run --update\n  {}", line));
  }

  void check_other_settings(const Made& made, const Settings& plain) {
    std::vector<Settings> others{{"threads", plain.placement, 2}};
    for (const int64_t cut : {1, 2, 3})  // after so many columns and rows
      if (case_.tiles == 0 && cut < std::max(case_.width, case_.height))
        others.push_back({fmt::format("cut{}", cut), {kSmallestTile, kSmallestTile - cut}, 2});
    for (const auto& settings : others) compare(made, settings);
    for (const auto& difference : weave_otherwise(case_, registry_, folder_.path(), made, plain))
      fail(case_.place() + ": " + difference);
  }

  void compare(const Made& made, const Settings& settings) {
    const bool cut = settings.placement.margin > 0;
    const auto other = run_case(case_, registry_, folder_.path(), settings);
    const auto with = cut ? fmt::format("tiles that end after {} pixels",
                                        kSmallestTile - settings.placement.margin)
                          : fmt::format("{} threads", settings.threads);
    if (!other.error.empty())
      return fail(fmt::format("{}: fails with {}: {}", case_.place(), with, other.error));
    for (const auto& [name, layer] : made.layers) {
      const auto& again = other.layers.at(name);
      // Pictures show the margin too, and what is measured includes it.
      if (cut && layer.kind != workflow::LayerKind::cube) continue;
      if (!cut && again.checksums != layer.checksums)
        fail(fmt::format("{}: layer '{}': other bytes with {}", case_.place(), name, with));
      for (const auto& band : layer.bands) {
        const auto found = std::find_if(again.bands.begin(), again.bands.end(),
                                        [&](const auto& b) { return b.name == band.name; });
        if (found != again.bands.end() && same_pixels(found->plane, band.plane)) continue;
        fail(fmt::format("{}: layer '{}', band '{}': other pixels with {}\n{}", case_.place(), name,
                         band.name, with,
                         found == again.bands.end()
                             ? "    no such band\n"
                             : indented(draw({found->plane}, case_.legend))));
      }
    }
  }

  // To the last bit.
  static bool same_pixels(const Plane& a, const Plane& b) {
    return a.width == b.width && a.height == b.height &&
           std::equal(a.cells.begin(), a.cells.end(), b.cells.begin(), b.cells.end(),
                      [](const Cell& x, const Cell& y) {
                        if (!x || !y) return x.has_value() == y.has_value();
                        return std::bit_cast<uint64_t>(*x) == std::bit_cast<uint64_t>(*y);
                      });
  }

  const SceneCase& case_;
  const workflow::Registry& registry_;
  TestFolder folder_;
  Verdict verdict_;
};

}  // namespace

Verdict judge(const SceneCase& scene_case, const workflow::Registry& registry) {
  return Judge(scene_case, registry).judge();
}

}  // namespace geoloom::scene_runner
