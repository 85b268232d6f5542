// SPDX-License-Identifier: Apache-2.0
#include "ops/load/series_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "catalog/href.h"
#include "error/error.h"
#include "kernels/reject.h"
#include "ops/load/pixel_reason.h"
#include "store/checksum.h"
#include "tiff/image_reader.h"
#include "workflow/schema_json.h"

namespace geoloom::ops {
namespace {

using raster::PixelType;

raster::AssetPlacement placement_of(const FrozenFile& file, const geo::Grid& area) {
  raster::AssetPlacement placement;
  placement.mapping = geo::nearest_mapping(area, file.grid);
  placement.raster = file.grid.window();
  placement.block_width = file.block_width;
  placement.block_height = file.block_height;
  placement.masked = file.masked;
  return placement;
}

geo::Window window_in_file(const raster::AssetPlacement& placement, const geo::Window& window) {
  return placement.mapping.source_window(window).intersect(placement.raster);
}

// A file's internal blocks on the area's grid: blocks start at origin + k * size.
struct Blocks {
  int64_t width, height, x, y;
  auto operator<=>(const Blocks&) const = default;
};

Blocks blocks_on_area(const raster::AssetPlacement& placement) {
  const auto size = [](int pixels, double scale) {
    return std::max<int64_t>(1, std::llround(pixels / scale));
  };
  const auto origin = [](double offset, double scale, int64_t length) {
    const int64_t start = std::llround(-offset / scale) % length;
    return start < 0 ? start + length : start;
  };
  const auto& m = placement.mapping;
  Blocks blocks{};
  blocks.width = size(placement.block_width, m.column_scale);
  blocks.height = size(placement.block_height, m.row_scale);
  blocks.x = origin(m.column_offset, m.column_scale, blocks.width);
  blocks.y = origin(m.row_offset, m.row_scale, blocks.height);
  return blocks;
}

// A block as it is stored and as it is decoded.
size_t scratch_bytes_of(const FrozenFile& file) {
  size_t sample = 1;
  for (const auto& band : file.bands) sample = std::max(sample, raster::byte_size(band.type));
  const size_t bands = file.share < 1 ? 1 : file.band_count;
  return 2 * static_cast<size_t>(file.block_width) * static_cast<size_t>(file.block_height) *
         bands * sample;
}

// The most common blocks; of equally common ones the largest, in which the others mostly nest.
Blocks most_common(const std::map<Blocks, size_t>& counts) {
  const auto rank = [](const auto& entry) {
    return std::pair(entry.second, entry.first.width * entry.first.height);
  };
  return std::max_element(counts.begin(), counts.end(),
                          [&](const auto& a, const auto& b) { return rank(a) < rank(b); })
      ->first;
}

raster::Slice slice_of(const FrozenScene& scene) {
  raster::Slice slice;
  slice.timed = scene.scene.time.has_value();
  if (slice.timed) slice.period = {*scene.scene.time, *scene.scene.time};
  slice.label = scene.label;
  return slice;
}

template <class T>
std::vector<T> representable(const std::vector<double>& values) {
  std::vector<T> out;
  for (const double value : values) {
    if constexpr (std::is_same_v<T, float>) {
      out.push_back(static_cast<float>(value));
    } else if (raster::holds(raster::pixel_type<T>(), value)) {
      out.push_back(static_cast<T>(value));
    }
  }
  return out;
}

// Turns stored samples into those of the series, in place: the narrow samples stand at the end of
// the plane, so that none is overwritten before it is read.
template <class In, class Out>
uint64_t convert(std::byte* plane, size_t pixels, double gain, double shift, const uint8_t* valid) {
  const std::byte* from = plane + (sizeof(Out) - sizeof(In)) * pixels;
  constexpr double lowest = std::numeric_limits<Out>::lowest();
  constexpr double highest = std::numeric_limits<Out>::max();
  uint64_t clipped = 0;
  for (size_t i = 0; i < pixels; ++i) {
    In stored;
    std::memcpy(&stored, from + i * sizeof(In), sizeof(In));
    double value = static_cast<double>(stored) * gain + shift;
    if constexpr (!std::is_same_v<Out, float>) {
      if (value < lowest || value > highest) {
        clipped += valid[i];
        value = value < lowest ? lowest : highest;
      }
    }
    const Out out = static_cast<Out>(value);
    std::memcpy(plane + i * sizeof(Out), &out, sizeof(Out));
  }
  return clipped;
}

// A scene's bytes and what is made of them: other scenes of the series, and metadata beside the
// files, may change the latter.
std::string identity_of(const FrozenScene& scene, const std::vector<raster::Band>& series) {
  raster::CubeSchema schema;
  schema.bands = series;
  workflow::Json bands = workflow::Json::array();
  for (const auto& file : scene.files)
    for (const auto& band : file.bands)
      bands.push_back({band.target == kMaskTarget ? -1 : static_cast<int>(band.target), band.number,
                       band.gain, band.shift,
                       band.nodata ? workflow::number_to_json(*band.nodata) : workflow::Json()});
  return workflow::Json{{"scene", scene.scene.identity},
                        {"time", scene.scene.time ? workflow::Json(*scene.scene.time) : nullptr},
                        {"read", bands},
                        {"as", store::sha256_hex(workflow::schema_to_json(schema).dump())}}
      .dump();
}

// One scene into one slice of a block.
class SceneReader {
 public:
  SceneReader(const FrozenScene& scene, const std::vector<raster::AssetPlacement>& placements,
              const LoadParameters& parameters, raster::Block& block, size_t slice)
      : scene_(scene),
        placements_(placements),
        parameters_(parameters),
        block_(block),
        slice_(slice),
        valid_(block.validity(slice).data()) {}

  workflow::ReadCounts read(raster::AssetPool& pool) {
    for (size_t f = 0; f < scene_.files.size(); ++f) read_file(f, pool);
    if (parameters_.mask) apply_mask();
    if (parameters_.reject) apply_reject();
    return bring_to_one();
  }

 private:
  size_t pixels() const { return block_.pixels(); }

  // Where a band's stored samples go: the end of its plane.
  std::byte* stored_plane(const FrozenBand& band) const {
    auto* plane = static_cast<std::byte*>(block_.raw_plane(band.target, slice_));
    const size_t wide = raster::byte_size(block_.type(band.target));
    return plane + (wide - raster::byte_size(band.type)) * pixels();
  }

  void* plane_of(const FrozenBand& band) {
    if (band.target != kMaskTarget) return stored_plane(band);
    mask_type_ = band.type;
    mask_.resize(pixels() * raster::byte_size(band.type));
    return mask_.data();
  }

  // A pixel of a slice is valid where all bands and the mask are.
  void read_file(size_t f, raster::AssetPool& pool) {
    const FrozenFile& file = scene_.files[f];
    uint8_t* valid = valid_;
    if (f > 0) {
      file_valid_.resize(pixels());
      valid = file_valid_.data();
    }
    std::vector<raster::AssetBand> bands;
    std::vector<void*> planes;
    for (const auto& band : file.bands) {
      bands.push_back({band.number, band.type, band.nodata});
      planes.push_back(plane_of(band));
    }
    auto lease = pool.lease(file.path);
    try {
      check_unchanged(lease->info(), file);
      raster::read_asset(*lease, placements_[f], block_.window(), bands, planes,
                         std::vector<uint8_t*>(bands.size(), valid));
    } catch (...) {
      lease.discard();
      throw;
    }
    if (f == 0) return;
    for (size_t i = 0; i < pixels(); ++i) valid_[i] &= valid[i];
  }

  static void check_unchanged(const gdal::RasterInfo& info, const FrozenFile& file) {
    std::string what;
    if (info.width != file.grid.width || info.height != file.grid.height)
      what = fmt::format("{} x {} pixels instead of {} x {}", info.width, info.height,
                         file.grid.width, file.grid.height);
    else if (info.bands.size() != file.band_count)
      what = fmt::format("{} bands instead of {}", info.bands.size(), file.band_count);
    else if (!info.grid || info.grid->origin_x != file.grid.origin_x ||
             info.grid->origin_y != file.grid.origin_y)
      what = "it lies elsewhere";
    for (const auto& band : file.bands) {
      if (!what.empty()) break;
      const auto type =
          raster::pixel_type_of(info.bands[static_cast<size_t>(band.number - 1)].type);
      if (type != band.type)
        what = fmt::format("band {} is {} instead of {}", band.number, raster::name(type),
                           raster::name(band.type));
    }
    if (what.empty()) return;
    throw Error(ErrorCode::corrupt, "the file changed since the run was created: " + what)
        .at({.file = file.path})
        .hint("create a new run");
  }

  void apply_mask() {
    const auto& mask = *parameters_.mask;
    const std::vector<double> listed(mask.listed().begin(), mask.listed().end());
    raster::visit(mask_type_, [&]<class T>(T) {
      const auto classes = representable<T>(listed);
      kernels::apply_class_mask(reinterpret_cast<const T*>(mask_.data()), pixels(), classes.data(),
                                classes.size(), mask.listed_are_kept(), valid_);
    });
  }

  // Values are those stored in the files: before scale, offset and any shift.
  void apply_reject() {
    for (const auto type :
         {PixelType::uint8, PixelType::uint16, PixelType::int16, PixelType::float32}) {
      raster::visit(type, [&]<class T>(T) {
        std::vector<const T*> planes;
        for (const auto& file : scene_.files)
          for (const auto& band : file.bands)
            if (band.target != kMaskTarget && band.type == type)
              planes.push_back(reinterpret_cast<const T*>(stored_plane(band)));
        const auto values = representable<T>(parameters_.reject->any_band_in);
        if (!planes.empty() && !values.empty())
          kernels::reject_any_band_in(planes.data(), planes.size(), values.data(), values.size(),
                                      pixels(), valid_);
      });
    }
  }

  workflow::ReadCounts bring_to_one() {
    workflow::ReadCounts counts;
    for (const auto& file : scene_.files) {
      for (const auto& band : file.bands) {
        if (band.target == kMaskTarget) continue;
        const auto wanted = block_.type(band.target);
        if (band.gain == 1 && band.shift == 0 && band.type == wanted) continue;
        auto* plane = static_cast<std::byte*>(block_.raw_plane(band.target, slice_));
        raster::visit(band.type, [&]<class In>(In) {
          raster::visit(wanted, [&]<class Out>(Out) {
            if constexpr (sizeof(Out) >= sizeof(In))
              counts.clipped += convert<In, Out>(plane, pixels(), band.gain, band.shift, valid_);
          });
        });
      }
    }
    return counts;
  }

  const FrozenScene& scene_;
  const std::vector<raster::AssetPlacement>& placements_;
  const LoadParameters& parameters_;
  raster::Block& block_;
  const size_t slice_;
  uint8_t* const valid_;
  std::vector<uint8_t> file_valid_;
  PixelType mask_type_ = PixelType::uint8;
  std::vector<std::byte> mask_;
};

}  // namespace

SeriesSource::SeriesSource(FrozenSeries series, LoadParameters parameters,
                           const std::vector<workflow::Zone>& zones)
    : series_(std::move(series)), parameters_(std::move(parameters)) {
  for (const auto& scene : series_.scenes) identities_.push_back(identity_of(scene, series_.bands));
  for (const auto& zone : zones) {
    auto& placed = placed_.emplace_back();
    for (size_t s = 0; s < series_.scenes.size(); ++s) {
      const auto& files = series_.scenes[s].files;
      const bool nests = std::all_of(files.begin(), files.end(), [&](const auto& file) {
        return file.grid.crs == zone.grid.crs;
      });
      if (!nests) continue;
      auto& scene = placed.emplace_back(PlacedScene{s, {}});
      for (const auto& file : files) scene.files.push_back(placement_of(file, zone.grid));
    }
  }
}

workflow::SourceItem SeriesSource::plan(const workflow::Item& item, const workflow::Layers*) const {
  workflow::SourceItem plan;
  plan.zone = item.zone;
  plan.schema.bands = series_.bands;
  plan.dropped = series_.dropped;
  std::map<Blocks, size_t> blocks;
  double bytes = 0;
  const auto& placed = placed_.at(item.zone);
  for (size_t p = 0; p < placed.size(); ++p) {
    const auto& placements = placed[p].files;
    const auto& scene = series_.scenes[placed[p].scene];
    double scene_bytes = 0;
    bool touches = true;
    for (size_t f = 0; f < scene.files.size() && touches; ++f) {
      const auto& placement = placements[f];
      const auto part = window_in_file(placement, item.window);
      touches = !part.empty();
      scene_bytes += static_cast<double>(scene.files[f].bytes) * scene.files[f].share *
                     static_cast<double>(part.pixels()) /
                     static_cast<double>(std::max<int64_t>(1, placement.raster.pixels()));
    }
    if (!touches) continue;  // nowhere valid: a pixel needs all files
    bytes += scene_bytes;
    for (size_t f = 0; f < scene.files.size(); ++f) {
      if (!scene.files[f].only_mask()) ++blocks[blocks_on_area(placements[f])];
      plan.scratch_bytes = std::max(plan.scratch_bytes, scratch_bytes_of(scene.files[f]));
    }
    plan.schema.slices.push_back(slice_of(scene));
    plan.members.push_back(p);
    plan.identities.push_back(identities_[placed[p].scene]);
  }
  plan.stored_bytes = static_cast<uint64_t>(bytes);
  plan.remote = remote();
  // What one request brings, as the answer and as the blocks to decode.
  if (plan.remote && !plan.members.empty())
    plan.scratch_bytes +=
        2 * std::min<size_t>(tiff::kMostRequestedBytes, plan.stored_bytes / plan.members.size());
  plan.scratch_bytes_per_pixel = 1 + (parameters_.mask ? 2 : 0);
  if (blocks.empty()) return plan;
  const Blocks common = most_common(blocks);
  plan.block_width = common.width;
  plan.block_height = common.height;
  plan.block_origin_x = common.x;
  plan.block_origin_y = common.y;
  return plan;
}

bool SeriesSource::remote() const {
  return std::any_of(series_.scenes.begin(), series_.scenes.end(), [](const auto& scene) {
    return std::any_of(scene.files.begin(), scene.files.end(),
                       [](const auto& file) { return catalog::is_remote(file.path); });
  });
}

workflow::ReadCounts SeriesSource::read(const workflow::SourceItem& plan, size_t member,
                                        raster::Block& block, size_t slice,
                                        raster::AssetPool& pool) const {
  const auto& [index, placements] = placed(plan, member);
  const auto& scene = series_.scenes[index];
  try {
    return SceneReader(scene, placements, parameters_, block, slice).read(pool);
  } catch (Error& error) {
    error.at({.scene = scene.label});
    throw;
  }
}

workflow::PixelReport SeriesSource::explain(const workflow::SourceItem& plan, size_t index,
                                            int64_t x, int64_t y, raster::AssetPool& pool) const {
  const auto& [scene_index, placements] = placed(plan, plan.members.at(index));
  const auto& scene = series_.scenes[scene_index];
  try {
    return explain_pixel(scene, placements, series_.bands, parameters_, x, y, pool);
  } catch (Error& error) {
    error.at({.scene = scene.label});
    throw;
  }
}

}  // namespace geoloom::ops
