// SPDX-License-Identifier: Apache-2.0
#include "scene_runner_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "error/spelling.h"

namespace geoloom::scene_runner {
namespace {

using workflow::Value;

const std::vector<std::string> kCaseKeys{
    "type",  "bands", "legend", "nodata", "scale",  "offset",       "coarse", "scenes", "area",
    "tiles", "files", "do",     "then",   "expect", "expect_error", "counts", "types",  "pinned"};
const std::vector<std::string> kSceneKeys{"pixels", "at",    "type",  "bands",
                                          "nodata", "scale", "offset"};

void check_keys(const Value& map, const std::vector<std::string>& known) {
  for (const auto& [key, value] : map.map)
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw value.error(fmt::format("unknown key '{}'", key)).hint(spelling_hint(key, known));
}

const Value& require_kind(const Value& value, Value::Kind kind, std::string_view wanted) {
  if (value.kind != kind)
    throw value.error(fmt::format("must be {}, got {}", wanted, value.described()));
  return value;
}

std::vector<std::string> texts_of(const Value& value) {
  std::vector<std::string> texts;
  if (value.kind != Value::Kind::list) return {value.text};
  for (const auto& member : value.list) texts.push_back(member.text);
  return texts;
}

int64_t integer_of(const Value& value) {
  return require_kind(value, Value::Kind::integer, "a whole number").integer;
}

double number_of(const Value& value) {
  const auto cell = parse_cell(value);
  if (!cell) throw value.error("must be a number");
  return *cell;
}

// What scenes have unless they say otherwise.
struct SceneDefaults {
  raster::PixelType type = raster::PixelType::uint8;
  std::vector<std::string> bands{"band1"};
  std::optional<double> nodata;
  double scale = 1, offset = 0;

  void read(const Value& map) {
    if (const auto* value = map.find("type")) type = raster::pixel_type_of(value->text);
    if (const auto* value = map.find("bands")) bands = texts_of(*value);
    if (const auto* value = map.find("nodata")) nodata = parse_cell(*value);
    if (const auto* value = map.find("scale")) scale = number_of(*value);
    if (const auto* value = map.find("offset")) offset = number_of(*value);
  }
};

class CaseReader {
 public:
  CaseReader(const Value& root, SceneCase& into) : root_(root), case_(into) {}

  void read() {
    require_kind(root_, Value::Kind::map, "a map of keys");
    check_keys(root_, kCaseKeys);
    case_.line = root_.line;
    defaults_.read(root_);
    if (const auto* legend = root_.find("legend"))
      case_.legend = Legend(require_kind(*legend, Value::Kind::map, "a map"));
    if (const auto* coarse = root_.find("coarse"))
      for (const auto& [band, factor] : coarse->map) coarse_[band] = integer_of(factor);
    read_scenes();
    read_area();
    read_steps();
    read_expectations();
  }

 private:
  const Value& required(const char* key) const {
    const auto* value = root_.find(key);
    if (value == nullptr) throw root_.error(fmt::format("the case has no '{}'", key));
    return *value;
  }

  void read_scenes() {
    const auto& scenes = require_kind(required("scenes"), Value::Kind::map, "a map of scenes");
    for (const auto& [name, drawn] : scenes.map) {
      DrawnScene scene;
      scene.name = scene_name(name);
      SceneDefaults own = defaults_;
      const Value* pixels = &drawn;
      if (drawn.find("pixels") != nullptr) {
        check_keys(drawn, kSceneKeys);
        own.read(drawn);
        pixels = drawn.find("pixels");
        if (const auto* at = drawn.find("at")) {
          if (at->list.size() != 2) throw at->error("must be [x, y], in pixels of the area");
          scene.x = integer_of(at->list[0]);
          scene.y = integer_of(at->list[1]);
        }
      }
      scene.type = own.type;
      scene.nodata = own.nodata;
      scene.scale = own.scale;
      scene.offset = own.offset;
      scene.bands = bands_of(*pixels, own.bands);
      case_.scenes.push_back(std::move(scene));
    }
  }

  // One grid for all bands, or a map with a grid for each.
  std::vector<DrawnBand> bands_of(const Value& pixels,
                                  const std::vector<std::string>& names) const {
    std::vector<DrawnBand> bands;
    const auto add = [&](const std::string& name, Plane plane) {
      const auto coarse = coarse_.find(name);
      bands.push_back({name, std::move(plane), coarse == coarse_.end() ? 1 : coarse->second});
    };
    if (pixels.kind == Value::Kind::map) {
      for (const auto& [name, grid] : pixels.map)
        add(name, parse_grid(grid, case_.legend, 1).front());
    } else {
      auto planes = parse_grid(pixels, case_.legend, names.size());
      for (size_t i = 0; i < names.size(); ++i) add(names[i], std::move(planes[i]));
    }
    return bands;
  }

  void read_area() {
    if (const auto* area = root_.find("area")) {
      if (area->list.size() != 2) throw area->error("must be [width, height], in pixels");
      case_.width = integer_of(area->list[0]);
      case_.height = integer_of(area->list[1]);
    } else {
      for (const auto& scene : case_.scenes) {
        for (const auto& band : scene.bands) {
          case_.width = std::max(case_.width, scene.x + band.plane.width * band.pixel);
          case_.height = std::max(case_.height, scene.y + band.plane.height * band.pixel);
        }
      }
    }
    if (const auto* tiles = root_.find("tiles")) case_.tiles = integer_of(*tiles);
  }

  void read_steps() {
    case_.do_list = require_kind(required("do"), Value::Kind::list, "a list of ops");
    if (const auto* then = root_.find("then"))
      case_.then_list = require_kind(*then, Value::Kind::list, "a list of ops");
    if (const auto* files = root_.find("files"))
      for (const auto& [name, content] : files->map) case_.files.emplace_back(name, content.text);
  }

  void read_expectations() {
    if (const auto* expect = root_.find("expect"))
      case_.expect = require_kind(*expect, Value::Kind::map, "a map of layers").map;
    if (const auto* error = root_.find("expect_error")) case_.expect_error = texts_of(*error);
    if (case_.expect.empty() == case_.expect_error.empty())
      throw root_.error("a case has either 'expect' or 'expect_error'");
    if (const auto* counts = root_.find("counts"))
      for (const auto& [name, count] : counts->map)
        case_.counts.emplace_back(name, static_cast<uint64_t>(integer_of(count)));
    if (const auto* types = root_.find("types"))
      for (const auto& [layer, type] : types->map) case_.types.emplace_back(layer, type.text);
    if (const auto* pinned = root_.find("pinned"))
      case_.pinned = require_kind(*pinned, Value::Kind::map, "a map");
  }

  const Value& root_;
  SceneCase& case_;
  SceneDefaults defaults_;
  std::map<std::string, int64_t> coarse_;
};

// The first comment of a case, as one line.
std::string title_of(std::string_view text) {
  std::string title;
  for (size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    const auto line = text.substr(start, end - start);
    start = end + 1;
    if (line.empty() && title.empty()) continue;
    if (!line.starts_with('#')) break;
    title += std::string(title.empty() ? "" : " ") +
             std::string(line.substr(std::min(line.find_first_not_of("# "), line.size())));
  }
  return title;
}

}  // namespace

std::string SceneCase::place() const {
  return fmt::format("{}:{}", file, line);
}

std::string scene_name(const std::string& key) {
  const bool time = key.size() >= 10 && key[4] == '-' && key[7] == '-' &&
                    std::isdigit(static_cast<unsigned char>(key[0])) != 0;
  if (!time) return key;
  std::string name;
  for (const char c : key)
    if (c != '-' && c != ':') name += c;
  return name;
}

std::vector<SceneCase> parse_scene_file(std::string_view text, const std::string& file) {
  std::vector<SceneCase> cases;
  int line = 1;
  for (size_t start = 0; start < text.size();) {
    size_t end = text.find("\n---\n", start);
    end = end == std::string_view::npos ? text.size() : end + 1;
    const auto part = text.substr(start, end - start);
    // Blank lines in front keep the lines of messages those of the file.
    const std::string padded = std::string(static_cast<size_t>(line - 1), '\n') + std::string(part);
    const auto lines = static_cast<int>(std::count(part.begin(), part.end(), '\n'));
    SceneCase scene_case;
    scene_case.file = file;
    scene_case.title = title_of(part);
    const auto root = workflow::parse_yaml(padded, file);
    CaseReader(root, scene_case).read();
    scene_case.last_line = line + lines - 1;
    cases.push_back(std::move(scene_case));
    line += lines + 1;
    start = end + 4;
  }
  return cases;
}

}  // namespace geoloom::scene_runner
