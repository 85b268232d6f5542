// SPDX-License-Identifier: Apache-2.0
#include "ops/load/mask_reader.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "error/error.h"
#include "kernels/validity.h"
#include "ops/load/plane_window.h"
#include "ops/load/scene_shadows.h"
#include "raster/asset_reader.h"

namespace geoloom::ops {
namespace {

using raster::Resampling;

// Pixels of a mask that are held at a time, halo aside.
constexpr int64_t kMostMaskPixels = int64_t{4} << 20;
// Samples, their validity, planes of rules, and what cleaning and shadows take.
constexpr size_t kMaskBytesPerPixel = 10;

}  // namespace

namespace {

struct Halo {
  int64_t left = 0, top = 0, right = 0, bottom = 0;
  geo::Window around(const geo::Window& window) const {
    return {window.x - left, window.y - top, window.width + left + right,
            window.height + top + bottom};
  }
  void add(const kernels::CleaningHalo& halo) {
    left += halo.columns;
    right += halo.columns;
    top += halo.rows;
    bottom += halo.rows;
  }
};

// A rule on the pixels of the band that it looks up: what is made of the samples that it marks.
class RuleOnMask {
 public:
  RuleOnMask(const MaskRule& rule, const FrozenScene& scene, const FrozenFile& file)
      : looked_up_(*rule.looked_up()), cleaning_(looked_up_.cleaning(file.grid)) {
    halo_.add(kernels::cleaning_halo(cleaning_));
    if (!rule.cloud_shadow) return;
    shifts_ = shadow_shifts(*rule.cloud_shadow, scene.sun.value(), file.grid);
    const auto shifted = kernels::shadow_halo(*shifts_);
    halo_.left += shifted.left;
    halo_.top += shifted.top;
    halo_.right += shifted.right;
    halo_.bottom += shifted.bottom;
    // With a condition, what is left of shadows is cleaned on the pixels of the area.
    if (!rule.condition().empty()) return;
    shadow_cleaning_ = cleaning_on(rule.clean, file.grid, "pixels of the mask");
    halo_.add(kernels::cleaning_halo(shadow_cleaning_));
  }

  const BandRule& looked_up() const { return looked_up_; }
  const Halo& halo() const { return halo_; }

  // From marked samples, 1 or 0, to what the rule takes out; right but for a rim as wide as the
  // halo.
  void finish(std::vector<uint8_t>& marked, const geo::Window& window) const {
    const auto width = static_cast<size_t>(window.width),
               height = static_cast<size_t>(window.height);
    kernels::clean_mask(marked.data(), width, height, cleaning_);
    if (!shifts_) return;
    std::vector<uint8_t> shadows(marked.size());
    kernels::cast_shadows(marked.data(), width, height, *shifts_, shadows.data());
    for (size_t i = 0; i < shadows.size(); ++i)  // a cloud is no shadow
      shadows[i] &= static_cast<uint8_t>(marked[i] ^ 1U);
    kernels::clean_mask(shadows.data(), width, height, shadow_cleaning_);
    marked.swap(shadows);
  }

 private:
  const BandRule& looked_up_;
  std::vector<kernels::CleaningStep> cleaning_, shadow_cleaning_;
  std::optional<std::vector<kernels::PixelShift>> shifts_;
  Halo halo_;
};

Halo halo_of(const std::vector<RuleOnMask>& rules) {
  Halo most;
  for (const auto& rule : rules) {
    const auto& halo = rule.halo();
    most = {std::max(most.left, halo.left), std::max(most.top, halo.top),
            std::max(most.right, halo.right), std::max(most.bottom, halo.bottom)};
  }
  return most;
}

}  // namespace

// How the pixels of a window find their pixels of a mask.
struct MaskReader::Lookup {
  geo::Window window;  // of the pixels that are masked
  std::optional<geo::NearestMapping> nested;
  std::optional<raster::Warp> warp;

  Lookup(const geo::Grid& onto, const geo::Window& w, const FrozenFile& mask,
         const FrozenWarp* frozen)
      : window(w) {
    if (frozen != nullptr)
      warp.emplace(onto, mask.grid, frozen->operation, frozen->scale);
    else if (geo::why_not_nested(onto, mask.grid).empty())
      nested = geo::nearest_mapping(onto, mask.grid);
    else
      warp.emplace(onto, mask.grid, geo::CoordinateOperation(), geo::PixelScale());
  }

  geo::Window mask_window(const geo::Window& part, const geo::Window& image) const {
    return nested ? nested->source_window(part).intersect(image) : warp->rough_source_window(part);
  }
};

std::vector<const MaskRule*> MaskReader::rules_of(const FrozenBand& band) const {
  const auto name = rules_.bands().at(band.mask);
  std::vector<const MaskRule*> out;
  for (size_t i = 0; i < rules_.rules.size(); ++i) {
    const auto* const looked_up = rules_.rules[i].looked_up();
    if (looked_up != nullptr && looked_up->band == name && (!only_ || *only_ == i))
      out.push_back(&rules_.rules[i]);
  }
  return out;
}

bool MaskReader::is_plain(const FrozenFile& file, const FrozenBand& band) const {
  const auto rules = rules_of(band);
  return !rules.empty() && geo::why_not_nested(grid_, file.grid).empty() &&
         std::all_of(rules.begin(), rules.end(), [this](const MaskRule* rule) {
           return !decides(*rule) || (rule->of_a_band() && rule->clean.empty());
         });
}

void MaskReader::apply_plain(const FrozenBand& band, const void* samples, size_t pixels,
                             uint8_t* valid) const {
  for (const MaskRule* rule : rules_of(band))
    if (decides(*rule)) rule->clear(band.type, samples, pixels, valid);
}

// A window of the mask's own pixels: 1 where they are valid and no rule takes them out. Samples
// beyond the image and invalid ones are not masked as far as their neighbours are concerned.
std::vector<uint8_t> MaskReader::usable(const FrozenFile& file, const FrozenBand& band,
                                        const geo::Window& window) const {
  std::vector<RuleOnMask> rules;
  for (const MaskRule* rule : rules_of(band))
    if (decides(*rule)) rules.emplace_back(*rule, scene_, file);
  const geo::Window wide = halo_of(rules).around(window);
  const auto pixels = static_cast<size_t>(wide.pixels());
  std::vector<std::byte> samples(pixels * raster::byte_size(band.type));
  std::vector<uint8_t> valid(pixels), unusable(pixels, 0), by_rule;
  auto lease = pool_.lease(file.path);
  try {
    file.check_unchanged(lease->info());
    raster::read_asset(*lease, file.own_pixels(), wide, {{band.number, band.type, band.nodata}},
                       {samples.data()}, {valid.data()});
  } catch (...) {
    lease.discard();
    throw;
  }
  for (const auto& rule : rules) {
    by_rule.assign(pixels, 0);
    rule.looked_up().mark(band.type, samples.data(), pixels, by_rule.data());
    kernels::keep_where(valid.data(), pixels, by_rule.data());
    rule.finish(by_rule, wide);
    for (size_t i = 0; i < pixels; ++i) unusable[i] |= by_rule[i];
  }
  for (size_t i = 0; i < pixels; ++i)
    valid[i] = static_cast<uint8_t>(valid[i] & (unusable[i] ^ 1U));
  return part_of(valid, wide, window);
}

std::vector<uint8_t> MaskReader::in_shadow(size_t rule, const geo::Window& window) const {
  MaskReader reader(scene_, rules_, zone_, grid_, pool_);
  reader.only(rule);
  reader.in_shadow_ = true;
  std::vector<uint8_t> plane(static_cast<size_t>(window.pixels()), 1);
  reader.erase_on_zone(window, plane.data());
  for (auto& pixel : plane) pixel ^= 1U;
  return plane;
}

size_t MaskReader::halo_bytes(const FrozenScene& scene, const MaskRules& rules, size_t zone,
                              const geo::Grid& grid, const geo::Window& largest) {
  size_t most = 0;
  for (const auto& file : scene.files)
    for (const auto& rule : rules.rules) {
      const bool alone = !rule.cloud_shadow && rule.clean.empty();
      if (alone || !holds_looked_up(file, rules, rule)) continue;
      const auto* const warp = file.warp_for(zone);
      const double across = warp != nullptr ? warp->scale.columns
                                            : grid.pixel_width / file.grid.pixel_width,
                   down = warp != nullptr ? warp->scale.rows
                                          : grid.pixel_height / file.grid.pixel_height;
      const RuleOnMask on_mask(rule, scene, file);
      const auto columns = static_cast<int64_t>(static_cast<double>(largest.width) * across) + 1;
      const int64_t rows =
          std::min(static_cast<int64_t>(static_cast<double>(largest.height) * down) + 1,
                   kMostMaskPixels / columns + 1);
      const auto wide = on_mask.halo().around({0, 0, columns, rows});
      most =
          std::max(most, static_cast<size_t>(wide.pixels() - columns * rows) * kMaskBytesPerPixel);
    }
  return most;
}

void MaskReader::erase(const FrozenFile& file, const FrozenBand& band, const Lookup& lookup,
                       uint8_t* valid) const {
  const geo::Window& window = lookup.window;
  const geo::Window needed = lookup.mask_window(window, file.grid.window());
  if (needed.pixels() > kMostMaskPixels && window.height > 1) {
    Lookup upper = lookup, lower = lookup;
    upper.window.height = window.height / 2;
    lower.window.y += upper.window.height;
    lower.window.height -= upper.window.height;
    erase(file, band, upper, valid);
    return erase(file, band, lower, valid + upper.window.pixels());
  }
  const auto pixels = static_cast<size_t>(window.pixels());
  if (needed.empty()) {
    std::memset(valid, 0, pixels);
    return;
  }
  if (lookup.nested) {
    const auto plane = usable(file, band, needed);
    for (int64_t y = window.y; y < window.bottom(); ++y) {
      const int64_t row = lookup.nested->source_row(y) - needed.y;
      for (int64_t x = window.x; x < window.right(); ++x, ++valid) {
        const int64_t column = lookup.nested->source_column(x) - needed.x;
        const bool on_mask =
            row >= 0 && column >= 0 && row < needed.height && column < needed.width;
        *valid &= on_mask ? plane[static_cast<size_t>(row * needed.width + column)] : uint8_t{0};
      }
    }
    return;
  }
  constexpr std::array kNearest{Resampling::nearest};
  const raster::WarpedWindow warped(*lookup.warp, window, kNearest);
  std::vector<uint8_t> plane, carried(pixels), on_mask(pixels);
  raster::ResampleScratch scratch;
  if (!warped.source().empty()) plane = usable(file, band, warped.source());
  warped.resample(Resampling::nearest, raster::PixelType::uint8, plane.data(), plane.data(),
                  carried.data(), on_mask.data(), scratch);
  kernels::keep_where(on_mask.data(), pixels, valid);
}

const FrozenWarp* MaskReader::mask_warp(const FrozenFile& file) const {
  return geo::why_not_nested(grid_, file.grid).empty() ? nullptr : file.warp_for(zone_);
}

void MaskReader::erase_on_zone(const geo::Window& window, uint8_t* valid) const {
  for (const auto& file : scene_.files)
    for (const auto& band : file.bands)
      if (band.target == kMaskTarget && !rules_of(band).empty() && !is_plain(file, band))
        erase(file, band, Lookup(grid_, window, file, mask_warp(file)), valid);
}

void MaskReader::erase_on_file(const FrozenFile& onto, const geo::Window& window,
                               uint8_t* valid) const {
  for (const auto& file : scene_.files)
    for (const auto& band : file.bands)
      if (band.target == kMaskTarget && !rules_of(band).empty())
        erase(file, band, Lookup(onto.grid, window, file, nullptr), valid);
}

std::optional<double> MaskReader::sample_on_zone(const FrozenFile& file, const FrozenBand& band,
                                                 int64_t x, int64_t y) const {
  const geo::Window pixel{x, y, 1, 1};
  const Lookup lookup(grid_, pixel, file, mask_warp(file));
  geo::Window source;
  if (lookup.nested) {
    source = lookup.nested->source_window(pixel).intersect(file.grid.window());
  } else {
    constexpr std::array kNearest{Resampling::nearest};
    source = raster::WarpedWindow(*lookup.warp, pixel, kNearest).source();
  }
  if (source.empty()) return std::nullopt;
  source = {source.x, source.y, 1, 1};
  auto lease = pool_.lease(file.path);
  return raster::visit(band.type, [&]<class T>(T) -> std::optional<double> {
    T value{};
    uint8_t valid = 0;
    raster::read_asset(*lease, file.own_pixels(), source, {{band.number, band.type, band.nodata}},
                       {&value}, {&valid});
    if (valid == 0) return std::nullopt;
    return static_cast<double>(value);
  });
}

}  // namespace geoloom::ops
