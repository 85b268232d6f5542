// SPDX-License-Identifier: Apache-2.0
#include "catalog/array_file_scenes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "catalog/href.h"
#include "error/error.h"
#include "error/spelling.h"
#include "gdal/array_file.h"
#include "store/checksum.h"

namespace geoloom::catalog {
namespace {

constexpr size_t kMostPlanes = 1'000'000;

// A band of a date: one plane of one variable.
struct Plane {
  std::string band;
  gdal::ArrayAddress address;
};

class ArrayFileReader {
 public:
  ArrayFileReader(std::string file, const std::vector<std::string>& wanted,
                  std::vector<std::string>& notes)
      : file_(std::move(file)), info_(gdal::describe_array_file(file_)), notes_(notes) {
    for (const auto& name : wanted) check_known(name);
    for (const auto& variable : info_.variables)
      if (wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](const auto& name) {
            return name == variable.name || name == variable.band;
          }))
        add(variable);
    if (steps_.empty() && timeless_.empty()) throw_nothing();
    if (info_.format == gdal::ArrayFormat::zarr) checksum_ = listing_checksum(file_);
  }

  std::vector<Scene> scenes(std::optional<geo::TimeMs> name_time) const {
    const auto name = file_name_of(file_);
    const auto id = name.substr(0, name.rfind('.'));
    if (!steps_.empty()) return steps(id);
    if (!name_time && !info_.why_no_time.empty())
      throw Error(ErrorCode::invalid, "the file's time cannot be read: " + info_.why_no_time)
          .at(place());
    return {scene_of(id, name_time ? name_time : info_.time, timeless_)};
  }

 private:
  Place place() const {
    Place place;
    place.file = file_;
    return place;
  }

  void check_known(const std::string& name) const {
    std::vector<std::string> known;
    for (const auto& variable : info_.variables) {
      if (name == variable.band) return;
      known.push_back(variable.name);
    }
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw Error(ErrorCode::missing, fmt::format("the file has no variable '{}'", name))
          .at(place())
          .hint(spelling_hint(name, known));
  }

  void add(const gdal::ArrayVariable& variable) {
    if (!variable.info.grid) {
      refused_.push_back(fmt::format("'{}': {}", variable.name, variable.info.why_no_grid));
      notes_.push_back(fmt::format("{}: the variable {} is left out: {}", file_name_of(file_),
                                   variable.name, variable.info.why_no_grid));
      return;
    }
    const auto time = time_dimension(variable);
    std::vector<int64_t> index(variable.leading.size(), 0);
    while (true) {
      Plane plane{
          band_name(variable, index),
          {.format = info_.format, .file = file_, .variable = variable.name, .index = index}};
      if (++planes_ > kMostPlanes)
        throw Error(ErrorCode::invalid,
                    fmt::format("the file has more than {} planes", kMostPlanes))
            .at(place());
      if (time)
        steps_[variable.leading[*time].times[static_cast<size_t>(index[*time])]].push_back(
            std::move(plane));
      else
        timeless_.push_back(std::move(plane));
      size_t at = index.size();
      while (at > 0 && ++index[at - 1] == variable.leading[at - 1].size) index[--at] = 0;
      if (at == 0) return;
    }
  }

  std::optional<size_t> time_dimension(const gdal::ArrayVariable& variable) const {
    std::optional<size_t> found;
    for (size_t i = 0; i < variable.leading.size(); ++i) {
      const auto& dimension = variable.leading[i];
      if (dimension.size == 0)
        throw Error(ErrorCode::invalid, fmt::format("the dimension '{}' is empty", dimension.name))
            .at(place());
      if (!dimension.is_time || found) continue;
      if (!dimension.why_no_times.empty())
        throw Error(ErrorCode::invalid, fmt::format("the times of the dimension '{}' cannot be "
                                                    "read: {}",
                                                    dimension.name, dimension.why_no_times))
            .at(place());
      auto times = dimension.times;
      std::sort(times.begin(), times.end());
      if (std::adjacent_find(times.begin(), times.end()) != times.end())
        throw Error(ErrorCode::invalid,
                    fmt::format("two steps of the dimension '{}' have one time", dimension.name))
            .at(place());
      found = i;
    }
    return found;
  }

  static std::string band_name(const gdal::ArrayVariable& variable,
                               const std::vector<int64_t>& index) {
    std::string name = variable.band;
    bool labelled = false;
    for (size_t i = 0; i < index.size(); ++i) {
      const auto& dimension = variable.leading[i];
      if (dimension.is_time || dimension.size == 1) continue;
      const auto entry = static_cast<size_t>(index[i]);
      if (!dimension.labels.empty()) {
        name = labelled ? name + "_" + dimension.labels[entry] : dimension.labels[entry];
        labelled = true;
      } else {
        name += fmt::format("_{}", entry + 1);
      }
    }
    return name;
  }

  std::vector<Scene> steps(const std::string& id) const {
    std::map<std::string, size_t> of_date;
    for (const auto& [time, planes] : steps_) ++of_date[geo::format_date(time)];
    std::vector<Scene> scenes;
    for (const auto& [time, planes] : steps_) {
      const auto date = geo::format_date(time);
      auto all = planes;
      all.insert(all.end(), timeless_.begin(), timeless_.end());
      scenes.push_back(scene_of(
          fmt::format("{}@{}", id, of_date[date] > 1 ? geo::format_time(time) : date), time, all));
    }
    return scenes;
  }

  // The time at which a folder was changed does not tell of what was written into files below.
  static std::string listing_checksum(const std::string& folder) {
    std::string listing;
    for (const auto& entry : gdal::list_entries(folder, true))
      listing += fmt::format("{}:{}:{}\n", entry.name, entry.size, entry.modified_s);
    return "listing:" + store::sha256_hex(listing);
  }

  Scene scene_of(const std::string& id, std::optional<geo::TimeMs> time,
                 const std::vector<Plane>& planes) const {
    Scene scene;
    scene.id = id;
    scene.time = time;
    for (const auto& plane : planes) {
      Asset& asset = scene.assets.emplace_back();
      asset.key = plane.band;
      asset.href = asset.path = plane.address.text();
      asset.bands.emplace_back().name = plane.band;
      asset.checksum = checksum_;
    }
    scene.identity = identity_of(scene);
    return scene;
  }

  [[noreturn]] void throw_nothing() const {
    throw Error(ErrorCode::invalid,
                refused_.empty() ? std::string("the file has no variable with rows and columns")
                                 : fmt::format("no variable of the file has a north-up grid: {}",
                                               refused_.front()))
        .at(place())
        .hint("rows and columns need evenly spaced coordinate variables");
  }

  std::string file_;
  gdal::ArrayFileInfo info_;
  std::vector<std::string>& notes_;
  std::vector<std::string> refused_;
  std::map<geo::TimeMs, std::vector<Plane>> steps_;
  std::vector<Plane> timeless_;
  size_t planes_ = 0;
  std::string checksum_;  // of folders
};

}  // namespace

std::vector<Scene> scenes_of_array_file(const std::string& path,
                                        std::optional<geo::TimeMs> name_time,
                                        std::vector<std::string>& notes) {
  const auto address = gdal::array_address(path);
  if (!address) return ArrayFileReader(path, {}, notes).scenes(name_time);
  auto scenes = ArrayFileReader(address->file, {address->variable}, notes).scenes(name_time);
  if (address->index.empty()) return scenes;
  // Not as it was written: there may be two spellings.
  std::erase_if(scenes, [plane = address->text()](const Scene& scene) {
    return std::none_of(scene.assets.begin(), scene.assets.end(),
                        [&plane](const Asset& asset) { return asset.path == plane; });
  });
  for (Scene& scene : scenes)
    std::erase_if(scene.assets,
                  [plane = address->text()](const Asset& asset) { return asset.path != plane; });
  for (Scene& scene : scenes) scene.identity = identity_of(scene);
  if (scenes.empty())
    throw Error(ErrorCode::missing, "the variable has no such plane").at({.file = path});
  return scenes;
}

}  // namespace geoloom::catalog
