// SPDX-License-Identifier: Apache-2.0
#include "engine/report_pictures.h"

#include "error/error.h"
#include "gdal/preview.h"

namespace geoloom::engine {
namespace {

constexpr size_t kMostOfLayer = 4, kMostPictures = 16;
constexpr int64_t kLongestSide = 256;
constexpr size_t kMostBytes = 600'000;

bool is_raster(const Output& output) {
  return output.schema && !output.chunks && output.media_type.starts_with("image/tiff");
}

}  // namespace

bool ReportPictures::wanted(const Output& output) const {
  if (output.media_type != "image/png" && !is_raster(output)) return false;
  const auto known = by_layer_.find(output.layer);
  return known == by_layer_.end() || known->second.size() < kMostOfLayer;
}

void ReportPictures::offer(const Receipt& receipt) {
  for (const auto& output : receipt.outputs)
    if (wanted(output)) by_layer_[output.layer].push_back({receipt.item, output});
}

void ReportPictures::draw(const Candidate& candidate) {
  if (pictures_.size() >= kMostPictures || !drawn_.insert(candidate.output.name).second) return;
  try {
    auto bytes = gdal::preview_png(store_.path_of(candidate.output.name), kLongestSide);
    if (bytes_ + bytes.size() > kMostBytes) return;
    bytes_ += bytes.size();
    pictures_.push_back({candidate.output.layer, candidate.item, "image/png", std::move(bytes)});
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): see the header
  }
}

const std::vector<ReportPicture>& ReportPictures::pictures() {
  for (const bool quicklooks : {true, false})
    for (const auto& [layer, candidates] : by_layer_)
      for (const auto& candidate : candidates)
        if (is_raster(candidate.output) != quicklooks) draw(candidate);
  return pictures_;
}

}  // namespace geoloom::engine
