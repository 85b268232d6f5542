// SPDX-License-Identifier: Apache-2.0
#include "ops/load/scene_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "error/error.h"
#include "kernels/reject.h"
#include "kernels/validity.h"
#include "raster/asset_reader.h"

namespace geoloom::ops {
namespace {

using raster::PixelType;
using raster::Resampling;

// What a warp holds of a source at a time, about: a larger window is warped in parts.
constexpr size_t kWarpBytes = size_t{24} << 20;

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

size_t warp_bytes_per_source_pixel(const FrozenFile& file) {
  size_t bytes = 2 + raster::kWarpBytesPerSourcePixel;  // its validity and that of its mask
  for (const auto& band : file.bands)
    if (band.target != kMaskTarget) bytes += raster::byte_size(band.type);
  return bytes;
}

int64_t most_source_pixels(const FrozenFile& file) {
  return static_cast<int64_t>(kWarpBytes / warp_bytes_per_source_pixel(file));
}

// Clears pixels in which a band holds one of the values.
void reject(const Reject& rule, const std::vector<std::pair<PixelType, const void*>>& planes,
            size_t pixels, uint8_t* valid) {
  for (const auto type :
       {PixelType::uint8, PixelType::uint16, PixelType::int16, PixelType::float32}) {
    raster::visit(type, [&]<class T>(T) {
      std::vector<const T*> of_type;
      for (const auto& [its_type, plane] : planes)
        if (its_type == type) of_type.push_back(static_cast<const T*>(plane));
      const auto values = representable<T>(rule.any_band_in);
      if (!of_type.empty() && !values.empty())
        kernels::reject_any_band_in(of_type.data(), of_type.size(), values.data(), values.size(),
                                    pixels, valid);
    });
  }
}

// A dense part of a plane into its place.
void copy_rows(const std::byte* from, size_t sample, const geo::Window& part, std::byte* to,
               const geo::Window& whole) {
  const auto row = static_cast<size_t>(part.width) * sample;
  for (int64_t y = 0; y < part.height; ++y)
    std::memcpy(
        to + static_cast<size_t>((part.y + y - whole.y) * whole.width + part.x - whole.x) * sample,
        from + static_cast<size_t>(y) * row, row);
}

}  // namespace

PlacedFile placed_file(const FrozenFile& file, size_t zone, const geo::Grid& grid) {
  PlacedFile placed{file.own_pixels(), file.warp_for(zone)};
  if (placed.warp == nullptr) placed.placement.mapping = geo::nearest_mapping(grid, file.grid);
  return placed;
}

size_t warp_scratch_bytes(const FrozenFile& file) {
  // What cannot be cut further: 64 x 64 pixels of the target.
  double fewest = 0;
  for (const auto& warp : file.warps)
    fewest = std::max(fewest, 64.0 * 64 * warp.scale.columns * warp.scale.rows);
  const auto pixels = std::max(most_source_pixels(file), static_cast<int64_t>(fewest));
  return file.warps.empty() ? 0 : static_cast<size_t>(pixels) * warp_bytes_per_source_pixel(file);
}

SceneReader::SceneReader(const FrozenScene& scene, const std::vector<PlacedFile>& files,
                         const LoadParameters& parameters, size_t zone, const geo::Grid& grid,
                         raster::Block& block, size_t slice)
    : scene_(scene),
      files_(files),
      parameters_(parameters),
      zone_(zone),
      grid_(grid),
      block_(block),
      slice_(slice),
      valid_(block.validity(slice).data()) {}

void SceneReader::with_rules(Rules rules, size_t rule) {
  rules_ = rules;
  rule_ = rule;
}

// Files that are warped together: they share one grid, and so the places of pixels.
struct SceneReader::WarpGroup {
  std::vector<size_t> files;
  std::vector<Resampling> methods;  // each once
};

workflow::ReadCounts SceneReader::read(raster::AssetPool& pool, ReadScratch& scratch) {
  MaskReader masks(scene_, parameters_.mask, zone_, grid_, pool);
  if (rules_ == Rules::one) masks.only(rule_);
  const bool masked = !parameters_.mask.empty() && rules_ != Rules::none;
  bool nested = false;
  for (size_t f = 0; f < scene_.files.size(); ++f) {
    if (scene_.files[f].only_mask()) continue;
    if (files_[f].warp == nullptr) read_nested(f, pool, masks);
    nested = nested || files_[f].warp == nullptr;
  }
  if (nested && masked) {
    for (size_t f = 0; f < scene_.files.size(); ++f)
      if (scene_.files[f].only_mask() && files_[f].warp == nullptr) read_nested(f, pool, masks);
    masks.erase_on_zone(block_.window(), valid_);
  }
  if (nested && parameters_.reject && reject_) apply_reject();
  if (!started_) std::memset(valid_, 1, pixels());
  for (const auto& group : warp_groups()) read_group(group, pool, masks, scratch);
  return bring_to_one();
}

// Where a band's stored samples go: the end of its plane.
std::byte* SceneReader::stored_plane(const FrozenBand& band) const {
  auto* plane = static_cast<std::byte*>(block_.raw_plane(band.target, slice_));
  const size_t wide = raster::byte_size(block_.type(band.target));
  return plane + (wide - raster::byte_size(band.type)) * pixels();
}

// Bands that mask and are looked up pixel by pixel are read like the others.
bool SceneReader::reads_on_zone(const FrozenFile& file, const FrozenBand& band,
                                const MaskReader& masks) const {
  if (band.target != kMaskTarget) return true;
  return rules_ != Rules::none && masks.is_plain(file, band);
}

// A pixel of a slice is valid where all bands and the mask are.
void SceneReader::read_nested(size_t f, raster::AssetPool& pool, const MaskReader& masks) {
  const FrozenFile& file = scene_.files[f];
  uint8_t* valid = valid_;
  if (started_) {
    file_valid_.resize(pixels());
    valid = file_valid_.data();
  }
  std::vector<raster::AssetBand> bands;
  std::vector<void*> planes;
  std::vector<std::pair<const FrozenBand*, std::unique_ptr<std::byte[]>>> looked_up;
  for (const auto& band : file.bands) {
    if (!reads_on_zone(file, band, masks)) continue;
    bands.push_back({band.number, band.type, band.nodata});
    if (band.target != kMaskTarget) {
      planes.push_back(stored_plane(band));
      continue;
    }
    const size_t bytes = pixels() * raster::byte_size(band.type);
    looked_up.emplace_back(&band, std::make_unique<std::byte[]>(bytes));
    planes.push_back(looked_up.back().second.get());
  }
  if (bands.empty()) return;
  auto lease = pool.lease(file.path);
  try {
    file.check_unchanged(lease->info());
    raster::read_asset(*lease, files_[f].placement, block_.window(), bands, planes,
                       std::vector<uint8_t*>(bands.size(), valid));
  } catch (...) {
    lease.discard();
    throw;
  }
  if (started_) kernels::keep_where(valid, pixels(), valid_);
  started_ = true;
  for (const auto& [band, samples] : looked_up)
    masks.apply_plain(*band, samples.get(), pixels(), valid_);
}

// Values are those stored in the files: before scale, offset and any shift.
void SceneReader::apply_reject() {
  std::vector<std::pair<PixelType, const void*>> planes;
  for (size_t f = 0; f < scene_.files.size(); ++f)
    for (const auto& band : scene_.files[f].bands)
      if (files_[f].warp == nullptr && band.target != kMaskTarget)
        planes.emplace_back(band.type, stored_plane(band));
  reject(*parameters_.reject, planes, pixels(), valid_);
}

std::vector<SceneReader::WarpGroup> SceneReader::warp_groups() const {
  std::vector<WarpGroup> groups;
  for (size_t f = 0; f < scene_.files.size(); ++f) {
    const FrozenFile& file = scene_.files[f];
    if (file.only_mask() || files_[f].warp == nullptr) continue;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const WarpGroup& known) {
      const size_t other = known.files.front();
      return scene_.files[other].grid == file.grid &&
             files_[other].warp->operation == files_[f].warp->operation &&
             files_[other].warp->scale == files_[f].warp->scale;
    });
    if (group == groups.end()) group = groups.insert(groups.end(), WarpGroup{});
    group->files.push_back(f);
    for (size_t b = 0; b < file.bands.size(); ++b) {
      const Resampling method = files_[f].warp->methods[b];
      const bool known =
          std::find(group->methods.begin(), group->methods.end(), method) != group->methods.end();
      if (file.bands[b].target != kMaskTarget && !known) group->methods.push_back(method);
    }
  }
  return groups;
}

void SceneReader::read_group(const WarpGroup& group, raster::AssetPool& pool,
                             const MaskReader& masks, ReadScratch& scratch) {
  int64_t most = std::numeric_limits<int64_t>::max();
  for (const size_t f : group.files) most = std::min(most, most_source_pixels(scene_.files[f]));
  const size_t first = group.files.front();
  const raster::Warp warp(grid_, scene_.files[first].grid, files_[first].warp->operation,
                          files_[first].warp->scale);
  for (const auto& part : warp.parts(block_.window(), most)) {
    const auto& warped = scratch.windows.get(grid_, scene_.files[first].grid, *files_[first].warp,
                                             warp, part, group.methods);
    std::vector<uint8_t> usable;
    if (!parameters_.mask.empty() && rules_ != Rules::none && !warped.source().empty()) {
      usable.assign(static_cast<size_t>(warped.source().pixels()), 1);
      masks.erase_on_file(scene_.files[first], warped.source(), usable.data());
    }
    for (const size_t f : group.files) resample_file(f, warped, part, usable, pool, scratch);
  }
}

// Reads what a part of the block needs of a file, takes out what is not usable, and resamples it.
void SceneReader::resample_file(size_t f, const raster::WarpedWindow& warped,
                                const geo::Window& part, const std::vector<uint8_t>& usable,
                                raster::AssetPool& pool, ReadScratch& scratch) {
  const FrozenFile& file = scene_.files[f];
  const auto source_pixels = static_cast<size_t>(warped.source().pixels());
  std::vector<raster::AssetBand> bands;
  std::vector<size_t> indices;
  std::vector<void*> to;
  if (scratch.planes.size() < file.bands.size()) scratch.planes.resize(file.bands.size());
  for (size_t b = 0; b < file.bands.size(); ++b) {
    const auto& band = file.bands[b];
    if (band.target == kMaskTarget) continue;
    bands.push_back({band.number, band.type, band.nodata});
    indices.push_back(b);
    auto* const plane =
        scratch.planes[b].get<std::byte>(source_pixels * raster::byte_size(band.type));
    to.push_back(plane);
  }
  auto* const valid = scratch.valid.get<uint8_t>(source_pixels);
  if (source_pixels > 0) {
    auto lease = pool.lease(file.path);
    try {
      file.check_unchanged(lease->info());
      raster::read_asset(*lease, file.own_pixels(), warped.source(), bands, to,
                         std::vector<uint8_t*>(bands.size(), valid));
    } catch (...) {
      lease.discard();
      throw;
    }
    kernels::keep_where(usable.data(), usable.size(), valid);
    if (parameters_.reject && reject_) {
      std::vector<std::pair<PixelType, const void*>> stored;
      for (size_t i = 0; i < bands.size(); ++i) stored.emplace_back(bands[i].type, to[i]);
      reject(*parameters_.reject, stored, source_pixels, valid);
    }
  }
  const auto pixels_of_part = static_cast<size_t>(part.pixels());
  const bool whole = part == block_.window();
  auto* const part_valid = scratch.part_valid.get<uint8_t>(pixels_of_part);
  for (size_t i = 0; i < bands.size(); ++i) {
    const FrozenBand& band = file.bands[indices[i]];
    const size_t sample = raster::byte_size(band.type);
    std::byte* const plane = stored_plane(band);
    auto* const resampled =
        whole ? plane : scratch.resampled.get<std::byte>(pixels_of_part * sample);
    warped.resample(files_[f].warp->methods[indices[i]], band.type, to[i], valid, resampled,
                    part_valid, scratch.resampling);
    if (!whole) copy_rows(resampled, sample, part, plane, block_.window());
    for (int64_t y = 0; y < part.height; ++y) {
      uint8_t* row = valid_ + (part.y + y - block_.window().y) * block_.window().width + part.x -
                     block_.window().x;
      const uint8_t* from = part_valid + y * part.width;
      kernels::keep_where(from, static_cast<size_t>(part.width), row);
    }
  }
}

// Valid ones in the part that counts.
std::vector<uint8_t> SceneReader::counted_pixels() const {
  const auto& window = block_.window();
  std::vector<uint8_t> counted(pixels(), 0);
  for (int64_t y = counted_->y; y < counted_->bottom(); ++y) {
    const auto at = (y - window.y) * window.width + counted_->x - window.x;
    std::copy_n(valid_ + at, counted_->width, counted.data() + at);
  }
  return counted;
}

workflow::ReadCounts SceneReader::bring_to_one() {
  workflow::ReadCounts counts;
  const bool in_part = counted_ && !(*counted_ == block_.window());
  const std::vector<uint8_t> part = in_part ? counted_pixels() : std::vector<uint8_t>();
  const uint8_t* const counted = in_part ? part.data() : valid_;
  for (const auto& file : scene_.files) {
    for (const auto& band : file.bands) {
      if (band.target == kMaskTarget) continue;
      const auto wanted = block_.type(band.target);
      if (band.gain == 1 && band.shift == 0 && band.type == wanted) continue;
      auto* plane = static_cast<std::byte*>(block_.raw_plane(band.target, slice_));
      raster::visit(band.type, [&]<class In>(In) {
        raster::visit(wanted, [&]<class Out>(Out) {
          if constexpr (sizeof(Out) >= sizeof(In))
            counts.clipped += convert<In, Out>(plane, pixels(), band.gain, band.shift, counted);
        });
      });
    }
  }
  return counts;
}

}  // namespace geoloom::ops
