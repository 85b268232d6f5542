// SPDX-License-Identifier: Apache-2.0
#include "render/map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "error/error.h"
#include "gdal/dataset.h"
#include "gdal/random_access_file.h"
#include "raster/warp.h"

namespace geoloom::render {
namespace {

using raster::PixelType;
using raster::Resampling;

constexpr int kEdgePoints = 21;  // of a file's outline, on each side
constexpr size_t kSampledFiles = 16;
constexpr double kNominalTile = 256;

raster::Band band_of(const gdal::BandInfo& info, size_t number) {
  raster::Band band;
  band.name = !info.name.empty()     ? info.name
              : !info.colour.empty() ? info.colour
                                     : fmt::format("band{}", number);
  band.type = raster::pixel_type_of(info.type);
  band.scale = info.scale;
  band.offset = info.offset;
  band.unit = info.unit;
  band.nodata = info.nodata;
  band.colours = info.colours;
  band.class_names = info.class_names;
  if (!band.colours.empty() || !band.class_names.empty()) band.kind = raster::BandKind::category;
  return band;
}

bool names_geotiff(const std::string& name) {
  return name.ends_with(".tif") || name.ends_with(".tiff") || name.ends_with(".TIF");
}

std::vector<std::string> files_at(const std::string& place) {
  const auto status = gdal::file_status(place);
  if (!status)
    throw Error(ErrorCode::missing, "there is no such file or folder").at({.file = place});
  if (!status->directory) return {place};
  std::vector<std::string> paths;
  for (const auto& name : gdal::list_files(place, true))
    if (names_geotiff(name)) paths.push_back(place + (place.ends_with('/') ? "" : "/") + name);
  if (paths.empty())
    throw Error(ErrorCode::missing, "there is no GeoTIFF in this folder").at({.file = place});
  return paths;
}

// Points along the outline of a grid.
void outline(const geo::Box& box, std::vector<double>& x, std::vector<double>& y) {
  for (int i = 0; i < kEdgePoints; ++i) {
    const double share = static_cast<double>(i) / (kEdgePoints - 1);
    const double along_x = box.min_x + share * (box.max_x - box.min_x),
                 along_y = box.min_y + share * (box.max_y - box.min_y);
    x.insert(x.end(), {along_x, along_x, box.min_x, box.max_x});
    y.insert(y.end(), {box.min_y, box.max_y, along_y, along_y});
  }
}

template <class T>
void mark_valid(const T* values, const std::optional<double>& nodata, size_t count,
                uint8_t* valid) {
  if constexpr (std::is_same_v<T, float>)
    for (size_t i = 0; i < count; ++i)
      if (std::isnan(values[i])) valid[i] = 0;
  if (!nodata || !raster::holds(raster::pixel_type<T>(), *nodata)) return;
  const auto none = static_cast<T>(*nodata);
  for (size_t i = 0; i < count; ++i)
    if (values[i] == none) valid[i] = 0;
}

}  // namespace

struct Map::File {
  std::string path;
  geo::Grid grid;
  geo::CoordinateOperation from_web;  // from the web's map to the file
  geo::Box web_box;
  std::vector<raster::Asset::Level> levels;

  // A level as a grid of its own.
  geo::Grid level_grid(size_t level) const {
    geo::Grid out = grid;
    out.width = levels[level].width;
    out.height = levels[level].height;
    out.pixel_width *= static_cast<double>(grid.width) / static_cast<double>(out.width);
    out.pixel_height *= static_cast<double>(grid.height) / static_cast<double>(out.height);
    return out;
  }
  // The coarsest one whose pixels are not larger than those of the target.
  size_t level_for(const geo::PixelScale& scale) const {
    const double wanted = std::min(scale.columns, scale.rows) * (1 + 1e-6);
    size_t best = 0;
    for (size_t level = 1; level < levels.size(); ++level) {
      const double factor =
          std::max(static_cast<double>(grid.width) / static_cast<double>(levels[level].width),
                   static_cast<double>(grid.height) / static_cast<double>(levels[level].height));
      if (factor <= wanted) best = level;
    }
    return best;
  }
};

std::shared_ptr<const Map> Map::open(const std::string& place, raster::AssetPool& pool) {
  return std::shared_ptr<const Map>(new Map(files_at(place), pool));
}

Map::Map(std::vector<std::string> paths, raster::AssetPool& pool) : pool_(pool) {
  for (const auto& path : paths) {
    try {
      add_file(path);
    } catch (Error& error) {
      if (error.place().file.empty()) error.at({.file = path});
      throw;
    }
  }
  std::vector<geo::Box> boxes;
  for (const auto& file : files_) boxes.push_back(file->web_box);
  index_ = geo::BoxIndex(std::move(boxes));
  find_zooms();
  sampled_.resize(bands_.size());
  find_usual_bands();
}

void Map::add_file(const std::string& path) {
  const auto asset = pool_.lease(path);
  const auto& info = asset->info();
  std::vector<raster::Band> bands;
  for (const auto& band : info.bands)
    if (band.colour != "alpha") bands.push_back(band_of(band, bands.size() + 1));
  if (info.bands.size() > bands.size() && info.bands.back().colour != "alpha")
    throw Error(ErrorCode::invalid, "the alpha band is not the last one");
  if (bands.empty()) throw Error(ErrorCode::invalid, "the raster has no band");
  if (!info.grid)
    throw Error(ErrorCode::invalid, "the raster's place is not known: " + info.why_no_grid)
        .hint("warp it to a north-up grid first: gdalwarp");
  if (!info.grid->crs.known())
    throw Error(ErrorCode::invalid, "the raster does not tell its coordinate reference system")
        .hint("gdal_edit.py -a_srs EPSG:... adds it");
  if (files_.empty()) bands_ = bands;
  const auto alike = [](const raster::Band& a, const raster::Band& b) {
    return a.type == b.type && a.name == b.name;
  };
  if (!std::equal(bands.begin(), bands.end(), bands_.begin(), bands_.end(), alike))
    throw Error(ErrorCode::invalid,
                fmt::format("its bands are not those of {}", files_.front()->path))
        .hint("serve files with other bands as a map of their own");
  auto file = std::make_shared<File>();
  file->path = path;
  file->grid = *info.grid;
  file->levels = asset->levels();
  const auto web = geo::web_mercator_world(0, 1).crs;
  const bool known = !files_.empty() && files_.back()->grid.crs == file->grid.crs;
  file->from_web =
      known ? files_.back()->from_web : geo::CoordinateOperation::between(web, file->grid.crs);
  std::vector<double> x, y;
  outline(file->grid.box(), x, y);
  file->from_web.inverse(x, y);
  geo::Box box{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  for (size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;  // a pole
    box = {std::min(box.min_x, x[i]), std::min(box.min_y, y[i]), std::max(box.max_x, x[i]),
           std::max(box.max_y, y[i])};
  }
  if (!(box.min_x < box.max_x))
    throw Error(ErrorCode::invalid, "no part of the raster is on the web's map");
  constexpr double half = geo::kWebMercatorHalf_m;
  file->web_box = {std::max(box.min_x, -half), std::max(box.min_y, -half),
                   std::min(box.max_x, half), std::min(box.max_y, half)};
  files_.push_back(std::move(file));
}

void Map::find_zooms() {
  geo::Box all{HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
  double finest = HUGE_VAL;  // metres of the web's map per pixel
  for (const auto& file : files_) {
    const auto& box = file->web_box;
    all = {std::min(all.min_x, box.min_x), std::min(all.min_y, box.min_y),
           std::max(all.max_x, box.max_x), std::max(all.max_y, box.max_y)};
    finest = std::min({finest, (box.max_x - box.min_x) / static_cast<double>(file->grid.width),
                       (box.max_y - box.min_y) / static_cast<double>(file->grid.height)});
  }
  const auto zoom_of = [](double metres_per_tile) {
    return std::clamp(std::log2(2 * geo::kWebMercatorHalf_m / metres_per_tile), 0.0,
                      double{geo::kMostZoom});
  };
  least_zoom_ =
      static_cast<int>(std::floor(zoom_of(std::max(all.max_x - all.min_x, all.max_y - all.min_y))));
  // Two thirds of a zoom finer than the files is where their pixels begin to show.
  most_zoom_ = static_cast<int>(std::floor(zoom_of(kNominalTile * finest) + 2.0 / 3));
  most_zoom_ = std::clamp(most_zoom_, least_zoom_, geo::kMostZoom);
  const auto web = geo::web_mercator_world(0, 1).crs;
  const auto lower = geo::to_lon_lat(web, all.min_x, all.min_y),
             upper = geo::to_lon_lat(web, all.max_x, all.max_y);
  bounds_ = {lower.lon, lower.lat, upper.lon, upper.lat};
}

void Map::find_usual_bands() {
  const auto named = [&](const char* name) {
    const auto found = std::find_if(bands_.begin(), bands_.end(),
                                    [&](const raster::Band& band) { return band.name == name; });
    return static_cast<size_t>(found - bands_.begin());
  };
  const std::vector<size_t> colours{named("red"), named("green"), named("blue")};
  if (std::all_of(colours.begin(), colours.end(), [&](size_t b) { return b < bands_.size(); }))
    usual_bands_ = colours;
  else if (bands_.size() == 3)
    usual_bands_ = {0, 1, 2};
  else
    usual_bands_ = {0};
  usual_limits_ = limits_of(usual_bands_);
}

std::vector<Limits> Map::limits_of(const std::vector<size_t>& bands) const {
  if (bands.size() == 1 && !bands_[bands[0]].colours.empty()) return {};
  const bool picture = bands.size() == 3 && std::all_of(bands.begin(), bands.end(), [&](size_t b) {
                         return bands_[b].type == PixelType::uint8;
                       });
  std::vector<Limits> limits;
  for (const size_t band : bands) limits.push_back(picture ? Limits{} : sampled_limits(band));
  return limits;
}

// Looked for once: every tile of a style asks.
Limits Map::sampled_limits(size_t band) const {
  const std::lock_guard lock(sampled_mutex_);
  auto& known = sampled_[band];
  if (!known) known = render::usual_limits(sample(band)).value_or(Limits{});
  return *known;
}

// Of some files, evenly chosen, what a picture of 256 pixels would show.
std::vector<float> Map::sample(size_t band) const {
  constexpr int64_t kSide = 256;
  std::vector<float> values;
  const size_t step = (files_.size() + kSampledFiles - 1) / kSampledFiles;
  for (size_t i = 0; i < files_.size(); i += step) {
    const auto& file = *files_[i];
    const auto asset = lease(file);
    const int64_t side = std::max(file.grid.width, file.grid.height);
    const int64_t width = std::max<int64_t>(
                      1, std::min(file.grid.width, file.grid.width * kSide / side)),
                  height = std::max<int64_t>(
                      1, std::min(file.grid.height, file.grid.height * kSide / side));
    const auto seen =
        asset->read_overview(file.grid.window(), static_cast<int>(band) + 1, width, height);
    const auto& nodata = bands_[band].nodata;
    for (const float value : seen)
      if (!nodata || value != static_cast<float>(*nodata)) values.push_back(value);
  }
  return values;
}

// Files whose pixels are others than those that were there when the map was opened are refused.
raster::AssetPool::Lease Map::lease(const File& file) const {
  auto asset = pool_.lease(file.path);
  const auto& info = asset->info();
  if (!info.grid || *info.grid != file.grid || info.bands.size() < bands_.size())
    throw Error(ErrorCode::corrupt, "the file was replaced by one of another grid or other bands")
        .at({.file = file.path})
        .hint("start the server again");
  return asset;
}

raster::CubeSchema Map::schema_of(const std::vector<size_t>& bands) const {
  raster::CubeSchema schema;
  for (const size_t band : bands) schema.bands.push_back(bands_[band]);
  schema.slices.resize(1);
  schema.validity_per_band = bands.size() > 1;
  return schema;
}

raster::Block Map::tile(const geo::WebTile& tile, int64_t tile_pixels,
                        const std::vector<size_t>& bands) const {
  raster::Block block(schema_of(bands), tile.window(tile_pixels), 0, 1);
  for (const uint32_t i : index_.touching(tile.box()))
    if (add(*files_[i], tile, tile_pixels, bands, block)) break;
  return block;
}

namespace {

// A window of a level with what lies around the image, which is invalid.
struct SourceWindow {
  geo::Window window, image;
  PixelType type;
  std::vector<std::byte> values;  // band by band
  std::vector<uint8_t> valid;     // the same

  size_t pixels() const { return static_cast<size_t>(window.pixels()); }
  const void* plane(size_t band) const {
    return values.data() + band * pixels() * raster::byte_size(type);
  }

  // Rows that were read as a window of their own, to their place in this one.
  void place(const std::byte* rows, size_t bytes, std::byte* to) const {
    const auto row_bytes = static_cast<size_t>(image.width) * bytes;
    for (int64_t y = 0; y < image.height; ++y)
      std::copy_n(
          rows + static_cast<size_t>(y) * row_bytes, row_bytes,
          to + static_cast<size_t>((image.y - window.y + y) * window.width + image.x - window.x) *
                   bytes);
  }
};

void read_values(const raster::Asset& asset, size_t level, const std::vector<int>& numbers,
                 SourceWindow& source) {
  const size_t bytes = raster::byte_size(source.type), plane_bytes = source.pixels() * bytes;
  source.values.assign(numbers.size() * plane_bytes, std::byte{});
  if (source.image == source.window)
    return asset.read_level(level, source.image, numbers, source.type, source.values.data());
  const auto inner_bytes = static_cast<size_t>(source.image.pixels()) * bytes;
  std::vector<std::byte> inner(numbers.size() * inner_bytes);
  asset.read_level(level, source.image, numbers, source.type, inner.data());
  for (size_t b = 0; b < numbers.size(); ++b)
    source.place(inner.data() + b * inner_bytes, bytes, source.values.data() + b * plane_bytes);
}

void read_validity(const raster::Asset& asset, size_t level, const std::vector<int>& numbers,
                   const std::vector<raster::Band>& bands, SourceWindow& source) {
  const size_t pixels = source.pixels();
  std::vector<uint8_t> inside(static_cast<size_t>(source.image.pixels()), 1), plane(pixels, 0);
  const auto& infos = asset.info().bands;
  for (size_t b = 0; b < numbers.size(); ++b) {
    const auto& info = infos[static_cast<size_t>(numbers[b] - 1)];
    if (b == 0 || info.has_mask_band) {
      if (info.has_mask_band) {
        asset.read_level_mask(level, source.image, numbers[b], inside.data());
        for (auto& valid : inside) valid = valid == 0 ? 0 : 1;
      }
      source.place(reinterpret_cast<const std::byte*>(inside.data()), 1,
                   reinterpret_cast<std::byte*>(plane.data()));
    }
    std::copy(plane.begin(), plane.end(),
              source.valid.begin() + static_cast<ptrdiff_t>(b * pixels));
    raster::visit(source.type, [&]<class T>(T) {
      mark_valid(static_cast<const T*>(source.plane(b)), bands[b].nodata, pixels,
                 source.valid.data() + b * pixels);
    });
  }
}

template <class T>
void merge(const std::vector<T>& values, const std::vector<uint8_t>& valid, std::span<T> to,
           std::span<uint8_t> to_valid) {
  for (size_t i = 0; i < values.size(); ++i)
    if (to_valid[i] == 0 && valid[i] != 0) {
      to[i] = values[i];
      to_valid[i] = 1;
    }
}

}  // namespace

bool Map::add(const File& file, const geo::WebTile& tile, int64_t tile_pixels,
              const std::vector<size_t>& bands, raster::Block& block) const {
  const auto world = geo::web_mercator_world(tile.zoom, tile_pixels);
  const auto full = geo::PixelMapping(world, file.grid, file.from_web).scale();
  const size_t level = file.level_for(full);
  const auto grid = file.level_grid(level);
  const auto scale = geo::PixelMapping(world, grid, file.from_web).scale();
  const bool classes = bands_[bands[0]].kind != raster::BandKind::measure;
  const Resampling method = classes ? Resampling::nearest : Resampling::bilinear;
  const raster::Warp warp(world, grid, file.from_web, scale);
  const raster::WarpedWindow warped(warp, block.window(), {&method, 1});
  if (warped.source().pixels() > kMostSourcePixels)
    throw Error(ErrorCode::invalid,
                fmt::format("without overviews the file cannot be drawn at zoom {}", tile.zoom))
        .at({.file = file.path})
        .hint("write it as a Cloud Optimized GeoTIFF: gdal_translate -of COG");
  SourceWindow source{
      warped.source(), warped.source().intersect(grid.window()), bands_[bands[0]].type, {}, {}};
  if (source.image.empty()) return false;
  std::vector<int> numbers;
  std::vector<raster::Band> chosen;
  for (const size_t band : bands) {
    numbers.push_back(static_cast<int>(band) + 1);
    chosen.push_back(bands_[band]);
  }
  auto asset = lease(file);
  source.valid.resize(numbers.size() * source.pixels());
  read_values(*asset, level, numbers, source);
  read_validity(*asset, level, numbers, chosen, source);
  thread_local raster::ResampleScratch scratch;
  bool complete = true;
  raster::visit(source.type, [&]<class T>(T) {
    std::vector<T> values(warped.target_pixels());
    std::vector<uint8_t> valid(warped.target_pixels());
    for (size_t b = 0; b < numbers.size(); ++b) {
      warped.resample(method, source.type, source.plane(b),
                      source.valid.data() + b * source.pixels(), values.data(), valid.data(),
                      scratch);
      const auto to_valid = block.validity(0, b);
      merge<T>(values, valid, block.plane<T>(b, 0), to_valid);
      complete = complete && std::find(to_valid.begin(), to_valid.end(), 0) == to_valid.end();
    }
  });
  return complete;
}

std::optional<std::string> Map::version(const geo::WebTile& tile) const {
  std::string all;
  for (const uint32_t i : index_.touching(tile.box())) {
    const auto version = gdal::local_version(files_[i]->path);
    if (version.empty()) return std::nullopt;
    all += files_[i]->path + " " + version + "\n";
  }
  return all;
}

std::vector<Map::Value> Map::values_at(double lon, double lat) const {
  std::vector<Value> found;
  const auto at = geo::from_lon_lat(geo::web_mercator_world(0, 1).crs, lon, lat);
  constexpr double kPoint_m = 1e-3;
  for (const uint32_t i :
       index_.touching({at.x - kPoint_m, at.y - kPoint_m, at.x + kPoint_m, at.y + kPoint_m})) {
    const auto& file = *files_[i];
    std::array<double, 1> x{at.x}, y{at.y};
    file.from_web.forward(x, y);
    if (!std::isfinite(x[0]) || !std::isfinite(y[0])) continue;
    const auto place = file.grid.position(x[0], y[0]);
    Value value{file.path,
                static_cast<int64_t>(std::floor(place.column)),
                static_cast<int64_t>(std::floor(place.row)),
                {}};
    const geo::Window pixel{value.column, value.row, 1, 1};
    if (!file.grid.window().contains(pixel)) continue;
    const auto asset = lease(file);
    for (size_t band = 0; band < bands_.size(); ++band) {
      SourceWindow source{pixel, pixel, bands_[band].type, {}, std::vector<uint8_t>(1)};
      const std::vector<int> numbers{static_cast<int>(band) + 1};
      read_values(*asset, 0, numbers, source);
      read_validity(*asset, 0, numbers, {bands_[band]}, source);
      value.stored.emplace_back();
      if (source.valid[0] != 0)
        raster::visit(source.type, [&]<class T>(T) {
          value.stored.back() = static_cast<double>(*static_cast<const T*>(source.plane(0)));
        });
    }
    found.push_back(std::move(value));
  }
  return found;
}

}  // namespace geoloom::render
