// SPDX-License-Identifier: Apache-2.0
#include "ops/load/pixel_reason.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace geoloom::ops {
namespace {

// One stored sample.
struct Sample {
  std::string name;
  FrozenBand band;
  double stored = 0;
  bool valid = false;
  bool inside = false;
};

Sample read_sample(const FrozenBand& band, const raster::AssetPlacement& placement, int64_t x,
                   int64_t y, const raster::Asset& asset) {
  Sample sample;
  sample.band = band;
  const geo::Window pixel{x, y, 1, 1};
  sample.inside = !placement.mapping.source_window(pixel).intersect(placement.raster).empty();
  raster::visit(band.type, [&]<class T>(T) {
    T value{};
    uint8_t valid = 0;
    raster::read_asset(asset, placement, pixel, {{band.number, band.type, band.nodata}}, {&value},
                       {&valid});
    sample.stored = static_cast<double>(value);
    sample.valid = valid != 0;
  });
  return sample;
}

std::string reason_of_validity(const Sample& sample) {
  if (sample.valid) return {};
  if (!sample.inside) return "outside of the scene";
  const auto& nodata = sample.band.nodata;
  if (std::isnan(sample.stored)) return sample.name + " is NaN";
  if (nodata && *nodata == sample.stored)
    return fmt::format("{} is nodata ({})", sample.name, *nodata);
  return sample.name + " is masked in its file";
}

// The first rule about the band that takes the sample out.
std::string reason_of_mask(const Sample& sample, const MaskRules& mask) {
  for (const auto& rule : mask.rules) {
    if (!rule.of_a_band() || rule.band != sample.name) continue;
    if (auto reason = rule.reason(sample.stored); !reason.empty()) return reason;
  }
  return {};
}

std::string reason_of_rejection(const Sample& sample, const Reject& reject) {
  const auto& values = reject.any_band_in;
  const bool rejected = std::any_of(values.begin(), values.end(), [&](double value) {
    return sample.band.type == raster::PixelType::float32
               ? static_cast<double>(static_cast<float>(value)) == sample.stored
               : value == sample.stored;
  });
  return rejected ? fmt::format("{} is {}, which is rejected", sample.name, sample.stored)
                  : std::string();
}

std::string reason_of(const std::vector<Sample>& samples, const LoadParameters& parameters) {
  const auto first = [&](auto&& rule) {
    for (const auto& sample : samples)
      if (auto reason = rule(sample); !reason.empty()) return reason;
    return std::string();
  };
  auto reason = first(reason_of_validity);
  if (reason.empty())
    reason = first([&](const Sample& sample) {
      return sample.band.target == kMaskTarget ? reason_of_mask(sample, parameters.mask)
                                               : std::string();
    });
  if (reason.empty() && parameters.reject)
    reason = first([&](const Sample& sample) {
      return sample.band.target == kMaskTarget ? std::string()
                                               : reason_of_rejection(sample, *parameters.reject);
    });
  return reason;
}

// Where each band of the scene has one pixel for it, whose sample is the reason.
workflow::PixelReport explain_samples(const ReadScene& read, int64_t x, int64_t y,
                                      raster::AssetPool& pool) {
  const auto masks = read.parameters.mask.bands();
  std::vector<Sample> samples;
  for (size_t f = 0; f < read.scene.files.size(); ++f) {
    auto lease = pool.lease(read.scene.files[f].path);
    for (const auto& band : read.scene.files[f].bands) {
      auto sample = read_sample(band, read.files[f].placement, x, y, *lease);
      const bool mask = band.target == kMaskTarget;
      sample.name = mask ? masks[band.mask] : read.series[band.target].name;
      samples.push_back(std::move(sample));
    }
  }
  // Bands in the order asked for, the masks last.
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Sample& a, const Sample& b) { return a.band.target < b.band.target; });
  workflow::PixelReport report;
  for (const auto& sample : samples)
    report.values.emplace_back(sample.name, sample.stored * sample.band.gain + sample.band.shift);
  report.reason = reason_of(samples, read.parameters);
  report.valid = report.reason.empty();
  return report;
}

// Reads the pixel as the chain does, with some of the rules only.
class OnePixel {
 public:
  OnePixel(const ReadScene& read, int64_t x, int64_t y) : read_(read) {
    schema_.bands = read.series;
    schema_.slices.resize(1);
    block_ = raster::Block(schema_, {x, y, 1, 1}, 0, 1);
  }
  bool valid(raster::AssetPool& pool, SceneReader::Rules rules, size_t rule, bool reject) {
    SceneReader reader(read_.scene, read_.files, read_.parameters, read_.zone, read_.grid, block_,
                       0);
    reader.with_rules(rules, rule);
    if (!reject) reader.without_reject();
    ReadScratch scratch;
    reader.read(pool, scratch);
    return block_.validity(0)[0] != 0;
  }
  double value(size_t band) const {
    return raster::visit(block_.type(band), [&]<class T>(T) {
      return static_cast<double>(*static_cast<const T*>(block_.raw_plane(band, 0)));
    });
  }

 private:
  const ReadScene& read_;
  raster::CubeSchema schema_;
  raster::Block block_;
};

bool outside_of_a_file(const ReadScene& read, int64_t x, int64_t y) {
  for (size_t f = 0; f < read.scene.files.size(); ++f) {
    const auto& file = read.scene.files[f];
    const auto* warp = read.files[f].warp;
    if (file.only_mask() || warp == nullptr) continue;
    const raster::Warp geometry(read.grid, file.grid, warp->operation, warp->scale);
    if (raster::WarpedWindow(geometry, {x, y, 1, 1}, warp->methods).source().empty()) return true;
  }
  return false;
}

// Why a rule that looks up a band takes a pixel out.
std::string reason_of_rule(const ReadScene& read, const MaskReader& masks, const MaskRule& rule,
                           int64_t x, int64_t y) {
  const BandRule& looked_up = *rule.looked_up();
  for (const auto& file : read.scene.files) {
    for (const auto& band : file.bands) {
      if (band.target != kMaskTarget || read.parameters.mask.bands()[band.mask] != looked_up.band)
        continue;
      const auto stored = masks.sample_on_zone(file, band, x, y);
      if (!stored) return looked_up.band + " is not valid there";
      if (rule.cloud_shadow)
        return fmt::format("in the shadow of a cloud, by {} and the sun {} degrees high in {}",
                           looked_up.band, read.scene.sun->elevation_deg,
                           read.scene.sun->azimuth_deg);
      const auto reason = looked_up.reason(*stored);
      return reason.empty() ? fmt::format("{} is {} there, but masked pixels are near",
                                          looked_up.band, *stored)
                            : reason;
    }
  }
  return looked_up.band + " is not there";
}

// Rule by rule, where pixels are made of several, or masks are cleaned up.
std::string reason_by_rule(const ReadScene& read, OnePixel& pixel, int64_t x, int64_t y,
                           raster::AssetPool& pool) {
  using Rules = SceneReader::Rules;
  if (!pixel.valid(pool, Rules::none, 0, false))
    return outside_of_a_file(read, x, y) ? "outside of the scene"
                                         : "more than half of what it is made of is not valid";
  const auto& rules = read.parameters.mask.rules;
  const MaskReader masks(read.scene, read.parameters.mask, read.zone, read.grid, pool);
  for (size_t i = 0; i < rules.size(); ++i)
    if (!pixel.valid(pool, Rules::one, i, false))
      return reason_of_rule(read, masks, rules[i], x, y);
  if (!pixel.valid(pool, Rules::none, 0, true)) return "made of values that are rejected";
  return "several rules together leave less than half of what it is made of";
}

workflow::PixelReport explain_stages(const ReadScene& read, int64_t x, int64_t y,
                                     raster::AssetPool& pool) {
  OnePixel pixel(read, x, y);
  workflow::PixelReport report;
  report.valid = pixel.valid(pool, SceneReader::Rules::all, 0, true);
  if (!report.valid) {
    report.reason = reason_by_rule(read, pixel, x, y, pool);
    pixel.valid(pool, SceneReader::Rules::none, 0, false);  // for the values
  }
  for (size_t band = 0; band < read.series.size(); ++band)
    report.values.emplace_back(read.series[band].name, pixel.value(band));
  return report;
}

}  // namespace

workflow::PixelReport explain_pixel(const ReadScene& read, int64_t x, int64_t y,
                                    raster::AssetPool& pool) {
  const bool nested = std::all_of(read.files.begin(), read.files.end(),
                                  [](const auto& file) { return file.warp == nullptr; });
  const auto& rules = read.parameters.mask.rules;
  const bool from_neighbours = std::any_of(rules.begin(), rules.end(), [](const MaskRule& rule) {
    return rule.on_own_pixels() && (rule.cloud_shadow || !rule.clean.empty());
  });
  return nested && !from_neighbours ? explain_samples(read, x, y, pool)
                                    : explain_stages(read, x, y, pool);
}

}  // namespace geoloom::ops
